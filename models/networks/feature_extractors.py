"""Networks of other tasks as image encoders."""

from __future__ import annotations

from torch import Tensor, nn

from models.networks.backbones import ImageEncoder, ResNet
from models.networks.mae import MaskedAutoencoderViT
from models.networks.vae import ConvVAE


class FeatureEncoder(nn.Module):
    """Features (N, D) of images (N, 3, S, S) in [-1, 1], taken from a network that was trained for something else.

    These are the pooled features of a ResNet before any classifier, the mean patch token of a masked autoencoder with
    nothing masked, and the posterior mean of a variational autoencoder.

    Raises:
        ValueError: The network is none of these.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        if not isinstance(network, ResNet | MaskedAutoencoderViT | ConvVAE):
            raise ValueError(f"A {type(network).__name__} is no encoder of pictures; choose other weights.")
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, D)."""
        if isinstance(self.network, ConvVAE):
            return self.network.encode(images)[0]
        return self.network.forward_features(images)


def as_encoder(model: nn.Module) -> tuple[nn.Module, int]:
    """Return a loaded network as an encoder, and the side in pixels of the images it takes.

    Raises:
        ValueError: The network gives no features of a whole image.
    """
    if isinstance(model, ImageEncoder):
        return model, model.image_size
    if isinstance(model, ConvVAE):
        raise ValueError("A ConvVAE is no encoder of pictures; choose other weights.")
    encoder = FeatureEncoder(model).eval()
    return encoder, encoder.network.img_size
