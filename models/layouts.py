"""What a file of weights is, told by its tensors; no network, no cache."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file as load_safetensors
from torch import Tensor, nn

from models.cyclegan import LightGenerator, ResnetGenerator
from models.vae import ConvVAE

_SENTENCES = {
    "not_weights": "{name} holds no weights.",
    "unknown_layout": "{name} holds {found}; expected was {expected}.",
    "wrong_layout": "{name} holds {found}; expected was {expected}.",
}


class WeightsError(ValueError):
    """Says in one sentence why a file of weights cannot be used; `code` and `values` are for a translation of it."""

    def __init__(self, code: str, name: str = "", **values: Any) -> None:
        super().__init__(code, name)
        self.code = code
        self.values: dict[str, Any] = {"name": name or "This file", **values}

    def __str__(self) -> str:
        return _SENTENCES[self.code].format(**self.values)


@dataclass(frozen=True)
class Layout:
    """One way in which weights are laid out in a file."""

    name: str
    family: str
    expected: str
    matches: Callable[[Mapping[str, Tensor]], bool]
    build: Callable[[Mapping[str, Tensor]], nn.Module]


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors in a file."""
    try:
        if path.suffix == ".safetensors":
            return load_safetensors(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise WeightsError("not_weights", path.name) from error
    return dict(found)


def _build(module: nn.Module, tensors: Mapping[str, Tensor]) -> nn.Module:
    module.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in tensors.items()})
    return module.eval().requires_grad_(False)


def _resnet_generator(tensors: Mapping[str, Tensor]) -> nn.Module:
    blocks = len({key.split(".")[1] for key in tensors if ".conv_block." in key})
    return _build(ResnetGenerator(tensors["model.1.weight"].shape[0], blocks), tensors)


def _light_generator(tensors: Mapping[str, Tensor]) -> nn.Module:
    blocks = len({key.split(".")[1] for key in tensors if ".conv_block." in key})
    return _build(LightGenerator(tensors["model.2.weight"].shape[0] // 2, blocks), tensors)


def _vae(tensors: Mapping[str, Tensor]) -> nn.Module:
    filters, latent_dim = tensors["encoder.0.0.weight"].shape[0], tensors["to_mu.weight"].shape[0]
    side = int((tensors["to_mu.weight"].shape[1] / (8 * filters)) ** 0.5) * 16
    return _build(ConvVAE(side, latent_dim, filters), tensors)


LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("cyclegan-resnet-generator", "cyclegan", "a CycleGAN generator", lambda t: "model.1.weight" in t, _resnet_generator),
        Layout("light-generator", "cyclegan", "a light generator", lambda t: "model.2.weight" in t, _light_generator),
        Layout("conv-vae", "vae", "a variational autoencoder", lambda t: "to_mu.weight" in t, _vae),
    )
}


def recognise(tensors: Mapping[str, Tensor]) -> Layout:
    """Return the layout that the tensors have."""
    for layout in LAYOUTS.values():
        if layout.matches(tensors):
            return layout
    expected = "; ".join(layout.expected for layout in LAYOUTS.values())
    raise WeightsError("unknown_layout", found=", ".join(sorted(tensors)[:3]), expected=expected)


def load_file(path: Path, layout: str | None = None) -> tuple[Layout, nn.Module]:
    """Return the layout of a file and the module built from it."""
    tensors = read_tensors(path)
    found = recognise(tensors)
    if layout is not None and found.name != layout:
        raise WeightsError("wrong_layout", path.name, found=found.expected, expected=LAYOUTS[layout].expected)
    return found, found.build(tensors)
