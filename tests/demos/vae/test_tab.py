"""The VAE tab: what it opens on, the interpolation it shows, and its endpoints over HTTP."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from fakes import ShallowModels
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from lively import lively_vae
from PIL import Image

from demos.core.context import Context, make_context
from demos.ui.animation import upscale
from demos.vae import photo_input, tab
from demos.vae.interpolation import DEFAULT_STEPS, LARGE_SIDE, SMALL_SIDE, reconstruct, stride_for
from demos.vae.interpolation_ui import missing, no_values, result_handler
from demos.vae.networks import MODELS, Networks
from demos.vae.photo_input import EXAMPLES_PER_END, PhotoInput, example_ends
from demos.vae.results import read_stored
from demos.vae.sampling import SAMPLES
from models.analysis.metrics import psnr
from models.data.images import read_image, square_crop, to_tensor

NETWORKS = {name: lively_vae(64, 16, 4, seed) for seed, name in enumerate(MODELS)}


@pytest.fixture(scope="module")
def client(shallow_models: ShallowModels, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("vae")
    context = make_context(
        NETWORKS.__getitem__, shallow_models.weights_info, folder / "files", first_paint=folder / "none"
    )
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(context)
    app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", allowed_paths=[str(folder)])
    yield Client(app.local_url, verbose=False)
    app.close()


@pytest.fixture
def photos(photo: Image.Image, tmp_path: Path) -> tuple[str, str]:
    """Two photos of different shape, as files."""
    paths = tmp_path / "first.png", tmp_path / "last.png"
    photo.save(paths[0])
    photo.transpose(Image.Transpose.ROTATE_90).point(lambda level: 255 - level).save(paths[1])
    return str(paths[0]), str(paths[1])


@pytest.fixture
def fruit(photos: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of built-in examples with two apples and two oranges, masks beside them."""
    folder = tmp_path / "examples" / "fruit"
    folder.mkdir(parents=True)
    for kind, path in zip(("apple", "orange"), photos, strict=True):
        with Image.open(path) as image:
            for name in ("01.jpg", "02.jpg", "01.mask.png"):
                image.save(folder / f"{kind}-{name}")
    monkeypatch.setattr(photo_input, "EXAMPLES", folder.parent)
    return folder


def show(context: Context, *inputs: Any) -> list[Any]:
    return result_handler(context, Networks(context))(*inputs)


def built(context: Context) -> dict[str, Any]:
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(context)
    return {block.elem_id: block for block in app.blocks.values() if getattr(block, "elem_id", None)}


def files_in(html: str) -> list[Path]:
    """The files a panel shows, all of which must exist."""
    paths = [Path(path) for path in re.findall(r'gradio_api/file=([^"]+)"', html)]
    assert all(path.is_file() for path in paths)
    return paths


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_without_a_first_result_the_tab_asks_for_two_images(context: Context) -> None:
    parts = built(context)
    assert "Choose two pictures" in parts["vae-result-animation"].value
    assert parts["vae-a"].value is parts["vae-b"].value is None
    assert not parts["vae-save-strip"].interactive


def test_the_tab_opens_on_the_result_that_was_prepared(context: Context, fruit: Path) -> None:
    folder = context.first_paint / "vae"
    folder.mkdir(parents=True)
    tab.precompute(context, folder)
    parts = built(context)
    assert {"vae-fruit", "vae-portraits"} == {value for _, value in parts["vae-model"].choices}
    rows = files_in(parts["vae-result-strip"].value)  # line, arc and cross-fade, cut from one file
    assert len(rows) == 3 and len(set(rows)) == 1 and rows[0].parent == folder
    assert "numbers instead of 12,288" in parts["vae-verdict"].value
    assert len(files_in(parts["vae-result-ends"].value)) == 4
    assert len(files_in(parts["vae-samples"].value)) == SAMPLES
    assert "prepared" in parts["vae-facts"].value
    assert Path(parts["vae-a"].value["path"]).name == "apple-01.jpg"
    assert Path(parts["vae-b"].value["path"]).name == "orange-01.jpg"
    assert [len(parts[f"vae-examples-{end}-fruit"].samples) for end in "ab"] == [2, 2]
    assert [len(parts[f"vae-examples-{end}-portraits"].samples) for end in "ab"] == [EXAMPLES_PER_END] * 2
    assert not parts["vae-examples-a-portraits"].visible


def test_a_stored_result_is_the_one_computed_now(context: Context, fruit: Path) -> None:
    folder = context.first_paint / "vae"
    folder.mkdir(parents=True)
    tab.precompute(context, folder)
    stored = read_stored(folder)
    assert stored is not None and stored.prepared
    a, b = str(fruit / "apple-01.jpg"), str(fruit / "orange-01.jpg")
    _, strip, ends, *_ = show(context, a, b, DEFAULT_STEPS, "vae-fruit")
    assert (pixels(files_in(strip)[0]) == pixels(stored.strip)).all()
    for now, then in zip(
        files_in(ends),
        [stored.images[0], *stored.rebuilt, stored.images[1]],
        strict=True,
    ):
        assert (pixels(now) == pixels(then)).all()
    assert all("/" not in str(value) for value in json.loads((folder / "result.json").read_text()).values()), "no path"


