"""Maps of features: seeds, quality, limits, and the warm-up that nobody has to wait for."""

import threading

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA

from models.analysis import projection
from models.analysis.embedding import Floats
from models.analysis.neighbours import Metric
from models.analysis.projection import Method, align, clamp_neighbours, continuity, project, trustworthiness


@pytest.fixture(scope="session")
def umap_ready() -> None:
    """Import and compile umap once; the first time on a machine takes about half a minute."""
    projection.warm_up()
    assert projection.wait_until_ready(timeout=600)


@pytest.fixture(scope="session")
def blobs() -> Floats:
    points, _ = make_blobs(120, 32, centers=6, cluster_std=2.0, random_state=0)
    return points.astype(np.float32)


@pytest.mark.parametrize(("wanted", "pictures", "used"), [(15, 480, 15), (15, 10, 9), (15, 4, 3), (1, 50, 2)])
def test_neighbours_stay_below_the_number_of_images(wanted: int, pictures: int, used: int) -> None:
    assert clamp_neighbours(wanted, pictures) == used


@pytest.mark.usefixtures("umap_ready")
def test_the_same_seed_gives_the_same_map(blobs: Floats) -> None:
    first, again, other = (project(blobs, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.usefixtures("umap_ready")
@pytest.mark.parametrize("dims", [2, 3])
def test_a_map_of_blobs_can_be_trusted(blobs: Floats, dims: int) -> None:
    coordinates = project(blobs, dims=dims)
    assert coordinates.shape == (len(blobs), dims)
    assert trustworthiness(blobs, coordinates) > 0.85
    shuffled = np.random.default_rng(0).permutation(coordinates)
    assert trustworthiness(blobs, shuffled) < 0.65


@pytest.mark.usefixtures("umap_ready")
@pytest.mark.parametrize("dims", [2, 3])
def test_four_images_are_enough(blobs: Floats, dims: int) -> None:
    coordinates = project(blobs[:4], dims=dims)
    assert np.isfinite(coordinates).all()
    assert 0 <= trustworthiness(blobs[:4], coordinates) <= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": np.eye(3, dtype=np.float32)}, "at least 4 pictures"),
        ({"features": np.ones((9, 5), dtype=np.float32)}, "same features"),
        ({"features": np.full((9, 5), np.nan, dtype=np.float32)}, "finite"),
        ({"features": np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32), "dims": 3}, "width 2"),
        ({"dims": 4}, "dims is 4"),
        ({"n_neighbors": 1}, "n_neighbors is 1"),
        ({"min_dist": 1.5}, "min_dist is 1.5"),
        ({"seed": -1}, "seed is -1"),
        ({"metric": "taste"}, "metric is 'taste'"),
        ({"method": "magic"}, "method is 'magic'"),
    ],
)
def test_what_cannot_be_mapped_is_refused(blobs: Floats, change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        project(**{"features": blobs, **change})


@pytest.mark.parametrize("method", ["pca", "tsne"])
@pytest.mark.parametrize("metric", ["cosine", "manhattan"])
def test_other_methods_keep_neighbours_too(blobs: Floats, method: Method, metric: Metric) -> None:
    coordinates = project(blobs, method=method, metric=metric)
    np.testing.assert_array_equal(coordinates, project(blobs, method=method, metric=metric))
    assert trustworthiness(blobs, coordinates) > 0.75 and continuity(blobs, coordinates) > 0.75


def test_components_are_those_of_scikit_learn(blobs: Floats) -> None:
    ours = project(blobs, metric="euclidean", method="pca")
    theirs = PCA(2).fit_transform(blobs)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-2)


def test_a_rotated_and_reflected_map_is_aligned(blobs: Floats) -> None:
    fixed = blobs[:, :2]
    turned = 3 * (fixed @ np.array([[0.6, 0.8], [0.8, -0.6]], np.float32)) + 7
    np.testing.assert_allclose(align(turned, fixed), fixed, atol=1e-3)
    np.testing.assert_array_equal(align(np.ones((5, 2), np.float32), fixed[:5]), np.ones((5, 2)))


@pytest.mark.usefixtures("umap_ready")
def test_a_second_warm_up_starts_no_thread() -> None:
    before = threading.active_count()
    projection.warm_up()
    assert threading.active_count() == before
    assert projection.is_ready()
