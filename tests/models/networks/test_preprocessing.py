"""From the app's range to a network's and back."""

import pytest
import torch
import torchvision.transforms.v2.functional as reference
from torchvision.transforms import InterpolationMode

from models.networks.preprocessing import IMAGENET, MINUS_ONE_TO_ONE, ZERO_TO_ONE, Preprocessing


def test_the_apps_own_range_is_left_alone() -> None:
    images = torch.rand(2, 3, 8, 8) * 2 - 1
    assert MINUS_ONE_TO_ONE.apply(images) is images
    assert MINUS_ONE_TO_ONE.invert(images) is images


def test_zero_to_one() -> None:
    images = torch.tensor([-1.0, 0.0, 1.0]).expand(1, 3, 1, 3)
    assert ZERO_TO_ONE.normalise(images)[0, 0, 0].tolist() == [0.0, 0.5, 1.0]


def test_imagenet_against_torchvision() -> None:
    images = torch.rand(2, 3, 9, 7) * 2 - 1
    expected = reference.normalize((images + 1) / 2, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert torch.allclose(IMAGENET.normalise(images), expected, atol=1e-5)


@pytest.mark.parametrize("preprocessing", [MINUS_ONE_TO_ONE, ZERO_TO_ONE, IMAGENET])
def test_invert_undoes_normalise(preprocessing: Preprocessing) -> None:
    images = torch.rand(2, 3, 8, 8) * 2 - 1
    assert torch.allclose(preprocessing.invert(preprocessing.normalise(images)), images, atol=1e-5)


@pytest.mark.parametrize("resample", ["bilinear", "bicubic"])
@pytest.mark.parametrize("side", [20, 90])
def test_images_of_another_side_are_resized_as_torchvision_does(resample: str, side: int) -> None:
    images = torch.rand(2, 3, side, side) * 2 - 1
    preprocessing = Preprocessing(32, resample)  # type: ignore[arg-type]
    mode = InterpolationMode(resample)
    expected = reference.resize(images, [32, 32], interpolation=mode, antialias=True).clamp(-1, 1)
    assert torch.allclose(preprocessing.apply(images), expected, atol=1e-5)
    assert torch.equal(preprocessing.apply(expected), expected)
