"""A photo translated there and back, judged and measured, as images and numbers that need no page."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from demos.core.paths import EXAMPLES
from demos.ui.images import captioned_row
from models.analysis.cyclegan_calibration import DIRECTIONS, ENCODER, KINDS, Calibration, judge
from models.data.images import fit_within, square_crop, to_images, to_tensor
from models.hub.records import Checkpoint
from models.networks.feature_extractors import as_encoder

LoadModel = Callable[[str], nn.Module]

BACK = {"apple2orange": "orange2apple", "orange2apple": "apple2orange"}
UNNAMED = {"apple2orange": "a2b", "orange2apple": "b2a"}  # the same two ways between sets that nobody named
SIDE = 256  # pixels; the generators are fully convolutional and were trained at half of it
MIN_SIDE = 32  # pixels; below, the reflecting borders would be most of the image
FULL_COLOUR = 64  # levels of 255 at which the difference image reaches its darkest tone
TEAL = (4.0, 72.0, 66.0)
OPENING_EXAMPLE = "apple-01.jpg"
FRUITS = EXAMPLES / "fruit"
IMAGES = ("original", "translated", "back", "difference")


class TooNarrowError(ValueError):
    """The photo is too long and narrow to be translated."""


@dataclass(frozen=True, kw_only=True)
class OneWay:
    """A photo and its translation.

    Attributes:
        original: The photo at the size the networks saw.
        translated: The image in the other domain, of the same size.
        seconds: Time the networks took.
    """

    original: Image.Image
    translated: Image.Image
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Translation(OneWay):
    """The same with the way back, and how far that is from the photo.

    Attributes:
        back: The translation translated back.
        difference: White where `back` equals `original`, teal where it differs.
        cycle_error: Mean absolute difference of `back` and `original`, in levels of 0 to 255.
    """

    back: Image.Image
    difference: Image.Image
    cycle_error: float


@dataclass(frozen=True)
class Judgement:
    """What the networks that judge say of a translation.

    Attributes:
        image: The translation in grey, teal where its discriminator takes it for a photo.
        convincing: Share of held-out photos of that fruit that the discriminator finds less convincing, 0 to 1.
        larger_error: Share of held-out photos whose round trip ends closer to where it began, 0 to 1.
        kinds: How likely the photo is each of `models.analysis.cyclegan_calibration.KINDS`, by a classifier of photos.
    """

    image: Image.Image
    convincing: float
    larger_error: float
    kinds: dict[str, float]


def prepared(photo: Image.Image, side: int = SIDE) -> Image.Image:
    """Return a photo at the size at which it is translated.

    Raises:
        TooNarrowError: If the photo is so narrow that its short side would be under `MIN_SIDE` pixels.
    """
    small = fit_within(photo, side)
    if min(small.size) < MIN_SIDE:
        raise TooNarrowError(f"the short side would be {min(small.size)} px; crop to reach {MIN_SIDE} px")
    return small


def translate(photo: Image.Image, forward: nn.Module, backward: nn.Module, side: int = SIDE) -> Translation:
    """Translate a photo there and back at its own aspect ratio.

    Args:
        photo: RGB image of any size.
        forward: Generator into the other domain; (N, 3, H, W) in [-1, 1] to the same.
        backward: Generator of the opposite direction.
        side: Pixels of the longest side; smaller photos are not enlarged.

    Raises:
        TooNarrowError: As `prepared`.
    """
    small = prepared(photo, side)
    real = to_tensor(small)  # (1, 3, H, W)
    start = time.perf_counter()
    with torch.inference_mode():
        fake = forward(real)
        reconstructed = backward(fake)
    seconds = time.perf_counter() - start
    apart = levels_apart(reconstructed, real)
    translated, back = to_images(torch.cat([fake, reconstructed]))
    return Translation(
        original=small, translated=translated, seconds=seconds,
        back=back, difference=difference_image(apart), cycle_error=float(apart.mean()),
    )  # fmt: skip


def translate_one_way(photo: Image.Image, forward: nn.Module) -> OneWay:
    """Translate a photo by a generator without an opposite one; arguments and errors are those of `translate`."""
    small = prepared(photo)
    start = time.perf_counter()
    with torch.inference_mode():
        fake = forward(to_tensor(small))
    seconds = time.perf_counter() - start
    return OneWay(original=small, translated=to_images(fake)[0], seconds=seconds)


def levels_apart(a: Tensor, b: Tensor) -> np.ndarray:
    """Return the absolute difference of two images (1, 3, H, W), mean of the colours, (H, W) in levels of 255."""
    apart: np.ndarray = (a - b).abs().mean(dim=1)[0].numpy() * 127.5
    return apart


def difference_image(levels: np.ndarray) -> Image.Image:
    """Draw differences as one hue on white: none is white, `FULL_COLOUR` levels or more is deep teal."""
    strength = np.clip(levels / FULL_COLOUR, 0.0, 1.0)[..., None]  # (H, W, 1)
    white, teal = np.array([255.0, 255.0, 255.0]), np.array(TEAL)
    return Image.fromarray((white + (teal - white) * strength).round().astype(np.uint8))


def assess(done: Translation, direction: str, load_model: LoadModel, known: Calibration) -> Judgement:
    """Judge a translation with our own discriminator and compares it with held-out photos."""
    source, target = DIRECTIONS[direction]
    with torch.inference_mode():
        scores = judge(load_model(f"{target}-discriminator"), to_tensor(done.translated))
    return Judgement(
        heat_image(done.translated, scores[0, 0]),
        known.convincing(target, float(scores.mean())),
        known.larger_error(source, done.cycle_error),
        kinds_of(done.original, load_model, known),
    )


def heat_image(image: Image.Image, scores: Tensor) -> Image.Image:
    """Lay a discriminator's scores (h, w) over an image: grey where it says 0 (translated), teal at 1 (photo)."""
    heat = Image.fromarray(scores.clamp(0, 1).mul(255).byte().numpy())
    strength = np.asarray(heat.resize(image.size, Image.Resampling.BICUBIC), float)[..., None] / 255 * 0.75
    grey = np.asarray(ImageOps.grayscale(image).convert("RGB"), float) * 0.6 + 96.0
    teal = np.array([13.0, 148.0, 136.0])
    return Image.fromarray((grey + (teal - grey) * strength).round().clip(0, 255).astype(np.uint8))


