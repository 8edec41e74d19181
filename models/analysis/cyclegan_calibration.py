"""Scores of held-out photos, with which the CycleGAN tab compares its own.

`python -m models.training calibrate` measures them and writes the file beside the weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.analysis.signal_detection import percentile
from models.hub.records import WEIGHTS

FILE = WEIGHTS / "cyclegan-calibration.json"
FRUITS = ("apple", "orange")
KINDS = (*FRUITS, "elsewhere")
DIRECTIONS: Mapping[str, tuple[str, str]] = {  # direction -> fruit it starts from, fruit it makes
    "apple2orange": ("apple", "orange"),
    "orange2apple": ("orange", "apple"),
}
ENCODER = "supervised-photos"
DISCRIMINATOR_SIDE = 128  # pixels of the longest side, at which the discriminators were trained
MIN_DISCRIMINATOR_SIDE = 32  # pixels of the short side, the least that the discriminator takes
TAIL = 0.05  # share of held-out fruit for which a warning may be wrong


def discriminator_scores(discriminator: nn.Module, images: Tensor) -> Tensor:
    """Return a patch discriminator's scores of images (N, 3, H, W) in [-1, 1], (N, 1, h, w), at its training size.

    It was trained towards 1 for photos of its fruit, and 0 for translations and the other fruit (1703.10593 §4); a
    patch is 70 x 70 pixels of the resized image.
    """
    height, width = images.shape[-2:]
    scale = max(DISCRIMINATOR_SIDE / max(height, width), MIN_DISCRIMINATOR_SIDE / min(height, width))
    size = (max(MIN_DISCRIMINATOR_SIDE, round(height * scale)), max(MIN_DISCRIMINATOR_SIDE, round(width * scale)))
    return discriminator(F.interpolate(images, size=size, mode="bilinear", antialias=True))


def cycle_levels(reconstruction: Tensor, original: Tensor) -> Tensor:
    """Return the mean absolute difference of images (N, 3, H, W) in [-1, 1], (N,) in levels of 0 to 255."""
    return (reconstruction - original).abs().mean(dim=(1, 2, 3)) * 127.5


@dataclass(frozen=True)
class Probe:
    """A linear classifier of frozen features into `KINDS`."""

    weight: Tensor  # (3, D)
    bias: Tensor  # (3,)
    fruit: tuple[float, ...]  # probability of "a fruit" of each held-out apple and orange, ascending
    auc: Mapping[str, float]  # source of images -> area under the ROC curve of `fruit` against theirs
    unseen: tuple[str, ...]  # the sources that took no part in the fit

    def probabilities(self, features: Tensor) -> Tensor:
        """Return the probabilities of `KINDS`, (N, 3), of features (N, D)."""
        return F.softmax(features.float() @ self.weight.T + self.bias, dim=1)

    @property
    def threshold(self) -> float:
        """Probability of "a fruit" that all but `TAIL` of held-out fruit exceed."""
        return self.fruit[int(TAIL * len(self.fruit))]


@dataclass(frozen=True)
class Calibration:
    """Scores of held-out photos, each list ascending; the mappings but `weights` are by fruit."""

    command: str  # the command that measured them
    weights: Mapping[str, str]  # name of weights -> hash of the file they were measured with
    side: int  # pixels of the longest side at which images were translated
    real: Mapping[str, tuple[float, ...]]  # mean score that its discriminator gives to photos of it
    translated: Mapping[str, tuple[float, ...]]  # the same for translations into it
    cycle_error: Mapping[str, tuple[float, ...]]  # cycle reconstruction error in levels of 0 to 255
    identity_error: Mapping[str, tuple[float, ...]]  # identity error of the generator of that fruit, in levels
    discriminator_auc: Mapping[str, float]  # area under its discriminator's ROC curve, photos against translations
    probe: Probe  # classifier of what a photo shows

    def realism_percentile(self, fruit: str, score: float) -> float:
        """Return the share of held-out photos of a fruit with a lower discriminator score, 0 to 1."""
        return percentile(score, self.real[fruit])

    def cycle_error_percentile(self, fruit: str, error: float) -> float:
        """Return the share of held-out photos of a fruit with a smaller cycle reconstruction error, 0 to 1."""
        return percentile(error, self.cycle_error[fruit])


@cache
def calibration(path: Path = FILE) -> Calibration:
    """Return the calibration in a file.

    Raises:
        FileNotFoundError: There is none.
    """
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for name in ("real", "translated", "cycle_error", "identity_error"):
        stored[name] = {fruit: tuple(values) for fruit, values in stored[name].items()}
    probe = stored.pop("probe")
    for name, kind in (("weight", torch.tensor), ("bias", torch.tensor), ("fruit", tuple), ("unseen", tuple)):
        probe[name] = kind(probe[name])
    return Calibration(discriminator_auc=stored.pop("judge_auc"), probe=Probe(**probe), **stored)
