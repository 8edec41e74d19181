"""Signal detection: against values worked out by hand or by another way."""

import itertools
import random

import pytest

from models.analysis.signal_detection import area_under_curve, d_prime, percentile, wilson_interval


@pytest.mark.parametrize(("value", "share"), [(0, 0.0), (1, 0.125), (2, 0.5), (2.5, 0.75), (9, 1.0)])
def test_percentile_counts_what_lies_below_and_half_of_equals(value: float, share: float) -> None:
    assert percentile(value, [1, 2, 2, 3]) == share


def test_area_is_the_share_of_pairs_in_the_right_order() -> None:
    draw = random.Random(0)
    high, low = ([draw.randrange(start, start + 8) for _ in range(30)] for start in (2, 0))
    pairs = [(a > b) + (a == b) / 2 for a, b in itertools.product(high, low)]
    assert area_under_curve(high, low) == pytest.approx(sum(pairs) / len(pairs))
    assert area_under_curve([1, 2], [0]) == 1 and area_under_curve([0], [0]) == 0.5


def test_wilson_interval_is_that_of_published_tables() -> None:
    # Newcombe, Statistics in Medicine 17, 1998, table I
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_wilson_interval_solves_its_quadratic_equation() -> None:
    draw, z = random.Random(0), 1.959964
    for trials in (draw.randrange(1, 400) for _ in range(50)):
        hits = draw.randrange(trials + 1)
        rate, extra = hits / trials, z * z / trials
        half = (rate * (1 - rate) / trials + extra / (4 * trials)) ** 0.5
        ends = [(rate + extra / 2 + sign * z * half) / (1 + extra) for sign in (-1, 1)]
        assert wilson_interval(hits, trials) == pytest.approx((max(0, ends[0]), min(1, ends[1])), abs=1e-6)


def test_d_prime_is_zero_for_chance_and_finite_without_errors() -> None:
    assert d_prime(5, 10, 5, 10) == 0
    # 10.5 / 11 and 0.5 / 11 lie 1.6906 standard deviations from the middle
    assert d_prime(10, 10, 0, 10) == pytest.approx(2 * 1.6906, abs=1e-3)
    assert d_prime(2, 10, 8, 10) == pytest.approx(-d_prime(8, 10, 2, 10))


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError):
        wilson_interval(3, 2)
    with pytest.raises(ValueError, match="5 of 4"):
        d_prime(5, 4, 0, 4)
    with pytest.raises(ValueError, match="at least 1"):
        percentile(1, [])
    with pytest.raises(ValueError, match="at least 1"):
        area_under_curve([], [1])
    with pytest.raises(ValueError, match="at least 1"):
        area_under_curve([1], [])
