"""The MAE tab: layout, prepared result, and public endpoints."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from fakes import ShallowModels
from gradio_client import Client, handle_file
from PIL import Image

from demos.core.context import Context, make_context
from demos.mae import tab
from demos.mae.masks import MAX_SEED, draw_mask, encode_mask
from demos.mae.reconstruction import PANELS, reconstruct
from demos.mae.results import hero_html, table_html, verdict_html
from demos.mae.session import WEIGHTS, MAESession
from models.data.images import square_crop


@pytest.fixture(scope="module")
def client(shallow_models: ShallowModels, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("mae")
    context = make_context(
        shallow_models.load_model, shallow_models.weights_info, folder / "files", first_paint=folder / "none"
    )
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(context)
    app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", allowed_paths=[str(folder)])
    yield Client(app.local_url, verbose=False)
    app.close()


@pytest.fixture(scope="module")
def photo_file(photo: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    photo.save(path)
    return str(path)


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def components(app: gr.Blocks) -> dict[str, Any]:
    return {block.elem_id: block for block in app.blocks.values() if block.elem_id}


@pytest.mark.parametrize("name", ["on_change", "on_redraw", "on_ratio", "on_stroke"])
def test_nothing_old_stands_beside_a_refused_picture(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    told: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: told.append(message))
    refused = tmp_path / "text.jpg"
    refused.write_text("no picture")
    controls = [str(refused), 75, "random", 1, "", WEIGHTS]
    inputs = {
        "on_ratio": [50, *controls],
        "on_stroke": [encode_mask(np.eye(16, dtype=bool)), str(refused), 1, WEIGHTS],
    }.get(name, controls)
    with gr.Blocks() as app:
        tab.build(context)
    answers = []
    for event in app.fns.values():
        ids = [block.elem_id for block in event.outputs]
        held = [cell.cell_contents for cell in getattr(event.fn, "__closure__", None) or ()]
        if event.fn and "mae-result-slider" in ids and name in [getattr(each, "__name__", "") for each in held]:
            answers.append(dict(zip(ids, event.fn(None, *inputs), strict=True)))
    assert answers and len(told) == len(answers)
    assert all(answer["mae-result-slider"] is None for answer in answers)
    assert all("Choose a picture" in answer["mae-result-score"] for answer in answers)


def test_tab_builds_without_a_prepared_result(context: Context):
    with gr.Blocks() as app:
        tab.build(context)
    found = components(app)
    assert {f"mae-result-{name}" for name in PANELS} <= set(found)
    assert "Choose a picture" in found["mae-result-score"].value


def test_tab_opens_on_the_prepared_result(context: Context, photo: Image.Image, monkeypatch, tmp_path):
    example = tmp_path / "scene.png"
    photo.save(example)
    monkeypatch.setattr(tab, "scenes", lambda: [example])
    folder = context.first_paint / "mae"
    folder.mkdir(parents=True)
    tab.precompute(context, folder)
    with gr.Blocks() as app:
        tab.build(context)
    found = components(app)
    assert "192" in found["mae-result-table"].value
    assert "16 × 16 patches of 8 px" in found["mae-result-facts"].value
    assert "first of 1 example pictures by name" in found["mae-opening"].value
    canvas = json.loads(found["mae-canvas"].value)
    assert (canvas["grid"], canvas["percent"]) == (16, 75) and canvas["mask"].startswith("16.")
    assert found["mae-picker"].value == found["mae-canvas"].value
    assert "when it was prepared" in found["mae-result-facts"].value
    for name in PANELS:
        shown = found[f"mae-result-{name}"].value
        assert np.array_equal(pixels(shown["path"]), pixels(str(folder / f"{name}.png")))


def test_summary_is_the_opening_reconstruction(context: Context, photo: Image.Image):
    with gr.Blocks():
        interface = tab.build(context)
    assert interface.summary is not None
    cell = interface.summary(photo)
    session = MAESession(context)
    model, square = session.model(WEIGHTS), square_crop(photo, 128)
    expected = reconstruct(model, square, draw_mask(square, 16, *tab.OPENING))
    assert (cell.image, cell.text, cell.link) == (
        expected.pasted,
        verdict_html(context, expected.scores),
        "tab=mae",
    )


@pytest.mark.parametrize(
    ("model", "fill", "words"),
    [(12.0, 15.0, "<b>20%</b> less error"), (18.0, 15.0, "20%</b> more error"), (15.02, 15.0, "as good as")],
)
def test_verdict_and_table_match_the_scores(context: Context, model, fill, words):
    scores = {
        "patches": 256,
        "hidden_patches": 192,
        "model": {"psnr": 20.0, "mean_abs_error": model},
        "smooth_fill": {"psnr": 18.5, "mean_abs_error": fill},
        "mean_colour": {"psnr": 9.9, "mean_abs_error": 40.0},
    }
    assert words in verdict_html(context, scores) and words in hero_html(context, scores)
    assert ('class="worse"' in hero_html(context, scores)) == (model > fill + 1), "no praise where it is worse"
    table = table_html(context, scores)
    assert all(number in table for number in ("20.0 dB", "18.5 dB", f"{model:.1f}", f"{fill:.1f}", "9.9 dB", "40.0"))


def test_reconstruct_returns_images_and_scores(client: Client, photo_file: str):
    masked, reconstruction, pasted, scores = client.predict(
        handle_file(photo_file), 0.75, "random", 3, api_name="/reconstruct"
    )
    masked, reconstruction, pasted = pixels(masked), pixels(reconstruction), pixels(pasted)
    assert masked.shape == reconstruction.shape == pasted.shape == (128, 128, 3)
    hidden = (pasted != masked).any(axis=2)
    assert 0.7 < hidden.mean() <= 0.75, "a hidden pixel may happen to be predicted in the tone of the mask"
    assert np.array_equal(pasted[hidden], reconstruction[hidden])
    assert (scores["patches"], scores["hidden_patches"]) == (256, 192)
    assert set(scores["model"]) == set(scores["smooth_fill"]) == {"psnr", "mean_abs_error"}


def test_reconstruct_is_deterministic(client: Client, photo_file: str):
    first, again, other = (
        client.predict(handle_file(photo_file), 0.5, "block", seed, api_name="/reconstruct") for seed in (1, 1, 2)
    )
    assert np.array_equal(pixels(first[2]), pixels(again[2])) and first[3] == again[3]
    assert not np.array_equal(pixels(first[0]), pixels(other[0]))


def test_with_nothing_hidden_scores_are_null(client: Client, photo_file: str):
    scores = client.predict(handle_file(photo_file), 0, "random", 0, api_name="/reconstruct")[3]
    assert scores == {
        "patches": 256,
        "hidden_patches": 0,
        "model": None,
        "smooth_fill": None,
        "mean_colour": None,
        "mask": encode_mask(np.zeros((16, 16), bool)),
    }


def test_given_mask_hides_those_patches(client: Client, photo_file: str):
    mask = np.zeros((16, 16), bool)
    mask[2, 3:9] = mask[10:12, 7] = True
    masked, _, pasted, scores = client.predict(handle_file(photo_file), mask=encode_mask(mask), api_name="/reconstruct")
    assert (scores["hidden_patches"], scores["mask"]) == (8, encode_mask(mask))
    differs = (pixels(masked) != pixels(pasted)).any(axis=2).reshape(16, 8, 16, 8).any(axis=(1, 3))
    assert np.array_equal(differs, mask)


ALL = encode_mask(np.ones((16, 16), bool))


@pytest.mark.parametrize(("mask", "message"), [("hello", "did not arrive as a mask"), (ALL, "leave at least one")])
def test_invalid_mask_is_refused_in_one_sentence(client: Client, photo_file: str, mask: str, message: str):
    with pytest.raises(Exception, match=message):
        client.predict(handle_file(photo_file), mask=mask, api_name="/reconstruct")


def test_analyses_and_inpainting_are_offered(client: Client, photo_file: str):
    photo = handle_file(photo_file)
    strip, ratios = client.predict(photo, "random", 1, api_name="/reconstruct_ratios")
    assert pixels(strip).shape[1] > 1000
    assert [each["mask_ratio"] for each in ratios["ratios"]] == [0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95]
    *images, often = client.predict(photo, 0.75, 4, 1, api_name="/reconstruct_often")
    assert often["masks"] == 4 and len({pixels(each).tobytes() for each in images}) == 3
    mask = np.ones((16, 16), bool)
    mask[8:12, 8:12] = False
    heat, found = client.predict(photo, mask=encode_mask(mask), row=5, column=6, api_name="/patch_influence")
    levels = np.array(found["change_in_levels"], float)
    assert np.array_equal(np.isnan(levels), mask) and np.nanmax(levels) > 0 and pixels(heat).shape == (128, 128, 3)
    mixture, *_ = client.predict(
        photo, handle_file(photo_file), mask=encode_mask(mask), mix_ratio=0.5, api_name="/mix_photos"
    )
    assert np.array_equal(pixels(mixture), pixels(client.predict(photo, 0, api_name="/reconstruct")[0]))
    damaged, mended, _, scores = client.predict(photo, "text", 2, api_name="/mend_photo")
    changed = (pixels(damaged) != pixels(mended)).any(axis=2)
    assert 0 < changed.sum() <= scores["spoilt_pixels"] and set(scores["model"]) == {"psnr", "mean_abs_error"}


@pytest.mark.parametrize(
    ("endpoint", "arguments", "message"),
    [
        ("/reconstruct_often", {"mask_ratio": 0.0}, "Nothing is hidden"),
        ("/reconstruct_often", {"count": 1}, "count is 1; give a number from 2 to 64"),
        ("/patch_influence", {"mask_ratio": 0.0}, "need not guess it"),
        ("/mend_photo", {"damage": "none", "scratches": ""}, "did not arrive as a mask"),
        ("/mend_photo", {"damage": "none", "scratches": encode_mask(np.zeros((128, 128), bool))}, "Nothing is marked"),
        ("/mend_photo", {"damage": "none", "scratches": ALL}, "128 × 128"),
    ],
)
def test_impossible_requests_are_refused_in_one_sentence(client: Client, photo_file: str, endpoint, arguments, message):
    with pytest.raises(Exception, match=message):
        client.predict(image=handle_file(photo_file), **arguments, api_name=endpoint)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"this is not a picture", "is not a picture"),
        (b"", "is an empty file"),
        (None, "Choose a photo first"),
    ],
)
def test_unreadable_photo_is_refused_in_one_sentence(client: Client, tmp_path: Path, content, message):
    photo = None
    if content is not None:
        path = tmp_path / "bad.png"
        path.write_bytes(content)
        photo = handle_file(str(path))
    with pytest.raises(Exception, match=message):
        client.predict(photo, 0.75, "random", 0, api_name="/reconstruct")


@pytest.mark.parametrize(("ratio", "kind", "seed"), [(0.99, "random", 0), (0.5, "stripes", 0), (0.5, "block", -1)])
def test_arguments_out_of_range_are_refused(client: Client, photo_file: str, ratio, kind, seed):
    with pytest.raises(Exception, match=r"from 0 to 0\.95|stripes|seed is -1"):
        client.predict(handle_file(photo_file), ratio, kind, seed, api_name="/reconstruct")


@pytest.mark.parametrize("seed", [0, MAX_SEED])
def test_every_endpoint_takes_the_first_and_the_last_seed(client: Client, photo_file: str, seed: int):
    photo = handle_file(photo_file)
    for name in ("/reconstruct", "/reconstruct_ratios", "/reconstruct_often", "/mend_photo"):
        assert client.predict(image=photo, seed=seed, api_name=name)
    assert client.predict(image_a=photo, image_b=photo, seed=seed, api_name="/mix_photos")


def test_public_endpoints(client: Client):
    offered = set(client.view_api(return_format="dict")["named_endpoints"])
    alone = {"/reconstruct", "/reconstruct_ratios", "/reconstruct_often", "/patch_influence"}
    assert offered == alone | {"/mix_photos", "/mend_photo"}
