"""Bootstrap intervals of statistics of images.

A statistic is a function of weights (B, N) of the images of each set, and returns B values: the measured value with all
weights 1, that of a resample with the counts of images drawn with replacement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

RESAMPLES = 1000
LEVEL = 0.95

Statistic = Callable[..., Tensor]


class Estimate(NamedTuple):
    """A value and its interval."""

    value: float
    low: float
    high: float


def estimate(statistic: Statistic, *counts: int, seed: int = 0) -> Estimate:
    """Return a statistic and its 95 % percentile bootstrap interval (Efron & Tibshirani 1993, §13.3).

    Args:
        statistic: Takes weights (B, N), float64, of each set of images, and returns (B,).
        counts: Number of images N of each set; the sets are resampled independently.
        seed: Of the resamples.
    """
    ones = [torch.ones(1, count, dtype=torch.float64) for count in counts]
    generator = torch.Generator().manual_seed(seed)
    drawn = [_resampled(count, generator) for count in counts]
    ends = torch.tensor([(1 - LEVEL) / 2, (1 + LEVEL) / 2], dtype=torch.float64)
    low, high = statistic(*drawn).double().quantile(ends).tolist()
    return Estimate(float(statistic(*ones)), low, high)


def _resampled(count: int, generator: torch.Generator) -> Tensor:
    """Return how often each of `count` images is drawn in each resample, (RESAMPLES, count)."""
    places = torch.randint(count, (RESAMPLES, count), generator=generator)
    return torch.zeros(RESAMPLES, count, dtype=torch.float64).scatter_add_(1, places, torch.ones_like(places).double())


def weighted_mean(weights: Tensor, values: Tensor) -> Tensor:
    """Return the means of values (N,) or (N, D) under weights (B, N): (B,) or (B, D)."""
    total = weights.sum(dim=1)
    return weights @ values.double() / (total if values.ndim == 1 else total[:, None])


def mean_of(values: Tensor) -> Estimate:
    """Return the mean of one value for each image, (N,), with its interval."""
    return estimate(lambda weights: weighted_mean(weights, values), len(values))


def psnr_of(a: Tensor, b: Tensor) -> Estimate:
    """Return the PSNR in dB of images (N, 3, H, W) in [-1, 1], over all of them at once, with its interval."""
    errors = (a.double() - b.double()).square().mean(dim=(1, 2, 3))
    return estimate(lambda weights: 10 * torch.log10(4.0 / weighted_mean(weights, errors)), len(errors))


def ratio_of(values: Tensor, others: Tensor, same: bool = False) -> Estimate:
    """Return the ratio of two means, of (N,) and (M,) values, with its interval; `same` images are drawn together."""

    def ratio(above: Tensor, below: Tensor) -> Tensor:
        return weighted_mean(above, values) / weighted_mean(below, others)

    if same:
        return estimate(lambda weights: ratio(weights, weights), len(values))
    return estimate(ratio, len(values), len(others))
