"""Translation of the brushed area."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import nn

from demos.cyclegan import full_resolution


def test_only_what_was_brushed_changes(photo: Image.Image) -> None:
    layer = Image.new("RGBA", photo.size)
    ImageDraw.Draw(layer).rectangle((40, 30, 100, 90), fill=full_resolution.BRUSH)
    mask = full_resolution.brush_mask({"layers": [layer]}, photo.size)
    assert mask is not None

    class Inverse(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return -x

    made = np.asarray(full_resolution.translate_masked(photo, Inverse(), mask)[0]).astype(int)
    before = np.asarray(photo).astype(int)
    assert (made[:20] == before[:20]).all() and (made[:, 120:] == before[:, 120:]).all()
    assert (made[45:75, 55:85] == 255 - before[45:75, 55:85]).all()


@pytest.mark.parametrize("value", [None, {}, {"layers": []}, {"layers": [Image.new("RGBA", (8, 8))]}])
def test_without_a_stroke_everything_changes(value: dict[str, object] | None) -> None:
    assert full_resolution.brush_mask(value, (8, 8)) is None
