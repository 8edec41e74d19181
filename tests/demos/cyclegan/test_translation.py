"""The CycleGAN tab: the translation itself, what is shown of it, and what opens first."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from fakes import ShallowModels
from gradio_client import Client, handle_file
from PIL import Image
from torch import nn

from demos.core.context import Context, make_context
from demos.cyclegan import tab, translation
from models.analysis.cyclegan_calibration import DIRECTIONS, KINDS, calibration
from models.checkpoints import load_model, weights_info
from models.data.images import to_tensor


class Negative(nn.Module):
    """Its own inverse, so that the round trip is exact."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return -x


class Brighter(nn.Module):
    """Adds a fixed amount, in levels of 0 to 255."""

    def __init__(self, levels: float) -> None:
        super().__init__()
        self.levels = levels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.levels / 127.5


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")).astype(int)


def test_a_perfect_round_trip_has_no_error(photo: Image.Image) -> None:
    result = translation.translate(photo, Negative(), Negative())
    assert result.cycle_error == pytest.approx(0, abs=1e-4)
    assert np.array_equal(pixels(result.translated), 255 - pixels(result.original))
    assert np.array_equal(pixels(result.back), pixels(result.original))
    assert (pixels(result.difference) == 255).all()


def test_the_error_is_in_levels_of_255(photo: Image.Image) -> None:
    result = translation.translate(photo, Brighter(10), Brighter(-4))
    assert result.cycle_error == pytest.approx(6, abs=1e-3)
    assert result.seconds > 0


@pytest.mark.parametrize(
    ("size", "expected"),
    [((512, 512), (256, 256)), ((1000, 500), (256, 128)), ((300, 900), (84, 256)), ((64, 40), (64, 40))],
)
def test_photos_keep_their_shape(size: tuple[int, int], expected: tuple[int, int]) -> None:
    result = translation.translate(Image.new("RGB", size, "red"), Negative(), Negative())
    assert result.original.size == expected
    assert result.translated.size == result.back.size == result.difference.size == expected


def test_a_strip_is_refused() -> None:
    with pytest.raises(translation.TooNarrowError, match="24 px"):
        translation.translate(Image.new("RGB", (2000, 200)), Negative(), Negative())


def test_differences_are_white_to_teal() -> None:
    levels = np.array([[0.0, translation.FULL_COLOUR / 2, translation.FULL_COLOUR, 255.0]])
    none, half, full, beyond = pixels(translation.difference_image(levels))[0]
    assert none.tolist() == [255, 255, 255]
    assert (full < half).all() and (half < none).all()
    assert full.tolist() == beyond.tolist()
    assert full[0] < full[1]


def test_examples_go_in_the_direction_that_makes_sense() -> None:
    examples = translation.example_photos()
    assert len(examples) >= 10
    directions = [translation.example_direction(path) for path in examples]
    assert directions[:4] == ["apple2orange", "orange2apple"] * 2
    assert translation.FRUITS / translation.OPENING_EXAMPLE in examples


@pytest.mark.parametrize(
    ("apple", "orange", "direction", "warning"),
    [
        (0.9, 0.05, "apple2orange", ""),
        (0.9, 0.05, "orange2apple", "other"),
        (0.5, 0.45, "orange2apple", ""),
        (0.05, 0.05, "apple2orange", "elsewhere"),
        (0.05, 0.05, "orange2apple", "elsewhere"),
    ],
)
def test_a_photo_that_does_not_suit_is_warned_of(apple: float, orange: float, direction: str, warning: str) -> None:
    kinds = dict(zip(KINDS, (apple, orange, 1 - apple - orange), strict=True))
    assert translation.warning_of(kinds, direction, threshold=0.7) == warning


def test_our_images_of_things_are_warned_of_and_our_fruit_is_not() -> None:
    probe = calibration().probe
    assert all(area > 0.9 for area in probe.auc.values()) and probe.unseen, "told apart from sources it never saw"

    def warnings(paths: list[Path], direction: str) -> list[str]:
        kinds = [translation.kinds_of(Image.open(path), load_model, calibration()) for path in paths]
        return [translation.warning_of(kind, direction, probe.threshold) for kind in kinds]

    scenes = warnings(sorted((translation.EXAMPLES / "scenes").glob("*.jpg")), "apple2orange")
    fruit = [
        warning
        for direction, (source, _) in DIRECTIONS.items()
        for warning in warnings(sorted(translation.FRUITS.glob(f"{source}-*.jpg")), direction)
    ]
    assert scenes.count("elsewhere") >= 0.9 * len(scenes)
    assert fruit.count("elsewhere") <= 0.1 * len(fruit)


def test_calibration_was_made_with_the_weights_there_are() -> None:
    known = calibration()
    assert known.weights == {name: weights_info(name).sha256 for name in known.weights}, f"renew it: {known.command}"
    assert known.side == translation.SIDE
    for scores in (known.real, known.cycle_error, known.identity_error):
        assert all(list(values) == sorted(values) and len(values) >= 50 for values in scores.values())


def test_the_judge_is_drawn_where_it_believes() -> None:
    picture = Image.new("RGB", (64, 32), (120, 120, 120))
    drawn = pixels(translation.heat_image(picture, torch.tensor([[-3.0, 7.0]])))
    assert drawn.shape == (32, 64, 3)
    left, right = drawn[16, 4], drawn[16, 60]
    assert np.ptp(left) <= 2, "grey where it says translated"
    assert right[1] > right[0] + 60, "teal where it says photo"


def components(app: gr.Blocks) -> dict[str, Any]:
    return {block.elem_id: block for block in app.blocks.values() if block.elem_id}


def test_without_a_first_result_the_tab_asks_for_a_photo(context: Context) -> None:
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(context)
    found = components(app)
    assert found["cyclegan-photo"].value is None
    assert found["cyclegan-translated"].value is None
    assert found["cyclegan-score"].value == ""


def test_the_tab_opens_on_what_was_prepared(context: Context) -> None:
    folder = context.first_paint / "cyclegan"
    folder.mkdir(parents=True)
    tab.precompute(context, folder)
    stored = json.loads((folder / "result.json").read_text())
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(context)
    found = components(app)
    assert found["cyclegan-photo"].value["orig_name"] == translation.OPENING_EXAMPLE
    assert f"{stored['cycle_error']:.1f}" in found["cyclegan-score"].value
    assert f"{stored['convincing']:.0%}" in found["cyclegan-convincing"].value
    assert Path(found["cyclegan-strip"].value["path"]).suffix == ".png"
    assert "apple2orange" in found["cyclegan-facts"].value
    with Image.open(found["cyclegan-translated"].value["path"]) as shown:
        original = to_tensor(Image.open(folder / "original.png"))
        again = context.load_model("apple2orange")(original)
        assert np.abs(pixels(shown) - ((again[0].permute(1, 2, 0).numpy() + 1) * 127.5)).max() <= 1


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
    expected = translation.translate(photo, *networks)
    assert np.array_equal(pixels(Image.open(translated)), pixels(expected.translated))
    assert np.array_equal(pixels(Image.open(back)), pixels(expected.back))
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