def test_a_result_shows_facts_scores_and_equal_files_for_equal_images(
    context: Context, photos: tuple[str, str]
) -> None:
    player, strip, ends, facts, save_strip, save_numbers, verdict = show(context, *photos, 5, "vae-fruit")
    assert "vae-fruit" in facts and "64 × 64" in facts and "16 numbers" in facts and "5 pictures" in facts
    assert f'data-columns="{stride_for(5) * 4 + 1}"' in player
    assert re.search(r"Rebuilt, PSNR \d+\.\d dB", ends)
    assert Path(save_strip["value"]) == files_in(strip)[0]
    numbers = json.loads(Path(save_numbers["value"]).read_text())
    assert numbers["sha256"] == context.weights_info("vae-fruit").sha256
    assert (numbers["model"], numbers["steps"], numbers["ways"]) == ("vae-fruit", 5, ["lerp", "slerp"])
    with torch.inference_mode():
        mu, _ = NETWORKS["vae-fruit"].encode(to_tensor([square_crop(read_image(path), 64) for path in photos]))
    assert np.abs(np.array(numbers["latents"]) - mu.numpy()).max() < 1e-3
    assert all(f"{score:.1f} dB" in ends for score in numbers["psnr_db"])
    off = sum(10 ** (-score / 20) for score in numbers["psnr_db"]) / 2
    assert "<b>16</b>" in verdict and f"<b>{off:.1%}</b>" in verdict
    again = show(context, *photos, 5, "vae-fruit")
    assert again[:3] == [player, strip, ends]


@pytest.mark.parametrize("present", [(False, False), (True, False), (False, True)])
def test_a_missing_image_is_asked_for(context: Context, photos: tuple[str, str], present: tuple[bool, bool]) -> None:
    paths = [path if here else None for path, here in zip(photos, present, strict=True)]
    player, *rest = show(context, paths[0], paths[1], 5, "vae-fruit")
    assert ("the other picture" in player) == any(present)
    assert rest[:3] == ["", "", ""]
    assert all(button["value"] is None and not button["interactive"] for button in rest[3:5])
    assert "<p>" not in rest[5] and 'data-open="details"' in rest[5]


def test_a_bad_image_is_named_where_the_result_would_be(
    context: Context, photos: tuple[str, str], tmp_path: Path
) -> None:
    bad = tmp_path / "mine.png"
    bad.write_bytes(b"not a picture")
    player, *rest = show(context, photos[0], str(bad), 5, "vae-fruit")
    assert "mine.png is not a picture" in player
    assert rest[:3] == ["", "", ""]


def test_removing_a_photo_asks_for_it_again(context: Context) -> None:
    assert "the other picture" in no_values(context, missing("there.png"))[0]
    assert "Choose two pictures" in no_values(context, missing(None))[0]


def test_the_summary_of_an_image_is_its_reconstruction(context: Context, photo: Image.Image) -> None:
    with gr.Blocks(analytics_enabled=False):
        summary = tab.build(context).summary
    assert summary is not None
    cell = summary(photo)
    rebuilt, score = reconstruct(context.load_model("vae-fruit"), photo)  # type: ignore[arg-type]
    assert cell.image == upscale([rebuilt], SMALL_SIDE)[0] and max(cell.image.size) <= 256
    assert f"{score:.1f} dB" in cell.text and cell.link == "tab=vae"
    pixels = to_tensor(square_crop(photo, 64))
    with torch.inference_mode():
        mu, _ = NETWORKS["vae-fruit"].encode(pixels)
        assert score == pytest.approx(psnr(NETWORKS["vae-fruit"].decode(mu)[0], pixels[0]), abs=0.01)


def test_a_change_of_model_replaces_built_in_images_only(
    context: Context, photos: tuple[str, str], fruit: Path
) -> None:
    paths = {name: example_ends(context, name)[0] for name in MODELS}
    with gr.Blocks(analytics_enabled=False):
        place = PhotoInput(
            gr.Image(), {name: gr.Dataset(components=[gr.Image(render=False)]) for name in MODELS}, paths
        )
    first = str(fruit / "apple-01.jpg")
    path, *updates = place.update(context, str(fruit / "orange-02.jpg"), "vae-fruit")
    assert path == first and [update["visible"] for update in updates] == [True, False]
    second = str(fruit / "apple-02.jpg")
    assert place.update(context, second, "vae-fruit")[0] == second, "an example for this model stays, as in a link"
    assert place.update(context, photos[0], "vae-fruit")[0] == photos[0], "an own photo stays"
    sent = str(context.first_paint / "cyclegan" / "translated.png")
    assert place.update(context, sent, "vae-fruit")[0] == sent, "what another tab opened on stays, too"
    assert place.update(context, None, "taesd")[0] == first, "any examples suit a model that is not ours"
    assert place.update(context, first, "vae-portraits")[0] is None, "no portrait was drawn yet"


