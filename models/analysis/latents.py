"""Statistics of global latents measured on images, and latents between others.

D is the length of the latent vector, N the number of images. Distances are from the mean latent, with each dimension in
units of its std, so that they are comparable between models.
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
ACTIVE_VARIANCE = 0.01  # least variance of an active dimension's posterior mean over images (1509.00519 §5.2)
ABOVE_FREE_BITS = 2.0  # least KL of an active dimension in units of the free bits; an inactive one has about 1
PERCENTILES = 101  # 0 to 100
DIGITS = 5

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LatentStatistics:
    """Statistics of the latents of N images."""

    count: int  # N
    kl: tuple[float, ...]  # mean KL divergence of each dimension from the prior, in nats, (D,)
    mean: tuple[float, ...]  # of the posterior means, (D,)
    std: tuple[float, ...]  # of the aggregate posterior: of the means and their noise together, (D,)
    variance: tuple[float, ...]  # of the posterior means over the images, (D,)
    distances: tuple[float, ...]  # percentiles 0 to 100 of the images' distances from the mean, (101,)
    sha256: str = ""  # of the weights they were measured with, or empty
    free_bits: float = 0.0  # free bits of the training in nats for each dimension; 0 for none or unknown

    @property
    def is_active(self) -> list[bool]:
        """Whether each dimension is active, (D,); see `active`."""
        return active(torch.tensor(self.variance), torch.tensor(self.kl), self.free_bits).tolist()

    @property
    def by_kl(self) -> list[int]:
        """The dimensions in the order of their KL, largest first."""
        return [int(index) for index in np.argsort(-np.asarray(self.kl), kind="stable")]

    def distance(self, z: Tensor) -> Tensor:
        """Return the distances (...) of latents (..., D) from the mean, with each dimension in units of its std."""
        return ((z - torch.tensor(self.mean)) / torch.tensor(self.std)).norm(dim=-1)

    def share_nearer(self, distance: float) -> float:
        """Return the share of the measured images nearer to the mean than `distance`, 0 to 1."""
        return float(np.interp(distance, self.distances, np.linspace(0, 1, PERCENTILES)))

    def density(self, distance: Tensor) -> Tensor:
        """Return the density of distances (...) relative to that at the measured median, 0 to 1.

        In many dimensions images lie in a shell, the typical set, and hardly any near the centre. The density is a
        normal distribution with the measured median and twice the measured std.
        """
        low, middle, high = (self.distances[percent] for percent in (16, 50, 84))
        width = max(high - low, 1e-6)  # two standard deviations
        return (-0.5 * ((distance - middle) / width).square()).exp()


def active(variance: Tensor, kl: Tensor, free_bits: float) -> Tensor:
    """Return which latent dimensions are active, bool (..., D): those whose posterior mean varies (1509.00519 §5.2).

    With free bits (1606.04934 §C.8) the mean of an inactive dimension varies, too: its KL must be clearly larger.

    Args:
        variance: Of the posterior means over the images, (..., D).
        kl: Mean KL divergence from the prior over the images in nats, (..., D).
        free_bits: Free bits of each dimension in nats.
    """
    return (variance > ACTIVE_VARIANCE) & (kl > ABOVE_FREE_BITS * free_bits)


def measure_latents(mu: Tensor, logvar: Tensor, free_bits: float = 0.0, sha256: str = "") -> LatentStatistics:
    """Return statistics of the posteriors of images: means and log-variances, each (N, D), N of at least 2.

    Raises:
        ValueError: There are fewer than two.
    """
    if len(mu) < 2:
        raise ValueError(f"{len(mu)} picture(s) have no spread; give at least 2.")
    mu, logvar = mu.double().cpu(), logvar.double().cpu()
    variance = mu.var(dim=0, correction=0)
    std = (variance + logvar.exp().mean(dim=0)).sqrt().clamp(min=1e-6)
    distances = ((mu - mu.mean(dim=0)) / std).norm(dim=1).numpy()
    return LatentStatistics(
        count=len(mu),
        kl=_rounded(kl_divergence(mu, logvar).mean(dim=0)),
        mean=_rounded(mu.mean(dim=0)),
        std=_rounded(std, at_least=10**-DIGITS),
        variance=_rounded(variance),
        distances=_rounded(torch.from_numpy(np.percentile(distances, np.linspace(0, 100, PERCENTILES)))),
        sha256=sha256,
        free_bits=free_bits,
    )


def write_statistics(folder: Path, statistics: LatentStatistics) -> None:
    """Write `FILE` into a weights folder."""
    stored = {"spread" if name == "std" else name: values for name, values in asdict(statistics).items()}
    (folder / FILE).write_text(json.dumps(stored) + "\n", "utf-8")


def read_statistics(folder: Path, sha256: str) -> LatentStatistics | None:
    """Return the statistics in a weights folder; None where there are none, or of other weights than `sha256`."""
    path = folder / FILE
    if not path.is_file():
        return None
    stored: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return statistics_of(stored) if stored["sha256"] == sha256 else None


def statistics_of(stored: Mapping[str, Any]) -> LatentStatistics:
    """Return statistics from their JSON, in which the std is called "spread"."""
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in stored.items()}
    if "spread" in values:
        values["std"] = values.pop("spread")
    return LatentStatistics(**values)


def plane_basis(points: Tensor) -> tuple[Tensor, Tensor]:
    """Return the plane through three latents: their mean (D,) and an orthonormal basis (2, D) (Gram-Schmidt).

    Raises:
        ValueError: There are not three points, or they are collinear.
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
    """Return the mean (D,) and the first two principal directions (2, D) of points (N, D), N of at least 3.

    Raises:
        ValueError: There are fewer than three points.
    """
    if len(points) < 3:
        raise ValueError(f"{len(points)} points make no plane; give at least 3.")
    middle = points.mean(dim=0)
    directions = torch.linalg.svd(points - middle, full_matrices=False)[2][:2]
    # the sign of a direction is arbitrary; the first point decides it, so that equal input gives an equal plane
    signs = torch.sign((points[0] - middle) @ directions.T)
    return middle, directions * torch.where(signs == 0, torch.ones_like(signs), signs)[:, None]


