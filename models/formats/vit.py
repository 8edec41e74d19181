"""Layouts of vision transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from models.formats.tensors import (
    WeightsError,
    build_strictly,
    check_multiple,
    check_stated,
    count,
    renamed,
    shape_of,
    without,
)
from models.networks.vit import VisionTransformer

HEAD_DIM = 64  # width of a head in the vision transformers of every size up to large
HEAD_DIMS = {1152: 72, 1280: 80, 1408: 88, 1664: 104}  # in the larger ones (so400m, huge, giant, gigantic)
HUB_EPS = 1e-12  # of the layer norms in transformers' configs, except for DINOv2

HUB_BLOCK = [  # transformers' names of 2022, then today's
    (r"\.attention\.attention\.(query|key|value)\.", r".attn.\1."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.attention\.q_proj\.", ".attn.query."),
    (r"\.attention\.k_proj\.", ".attn.key."),
    (r"\.attention\.v_proj\.", ".attn.value."),
    (r"\.attention\.o_proj\.", ".attn.proj."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"\.output\.dense\.", ".mlp.fc2."),
]

_HUB = [
    (r"^(dinov2|vit)\.", ""),
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^(?:encoder\.layer|layers)\.(\d+)\.", r"blocks.\1."),
    *HUB_BLOCK,
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


def is_hub_vit(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of transformers' `ViTModel` or `ViTMAEModel`, of any age."""
    names = {key.removeprefix("vit.") for key in tensors}
    has_blocks = any(name.startswith(("encoder.layer.0.", "layers.0.")) for name in names)
    return has_blocks and {"embeddings.position_embeddings", "layernorm.weight"} <= names and not is_dinov2(tensors)


def from_hub(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn transformers' names of an encoder into timm's; what only training or classifying needs is left out."""
    return without(join_qkv(renamed(tensors, _HUB)), "embeddings.mask_token", "pooler.", "classifier.")


def vit_heads(dim: int, given: object, name: str, expected: str, head_dim: int = 0) -> int:
    """Return the number of attention heads, which no shape gives: `given`, or heads as wide as in published files."""
    if given is None:
        head_dim = head_dim or HEAD_DIMS.get(dim, HEAD_DIM)
        if dim % head_dim:
            raise WeightsError("no_heads", tensor=name, found=dim, wanted=head_dim, expected=expected)
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


def build_vit(tensors: Mapping[str, Tensor], expected: str, args: Mapping[str, Any]) -> nn.Module:
    """Return the transformer with these tensors under timm's names, without a classifier (`head`, `fc_norm`).

    `args` may give `num_heads` and `norm_eps`.
    """
    tensors = without(tensors, "head.", "fc_norm.")
    dim, _, patch_size, _ = shape_of(tensors, "patch_embed.proj.weight", 4, expected)
    num_patches = shape_of(tensors, "pos_embed", 3, expected)[1] - 1
    img_size = patch_size * square_side(num_patches, "pos_embed", expected)
    depth = count(tensors, r"blocks\.(\d+)\.")
    mlp_ratio = shape_of(tensors, "blocks.0.mlp.fc1.weight", 2, expected)[0] / dim
    check_stated(args, "embed_dim", dim)
    heads = vit_heads(dim, args.get("num_heads"), "blocks.0.attn.qkv.weight", expected)
    layer_scale, eps = "blocks.0.ls1.gamma" in tensors, float(args.get("norm_eps", 1e-6))
    make = lambda: VisionTransformer(img_size, patch_size, dim, depth, heads, mlp_ratio, layer_scale, eps)  # noqa: E731
    return build_strictly(make, tensors, expected)


def build_hub_vit(tensors: Mapping[str, Tensor], expected: str, args: Mapping[str, Any]) -> nn.Module:
    """Return the transformer with these tensors of transformers' layout; see `build_vit`."""
    eps = {} if is_dinov2(tensors) else {"norm_eps": HUB_EPS}
    return build_vit(from_hub(tensors), expected, {**eps, **args})


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
