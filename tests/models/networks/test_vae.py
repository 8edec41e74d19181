"""The variational autoencoder."""

import math

import pytest
import torch
from gradients import assert_finite_gradients
from overfitting import overfit
from torch import Tensor

from models.networks.losses import kl_divergence
from models.networks.vae import ConvVAE


def tiny(img_size: int = 16) -> ConvVAE:
    return ConvVAE(img_size=img_size, latent_dim=6, num_filters=4)


def pictures(num: int = 4, side: int = 16) -> Tensor:
    return torch.rand(num, 3, side, side) * 2 - 1


# --- Encoding and decoding --------------------------------------------------------------------------------


@pytest.mark.parametrize("img_size", [16, 32, 64])
def test_shapes_and_range(img_size: int) -> None:
    model = tiny(img_size).eval()
    images = pictures(3, img_size)
    output = model(images)
    assert output.recon_x.shape == images.shape
    assert output.recon_x.abs().max() <= 1
    assert output.mu.shape == output.logvar.shape == output.z.shape == (3, 6)
    assert (model.img_size, model.latent_dim) == (img_size, 6)


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="img_size 40"):
        ConvVAE(img_size=40)
    with pytest.raises(ValueError, match=r"\(3, 32, 32\)"):
        tiny(16).encode(pictures(1, 32))


def test_images_do_not_mix_when_used() -> None:
    model, images = tiny().eval(), pictures()
    alone = torch.cat([model.encode(image[None])[0] for image in images])
    assert torch.allclose(model.encode(images)[0], alone, atol=1e-5)


def test_without_sampling_it_is_a_plain_autoencoder() -> None:
    model, images = tiny().eval(), pictures()
    output = model(images, sample=False)
    assert torch.equal(output.z, output.mu)
    assert torch.equal(output.recon_x, model.decode(output.mu))


def test_draws_have_the_posteriors_mean_and_std() -> None:
    mu, logvar = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, math.log(9.0)]])
    z = tiny().reparameterize(mu.expand(20_000, -1), logvar.expand(20_000, -1), torch.Generator().manual_seed(0))
    assert torch.allclose(z.mean(dim=0), mu[0], atol=0.08)
    assert torch.allclose(z.std(dim=0), torch.tensor([1.0, 3.0]), rtol=0.03)


def test_draws_let_the_gradient_through() -> None:
    mu, logvar = torch.zeros(1, 3, requires_grad=True), torch.zeros(1, 3, requires_grad=True)
    z = tiny().reparameterize(mu, logvar, torch.Generator().manual_seed(0))
    z.sum().backward()
    assert mu.grad is not None
    assert logvar.grad is not None
    assert torch.equal(mu.grad, torch.ones(1, 3))
    assert torch.allclose(logvar.grad, 0.5 * z.detach())  # dz / dlogvar = sigma noise / 2, here mu = 0


def test_the_same_generator_gives_the_same_images() -> None:
    model, images = tiny().eval(), pictures()

    def draws(seed: int) -> tuple[Tensor, Tensor]:
        torch.rand(3)  # the global state plays no part
        drawn: Tensor = model(images, torch.Generator().manual_seed(seed)).recon_x
        return model.sample(3, torch.Generator().manual_seed(seed)), drawn

    for first, second, other in zip(draws(1), draws(1), draws(2), strict=True):
        assert torch.equal(first, second)
        assert not torch.equal(first, other)


def test_samples_are_decoded_draws_of_the_prior() -> None:
    model = tiny().eval()
    z = torch.randn(5, 6, generator=torch.Generator().manual_seed(4))
    sampled = model.sample(5, torch.Generator().manual_seed(4), temperature=0.7)
    assert torch.allclose(sampled, model.decode(0.7 * z), atol=1e-6)
    assert sampled.shape == (5, 3, 16, 16)
    cold = model.sample(2, temperature=0.0)
    assert torch.equal(cold[0], cold[1])


# --- Learning ---------------------------------------------------------------------------------------------


def test_every_parameter_gets_a_gradient() -> None:
    model, images = tiny(), pictures()
    output = model(images)
    loss = (output.recon_x - images).square().mean() + kl_divergence(output.mu, output.logvar).mean()
    loss.backward()
    # Batch norm takes the mean away, so the biases before it have no effect.
    assert_finite_gradients(model, may_be_zero=[".0.bias"])


def test_a_tiny_model_overfits_six_images() -> None:
    colours = torch.tensor([[0.8, -0.8, -0.8], [-0.8, 0.8, -0.8], [-0.8, -0.8, 0.8]])
    images = torch.full((6, 3, 16, 16), -0.2)
    for index in range(6):
        half = slice(0, 8) if index < 3 else slice(8, 16)
        images[index, :, :, half] = colours[index % 3].reshape(3, 1, 1)
    model = ConvVAE(img_size=16, latent_dim=32, num_filters=16)
    errors = overfit(model, images, 60)
    assert errors[-1] < errors[0] / 10
