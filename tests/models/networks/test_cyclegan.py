"""CycleGAN's networks: the authors' layout, the arithmetic, the image pool, and that all of it learns."""

import copy
from itertools import chain

import pytest
import torch
import torch.nn.functional as F
from gradients import assert_finite_gradients
from torch import Tensor, nn

from models.networks.cyclegan import (
    ChannelNorm,
    HalfSide,
    ImagePool,
    InstanceNorm,
    LightGenerator,
    PatchDiscriminator,
    ResnetGenerator,
)
from models.networks.losses import cycle_loss, identity_loss, lsgan_loss


def official_generator_layout() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the authors' `resnet_9blocks`, 64 filters, instance norm, no dropout."""
    layout: dict[str, tuple[int, ...]] = {}
    convolutions = {1: (64, 3, 7, 7), 4: (128, 64, 3, 3), 7: (256, 128, 3, 3)}
    transposed = {19: (256, 128, 3, 3), 22: (128, 64, 3, 3)}
    for index, shape in convolutions.items():
        layout |= {f"model.{index}.weight": shape, f"model.{index}.bias": (shape[0],)}
    for block in range(10, 19):
        for index in (1, 5):
            layout[f"model.{block}.conv_block.{index}.weight"] = (256, 256, 3, 3)
            layout[f"model.{block}.conv_block.{index}.bias"] = (256,)
    for index, shape in transposed.items():
        layout |= {f"model.{index}.weight": shape, f"model.{index}.bias": (shape[1],)}
    return layout | {"model.26.weight": (3, 64, 7, 7), "model.26.bias": (3,)}


OFFICIAL_DISCRIMINATOR_LAYOUT = {
    "model.0.weight": (64, 3, 4, 4),
    "model.0.bias": (64,),
    "model.2.weight": (128, 64, 4, 4),
    "model.2.bias": (128,),
    "model.5.weight": (256, 128, 4, 4),
    "model.5.bias": (256,),
    "model.8.weight": (512, 256, 4, 4),
    "model.8.bias": (512,),
    "model.11.weight": (1, 512, 4, 4),
    "model.11.bias": (1,),
}


