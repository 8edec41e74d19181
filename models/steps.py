"""Checkpoints along one training run: the same network at several steps, as `step-NNNNN.safetensors` in a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import load_file
from torch import nn

from models.checkpoints import WEIGHTS, build_model

STEPS = WEIGHTS / "simsiam-steps"
PATTERN = re.compile(r"step-(\d+)\.safetensors")


class TrainingStep(NamedTuple):
    """A checkpoint of a run: after how many steps it was written, and its file."""

    step: int
    path: Path


def training_steps(folder: Path = STEPS) -> list[TrainingStep]:
    """Return the checkpoints in a folder in the order of training; none where there is no such folder."""
    if not folder.is_dir():
        return []
    found = ((PATTERN.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted(TrainingStep(int(match[1]), path) for match, path in found if match)


def load_step(path: Path, arch: str, args: Mapping[str, Any]) -> nn.Module:
    """Build a network, load the tensors of one step strictly, as float32, in eval mode.

    Raises:
        ValueError: if the tensors are not those of the architecture.
    """
    model = build_model(arch, args)
    tensors = {key: value.float() if value.is_floating_point() else value for key, value in load_file(path).items()}
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise ValueError(f"{path.name}: the tensors do not fit a {arch}: {error}") from error
    return model.eval().requires_grad_(False)
