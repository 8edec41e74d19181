"""Maps of features: UMAP (McInnes et al., arXiv 1802.03426), t-SNE (van der Maaten & Hinton 2008) and PCA.

N images, D feature width. UMAP gets its neighbours from `models.analysis.neighbours` and starts from PCA, which is
quicker and makes it deterministic. Importing umap takes seconds, half a minute for the first compilation on a machine:
`warm_up` does it in the background, and `project` waits for it.
"""

from __future__ import annotations

import logging
import threading
import warnings
from functools import cache
from typing import Any, Literal

import numpy as np
import torch

from models.analysis import metrics
from models.analysis.embedding import Floats
from models.analysis.neighbours import METRICS, Metric, Neighbours, comparable, find_neighbours

Method = Literal["umap", "tsne", "pca"]
METHODS: tuple[Method, ...] = ("umap", "tsne", "pca")

MIN_IMAGES = 4
MAX_SEED = 2**32 - 1  # what numpy's legacy generator, which umap seeds, can hold
FEW_IMAGES = 1000  # up to here UMAP runs its usual 500 epochs
FEW_EPOCHS = 200  # beyond: what umap itself takes for large sets, and enough from a start by PCA

logger = logging.getLogger(__name__)


def clamp_neighbours(n_neighbors: int, num_images: int) -> int:
    """Return the number of neighbours for UMAP: at least 2 and below the number of images."""
    return max(2, min(n_neighbors, num_images - 1))


def project(
    features: Floats,
    dims: int = 2,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    seed: int = 0,
    metric: Metric = "cosine",
    method: Method = "umap",
) -> Floats:
    """Return a map of features as coordinates, (N, dims); equal arguments give equal coordinates.

    Args:
        features: (N, D).
        dims: 2 or 3.
        n_neighbors: Neighbours for UMAP, clamped below N, or the perplexity for t-SNE.
        min_dist: Minimum distance of points for UMAP, 0 to 1 in units of the map.
        seed: 0 to `MAX_SEED`.
        metric: The cosine is that of features minus their mean.
        method: "umap", "tsne" or "pca".

    Raises:
        ValueError: An argument is outside its range.
    """
    _check(features, dims, n_neighbors, min_dist, seed, metric, method)
    points = comparable(features, metric)
    if method == "pca":
        return principal_components(points, dims)
    if method == "tsne":
        return _tsne(points, dims, n_neighbors, seed, metric)
    warm_up()
    wait_until_ready()
    neighbours = find_neighbours(points, clamp_neighbours(n_neighbors, len(points)), metric, seed)
    return _umap(points, neighbours, n_components=dims, min_dist=min_dist, random_state=seed)


def principal_components(points: Floats, dims: int) -> Floats:
    """Return the first principal components of points (N, D), (N, dims); the largest entry of each axis is positive."""
    centred = points - points.mean(axis=0)
    # An SVD of the same (D, D) takes 30 times as long, for D of 512 as long as UMAP of 500 images.
    columns = torch.linalg.eigh(torch.from_numpy(centred.T @ centred)).eigenvectors  # by ascending eigenvalues
    axes = columns[:, -dims:].T.flip(0).numpy()
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    return np.asarray(centred @ axes.T, dtype=np.float32)


def align(moving: Floats, fixed: Floats) -> Floats:
    """Return a map (N, dims) translated, rotated, reflected and scaled to fit another (Procrustes, Schönemann 1966)."""
    from scipy import linalg

    origin, target = moving.mean(axis=0), fixed.mean(axis=0)
    spread = np.linalg.norm(moving - origin)
    if spread == 0:
        return moving.copy()
    turn, strength = linalg.orthogonal_procrustes(moving - origin, fixed - target)
    return np.asarray((moving - origin) @ turn * (strength / spread**2) + target, dtype=np.float32)


def trustworthiness(features: Floats, coordinates: Floats, n_neighbors: int = 15) -> float:
    """Return how far neighbours on the map (N, dims) are neighbours among features (N, D) by cosine, 0 to 1.

    See `metrics.trustworthiness`; `n_neighbors` is clamped below N / 2.
    """
    before, after = torch.from_numpy(comparable(features)), torch.from_numpy(coordinates)
    return metrics.trustworthiness(before, after, _countable(n_neighbors, len(features)))


def continuity(features: Floats, coordinates: Floats, n_neighbors: int = 15) -> float:
    """Return how far neighbours in feature space are neighbours on the map; arguments as in `trustworthiness`."""
    before, after = torch.from_numpy(comparable(features)), torch.from_numpy(coordinates)
    return metrics.trustworthiness(after, before, _countable(n_neighbors, len(features)))


