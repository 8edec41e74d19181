"""Measures of images and of feature spaces (N samples, D width)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MAX_SAMPLED = 2000


def psnr(a: Tensor, b: Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB of images in [-1, 1] (peak-to-peak 2); infinite if equal."""
    error = (a.double() - b.double()).square().mean()
    return float(10 * torch.log10(4.0 / error))


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Return the structural similarity of images, (N,), 1 for equal ones (Wang et al., TIP 2004, eq. 13).

    Images are (N, 3, H, W) in [-1, 1], H and W at least 11; the windows are Gaussians of std 1.5.
    """
    channels = a.shape[1]
    offsets = torch.arange(11, dtype=torch.float64) - 5
    line = torch.exp(-offsets.square() / (2 * 1.5**2))
    window = torch.outer(line, line)
    kernel = (window / window.sum()).expand(channels, 1, 11, 11)
    x, y = a.double(), b.double()
    mean_x, mean_y, xx, yy, xy = (
        F.conv2d(each, kernel, groups=channels) for each in (x, y, x.square(), y.square(), x * y)
    )
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2  # for the range of 2
    likeness = (2 * mean_x * mean_y + c1) * (2 * (xy - mean_x * mean_y) + c2)
    size = (mean_x.square() + mean_y.square() + c1) * (xx - mean_x.square() + yy - mean_y.square() + c2)
    return (likeness / size).mean(dim=(1, 2, 3))


def gradient_magnitude(images: Tensor) -> Tensor:
    """Return the mean gradient magnitude of images (N, C, H, W), (N,) in units of their range."""
    return _edges(images).mean(dim=(1, 2))


def _edges(images: Tensor) -> Tensor:
    """Return the gradient magnitude of images (N, C, H, W), mean of the channels, (N, H-1, W-1)."""
    down = images[..., 1:, :-1] - images[..., :-1, :-1]
    right = images[..., :-1, 1:] - images[..., :-1, :-1]
    return (down.square() + right.square()).sqrt().mean(dim=1)


def source_found(images: Tensor, sources: Tensor) -> Tensor:
    """Return which images have, of all sources, edges most like those of the source they were made from.

    Likeness is the normalised cross-correlation at zero shift (J. P. Lewis, Fast Normalized Cross-Correlation, 1995) of
    gradient magnitudes, on which exchanged or inverted colours have no influence. The share of True is the rank-1
    identification rate (Phillips et al., The FERET Evaluation Methodology, TPAMI 22(10), 2000), by chance 1/N.

    Args:
        images: (N, 3, H, W); image i was made from source i.
        sources: (N, 3, H, W).

    Returns:
        (N,) bool; False where another source is as similar, so always for an image without edges.
    """
    edges, wanted = (_edges(each.double()).flatten(1) for each in (images, sources))
    edges, wanted = (F.normalize(each - each.mean(dim=1, keepdim=True), eps=1e-9) for each in (edges, wanted))
    similarity = edges @ wanted.T
    own = similarity.diagonal().clone()
    return own > similarity.fill_diagonal_(-1).amax(dim=1)


def kid(x: Tensor, y: Tensor, x_weights: Tensor | None = None, y_weights: Tensor | None = None) -> Tensor:
    """Return the kernel inception distance of two sets of features (arXiv 1801.01401 §4), an unbiased squared MMD.

    The kernel is (x·y / D + 1)³; the estimate of equal distributions is about 0 and may be negative. Weights are for
    the bootstrap: two draws of the same image are no pair, or a resample would seem more alike within itself.

    Args:
        x: (N, D) features of one set, N of at least 2.
        y: (M, D) of the other.
        x_weights: (B, N) for B distances at once; all 1 where it is None.
        y_weights: (B, M).

    Returns:
        (B,), B being 1 without weights.
    """
    x, y = x.double(), y.double()
    ones = torch.ones(1, 1, dtype=torch.float64)
    wx = ones.expand(1, len(x)) if x_weights is None else x_weights
    wy = ones.expand(1, len(y)) if y_weights is None else y_weights

    def kernel(one: Tensor, other: Tensor) -> Tensor:
        return (one @ other.T / one.shape[1] + 1) ** 3

    def within(features: Tensor, weights: Tensor) -> Tensor:
        pairs = kernel(features, features).fill_diagonal_(0)
        return ((weights @ pairs) * weights).sum(1) / (weights.sum(1).square() - weights.square().sum(1))

    across = ((wx @ kernel(x, y)) * wy).sum(1) / (wx.sum(1) * wy.sum(1))
    return within(x, wx) + within(y, wy) - 2 * across


def std_of_l2_normalized(features: Tensor) -> float:
    """Return the std of L2-normalised features (N, D) times sqrt(D) (arXiv 2011.10566 §4.1).

    It is about 1 for directions evenly on the sphere and 0 at collapse; an offset common to all features lowers it.
    """
    normalised = F.normalize(features.float(), dim=1)
    return float(normalised.std(dim=0).mean() * features.shape[1] ** 0.5)


def alignment(z1: Tensor, z2: Tensor) -> float:
    """Return the mean squared distance of the directions of two views' projections, each (N, D), 0 to 4.

    0 is best (arXiv 2005.10242 §4.1).
    """
    return float((F.normalize(z1.float(), dim=1) - F.normalize(z2.float(), dim=1)).square().sum(dim=1).mean())


def uniformity(z: Tensor) -> float:
    """Return the uniformity of the directions of (N, D), N of at least 2: log mean exp(-2 d²) over pairs, 0 to -4.

    0 means that all are equal (arXiv 2005.10242 §4.1.2).
    """
    return float(torch.pdist(F.normalize(z.float(), dim=1)).square().mul(-2).exp().mean().log())


def effective_rank(features: Tensor) -> float:
    """Return the effective rank of centred features (N, D), 1 to min(N - 1, D) (Roy & Vetterli, EUSIPCO 2007, §2)."""
    values = torch.linalg.svdvals((features - features.mean(dim=0)).double())
    share = values / values.sum().clamp_min(1e-12)
    share = share[share > 0]
    return float(torch.exp(-(share * share.log()).sum()))


def trustworthiness(before: Tensor, after: Tensor, k: int) -> float:
    """Return how far the k nearest neighbours in `after` (N, d) are neighbours in `before` (N, D), 0 to 1.

    Distances are Euclidean (Venna & Kaski, ICANN 2001, eq. 1); swapping the two gives the continuity. It is estimated
    from the neighbours of at most `MAX_SAMPLED` points.
    """
    num = len(before)
    if not 1 <= k < num / 2:
        raise ValueError(f"k is {k} for {num} points; choose at least 1 and fewer than half of them.")
    excess = 0.0
    sampled = torch.linspace(0, num - 1, min(num, MAX_SAMPLED)).long()
    for rows in sampled.split(256):
        mapped = _distances(after, rows).topk(k, largest=False).indices  # (B, k)
        distances = _distances(before, rows)  # (B, N)
        ordered = distances.sort(dim=1).values
        rank = torch.searchsorted(ordered, distances.gather(1, mapped)) + 1  # (B, k), 1 = nearest
        excess += float((rank - k).clamp_min(0).sum())
    return 1.0 - excess * 2.0 / (len(sampled) * k * (2.0 * num - 3.0 * k - 1.0))


def _distances(points: Tensor, rows: Tensor) -> Tensor:
    """Return squared distances of some rows (B,) to all points, (B, N); a point is infinitely far from itself."""
    part = points[rows]
    squared = part.square().sum(1, keepdim=True) + points.square().sum(1) - 2 * part @ points.T
    squared[torch.arange(len(part)), rows] = float("inf")
    return squared


def centred_directions(features: Tensor, mean: Tensor | None = None) -> Tensor:
    """Return features (N, D) minus their mean (or a given one, (D,)), each scaled to length 1."""
    centre = features.mean(dim=0) if mean is None else mean
    return F.normalize(features.float() - centre, dim=1)


def nearest_neighbours(query: Tensor, reference: Tensor, k: int, exclude_self: bool = False) -> tuple[Tensor, Tensor]:
    """Return the indices and cosines of the k most similar rows of `reference` (N, D) for each of `query` (M, D).

    Rows have length 1 (see `centred_directions`). Both results are (M, k), most similar first, k being at most the
    number of rows; with `exclude_self`, row i of the reference is no neighbour of row i of the query.
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


