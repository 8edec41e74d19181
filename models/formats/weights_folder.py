"""Weights folders, as the trainer writes them.

They hold `model.safetensors`, `config.json` (architecture, its arguments, training facts, measurements) and `README.md`
(the model card).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import nn

from models.file_facts import sha256_of
from models.hub.records import WEIGHTS
from models.networks.backbones import ResNet
from models.networks.cyclegan import LightGenerator, PatchDiscriminator, ResnetGenerator
from models.networks.mae import MaskedAutoencoderViT
from models.networks.residual_vae import ResidualVAE
from models.networks.vae import ConvVAE

STEPS = WEIGHTS / "simclr-steps"
PREFIX = "step-"

ARCHITECTURES: Mapping[str, Callable[..., nn.Module]] = {
    "light_generator": LightGenerator,
    "resnet_generator": ResnetGenerator,
    "patch_discriminator": PatchDiscriminator,
    "mae": MaskedAutoencoderViT,
    "vae": ConvVAE,
    "residual_vae": ResidualVAE,
    "resnet": ResNet,
}


@dataclass(frozen=True)
class WeightsInfo:
    """Facts about weights, of the config of their folder."""

    name: str
    arch: str
    args: Mapping[str, Any]
    image_size: int
    num_parameters: int
    steps: int
    sha256: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    held_out: Mapping[str, int] = field(default_factory=dict)  # of two sets: set -> number of images measured on


def build_model(arch: str, args: Mapping[str, Any]) -> nn.Module:
    """Build an untrained module by the name of its architecture.

    Raises:
        ValueError: The architecture is unknown.
    """
    if arch not in ARCHITECTURES:
        raise ValueError(f"The architecture {arch!r} is unknown; known are {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[arch](**{key: tuple(v) if isinstance(v, list) else v for key, v in args.items()})


def load_folder(
    folder: Path, device: str | torch.device = "cpu", digest: Callable[[Path], str] = sha256_of
) -> nn.Module:
    """Return the model of a weights folder: float32, in eval mode, without gradients.

    Args:
        folder: The folder.
        device: Where the model goes.
        digest: Returns the SHA-256 of a file.

    Raises:
        FileNotFoundError: The folder or a file of it is missing.
        ValueError: The tensors are not those of the architecture, or the file is not the one the config names.
    """
    config = read_config(folder)
    path = folder / "model.safetensors"
    if digest(path) != config["sha256"]:
        raise ValueError(f"{folder.name}: model.safetensors differs from the file its config names; fetch it anew.")
    model = build_model(config["arch"], config["args"])
    tensors = {key: value.float() if value.is_floating_point() else value for key, value in load_file(path).items()}
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise ValueError(f"{folder.name}: the tensors do not fit a {config['arch']}: {error}") from error
    return model.to(device).eval().requires_grad_(False)


def read_config(folder: Path) -> dict[str, Any]:
    """Return the config of a weights folder; `FileNotFoundError` where there is none."""
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"The weights {folder.name!r} are not on disk; train them or fetch the repository anew."
        )
    return json.loads(path.read_text(encoding="utf-8"))


def folder_info(name: str, folder: Path) -> WeightsInfo:
    """Return the facts in the config of a weights folder, under a name.

    Raises:
        FileNotFoundError: The folder or its config is missing.
    """
    config = read_config(folder)
    keys = ("arch", "args", "image_size", "num_parameters", "steps", "sha256", "metrics")
    return WeightsInfo(name=name, held_out=config.get("held_out", {}), **{key: config[key] for key in keys})


class TrainingStep(NamedTuple):
    """The weights of a run after a number of steps, and their folder."""

    step: int
    folder: Path


def training_steps(folder: Path = STEPS) -> list[TrainingStep]:
    """Return the steps kept in a folder, in the order of training; none where there is no such folder."""
    found = (path.parent for path in folder.glob(f"{PREFIX}*/config.json"))
    return sorted(TrainingStep(int(path.name.removeprefix(PREFIX)), path) for path in found)
