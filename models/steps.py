"""Weights kept along one training run: a weights folder `step-NNNNNN` for each step, as `export --kept` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from models.hub.records import WEIGHTS

STEPS = WEIGHTS / "simclr-steps"
PREFIX = "step-"


class TrainingStep(NamedTuple):
    """The weights of a run after a number of steps, and their folder."""

    step: int
    folder: Path


def training_steps(folder: Path = STEPS) -> list[TrainingStep]:
    """Return the steps kept in a folder, in the order of training; none where there is no such folder."""
    found = (path.parent for path in folder.glob(f"{PREFIX}*/config.json"))
    return sorted(TrainingStep(int(path.name.removeprefix(PREFIX)), path) for path in found)
