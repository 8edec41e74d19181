"""Loss functions as pure functions of tensors; each names its paper and equation (N batch, D width, K queue)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def lsgan_loss(scores: Tensor, target: float) -> Tensor:
    """Return the least-squares adversarial loss, mean (scores - target)² (arXiv 1703.10593 §4; 1611.04076 eq. 2).

    Args:
        scores: discriminator outputs of any shape, one value a patch.
        target: 1.0 for "real", 0.0 for "fake".
    """
    return (scores - target).square().mean()


def cycle_loss(reconstruction: Tensor, original: Tensor) -> Tensor:
    """Return the mean absolute error after a round trip (arXiv 1703.10593 eq. 2), in units of the [-1, 1] range."""
    return F.l1_loss(reconstruction, original)


def identity_loss(same: Tensor, original: Tensor) -> Tensor:
    """Return how far a generator moves an image already of its target domain (arXiv 1703.10593 §5.2)."""
    return F.l1_loss(same, original)


def masked_patch_loss(pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return MAE's mean squared error over removed patches only (arXiv 2111.06377 §3).

    Args:
        pred: (N, L, P) predicted patches.
        target: (N, L, P) true patches.
        mask: (N, L), 1 removed, 0 kept.

    Raises:
        ValueError: if nothing is masked, since the mean is then undefined.
    """
    removed = mask.sum()
    if removed == 0:
        raise ValueError("No patch is masked, so there is nothing to predict; use a mask_ratio above 0.")
    return ((pred - target).square().mean(dim=-1) * mask).sum() / removed


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return KL(N(mu, exp(logvar)) || N(0, 1)) for every latent number in nats (arXiv 1312.6114 appendix B).

    Args:
        mu: (N, D) posterior means.
        logvar: (N, D) logarithms of posterior variances.

    Returns:
        (N, D), not reduced, so that free bits and active units can be read off.
    """
    return 0.5 * (mu.square() + logvar.exp() - 1.0 - logvar)


def free_bits_kl(kl: Tensor, free_bits: float) -> Tensor:
    """Return the KL per image in nats with each latent's batch mean floored (arXiv 1606.04934 §C.8).

    Args:
        kl: (N, D) from `kl_divergence`.
        free_bits: nats that each latent number may carry without being pushed back; 0 is the plain KL.
    """
    return kl.mean(dim=0).clamp(min=free_bits).sum()


def laplacian_pyramid_loss(recon_x: Tensor, x: Tensor, levels: int = 3) -> Tensor:
    """Return an L1 distance over a Laplacian pyramid, so that edges count beside colours (arXiv 1707.05776 §2).

    Args:
        recon_x: (N, 3, S, S) reconstruction in [-1, 1].
        x: (N, 3, S, S) original.
        levels: how many times the side is halved; S must be a multiple of 2 ** levels.

    Returns:
        The sum over levels of the mean absolute error, finer levels weighing more.
    """
    difference = recon_x - x
    total = difference.new_zeros(())
    for level in range(levels):
        coarse = F.avg_pool2d(difference, 2)
        detail = difference - F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
        total = total + detail.abs().mean() * 2.0 ** (levels - level - 1)
        difference = coarse
    return total + difference.abs().mean()


def negative_cosine_similarity(p: Tensor, z: Tensor) -> Tensor:
    """Return SimSiam's D(p, z): mean negative cosine with a stop-gradient on z (arXiv 2011.10566 eq. 1-3).

    Args:
        p: (N, D) predictor outputs of one view.
        z: (N, D) projector outputs of the other view; no gradient flows into it.
    """
    return -F.cosine_similarity(p, z.detach(), dim=1).mean()


def nt_xent(z1: Tensor, z2: Tensor, temperature: float = 0.5) -> Tensor:
    """Return SimCLR's normalised-temperature cross entropy over 2N views (arXiv 2002.05709 eq. 1).

    Args:
        z1: (N, D) projections of the first views.
        z2: (N, D) projections of the second views, row by row the partners of z1.
        temperature: softmax scale, > 0; smaller looks harder at the nearest negatives.

    Raises:
        ValueError: if temperature is not positive.
    """
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}; it must be above 0.")
    z = F.normalize(torch.cat([z1, z2]), dim=1)  # (2N, D)
    similarity = z @ z.T / temperature
    similarity.fill_diagonal_(float("-inf"))  # a view is no negative of itself
    num = z1.shape[0]
    partner = torch.arange(2 * num, device=z.device).roll(num)
    return F.cross_entropy(similarity, partner)


def info_nce(query: Tensor, key: Tensor, queue: Tensor, temperature: float = 0.2) -> Tensor:
    """Return MoCo's contrastive loss: each query against its key and K queued negatives (arXiv 1911.05722 eq. 1).

    Args:
        query: (N, D) from the trained encoder.
        key: (N, D) from the momentum encoder; no gradient flows into it.
        queue: (D, K) older keys, normalised.
        temperature: softmax scale, > 0 (0.07 in v1, 0.2 in v2).

    Raises:
        ValueError: if temperature is not positive.
    """
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}; it must be above 0.")
    query, key = F.normalize(query, dim=1), F.normalize(key.detach(), dim=1)
    positive = (query * key).sum(dim=1, keepdim=True)  # (N, 1)
    negative = query @ queue.detach()  # (N, K)
    logits = torch.cat([positive, negative], dim=1) / temperature
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device))
