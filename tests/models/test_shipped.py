"""Our own weights at what they are for, on the images that come with the repository; none of them saw any."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from intake import read_images
from PIL import Image
from torch import Tensor

from models.analysis.cyclegan_calibration import calibration
from models.analysis.embedding import embed_images
from models.analysis.metrics import knn_accuracy, psnr, std_of_l2_normalized
from models.checkpoints import load_model
from models.data.images import square_crop, to_tensor
from models.encoders import ENCODERS, load_encoder
from models.networks.mae import MaskedAutoencoderViT, random_mask
from models.training.recipes.classifier import Classifier

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
FRUITS = ("apple", "orange")  # sets A and B
# Of kNN accuracy among 20 kinds, where chance is 0.05, and of the spread, where random weights have 0.18.
FLOORS = {"simsiam": (0.58, 0.5), "simclr": (0.59, 0.63), "moco": (0.63, 0.56), "supervised": (0.64, 0.7)}


@cache
def pictures(pattern: str, side: int) -> Tensor:
    found = [Image.open(path).convert("RGB") for path in sorted(EXAMPLES.glob(pattern))]
    return to_tensor([square_crop(picture, side) for picture in found])


@pytest.mark.parametrize(("source", "target"), [FRUITS, FRUITS[::-1]])
@torch.inference_mode()
def test_translations_and_cycle_reconstructions_of_fruit_are_classified_as_such(source: str, target: str) -> None:
    classifier, side = Classifier("fruit-judge"), calibration().side  # at which the tab translates
    photos = pictures(f"fruit/{source}-*.jpg", side)
    fruit_there = pictures(f"fruit/{source}-*.mask.png", side)[:, :1] > 0  # (N, 1, S, S)
    there, back = load_model(f"{source}2{target}"), load_model(f"{target}2{source}")
    fake = torch.cat([there(photo[None]) for photo in photos])
    again = torch.cat([back(photo[None]) for photo in fake])
    for images, fruit in ((photos, source), (fake, target), (again, source)):
        seen = classifier.predict_sets(images)
        assert seen is not None
        assert (seen == FRUITS.index(fruit)).float().mean() >= 8 / 9
    assert psnr(again, photos) >= 26
    changed = (fake - photos).abs().mean(dim=1, keepdim=True) * 127.5  # levels of 255
    assert changed[~fruit_there].mean() <= 4 < 15 <= changed[fruit_there].mean()


@pytest.mark.parametrize(
    ("name", "floor"), [("vae-fruit", 22), ("vae-fruit-autoencoder", 22.5), ("vae-fruit-beta4", 21)]
)
@torch.inference_mode()
def test_fruit_is_reconstructed_from_latents(name: str, floor: float) -> None:
    photos, model = pictures("fruit/*[0-9].jpg", 64), load_model(name)
    assert psnr(model.decode(model.encode(photos)[0]), photos) >= floor  # type: ignore[operator]


@torch.inference_mode()
def test_masked_patches_are_predicted_far_better_than_by_their_mean_colour() -> None:
    photos, model = pictures("fruit/*[0-9].jpg", 128), load_model("mae-photos")
    assert isinstance(model, MaskedAutoencoderViT)
    mask = random_mask(len(photos), model.num_patches, 0.75, torch.Generator().manual_seed(0))
    hidden = model.unpatchify(mask[..., None].expand(-1, -1, model.patch_size**2 * 3)).bool()
    mean = torch.stack([photo[:, ~holes[0]].mean(dim=1) for photo, holes in zip(photos, hidden, strict=True)])
    plain = psnr(mean[..., None, None].expand_as(photos)[hidden], photos[hidden])
    assert psnr(model.reconstruct(photos, mask)[hidden], photos[hidden]) >= max(22.5, plain + 7)


@pytest.fixture(scope="module")
def kinds() -> tuple[list[Image.Image], Tensor]:
    """Every sixth image of the built-in set of the map, with the number of its kind."""
    pictures = read_images([EXAMPLES / "kinds.zip"]).images[::6]
    names = sorted({picture.label or "" for picture in pictures})
    return [picture.image for picture in pictures], torch.tensor([names.index(p.label or "") for p in pictures])


@pytest.mark.parametrize(("name", "floors"), FLOORS.items())
def test_encoders_reach_their_knn_accuracy(
    name: str, floors: tuple[float, float], kinds: tuple[list[Image.Image], Tensor]
) -> None:
    images, labels = kinds
    features = torch.from_numpy(embed_images(load_encoder(name), images, ENCODERS[name].image_size()))
    assert knn_accuracy(features, labels) >= floors[0]
    assert std_of_l2_normalized(features) >= floors[1]
