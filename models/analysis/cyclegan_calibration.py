"""What the scores of the CycleGAN tab are compared with: held-out photos, measured once and kept beside the weights.

`python -m models.training calibrate` writes the file anew; it holds numbers alone, no image.
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
MIN_DISCRIMINATOR_SIDE = 32  # pixels of the short side, below which no patch is whole
TAIL = 0.05  # share of held-out fruit that a warning may wrongly be given for


def discriminator_scores(discriminator: nn.Module, images: Tensor) -> Tensor:
    """Return the score of a patch discriminator for every patch, at the size it was trained at.

    Args:
        discriminator: Trained to answer 1 for photos of its fruit (arXiv 1703.10593 §4), and 0 for translations and
            for photos of the other fruit.
        images: (N, 3, H, W) in [-1, 1].

    Returns:
        (N, 1, h, w), one number a patch, not limited to 0 to 1; a patch sees 70 x 70 pixels of the shrunk image.
    """
    height, width = images.shape[-2:]
    scale = max(DISCRIMINATOR_SIDE / max(height, width), MIN_DISCRIMINATOR_SIDE / min(height, width))
    size = (max(MIN_DISCRIMINATOR_SIDE, round(height * scale)), max(MIN_DISCRIMINATOR_SIDE, round(width * scale)))
    scores: Tensor = discriminator(F.interpolate(images, size=size, mode="bilinear", antialias=True))
    return scores


def cycle_levels(reconstruction: Tensor, original: Tensor) -> Tensor:
    """Return the mean absolute difference of images (N, 3, H, W) in [-1, 1], (N,) in levels of 0 to 255."""
    return (reconstruction - original).abs().mean(dim=(1, 2, 3)) * 127.5


@dataclass(frozen=True)
class Probe:
    """A linear classifier on frozen features that tells apples, oranges and everything else apart.

    Attributes:
        weight, bias: (3, D) and (3,) for the classes of `KINDS`.
        fruit: How sure it is of "a fruit" for each held-out apple and orange, ascending, 0 to 1.
        auc: Source of images -> area under the ROC curve of that number, held-out fruit against theirs; sources in
            `unseen` took no part in the fit.
        unseen: Those sources.
    """

    weight: Tensor
    bias: Tensor
    fruit: tuple[float, ...]
    auc: Mapping[str, float]
    unseen: tuple[str, ...]

    def probabilities(self, features: Tensor) -> Tensor:
        """Return how likely each of `KINDS` is, (N, 3), for features (N, D)."""
        return F.softmax(features.float() @ self.weight.T + self.bias, dim=1)

    @property
    def threshold(self) -> float:
        """How sure of "a fruit" an image has to make it: all but `TAIL` of held-out fruit do."""
        return self.fruit[int(TAIL * len(self.fruit))]


@dataclass(frozen=True)
class Calibration:
    """Scores of held-out photos, each list ascending.

    Attributes:
        command: What wrote this.
        weights: Name of weights -> hash of the file they were measured with.
        side: Pixels of the longest side at which images were translated.
        real: Fruit -> mean score that its discriminator gives to photos of it.
        translated: Fruit -> the same for translations into it.
        cycle_error: Fruit -> error of the way there and back, in levels of 0 to 255.
        identity_error: Fruit -> how far the generator that makes it moves a photo of it, in levels.
        discriminator_auc: Fruit -> area under the ROC curve of its discriminator, photos against translations.
        probe: Tells whether a photo is of a fruit at all.
    """

    command: str
    weights: Mapping[str, str]
    side: int
    real: Mapping[str, tuple[float, ...]]
    translated: Mapping[str, tuple[float, ...]]
    cycle_error: Mapping[str, tuple[float, ...]]
    identity_error: Mapping[str, tuple[float, ...]]
    discriminator_auc: Mapping[str, float]
    probe: Probe

    def realism_percentile(self, fruit: str, score: float) -> float:
        """Return the share of held-out photos of a fruit with a lower discriminator score, 0 to 1."""
        return percentile(score, self.real[fruit])

    def cycle_error_percentile(self, fruit: str, error: float) -> float:
        """Return the share of held-out photos of a fruit with a smaller cycle error, 0 to 1."""
        return percentile(error, self.cycle_error[fruit])


@cache
def calibration(path: Path = FILE) -> Calibration:
    """Return what is stored in a file that `write` has made.

    Raises:
        FileNotFoundError: if there is none.
    """
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    probe = stored.pop("probe")
    lists: dict[str, Any] = {
        name: {fruit: tuple(values) for fruit, values in stored.pop(name).items()}
        for name in ("real", "translated", "cycle_error", "identity_error")
    }
    discriminator_auc = stored.pop("judge_auc")
    return Calibration(
        **stored,
        **lists,
        discriminator_auc=discriminator_auc,
        probe=Probe(
            torch.tensor(probe["weight"]),
            torch.tensor(probe["bias"]),
            tuple(probe["fruit"]),
            probe["auc"],
            tuple(probe["unseen"]),
        ),
    )
