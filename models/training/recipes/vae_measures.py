"""What the VAE recipe measures beside its losses; images are (N, 3, S, S) in [-1, 1], latents (N, D)."""

from __future__ import annotations

import torch
from torch import Tensor

from models.analysis.bootstrap import Estimate, estimate, ratio_of, weighted_mean
from models.analysis.latents import active
from models.analysis.metrics import gradient_magnitude, kid
from models.networks.residual_vae import ResidualVAE
from models.networks.vae import VectorVAE
from models.training.recipes._base import in_batches
from models.training.recipes.classifier import Classifier


def active_units(mu: Tensor, kl: Tensor, free_bits: float) -> float:
    """Return the share of latent numbers that are in use (`models.analysis.latents.active`)."""
    return float(active(mu.float().var(dim=0, correction=0), kl.mean(dim=0), free_bits).float().mean())


def active_share(weights: Tensor, mu: Tensor, kl: Tensor, free_bits: float) -> Tensor:
    """Return `active_units` under weights (B, N) of the images, (B,)."""
    variance = weighted_mean(weights, mu.double().square()) - weighted_mean(weights, mu).square()
    return active(variance, weighted_mean(weights, kl), free_bits).double().mean(dim=1)


def sharpness(made: Tensor, images: Tensor) -> Estimate:
    """Return the gradient magnitude of images made from others, relative to theirs."""
    return ratio_of(gradient_magnitude(made), gradient_magnitude(images), same=True)


def draws_of(model: VectorVAE, count: int) -> dict[str, Tensor]:
    """Return the latents of draws, always the same, and of draws from the prior where these are others."""
    seed = torch.Generator().manual_seed
    draws = {"draws": model.draw_latents(count, seed(0))}
    if isinstance(model, ResidualVAE) and model.has_mixture:
        draws["prior_draws"] = model.draw_latents(count, seed(0), prior=True)
    return draws


def compared(
    model: VectorVAE, classifier: Classifier, images: Tensor, mu: Tensor, recon_x: Tensor
) -> dict[str, Estimate]:
    """Return what a classifier adds to the recipe's measures, of images with their means and reconstructions."""
    count = len(images)
    half_way = 0.5 * (mu + mu.roll(1, dims=0))
    middle = in_batches(half_way.to(images.device), model.decode)
    real, rebuilt, mixed = (classifier.features(each) for each in (images, recon_x, middle))
    scores = {
        "kid_reconstructions": estimate(lambda w: kid(rebuilt, real, w, w), count),
        "kid_midpoints": estimate(lambda w: kid(mixed, real, w, w), count),
        "kid_midpoints_ratio": estimate(lambda w: kid(mixed, real, w, w) / kid(rebuilt, real, w, w), count),
        "sharpness_midpoints": sharpness(middle, images.cpu()),
    }
    for name, latents in draws_of(model, count).items():
        drawn = in_batches(latents.to(images.device), model.decode)
        scores[f"kid_{name}"] = _kid_between(classifier.features(drawn), real)
        scores[f"sharpness_{name}"] = ratio_of(gradient_magnitude(drawn), gradient_magnitude(images.cpu()))
    return scores


def _kid_between(drawn: Tensor, real: Tensor) -> Estimate:
    """Return the KID of independent sets of features (N, D) and (M, D)."""
    return estimate(lambda weights, others: kid(drawn, real, weights, others), len(drawn), len(real))
