"""What CycleGAN's discriminators are taught, against closed forms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models.training.recipes._adversarial import at_two_scales, discriminator_loss


class Corner(nn.Module):
    """Scores an image by its first pixel, whose value tells the side it was shown at."""

    def forward(self, images: Tensor) -> Tensor:
        """Return one score an image, (N,)."""
        return images[:, 0, 0, 0]


def even(value: float, side: int = 64) -> Tensor:
    return torch.full((2, 3, side, side), value)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_untranslated_images_are_their_share_of_what_is_rejected(share: float) -> None:
    loss = discriminator_loss(Corner(), even(0.5), even(0.2), even(-0.6), share)
    assert loss.item() == pytest.approx(0.5 * (0.25 + (1 - share) * 0.04 + share * 0.36))


def test_both_sides_count_alike_and_small_images_at_their_own_alone() -> None:
    images = even(0.0)
    images[..., 0, 0] = 0.8  # a quarter of that after two by two pixels became one
    assert at_two_scales(Corner(), images, 1.0).item() == pytest.approx((0.2**2 + 0.8**2) / 2)
    assert at_two_scales(Corner(), images[..., :32, :32], 1.0).item() == pytest.approx(0.2**2)
