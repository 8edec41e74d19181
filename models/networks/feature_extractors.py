"""Feature extractors over MAE, VAE and convolutional encoders."""

from __future__ import annotations

from torch import Tensor, nn

from models.networks.backbones import ImageEncoder, ResNet
from models.networks.mae import MaskedAutoencoderViT
from models.networks.vae import ConvVAE


class MAEEncoder(nn.Module):
    """The encoder of a masked autoencoder with nothing hidden: the mean of its patch tokens, (N, D)."""

    def __init__(self, mae: nn.Module) -> None:
        super().__init__()
        if not isinstance(mae, MaskedAutoencoderViT):
            raise ValueError(f"A masked autoencoder is needed, not {type(mae).__name__}.")
        self.mae = mae

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, embed_dim) of images (N, 3, S, S)."""
        return self.mae.forward_features(images)


class VAEEncoder(nn.Module):
    """The mean of a variational autoencoder's posterior, (N, latent_dim)."""

    def __init__(self, vae: nn.Module) -> None:
        super().__init__()
        if not isinstance(vae, ConvVAE):
            raise ValueError(f"A variational autoencoder is needed, not {type(vae).__name__}.")
        self.vae = vae

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, latent_dim) of images (N, 3, S, S)."""
        mu: Tensor = self.vae.encode(images)[0]
        return mu


class FeatureEncoder(nn.Module):
    """The pooled features of a ResNet, before any classifier, (N, feature_dim)."""

    def __init__(self, resnet: nn.Module) -> None:
        super().__init__()
        if not isinstance(resnet, ResNet):
            raise ValueError(f"A ResNet is needed, not {type(resnet).__name__}.")
        self.resnet = resnet

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, feature_dim) of images (N, 3, S, S)."""
        return self.resnet.forward_features(images)


def as_encoder(model: nn.Module) -> tuple[nn.Module, int]:
    """Return a loaded network as an encoder, and the side of the images it takes.

    Raises:
        ValueError: if the network gives no features of a whole image.
    """
    if isinstance(model, ImageEncoder):
        return model, model.image_size
    if isinstance(model, MaskedAutoencoderViT):
        return MAEEncoder(model).eval(), model.img_size
    if isinstance(model, ResNet):
        return FeatureEncoder(model).eval(), model.img_size
    raise ValueError(f"A {type(model).__name__} is no encoder of pictures; choose other weights.")
