"""The CycleGAN tab: the translation itself, what is shown of it, and what opens first."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from demos.core.i18n import InputError
from demos.cyclegan import translation
from models.analysis.cyclegan_calibration import DIRECTIONS, KINDS, calibration
from models.checkpoints import load_model, weights_info


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
    result = translation.translate_cycle(photo, Negative(), Negative())
    assert result.cycle_error == pytest.approx(0, abs=1e-4)
    assert np.array_equal(pixels(result.translated), 255 - pixels(result.original))
    assert np.array_equal(pixels(result.reconstruction), pixels(result.original))
    assert (pixels(result.difference) == 255).all()


def test_the_error_is_in_levels_of_255(photo: Image.Image) -> None:
    result = translation.translate_cycle(photo, Brighter(10), Brighter(-4))
    assert result.cycle_error == pytest.approx(6, abs=1e-3)
    assert result.seconds > 0


@pytest.mark.parametrize(
    ("size", "expected"),
    [((512, 512), (256, 256)), ((1000, 500), (256, 128)), ((300, 900), (84, 256)), ((64, 40), (64, 40))],
)
def test_photos_keep_their_shape(size: tuple[int, int], expected: tuple[int, int]) -> None:
    result = translation.translate_cycle(Image.new("RGB", size, "red"), Negative(), Negative())
    assert result.original.size == expected
    assert result.translated.size == result.reconstruction.size == result.difference.size == expected


def test_too_narrow_photos_are_refused() -> None:
    with pytest.raises(InputError, match="too_narrow.*24"):
        translation.translate_cycle(Image.new("RGB", (2000, 200)), Negative(), Negative())


def test_differences_are_white_to_teal() -> None:
    levels = np.array([[0.0, translation.SATURATION / 2, translation.SATURATION, 255.0]])
    none, half, full, beyond = pixels(translation.difference_image(levels))[0]
    assert none.tolist() == [255, 255, 255]
    assert (full < half).all() and (half < none).all()
    assert full.tolist() == beyond.tolist()
    assert full[0] < full[1]


def test_examples_start_from_what_they_show() -> None:
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
def test_photos_outside_the_domain_get_a_warning(apple: float, orange: float, direction: str, warning: str) -> None:
    kinds = dict(zip(KINDS, (apple, orange, 1 - apple - orange), strict=True))
    assert translation.domain_warning(kinds, direction, threshold=0.7) == warning


def test_scenes_get_a_warning_and_fruit_does_not() -> None:
    probe = calibration().probe
    assert all(area > 0.9 for area in probe.auc.values()) and probe.unseen, "told apart from sources it never saw"

    def warnings(paths: list[Path], direction: str) -> list[str]:
        kinds = [translation.classify(Image.open(path), load_model, calibration()) for path in paths]
        return [translation.domain_warning(kind, direction, probe.threshold) for kind in kinds]

    scenes = warnings(sorted((translation.EXAMPLES / "scenes").glob("*.jpg")), "apple2orange")
    fruit = [
        warning
        for direction, (source, _) in DIRECTIONS.items()
        for warning in warnings(sorted(translation.FRUITS.glob(f"{source}-*.jpg")), direction)
    ]
    assert scenes.count("elsewhere") >= 0.9 * len(scenes)
    assert fruit.count("elsewhere") <= 0.1 * len(fruit)


def test_calibration_matches_the_weights() -> None:
    known = calibration()
    assert known.weights == {name: weights_info(name).sha256 for name in known.weights}, f"renew it: {known.command}"
    assert known.side == translation.SIDE
    for scores in (known.real, known.cycle_error, known.identity_error):
        assert all(list(values) == sorted(values) and len(values) >= 50 for values in scores.values())


def test_the_heat_map_is_teal_where_the_score_is_high() -> None:
    image = Image.new("RGB", (64, 32), (120, 120, 120))
    drawn = pixels(translation.heat_image(image, torch.tensor([[-3.0, 7.0]])))
    assert drawn.shape == (32, 64, 3)
    left, right = drawn[16, 4], drawn[16, 60]
    assert np.ptp(left) <= 2, "grey where it says translated"
    assert right[1] > right[0] + 60, "teal where it says photo"


def test_what_a_photo_is_refused_for_is_what_is_wrong_with_it() -> None:
    with pytest.raises(InputError, match="too_small.*33.*31.*32"):
        translation.fit_photo(Image.new("RGB", (33, 31)))
    for side, ratio in ((256, 8), (1024, 32)):
        with pytest.raises(InputError, match=f"too_narrow.*'ratio': {ratio}"):
            translation.fit_photo(Image.new("RGB", (4000, 100)), side)
