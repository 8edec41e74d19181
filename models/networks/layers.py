"""Building blocks that networks share (N batch, L tokens, D width, H heads)."""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PatchEmbed(nn.Module):
    """Cut images into patches and project each to a token: (N, 3, S, S) -> (N, L, D), L = (S / patch_size)²."""

    def __init__(self, img_size: int, patch_size: int, embed_dim: int, in_chans: int = 3) -> None:
        super().__init__()
        if img_size % patch_size:
            raise ValueError(f"img_size {img_size} is not a multiple of patch_size {patch_size}; choose one that is.")
        self.num_patches = (img_size // patch_size) ** 2
        self.proj = nn.Conv2d(in_chans, embed_dim, kernel_size=patch_size, stride=patch_size)

    def forward(self, images: Tensor) -> Tensor:
        """Return tokens (N, L, D) of images (N, in_chans, S, S)."""
        return self.proj(images).flatten(2).transpose(1, 2)  # (N, D, h, w) -> (N, L, D)


class Attention(nn.Module):
    """Multi-head self-attention (arXiv 1706.03762 §3.2): (N, L, D) -> (N, L, D)."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens (N, L, D)."""
        num, length, dim = x.shape
        qkv = self.qkv(x).reshape(num, length, 3, self.num_heads, dim // self.num_heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (N, H, L, D / H)
        out = F.scaled_dot_product_attention(query, key, value)
        return self.proj(out.transpose(1, 2).reshape(num, length, dim))


class Mlp(nn.Module):
    """Two linear layers with a GELU between: (N, L, D) -> (N, L, D)."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each token on its own, (N, L, D)."""
        return self.fc2(F.gelu(self.fc1(x)))


class TransformerBlock(nn.Module):
    """Pre-norm transformer block (arXiv 2010.11929, eq. 2-3): (N, L, D) -> (N, L, D)."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float = 4.0, norm_eps: float = 1e-6) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=norm_eps)
        self.attn = Attention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, eps=norm_eps)
        self.mlp = Mlp(dim, round(dim * mlp_ratio))

    def forward(self, x: Tensor) -> Tensor:
        """Mix tokens, then channels, each added to its input, (N, L, D)."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def group_norm(channels: int) -> nn.GroupNorm:
    """Return a group normalisation (arXiv 1803.08494) of at most 8 groups, as many as divide the channels."""
    return nn.GroupNorm(math.gcd(8, channels), channels)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, each after group norm and SiLU, added to the input: (N, C, S, S) -> the same shape.

    The second convolution begins at 0, so that a new block is the identity.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = group_norm(channels), group_norm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(cast(Tensor, self.conv2.bias))

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, C, S, S)."""
        return x + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))


def sincos_position_embedding(embed_dim: int, grid: int) -> Tensor:
    """Return fixed 2-D sine-cosine positions with a zero row for the class token, (1, 1 + grid², embed_dim).

    The first half of the width encodes the column, the second half the row, as in MAE's published weights
    (arXiv 2111.06377 §A.1); frequencies fall from 1 to 1/10000 (arXiv 1706.03762 §3.5).

    Raises:
        ValueError: The width is not a multiple of 4.
    """
    if embed_dim % 4:
        raise ValueError(f"embed_dim {embed_dim} is not a multiple of 4, which sine-cosine positions need.")
    quarter = embed_dim // 4
    frequency = 1.0 / 10000 ** (torch.arange(quarter, dtype=torch.float64) / quarter)
    rows, columns = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    halves = []
    for coordinate in (columns, rows):
        angle = coordinate.reshape(-1, 1).double() * frequency  # (grid², quarter)
        halves.append(torch.cat([angle.sin(), angle.cos()], dim=1))
    table = torch.cat(halves, dim=1)
    return torch.cat([torch.zeros(1, embed_dim, dtype=torch.float64), table]).float().unsqueeze(0)


def check_sides(x: Tensor, multiple: int) -> None:
    """Raise a ValueError unless images are (N, 3, H, W) with H and W multiples of `multiple`."""
    height, width = x.shape[-2:]
    if x.dim() != 4 or x.shape[1] != 3 or height % multiple or width % multiple or 0 in (height, width):
        raise ValueError(
            f"Pictures are {tuple(x.shape)}; this model wants (N, 3, H, W) with H and W multiples of {multiple}: "
            "resize or pad them."
        )
