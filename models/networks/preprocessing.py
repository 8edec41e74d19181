"""Preprocessing: from images (N, 3, H, W) in [-1, 1] to a network's input, and the inverse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Preprocessing:
    """The side, the resampling and the normalisation that some weights were trained with."""

    size: int | None = None  # side in pixels of the square images, or None for any
    resample: Literal["bilinear", "bicubic"] = "bilinear"  # how others are resized, with antialiasing
    mean: Triple = (0.5, 0.5, 0.5)  # of each channel on the scale [0, 1]: the network's input is (x - mean) / std
    std: Triple = (0.5, 0.5, 0.5)

    def apply(self, images: Tensor) -> Tensor:
        """Resize images (N, 3, H, W) in [-1, 1] to `size` where it is given, and normalise them."""
        if self.size is not None and images.shape[-2:] != (self.size, self.size):
            images = F.interpolate(images, size=(self.size, self.size), mode=self.resample, antialias=True).clamp(-1, 1)
        return self.normalise(images)

    def normalise(self, images: Tensor) -> Tensor:
        """Return images in [-1, 1] in the network's range, at the same size."""
        if self._is_identity:
            return images
        mean, std = self._statistics(images)
        # ((images + 1) / 2 - mean) / std, reading and writing the images once instead of four times
        return torch.addcmul((0.5 - mean) / std, images, 0.5 / std)

    def invert(self, pixels: Tensor) -> Tensor:
        """Return pixels (N, 3, H, W) in the network's range as images in [-1, 1], not clamped."""
        if self._is_identity:
            return pixels
        mean, std = self._statistics(pixels)
        return (pixels * std + mean) * 2 - 1

    @property
    def _is_identity(self) -> bool:
        return self.mean == self.std == (0.5, 0.5, 0.5)

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        return like.new_tensor(self.mean).reshape(3, 1, 1), like.new_tensor(self.std).reshape(3, 1, 1)


MINUS_ONE_TO_ONE = Preprocessing()
ZERO_TO_ONE = Preprocessing(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
IMAGENET = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
