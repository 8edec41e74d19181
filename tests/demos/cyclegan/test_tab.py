"""The CycleGAN tab: what opens first, its endpoints, and what it makes of an image for an overview."""

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
from demos.core.i18n import InputError
from demos.cyclegan import tab, translation
from demos.cyclegan.results import component_values
from models.data.images import to_tensor

APPLE = {"apple": 1.0, "orange": 0.0, "elsewhere": 0.0}
LIGHTHOUSE = {"apple": 0.0, "orange": 0.0, "elsewhere": 1.0}


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")).astype(int)


def components(app: gr.Blocks) -> dict[str, Any]:
    return {block.elem_id: block for block in app.blocks.values() if block.elem_id}


def test_the_tab_is_empty_without_a_precomputed_result(context: Context) -> None:
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(context)
    found = components(app)
    assert found["cyclegan-photo"].value is None
    assert found["cyclegan-translated"].value is None
    assert found["cyclegan-score"].value == found["cyclegan-verdict"].value == ""


def test_the_tab_opens_on_the_precomputed_result(context: Context) -> None:
    folder = context.first_paint / "cyclegan"
    folder.mkdir(parents=True)
    tab.precompute(context, folder)
    stored = json.loads((folder / "result.json").read_text()) | {"kinds": APPLE}
    (folder / "result.json").write_text(json.dumps(stored))
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(context)
    found = components(app)
    assert found["cyclegan-photo"].value["orig_name"] == translation.OPENING_EXAMPLE
    assert f"{stored['cycle_error']:.1f}" in found["cyclegan-score"].value
    assert f"{stored['convincing']:.0%}" in found["cyclegan-convincing"].value
    verdict = found["cyclegan-verdict"].value
    assert f"<b>{stored['cycle_error'] / 255:.1%}</b>" in verdict
    assert f"<b>{100 * stored['convincing']:.0f}</b> of 100 real oranges" in verdict
    assert all((folder / "cards" / f"{name}.webp").stat().st_size < 20_000 for name in ("quiz", "halves", "step-3"))
    assert Path(found["cyclegan-strip"].value["path"]).suffix == ".png"
    assert "apple2orange" in found["cyclegan-facts"].value
    with Image.open(found["cyclegan-translated"].value[0]["path"]) as shown:
        original = to_tensor(Image.open(folder / "original.png"))
        again = context.load_model("apple2orange")(original)
        assert np.abs(pixels(shown) - ((again[0].permute(1, 2, 0).numpy() + 1) * 127.5)).max() <= 1


@pytest.mark.parametrize(("kinds", "graded"), [(APPLE, True), (LIGHTHOUSE, False)])
def test_what_is_no_fruit_is_not_graded_as_one(context: Context, kinds: dict[str, float], graded: bool) -> None:
    numbers = {
        "direction": "apple2orange", "weights": ["apple2orange", "orange2apple"], "size": [8, 8], "seconds": 0.1,
        "cycle_error": 5.1, "convincing": 0.25, "larger_error": 0.5, "kinds": kinds,
    }  # fmt: skip
    values = component_values(context, {"original": "a.png", "translated": "b.png"}, numbers)
    assert bool(values["warning"]) != graded
    assert ("<b>25</b> of 100 real oranges" in values["verdict"]) == graded and "<b>2.0%</b>" in values["verdict"]
    assert bool(values["convincing"]) == graded and ("the same apple" in values["score"]) == graded


@pytest.fixture(scope="module")
def client(shallow_models: ShallowModels, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("cyclegan")
    context = make_context(shallow_models.load_model, shallow_models.weights_info, folder, first_paint=folder)
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(context)
    app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield Client(app.local_url, verbose=False)
    app.close()


def test_programs_get_the_same_translation(client: Client, context: Context, photo: Image.Image, tmp_path: Path):
    photo.save(tmp_path / "photo.png")
    translated, back, error = client.predict(
        handle_file(str(tmp_path / "photo.png")), "orange2apple", api_name="/translate"
    )
    networks = context.load_model("orange2apple"), context.load_model("apple2orange")
    expected = translation.translate_cycle(photo, *networks)
    assert np.array_equal(pixels(Image.open(translated)), pixels(expected.translated))
    assert np.array_equal(pixels(Image.open(back)), pixels(expected.reconstruction))
    assert error == pytest.approx(expected.cycle_error, abs=0.001)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"%PDF-1.7 not a photo", "not a picture"), (b"\x89PNG\r\n\x1a\n short", "damaged")],
)
def test_a_file_that_is_no_photo_is_explained(client: Client, tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "photo.png"
    file.write_bytes(content)
    with pytest.raises(Exception, match=reason):
        client.predict(handle_file(str(file)), "apple2orange", api_name="/translate")


def test_a_narrow_photo_is_explained(client: Client, tmp_path: Path) -> None:
    Image.new("RGB", (900, 60)).save(tmp_path / "strip.png")
    with pytest.raises(Exception, match="too long and narrow: crop it to at most 8 to 1"):
        client.predict(handle_file(str(tmp_path / "strip.png")), "apple2orange", api_name="/translate")


def test_an_unknown_direction_is_refused(client: Client, photo: Image.Image, tmp_path: Path) -> None:
    photo.save(tmp_path / "photo.png")
    with pytest.raises(Exception, match="apple2pear"):
        client.predict(handle_file(str(tmp_path / "photo.png")), "apple2pear", api_name="/translate")


def test_programs_get_the_numbers_of_the_page(client: Client, photo: Image.Image, tmp_path: Path) -> None:
    photo.save(tmp_path / "photo.png")
    heat, numbers = client.predict(
        handle_file(str(tmp_path / "photo.png")), "apple2orange", api_name="/judge_translation"
    )
    assert Image.open(heat).size == photo.size
    assert 0 <= numbers["convincing"] <= 1 and 0 <= numbers["larger_error"] <= 1
    assert sum(numbers["kinds"].values()) == pytest.approx(1, abs=0.001)
    assert numbers["size"] == list(photo.size)


def test_the_summary_is_the_translation_with_its_cycle_error(context: Context, photo: Image.Image) -> None:
    with gr.Blocks(analytics_enabled=False):
        summary = tab.build(context).summary
    assert summary is not None
    cell = summary(photo)
    done = translation.translate_cycle(photo, context.load_model("apple2orange"), context.load_model("orange2apple"))
    assert np.array_equal(pixels(cell.image), pixels(done.translated)) and max(cell.image.size) <= 256
    assert f"<b>{done.cycle_error:.1f}</b>" in cell.text and cell.text.count("<span lang=") == 2
    assert cell.link == "tab=cyclegan"
    with pytest.raises(InputError, match="too_narrow"):
        summary(Image.new("RGB", (900, 60)))
