"""Translation of a photo, its cycle reconstruction and its assessment, as images and numbers (no page in here)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from demos.core.i18n import InputError
from demos.core.paths import EXAMPLES
from demos.ui.images import captioned_grid
from models.analysis.cyclegan_calibration import (
    DIRECTIONS,
    ENCODER,
    KINDS,
    Calibration,
    calibration,
    discriminator_scores,
)
from models.data.images import fit_within, square_crop, to_images, to_tensor
from models.hub.records import Checkpoint
from models.networks.feature_extractors import as_encoder

LoadModel = Callable[[str], nn.Module]

BACK = {"apple2orange": "orange2apple", "orange2apple": "apple2orange"}
UNNAMED = {"apple2orange": "a2b", "orange2apple": "b2a"}  # the same directions between sets without names
SIDE = 256  # pixels; the generators are fully convolutional and were trained at half of it
MIN_SIDE = 32  # pixels; below, the reflecting borders would be most of the image
SATURATION = 64  # levels of 255 at which the difference image reaches its darkest tone
TEAL = (4.0, 72.0, 66.0)
OPENING_EXAMPLE = "apple-01.jpg"
FRUITS = EXAMPLES / "fruit"
# Name of a file and of a component -> attribute of a translation.
IMAGES = {"original": "original", "translated": "translated", "back": "reconstruction", "difference": "difference"}


@dataclass(frozen=True, kw_only=True)
class Translation:
    """A photo and its translation."""

    original: Image.Image  # at the size the networks saw
    translated: Image.Image
    seconds: float  # of the networks alone


@dataclass(frozen=True, kw_only=True)
class CycleTranslation(Translation):
    """A translation with its cycle reconstruction."""

    reconstruction: Image.Image
    difference: Image.Image  # white where the reconstruction equals the original, teal where it differs
    cycle_error: float  # mean absolute difference of reconstruction and original, in levels of 0 to 255


@dataclass(frozen=True)
class Assessment:
    """Comparison of a translation with held-out photos; the percentiles are shares from 0 to 1."""

    heat_map: Image.Image  # teal where the discriminator takes the translation for a photo
    realism_percentile: float  # photos of the target fruit with a lower discriminator score
    cycle_error_percentile: float  # photos of the source fruit with a smaller cycle error
    kinds: dict[str, float]  # probabilities of `KINDS` for the photo


def fit_photo(photo: Image.Image, side: int = SIDE) -> Image.Image:
    """Return a photo of at most `side` pixels, or raise an `InputError` if its short side falls below `MIN_SIDE`."""
    small = fit_within(photo, side)
    if min(photo.size) < MIN_SIDE:
        raise InputError("cyclegan.too_small", width=photo.width, height=photo.height, limit=MIN_SIDE)
    if min(small.size) < MIN_SIDE:
        raise InputError("cyclegan.too_narrow", ratio=side // MIN_SIDE, short_side=min(small.size))
    return small


@torch.inference_mode()
def translate(photo: Image.Image, forward: nn.Module) -> Translation:
    """Translate a photo at its own aspect ratio, by a generator from and to (N, 3, H, W) in [-1, 1]."""
    original = fit_photo(photo)
    start = time.perf_counter()
    fake = forward(to_tensor(original))
    seconds = time.perf_counter() - start
    return Translation(original=original, translated=to_images(fake)[0], seconds=seconds)


@torch.inference_mode()
def translate_cycle(photo: Image.Image, forward: nn.Module, backward: nn.Module) -> CycleTranslation:
    """Translate a photo and reconstruct it with the generator of the opposite direction."""
    original = fit_photo(photo)
    real = to_tensor(original)  # (1, 3, H, W)
    start = time.perf_counter()
    fake = forward(real)
    reconstructed = backward(fake)
    seconds = time.perf_counter() - start
    difference = absolute_difference(reconstructed, real)
    translated, reconstruction = to_images(torch.cat([fake, reconstructed]))
    return CycleTranslation(
        original=original, translated=translated, seconds=seconds, reconstruction=reconstruction,
        difference=difference_image(difference), cycle_error=float(difference.mean()),
    )  # fmt: skip


def absolute_difference(a: Tensor, b: Tensor) -> np.ndarray:
    """Return the absolute difference of two images (1, 3, H, W), mean of the channels, (H, W) in levels of 255."""
    difference: np.ndarray = (a - b).abs().mean(dim=1)[0].numpy() * 127.5
    return difference


def difference_image(levels: np.ndarray) -> Image.Image:
    """Draw differences as one hue on white: none is white, `SATURATION` levels or more is deep teal."""
    strength = np.clip(levels / SATURATION, 0.0, 1.0)[..., None]  # (H, W, 1)
    white, teal = np.array([255.0, 255.0, 255.0]), np.array(TEAL)
    return Image.fromarray((white + (teal - white) * strength).round().astype(np.uint8))


@torch.inference_mode()
def assess(done: CycleTranslation, direction: str, load_model: LoadModel, known: Calibration) -> Assessment:
    """Compare a translation with held-out photos, by our own discriminator and classifier."""
    source, target = DIRECTIONS[direction]
    scores = discriminator_scores(load_model(f"{target}-discriminator"), to_tensor(done.translated))
    return Assessment(
        heat_image(done.translated, scores[0, 0]),
        known.realism_percentile(target, float(scores.mean())),
        known.cycle_error_percentile(source, done.cycle_error),
        classify(done.original, load_model, known),
    )


def realism_percentile(image: Image.Image, direction: str, load_model: LoadModel) -> float:
    """Return the share of held-out photos with a lower discriminator score than a translation."""
    fruit = DIRECTIONS[direction][1]
    with torch.inference_mode():
        score = discriminator_scores(load_model(f"{fruit}-discriminator"), to_tensor(image)).mean()
    return calibration().realism_percentile(fruit, float(score))


def heat_image(image: Image.Image, scores: Tensor) -> Image.Image:
    """Draw a discriminator's scores (h, w) over an image: grey at 0 (translated), teal at 1 (photo)."""
    heat = Image.fromarray(scores.clamp(0, 1).mul(255).byte().numpy())
    strength = np.asarray(heat.resize(image.size, Image.Resampling.BICUBIC), float)[..., None] / 255 * 0.75
    grey = np.asarray(ImageOps.grayscale(image).convert("RGB"), float) * 0.6 + 96.0
    teal = np.array([13.0, 148.0, 136.0])
    return Image.fromarray((grey + (teal - grey) * strength).round().clip(0, 255).astype(np.uint8))


