"""Layouts of AlexNet, VGG and ResNet encoders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from models.formats.tensors import build_strictly, count, renamed, shape_of
from models.networks.backbones import LastHidden, ResNet

STAGES = ("layer1", "layer2", "layer3", "layer4")
RESNET18, RESNET50 = (False, (2, 2, 2, 2)), (True, (3, 4, 6, 3))


def is_resnet(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of a ResNet by torchvision's names, with or without a classifier."""
    return _dims(tensors, "conv1.weight") == 4 and {"bn1.running_mean", "layer1.0.conv2.weight"} <= tensors.keys()


def resnet_blocks(tensors: Mapping[str, Tensor]) -> tuple[bool, tuple[int, ...]]:
    """Return whether the blocks are bottlenecks, and how many each stage has."""
    stages = [stage for stage in STAGES if any(key.startswith(f"{stage}.") for key in tensors)]
    return "layer1.0.conv3.weight" in tensors, tuple(count(tensors, rf"{stage}\.(\d+)\.") for stage in stages)


def build_resnet(tensors: Mapping[str, Tensor], expected: str, args: Mapping[str, Any] | None = None) -> nn.Module:
    """Return the ResNet with these tensors; width, blocks and classes are read off them, but not `img_size`."""
    options = {"img_size": args["img_size"]} if args and "img_size" in args else {}
    width = shape_of(tensors, "conv1.weight", 4, expected)[0]
    bottleneck, blocks = resnet_blocks(tensors)
    num_classes = shape_of(tensors, "fc.weight", 2, expected)[0] if "fc.weight" in tensors else 0
    return build_strictly(lambda: ResNet(width, blocks, num_classes, bottleneck, **options), tensors, expected)


def is_alexnet(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of torchvision's AlexNet."""
    return {"features.10.weight", "classifier.6.weight"} <= tensors.keys() and _kernel(tensors) == 11


def is_vgg16(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of VGG-16 without batch norm, in torchvision's layout or timm's."""
    tails = ("classifier.6.weight", "head.fc.weight")
    last = _dims(tensors, "features.28.weight") == 4  # a batch norm, were there any
    return last and any(tail in tensors for tail in tails) and _kernel(tensors) == 3


def _dims(tensors: Mapping[str, Tensor], name: str) -> int:
    return tensors[name].dim() if name in tensors else -1


def _kernel(tensors: Mapping[str, Tensor]) -> int:
    return tensors["features.0.weight"].shape[-1] if _dims(tensors, "features.0.weight") == 4 else 0


def from_timm_vgg(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn timm's VGG into torchvision's: its two hidden layers are convolutions over the 7x7 map there."""
    rules = [(r"^pre_logits\.fc1\.", "classifier.0."), (r"^pre_logits\.fc2\.", "classifier.3.")]
    out = renamed(tensors, [*rules, (r"^head\.fc\.", "classifier.6.")])
    hidden = {key for key, value in out.items() if key.startswith("classifier.") and value.dim() == 4}
    return {key: value.flatten(1) if key in hidden else value for key, value in out.items()}


def build_vgg16(tensors: Mapping[str, Tensor], expected: str) -> nn.Module:
    """Return VGG-16 (arXiv 1409.1556, table 1 column D) up to its last hidden layer, with these tensors."""
    from torchvision.models import vgg16  # takes a second to import

    tensors = from_timm_vgg(tensors)
    num_classes = shape_of(tensors, "classifier.6.weight", 2, expected)[0]
    make = lambda: vgg16(num_classes=num_classes, init_weights=False)  # noqa: E731
    return LastHidden(build_strictly(make, tensors, expected))


def build_alexnet(tensors: Mapping[str, Tensor], expected: str) -> nn.Module:
    """Return AlexNet (as in arXiv 1404.5997) up to its last hidden layer, with these tensors."""
    from torchvision.models import alexnet

    num_classes = shape_of(tensors, "classifier.6.weight", 2, expected)[0]
    return LastHidden(build_strictly(lambda: alexnet(num_classes=num_classes), tensors, expected))