def test_the_endpoint_gives_the_frames_and_a_looping_animation(client: Client, photos: tuple[str, str]) -> None:
    frames, animation = client.predict(
        image_a=handle_file(photos[0]),
        image_b=handle_file(photos[1]),
        steps=7,
        model="vae-portraits",
        api_name="/interpolate",
    )
    assert [pixels(frame).shape for frame in frames] == [(LARGE_SIDE, LARGE_SIDE, 3)] * 7
    assert all(Path(frame).suffix == ".png" for frame in frames)
    with Image.open(animation) as moving:
        assert (moving.format, moving.size, moving.info["loop"]) == ("WEBP", (LARGE_SIDE, LARGE_SIDE), 0)


def test_exchanged_images_give_the_reversed_interpolation(client: Client, photos: tuple[str, str]) -> None:
    forward, _ = client.predict(*map(handle_file, photos), 5, "vae-fruit", api_name="/interpolate")
    backward, _ = client.predict(*map(handle_file, photos[::-1]), 5, "vae-fruit", api_name="/interpolate")
    for one, other in zip(forward, reversed(backward), strict=True):
        assert np.abs(pixels(one) - pixels(other)).max() <= 2


@pytest.mark.parametrize("missing", ["image_a", "image_b"])
def test_the_endpoint_names_the_missing_image(client: Client, photos: tuple[str, str], missing: str) -> None:
    arguments = {"image_a": handle_file(photos[0]), "image_b": handle_file(photos[1]), missing: None}
    with pytest.raises(AppError, match=rf"^Two pictures are needed: {missing} is missing\.$"):
        client.predict(**arguments, steps=5, model="vae-fruit", api_name="/interpolate")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "is an empty file"), (b"%PDF-1.7 not a picture", "is not a picture"), (b"\x89PNG\r\n\x1a\n", "cut short")],
)
def test_a_bad_file_gets_one_clear_sentence(
    client: Client, photos: tuple[str, str], tmp_path: Path, content: bytes, sentence: str
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(content)
    with pytest.raises(AppError, match=rf"^bad\.png [^.]*{sentence}[^.]*\.$"):
        client.predict(handle_file(photos[0]), handle_file(str(bad)), 5, "vae-fruit", api_name="/interpolate")


@pytest.mark.parametrize(("steps", "model"), [(2, "vae-fruit"), (25, "vae-fruit"), (5, "mae-photos")])
def test_arguments_out_of_range_are_refused(client: Client, photos: tuple[str, str], steps: int, model: str) -> None:
    with pytest.raises(AppError):
        client.predict(*map(handle_file, photos), steps, model, api_name="/interpolate")


def test_the_endpoint_mixes_two_to_four_images(client: Client, photos: tuple[str, str]) -> None:
    images = {f"image_{letter}": handle_file(photos[place % 2]) for place, letter in enumerate("abcd")}
    sizes = {}
    for count in (2, 3, 4):
        given = dict(list(images.items())[:count]) | {f"image_{letter}": None for letter in "abcd"[count:]}
        sizes[count] = pixels(client.predict(**given, steps=3, model="vae-fruit", api_name="/grid")).shape
    side = 3 * 128 + 2 * 4
    assert sizes == {2: (128, side, 3), 3: (side, side, 3), 4: (side, side, 3)}
    with pytest.raises(AppError, match="Choose two pictures"):
        client.predict(None, None, None, None, 3, "vae-fruit", api_name="/grid")


def test_the_endpoint_adds_a_difference_of_groups(client: Client, photos: tuple[str, str]) -> None:
    def shifted(strength: float) -> np.ndarray:
        groups = {name: [handle_file(path)] for name, path in zip(("minus", "plus"), photos, strict=True)}
        path = client.predict(
            image=handle_file(photos[0]), **groups, strength=strength, model="vae-fruit", api_name="/shift"
        )
        return pixels(path)

    frames, _ = client.predict(*map(handle_file, photos), 3, "vae-fruit", api_name="/interpolate")
    assert np.abs(shifted(0.0) - pixels(frames[0])).max() <= 2, "nothing added is the rebuilt picture"
    assert np.abs(shifted(1.0) - pixels(frames[2])).max() <= 2, "the whole difference leads to the other picture"


def test_the_endpoint_draws_the_same_images_for_the_same_seed(client: Client) -> None:
    first, numbers = client.predict(7, 0.8, "vae-fruit", api_name="/sample")
    again, _ = client.predict(7, 0.8, "vae-fruit", api_name="/sample")
    assert len(first) == len(numbers["latents"]) == SAMPLES
    assert all((pixels(one) == pixels(other)).all() for one, other in zip(first, again, strict=True))


def test_exactly_these_endpoints_are_public(client: Client) -> None:
    offered = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(offered) == {"/interpolate", "/grid", "/shift", "/sample"}
    assert [p["parameter_name"] for p in offered["/interpolate"]["parameters"]] == [
        "image_a",
        "image_b",
        "steps",
        "model",
    ]
    assert [r["label"] for r in offered["/interpolate"]["returns"]] == ["frames", "animation"]