def _countable(n_neighbors: int, num_images: int) -> int:
    return max(1, min(n_neighbors, (num_images - 1) // 2))


def _compile_umap() -> None:
    try:
        # At ordinary priority: on a busy machine a nicer thread would starve.
        noise = np.random.default_rng(0).normal(size=(32, 8)).astype(np.float32)
        neighbours = find_neighbours(noise, 5)
        for dims in (2, 3):
            _umap(noise, neighbours, n_components=dims, min_dist=0.1, random_state=0)
    except Exception:
        logger.exception("UMAP could not be warmed up")  # the next call of `project` raises the same error
    finally:
        _compiled.set()


_compiled = threading.Event()
_compiling = threading.Thread(target=_compile_umap, name="umap-warm-up", daemon=True)
_starting = threading.Lock()
_fitting = threading.Lock()  # numba's threading layer does not allow concurrent fits


def warm_up() -> None:
    """Start importing and compiling umap in a background thread; later calls do nothing."""
    with _starting:
        if _compiling.ident is None:
            _compiling.start()


def is_ready() -> bool:
    """Return whether the warm-up has ended, so that `project` starts at once."""
    return _compiled.is_set()


def wait_until_ready(timeout: float | None = None) -> bool:
    """Wait for the warm-up, at most `timeout` seconds, and return whether it has ended."""
    return _compiled.wait(timeout)


@cache
def _import_umap() -> Any:
    """Return the package, with numba's disk cache enabled: else each process compiles for ten seconds."""
    import umap  # here, because it takes seconds and most visitors never need it
    from numba.core.dispatcher import Dispatcher

    for module in (umap.umap_, umap.layouts):
        for function in vars(module).values():
            if isinstance(function, Dispatcher) and function.py_func.__module__ == module.__name__:
                function.enable_caching()
    return umap


def _umap(points: Floats, neighbours: Neighbours, **parameters: Any) -> Floats:
    umap = _import_umap()
    with _fitting, warnings.catch_warnings():
        # The warning is that `transform` will not work; `models.analysis.neighbours.place` replaces it.
        warnings.filterwarnings("ignore", message="precomputed_knn", category=UserWarning)
        # umap falls back to n_jobs=1, with a warning, for a seeded fit. Its spectral start fails for four images.
        reducer = umap.UMAP(
            init=_start(points, parameters["n_components"]),
            n_jobs=1,
            n_neighbors=neighbours.indices.shape[1],
            n_epochs=None if len(points) <= FEW_IMAGES else FEW_EPOCHS,
            precomputed_knn=(neighbours.indices, neighbours.distances),
            **parameters,
        )
        return np.asarray(reducer.fit_transform(points), dtype=np.float32)


def _start(points: Floats, dims: int) -> Floats:
    """Return UMAP's start: the principal components scaled to 10, like its spectral start, with a little noise."""
    start = principal_components(points, dims)
    start *= 10.0 / max(float(np.abs(start).max()), 1e-12)
    # Equal images must not start at one point, from which nothing would separate them.
    noise = np.random.default_rng(0).normal(scale=1e-4, size=start.shape)
    return np.asarray(start + noise, dtype=np.float32)


def _tsne(points: Floats, dims: int, n_neighbors: int, seed: int, metric: Metric) -> Floats:
    from sklearn.manifold import TSNE

    name = "manhattan" if metric == "manhattan" else "euclidean"
    perplexity = min(float(n_neighbors), (len(points) - 1) / 3)
    start = principal_components(points, dims)
    start *= 1e-4 / max(float(start[:, 0].std()), 1e-12)  # as small as scikit-learn's own start by PCA
    fit = TSNE(dims, perplexity=perplexity, init=start, random_state=seed, metric=name)
    return np.asarray(fit.fit_transform(points), dtype=np.float32)


def _check(features: Floats, dims: int, n_neighbors: int, min_dist: float, seed: int, metric: str, method: str) -> None:
    if features.ndim != 2 or len(features) < MIN_IMAGES:
        raise ValueError(f"A map needs (N, D) features of at least {MIN_IMAGES} pictures, not {features.shape}.")
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
    if metric not in METRICS:
        raise ValueError(f"metric is {metric!r}; choose one of {', '.join(METRICS)}.")
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; choose one of {', '.join(METHODS)}.")
