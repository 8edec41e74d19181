"""Loss functions as pure functions of tensors; each names its paper and equation (N batch, D width, K queue)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def lsgan_loss(scores: Tensor, target: float) -> Tensor:
    """Return the least-squares adversarial loss, mean (scores - target)² (arXiv 1703.10593 §4; 1611.04076 eq. 2).

    `scores` are a discriminator's, of any shape; the target is 1 for real and 0 for generated images.
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

    Patches are (N, L, P); the mask is (N, L), 1 removed and 0 kept.

    Raises:
        ValueError: Nothing is masked.
    """
    removed = mask.sum()
    if removed == 0:
        raise ValueError("No patch is masked, so there is nothing to predict; use a mask_ratio above 0.")
    return ((pred - target).square().mean(dim=-1) * mask).sum() / removed


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return KL(N(mu, exp(logvar)) || N(0, 1)) of every latent dimension in nats, (N, D) (arXiv 1312.6114 appendix B).

    It is not reduced, so that free bits and active units can be computed from it.
    """
    return 0.5 * (mu.square() + logvar.exp() - 1.0 - logvar)


def free_bits_kl(kl: Tensor, free_bits: float) -> Tensor:
    """Return the KL per image in nats, the batch mean of each latent dimension being at least `free_bits` nats.

    `kl` is (N, D), of `kl_divergence`; 0 free bits give the plain KL (arXiv 1606.04934 §C.8).
    """
    return kl.mean(dim=0).clamp(min=free_bits).sum()


def laplacian_pyramid_loss(recon_x: Tensor, x: Tensor, levels: int = 3) -> Tensor:
    """Return the L1 distance of Laplacian pyramids, finer levels weighing more (arXiv 1707.05776 §2).

    Images are (N, 3, S, S) in [-1, 1], S a multiple of 2 ** levels.
    """
    difference = recon_x - x
    total = difference.new_zeros(())
    for level in range(levels):
        coarse = F.avg_pool2d(difference, 2)
        detail = difference - F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
        total = total + detail.abs().mean() * 2.0 ** (levels - level - 1)
        difference = coarse
    return total + difference.abs().mean()


def feature_distance(features: Tensor, target: Tensor) -> Tensor:
    """Return the squared distance of directions of features, mean over the places, 0 to 4 (arXiv 1801.03924 eq. 1).

    Both are (N, C, H, W), of which the C numbers of each place are scaled to length 1; all channels weigh the same.
    """
    difference = F.normalize(features, dim=1, eps=1e-6) - F.normalize(target, dim=1, eps=1e-6)
    return difference.square().sum(dim=1).mean()


def hinge_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return the hinge loss of scores of any shape, 0 from 1 for real and -1 for generated images (1705.02894 eq. 4).

    It is halved, and 1 for a discriminator that answers 0 to everything.
    """
    return 0.5 * (F.relu(1 - real).mean() + F.relu(1 + fake).mean())


def adaptive_weight(loss: Tensor, adversarial: Tensor, parameter: Tensor, most: float = 1e4) -> Tensor:
    """Return how many times as large one loss's gradient is as the adversarial one's (arXiv 2012.09841 eq. 7).

    Both are at a parameter of the last layer; their graphs are kept.
    """
    norm, other = (torch.autograd.grad(each, parameter, retain_graph=True)[0].norm() for each in (loss, adversarial))
    return (norm / (other + 1e-6)).clamp(max=most).detach()


def negative_cosine_similarity(p: Tensor, z: Tensor) -> Tensor:
    """Return SimSiam's D(p, z), the mean negative cosine with a stop-gradient on z (arXiv 2011.10566 eq. 1-3).

    `p` (N, D) is the predictor's output of one view, `z` (N, D) the projector's of the other.
    """
    return -F.cosine_similarity(p, z.detach(), dim=1).mean()


def nt_xent(z1: Tensor, z2: Tensor, temperature: float = 0.5) -> Tensor:
    """Return SimCLR's normalised-temperature cross entropy over 2N views (arXiv 2002.05709 eq. 1).

    Row i of `z1` and row i of `z2`, each (N, D), are the projections of two views of one image.

    Raises:
        ValueError: The temperature is not positive.
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

    Queries and keys are (N, D), the queue (D, K) of normalised keys; no gradient flows into keys and queue.

    Raises:
        ValueError: The temperature is not positive.
    """
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}; it must be above 0.")
    query, key = F.normalize(query, dim=1), F.normalize(key.detach(), dim=1)
    positive = (query * key).sum(dim=1, keepdim=True)  # (N, 1)
    negative = query @ queue.detach()  # (N, K)
    logits = torch.cat([positive, negative], dim=1) / temperature
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device))
