"""Neighbours exactly and nearly, and the place of a new image."""

import numpy as np
import pytest

from models.analysis import neighbours
from models.analysis.embedding import Floats
from models.analysis.neighbours import Metric, comparable, find_neighbours, place


@pytest.fixture(scope="module")
def features() -> Floats:
    return np.random.default_rng(0).normal(size=(300, 12)).astype(np.float32)


@pytest.mark.parametrize(("metric", "power"), [("euclidean", 2), ("manhattan", 1)])
def test_neighbours_are_those_of_brute_force(features: Floats, metric: Metric, power: int) -> None:
    found = find_neighbours(features, 6, metric)
    apart = (np.abs(features[:, None] - features[None]) ** power).sum(-1) ** (1 / power)
    expected = np.argsort(apart, axis=1)[:, :6]
    np.testing.assert_array_equal(found.indices, expected)
    np.testing.assert_allclose(found.distances, np.take_along_axis(apart, expected, 1), atol=1e-3)


def test_duplicates_are_their_own_first_neighbours() -> None:
    twins = np.repeat(np.eye(4, dtype=np.float32), 2, axis=0)
    found = find_neighbours(twins, 2)
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(8))
    np.testing.assert_allclose(found.distances, 0, atol=1e-3)


def test_cosines_are_around_the_mean(features: Floats) -> None:
    shifted = comparable(features + 100, "cosine")
    np.testing.assert_allclose(shifted, comparable(features, "cosine"), atol=1e-3)
    with pytest.raises(ValueError, match="metric 'taste'"):
        comparable(features, "taste")  # type: ignore[arg-type]


@pytest.mark.slow
def test_an_index_finds_nearly_all_of_them(features: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = find_neighbours(features, 10)
    monkeypatch.setattr(neighbours, "EXACT_UP_TO", 100)
    nearly = find_neighbours(features, 10)
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(exact.indices, nearly.indices, strict=True)]
    assert np.mean(shared) > 0.9


def test_a_duplicate_is_placed_on_its_duplicate_and_an_outlier_has_a_high_percentile(features: Floats) -> None:
    groups = np.repeat(np.eye(3, 12) * 20, 100, axis=0).astype(np.float32) + features
    middles = np.repeat([[0, 0], [10, 0], [0, 10]], 100, axis=0)
    coordinates: Floats = (middles + features[:, :2] / 10).astype(np.float32)
    twin = place(groups[120], groups, coordinates)
    assert twin.near[0] == 120 and twin.similarities[0] == pytest.approx(1, abs=1e-4) and twin.percentile == 0
    assert np.linalg.norm(twin.at - coordinates[120]) < 1
    again = place(groups[120], groups, coordinates)
    np.testing.assert_array_equal(twin.at, again.at)
    stranger = place(np.full(12, -50, np.float32), groups, coordinates)
    assert stranger.percentile > 95


def test_an_image_between_two_groups_goes_to_the_larger_one() -> None:
    features = np.eye(6, dtype=np.float32)
    coordinates = np.array([[0, 0], [0.1, 0], [0, 0.1], [9, 9], [9.1, 9], [5, 0]], np.float32)
    placed = place(np.array([1, 1, 1, 0.9, 0.9, 0], np.float32), features, coordinates)
    assert np.linalg.norm(placed.at) < 1
