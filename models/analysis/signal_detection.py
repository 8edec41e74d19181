"""How well somebody, or a network, tells two kinds of thing apart, and how sure a count of answers makes us."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from statistics import NormalDist

Z_95 = 1.959964  # standard deviations that hold 95 % of a normal distribution


def percentile(value: float, sample: Sequence[float]) -> float:
    """Return the share of a sample that lies below a value, 0 to 1; equal ones count half.

    Args:
        value: What is placed.
        sample: In ascending order.

    Raises:
        ValueError: if the sample is empty.
    """
    if not sample:
        raise ValueError("A percentile needs a sample of at least 1 value.")
    return (bisect_left(sample, value) + bisect_right(sample, value)) / (2 * len(sample))


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return the area under the ROC curve: how often a positive scores above a negative; 0.5 is chance.

    Equal scores count half (Hanley & McNeil, Radiology 143, 1982).

    Raises:
        ValueError: if one of the two is empty.
    """
    ordered = sorted(negative)
    if not positive:
        raise ValueError("The area under a ROC curve needs at least 1 positive score.")
    return sum(percentile(score, ordered) for score in positive) / len(positive)


def wilson_interval(hits: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Return the interval that a true rate lies in, after so many hits (Wilson, JASA 22, 1927).

    Unlike the plain one it stays within 0 to 1 and means something after few trials; without any it is (0, 1).

    Raises:
        ValueError: if there are fewer than 0 hits or more than trials.
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"There are {hits} hits in {trials} trials; give from 0 to all of them.")
    if trials == 0:
        return 0.0, 1.0
    rate, spread = hits / trials, z * z / trials
    centre = (rate + spread / 2) / (1 + spread)
    half = z / (1 + spread) * (rate * (1 - rate) / trials + spread / (4 * trials)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def d_prime(hits: int, signals: int, false_alarms: int, noises: int) -> float:
    """Return the sensitivity d': how far apart two kinds are for an observer, in standard deviations; 0 is chance.

    With the log-linear correction, half an answer added to every count, so that faultless observers get a finite
    number (Hautus, Behavior Research Methods 27, 1995).

    Args:
        hits: Signals that were called signals.
        signals: Signals shown.
        false_alarms: Noises that were called signals.
        noises: Noises shown.

    Raises:
        ValueError: if more were called than shown.
    """
    if not (0 <= hits <= signals and 0 <= false_alarms <= noises):
        raise ValueError(f"{hits} of {signals} and {false_alarms} of {noises}: no more can be called than were shown.")
    inverse = NormalDist().inv_cdf
    return inverse((hits + 0.5) / (signals + 1)) - inverse((false_alarms + 0.5) / (noises + 1))
