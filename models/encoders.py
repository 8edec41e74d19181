"""Everything that turns a picture into a feature vector, behind one interface.

`ResNet` (He et al., arXiv 1512.03385) is the backbone of the contrastive methods and the supervised baseline; its
parameter names are torchvision's. `ENCODERS` lists what the map can choose from: adding one is adding an entry.
An encoder takes (N, 3, S, S) in [-1, 1] with S = `image_size` and returns (N, feature_dim).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models import checkpoints
from models.backbones import ImageEncoder, ResNet
from models.mae import MaskedAutoencoderViT
from models.vae import ConvVAE
from models.weights_folder import WeightsInfo

LoadModel = Callable[[str], nn.Module]

BACKBONE_WIDTH = 32


@dataclass(frozen=True)
class EncoderSpec:
    """What the map needs to know of an encoder, and how to build it from loaded weights.

    Attributes:
        name, title: what it is called in code and by people.
        checkpoint: its weights, None for none.
        side: of the pictures it takes, in pixels, where the weights do not name another.
        feature_dim: width of its features.
        summary: what it learned from, a sentence.
        build: makes it, given what loads weights by name.
        trained_with_labels: whether it saw any.
    """

    name: str
    title: str
    checkpoint: str | None
    side: int
    feature_dim: int
    summary: str
    build: Callable[[LoadModel], nn.Module]
    trained_with_labels: bool = False

    def image_size(self, weights_info: Callable[[str], WeightsInfo] = checkpoints.weights_info) -> int:
        """Return the side of the pictures it takes, in pixels: `img_size` of its weights, or `side` without one.

        Args:
            weights_info: gives the facts about weights by name.
        """
        args = weights_info(self.checkpoint).args if self.checkpoint else {}
        return int(args.get("img_size", self.side))


class MAEEncoder(nn.Module):
    """The encoder of a masked autoencoder with nothing hidden: the mean of its patch tokens, (N, D)."""

    def __init__(self, mae: nn.Module) -> None:
        super().__init__()
        if not isinstance(mae, MaskedAutoencoderViT):
            raise ValueError(f"A masked autoencoder is needed, not {type(mae).__name__}.")
        self.mae = mae

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, embed_dim) of pictures (N, 3, S, S)."""
        return self.mae.forward_features(images)


class VAEEncoder(nn.Module):
    """The mean of a variational autoencoder's posterior, (N, latent_dim)."""

    def __init__(self, vae: nn.Module) -> None:
        super().__init__()
        if not isinstance(vae, ConvVAE):
            raise ValueError(f"A variational autoencoder is needed, not {type(vae).__name__}.")
        self.vae = vae

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, latent_dim) of pictures (N, 3, S, S)."""
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
        """Return features (N, feature_dim) of pictures (N, 3, S, S)."""
        return self.resnet.forward_features(images)


def _random_resnet() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return FeatureEncoder(ResNet(width=BACKBONE_WIDTH)).eval().requires_grad_(False)


def _photo_resnet(name: str, title: str, summary: str, *, labels: bool = False) -> EncoderSpec:
    """Return the spec of the shared backbone with the weights `<name>-photos`."""
    weights = f"{name}-photos"
    build = lambda load: FeatureEncoder(load(weights))  # noqa: E731
    return EncoderSpec(name, title, weights, 64, 8 * BACKBONE_WIDTH, summary, build, labels)


ENCODERS: dict[str, EncoderSpec] = {
    spec.name: spec
    for spec in (
        _photo_resnet("simsiam", "SimSiam", "Two views of a picture predict each other; no negatives."),
        _photo_resnet("simclr", "SimCLR", "Finds a view's partner among all other pictures of the batch."),
        _photo_resnet("moco", "MoCo v2", "Finds a view's partner among thousands of queued pictures."),
        EncoderSpec(
            "mae", "MAE", "mae-photos", 128, 192,
            "Learned to fill in hidden patches; its features do not cluster by themselves.",
            lambda load: MAEEncoder(load("mae-photos")),
        ),
        EncoderSpec(
            "vae", "VAE", "vae-fruit", 64, 128,
            "The latent mean of an autoencoder of apples and oranges: colour and layout more than content.",
            lambda load: VAEEncoder(load("vae-fruit")),
        ),
        _photo_resnet("supervised", "Supervised", "The same backbone, trained with labels.", labels=True),
        EncoderSpec(
            "random", "Random weights", None, 64, 8 * BACKBONE_WIDTH,
            "The same backbone before any training: the floor to compare with.",
            lambda load: _random_resnet(),
        ),
    )
}  # fmt: skip


def load_encoder(name: str, load_model: LoadModel = checkpoints.load_model) -> nn.Module:
    """Return the encoder called `name`, ready to use: (N, 3, S, S) in [-1, 1] -> (N, feature_dim).

    Args:
        name: a key of `ENCODERS`.
        load_model: gives the trained model of a checkpoint's name.

    Raises:
        ValueError: if the name is unknown.
    """
    if name not in ENCODERS:
        raise ValueError(f"There is no encoder called {name!r}; choose one of {', '.join(ENCODERS)}.")
    return ENCODERS[name].build(load_model).eval()


def as_encoder(model: nn.Module) -> tuple[nn.Module, int]:
    """Return a loaded network as an encoder, and the side of the pictures it takes.

    Raises:
        ValueError: if the network gives no features of a whole picture.
    """
    if isinstance(model, ImageEncoder):
        return model, model.image_size
    if isinstance(model, MaskedAutoencoderViT):
        return MAEEncoder(model).eval(), model.img_size
    if isinstance(model, ResNet):
        return FeatureEncoder(model).eval(), model.img_size
    raise ValueError(f"A {type(model).__name__} is no encoder of pictures; choose other weights.")