@torch.inference_mode()
def classify(photo: Image.Image, load_model: LoadModel, known: Calibration) -> dict[str, float]:
    """Return the probability of each of `KINDS` for a photo, by a linear classifier on the features of `ENCODER`."""
    encoder, side = as_encoder(load_model(ENCODER))
    features = encoder(to_tensor(square_crop(photo, side)))
    return dict(zip(KINDS, known.probe.probabilities(features)[0].tolist(), strict=True))


def domain_warning(kinds: Mapping[str, float], direction: str, threshold: float) -> str:
    """Return how a photo is outside the source domain: "elsewhere" (no fruit), "other" (the target fruit) or ""."""
    source, target = DIRECTIONS[direction]
    if 1 - kinds["elsewhere"] < threshold:
        return "elsewhere"
    return "other" if kinds[target] > 4 * kinds[source] else ""


def summary_sheet(done: Translation, direction: str, weights: Sequence[str]) -> Image.Image:
    """Draw photo, translation and, where there is one, the reconstruction in a row with a caption in English."""
    fruits = [f" ({fruit})" for fruit in DIRECTIONS[direction]] if direction in DIRECTIONS else ["", ""]
    images = {f"Picture{fruits[0]}": done.original, f"Translated{fruits[1]}": done.translated}
    caption = f"Unlabeled · {' + '.join(weights)} · {done.original.width} x {done.original.height} px"
    if isinstance(done, CycleTranslation):
        images["And back again"] = done.reconstruction
        caption += f" · round-trip error {done.cycle_error:.1f} (scale 0 to 255)"
    squares = [
        (title, ImageOps.pad(image, (SIDE, SIDE), Image.Resampling.LANCZOS, "white")) for title, image in images.items()
    ]
    return captioned_grid([squares], caption, SIDE)


def generators(record: Checkpoint, direction: str) -> tuple[str, ...]:
    """Return the names of the weights that translate in a direction and, except for a generator without one, back.

    For a single generator of apples and oranges our own takes the opposite direction.
    """
    if not record.direction:
        return (record.name,)
    if record.direction in (direction, UNNAMED[direction]):
        return record.name, record.partner or BACK[direction]
    return record.partner or direction, record.name


def translates_fruit(record: Checkpoint) -> bool:
    """Return whether a generator translates apples and oranges, as our discriminators and classifier expect."""
    return record.direction in DIRECTIONS


def named_direction(record: Checkpoint, direction: str) -> str:
    """Return the name of a direction in results: of fruit, of sets "a2b" or "b2a", "" of a single generator."""
    if translates_fruit(record):
        return direction
    return UNNAMED[direction] if record.direction else ""


def example_direction(path: Path) -> str:
    """Return the direction that starts from what an example shows, by the first word of its file name."""
    return "orange2apple" if path.name.startswith("orange") else "apple2orange"


def example_photos(folder: Path = FRUITS) -> list[Path]:
    """Return the built-in photos of fruit, apples and oranges alternating."""
    kinds = [sorted(folder.glob(f"{kind}-*.jpg")) for kind in ("apple", "orange")]
    return [path for pair in zip(*kinds, strict=False) for path in pair][:10]
