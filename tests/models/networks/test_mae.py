"""The masked autoencoder: the authors' layout, patches and masks to the last one, and that it learns."""

import math

import pytest
import torch
from gradients import assert_finite_gradients
from torch import Tensor, nn

from models.networks.layers import PatchEmbed, sincos_position_embedding
from models.networks.losses import masked_patch_loss
from models.networks.mae import MaskedAutoencoderViT, block_mask, num_masked, random_mask


def tiny(norm_pix_loss: bool = False) -> MaskedAutoencoderViT:
    return MaskedAutoencoderViT(
        img_size=32,
        patch_size=8,
        embed_dim=32,
        depth=2,
        num_heads=2,
        decoder_embed_dim=16,
        decoder_depth=1,
        decoder_num_heads=2,
        norm_pix_loss=norm_pix_loss,
    )


def pictures(num: int = 3, side: int = 32) -> Tensor:
    return torch.rand(num, 3, side, side) * 2 - 1


def block_layout(prefix: str, dim: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{prefix}.norm1.weight": (dim,),
        f"{prefix}.norm1.bias": (dim,),
        f"{prefix}.attn.qkv.weight": (3 * dim, dim),
        f"{prefix}.attn.qkv.bias": (3 * dim,),
        f"{prefix}.attn.proj.weight": (dim, dim),
        f"{prefix}.attn.proj.bias": (dim,),
        f"{prefix}.norm2.weight": (dim,),
        f"{prefix}.norm2.bias": (dim,),
        f"{prefix}.mlp.fc1.weight": (4 * dim, dim),
        f"{prefix}.mlp.fc1.bias": (4 * dim,),
        f"{prefix}.mlp.fc2.weight": (dim, 4 * dim),
        f"{prefix}.mlp.fc2.bias": (dim,),
    }


def official_base_layout() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the authors' `mae_vit_base_patch16` with its decoder."""
    layout: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, 768),
        "pos_embed": (1, 197, 768),
        "patch_embed.proj.weight": (768, 3, 16, 16),
        "patch_embed.proj.bias": (768,),
        "norm.weight": (768,),
        "norm.bias": (768,),
        "decoder_embed.weight": (512, 768),
        "decoder_embed.bias": (512,),
        "mask_token": (1, 1, 512),
        "decoder_pos_embed": (1, 197, 512),
        "decoder_norm.weight": (512,),
        "decoder_norm.bias": (512,),
        "decoder_pred.weight": (768, 512),
        "decoder_pred.bias": (768,),
    }
    for index in range(12):
        layout |= block_layout(f"blocks.{index}", 768)
    for index in range(8):
        layout |= block_layout(f"decoder_blocks.{index}", 512)
    return layout


# --- Layout -----------------------------------------------------------------------------------------------


def test_base_has_the_official_layout() -> None:
    with torch.device("meta"):
        model = MaskedAutoencoderViT(224, 16, 768, 12, 12, 512, 8, 16)
    tensors = model.state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == official_base_layout()
    assert len(tensors) == 254
    assert sum(parameter.numel() for parameter in model.parameters()) == 111_907_840
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert frozen == {"pos_embed", "decoder_pos_embed"}


def test_layer_norms_use_the_authors_epsilon() -> None:
    assert {module.eps for module in tiny().modules() if isinstance(module, nn.LayerNorm)} == {1e-6}


