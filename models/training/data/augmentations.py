"""Batched augmentations for contrastive and supervised training."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


class TwoViews:
    """Two random views of each image for contrastive learning (arXiv 2002.05709 appendix A; 2003.04297).

    The Gaussian blur that both papers have is left out.

    Args:
        size: side of the views in pixels.
        strength: of the colour jitter, 1 as in SimCLR, 0.5 as in MoCo v2 and SimSiam.
        min_scale: smallest share of the area a crop may keep.
    """

    def __init__(self, size: int, strength: float = 0.5, min_scale: float = 0.2) -> None:
        self.size, self.strength, self.min_scale = size, strength, min_scale

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return two views of uint8 images (N, 3, S, S), each float (N, 3, size, size) in [-1, 1]."""
        with torch.autocast(images.device.type, enabled=False):  # half precision would shift colours
            return self._view(images), self._view(images)

    def _view(self, images: Tensor) -> Tensor:
        view = jitter_colours(crop_and_flip(images, self.size, self.min_scale), self.strength)
        grey = (torch.rand(len(view), 1, 1, 1) < 0.2).float().to(view.device)
        return torch.lerp(view, luminance(view).expand_as(view), grey)


def crop_and_flip(images: Tensor, size: int, min_scale: float = 0.4) -> Tensor:
    """Return one randomly cropped and mirrored view of uint8 images (N, 3, S, S), float (N, 3, size, size).

    Crops keep `min_scale` to 1 of the area at aspect ratios from 3/4 to 4/3 (arXiv 1409.4842 §6); half are mirrored.
    One bilinear sampling for the whole batch, where the images are; keep them below about twice `size`, or detail
    aliases. Full precision under autocast too: half of it would place pixels a quarter of a pixel off.
    """
    num = len(images)
    area = torch.empty(num).uniform_(min_scale, 1.0)
    ratio = torch.empty(num).uniform_(-1.0, 1.0).mul(math.log(4 / 3)).exp()
    width, height = (area * ratio).sqrt().clamp(max=1.0), (area / ratio).sqrt().clamp(max=1.0)
    mirror = torch.where(torch.rand(num) < 0.5, -1.0, 1.0)
    theta = torch.zeros(num, 2, 3)  # maps places in the view to places in the image, both in [-1, 1]
    theta[:, 0, 0], theta[:, 1, 1] = width * mirror, height
    theta[:, 0, 2] = (1.0 - width) * torch.empty(num).uniform_(-1.0, 1.0)
    theta[:, 1, 2] = (1.0 - height) * torch.empty(num).uniform_(-1.0, 1.0)
    with torch.autocast(images.device.type, enabled=False):
        grid = F.affine_grid(theta.to(images.device), [num, 3, size, size], align_corners=False)
        pixels = images.float() / 127.5 - 1.0
        return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)


def luminance(images: Tensor) -> Tensor:
    """Return the brightness of colours by ITU-R BT.601, (N, 3, H, W) -> (N, 1, H, W), range kept."""
    return (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def jitter_colours(images: Tensor, strength: float) -> Tensor:
    """Return images (N, 3, H, W) in [-1, 1] with colours shifted at random, each with probability 0.8.

    Brightness, contrast and saturation change by up to 0.8 * strength and hue by up to 0.2 * strength of a turn
    (arXiv 2002.05709 appendix A). Hue turns about the grey axis in YIQ space, so that all of it is one 3x3 matrix and
    one offset an image.
    """
    num, s = len(images), strength
    brightness, contrast, saturation = (torch.empty(num, 1, 1).uniform_(1 - 0.8 * s, 1 + 0.8 * s) for _ in range(3))
    turn = torch.empty(num).uniform_(-0.2 * s, 0.2 * s) * 2 * math.pi
    yiq = torch.tensor([LUMA, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)])
    rotation = torch.eye(3).repeat(num, 1, 1)
    rotation[:, 1, 1] = rotation[:, 2, 2] = turn.cos()
    rotation[:, 1, 2], rotation[:, 2, 1] = -turn.sin(), turn.sin()
    rotation[:, 1:] *= saturation
    matrix = brightness * contrast * (torch.linalg.inv(yiq) @ rotation @ yiq)  # (N, 3, 3), acts on [0, 1]
    pull = brightness * (1 - contrast)  # contrast pulls towards the image's mean brightness
    unchanged = torch.rand(num, 1, 1) >= 0.8
    matrix, pull = torch.where(unchanged, torch.eye(3), matrix), pull.masked_fill(unchanged, 0.0)
    mean = luminance(images).mean(dim=(1, 2, 3)).add(1).div(2).view(num, 1, 1)
    matrix, offset = matrix.to(images.device), pull.to(images.device) * mean
    pixels = torch.baddbmm(offset, matrix, images.add(1).div(2).flatten(2))  # (N, 3, H * W)
    return pixels.clamp(0, 1).mul(2).sub(1).view_as(images)


def resize(images: Tensor, size: int) -> Tensor:
    """Return uint8 images (N, 3, S, S) resized without augmentation, float (N, 3, size, size) in [-1, 1]."""
    return scaled(images, size).float() / 127.5 - 1.0


def scaled(images: Tensor, size: int) -> Tensor:
    """Return images (N, 3, S, S) at another side, (N, 3, size, size), with their type and range."""
    if images.shape[-1] == size:
        return images
    from torchvision.transforms.v2 import functional as TF  # takes a second to import

    return TF.resize(images, [size, size], antialias=True)
