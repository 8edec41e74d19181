"""Statistics of latents against formulas written out, and interpolations and mutations of latents."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.analysis.latents import (
    ACTIVE_VARIANCE,
    averaged_between,
    corner_grid,
    crossed,
    lerp,
    measure_latents,
    mutated,
    plane_basis,
    principal_plane,
    read_statistics,
    slerp,
    write_statistics,
)


def test_statistics_are_those_written_out() -> None:
    mu, logvar = torch.randn(200, 4) * torch.tensor([2.0, 1.0, 0.5, 0.0]), torch.randn(200, 4) - 2
    found = measure_latents(mu, logvar)
    for place in range(4):
        kl = 0.5 * (mu[:, place] ** 2 + logvar[:, place].exp() - logvar[:, place] - 1)
        assert found.kl[place] == pytest.approx(float(kl.mean()), abs=1e-4)
        total = mu[:, place].var(correction=0) + logvar[:, place].exp().mean()
        assert found.std[place] == pytest.approx(float(total.sqrt()), abs=1e-4)
    assert found.is_active == [True, True, True, False]
    assert [found.kl[place] for place in found.by_kl] == sorted(found.kl, reverse=True)


def test_a_dimension_at_its_free_bits_is_inactive() -> None:
    resting = torch.randn(4000) * math.sqrt(1 - math.exp(-0.1))  # as exp(-0.1) is the variance of its noise: 0.05 nats
    mu = torch.stack([torch.randn(4000), resting, torch.zeros(4000)], dim=1)
    logvar = torch.tensor([-1.0, -0.1, 0.0]).expand_as(mu)
    found = measure_latents(mu, logvar, free_bits=0.05)
    assert found.kl[1] == pytest.approx(0.05, abs=0.005) and found.variance[1] > 9 * ACTIVE_VARIANCE
    assert found.is_active == [True, False, False]
    assert measure_latents(mu, logvar).is_active == [True, True, False], "nothing was free"


def test_the_share_of_a_distance_is_that_of_the_measured_images() -> None:
    mu = torch.randn(500, 16)
    found = measure_latents(mu, torch.full_like(mu, -20.0))
    distances = found.distance(mu)
    for place in (3, 77, 240):
        share = float((distances < distances[place]).float().mean())
        assert found.share_nearer(float(distances[place])) == pytest.approx(share, abs=0.02)
    assert found.share_nearer(0.0) == 0 and found.share_nearer(1e6) == 1
    usual = found.density(distances).mean()
    assert usual > 0.6 > 0.05 > found.density(torch.tensor(0.0)) and found.density(torch.tensor(50.0)) < 0.01


def test_stored_statistics_belong_to_their_weights(tmp_path: Path) -> None:
    found = measure_latents(torch.randn(5, 3), torch.zeros(5, 3), free_bits=0.1, sha256="a" * 64)
    assert read_statistics(tmp_path, "a" * 64) is None
    write_statistics(tmp_path, found)
    assert read_statistics(tmp_path, "a" * 64) == found
    assert read_statistics(tmp_path, "b" * 64) is None
    with pytest.raises(ValueError, match="at least 2"):
        measure_latents(torch.randn(1, 3), torch.zeros(1, 3))


def test_a_plane_holds_the_points_it_was_laid_through() -> None:
    points = torch.randn(3, 9)
    origin, directions = plane_basis(points)
    assert torch.allclose(directions @ directions.T, torch.eye(2), atol=1e-5)
    places = (points - origin) @ directions.T
    assert torch.allclose(origin + places @ directions, points, atol=1e-5)
    with pytest.raises(ValueError, match="on one line"):
        plane_basis(torch.stack([points[0], points[1], points[0] * 0.5 + points[1] * 0.5]))


def test_the_principal_plane_is_where_points_differ_most() -> None:
    points = torch.randn(40, 6) * torch.tensor([5.0, 0.1, 3.0, 0.1, 0.1, 0.1])
    _, directions = principal_plane(points)
    assert directions[0, 0].abs() > 0.99 and directions[1, 2].abs() > 0.99
    again = principal_plane(points)[1]
    assert torch.equal(directions, again)


def test_a_grid_has_its_corners_and_straight_sides() -> None:
    corners = torch.randn(4, 5)
    grid = corner_grid(corners, 3).unflatten(0, (3, 3))
    assert torch.equal(grid[[0, 0, 2, 2], [0, 2, 0, 2]], corners)
    assert torch.allclose(grid[1, 1], corners.mean(dim=0), atol=1e-6)
    assert torch.allclose(grid[0, 1], corners[:2].mean(dim=0), atol=1e-6)
    with pytest.raises(ValueError, match="4 corners"):
        corner_grid(corners[:3], 3)


def test_crossovers_interpolations_and_mutations_of_two_parents() -> None:
    parents = torch.randn(2, 400)
    for child in crossed(parents[0], parents[1], 3, seed=1):
        from_first = child == parents[0]
        assert torch.equal(child, torch.where(from_first, parents[0], parents[1]))
        assert 0.35 < from_first.float().mean() < 0.65
    middle = averaged_between(parents[0], parents[1], 3)[1]
    assert torch.allclose(middle, parents.mean(dim=0), atol=1e-6)
    near, far = mutated(parents, 4, 0.1, seed=2), mutated(parents, 4, 1.0, seed=2)
    assert (near[:2] - parents).norm() < (far[:2] - parents).norm()
    assert far.std() == pytest.approx(1.0, abs=0.1), "a draw of the prior stays one"
    one = torch.randn(1, 40_000)
    for radius, left in ((1.0, 0.71), (1.5, 0.55)):  # as the tab says
        child = mutated(one, 1, radius, seed=2)
        assert torch.corrcoef(torch.cat([one, child]))[0, 1] == pytest.approx(left, abs=0.02)
    assert torch.equal(far, mutated(parents, 4, 1.0, seed=2)) and not torch.equal(far, mutated(parents, 4, 1.0, seed=3))


def angle(a: Tensor, b: Tensor) -> float:
    return math.acos(max(-1.0, min(1.0, float((a @ b) / (a.norm() * b.norm())))))


@pytest.mark.parametrize("path", [lerp, slerp])
@pytest.mark.parametrize("shape", [(8,), (5, 8)])
def test_interpolations_start_and_end_at_their_ends(
    path: Callable[[Tensor, Tensor, float], Tensor], shape: tuple[int, ...]
) -> None:
    a, b = torch.randn(shape), 3 * torch.randn(shape)
    assert torch.allclose(path(a, b, 0.0), a, atol=1e-5)
    assert torch.allclose(path(a, b, 1.0), b, atol=1e-5)
    assert path(a, b, 0.3).shape == shape


def test_lerp_is_the_straight_line() -> None:
    assert torch.allclose(lerp(torch.tensor([0.0, 4.0]), torch.tensor([2.0, 0.0]), 0.25), torch.tensor([0.5, 3.0]))


def test_slerp_of_a_quarter_circle() -> None:
    half_way = slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 0.5)
    assert torch.allclose(half_way, torch.tensor([0.5, 0.5]).sqrt())


@pytest.mark.parametrize("t", [0.1, 0.25, 0.5, 0.9])
def test_slerp_turns_and_grows_evenly(t: float) -> None:
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        a, b = torch.randn(32, generator=generator), 2 * torch.randn(32, generator=generator)
        point = slerp(a, b, t)
        assert angle(a, point) == pytest.approx(t * angle(a, b), abs=1e-3)
        assert angle(point, b) == pytest.approx((1 - t) * angle(a, b), abs=1e-3)
        assert float(point.norm()) == pytest.approx(float((1 - t) * a.norm() + t * b.norm()), rel=1e-4)


def test_slerp_treats_rows_on_their_own() -> None:
    a, b = torch.randn(4, 8), torch.randn(4, 8)
    b[2] = a[2]  # this row falls back to the straight line
    rows = torch.stack([slerp(one, other, 0.3) for one, other in zip(a, b, strict=True)])
    assert torch.allclose(slerp(a, b, 0.3), rows, atol=1e-6)


def test_slerp_without_a_unique_arc_takes_the_straight_line() -> None:
    a = torch.randn(8)
    assert torch.allclose(slerp(a, a, 0.4), a)
    assert torch.allclose(slerp(a, 2 * a, 0.5), 1.5 * a, atol=1e-6)
    assert torch.isfinite(slerp(a, -a, 0.5)).all()
    assert torch.allclose(slerp(torch.zeros(8), a, 0.5), 0.5 * a, atol=1e-6)