def test_positions_against_a_naive_loop() -> None:
    dim, grid = 16, 3
    table = sincos_position_embedding(dim, grid)
    assert table.shape == (1, 1 + grid * grid, dim)
    assert not table[0, 0].any()
    for row in range(grid):
        for column in range(grid):
            expected = []
            for coordinate in (column, row):
                angles = [coordinate / 10000 ** (i / (dim / 4)) for i in range(dim // 4)]
                expected += [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
            assert table[0, 1 + row * grid + column].tolist() == pytest.approx(expected, abs=1e-6)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="18"):
        sincos_position_embedding(18, 4)
    with pytest.raises(ValueError, match="img_size 30"):
        PatchEmbed(30, 8, 16)


# --- Patches ----------------------------------------------------------------------------------------------


def test_unpatchify_undoes_patchify() -> None:
    images = pictures()
    model = tiny()
    assert torch.equal(model.unpatchify(model.patchify(images)), images)
    patches = torch.randn(2, 16, 192)
    assert torch.equal(model.patchify(model.unpatchify(patches)), patches)


def test_patches_run_by_rows_and_pixels_with_the_channel_fastest() -> None:
    images = pictures(2)
    patches = tiny().patchify(images)
    assert patches.shape == (2, 16, 8 * 8 * 3)
    for patch, y, x, channel in [(0, 0, 0, 0), (1, 2, 3, 1), (6, 7, 0, 2), (15, 7, 7, 2)]:
        row, column = divmod(patch, 4)
        expected = images[:, channel, 8 * row + y, 8 * column + x]
        assert torch.equal(patches[:, patch, (y * 8 + x) * 3 + channel], expected)


# --- Masks ------------------------------------------------------------------------------------------------


RATIOS = [percent / 100 for percent in range(0, 100, 5)] + [0.01, 0.333, 0.99, 0.999]


@pytest.mark.parametrize("grid", [1, 2, 7, 16])
def test_masks_remove_exactly_the_ratio(grid: int) -> None:
    length = grid * grid
    for ratio in RATIOS:
        expected = min(math.floor(length * ratio + 0.5), length - 1)
        assert num_masked(length, ratio) == expected
        for mask in (random_mask(2, length, ratio), block_mask(2, grid, ratio)):
            assert mask.shape == (2, length)
            assert set(mask.unique().tolist()) <= {0.0, 1.0}
            assert mask.sum(dim=1).tolist() == [expected, expected]


@pytest.mark.parametrize("ratio", [-0.1, 1.0, 1.5, float("nan")])
def test_impossible_ratios_are_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match=str(ratio)):
        random_mask(1, 16, ratio)
    with pytest.raises(ValueError, match=str(ratio)):
        block_mask(1, 4, ratio)


def test_masks_follow_their_generator_alone() -> None:
    def masks(seed: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        torch.rand(7)  # the global state plays no part
        return random_mask(4, 64, 0.5, generator), block_mask(4, 8, 0.5, generator)

    for first, second, other in zip(masks(1), masks(1), masks(2), strict=True):
        assert torch.equal(first, second)
        assert not torch.equal(first, other)
        assert not torch.equal(first[0], first[1])


def test_random_masks_treat_all_patches_alike() -> None:
    share = random_mask(4000, 16, 0.75, torch.Generator().manual_seed(0)).mean(dim=0)
    assert torch.allclose(share, torch.full((16,), 0.75), atol=0.03)


def test_block_masks_are_connected() -> None:
    def edges(masks: Tensor) -> float:
        grid = masks.reshape(-1, 16, 16)
        return float(grid.diff(dim=1).abs().sum() + grid.diff(dim=2).abs().sum())

    generator = torch.Generator().manual_seed(0)
    assert edges(block_mask(20, 16, 0.5, generator)) < 0.5 * edges(random_mask(20, 256, 0.5, generator))


# --- One pass ---------------------------------------------------------------------------------------------


def naive_prediction(model: MaskedAutoencoderViT, image: Tensor, mask: Tensor) -> Tensor:
    """Encode the kept patches of one image and decode all, with boolean indexing instead of gathering."""
    tokens = model.patch_embed(image[None])[0] + model.pos_embed[0, 1:]
    kept = torch.cat([model.cls_token[0] + model.pos_embed[0, :1], tokens[mask == 0]])[None]
    for block in model.blocks:
        kept = block(kept)
    latent = model.decoder_embed(model.norm(kept))[0]
    full = model.mask_token[0].expand(len(mask), -1).clone()
    full[mask == 0] = latent[1:]
    full = (torch.cat([latent[:1], full]) + model.decoder_pos_embed[0])[None]
    for block in model.decoder_blocks:
        full = block(full)
    prediction: Tensor = model.decoder_pred(model.decoder_norm(full))[0, 1:]
    return prediction


@torch.no_grad()
def test_prediction_against_a_naive_one() -> None:
    model, images, mask = tiny(), pictures(), random_mask(3, 16, 0.6)
    output = model(images, mask=mask)
    for index in range(3):
        expected = naive_prediction(model, images[index], mask[index])
        assert torch.allclose(output.pred[index], expected, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("ratio", [0.25, 0.75, 0.95])
def test_a_given_mask_equals_the_random_mask_of_the_same_patches(ratio: float) -> None:
    model, images = tiny(), pictures()
    drawn = model(images, mask_ratio=ratio, generator=torch.Generator().manual_seed(3))
    given = model(images, mask=drawn.mask)
    assert torch.equal(drawn.mask, random_mask(3, 16, ratio, torch.Generator().manual_seed(3)))
    assert torch.equal(drawn.pred, given.pred)
    assert torch.equal(drawn.loss, given.loss)
    assert torch.equal(given.pred, model(images, mask=drawn.mask.bool()).pred)


@torch.no_grad()
def test_the_encoder_does_not_see_removed_patches() -> None:
    model, images = tiny(), pictures(1)
    mask = random_mask(1, 16, 0.5)
    hidden, kept = (model.patchify(images).clone() for _ in range(2))
    hidden[mask == 1] = torch.randn_like(hidden[mask == 1])
    kept[mask == 0] = torch.randn_like(kept[mask == 0])
    expected = model(images, mask=mask).pred
    assert torch.equal(model(model.unpatchify(hidden), mask=mask).pred, expected)
    assert not torch.allclose(model(model.unpatchify(kept), mask=mask).pred, expected, atol=1e-3)


@pytest.mark.parametrize("norm_pix_loss", [False, True])
def test_the_loss_is_that_of_the_removed_patches(norm_pix_loss: bool) -> None:
    model, images = tiny(norm_pix_loss), pictures()
    output = model(images, 0.5)
    target = model.patchify(images)
    if norm_pix_loss:
        mean, variance = target.mean(-1, keepdim=True), target.var(-1, keepdim=True, unbiased=True)
        target = (target - mean) / (variance + 1e-6).sqrt()
    assert torch.allclose(output.loss, masked_patch_loss(output.pred, target, output.mask))


@torch.no_grad()
@pytest.mark.parametrize("norm_pix_loss", [False, True])
def test_reconstruct_is_in_pixels(norm_pix_loss: bool) -> None:
    model, images, mask = tiny(norm_pix_loss), pictures(), random_mask(3, 16, 0.5)
    pred = model(images, mask=mask).pred
    if norm_pix_loss:
        patches = model.patchify(images)
        pred = pred * (patches.var(-1, keepdim=True) + 1e-6).sqrt() + patches.mean(-1, keepdim=True)
    picture = model.reconstruct(images, mask)
    assert torch.allclose(picture, model.unpatchify(pred).clamp(-1, 1))
    assert picture.shape == images.shape
    assert picture.abs().max() <= 1


@torch.no_grad()
def test_nothing_removed() -> None:
    model, images = tiny(), pictures()
    output = model(images, mask_ratio=0.0)
    assert output.loss is None
    assert not output.mask.any()
    assert output.pred.shape == (3, 16, 192)


@torch.no_grad()
def test_features_are_the_mean_of_the_patch_tokens() -> None:
    model, images = tiny(), pictures()
    everything = torch.arange(16).expand(3, -1)
    tokens = model.forward_encoder(images, everything)
    assert tokens.shape == (3, 17, 32)
    assert torch.allclose(model.forward_features(images), tokens[:, 1:].mean(dim=1))


def test_impossible_masks_are_refused() -> None:
    model, images = tiny(), pictures(2)
    with pytest.raises(ValueError, match=r"\(2, 9\)"):
        model(images, mask=torch.zeros(2, 9))
    with pytest.raises(ValueError, match="values other than"):
        model(images, mask=torch.full((2, 16), 0.5))
    with pytest.raises(ValueError, match="every patch"):
        model(images, mask=torch.ones(2, 16))
    uneven = torch.zeros(2, 16)
    uneven[0, :3] = 1
    with pytest.raises(ValueError, match="same number"):
        model(images, mask=uneven)


# --- Learning ---------------------------------------------------------------------------------------------


def test_every_parameter_gets_a_gradient() -> None:
    model = tiny()
    loss = model(pictures(), 0.5).loss
    assert loss is not None
    loss.backward()
    assert_finite_gradients(model)
    assert model.pos_embed.grad is None
    assert model.decoder_pos_embed.grad is None


def test_a_tiny_model_overfits_eight_images() -> None:
    y, x = torch.meshgrid(torch.linspace(-1, 1, 32), torch.linspace(-1, 1, 32), indexing="ij")
    directions = torch.arange(8) * math.pi / 8
    waves = [
        torch.sin(1.5 * (x * angle.cos() + y * angle.sin()) + channel) for angle in directions for channel in range(3)
    ]
    images = torch.stack(waves).reshape(8, 3, 32, 32)
    model = tiny()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    mask = random_mask(8, 16, 0.5)
    losses = []
    for _ in range(60):
        loss = model(images, mask=mask).loss
        assert loss is not None
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 8
