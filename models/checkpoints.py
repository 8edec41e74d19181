"""Weights as records: what can be loaded by name, from where, and under which licence.

A weights folder holds `model.safetensors`, `config.json` (architecture, its arguments, training facts, measurements)
and `README.md` (the card). `CHECKPOINTS` lists the records; adding one is adding an entry.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file
from torch import nn

from models.backbones import ResNet
from models.cyclegan import LightGenerator, PatchDiscriminator, ResnetGenerator
from models.mae import MaskedAutoencoderViT
from models.vae import ConvVAE

WEIGHTS = Path(__file__).resolve().parents[1] / "assets" / "weights"

ARCHITECTURES: Mapping[str, Callable[..., nn.Module]] = {
    "light_generator": LightGenerator,
    "resnet_generator": ResnetGenerator,
    "patch_discriminator": PatchDiscriminator,
    "mae": MaskedAutoencoderViT,
    "vae": ConvVAE,
    "resnet": ResNet,
}


@dataclass(frozen=True)
class Checkpoint:
    """One record per set of weights: where it lies, under which licence, and what it is."""

    name: str
    family: Literal["cyclegan", "mae", "vae", "contrastive", "supervised"]
    summary: str
    paper: str
    license: str = "MIT"

    @property
    def folder(self) -> Path:
        """Where the weights lie on disk."""
        return WEIGHTS / self.name


@dataclass(frozen=True)
class WeightsInfo:
    """What a weights folder says of itself, read without loading a tensor."""

    name: str
    arch: str
    args: Mapping[str, Any]
    image_size: int
    num_parameters: int
    steps: int
    sha256: str
    metrics: Mapping[str, float] = field(default_factory=dict)


def _records(*records: Checkpoint) -> dict[str, Checkpoint]:
    table: dict[str, Checkpoint] = {}
    for record in records:
        if record.name in table:
            raise ValueError(f"The checkpoint {record.name!r} is listed twice.")
        table[record.name] = record
    return table


CHECKPOINTS: Mapping[str, Checkpoint] = _records(
    Checkpoint("apple2orange", "cyclegan", "Apples to oranges, light generator", "arXiv 1703.10593"),
    Checkpoint("orange2apple", "cyclegan", "Oranges to apples, light generator", "arXiv 1703.10593"),
    Checkpoint("mae-photos", "mae", "Masked autoencoder of everyday photos", "arXiv 2111.06377"),
    Checkpoint("vae-portraits", "vae", "Stylised, computer-made portraits", "arXiv 1312.6114"),
    Checkpoint("vae-fruit", "vae", "Apples and oranges", "arXiv 1312.6114"),
    Checkpoint("simsiam-photos", "contrastive", "SimSiam on everyday photos", "arXiv 2011.10566"),
    Checkpoint("simclr-photos", "contrastive", "SimCLR on everyday photos", "arXiv 2002.05709"),
    Checkpoint("moco-photos", "contrastive", "MoCo v2 on everyday photos", "arXiv 2003.04297"),
    Checkpoint("supervised-photos", "supervised", "The same backbone, trained with labels", "arXiv 1512.03385"),
)


def checkpoint(name: str) -> Checkpoint:
    """Return the record called `name`.

    Raises:
        ValueError: if there is none, naming those that exist.
    """
    if name not in CHECKPOINTS:
        raise ValueError(f"There are no weights called {name!r}; choose one of {', '.join(CHECKPOINTS)}.")
    return CHECKPOINTS[name]


@cache
def weights_info(name: str) -> WeightsInfo:
    """Return the facts in the config of the weights called `name`.

    Raises:
        ValueError: if the name is unknown.
        FileNotFoundError: if the weights are not on disk.
    """
    config = _read_config(checkpoint(name).folder)
    keys = ("arch", "args", "image_size", "num_parameters", "steps", "sha256", "metrics")
    return WeightsInfo(name=name, **{key: config[key] for key in keys})


def build_model(arch: str, args: Mapping[str, Any]) -> nn.Module:
    """Build an untrained module by the name of its architecture.

    Raises:
        ValueError: if the architecture is unknown.
    """
    if arch not in ARCHITECTURES:
        raise ValueError(f"The architecture {arch!r} is unknown; known are {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[arch](**{key: tuple(v) if isinstance(v, list) else v for key, v in args.items()})


def load_folder(folder: Path, device: str | torch.device = "cpu") -> nn.Module:
    """Build the model a weights folder describes, load its tensors strictly, as float32, in eval mode.

    Raises:
        FileNotFoundError: if the folder or a file of it is missing.
        ValueError: if the tensors are not those of the architecture, or the file is not the one the config names.
    """
    config = _read_config(folder)
    path = folder / "model.safetensors"
    if hashlib.sha256(path.read_bytes()).hexdigest() != config["sha256"]:
        raise ValueError(f"{folder.name}: model.safetensors differs from the file its config names; fetch it anew.")
    model = build_model(config["arch"], config["args"])
    tensors = {key: value.float() if value.is_floating_point() else value for key, value in load_file(path).items()}
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise ValueError(f"{folder.name}: the tensors do not fit a {config['arch']}: {error}") from error
    return model.to(device).eval().requires_grad_(False)


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"The weights {folder.name!r} are not on disk; train them or fetch the repository anew."
        )
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return config


class ModelStore:
    """Loads each model once and hands the same module to every caller; safe to use from many threads."""

    def __init__(self, load: Callable[[str, str], nn.Module]) -> None:
        self._load = load
        self._models: dict[tuple[str, str], nn.Module] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, name: str, device: str = "cpu") -> nn.Module:
        """Return the model called `name` on `device`, loading it at the first call only."""
        key = (name, device)
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._models:
                self._models[key] = self._load(name, device)
            return self._models[key]


_STORE = ModelStore(lambda name, device: load_folder(checkpoint(name).folder, device))


def load_model(name: str, device: str = "cpu") -> nn.Module:
    """Return the model called `name`, ready to use: trained weights, eval mode, no gradients; loaded once.

    Raises:
        ValueError: if the name is unknown or its files do not fit.
        FileNotFoundError: if the weights are not on disk.
    """
    return _STORE.get(name, device)
