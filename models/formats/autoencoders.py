"""Layouts of published autoencoders: AutoencoderKL and the tiny autoencoders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from models.formats.tensors import WeightsError, build_strictly, check_multiple, count, renamed, shape_of
from models.networks.autoencoder_kl import GROUPS, AutoencoderKL
from models.networks.autoencoder_tiny import AutoencoderTiny

_OLD_ATTENTION = [
    (r"(attentions\.\d+)\.query\.", r"\1.to_q."),
    (r"(attentions\.\d+)\.key\.", r"\1.to_k."),
    (r"(attentions\.\d+)\.value\.", r"\1.to_v."),
    (r"(attentions\.\d+)\.proj_attn\.", r"\1.to_out.0."),
]


def is_autoencoder_kl(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of diffusers' `AutoencoderKL`, of any age."""
    return {"encoder.down_blocks.0.resnets.0.conv1.weight", "decoder.conv_in.weight"} <= tensors.keys()


def with_new_attention(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the attention of files of 2022 (query, key, value, proj_attn) to today's names."""
    return renamed(tensors, _OLD_ATTENTION)


def build_autoencoder_kl(tensors: Mapping[str, Tensor], expected: str, args: Mapping[str, Any]) -> nn.Module:
    """Return the autoencoder with these tensors; all but `norm_groups` of `args` is read off their shapes."""
    groups = args.get("norm_groups", GROUPS)
    tensors = with_new_attention(tensors)
    num_levels = count(tensors, r"encoder\.down_blocks\.(\d+)\.")
    first = [f"encoder.down_blocks.{level}.resnets.0.conv1.weight" for level in range(num_levels)]
    widths = tuple(shape_of(tensors, name, 4, expected)[0] for name in first)
    num_blocks = count(tensors, r"encoder\.down_blocks\.0\.resnets\.(\d+)\.")
    latent_channels = shape_of(tensors, "decoder.conv_in.weight", 4, expected)[1]
    quant = "quant_conv.weight" in tensors
    for name, width in zip(first, widths, strict=True):
        check_multiple(name, width, groups, expected)
    return build_strictly(lambda: AutoencoderKL(widths, num_blocks, latent_channels, groups, quant), tensors, expected)


def autoencoder_half(tensors: Mapping[str, Tensor]) -> str:
    """Return "encoder" or "decoder" where the tensors are one of the authors' half files, else ""."""
    if not tensors or not all(re.match(r"\d+\.", key) for key in tensors):
        return ""
    first = {key for key in ("0.weight", "1.weight") if key in tensors and tensors[key].dim() == 4}
    if "0.weight" in first and tensors["0.weight"].shape[1] == 3 and "1.conv.0.weight" in tensors:
        return "encoder"
    return "decoder" if first == {"1.weight"} and "3.conv.0.weight" in tensors else ""


def joined_halves(halves: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the tensors of an encoder's and a decoder's file in one table, "encoder." or "decoder." before each."""
    return {f"{autoencoder_half(half)}.{key}": value for half in halves for key, value in half.items()}


def is_autoencoder_tiny(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of a tiny autoencoder, in the authors' or in diffusers' layout."""
    return any({f"{a}.0.weight", f"{a}.1.conv.0.weight"} <= tensors.keys() for a in ("encoder", "encoder.layers"))


def from_diffusers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename diffusers' layers to the authors': the decoder's are one further on, as its clamp is a layer there."""
    renumbered = {}
    for key, value in tensors.items():
        if match := re.match(r"decoder\.layers\.(\d+)\.(.*)", key):
            key = f"decoder.{int(match.group(1)) + 1}.{match.group(2)}"
        renumbered[key] = value
    return renamed(renumbered, [(r"^encoder\.layers\.", "encoder.")])


def build_autoencoder_tiny(tensors: Mapping[str, Tensor], expected: str) -> nn.Module:
    """Return the autoencoder with these tensors, in the authors' names or diffusers'."""
    half = autoencoder_half(tensors)
    if half:
        raise WeightsError("half_autoencoder", half=half)
    tensors = from_diffusers(tensors)
    latent_channels = shape_of(tensors, "decoder.1.weight", 4, expected)[1]
    pool = "decoder.3.pool.0.weight" in tensors
    return build_strictly(lambda: AutoencoderTiny(latent_channels, pool), tensors, expected)
