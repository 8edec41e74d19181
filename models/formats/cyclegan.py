"""Layouts of CycleGAN generators and discriminators."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from models.formats.tensors import build_strictly, count, shape_of
from models.hub.records import DIRECTIONS
from models.networks.cyclegan import LightGenerator, PatchDiscriminator, ResnetGenerator

_TRANSLATION = re.compile("[A-Za-z]+2[A-Za-z]+")  # "x2y", as CycleGAN's authors name weights and folders


def direction_of(path: Path) -> str:
    """Return one of `DIRECTIONS` where a file is called so, else an empty string.

    For the authors' "latest_net_G.pth", which says none, it is the folder of their download, "x2y_pretrained".
    """
    named = _TRANSLATION.search(path.name)
    if named is None and re.fullmatch(r"[a-z0-9]+_net_G(_[AB])?", path.stem):
        named = re.fullmatch("([A-Za-z]+2[A-Za-z]+)(?:_pretrained)?", path.absolute().parent.name)
    direction = named[named.re.groups].lower() if named else ""
    return direction if direction in DIRECTIONS else ""


def is_resnet_generator(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of the authors' generator, of any age."""
    first, block = tensors.get("model.1.weight"), "model.10.conv_block.1.weight"
    return first is not None and first.dim() == 4 and first.shape[1:] == (3, 7, 7) and block in tensors


def is_light_generator(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of a `LightGenerator`."""
    return "model.2.weight" in tensors and "model.9.conv_block.0.1.weight" in tensors


def is_patch_discriminator(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of a `PatchDiscriminator`."""
    first = tensors.get("model.0.weight")
    return first is not None and first.dim() == 4 and first.shape[1:] == (3, 4, 4) and "model.11.weight" in tensors


def without_running_statistics(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out the running statistics of instance norm, which files from before PyTorch 0.4 hold and no net reads."""
    pattern = re.compile(r"\.(running_mean|running_var|num_batches_tracked)$")
    return {key: value for key, value in tensors.items() if not pattern.search(key)}


def without_dropout(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the second convolution of each block the place it has without dropout, which stands before it and is off."""
    if any(".conv_block.5." in key for key in tensors):
        return dict(tensors)
    return {key.replace(".conv_block.6.", ".conv_block.5."): value for key, value in tensors.items()}


def build_resnet_generator(tensors: Mapping[str, Tensor], expected: str) -> nn.Module:
    """Return the authors' generator with these tensors; filters and blocks are read off their shapes."""
    tensors = without_dropout(without_running_statistics(tensors))
    num_filters = shape_of(tensors, "model.1.weight", 4, expected)[0]
    num_blocks = count(tensors, r"model\.(\d+)\.conv_block\.")
    return build_strictly(lambda: ResnetGenerator(num_filters, num_blocks), tensors, expected)


def build_light_generator(tensors: Mapping[str, Tensor], expected: str) -> nn.Module:
    """Return the `LightGenerator` with these tensors; filters and blocks are read off their shapes."""
    num_filters = shape_of(tensors, "model.2.weight", 4, expected)[0] // 2
    num_blocks = count(tensors, r"model\.10\.blocks\.(\d+)\.")
    return build_strictly(lambda: LightGenerator(num_filters, num_blocks), tensors, expected)


def build_patch_discriminator(tensors: Mapping[str, Tensor], expected: str) -> nn.Module:
    """Return the `PatchDiscriminator` with these tensors; its filters are read off their shapes."""
    tensors = without_running_statistics(tensors)
    num_filters = shape_of(tensors, "model.0.weight", 4, expected)[0]
    return build_strictly(lambda: PatchDiscriminator(num_filters), tensors, expected)
