"""Measures of pictures and of feature spaces (N samples, D width)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def psnr(a: Tensor, b: Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB of pictures in [-1, 1] (peak-to-peak 2); infinite if equal."""
    error = (a.double() - b.double()).square().mean()
    return float(10 * torch.log10(4.0 / error))


def std_of_l2_normalized(features: Tensor) -> float:
    """Return the collapse measure: spread of normalised features times sqrt(D) (arXiv 2011.10566 §4.1).

    Args:
        features: (N, D).

    Returns:
        About 1 when directions fill the space evenly, 0 when all outputs are the same.
    """
    normalised = F.normalize(features.float(), dim=1)
    return float(normalised.std(dim=0).mean() * features.shape[1] ** 0.5)


def alignment(z1: Tensor, z2: Tensor) -> float:
    """Return the mean squared distance of partners' directions (arXiv 2005.10242 §4.1): 0 is best, 4 is opposite.

    Args:
        z1: (N, D) projections of one view of N pictures.
        z2: (N, D) of the other view.
    """
    return float((F.normalize(z1.float(), dim=1) - F.normalize(z2.float(), dim=1)).square().sum(dim=1).mean())


def uniformity(z: Tensor) -> float:
    """Return how evenly directions fill the sphere (arXiv 2005.10242 §4.1.2): 0 if all are the same, down to -4.

    Args:
        z: (N, D) with N of at least 2; the logarithm of the mean of exp(-2 d²) over all pairs.
    """
    return float(torch.pdist(F.normalize(z.float(), dim=1)).square().mul(-2).exp().mean().log())


def centred_directions(features: Tensor, mean: Tensor | None = None) -> Tensor:
    """Return features (N, D) minus their mean (or a given one, (D,)), each scaled to length 1."""
    centre = features.mean(dim=0) if mean is None else mean
    return F.normalize(features.float() - centre, dim=1)


def nearest_neighbours(query: Tensor, reference: Tensor, k: int, exclude_self: bool = False) -> tuple[Tensor, Tensor]:
    """Return the k most similar rows of `reference` for each row of `query`, exactly, by cosine.

    Args:
        query: (M, D) directions of length 1 (see `centred_directions`).
        reference: (N, D) directions of length 1.
        k: neighbours wanted; fewer come back where fewer exist.
        exclude_self: whether row i of the reference is row i of the query and no neighbour of it.

    Returns:
        indices (M, k) into the reference and cosine similarities (M, k), most similar first.
    """
    indices, similarities = [], []
    k = min(k, len(reference) - int(exclude_self))
    for start in range(0, len(query), 1024):
        similarity = query[start : start + 1024] @ reference.T
        if exclude_self:
            rows = torch.arange(len(similarity))
            similarity[rows, rows + start] = float("-inf")
        top = similarity.topk(k, dim=1)
        indices.append(top.indices)
        similarities.append(top.values)
    return torch.cat(indices), torch.cat(similarities)


def knn_accuracy(
    features: Tensor,
    labels: Tensor,
    k: int = 5,
    reference: tuple[Tensor, Tensor] | None = None,
) -> float:
    """Return the share of pictures whose k nearest neighbours vote for their own label (cosine, centred features).

    Args:
        features: (N, D).
        labels: (N,) integers.
        k: neighbours that vote; ties go to the class with the larger summed similarity.
        reference: (features, labels) to look among; by default the set itself, leaving each picture out.

    Raises:
        ValueError: if there are fewer than two pictures to compare.
    """
    pool, pool_labels = (features, labels) if reference is None else reference
    if len(pool) < 2:
        raise ValueError(f"kNN needs at least 2 pictures, not {len(pool)}.")
    mean = pool.mean(dim=0)
    query, pool = centred_directions(features, mean), centred_directions(pool, mean)
    indices, similarity = nearest_neighbours(query, pool, k, exclude_self=reference is None)
    num_classes = int(torch.cat([labels, pool_labels]).max()) + 1
    # One vote each; the similarity, at most 1 in size, only decides between equal counts.
    weight = 1.0 + (similarity + 1.0) / (4.0 * k)
    votes = torch.zeros(len(query), num_classes).scatter_add_(1, pool_labels[indices], weight)
    return float((votes.argmax(dim=1) == labels).float().mean())
