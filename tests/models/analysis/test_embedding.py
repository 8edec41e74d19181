"""From images to features: order, batches, and what is refused."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from models.analysis.embedding import embed_batches, embed_images, folded
from models.networks.backbones import ResNet
from models.networks.feature_extractors import FeatureEncoder


class MeanColour(nn.Module):
    """Notes the batches it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[int, ...]] = []

    def forward(self, images: Tensor) -> Tensor:
        self.batches.append(tuple(images.shape))
        return images.mean(dim=(2, 3))


def colours(count: int) -> list[Image.Image]:
    return [Image.new("RGB", (40, 30), (index % 256, 100, 200)) for index in range(count)]


def test_images_are_embedded_in_order_and_in_batches() -> None:
    encoder, seen = MeanColour(), list[tuple[int, int]]()
    features = embed_images(encoder, colours(70), 16, 32, lambda done, total: seen.append((done, total)))
    assert encoder.batches == [(32, 3, 16, 16), (32, 3, 16, 16), (6, 3, 16, 16)]
    assert seen == [(32, 70), (64, 70), (70, 70)]
    assert features.shape == (70, 3) and features.dtype == np.float32
    np.testing.assert_allclose(features[:, 0], np.arange(70) / 127.5 - 1, atol=1e-5)


def test_no_images_and_broken_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="no pictures"):
        embed_images(MeanColour(), [], 16)
    broken = nn.Module()
    broken.forward = lambda images: torch.full((len(images), 4), float("nan"))
    with pytest.raises(ValueError, match="not finite"):
        embed_images(broken, colours(2), 16)


def test_files_give_the_features_of_their_images() -> None:
    random = np.random.default_rng(0)
    pictures = [Image.fromarray(random.integers(0, 256, (48, 64, 3), dtype=np.uint8)) for _ in range(3)]
    files = []
    for picture in pictures:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        files.append(buffer.getvalue())
    np.testing.assert_array_equal(embed_images(MeanColour(), files, 16), embed_images(MeanColour(), pictures, 16))


def test_folding_normalisations_changes_no_feature() -> None:
    encoder = FeatureEncoder(ResNet(width=8, blocks=(1, 1, 1, 1))).eval().requires_grad_(False)
    norms = [module for module in encoder.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        assert norm.running_mean is not None and norm.running_var is not None
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
    images, smaller = torch.rand(3, 3, 32, 32), folded(encoder)
    assert norms and not any(isinstance(module, nn.BatchNorm2d) for module in smaller.modules())
    torch.testing.assert_close(smaller(images), encoder(images), rtol=1e-3, atol=1e-4)
    assert all(norm in list(encoder.modules()) for norm in norms), "the encoder itself stays as it was"


def test_what_cannot_be_traced_is_not_folded() -> None:
    class Undecided(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, images: Tensor) -> Tensor:
            return self.norm(images) if images.mean() > 0 else images

    network = Undecided().eval()
    assert folded(network) is network


def test_embedding_can_be_stopped_between_two_batches() -> None:
    batches: list[int] = []

    class Counting(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            batches.append(len(images))
            return images.mean(dim=(2, 3))

    work = embed_batches(Counting(), colours(40), 16, batch_size=8)
    next(work)
    del work
    assert batches == [8]
