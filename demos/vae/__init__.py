"""The VAE tab: latent interpolation and sampling."""

from demos.vae.tab import DEMO

__all__ = ["DEMO"]
