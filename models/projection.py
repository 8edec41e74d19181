"""Maps of pictures: from pictures to features to points with UMAP (McInnes et al., arXiv 1802.03426).

N pictures, D feature width. `project` compares pictures by the cosine of their centred features: it scales
them to length 1 first, so that the Euclidean distances UMAP works with order pairs as the cosine does.

Importing umap takes seconds and its first fit compiles for about ten more. `warm_up` does both in the
background; `project` waits for it where it must.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from models.images import square_crop, to_tensor
from models.metrics import centred_directions

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]  # pictures done, pictures in all

MIN_PICTURES = 4
MAX_SEED = 2**32 - 1  # what numpy's legacy generator, which umap seeds, can hold
BATCH_SIZE = 32

logger = logging.getLogger(__name__)


@torch.inference_mode()
def embed_pictures(
    encoder: nn.Module,
    pictures: Sequence[Image.Image],
    image_size: int,
    batch_size: int = BATCH_SIZE,
    progress: Progress | None = None,
) -> Floats:
    """Return the features of pictures, (N, D), computed in batches.

    Args:
        encoder: (B, 3, S, S) in [-1, 1] -> (B, D), in eval mode.
        pictures: N RGB pictures of any size; the centre square of each is used.
        image_size: S, the side the encoder expects, in pixels.
        batch_size: pictures per call of the encoder.
        progress: called after every batch with the pictures done so far and N.

    Raises:
        ValueError: if there are no pictures, or the encoder gives a value that is not finite.
    """
    if not pictures:
        raise ValueError("There are no pictures to embed; give at least one.")
    chunks = []
    for start in range(0, len(pictures), batch_size):
        batch = [square_crop(picture, image_size) for picture in pictures[start : start + batch_size]]
        chunks.append(encoder(to_tensor(batch)).float())  # (B, 3, S, S) -> (B, D)
        if progress is not None:
            progress(min(start + batch_size, len(pictures)), len(pictures))
    features: Floats = torch.cat(chunks).numpy()
    if not np.isfinite(features).all():
        raise ValueError("The encoder gave features that are not finite; load its weights again.")
    return features


def clamp_neighbours(n_neighbors: int, num_pictures: int) -> int:
    """Return how many neighbours UMAP can really look at: at least 2 and fewer than there are pictures."""
    return max(2, min(n_neighbors, num_pictures - 1))


def project(features: Floats, dims: int = 2, n_neighbors: int = 15, min_dist: float = 0.1, seed: int = 0) -> Floats:
    """Return the UMAP of features as coordinates, (N, dims); equal arguments give equal coordinates.

    Args:
        features: (N, D).
        dims: 2 or 3.
        n_neighbors: how many neighbours of each picture to keep together; clamped below N. More of them show
            the overall arrangement, fewer the fine one.
        min_dist: how tightly points may be packed, 0 to 1 in units of the map.
        seed: of UMAP's random numbers, 0 to `MAX_SEED`.

    Raises:
        ValueError: if an argument is outside its range.
    """
    _check(features, dims, n_neighbors, min_dist, seed)
    warm_up()
    wait_until_ready()
    return _fit(
        _directions(features),
        n_components=dims,
        n_neighbors=clamp_neighbours(n_neighbors, len(features)),
        min_dist=min_dist,
        random_state=seed,
    )


def trustworthiness(features: Floats, coordinates: Floats, n_neighbors: int = 15) -> float:
    """Return how far neighbours on the map are neighbours in feature space (Venna & Kaski 2001), at most 1.

    Args:
        features: (N, D), compared by the cosine of their centred directions.
        coordinates: (N, dims).
        n_neighbors: how many neighbours count, clamped below N / 2 as the definition needs.
    """
    from sklearn import manifold

    k = max(1, min(n_neighbors, (len(features) - 1) // 2))
    return float(manifold.trustworthiness(_directions(features), coordinates, n_neighbors=k))


class _WarmUp:
    """The one background start of umap in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        with self.lock:
            if self.thread is None:
                self.thread = threading.Thread(target=self.run, name="umap-warm-up", daemon=True)
                self.thread.start()

    def run(self) -> None:
        try:
            # At ordinary priority: a visitor may be waiting, and a busy machine would starve a nicer thread.
            noise = np.random.default_rng(0).normal(size=(32, 8)).astype(np.float32)
            for dims in (2, 3):
                _fit(noise, n_components=dims, n_neighbors=5, min_dist=0.1, random_state=0)
        except Exception:
            # Whoever maps next meets the same error in their own call, where it can be told.
            logger.exception("UMAP could not be warmed up")
        finally:
            self.done.set()


_warm_up = _WarmUp()


def warm_up() -> None:
    """Start importing and compiling umap in a background thread; later calls do nothing."""
    _warm_up.start()


def is_ready() -> bool:
    """Return whether the warm-up has ended, so that `project` starts at once."""
    return _warm_up.done.is_set()


def wait_until_ready(timeout: float | None = None) -> bool:
    """Wait for the warm-up, at most `timeout` seconds, and return whether it has ended."""
    return _warm_up.done.wait(timeout)


def _directions(features: Floats) -> Floats:
    directions: Floats = centred_directions(torch.from_numpy(features)).numpy()  # (N, D)
    return directions


def _fit(directions: Floats, **parameters: Any) -> Floats:
    import umap  # here, because it takes seconds and most visitors never need it

    # n_jobs=1 is what umap falls back to, with a warning, for a seeded fit. PCA gives a start that exists for
    # four pictures as well, where the spectral one does not.
    reducer = umap.UMAP(init="pca", n_jobs=1, **parameters)
    return np.asarray(reducer.fit_transform(directions), dtype=np.float32)


def _check(features: Floats, dims: int, n_neighbors: int, min_dist: float, seed: int) -> None:
    if features.ndim != 2 or len(features) < MIN_PICTURES:
        raise ValueError(f"A map needs (N, D) features of at least {MIN_PICTURES} pictures, not {features.shape}.")
    if not np.isfinite(features).all():
        raise ValueError("The features are not all finite; embed the pictures again.")
    if not np.ptp(features, axis=0).any():
        raise ValueError("All pictures have the same features; a map needs pictures that differ.")
    if dims not in (2, 3):
        raise ValueError(f"dims is {dims}; choose 2 or 3.")
    if features.shape[1] < dims:
        raise ValueError(f"Features of width {features.shape[1]} cannot be laid out in {dims} dimensions.")
    if n_neighbors < 2:
        raise ValueError(f"n_neighbors is {n_neighbors}; choose at least 2.")
    if not 0 <= min_dist <= 1:
        raise ValueError(f"min_dist is {min_dist}; choose one from 0 to 1.")
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed is {seed}; choose one from 0 to {MAX_SEED}.")
