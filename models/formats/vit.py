"""Layouts of vision transformers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from models.formats.tensors import WeightsError, build_strictly, check_multiple, count, renamed, shape_of, without
from models.networks.vit import VisionTransformer

HEAD_DIM = 64  # width of a head in the vision transformers of every size up to large

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
    """Return whether these are the tensors of a vision transformer without a decoder, by timm's names."""
    names = ("cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight")
    return all(name in tensors for name in names) and "decoder_pred.weight" not in tensors


def is_dinov2(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of transformers' `Dinov2Model`, of any age."""
    names = {key.removeprefix("dinov2.") for key in tensors}
    return {"embeddings.position_embeddings", "encoder.layer.0.layer_scale1.lambda1"} <= names


def from_dinov2(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the names of `Dinov2Model` into timm's; the mask token, which only training needs, is left out."""
    return without(join_qkv(renamed(tensors, _DINOV2)), "embeddings.mask_token")


def vit_heads(dim: int, given: object, name: str, expected: str, head_dim: int = HEAD_DIM) -> int:
    """Return the number of attention heads, which no shape gives: `given`, or heads of width `head_dim`."""
    if given is None:
        check_multiple(name, dim, head_dim, expected)
        return dim // head_dim
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise WeightsError("wrong_shape", tensor=name, found=given, wanted="a number of heads", expected=expected)
    check_multiple(name, dim, given, expected)
    return given


def square_side(num_patches: int, name: str, expected: str) -> int:
    """Return the side of a square grid of so many patches."""
    side = round(num_patches**0.5)
    if side < 1 or side * side != num_patches:
        wanted = "a square number of patches"
        raise WeightsError("wrong_shape", tensor=name, found=num_patches, wanted=wanted, expected=expected)
    return side


def build_vit(tensors: Mapping[str, Tensor], expected: str, num_heads: object = None) -> nn.Module:
    """Return the transformer with these tensors under timm's names, without a classifier (`head`, `fc_norm`)."""
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


def join_qkv(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with each complete "attn.query", "attn.key" and "attn.value" stacked as "attn.qkv"."""
    out = dict(tensors)
    for name in tensors:
        if ".attn.query." in name:
            parts = [name.replace(".attn.query.", f".attn.{part}.") for part in ("query", "key", "value")]
            shapes = [out[part].shape for part in parts if part in out]
            if len(shapes) == 3 and len(set(shapes)) == 1:
                out[name.replace(".attn.query.", ".attn.qkv.")] = torch.cat([out.pop(part) for part in parts])
    return out
