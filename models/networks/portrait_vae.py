"""A classic variational autoencoder of painted portraits (`BioMike/classical_portrait_vae` on the Hub), 128 pixels.

Not verified: its card and code could not be read. What is known is the chain of widths, the kernels, the three linear
layers and the 256 latent dimensions; that images are in [0, 1] and the last activation is a sigmoid is a guess. The
tensors are therefore matched by their shapes, and whatever does not fit is refused.

Images are (N, 3, S, S) in [-1, 1]; latents (N, latent_dim) with the prior N(0, 1).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.networks.layers import check_sides
from models.networks.preprocessing import ZERO_TO_ONE
from models.networks.vae import LOGVAR_RANGE

WIDTHS = (64, 128, 256, 512)


class PortraitVAE(nn.Module):
    """Four halvings to a global Gaussian latent (N, latent_dim), and four doublings; img_size is a multiple of 16."""

    spatial = False

    def __init__(self, img_size: int = 128, latent_dim: int = 256) -> None:
        super().__init__()
        self.img_size, self.latent_dim = img_size, latent_dim
        self.base = (WIDTHS[-1], img_size // 16, img_size // 16)
        size = WIDTHS[-1] * (img_size // 16) ** 2
        encoder: list[nn.Module] = []
        for a, b in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True):
            encoder += [nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
        self.encoder = nn.Sequential(*encoder, nn.Flatten())
        self.fc_mu, self.fc_logvar = nn.Linear(size, latent_dim), nn.Linear(size, latent_dim)
        self.fc2 = nn.Linear(latent_dim, size)
        back = WIDTHS[::-1]
        decoder: list[nn.Module] = []
        for a, b in zip(back[:-1], back[1:], strict=True):
            decoder += [nn.ConvTranspose2d(a, b, 4, stride=2, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
        self.decoder = nn.Sequential(*decoder, nn.ConvTranspose2d(back[-1], 3, 4, stride=2, padding=1), nn.Sigmoid())

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the posterior's mean and log-variance, each (N, latent_dim), of images (N, 3, S, S).

        Raises:
            ValueError: The images have another size.
        """
        check_sides(x, self.img_size)
        if x.shape[-2:] != (self.img_size, self.img_size):
            raise ValueError(f"Pictures are {tuple(x.shape)}; this model wants sides of {self.img_size}: resize them.")
        hidden = self.encoder(ZERO_TO_ONE.normalise(x))
        return self.fc_mu(hidden), self.fc_logvar(hidden).clamp(*LOGVAR_RANGE)

    def decode(self, z: Tensor) -> Tensor:
        """Decode latents (N, latent_dim) to images (N, 3, S, S) in [-1, 1]."""
        return ZERO_TO_ONE.invert(self.decoder(self.fc2(z).unflatten(1, self.base)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction from the posterior's mean, (N, 3, S, S) in [-1, 1]."""
        return self.decode(self.encode(x)[0])

    def sample(self, num: int, generator: torch.Generator | None = None, temperature: float = 1.0) -> Tensor:
        """Decode `num` draws from the prior N(0, temperature²): (num, 3, S, S) in [-1, 1]."""
        z = torch.randn(num, self.latent_dim, generator=generator) * temperature
        return self.decode(z.to(self.fc2.weight.device))
