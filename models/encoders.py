"""The image encoders of the embeddings tab: (N, 3, S, S) in [-1, 1] with S = `image_size` -> (N, feature_dim).

Adding an encoder is adding an entry to `ENCODERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from models import checkpoints
from models.formats.weights_folder import WeightsInfo
from models.networks.backbones import ResNet
from models.networks.feature_extractors import FeatureEncoder

LoadModel = Callable[[str], nn.Module]
BACKBONE_WIDTH = 32


@dataclass(frozen=True)
class EncoderSpec:
    """What the map needs to know of an encoder."""

    name: str
    title: str
    checkpoint: str | None  # name of its weights, or None
    side: int  # side in pixels of the images it takes, where the weights do not name another
    feature_dim: int  # width of its features
    summary: str  # what it learned from, a sentence
    build: Callable[[LoadModel], nn.Module]  # returns the encoder, given a function that loads weights by name
    trained_with_labels: bool = False

    def image_size(self, weights_info: Callable[[str], WeightsInfo] = checkpoints.weights_info) -> int:
        """Return the side in pixels of the images it takes: `img_size` of its weights, or `side` without one."""
        args = weights_info(self.checkpoint).args if self.checkpoint else {}
        return int(args.get("img_size", self.side))


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
            lambda load: FeatureEncoder(load("mae-photos")),
        ),
        EncoderSpec(
            "vae", "VAE", "vae-fruit", 64, 128,
            "The latent mean of an autoencoder of apples and oranges: colour and layout more than content.",
            lambda load: FeatureEncoder(load("vae-fruit")),
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
    """Return an encoder of `ENCODERS` in eval mode: (N, 3, S, S) in [-1, 1] -> (N, feature_dim).

    Raises:
        ValueError: The name is unknown.
    """
    if name not in ENCODERS:
        raise ValueError(f"There is no encoder called {name!r}; choose one of {', '.join(ENCODERS)}.")
    return ENCODERS[name].build(load_model).eval()
