"""The interface that all autoencoders share, and the sides of images that they refuse."""

import pytest
import torch

from models.networks.autoencoder_kl import AutoencoderKL
from models.networks.autoencoder_tiny import AutoencoderTiny
from models.networks.portrait_vae import PortraitVAE
from models.networks.vae import ConvVAE


@torch.no_grad()
@pytest.mark.parametrize(
    ("model", "side"),
    [
        (AutoencoderTiny(), 64),
        (AutoencoderKL((32, 32), 1, 3), 64),
        (ConvVAE(32, 6, 4), 32),
        (PortraitVAE(32, 6), 32),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_autoencoder_has_the_same_interface(
    model: AutoencoderTiny | AutoencoderKL | ConvVAE | PortraitVAE, side: int
) -> None:
    model.eval()
    images = torch.rand(2, 3, side, side) * 2 - 1
    mu, logvar = model.encode(images)
    assert mu.shape == logvar.shape
    assert mu.dim() == (4 if model.spatial else 2)
    assert hasattr(model, "sample") is not model.spatial  # a map of codes has no prior to draw from
    pictures = model.decode(mu)
    assert pictures.shape == images.shape
    assert pictures.abs().max() <= 1
    assert model.img_size % 16 == 0


@pytest.mark.parametrize("model", [AutoencoderTiny(), AutoencoderKL((32, 32, 32, 32), 1)])
@pytest.mark.parametrize("shape", [(1, 3, 60, 64), (1, 1, 64, 64), (3, 64, 64), (1, 3, 0, 64)])
def test_sides_that_do_not_fit_are_refused(model: AutoencoderTiny | AutoencoderKL, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        model.encode(torch.zeros(shape))


def test_the_tiny_decoder_limits_its_latents() -> None:
    model = AutoencoderTiny()
    far = torch.full((1, 4, 2, 2), 1e6)
    assert torch.allclose(model.decode(far), model.decode(far * 10))
