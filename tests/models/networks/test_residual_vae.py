"""The residual variational autoencoder, and draws from its mixture."""

from __future__ import annotations

import pytest
import torch
from gradients import assert_finite_gradients
from overfitting import overfit
from torch import Tensor

from models.networks.layers import ResidualBlock
from models.networks.losses import kl_divergence
from models.networks.residual_vae import ResidualVAE


def tiny(img_size: int = 32, mixture_components: int = 0) -> ResidualVAE:
    return ResidualVAE(img_size, latent_dim=3, num_filters=8, mixture_components=mixture_components).eval()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("img_size", [16, 48, 128])
def test_shapes_and_range(img_size: int) -> None:
    model, images = tiny(img_size), torch.rand(2, 3, img_size, img_size) * 2 - 1
    output = model(images)
    assert output.recon_x.shape == images.shape
    assert output.recon_x.abs().max() <= 1
    assert output.mu.shape == output.logvar.shape == output.z.shape == (2, 3)


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="img_size 40"):
        ResidualVAE(img_size=40)
    with pytest.raises(ValueError, match=r"\(3, 32, 32\)"):
        tiny().encode(torch.zeros(1, 3, 64, 64))


def test_images_do_not_mix_in_training_either() -> None:
    model, images = tiny().train(), torch.rand(3, 3, 32, 32)
    alone = torch.cat([model.encode(image[None])[0] for image in images])
    assert torch.allclose(model.encode(images)[0], alone, atol=1e-5)


def test_a_new_residual_block_is_the_identity_and_takes_any_width() -> None:
    for channels in (8, 12, 7):
        x = torch.randn(2, channels, 5, 5)
        assert torch.equal(ResidualBlock(channels)(x), x)


def test_every_parameter_gets_a_gradient() -> None:
    model, images = tiny(), torch.rand(4, 3, 32, 32)
    for module in model.modules():
        if isinstance(module, ResidualBlock):
            torch.nn.init.normal_(module.conv2.weight, std=0.1)  # zeros stop the gradient to what is before them
    output = model(images)
    loss = (output.recon_x - images).square().mean() + kl_divergence(output.mu, output.logvar).mean()
    loss.backward()
    assert_finite_gradients(model)
    assert torch.equal(model.last_weight, model.to_pixels.weight)


def two_gaussians() -> tuple[Tensor, Tensor, Tensor]:
    means = torch.tensor([[5.0, 0.0, 0.0], [-5.0, 0.0, 1.0]])
    scales = torch.tensor([[[0.5, 0, 0], [0.3, 0.4, 0], [0, 0, 0.2]], [[1.0, 0, 0], [0, 1, 0], [0.5, 0, 0.1]]])
    return torch.tensor([0.25, 0.75]), means, scales


def test_draws_have_the_moments_of_the_mixture() -> None:
    model, (weights, means, scales) = tiny(mixture_components=3), two_gaussians()
    model.set_mixture(weights, means, scales)  # a third one stays without weight
    z = model.draw_latents(40_000, seeded())
    first = z[:, 0] > 0
    assert first.float().mean().item() == pytest.approx(0.25, abs=0.01)
    for part, mean, scale in zip((z[first], z[~first]), means, scales, strict=True):
        assert torch.allclose(part.mean(dim=0), mean, atol=0.03)
        assert torch.allclose(part.T.cov(), scale @ scale.T, atol=0.03)
    assert torch.equal(model.sample(2, seeded()), model.decode(model.draw_latents(2, seeded())))


def test_without_temperature_draws_are_the_means() -> None:
    model, mixture = tiny(mixture_components=2), two_gaussians()
    model.set_mixture(*mixture)
    drawn = model.draw_latents(50, seeded(), temperature=0.0)
    assert {tuple(row) for row in drawn.tolist()} == {tuple(row) for row in mixture[1].tolist()}


def test_the_prior_is_drawn_from_when_it_is_asked_for_or_nothing_is_fitted() -> None:
    plain, fitted = tiny(), tiny(mixture_components=2)
    expected = 0.7 * torch.randn(4, 3, generator=seeded(5))
    assert torch.equal(plain.draw_latents(4, seeded(5), 0.7), expected)
    assert torch.equal(fitted.draw_latents(4, seeded(5), 0.7), expected) and not fitted.has_mixture
    fitted.set_mixture(*two_gaussians())
    assert fitted.has_mixture and not torch.equal(fitted.draw_latents(4, seeded(5), 0.7), expected)
    assert torch.equal(fitted.draw_latents(4, seeded(5), 0.7, prior=True), expected)


def test_a_tiny_model_overfits_four_images() -> None:
    images = torch.full((4, 3, 16, 16), -0.5)
    for index in range(4):
        images[index, index % 3, :, 8 * (index // 2) : 8 * (index // 2) + 8] = 0.8
    torch.manual_seed(0)
    model = ResidualVAE(16, latent_dim=16, num_filters=16)
    errors = overfit(model, images, 100)
    assert errors[-1] < errors[0] / 5