def layout_of(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


class TorchNorm(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.instance_norm(x)


def with_torch_norm(module: nn.Module) -> nn.Module:
    """A copy in which torch's own instance norm takes the place of ours."""
    twin = copy.deepcopy(module)
    for parent in list(twin.modules()):
        for name, child in parent.named_children():
            if isinstance(child, InstanceNorm):
                setattr(parent, name, TorchNorm())
    return twin


def tiny(kind: type[nn.Module]) -> nn.Module:
    return kind(num_filters=4, num_blocks=2)


GENERATORS = [ResnetGenerator, LightGenerator]


# --- Layout -----------------------------------------------------------------------------------------------


def test_generator_has_the_official_layout() -> None:
    generator = ResnetGenerator()
    assert layout_of(generator) == official_generator_layout()
    assert len(generator.state_dict()) == 48
    assert sum(parameter.numel() for parameter in generator.parameters()) == 11_378_179


def test_the_number_of_blocks_only_moves_the_last_layers() -> None:
    names = set(layout_of(ResnetGenerator(num_filters=2, num_blocks=6)))
    assert {"model.15.conv_block.5.weight", "model.16.weight", "model.19.weight", "model.23.bias"} <= names
    assert len(names) == 36


def test_discriminator_has_the_official_layout() -> None:
    discriminator = PatchDiscriminator()
    assert layout_of(discriminator) == OFFICIAL_DISCRIMINATOR_LAYOUT
    assert sum(parameter.numel() for parameter in discriminator.parameters()) == 2_764_737


def test_the_light_generator_is_light() -> None:
    assert sum(parameter.numel() for parameter in LightGenerator().parameters()) * 20 < 11_378_179


def test_weights_start_small_and_biases_at_zero() -> None:
    generator = ResnetGenerator(num_filters=16, num_blocks=2)
    for name, parameter in generator.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any()
        else:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.1)


# --- Arithmetic -------------------------------------------------------------------------------------------


def test_instance_norm_is_that_of_torch() -> None:
    x = 3 * torch.randn(4, 5, 6, 7) + 2
    for module in (InstanceNorm(), InstanceNorm().eval()):
        assert torch.allclose(module(x), nn.InstanceNorm2d(5)(x), atol=1e-6)
        assert torch.allclose(module(x[:1]), nn.InstanceNorm2d(5)(x[:1]), atol=1e-6)


@pytest.mark.parametrize("kind", GENERATORS)
def test_generators_equal_those_with_torchs_norm(kind: type[nn.Module]) -> None:
    generator = tiny(kind)
    images = torch.rand(3, 3, 32, 24) * 2 - 1
    assert torch.allclose(generator(images), with_torch_norm(generator)(images), atol=1e-5)


LEAST = {ResnetGenerator: 8, LightGenerator: 12}  # pixels of a side


@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.parametrize("size", [None, (64, 64), (36, 52)])
def test_generators_keep_shape_and_range(kind: type[nn.Module], size: tuple[int, int] | None) -> None:
    size = size or (LEAST[kind], LEAST[kind])
    images = torch.rand(2, 3, *size) * 2 - 1
    out = tiny(kind)(images)
    assert out.shape == images.shape
    assert out.abs().max() <= 1


@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.parametrize("size", [(30, 32), (32, 33)])
def test_sides_that_are_no_multiples_of_four_are_refused(kind: type[nn.Module], size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"{size[0]}x{size[1]}"):
        tiny(kind)(torch.zeros(1, 3, *size))


@pytest.mark.parametrize("kind", GENERATORS)
def test_sides_that_the_borders_would_fill_are_refused(kind: type[nn.Module]) -> None:
    side = LEAST[kind] - 4
    with pytest.raises(ValueError, match=f"{side}x16; both sides must be at least {LEAST[kind]} pixels"):
        tiny(kind)(torch.zeros(1, 3, side, 16))


@pytest.mark.parametrize("kind", GENERATORS)
def test_images_of_a_batch_do_not_mix(kind: type[nn.Module]) -> None:
    generator = tiny(kind).train()
    images = torch.rand(3, 3, 16, 16) * 2 - 1
    alone = torch.cat([generator(image[None]) for image in images])
    assert torch.allclose(generator(images), alone, atol=1e-6)


@pytest.mark.parametrize("kind", GENERATORS)
def test_every_generator_parameter_gets_a_gradient(kind: type[nn.Module]) -> None:
    generator = tiny(kind)
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    (generator(images) - images).square().mean().backward()
    assert_finite_gradients(generator, may_be_zero=["bias"])  # before an instance norm a bias has no effect


def test_a_light_generator_without_a_change_leaves_images_as_they_are() -> None:
    generator, images = LightGenerator(num_filters=4, num_blocks=1), torch.rand(2, 3, 16, 16) * 2 - 1
    for parameter in generator.model[-2].parameters():
        nn.init.zeros_(parameter)
    assert torch.allclose(generator(images), 0.98 * images, atol=1e-6)


def test_the_change_of_a_light_generator_is_smooth() -> None:
    generator, images = LightGenerator(num_filters=8, num_blocks=1), torch.rand(2, 3, 32, 32) * 2 - 1
    change = torch.atanh(generator(images)) - torch.atanh(0.98 * images)
    coarse = F.avg_pool2d(change, 2)
    again = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
    assert (change - again).abs().mean() < 0.5 * (change - change.mean(dim=(2, 3), keepdim=True)).abs().mean()
    assert change.std() > 0


@pytest.mark.parametrize("size", [(8, 6), (7, 5)])
def test_half_side_adds_the_output_at_half_the_resolution(size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size)
    wanted = x - F.interpolate(F.avg_pool2d(x, 2, ceil_mode=True), size, mode="bilinear", align_corners=False)
    negated = nn.Conv2d(3, 3, 1, bias=False)
    nn.init.zeros_(negated.weight)
    negated.weight.data[range(3), range(3)] = -1.0
    assert torch.allclose(HalfSide(negated)(x), wanted, atol=1e-6)


def test_the_receptive_field_of_a_light_generator_covers_256_pixels() -> None:
    generator, images = LightGenerator(num_filters=4), (torch.rand(1, 3, 256, 256) - 0.5).requires_grad_()
    generator(images)[0, :, 128, 128].sum().backward()
    assert images.grad is not None
    rows = images.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert (rows.max() - rows.min()).item() >= 240


def test_channel_norm_has_no_effect_at_a_distance() -> None:
    x = torch.randn(2, 5, 4, 3)
    spike = x.clone()
    spike[..., 0, 0] = torch.tensor([90.0, 0.0, 0.0, 0.0, -5.0])
    norm = ChannelNorm()
    assert torch.equal(norm(spike)[..., 1:, :], norm(x)[..., 1:, :])
    assert torch.allclose(norm(x).mean(dim=1), torch.zeros(2, 4, 3), atol=1e-6)
    assert torch.allclose(norm(x).var(dim=1, unbiased=False), torch.ones(2, 4, 3), atol=1e-3)


@pytest.mark.parametrize(("side", "scores"), [(32, 2), (64, 6), (128, 14), (256, 30)])
def test_discriminator_scores_overlapping_patches(side: int, scores: int) -> None:
    out = PatchDiscriminator(num_filters=2)(torch.zeros(2, 3, side, side))
    assert out.shape == (2, 1, scores, scores)


def test_the_receptive_field_of_a_score_is_seventy_pixels() -> None:
    discriminator = PatchDiscriminator(num_filters=4)
    for name, child in list(discriminator.model.named_children()):
        if isinstance(child, InstanceNorm):  # its statistics would let every pixel see every other
            setattr(discriminator.model, name, nn.Identity())
    images = torch.randn(1, 3, 256, 256, requires_grad=True)
    discriminator(images)[0, 0, 15, 15].backward()
    assert images.grad is not None
    seen = images.grad.abs().sum(dim=(0, 1)).nonzero()
    assert (seen.amax(dim=0) - seen.amin(dim=0) + 1).tolist() == [70, 70]


def test_every_discriminator_parameter_gets_a_gradient() -> None:
    discriminator = PatchDiscriminator(num_filters=4)
    lsgan_loss(discriminator(torch.randn(2, 3, 32, 32)), 1.0).backward()
    assert_finite_gradients(discriminator, may_be_zero=["2.bias", "5.bias", "8.bias"])


# --- Image pool -------------------------------------------------------------------------------------------


def numbered(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(-1, 1, 1, 1).expand(-1, 3, 2, 2).clone()


def numbers_of(images: Tensor) -> list[float]:
    return images[:, 0, 0, 0].tolist()


def test_an_empty_pool_hands_everything_back() -> None:
    images = numbered(1, 2, 3)
    assert ImagePool(0).query(images) is images


def test_a_pool_first_fills_up() -> None:
    pool = ImagePool(4)
    assert numbers_of(pool.query(numbered(0, 1))) == [0, 1]
    assert numbers_of(pool.query(numbered(2, 3))) == [2, 3]
    assert len(pool.images) == 4


def test_a_pool_against_a_naive_one() -> None:
    pool, generator = ImagePool(3), torch.Generator().manual_seed(7)
    twin, kept = torch.Generator().manual_seed(7), list[float]()
    for start in range(0, 40, 2):
        expected = []
        for value in (float(start), float(start + 1)):
            if len(kept) < 3:
                kept.append(value)
            elif torch.rand((), generator=twin) < 0.5:
                index = int(torch.randint(3, (), generator=twin))
                kept[index], value = value, kept[index]
            expected.append(value)
        assert numbers_of(pool.query(numbered(start, start + 1), generator)) == expected
        assert numbers_of(torch.stack(pool.images)) == kept


def test_about_half_of_the_answers_are_old() -> None:
    pool, generator = ImagePool(20), torch.Generator().manual_seed(0)
    pool.query(numbered(*range(20)), generator)
    answers = [numbers_of(pool.query(numbered(value), generator))[0] for value in range(100, 700)]
    old = sum(answer != value for answer, value in zip(answers, range(100, 700), strict=True))
    assert 240 < old < 360
    assert len(pool.images) == 20


def test_a_pool_cuts_the_gradient() -> None:
    images = numbered(1, 2).requires_grad_()
    assert not ImagePool(2).query(images).requires_grad


# --- The whole --------------------------------------------------------------------------------------------


def test_tiny_networks_learn_to_translate_between_two_domains() -> None:
    """Within 25 steps between reddish and greenish noise, the cycle closes and the colours move over."""
    colour_a, colour_b = torch.tensor([0.4, -0.6, -0.6]), torch.tensor([-0.2, 0.6, 0.0])
    noise = 0.05 * torch.randn(2, 2, 3, 24, 24)
    real_a, real_b = noise[0] + colour_a.reshape(3, 1, 1), noise[1] + colour_b.reshape(3, 1, 1)
    a2b, b2a = ResnetGenerator(num_filters=4, num_blocks=1), ResnetGenerator(num_filters=4, num_blocks=1)
    d_a, d_b = PatchDiscriminator(num_filters=4), PatchDiscriminator(num_filters=4)
    optimizer_g = torch.optim.Adam(chain(a2b.parameters(), b2a.parameters()), 0.004, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(chain(d_a.parameters(), d_b.parameters()), 0.002, betas=(0.5, 0.999))
    cycles = []
    for _ in range(25):
        fake_b, fake_a = a2b(real_a), b2a(real_b)
        cycle = cycle_loss(b2a(fake_b), real_a) + cycle_loss(a2b(fake_a), real_b)
        identity = identity_loss(a2b(real_b), real_b) + identity_loss(b2a(real_a), real_a)
        adversarial = lsgan_loss(d_b(fake_b), 1.0) + lsgan_loss(d_a(fake_a), 1.0)
        optimizer_g.zero_grad()
        (adversarial + 10 * cycle + 5 * identity).backward()
        optimizer_g.step()
        scores = [lsgan_loss(d_a(real_a), 1.0), lsgan_loss(d_a(fake_a.detach()), 0.0)]
        scores += [lsgan_loss(d_b(real_b), 1.0), lsgan_loss(d_b(fake_b.detach()), 0.0)]
        optimizer_d.zero_grad()
        (0.5 * torch.stack(scores).sum()).backward()
        optimizer_d.step()
        cycles.append(cycle.item())
    assert cycles[-1] < cycles[0] / 3
    assert torch.allclose(fake_b.mean(dim=(0, 2, 3)), colour_b, atol=0.15)
    assert torch.allclose(fake_a.mean(dim=(0, 2, 3)), colour_a, atol=0.15)


def test_a_tiny_light_generator_learns_where_to_recolour_and_where_not() -> None:
    images = 0.05 * torch.randn(2, 3, 24, 24)
    images[..., :12] += torch.tensor([0.4, -0.6, -0.6]).reshape(3, 1, 1)
    wanted = images.clone()
    wanted[..., :12] += torch.tensor([-0.6, 0.9, 0.6]).reshape(3, 1, 1)
    generator = LightGenerator(num_filters=8, num_blocks=1)
    optimizer = torch.optim.Adam(generator.parameters(), 0.01)
    for _ in range(60):
        loss = F.l1_loss(generator(images), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < F.l1_loss(images, wanted) / 5
