"""Variational autoencoder with one global latent vector (Kingma & Welling, arXiv 1312.6114).

Images are (N, 3, S, S) in [-1, 1]; latents (N, latent_dim).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

LOGVAR_RANGE = (-12.0, 8.0)


class VAEOutput(NamedTuple):
    """The output of one pass: recon_x (N, 3, S, S), mu, logvar and z, each (N, latent_dim)."""

    recon_x: Tensor
    mu: Tensor
    logvar: Tensor
    z: Tensor


class VectorVAE(nn.Module, ABC):
    """What autoencoders with one latent vector per image share; an architecture adds what is not implemented here."""

    spatial = False  # one vector for the whole image, not a map of them
    to_mu: nn.Linear
    to_logvar: nn.Linear

    def __init__(self, img_size: int, latent_dim: int) -> None:
        super().__init__()
        if img_size % 16:
            raise ValueError(f"img_size {img_size} is not a multiple of 16, which four halvings need.")
        self.img_size, self.latent_dim = img_size, latent_dim

    @abstractmethod
    def encode_hidden(self, x: Tensor) -> Tensor:
        """Return what mean and log-variance of images (N, 3, S, S) are linear in, (N, H)."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Decode latents (N, latent_dim) to images (N, 3, S, S) in [-1, 1]."""

    @property
    @abstractmethod
    def last_weight(self) -> Tensor:
        """The filters that give pixels."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the posterior's mean and log-variance, each (N, latent_dim), of images (N, 3, S, S).

        Raises:
            ValueError: The images have another size.
        """
        if x.shape[1:] != (3, self.img_size, self.img_size):
            raise ValueError(
                f"Pictures are {tuple(x.shape[1:])}; this model wants (3, {self.img_size}, {self.img_size})."
            )
        hidden = self.encode_hidden(x)
        return self.to_mu(hidden), self.to_logvar(hidden).clamp(*LOGVAR_RANGE)

    def reparameterize(self, mu: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw z = mu + sigma * noise so that gradients reach mu and sigma (§2.4), (N, latent_dim)."""
        noise = torch.randn(mu.shape, generator=generator, dtype=mu.dtype).to(mu.device)
        return mu + noise * (0.5 * logvar).exp()

    def forward(self, x: Tensor, generator: torch.Generator | None = None, sample: bool = True) -> VAEOutput:
        """Encode, draw (or take the mean when `sample` is False: a plain autoencoder) and decode."""
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar, generator) if sample else mu
        return VAEOutput(self.decode(z), mu, logvar, z)

    def draw_latents(self, num: int, generator: torch.Generator | None = None, temperature: float = 1.0) -> Tensor:
        """Return `num` draws from the prior N(0, temperature²), (num, latent_dim)."""
        z = torch.randn(num, self.latent_dim, generator=generator) * temperature
        return z.to(self.to_mu.weight.device)

    def sample(self, num: int, generator: torch.Generator | None = None, temperature: float = 1.0) -> Tensor:
        """Decode `num` latents of `draw_latents`: (num, 3, S, S) in [-1, 1]."""
        return self.decode(self.draw_latents(num, generator, temperature))


class ConvVAE(VectorVAE):
    """A convolutional encoder and decoder around a global Gaussian latent.

    Args:
        img_size: Side in pixels, a multiple of 16.
        latent_dim: Length of the latent vector.
        num_filters: Channels after the first layer; they double at each halving up to eight times.
    """

    def __init__(self, img_size: int = 64, latent_dim: int = 128, num_filters: int = 32) -> None:
        super().__init__(img_size, latent_dim)
        widths = [num_filters * scale for scale in (1, 2, 4, 8)]
        self.base = (widths[-1], img_size // 16, img_size // 16)
        size = widths[-1] * (img_size // 16) ** 2
        self.encoder = nn.Sequential(*(_down(a, b) for a, b in zip([3, *widths], widths, strict=False)), nn.Flatten())
        self.to_mu = nn.Linear(size, latent_dim)
        self.to_logvar = nn.Linear(size, latent_dim)
        self.from_latent = nn.Linear(latent_dim, size)
        back = widths[::-1]
        self.decoder = nn.Sequential(
            *(_up(a, b) for a, b in zip(back, [*back[1:], num_filters], strict=False)),
            nn.Conv2d(num_filters, 3, 3, padding=1),
            nn.Tanh(),
        )

    def encode_hidden(self, x: Tensor) -> Tensor:
        """Return the flattened features of images (N, 3, S, S), (N, H)."""
        return self.encoder(x)

    @property
    def last_weight(self) -> Tensor:
        """The filters that give pixels."""
        return cast(nn.Conv2d, self.decoder[-2]).weight

    def decode(self, z: Tensor) -> Tensor:
        """Decode latents (N, latent_dim) to images (N, 3, S, S) in [-1, 1]."""
        return self.decoder(self.from_latent(z).unflatten(1, self.base))


def _down(in_channels: int, out_channels: int) -> nn.Sequential:
    """Halve the side: (N, in, S, S) -> (N, out, S/2, S/2)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.LeakyReLU(0.2, inplace=True),
    )


def _up(in_channels: int, out_channels: int) -> nn.Sequential:
    """Double the side: (N, in, S, S) -> (N, out, 2S, 2S); stride divides kernel, so every pixel gets equal weight."""
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.LeakyReLU(0.2, inplace=True),
    )