@torch.inference_mode()
def kinds_of(photo: Image.Image, load_model: LoadModel, known: Calibration) -> dict[str, float]:
    """Return how likely a photo is each of `KINDS`, by a linear classifier on the features of `ENCODER`."""
    encoder, side = as_encoder(load_model(ENCODER))
    features = encoder(to_tensor(square_crop(photo, side)))
    return dict(zip(KINDS, known.probe.probabilities(features)[0].tolist(), strict=True))


def warning_of(kinds: dict[str, float], direction: str, threshold: float) -> str:
    """Return what speaks against a translation: "elsewhere" (no fruit), "other" (the fruit it would make) or ""."""
    source, target = DIRECTIONS[direction]
    if 1 - kinds["elsewhere"] < threshold:
        return "elsewhere"
    return "other" if kinds[target] > 4 * kinds[source] else ""


def summary(done: OneWay, direction: str, weights: Sequence[str]) -> Image.Image:
    """Draw photo, translation and, where there is one, the way back in a row with a caption, in English, for slides.

    Args:
        done: The result.
        direction: As `named_direction` gives it.
        weights: Names of the weights that made it.
    """
    named = [f" ({fruit})" for fruit in DIRECTIONS[direction]] if direction in DIRECTIONS else ["", ""]
    images = {f"Photo{named[0]}": done.original, f"Translated{named[1]}": done.translated}
    caption = f"Unlabeled · {' + '.join(weights)} · {done.original.width} x {done.original.height} px"
    if isinstance(done, Translation):
        images["And back again"] = done.back
        caption += f" · the round trip ends {done.cycle_error:.1f} of 255 from the photo"
    squares = [
        (title, ImageOps.pad(image, (SIDE, SIDE), Image.Resampling.LANCZOS, "white")) for title, image in images.items()
    ]
    return captioned_row(squares, caption, SIDE)


def generators(record: Checkpoint, direction: str) -> tuple[str, ...]:
    """Return the names of the weights that translate in a direction and back, of which one is `record`'s.

    Where a single generator of apples and oranges is given, our own takes the opposite direction. A single generator
    of other domains stands alone: it has one direction and no way back.

    Args:
        record: Of one generator.
        direction: Key of `BACK`.
    """
    if not record.direction:
        return (record.name,)
    if record.direction in (direction, UNNAMED[direction]):
        return record.name, record.partner or BACK[direction]
    return record.partner or direction, record.name


def knows_fruit(record: Checkpoint) -> bool:
    """Return whether a generator is known to translate apples and oranges, which our judges and probe know."""
    return record.direction in DIRECTIONS


def named_direction(record: Checkpoint, direction: str) -> str:
    """Return the direction as results are named by it: of fruit, of sets "a2b" or "b2a", "" of a single generator."""
    if knows_fruit(record):
        return direction
    return UNNAMED[direction] if record.direction else ""


def example_direction(path: Path) -> str:
    """Return the direction that makes sense for an example, told by the first word of its file name."""
    return "orange2apple" if path.name.startswith("orange") else "apple2orange"


def example_photos(folder: Path = FRUITS) -> list[Path]:
    """Return the built-in photos of fruit, apples and oranges in turn."""
    kinds = [sorted(folder.glob(f"{kind}-*.jpg")) for kind in ("apple", "orange")]
    return [path for pair in zip(*kinds, strict=False) for path in pair][:10]
