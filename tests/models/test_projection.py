"""Maps of features: seeds, quality, limits, and the warm-up that nobody has to wait for."""

import threading

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import make_blobs
from torch import Tensor, nn

from models import projection
from models.projection import Floats, clamp_neighbours, embed_pictures, project, trustworthiness


@pytest.fixture(scope="session")
def umap_ready() -> None:
    """Import and compile umap once; the first time on a machine takes about half a minute."""
    projection.warm_up()
    assert projection.wait_until_ready(timeout=600)


@pytest.fixture(scope="session")
def blobs() -> Floats:
    points, _ = make_blobs(120, 32, centers=6, cluster_std=2.0, random_state=0)
    return points.astype(np.float32)


class MeanColour(nn.Module):
    """Notes the batches it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[int, ...]] = []

    def forward(self, images: Tensor) -> Tensor:
        self.batches.append(tuple(images.shape))
        return images.mean(dim=(2, 3))


def colours(count: int) -> list[Image.Image]:
    return [Image.new("RGB", (40, 30), (index % 256, 100, 200)) for index in range(count)]


def test_pictures_are_embedded_in_order_and_in_batches() -> None:
    encoder, seen = MeanColour(), list[tuple[int, int]]()
    features = embed_pictures(encoder, colours(70), 16, 32, lambda done, total: seen.append((done, total)))
    assert encoder.batches == [(32, 3, 16, 16), (32, 3, 16, 16), (6, 3, 16, 16)]
    assert seen == [(32, 70), (64, 70), (70, 70)]
    assert features.shape == (70, 3) and features.dtype == np.float32
    np.testing.assert_allclose(features[:, 0], np.arange(70) / 127.5 - 1, atol=1e-5)


def test_no_pictures_and_broken_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="no pictures"):
        embed_pictures(MeanColour(), [], 16)
    broken = nn.Module()
    broken.forward = lambda images: torch.full((len(images), 4), float("nan"))
    with pytest.raises(ValueError, match="not finite"):
        embed_pictures(broken, colours(2), 16)


@pytest.mark.parametrize(("wanted", "pictures", "used"), [(15, 480, 15), (15, 10, 9), (15, 4, 3), (1, 50, 2)])
def test_neighbours_stay_below_the_number_of_pictures(wanted: int, pictures: int, used: int) -> None:
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
def test_four_pictures_are_enough(blobs: Floats, dims: int) -> None:
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
    ],
)
def test_what_cannot_be_mapped_is_refused(blobs: Floats, change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        project(**{"features": blobs, **change})


@pytest.mark.usefixtures("umap_ready")
def test_a_second_warm_up_starts_no_thread() -> None:
    before = threading.active_count()
    projection.warm_up()
    assert threading.active_count() == before
    assert projection.is_ready()
