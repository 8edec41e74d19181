"""Layouts of masked autoencoders: the authors' and that of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from models.formats.tensors import WeightsError, build_strictly, check_multiple, check_stated, count, renamed, shape_of
from models.formats.vit import HUB_BLOCK, HUB_EPS, is_hub_vit, join_qkv, square_side, vit_heads
from models.networks.mae import PRESETS, MaskedAutoencoderViT
from models.networks.preprocessing import IMAGENET, MINUS_ONE_TO_ONE, Preprocessing

DECODER_HEAD_DIM = 32  # width of a head in the authors' decoder, and in ours

_HUB = [
    (r"^vit\.embeddings\.cls_token$", "cls_token"),
    (r"^vit\.embeddings\.position_embeddings$", "pos_embed"),
    (r"^vit\.embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^vit\.(?:encoder\.layer|layers)\.(\d+)\.", r"blocks.\1."),
    (r"^vit\.layernorm\.", "norm."),
    (r"^decoder\.decoder_(?:encoder\.layer|layers)\.(\d+)\.", r"decoder_blocks.\1."),
    (r"^decoder\.(mask_token|decoder_)", r"\1"),
    *HUB_BLOCK,
]


def is_hub_mae(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of transformers' `ViTMAEForPreTraining`, of any version."""
    is_encoder = is_hub_vit(tensors) and not any(key.startswith("decoder.") for key in tensors)
    return {"vit.embeddings.position_embeddings", "vit.layernorm.weight"} <= tensors.keys() and not is_encoder


def is_mae(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of a masked autoencoder with its decoder, by the authors' names."""
    return {"pos_embed", "patch_embed.proj.weight", "decoder_pos_embed", "decoder_pred.weight"} <= tensors.keys()


def is_published_mae(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether they are a masked autoencoder of one of the authors' sizes, which take ImageNet normalisation."""
    pairs = {(preset["embed_dim"], preset["decoder_embed_dim"]) for preset in PRESETS.values()}
    if not is_mae(tensors) or tensors["pos_embed"].dim() != 3 or tensors["decoder_pos_embed"].dim() != 3:
        return False
    return (tensors["pos_embed"].shape[2], tensors["decoder_pos_embed"].shape[2]) in pairs


def from_hub(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the names of transformers' masked autoencoder into the authors'; queries, keys and values are stacked."""
    return join_qkv(renamed(tensors, _HUB))


def build_hub_mae(tensors: Mapping[str, Tensor], expected: str, args: Mapping[str, Any] | None = None) -> nn.Module:
    """Return the masked autoencoder with these tensors of the Hub's layout; see `build_mae`."""
    if not any(key.startswith("decoder.") for key in tensors):
        raise WeightsError("no_decoder")
    return build_mae(from_hub(tensors), expected, {"norm_eps": HUB_EPS, **(args or {})}, IMAGENET)


def build_mae(
    tensors: Mapping[str, Tensor],
    expected: str,
    args: Mapping[str, Any] | None = None,
    preprocessing: Preprocessing = MINUS_ONE_TO_ONE,
) -> nn.Module:
    """Return the masked autoencoder with these tensors under the authors' names; sizes are read off their shapes.

    `args` gives what shapes do not: `num_heads`, `decoder_num_heads`, `norm_pix_loss`, `mean`, `std`, `norm_eps`.
    Without it, heads are as wide as the authors' (64, 80 in the huge encoder, 32 in a decoder).
    """
    args = args or {}
    if not any(key.startswith("decoder_") for key in tensors):
        raise WeightsError("no_decoder")
    dim, _, patch_size, _ = shape_of(tensors, "patch_embed.proj.weight", 4, expected)
    num_patches = shape_of(tensors, "pos_embed", 3, expected)[1] - 1
    decoder_dim = shape_of(tensors, "decoder_embed.weight", 2, expected)[0]
    check_stated(args, "embed_dim", dim)
    check_stated(args, "decoder_embed_dim", decoder_dim)
    sizes: dict[str, Any] = {
        "img_size": patch_size * square_side(num_patches, "pos_embed", expected),
        "patch_size": patch_size,
        "embed_dim": dim,
        "depth": count(tensors, r"blocks\.(\d+)\."),
        "num_heads": vit_heads(dim, args.get("num_heads"), "patch_embed.proj.weight", expected),
        "decoder_embed_dim": decoder_dim,
        "decoder_depth": count(tensors, r"decoder_blocks\.(\d+)\."),
        "decoder_num_heads": vit_heads(
            decoder_dim, args.get("decoder_num_heads"), "decoder_embed.weight", expected, DECODER_HEAD_DIM
        ),
        "mlp_ratio": shape_of(tensors, "blocks.0.mlp.fc1.weight", 2, expected)[0] / dim,
        "norm_pix_loss": bool(args.get("norm_pix_loss", False)),
        "mean": tuple(args.get("mean", preprocessing.mean)),
        "std": tuple(args.get("std", preprocessing.std)),
        "norm_eps": float(args.get("norm_eps", 1e-6)),
    }
    check_multiple("pos_embed", dim, 4, expected)
    check_multiple("decoder_pos_embed", decoder_dim, 4, expected)
    return build_strictly(lambda: MaskedAutoencoderViT(**sizes), tensors, expected)
