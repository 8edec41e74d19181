"""Untrained autoencoders whose images differ, so that a test can tell one from another."""

import torch

from models.networks.vae import ConvVAE


def lively_vae(img_size: int = 32, latent_dim: int = 8, num_filters: int = 4, seed: int = 3) -> ConvVAE:
    """Return a ConvVAE in eval mode whose normalisation layers have seen some noise.

    Fresh ones pass on so little of their input that all outputs would be the same grey.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = ConvVAE(img_size, latent_dim, num_filters).train()
        for _ in range(40):
            coarse = torch.rand(8, 3, 4, 4) * 2 - 1
            model(torch.nn.functional.interpolate(coarse, size=img_size, mode="bicubic").clamp(-1, 1))
    return model.eval().requires_grad_(False)
