"""The authors' published CycleGAN generators, against their code written out."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from models.formats.cyclegan import without_running_statistics
from models.formats.registry import load_file
from models.networks.cyclegan import ResnetGenerator


def official_translation(tensors: dict[str, Tensor], images: Tensor) -> Tensor:
    """The authors' generator written out layer by layer in torch's own functions, with nine blocks."""

    def convolve(x: Tensor, name: str, **options: int) -> Tensor:
        return F.conv2d(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], **options)

    def widen(x: Tensor, name: str) -> Tensor:
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        return F.conv_transpose2d(x, weight, bias, stride=2, padding=1, output_padding=1)

    def mirrored(x: Tensor, width: int) -> Tensor:
        return F.pad(x, (width,) * 4, mode="reflect")

    x = F.relu(F.instance_norm(convolve(mirrored(images, 3), "model.1")))
    for name in ("model.4", "model.7"):
        x = F.relu(F.instance_norm(convolve(x, name, stride=2, padding=1)))
    for number in range(10, 19):
        block = f"model.{number}.conv_block"
        inner = F.relu(F.instance_norm(convolve(mirrored(x, 1), f"{block}.1")))
        x = x + F.instance_norm(convolve(mirrored(inner, 1), f"{block}.5"))
    for name in ("model.19", "model.22"):
        x = F.relu(F.instance_norm(widen(x, name)))
    return convolve(mirrored(x, 3), "model.26").tanh()


def published_generator() -> dict[str, Tensor]:
    """Random tensors in the official layout, with weights large enough to use the whole range."""
    tensors = ResnetGenerator().state_dict()
    return {name: torch.randn_like(value) * (0.1 if value.dim() == 1 else 0.04) for name, value in tensors.items()}


def as_before_torch_0_4(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same file with the running statistics that instance norms kept then: 46 tensors more."""
    widths = {2: 64, 5: 128, 8: 256, 20: 128, 23: 64}
    norms = {f"model.{index}": width for index, width in widths.items()}
    norms |= {f"model.{block}.conv_block.{index}": 256 for block in range(10, 19) for index in (2, 6)}
    means = {f"{name}.running_mean": torch.randn(width) for name, width in norms.items()}
    variances = {f"{name}.running_var": 9 * torch.rand(width) for name, width in norms.items()}
    return {**tensors, **means, **variances}


@torch.no_grad()
@pytest.mark.parametrize("old", [False, True], ids=["today", "before torch 0.4"])
def test_a_published_generator_translates_as_the_authors_code_does(old: bool, tmp_path: Path) -> None:
    tensors = published_generator()
    published = as_before_torch_0_4(tensors) if old else tensors
    assert len(published) == (94 if old else 48)
    torch.save(published, tmp_path / "latest_net_G.pth", _use_new_zipfile_serialization=False)
    layout, generator = load_file(tmp_path / "latest_net_G.pth")
    assert layout.name == "cyclegan-resnet-generator"
    images = torch.rand(2, 3, 64, 48) * 2 - 1
    expected = official_translation(tensors, images)
    assert expected.std() > 0.3
    assert (generator(images) - expected).abs().max() <= 1e-4


def test_running_statistics_are_dropped_and_nothing_else() -> None:
    tensors = published_generator()
    assert without_running_statistics(as_before_torch_0_4(tensors)).keys() == tensors.keys()


def test_a_generator_trained_with_dropout_is_the_same_network(tmp_path: Path) -> None:
    tensors = ResnetGenerator(8, 2).state_dict()
    dropped = {name.replace("conv_block.5", "conv_block.6"): value for name, value in tensors.items()}
    assert len(dropped.keys() - tensors.keys()) == 4
    torch.save(dropped, tmp_path / "latest_net_G.pth")
    layout, model = load_file(tmp_path / "latest_net_G.pth")
    assert layout.name == "cyclegan-resnet-generator"
    loaded = model.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in tensors.items())
