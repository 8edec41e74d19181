"""Shallow untrained models under the names of the trained ones, with the same shapes in and out."""

import threading
from typing import Any

import torch
from torch import nn

from models.checkpoints import CHECKPOINTS, WeightsInfo, build_model, checkpoint
from models.encoders import BACKBONE_WIDTH

SHALLOW: dict[str, tuple[str, dict[str, Any], int]] = {  # family -> architecture, its arguments, side in pixels
    "cyclegan": ("light_generator", {"num_filters": 4, "num_blocks": 1}, 128),
    "mae": ("mae", {"img_size": 128, "patch_size": 8, "depth": 1, "decoder_depth": 1}, 128),
    "vae": ("vae", {"img_size": 64, "latent_dim": 128, "num_filters": 4}, 64),
    "contrastive": ("resnet", {"width": BACKBONE_WIDTH, "blocks": (1, 1, 1, 1)}, 64),
    "supervised": ("resnet", {"width": BACKBONE_WIDTH, "blocks": (1, 1, 1, 1), "num_classes": 10}, 64),
}


JUDGE: tuple[str, dict[str, Any], int] = ("patch_discriminator", {"num_filters": 8}, 128)


def shallow(name: str) -> tuple[str, dict[str, Any], int]:
    """Return architecture, arguments and side of the stand-in for some weights."""
    return JUDGE if name.endswith("-discriminator") else SHALLOW[checkpoint(name).family]


class ShallowModels:
    """A source of weights for a `Context`: each model is built once, seeded by its place among the names."""

    def __init__(self) -> None:
        self._models: dict[str, nn.Module] = {}
        self._lock = threading.Lock()

    def load_model(self, name: str, device: str = "cpu") -> nn.Module:
        """Return the model called `name` in eval mode; an unknown name is a ValueError."""
        arch, args, _ = shallow(name)
        with self._lock, torch.random.fork_rng(devices=[]):
            if name not in self._models:
                torch.manual_seed(list(CHECKPOINTS).index(name))
                self._models[name] = build_model(arch, args).eval().requires_grad_(False)
            return self._models[name].to(device)

    def weights_info(self, name: str) -> WeightsInfo:
        """Return what the config of a trained model would say."""
        arch, args, image_size = shallow(name)
        count = sum(parameter.numel() for parameter in self.load_model(name).parameters())
        return WeightsInfo(name, arch, args, image_size, num_parameters=count, steps=1000, sha256="0" * 64)
