"""The residual network against torchvision's."""

import pytest
import torch
import torchvision
from gradients import assert_finite_gradients
from torch import nn

from models.networks.backbones import ResNet


@pytest.fixture(scope="module")
def twins() -> tuple[ResNet, nn.Module]:
    """Our ResNet-18 and torchvision's with the same weights and statistics other than those of the start."""
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18(weights=None)
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.get_buffer("running_mean"), 0, 0.1)
            nn.init.uniform_(module.get_buffer("running_var"), 0.5, 1.5)
    ours = ResNet(width=64, blocks=(2, 2, 2, 2), num_classes=1000)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours.eval(), theirs.eval()


def test_names_and_shapes_are_torchvisions(twins: tuple[ResNet, nn.Module]) -> None:
    ours, theirs = ({name: tensor.shape for name, tensor in net.state_dict().items()} for net in twins)
    assert list(ours) == list(theirs)
    assert ours == theirs
    assert sum(parameter.numel() for parameter in twins[0].parameters()) == 11_689_512


@torch.no_grad()
@pytest.mark.parametrize("side", [64, 96])
def test_outputs_are_torchvisions(twins: tuple[ResNet, nn.Module], side: int) -> None:
    images = torch.rand(2, 3, side, side) * 2 - 1
    expected = twins[1](images)
    assert expected.std() > 0.01
    assert torch.allclose(twins[0](images), expected, atol=1e-4)


@torch.no_grad()
def test_without_a_classifier_it_returns_features(twins: tuple[ResNet, nn.Module]) -> None:
    network = ResNet(width=4, blocks=(1, 1, 1, 1)).eval()
    images = torch.rand(2, 3, 64, 64)
    assert not any(name.startswith("fc") for name in network.state_dict())
    assert network(images).shape == (2, network.feature_dim) == (2, 32)
    assert torch.equal(network(images), network.forward_features(images))
    features = twins[0].forward_features(images)
    assert features.shape == (2, 512)
    assert twins[0].fc is not None
    assert torch.equal(twins[0].fc(features), twins[0](images))


def test_every_parameter_gets_a_gradient() -> None:
    network = ResNet(width=4, blocks=(2, 1, 1, 1), num_classes=3)
    images, labels = torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 2, 0])
    nn.functional.cross_entropy(network(images), labels).backward()
    assert_finite_gradients(network)


def test_a_tiny_network_overfits_nine_images() -> None:
    network = ResNet(width=8, blocks=(1, 1), num_classes=3)
    images, labels = torch.rand(9, 3, 32, 32) * 2 - 1, torch.arange(3).repeat(3)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.003)
    losses = []
    for _ in range(30):
        loss = nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10
