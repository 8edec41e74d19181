"""What recipes measure on held-out images, with networks whose answers are known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from small import SMALL
from torch import Tensor, nn

from models.analysis.metrics import std_of_l2_normalized
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


class Known(nn.Module):
    """An autoencoder whose first number tells images apart, while the other three rest on 0.05 nats."""

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and log-variances, (N, 4), the same for each batch."""
        resting = math.sqrt(1 - math.exp(-0.1))
        mu = torch.linspace(-1, 1, len(images))[:, None] * 3**0.5 * torch.tensor([1.0, *3 * [resting]])
        return mu, torch.tensor([-3.0, -0.1, -0.1, -0.1]).expand_as(mu)

    def decode(self, z: Tensor) -> Tensor:
        """Return grey images."""
        return torch.zeros(len(z), 3, 32, 32)


@pytest.mark.parametrize(("options", "share"), [({}, 0.25), ({"free_bits": 0.0}, 1.0), ({"autoencoder": True}, 1.0)])
def test_numbers_on_the_floor_of_the_free_bits_are_not_in_use(
    options: dict[str, Any], share: float, labelled_zip: Path
) -> None:
    recipe = prepare("vae", labelled_zip, **options)
    recipe.shown.module = Known()
    assert recipe.evaluate()["active_units"].value == share
    assert sum(recipe.exports()[""].latents().is_active) == 4 * share


def test_hidden_patches_are_measured_in_pixels_unless_their_mean_and_spread_are_left_out(labelled_zip: Path) -> None:
    in_pixels = prepare("mae", labelled_zip).evaluate(thorough=True)
    assert in_pixels.keys() == {"masked_psnr", "mean_colour_psnr", "smooth_fill_psnr"}
    recipe = prepare("mae", labelled_zip, norm_pix_loss=True)
    found = recipe.evaluate(thorough=True)
    assert found.keys() == {"masked_normalised_mse"}, "no pixels without what only the original knows"
    with torch.inference_mode():
        images, mask = recipe._test_batch(len(recipe.test))
        loss = recipe.shown.module(images, mask=mask).loss
    assert found["masked_normalised_mse"].value == pytest.approx(float(loss), rel=1e-4)
    assert recipe.contact_sheet().shape[1] == 6 * 32


class Same(nn.Module):
    """A translator that paints one image, whatever it is given."""

    def forward(self, images: Tensor) -> Tensor:
        """Return an image of stripes, (N, 3, H, W)."""
        return torch.linspace(-1, 1, images.shape[-1]).sin().expand_as(images)


def test_sources_are_found_again_unless_a_translator_paints_anew(unpaired_zip: Path) -> None:
    recipe = prepare("cyclegan", unpaired_zip)
    recipe.shown_a2b, recipe.shown_b2a = nn.Identity(), Same()
    found = recipe.evaluate()
    assert found["source_found_a"].value == 1
    assert found["source_found_b"].value == pytest.approx(1 / 6), "as often as by chance, for one image of six"
