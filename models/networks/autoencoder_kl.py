"""The autoencoder of latent diffusion (Rombach et al., arXiv 2112.10752 §3.1), as in `stabilityai/sd-vae-ft-mse`.

Images are (N, 3, H, W) in [-1, 1], H and W multiples of 8 (with four levels); latents (N, C, H/8, W/8). Parameter
names are those of diffusers' `AutoencoderKL`, so published weights load by name.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.layers import check_sides

GROUPS = 32  # of the group norms in the published files
EPS = 1e-6
LOGVAR_RANGE = (-30.0, 20.0)


class ResnetBlock(nn.Module):
    """Two group-normalised 3x3 convolutions beside a shortcut: (N, in, H, W) -> (N, out, H, W)."""

    def __init__(self, in_channels: int, out_channels: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, in_channels, eps=EPS)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, out_channels, eps=EPS)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else None

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, out, H, W)."""
        out = self.conv1(F.silu(self.norm1(x)))
        out = self.conv2(F.silu(self.norm2(out)))
        return out + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class SpatialAttention(nn.Module):
    """Self-attention of one head over all positions of a feature map, (N, D, H, W)."""

    def __init__(self, dim: int, groups: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, dim, eps=EPS)
        self.to_q, self.to_k, self.to_v = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.to_out = nn.ModuleList([nn.Linear(dim, dim)])

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape, (N, D, H, W)."""
        tokens = self.group_norm(x).flatten(2).transpose(1, 2)  # (N, H * W, D)
        query, key, value = self.to_q(tokens), self.to_k(tokens), self.to_v(tokens)
        out = F.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None])[:, 0]
        return x + self.to_out[0](out).transpose(1, 2).unflatten(2, x.shape[2:])


class MidBlock(nn.Module):
    """Attention between two residual blocks, at the smallest side."""

    def __init__(self, dim: int, groups: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([ResnetBlock(dim, dim, groups), ResnetBlock(dim, dim, groups)])
        self.attentions = nn.ModuleList([SpatialAttention(dim, groups)])

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape, (N, dim, H, W)."""
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class Downsample(nn.Module):
    """A convolution of stride 2 that pads the right and the lower edge: (N, dim, H, W) -> (N, dim, H/2, W/2)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, dim, H/2, W/2)."""
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Nearest-neighbour upsampling and a convolution: (N, dim, H, W) -> (N, dim, 2H, 2W)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, dim, 2H, 2W)."""
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Level(nn.Module):
    """The residual blocks of one resolution and, if any, the resampling to the next: `resample` is "down", "up", ""."""

    def __init__(self, in_channels: int, out_channels: int, num_blocks: int, resample: str, groups: int) -> None:
        super().__init__()
        widths = [in_channels, *[out_channels] * num_blocks]
        self.resnets = nn.ModuleList(ResnetBlock(a, b, groups) for a, b in zip(widths[:-1], widths[1:], strict=True))
        if resample == "down":
            self.downsamplers = nn.ModuleList([Downsample(out_channels)])
        elif resample == "up":
            self.upsamplers = nn.ModuleList([Upsample(out_channels)])

    def forward(self, x: Tensor) -> Tensor:
        """Return the level's features."""
        for child in self.children():
            for layer in child:  # type: ignore[attr-defined]  # each child is a ModuleList
                x = layer(x)
        return x


class Encoder(nn.Module):
    """Images (N, 3, H, W) -> mean and log-variance, stacked, (N, 2C, H/8, W/8)."""

    def __init__(self, widths: tuple[int, ...], num_blocks: int, latent_channels: int, groups: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        before = (widths[0], *widths[:-1])
        self.down_blocks = nn.ModuleList(
            Level(a, b, num_blocks, "down" if index < len(widths) - 1 else "", groups)
            for index, (a, b) in enumerate(zip(before, widths, strict=True))
        )
        self.mid_block = MidBlock(widths[-1], groups)
        self.conv_norm_out = nn.GroupNorm(groups, widths[-1], eps=EPS)
        self.conv_out = nn.Conv2d(widths[-1], 2 * latent_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the stacked moments."""
        x = self.conv_in(x)
        for level in self.down_blocks:
            x = level(x)
        return self.conv_out(F.silu(self.conv_norm_out(self.mid_block(x))))


class Decoder(nn.Module):
    """Latents (N, C, h, w) -> images (N, 3, 8h, 8w)."""

    def __init__(self, widths: tuple[int, ...], num_blocks: int, latent_channels: int, groups: int) -> None:
        super().__init__()
        back = widths[::-1]
        self.conv_in = nn.Conv2d(latent_channels, back[0], 3, padding=1)
        self.mid_block = MidBlock(back[0], groups)
        before = (back[0], *back[:-1])
        self.up_blocks = nn.ModuleList(
            Level(a, b, num_blocks + 1, "up" if index < len(widths) - 1 else "", groups)
            for index, (a, b) in enumerate(zip(before, back, strict=True))
        )
        self.conv_norm_out = nn.GroupNorm(groups, back[-1], eps=EPS)
        self.conv_out = nn.Conv2d(back[-1], 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """Return images, about [-1, 1]."""
        x = self.mid_block(self.conv_in(z))
        for level in self.up_blocks:
            x = level(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class AutoencoderKL(nn.Module):
    """An encoder and decoder with a spatial Gaussian latent.

    Args:
        widths: Channels of each level; every level but the last halves the side.
        num_blocks: Residual blocks of an encoder's level (the decoder's have one more).
        latent_channels: Channels of the latent.
        groups: Groups of the group norms.
        quant_conv: Whether 1x1 convolutions stand around the latent; newer models have none.
    """

    spatial = True
    img_size = 256

    def __init__(
        self,
        widths: tuple[int, ...] = (128, 256, 512, 512),
        num_blocks: int = 2,
        latent_channels: int = 4,
        groups: int = GROUPS,
        quant_conv: bool = True,
    ) -> None:
        super().__init__()
        self.latent_channels, self.downsampling = latent_channels, 2 ** (len(widths) - 1)
        self.encoder = Encoder(widths, num_blocks, latent_channels, groups)
        self.decoder = Decoder(widths, num_blocks, latent_channels, groups)
        wide = 2 * latent_channels
        self.quant_conv = nn.Conv2d(wide, wide, 1) if quant_conv else nn.Identity()
        self.post_quant_conv = nn.Conv2d(latent_channels, latent_channels, 1) if quant_conv else nn.Identity()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the posterior's mean and log-variance, each (N, C, H/8, W/8), of images in [-1, 1].

        Raises:
            ValueError: H or W is not a multiple of 8.
        """
        check_sides(x, self.downsampling)
        mu, logvar = self.quant_conv(self.encoder(x)).chunk(2, dim=1)
        return mu, logvar.clamp(*LOGVAR_RANGE)

    def decode(self, z: Tensor) -> Tensor:
        """Decode unscaled latents (N, C, h, w) to images (N, 3, 8h, 8w) in [-1, 1]."""
        return self.decoder(self.post_quant_conv(z)).clamp(-1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction from the posterior's mean, (N, 3, H, W) in [-1, 1]."""
        return self.decode(self.encode(x)[0])
