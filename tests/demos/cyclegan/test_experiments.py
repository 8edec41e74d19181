"""The folds of the CycleGAN tab: the quiz, the hidden message, the missing half, the brush."""

import re

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import nn

from demos.core.context import Context
from demos.cyclegan import ablation, full_resolution, steganography
from models.hub.catalogue import checkpoint


class Same(nn.Module):
    """Leaves images as they are."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_without_disturbance_what_comes_back_is_the_photo(photo: Image.Image) -> None:
    sent = steganography.send(photo, "noise", steganography.STRENGTHS["noise"], Same(), Same())
    assert sent[0]["back_error"] == sent[0]["sent_error"] == 0
    errors = [one["sent_error"] for one in sent]
    assert errors == sorted(errors) and len(set(errors)) == len(errors)
    assert errors[4] == pytest.approx(8 * (2 / np.pi) ** 0.5, rel=0.1), "noise of 8 levels moves by 8 sqrt(2/pi)"
    jpeg = [
        one["sent_error"] for one in steganography.send(photo, "jpeg", steganography.STRENGTHS["jpeg"], Same(), Same())
    ]
    assert jpeg[0] == 0 and jpeg == sorted(jpeg)


def test_the_curve_holds_the_ring(context: Context) -> None:
    curve = {"sent": [0.0, 1, 2, 3, 4, 5, 6], "back": [1.0, 2, 3, 4, 5, 6, 7]}
    alone, ringed = (steganography.curve_svg(context, curve, "noise", here) for here in (None, (2, 40.0)))
    assert alone.count("<polyline") == 2 and "<circle" not in alone
    height = float(re.search(r'cy="([\d.]+)"', ringed)[1])  # type: ignore[index]
    assert 0 < height < 190, "the scale grows with the visitor's result"


def test_only_what_was_brushed_changes(photo: Image.Image) -> None:
    layer = Image.new("RGBA", photo.size)
    ImageDraw.Draw(layer).rectangle((40, 30, 100, 90), fill=full_resolution.BRUSH)
    mask = full_resolution.brushed({"layers": [layer]}, photo.size)
    assert mask is not None

    class Inverse(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return -x

    made = np.asarray(full_resolution.translate_within(photo, Inverse(), mask)[0]).astype(int)
    before = np.asarray(photo).astype(int)
    assert (made[:20] == before[:20]).all() and (made[:, 120:] == before[:, 120:]).all()
    assert (made[45:75, 55:85] == 255 - before[45:75, 55:85]).all()


@pytest.mark.parametrize("value", [None, {}, {"layers": []}, {"layers": [Image.new("RGBA", (8, 8))]}])
def test_without_a_stroke_everything_changes(value: dict[str, object] | None) -> None:
    assert full_resolution.brushed(value, (8, 8)) is None


@pytest.mark.parametrize("half", ablation.HALVES)
@pytest.mark.parametrize("direction", ["apple2orange", "orange2apple"])
def test_every_half_has_its_weights_both_ways(half: str, direction: str) -> None:
    there, back = (checkpoint(name) for name in ablation.weights_of(half, direction))
    assert there.direction == direction and there.partner == back.name and back.partner == there.name


def test_halves_are_shown_in_one_grid(context: Context, photo: Image.Image) -> None:
    done = ablation.through_halves(photo, "orange2apple", context.load_model)
    shown = [ablation.Half(name, "a.png", "b.png", one.cycle_error, share) for name, (one, share) in done.items()]
    page = ablation.halves_html(context, "photo.png", shown, "orange2apple")
    assert page.count("<figure>") == 9 and f"{shown[0].cycle_error:.1f}" in page


def test_the_slider_runs_over_the_moments_of_one_run_both_ways(context: Context, photo: Image.Image) -> None:
    kept = [[step for step, _ in ablation.steps_of(direction)] for direction in ("apple2orange", "orange2apple")]
    assert kept[0] == kept[1] and kept[0][0] == 0 and len(kept[0]) >= 2
    pages = [ablation.step_html(context, photo, "apple2orange", place) for place in (0, len(kept[0]) - 1)]
    assert "After <b>0</b> steps" in pages[0] and f"After <b>{kept[0][-1]:,}</b> steps" in pages[1]
    assert all(page.count("<figure>") == 3 for page in pages) and pages[0] != pages[1]
