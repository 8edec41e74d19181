"""Nearest neighbours of N features, and the position of a new image on a finished map.

Neighbours are exact up to `EXACT_UP_TO` images, where one matrix product is quicker than building an index; beyond,
they are those of pynndescent (Dong et al., WWW 2011).

A new image is placed at the weighted geometric median of its neighbours' positions (`place`): with umap's `transform`,
its position depends on the images placed with it, and the first call takes seconds (umap #219, #566).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.analysis.embedding import Floats
from models.analysis.metrics import centred_directions, nearest_neighbours

Metric = Literal["cosine", "euclidean", "manhattan"]
METRICS: tuple[Metric, ...] = ("cosine", "euclidean", "manhattan")
EXACT_UP_TO = 12_000  # images
MAX_SAMPLED = 1000


class Neighbours(NamedTuple):
    """The k nearest of each image, itself first, nearest first: indices (N, k) and distances (N, k)."""

    indices: NDArray[np.int32]
    distances: Floats


def comparable(features: Floats, metric: Metric = "cosine") -> Floats:
    """Return features (N, D) such that `find_neighbours` compares them as `metric` says.

    For the cosine these are directions around their mean, whose Euclidean distances order pairs as the cosine does.
    """
    if metric not in METRICS:
        raise ValueError(f"The metric {metric!r} is unknown; choose one of {', '.join(METRICS)}.")
    if metric != "cosine":
        return features
    return centred_directions(torch.from_numpy(features)).numpy()


def find_neighbours(points: Floats, k: int, metric: Metric = "cosine", seed: int = 0) -> Neighbours:
    """Return the k nearest neighbours, at most N, of each of `points` (N, D), each its own first neighbour.

    Distances are Manhattan for that metric and Euclidean for the others (see `comparable`).
    """
    if len(points) > EXACT_UP_TO:
        return _approximate(points, k, metric, seed)
    order = 1.0 if metric == "manhattan" else 2.0
    everything = torch.from_numpy(points)
    indices, distances = [], []
    for start in range(0, len(points), 1024):
        part = everything[start : start + 1024]
        apart = torch.cdist(part, everything, p=order, compute_mode="use_mm_for_euclid_dist")  # (B, N)
        index = torch.arange(len(part))
        apart[index, index + start] = -1.0  # itself comes first, also among duplicates
        nearest = apart.topk(k, dim=1, largest=False)
        indices.append(nearest.indices)
        distances.append(nearest.values.clamp_min(0))
    return Neighbours(torch.cat(indices).int().numpy(), torch.cat(distances).numpy())


def _approximate(points: Floats, k: int, metric: Metric, seed: int) -> Neighbours:
    from pynndescent import NNDescent  # compiles for seconds, and small sets never need it

    name = "manhattan" if metric == "manhattan" else "euclidean"
    found, distances = NNDescent(points, metric=name, n_neighbors=k, random_state=seed).neighbor_graph
    return Neighbours(found.astype(np.int32), distances.astype(np.float32))


def nearest_to(feature: Floats, features: Floats, k: int) -> list[tuple[int, float]]:
    """Return the k of `features` (N, D) most like `feature` (D,), nearest first: ids and cosines around their mean."""
    near, similarities, _ = _nearest(feature, features, k)
    return list(zip(near.tolist(), similarities.tolist(), strict=True))


def _nearest(feature: Floats, features: Floats, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return indices (k,) and cosines (k,) of the nearest of `features`, and the centred directions of all (N, D)."""
    pool = torch.from_numpy(features)
    mean = pool.mean(dim=0)
    directions = centred_directions(pool, mean)
    near, similarities = nearest_neighbours(centred_directions(torch.from_numpy(feature)[None], mean), directions, k)
    return near[0], similarities[0], directions


class Placement(NamedTuple):
    """The position of a new image on a map."""

    at: Floats  # coordinates, (dims,)
    near: tuple[int, ...]  # indices of its neighbours, nearest first
    similarities: tuple[float, ...]  # their cosines
    # Percentage of the set's images that are nearer to their nearest neighbour than the new one is to its own,
    # estimated from at most `MAX_SAMPLED` images.
    percentile: float


def place(feature: Floats, features: Floats, coordinates: Floats, k: int = 5, show: int = 12) -> Placement:
    """Return the position of a new image on a finished map.

    Args:
        feature: (D,), of the new image.
        features: (N, D), of those on the map.
        coordinates: (N, dims) of the map.
        k: Number of neighbours that decide the position.
        show: Number of neighbours to return.
    """
    near, similarities, directions = _nearest(feature, features, max(k, show))
    sampled = torch.linspace(0, len(features) - 1, min(len(features), MAX_SAMPLED)).long()
    _, own = nearest_neighbours(directions[sampled], directions, 2)  # (A, 2), first each itself
    percentile = 100.0 * float((own[:, 1] > similarities[0] + 1e-6).float().mean())
    at = _weighted_median(torch.from_numpy(coordinates)[near[:k]].double(), similarities[:k].double())
    return Placement(at.float().numpy(), tuple(near[:show].tolist()), tuple(similarities[:show].tolist()), percentile)


def _weighted_median(places: Tensor, similarities: Tensor) -> Tensor:
    """Return the weighted geometric median of places (k, dims): a mean would lie between two groups of neighbours."""
    weights = (similarities - similarities.min() + 0.05)[:, None]
    middle = (places * weights).sum(0) / weights.sum()
    for _ in range(50):
        pull = weights / (places - middle).norm(dim=1, keepdim=True).clamp_min(1e-6)
        middle = (places * pull).sum(0) / pull.sum()
    return middle
