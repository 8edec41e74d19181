"""Tiny autoencoders for photos, TAESD and its relatives (github.com/madebyollin/taesd): latents at 1/8 of the side.

Images are (N, 3, H, W) in [-1, 1], H and W multiples of 8; latents (N, C, H/8, W/8) with C = 4 (TAESD), 16 (TAEF1)
or 32 (TAEF2). Layers are numbered as in the authors' files, which see images in [0, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.networks.layers import check_sides
from models.networks.preprocessing import ZERO_TO_ONE

NO_NOISE = -30.0  # the log-variance of a latent without noise: its std is 3e-7
WIDTH = 64
POOL_GROUPS = 4


class Clamp(nn.Module):
    """Limit latents softly to (-3, 3)."""

    def forward(self, z: Tensor) -> Tensor:
        """Return latents of the same shape."""
        return torch.tanh(z / 3) * 3


class Block(nn.Module):
    """Three 3x3 convolutions beside a shortcut, (N, width, H, W).

    With `pool`, a wider, group-normalised pair of 1x1 convolutions goes before, as in TAEF2 at 1/8 of the side.
    """

    def __init__(self, width: int, pool: bool = False) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            _conv(width, width), nn.ReLU(inplace=True),
            _conv(width, width), nn.ReLU(inplace=True),
            _conv(width, width),
        )  # fmt: skip
        self.fuse = nn.ReLU(inplace=True)
        self.pool: nn.Sequential | None = None
        if pool:
            wide = 4 * width
            self.pool = nn.Sequential(
                nn.Conv2d(width, wide, 1, bias=False), nn.GroupNorm(POOL_GROUPS, wide), nn.ReLU(inplace=True),
                nn.Conv2d(wide, width, 1, bias=False),
            )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        if self.pool is not None:
            x = x + self.pool(x)
        return self.fuse(self.conv(x) + x)


class AutoencoderTiny(nn.Module):
    """A small encoder and decoder with a latent of `latent_channels` at 1/8 of the side; `pool`: see `Block`."""

    spatial = True
    downsampling = 8
    img_size = 256

    def __init__(self, latent_channels: int = 4, pool: bool = False) -> None:
        super().__init__()
        self.latent_channels = latent_channels
        encoder: list[nn.Module] = [_conv(3, WIDTH), Block(WIDTH)]
        for last in (False, False, True):
            encoder += [nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1, bias=False)]
            encoder += [Block(WIDTH, pool and last) for _ in range(3)]
        self.encoder = nn.Sequential(*encoder, _conv(WIDTH, latent_channels))
        decoder: list[nn.Module] = [Clamp(), _conv(latent_channels, WIDTH), nn.ReLU(inplace=True)]
        for first in (True, False, False):
            decoder += [Block(WIDTH, pool and first) for _ in range(3)]
            decoder += [nn.Upsample(scale_factor=2), nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)]
        self.decoder = nn.Sequential(*decoder, Block(WIDTH), _conv(WIDTH, 3))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return latents (N, C, H/8, W/8) of images in [-1, 1], and their log-variance: `NO_NOISE` everywhere.

        Raises:
            ValueError: H or W is not a multiple of 8.
        """
        check_sides(x, self.downsampling)
        mu: Tensor = self.encoder(ZERO_TO_ONE.normalise(x))
        return mu, torch.full_like(mu, NO_NOISE)

    def decode(self, z: Tensor) -> Tensor:
        """Decode latents (N, C, h, w) to images (N, 3, 8h, 8w) in [-1, 1]."""
        return ZERO_TO_ONE.invert(self.decoder(z)).clamp(-1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction, (N, 3, H, W) in [-1, 1]."""
        return self.decode(self.encode(x)[0])


def _conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1)
