"""A residual variational autoencoder with one global latent vector, and a Gaussian mixture of the training codes.

Images are (N, 3, S, S) in [-1, 1]; latents (N, D). Pixels are folded into channels at the entrance (arXiv 1609.05158
§2.2), so that most of the width stands at a quarter of the side or less; the decoder repeats the nearest pixel and
convolves, which draws no checkerboard (Odena et al., Distill 2016).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models.networks.layers import ResidualBlock, group_norm
from models.networks.vae import VectorVAE

FOLD = 4  # pixels of a side that become channels
LEAST_WIDTH = 8  # channels at the full side


class ResidualVAE(VectorVAE):
    """Residual blocks around a global Gaussian latent, with a density of the codes to draw from.

    The mixture is an ex-post density estimate (arXiv 1903.12436 §4): codes of images leave holes in the prior, where a
    draw decodes to nothing; draws from the mixture keep to where codes lie. Until it is fitted its weights are 0, and
    `draw_latents` takes the prior.

    Args:
        img_size: Side in pixels, a multiple of 16.
        latent_dim: Length of the latent vector, D.
        num_filters: Base width; 2x at a quarter of the side, 4x at an eighth, 6x at a sixteenth.
        mixture_components: Gaussians of the mixture, K; 0 for none.
    """

    mixture_weights: Tensor  # (K,), which sum to 1
    mixture_means: Tensor  # (K, D)
    mixture_scales: Tensor  # (K, D, D), the lower Cholesky factors of the covariances

    def __init__(
        self, img_size: int = 128, latent_dim: int = 128, num_filters: int = 32, mixture_components: int = 0
    ) -> None:
        super().__init__(img_size, latent_dim)
        half, quarter, eighth, low = max(LEAST_WIDTH, num_filters // 2), num_filters, 2 * num_filters, 6 * num_filters
        middle, self.base = 4 * num_filters, (eighth, img_size // 16, img_size // 16)
        size = math.prod(self.base)
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(FOLD),  # (N, 3, S, S) -> (N, 48, S/4, S/4)
            nn.Conv2d(3 * FOLD**2, eighth, 3, padding=1), ResidualBlock(eighth),
            nn.Conv2d(eighth, middle, 3, stride=2, padding=1), ResidualBlock(middle),  # S/8
            nn.Conv2d(middle, low, 3, stride=2, padding=1), ResidualBlock(low),  # S/16
            group_norm(low), nn.SiLU(), nn.Conv2d(low, eighth, 1), nn.Flatten(),
        )  # fmt: skip
        self.to_mu, self.to_logvar = nn.Linear(size, latent_dim), nn.Linear(size, latent_dim)
        self.from_latent = nn.Linear(latent_dim, size)
        self.decoder = nn.Sequential(
            nn.Conv2d(eighth, low, 1), ResidualBlock(low),
            *_doubled(low, middle), ResidualBlock(middle), ResidualBlock(middle),  # S/8
            *_doubled(middle, eighth), ResidualBlock(eighth), ResidualBlock(eighth),  # S/4
            *_doubled(eighth, quarter), ResidualBlock(quarter),  # S/2
            *_doubled(quarter, half), group_norm(half), nn.SiLU(),
        )  # fmt: skip
        self.to_pixels = nn.Conv2d(half, 3, 3, padding=1)
        self.register_buffer("mixture_weights", torch.zeros(mixture_components))
        self.register_buffer("mixture_means", torch.zeros(mixture_components, latent_dim))
        self.register_buffer("mixture_scales", torch.zeros(mixture_components, latent_dim, latent_dim))

    def encode_hidden(self, x: Tensor) -> Tensor:
        """Return the flattened features of images (N, 3, S, S), (N, H)."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Decode latents (N, D) to images (N, 3, S, S) in [-1, 1]."""
        return self.to_pixels(self.decoder(self.from_latent(z).unflatten(1, self.base))).tanh()

    @property
    def last_weight(self) -> Tensor:
        """The filters that give pixels."""
        return self.to_pixels.weight

    @property
    def has_mixture(self) -> bool:
        """Whether a mixture of codes was fitted."""
        return bool(self.mixture_weights.sum() > 0)

    def set_mixture(self, weights: Tensor, means: Tensor, scales: Tensor) -> None:
        """Set weights (k,), means (k, D) and lower Cholesky factors of the covariances (k, D, D), k being at most K."""
        own = (self.mixture_weights, self.mixture_means, self.mixture_scales)
        for buffer, values in zip(own, (weights, means, scales), strict=True):
            buffer.zero_()[: len(values)].copy_(values)

    def draw_latents(
        self,
        num: int,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
        prior: bool = False,
    ) -> Tensor:
        """Return `num` draws from the mixture, or from the prior where it is asked for or nothing is fitted, (num, D).

        The temperature is a factor of the std: of the prior's, or of each Gaussian's around its mean.
        """
        if prior or not self.has_mixture:
            return super().draw_latents(num, generator, temperature)
        chosen = torch.multinomial(self.mixture_weights.cpu(), num, replacement=True, generator=generator)
        chosen = chosen.to(self.mixture_means.device)
        noise = super().draw_latents(num, generator, temperature)
        return self.mixture_means[chosen] + torch.einsum("nij,nj->ni", self.mixture_scales[chosen], noise)


def _doubled(in_channels: int, out_channels: int) -> tuple[nn.Module, nn.Module]:
    """Double the side: (N, in, S, S) -> (N, out, 2S, 2S)."""
    return nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(in_channels, out_channels, 3, padding=1)
