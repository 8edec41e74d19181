"""What CycleGAN's discriminators are shown and taught, and what the generators learn from them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.losses import lsgan_loss


def at_two_scales(discriminator: nn.Module, images: Tensor, target: float) -> Tensor:
    """Return the mean of the losses at the full and at half the side, where a patch shows the whole (1711.11585 §3.2).

    A residual generator leaves details as they are, and patches of those alone tell an apple badly from an orange.
    Images below 64 pixels, whose half is too small to be judged, count at the full side alone.
    """
    scales = (images, F.avg_pool2d(images, 2)) if min(images.shape[-2:]) >= 64 else (images,)
    return torch.stack([lsgan_loss(discriminator(scale), target) for scale in scales]).mean()


def discriminator_loss(discriminator: nn.Module, real: Tensor, fake: Tensor, source: Tensor, share: float) -> Tensor:
    """Return half the sum of both errors, which slows the discriminator as in §7.1.

    Images of the other set, as they are, count for a share of what is to be rejected: a translation that only looks
    real then convinces nobody, for it must look like the other set (1605.05396 §4.2).
    """
    rejected = (1 - share) * at_two_scales(discriminator, fake, 0.0)
    if share:
        rejected = rejected + share * at_two_scales(discriminator, source, 0.0)
    return 0.5 * (at_two_scales(discriminator, real, 1.0) + rejected)
