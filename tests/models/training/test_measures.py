"""What recipes measure on held-out pictures, with networks whose answers are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from small import SMALL
from torch import Tensor, nn

from models.metrics import std_of_l2_normalized
from models.training.distributed import Processes
from models.training.recipes import RECIPES, build_recipe


def prepare(name: str, source: Path, **options: Any) -> Any:
    config = RECIPES[name].Config(precision="fp32", **{**SMALL[name], **options})
    return build_recipe(name, config, [source], Processes())


class AlmostConstant(nn.Module):
    """A backbone that answers 1 to everything, give or take a spread."""

    def __init__(self, spread: float) -> None:
        super().__init__()
        self.spread = spread

    def forward_features(self, images: Tensor) -> Tensor:
        """Return features (N, 64), the same for each batch."""
        return 1 + self.spread * torch.randn(len(images), 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("spread", [1e-3, 0.3, 3.0])
def test_features_that_are_nearly_the_same_have_collapsed(spread: float, labelled_zip: Path) -> None:
    recipe = prepare("simsiam", labelled_zip)
    recipe.backbone = AlmostConstant(spread)
    found = recipe.evaluate()["std_of_l2_normalized"]
    expected = std_of_l2_normalized(recipe.backbone.forward_features(recipe.test.images))
    assert found.value == pytest.approx(expected, rel=1e-3)
    assert (found.high < 0.01) == (spread == 1e-3)