def knn_accuracy(features: Tensor, labels: Tensor, k: int = 5, reference: tuple[Tensor, Tensor] | None = None) -> float:
    """Return the accuracy of a k-nearest-neighbour vote; arguments and errors are those of `knn_right`."""
    return float(knn_right(features, labels, k, reference).float().mean())


def knn_right(features: Tensor, labels: Tensor, k: int = 5, reference: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Return whether each image's k nearest neighbours vote for its label (cosine of centred features), bool (N,).

    Args:
        features: (N, D).
        labels: (N,) integers.
        k: Neighbours that vote; ties go to the class with the larger summed similarity.
        reference: (features, labels) of the neighbours; by default the set itself, leaving each image out.

    Raises:
        ValueError: There are fewer than two images to compare.
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
    return votes.argmax(dim=1) == labels


def linear_probe_accuracy(features: Tensor, labels: Tensor, folds: int = 3) -> float:
    """Return the cross-validated accuracy of a linear classifier on standardised features (N, D), 0 to 1.

    Classes of the integer labels (N,) with fewer than `folds` members are left out.

    Raises:
        ValueError: Fewer than two classes have enough members.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    large = (labels.bincount() >= folds)[labels]
    if len(labels[large].unique()) < 2:
        raise ValueError(f"A linear probe needs two classes of at least {folds} pictures.")
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
    return float(cross_val_score(probe, features[large].numpy(), labels[large].numpy(), cv=folds).mean())
