"""Vision transformers as image encoders (Dosovitskiy et al., arXiv 2010.11929), with timm's parameter names.

DINO (arXiv 2104.14294), DINOv2 (2304.07193), MoCo v3 (2104.02057) and the encoders of masked autoencoders have this
shape. Images are (N, 3, H, W) in the network's own range; features (N, D) are the normalised class token.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.layers import Mlp, PatchEmbed, TransformerBlock


class LayerScale(nn.Module):
    """Multiply each channel by a learnt factor (arXiv 2103.17239 §2.1), (N, L, D)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), 1e-5))

    def forward(self, x: Tensor) -> Tensor:
        """Return scaled tokens."""
        return x * self.gamma


class ScaledBlock(TransformerBlock):
    """A transformer block whose two branches are scaled channel by channel before they are added."""

    mlp: Mlp

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float = 4.0, norm_eps: float = 1e-6) -> None:
        super().__init__(dim, num_heads, mlp_ratio, norm_eps)
        self.ls1, self.ls2 = LayerScale(dim), LayerScale(dim)

    def forward(self, x: Tensor) -> Tensor:
        """Mix tokens, then channels, each scaled and added to its input, (N, L, D)."""
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class VisionTransformer(nn.Module):
    """A vision transformer without a head; its output is the class token.

    Args:
        img_size: Side in pixels for which there are positions; for others they are interpolated.
        patch_size: Side of a patch in pixels.
        embed_dim, depth, num_heads: The transformer.
        mlp_ratio: Hidden width of each MLP over its width.
        layer_scale: Whether branches are scaled channel by channel, as in DINOv2.
        norm_eps: Epsilon of the layer norms.
    """

    def __init__(
        self,
        img_size: int = 224,
        patch_size: int = 16,
        embed_dim: int = 384,
        depth: int = 12,
        num_heads: int = 6,
        mlp_ratio: float = 4.0,
        layer_scale: bool = False,
        norm_eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.patch_size, self.grid, self.feature_dim = patch_size, img_size // patch_size, embed_dim
        self.patch_embed = PatchEmbed(img_size, patch_size, embed_dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + self.patch_embed.num_patches, embed_dim))
        block = ScaledBlock if layer_scale else TransformerBlock
        self.blocks = nn.Sequential(*(block(embed_dim, num_heads, mlp_ratio, norm_eps) for _ in range(depth)))
        self.norm = nn.LayerNorm(embed_dim, eps=norm_eps)

    def positions(self, rows: int, columns: int) -> Tensor:
        """Return positions for a grid of patches, (1, 1 + rows * columns, D), bicubically interpolated where needed."""
        if (rows, columns) == (self.grid, self.grid):
            return self.pos_embed
        table = self.pos_embed[:, 1:].unflatten(1, (self.grid, self.grid)).permute(0, 3, 1, 2)  # (1, D, g, g)
        table = F.interpolate(table, size=(rows, columns), mode="bicubic", align_corners=False)
        return torch.cat([self.pos_embed[:, :1], table.flatten(2).transpose(1, 2)], dim=1)

    def forward_features(self, images: Tensor) -> Tensor:
        """Return all tokens, class token first: (N, 3, H, W) -> (N, 1 + L, D).

        Raises:
            ValueError: A side is smaller than a patch or not a multiple of it.
        """
        height, width = images.shape[-2:]
        if height % self.patch_size or width % self.patch_size or 0 in (height, width):
            raise ValueError(f"The picture is {height}x{width}; both sides must be multiples of {self.patch_size}.")
        x = torch.cat([self.cls_token.expand(len(images), -1, -1), self.patch_embed(images)], dim=1)
        x = x + self.positions(height // self.patch_size, width // self.patch_size)
        return self.norm(self.blocks(x))

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, D) of images (N, 3, H, W)."""
        return self.forward_features(images)[:, 0]
