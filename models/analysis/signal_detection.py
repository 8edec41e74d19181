"""Statistics of telling two classes apart: percentiles, the area under a ROC curve, intervals of rates, and d'."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from statistics import NormalDist


def percentile(value: float, sample: Sequence[float]) -> float:
    """Return the share of an ascending sample below a value, 0 to 1; equal ones count half.

    Raises:
        ValueError: The sample is empty.
    """
    if not sample:
        raise ValueError("A percentile needs a sample of at least 1 value.")
    return (bisect_left(sample, value) + bisect_right(sample, value)) / (2 * len(sample))


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return the area under the ROC curve of the scores of positives and negatives, 0 to 1; 0.5 is chance.

    Raises:
        ValueError: One of the two is empty.
    """
    from sklearn.metrics import roc_auc_score

    if not positive or not negative:
        raise ValueError("The area under a ROC curve needs at least 1 positive and 1 negative score.")
    return float(roc_auc_score([1] * len(positive) + [0] * len(negative), [*positive, *negative]))


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate (Wilson, JASA 22, 1927); (0, 1) without any trial.

    Raises:
        ValueError: There are fewer than 0 hits, or more than trials.
    """
    from scipy.stats import binomtest  # takes a second to import

    if trials == 0 == hits:
        return 0.0, 1.0
    interval = binomtest(hits, trials).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def d_prime(hits: int, signals: int, false_alarms: int, noises: int) -> float:
    """Return the sensitivity d' in standard deviations, with the log-linear correction; 0 is chance.

    Half an answer is added to every count, so that it is finite (Hautus, Behavior Research Methods 27, 1995).

    Args:
        hits: Signals that were called signals.
        signals: Signals shown.
        false_alarms: Noises that were called signals.
        noises: Noises shown.

    Raises:
        ValueError: More were called signals than shown.
    """
    if not (0 <= hits <= signals and 0 <= false_alarms <= noises):
        raise ValueError(f"{hits} of {signals} and {false_alarms} of {noises}: no more can be called than were shown.")
    inverse = NormalDist().inv_cdf
    return inverse((hits + 0.5) / (signals + 1)) - inverse((false_alarms + 0.5) / (noises + 1))
