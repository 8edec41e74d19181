"""The vision transformer: any grid of patches, layer scale, and names that come apart and together again."""

import pytest
import torch
from gradients import assert_finite_gradients

from models.formats.vit import from_dinov2, join_qkv
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


def test_queries_keys_and_values_are_stacked_in_this_order() -> None:
    parts = {f"blocks.0.attn.{part}.bias": torch.full((2,), number) for number, part in enumerate(["value", "key"])}
    parts["blocks.0.attn.query.bias"] = torch.full((2,), 7)
    assert join_qkv(parts)["blocks.0.attn.qkv.bias"].tolist() == [7, 7, 1, 1, 0, 0]
    del parts["blocks.0.attn.key.bias"]
    assert join_qkv(parts).keys() == parts.keys()
    parts["blocks.0.attn.key.bias"] = torch.zeros(3)
    assert join_qkv(parts).keys() == parts.keys()


def test_dinov2s_mask_token_is_left_out() -> None:
    tensors = {"embeddings.mask_token": torch.zeros(1, 4), "dinov2.embeddings.cls_token": torch.zeros(1, 1, 4)}
    assert from_dinov2(tensors).keys() == {"cls_token"}
