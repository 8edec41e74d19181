"""A Gaussian mixture of latents (N, D): weights (K,), means (K, D) and lower Cholesky factors (K, D, D)."""

from __future__ import annotations

import torch
from torch import Tensor

REGULARISATION = 1e-3  # added to each variance; latents of a VAE vary by about 1


def fit_mixture(latents: Tensor, components: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Fit a mixture with full covariances to latents (N, D) by expectation maximisation (arXiv 1903.12436 §4).

    There are at most `components` Gaussians, and at most one for two latents.

    Raises:
        ValueError: There are fewer than two latents.
    """
    from sklearn.mixture import GaussianMixture

    if len(latents) < 2:
        raise ValueError(f"{len(latents)} latent(s) have no density; give at least 2.")
    mixture = GaussianMixture(
        max(1, min(components, len(latents) // 2)), reg_covar=REGULARISATION, max_iter=100, random_state=seed
    ).fit(latents.double().cpu().numpy())
    scales = torch.linalg.cholesky(torch.from_numpy(mixture.covariances_))
    return torch.from_numpy(mixture.weights_).float(), torch.from_numpy(mixture.means_).float(), scales.float()
