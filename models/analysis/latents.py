"""What the numbers of a global latent carry, and how far from their centre images lie, measured on images.

D is the length of the latent vector, N the number of images. Distances are measured from the mean latent, each
number in units of its own spread, so that they mean the same for every model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.networks.losses import kl_divergence

FILE = "latent.json"  # beside our own weights
ACTIVE_VARIANCE = 0.01  # of a posterior mean over images; a number that varies less says nothing (1509.00519 §5.2)
ABOVE_FREE_BITS = 2.0  # times its free bits that a number carries at least; one that is idle rests about there
PERCENTILES = 101  # 0 to 100
DIGITS = 5

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LatentStatistics:
    """Statistics of the latents of N images.

    Attributes:
        count: N.
        kl: Mean KL divergence of each number from the prior, in nats, (D,).
        mean: Of the posterior means, (D,).
        spread: Standard deviation of the aggregate posterior: of the means and their noise together, (D,).
        variance: Of the posterior means over the images, (D,).
        distances: Percentiles 0 to 100 of the images' distances from the mean, (101,).
        sha256: Of the weights they were measured with; empty where they belong to no file.
        free_bits: Nats of each number that the training left unpunished; 0 where it did not, or is unknown.
    """

    count: int
    kl: tuple[float, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    variance: tuple[float, ...]
    distances: tuple[float, ...]
    sha256: str = ""
    free_bits: float = 0.0

    @property
    def is_active(self) -> list[bool]:
        """Return whether each number is in use, (D,), as `active` has it."""
        return active(torch.tensor(self.variance), torch.tensor(self.kl), self.free_bits).tolist()

    @property
    def by_kl(self) -> list[int]:
        """The places of the numbers, those that carry most first."""
        return [int(place) for place in np.argsort(-np.asarray(self.kl), kind="stable")]

    def distance(self, z: Tensor) -> Tensor:
        """Return the distances (...) of latents (..., D) from the mean, each number in units of its spread."""
        mean, spread = torch.tensor(self.mean), torch.tensor(self.spread)
        return ((z - mean) / spread).norm(dim=-1)

    def share_nearer(self, distance: float) -> float:
        """Return which share of the measured images lies nearer to the mean than `distance`, 0 to 1."""
        return float(np.interp(distance, self.distances, np.linspace(0, 1, PERCENTILES)))

    def density(self, distance: Tensor) -> Tensor:
        """Return how usual distances (...) are, 1 at the measured median and falling to 0 on both sides.

        In many dimensions images lie in a shell, the typical set, and hardly any near the centre. The shell is taken
        as a normal distribution of the distance with the measured median and twice the measured spread.
        """
        low, middle, high = (self.distances[place] for place in (16, 50, 84))
        width = max(high - low, 1e-6)  # two standard deviations
        return (-0.5 * ((distance - middle) / width).square()).exp()


def active(variance: Tensor, kl: Tensor, free_bits: float) -> Tensor:
    """Return which latent numbers are in use, as booleans in the shape of what is given.

    One in use has a mean that varies (arXiv 1509.00519 §5.2). Where training left the first nats unpunished, as free
    bits do (1606.04934 §C.8), an idle number has no reason to give them back: its mean varies, too, and it counts only
    if it carries clearly more.

    Args:
        variance: Of the posterior means over the images, (..., D).
        kl: Mean KL divergence from the prior over the images in nats, (..., D).
        free_bits: Nats of each number that were left unpunished.
    """
    return (variance > ACTIVE_VARIANCE) & (kl > ABOVE_FREE_BITS * free_bits)


def measure_latents(mu: Tensor, logvar: Tensor, free_bits: float = 0.0, sha256: str = "") -> LatentStatistics:
    """Measure the posteriors of images.

    Args:
        mu: Their means, (N, D) with N of at least 2.
        logvar: Their log-variances, (N, D).
        free_bits: Nats of each number that the training left unpunished.
        sha256: Of the weights.

    Raises:
        ValueError: If there are fewer than two.
    """
    if len(mu) < 2:
        raise ValueError(f"{len(mu)} picture(s) have no spread; give at least 2.")
    mu, logvar = mu.double().cpu(), logvar.double().cpu()
    variance = mu.var(dim=0, correction=0)
    spread = (variance + logvar.exp().mean(dim=0)).sqrt().clamp(min=1e-6)
    distances = ((mu - mu.mean(dim=0)) / spread).norm(dim=1).numpy()
    return LatentStatistics(
        count=len(mu),
        kl=_rounded(kl_divergence(mu, logvar).mean(dim=0)),
        mean=_rounded(mu.mean(dim=0)),
        spread=_rounded(spread, at_least=10**-DIGITS),
        variance=_rounded(variance),
        distances=_rounded(torch.from_numpy(np.percentile(distances, np.linspace(0, 100, PERCENTILES)))),
        sha256=sha256,
        free_bits=free_bits,
    )


def write_statistics(folder: Path, statistics: LatentStatistics) -> None:
    """Write `FILE` into a weights folder."""
    (folder / FILE).write_text(json.dumps(asdict(statistics)) + "\n", "utf-8")


def read_statistics(folder: Path, sha256: str) -> LatentStatistics | None:
    """Read what `write_statistics` wrote; None where there is no file, or one of other weights than `sha256`."""
    path = folder / FILE
    if not path.is_file():
        return None
    stored: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if stored["sha256"] != sha256:
        return None
    return statistics_of(stored)


def statistics_of(stored: Mapping[str, Any]) -> LatentStatistics:
    """Return statistics from their fields as JSON has them."""
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in stored.items()}
    return LatentStatistics(**values)


def plane_basis(points: Tensor) -> tuple[Tensor, Tensor]:
    """Return the plane through three latents: their mean (D,), and two directions of length 1, (2, D).

    The first runs from the first point to the second, the second at a right angle to it towards the third
    (Gram-Schmidt).

    Raises:
        ValueError: If there are not three points, or they lie on one line.
    """
    if len(points) != 3:
        raise ValueError(f"{len(points)} points make no plane; give 3.")
    along, across = points[1] - points[0], points[2] - points[0]
    length = along.norm()
    across = across - along * (across @ along) / length.square().clamp(min=1e-12)
    if length < 1e-4 or across.norm() < 1e-4:
        raise ValueError("The three points lie on one line; choose three different pictures.")
    return points.mean(dim=0), torch.stack([along / length, across / across.norm()])


def principal_plane(points: Tensor) -> tuple[Tensor, Tensor]:
    """Return the plane along which points (N, D), N of at least 3, differ most: their mean, and two directions (PCA).

    Raises:
        ValueError: If there are fewer than three points.
    """
    if len(points) < 3:
        raise ValueError(f"{len(points)} points make no plane; give at least 3.")
    middle = points.mean(dim=0)
    directions = torch.linalg.svd(points - middle, full_matrices=False)[2][:2]
    # the sign of a direction is arbitrary; the first point decides it, so that equal input gives an equal plane
    signs = torch.sign((points[0] - middle) @ directions.T)
    return middle, directions * torch.where(signs == 0, torch.ones_like(signs), signs)[:, None]


def corner_grid(corners: Tensor, steps: int) -> Tensor:
    """Return latents between four corners, mixed bilinearly: (steps * steps, D), row by row.

    Args:
        corners: Top left, top right, bottom left, bottom right: (4, D).
        steps: Images along a side, at least 2.

    Raises:
        ValueError: If `steps` is smaller, or there are not four corners.
    """
    if len(corners) != 4 or steps < 2:
        raise ValueError(f"{len(corners)} corners and {steps} steps make no grid; give 4 corners and at least 2 steps.")
    t = torch.linspace(0, 1, steps)
    left = torch.lerp(corners[0], corners[2], t[:, None])  # (steps, D) down the left side
    right = torch.lerp(corners[1], corners[3], t[:, None])
    return torch.lerp(left[:, None], right[:, None], t[None, :, None]).flatten(0, 1)


def mutated(parents: Tensor, number: int, radius: float, seed: int) -> Tensor:
    """Return `number` neighbours of parents (P, D), taking turns: steps of N(0, radius²), each child shrunk as needed.

    A child is scaled by 1 / sqrt(1 + radius²), which keeps a draw of the prior N(0, 1) a draw of the prior.
    """
    noise = torch.randn(number, parents.shape[1], generator=torch.Generator().manual_seed(seed))
    chosen = parents[torch.arange(number) % len(parents)]
    return (chosen + radius * noise) / (1 + radius**2) ** 0.5


def crossed(first: Tensor, second: Tensor, number: int, seed: int) -> Tensor:
    """Return `number` children of two latents (D,): each number comes from one parent or the other, by a coin."""
    coins = torch.rand(number, len(first), generator=torch.Generator().manual_seed(seed)) < 0.5
    return torch.where(coins, first, second)


def averaged_between(first: Tensor, second: Tensor, number: int) -> Tensor:
    """Return `number` mixtures of two latents (D,), evenly spaced between them, the parents left out."""
    t = torch.linspace(0, 1, number + 2)[1:-1, None]
    return torch.lerp(first, second, t)


def _rounded(values: Tensor, at_least: float = -np.inf) -> tuple[float, ...]:
    return tuple(max(round(float(value), DIGITS), at_least) for value in values)


def lerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Return the point a share t of the straight way from a to b, (D,) or (N, D)."""
    return a + (b - a) * t


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Return the point a share t of the way along the arc from a to b, its length passing evenly too (1609.04468 §2.1).

    Directions turn at constant speed; nearly parallel or zero vectors fall back to the straight line, its limit.
    """
    norm_a, norm_b = a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True)
    cosine = F.cosine_similarity(a, b, dim=-1).clamp(-1, 1).unsqueeze(-1)
    angle = cosine.arccos()
    sine = angle.sin()
    degenerate = (sine < 1e-4) | (norm_a == 0) | (norm_b == 0)
    safe = torch.where(degenerate, torch.ones_like(sine), sine)
    unit_a, unit_b = a / norm_a.clamp(min=1e-12), b / norm_b.clamp(min=1e-12)
    direction = (((1 - t) * angle).sin() * unit_a + (t * angle).sin() * unit_b) / safe
    return torch.where(degenerate, lerp(a, b, t), direction * lerp(norm_a, norm_b, t))