def corner_grid(corners: Tensor, steps: int) -> Tensor:
    """Return latents bilinearly interpolated between four corners: (steps * steps, D), row by row.

    Args:
        corners: Top left, top right, bottom left, bottom right: (4, D).
        steps: Latents along a side, at least 2.

    Raises:
        ValueError: `steps` is smaller, or there are not four corners.
    """
    if len(corners) != 4 or steps < 2:
        raise ValueError(f"{len(corners)} corners and {steps} steps make no grid; give 4 corners and at least 2 steps.")
    t = torch.linspace(0, 1, steps)
    left = torch.lerp(corners[0], corners[2], t[:, None])  # (steps, D) down the left side
    right = torch.lerp(corners[1], corners[3], t[:, None])
    return torch.lerp(left[:, None], right[:, None], t[None, :, None]).flatten(0, 1)


def mutated(parents: Tensor, count: int, radius: float, seed: int) -> Tensor:
    """Return `count` mutations of parents (P, D) in turn: noise of N(0, radius²) is added.

    They are scaled by 1 / sqrt(1 + radius²), so that those of samples of the prior N(0, 1) are samples of it, too.
    """
    noise = torch.randn(count, parents.shape[1], generator=torch.Generator().manual_seed(seed))
    chosen = parents[torch.arange(count) % len(parents)]
    return (chosen + radius * noise) / (1 + radius**2) ** 0.5


def crossed(first: Tensor, second: Tensor, count: int, seed: int) -> Tensor:
    """Return `count` uniform crossovers of two latents (D,): each dimension is either parent's at random."""
    coins = torch.rand(count, len(first), generator=torch.Generator().manual_seed(seed)) < 0.5
    return torch.where(coins, first, second)


def averaged_between(first: Tensor, second: Tensor, count: int) -> Tensor:
    """Return `count` evenly spaced interpolations of two latents (D,), without the two."""
    t = torch.linspace(0, 1, count + 2)[1:-1, None]
    return torch.lerp(first, second, t)


def _rounded(values: Tensor, at_least: float = -np.inf) -> tuple[float, ...]:
    return tuple(max(round(float(value), DIGITS), at_least) for value in values)


def lerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Return the linear interpolation from a to b at t, (D,) or (N, D)."""
    return a + (b - a) * t


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Return the spherical interpolation from a to b at t, of directions and, linearly, of norms (1609.04468 §2.1).

    Nearly parallel and zero vectors are interpolated linearly, the limit.
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
