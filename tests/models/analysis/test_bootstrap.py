"""Intervals against what is known of them."""

import math

import pytest
import torch

from models.analysis.bootstrap import RESAMPLES, estimate, mean_of, psnr_of, ratio_of, weighted_mean
from models.analysis.metrics import psnr


def test_the_interval_of_a_mean_is_about_two_standard_errors_wide_on_both_sides() -> None:
    values = torch.randn(400, dtype=torch.float64)
    measured = mean_of(values)
    error = float(values.std()) / math.sqrt(400)
    assert measured.value == pytest.approx(float(values.mean()))
    assert measured.value - measured.low == pytest.approx(1.96 * error, rel=0.15)
    assert measured.high - measured.value == pytest.approx(1.96 * error, rel=0.15)


def test_equal_images_have_an_empty_interval_and_equal_seeds_equal_ones() -> None:
    assert mean_of(torch.full((30,), 3.0)) == pytest.approx((3.0, 3.0, 3.0))
    values = torch.rand(30)
    assert mean_of(values) == mean_of(values)
    assert estimate(lambda w: weighted_mean(w, values), 30, seed=1) != mean_of(values)


def test_every_resample_draws_as_many_images_as_there_are_and_each_set_by_itself() -> None:
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def statistic(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        seen.append((a, b))
        return a.sum(dim=1)

    estimate(statistic, 5, 7)
    (a, b), _ = seen
    assert a.shape == (RESAMPLES, 5) and b.shape == (RESAMPLES, 7)
    assert (a.sum(dim=1) == 5).all() and (b.sum(dim=1) == 7).all()


def test_psnr_is_that_of_all_images_at_once() -> None:
    a, b = torch.rand(6, 3, 8, 8), torch.rand(6, 3, 8, 8)
    measured = psnr_of(a, b)
    assert measured.value == pytest.approx(psnr(a, b))
    assert measured.low < measured.value < measured.high


def test_a_ratio_of_the_same_images_has_a_narrower_interval() -> None:
    values = torch.rand(50) + 0.5
    apart, together = ratio_of(2 * values, values), ratio_of(2 * values, values, same=True)
    assert apart.value == pytest.approx(2.0)
    assert apart.low < 1.95 and apart.high > 2.05
    assert together == pytest.approx((2.0, 2.0, 2.0))
