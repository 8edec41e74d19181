"""Vision transformers as image encoders (Dosovitskiy et al., arXiv 2010.11929), with timm's parameter names.

DINO (arXiv 2104.14294), DINOv2 (2304.07193), MoCo v3 (2104.02057) and the encoders of masked autoencoders have this
shape. Pictures are (N, 3, H, W) in the network's own range; features (N, D) are the normalised class token.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.layers import Mlp, PatchEmbed, TransformerBlock, join_qkv
from models.weights import WeightsError, build_strictly, check_multiple, count, renamed, shape_of, without

HEAD_DIM = 64  # numbers a head in the vision transformers of every size up to large


class LayerScale(nn.Module):
    """Multiply each channel by a learnt number (arXiv 2103.17239 §2.1): (N, L, D) -> (N, L, D)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), 1e-5))

    def forward(self, x: Tensor) -> Tensor:
        """Return scaled tokens."""
        return x * self.gamma


class ScaledBlock(TransformerBlock):
    """A transformer block whose two branches are scaled channel by channel before they are added."""

    mlp: Mlp

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float = 4.0) -> None:
        super().__init__(dim, num_heads, mlp_ratio)
        self.ls1, self.ls2 = LayerScale(dim), LayerScale(dim)

    def forward(self, x: Tensor) -> Tensor:
        """Mix tokens, then channels, each scaled and added to its input, (N, L, D)."""
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class VisionTransformer(nn.Module):
    """A vision transformer without a head; its output is the class token.

    Args:
        img_size: side in pixels for which there are positions; others are interpolated.
        patch_size: side of a patch in pixels.
        embed_dim, depth, num_heads: the transformer.
        mlp_ratio: hidden width of each MLP over its width.
        layer_scale: whether branches are scaled channel by channel, as in DINOv2.
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
    ) -> None:
        super().__init__()
        self.patch_size, self.grid, self.feature_dim = patch_size, img_size // patch_size, embed_dim
        self.patch_embed = PatchEmbed(img_size, patch_size, embed_dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + self.patch_embed.num_patches, embed_dim))
        block = ScaledBlock if layer_scale else TransformerBlock
        self.blocks = nn.Sequential(*(block(embed_dim, num_heads, mlp_ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(embed_dim, eps=1e-6)

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
            ValueError: if a side is smaller than a patch or not a multiple of it.
        """
        height, width = images.shape[-2:]
        if height % self.patch_size or width % self.patch_size or 0 in (height, width):
            raise ValueError(f"The picture is {height}x{width}; both sides must be multiples of {self.patch_size}.")
        x = torch.cat([self.cls_token.expand(len(images), -1, -1), self.patch_embed(images)], dim=1)
        x = x + self.positions(height // self.patch_size, width // self.patch_size)
        return self.norm(self.blocks(x))

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, D) of pictures (N, 3, H, W)."""
        return self.forward_features(images)[:, 0]


# --- Published layouts --------------------------------------------------------------------------------------

HUB_ATTENTION = [  # transformers' names of 2022, then today's
    (r"\.attention\.attention\.(query|key|value)\.", r".attn.\1."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.attention\.q_proj\.", ".attn.query."),
    (r"\.attention\.k_proj\.", ".attn.key."),
    (r"\.attention\.v_proj\.", ".attn.value."),
    (r"\.attention\.o_proj\.", ".attn.proj."),
]

_DINOV2 = [
    (r"^dinov2\.", ""),
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^encoder\.layer\.(\d+)\.", r"blocks.\1."),
    *HUB_ATTENTION,
    (r"\.layer_scale([12])\.lambda1$", r".ls\1.gamma"),
    (r"^layernorm\.", "norm."),
]


def is_vit(tensors: Mapping[str, Tensor]) -> bool:
    """Whether the tensors are those of a vision transformer without a decoder, by timm's names."""
    names = ("cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight")
    return all(name in tensors for name in names) and "decoder_pred.weight" not in tensors


def is_dinov2(tensors: Mapping[str, Tensor]) -> bool:
    """Whether the tensors are those of transformers' `Dinov2Model`, of any age."""
    names = {key.removeprefix("dinov2.") for key in tensors}
    return {"embeddings.position_embeddings", "encoder.layer.0.layer_scale1.lambda1"} <= names


def from_dinov2(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the names of `Dinov2Model` into timm's; the mask token, which only training needs, is left out."""
    return without(join_qkv(renamed(tensors, _DINOV2)), "embeddings.mask_token")


def vit_heads(dim: int, given: object, name: str, expected: str, head_dim: int = HEAD_DIM) -> int:
    """Return the number of attention heads, which no tensor's shape tells: the one given, or `head_dim` numbers a head.

    Raises:
        WeightsError: if the width is not a multiple of it.
    """
    if given is None:
        check_multiple(name, dim, head_dim, expected)
        return dim // head_dim
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise WeightsError("wrong_shape", tensor=name, found=given, wanted="a number of heads", expected=expected)
    check_multiple(name, dim, given, expected)
    return given


def square_side(num_patches: int, name: str, expected: str) -> int:
    """Return the side of a square grid of so many patches.

    Raises:
        WeightsError: if they make no square.
    """
    side = round(num_patches**0.5)
    if side < 1 or side * side != num_patches:
        raise WeightsError(
            "wrong_shape", tensor=name, found=num_patches, wanted="a square number of patches", expected=expected
        )
    return side


def build_vit(tensors: Mapping[str, Tensor], expected: str, num_heads: object = None) -> nn.Module:
    """Return the transformer with these tensors under timm's names; sizes are read off their shapes.

    Args:
        tensors: values by timm's names; classifiers (`head`, `fc_norm`) are left out.
        expected: what it is, for refusals.
        num_heads: heads, or None for 64 numbers a head.

    Raises:
        WeightsError: if the tensors are not those of one.
    """
    tensors = without(tensors, "head.", "fc_norm.")
    dim, _, patch_size, _ = shape_of(tensors, "patch_embed.proj.weight", 4, expected)
    num_patches = shape_of(tensors, "pos_embed", 3, expected)[1] - 1
    img_size = patch_size * square_side(num_patches, "pos_embed", expected)
    depth = count(tensors, r"blocks\.(\d+)\.")
    mlp_ratio = shape_of(tensors, "blocks.0.mlp.fc1.weight", 2, expected)[0] / dim
    heads = vit_heads(dim, num_heads, "blocks.0.attn.qkv.weight", expected)
    layer_scale = "blocks.0.ls1.gamma" in tensors
    make = lambda: VisionTransformer(img_size, patch_size, dim, depth, heads, mlp_ratio, layer_scale)  # noqa: E731
    return build_strictly(make, tensors, expected)


def build_dinov2(tensors: Mapping[str, Tensor], expected: str) -> nn.Module:
    """Return the transformer with these tensors of `Dinov2Model`; see `build_vit`."""
    return build_vit(from_dinov2(tensors), expected)
