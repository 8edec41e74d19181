"""A few steps of training a variational autoencoder on a few images, which it should learn by heart."""

import torch
from torch import Tensor

from models.networks.losses import kl_divergence
from models.networks.vae import VectorVAE


def overfit(model: VectorVAE, images: Tensor, steps: int) -> list[float]:
    """Train on images (N, 3, S, S) with a light KL divergence; return the mean squared error of each step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    errors = []
    for _ in range(steps):
        output = model(images)
        error = (output.recon_x - images).square().mean()
        loss = error + 1e-4 * kl_divergence(output.mu, output.logvar).sum(dim=1).mean()
        assert torch.isfinite(loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(error.item())
    return errors
