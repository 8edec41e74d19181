"""The vision transformer: any grid of patches, and layer scale."""

import pytest
import torch
from gradients import assert_finite_gradients

from models.networks.vit import VisionTransformer


def tiny(layer_scale: bool = False) -> VisionTransformer:
    network = VisionTransformer(32, 8, 24, 2, 3, layer_scale=layer_scale)
    torch.nn.init.normal_(network.pos_embed)
    return network


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(32, 32), (16, 40), (64, 8)])
def test_any_grid_of_patches_gives_one_vector(height: int, width: int) -> None:
    network, images = tiny().eval(), torch.rand(2, 3, height, width)
    assert network.forward_features(images).shape == (2, 1 + height * width // 64, 24)
    assert network(images).shape == (2, 24)


def test_positions_of_the_own_grid_are_not_touched_and_others_keep_the_class_token() -> None:
    network = tiny()
    assert network.positions(4, 4) is network.pos_embed
    assert torch.equal(network.positions(2, 5)[:, :1], network.pos_embed[:, :1])
    flat = torch.full_like(network.pos_embed, 0.3)
    with torch.no_grad():
        network.pos_embed.copy_(flat)
    assert torch.allclose(network.positions(7, 3), flat[:, :1].expand(1, 22, 24), atol=1e-6)


@pytest.mark.parametrize("size", [(30, 32), (32, 4), (0, 32)])
def test_sides_that_are_no_multiples_of_a_patch_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"{size[0]}x{size[1]}"):
        tiny()(torch.zeros(1, 3, *size))


@torch.no_grad()
def test_a_layer_scale_of_one_changes_nothing() -> None:
    scaled, plain = tiny(layer_scale=True).eval(), tiny().eval()
    tensors = {
        name: torch.ones_like(value) if "gamma" in name else value for name, value in scaled.state_dict().items()
    }
    scaled.load_state_dict(tensors)
    plain.load_state_dict({name: value for name, value in tensors.items() if "gamma" not in name})
    images = torch.rand(1, 3, 32, 32)
    assert torch.allclose(scaled(images), plain(images), atol=1e-6)


def test_every_parameter_gets_a_gradient() -> None:
    network = tiny(layer_scale=True)
    network(torch.rand(2, 3, 32, 32)).square().sum().backward()
    assert_finite_gradients(network, may_be_zero=["qkv.bias"])  # softmax does not see what all keys share
