"""Composites of two photos, and inpainting of damaged ones: hidden patches that no rule has drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from demos.core.i18n import InputError
from demos.mae.masks import Mask, to_image
from demos.mae.masks import to_tensor as mask_tensor
from demos.mae.reconstruction import HIDDEN_GREY, baseline_fills, compare, grid_of, hidden_pixels
from models.data.images import to_images, to_tensor
from models.networks.mae import MaskedAutoencoderViT

DAMAGES = ("scratches", "text")
NUM_SCRATCHES = 5
COLOURS = {"scratches": (245, 240, 230), "text": (200, 30, 45)}
WORDS = ("UNLABELED", "SAMPLE", "DO NOT COPY")


def composite(first: Image.Image, second: Image.Image, mask: Mask) -> Image.Image:
    """Return the first image with the hidden patches from the second; both are squares of one size."""
    return Image.composite(second, first, to_image(mask).resize(first.size, Image.Resampling.NEAREST))


def draw_damage(side: int, damage: str, seed: int) -> Mask:
    """Draw which pixels of a photo are damaged, (side, side); equal arguments give equal masks."""
    if damage not in DAMAGES:
        raise ValueError(f"damage is {damage!r}; choose one of {', '.join(DAMAGES)}.")
    random = np.random.default_rng(seed)
    layer = Image.new("L", (side, side))
    pen = ImageDraw.Draw(layer)
    if damage == "scratches":
        for _ in range(NUM_SCRATCHES):
            ends = random.uniform(0, side, (2, 2))
            ends[:, int(random.integers(2))] = (0, side)  # from edge to edge
            bend = ends.mean(axis=0) + random.normal(0, side / 12, 2)
            pen.line([*ends[0], *bend, *ends[1]], fill=255, width=max(1, round(side / 85)), joint="curve")
    else:
        font = ImageFont.load_default(side / 7.5)
        for place, word in enumerate(WORDS):
            left = random.uniform(0.02, 0.98) * (side - font.getlength(word))
            pen.text((left, side * (0.12 + 0.3 * place)), word, fill=255, font=font)
    damaged: Mask = np.asarray(layer) > 127
    return damaged


def apply_damage(photo: Image.Image, damaged: Mask, damage: str) -> Image.Image:
    """Return a photo with its damaged pixels in the colour of the damage."""
    return Image.composite(Image.new("RGB", photo.size, COLOURS[damage]), photo, to_image(damaged))


@dataclass(frozen=True)
class Inpainting:
    """A damaged photo, repaired by the model and by the harmonic fill-in.

    The scores are "spoilt_pixels" and "hidden_patches", and "model" and "smooth_fill" as returned by `compare` where
    the photo is known without the damage, else None.
    """

    damaged: Image.Image  # photo as it was given
    masked: Image.Image  # input of the model: every patch with a damaged pixel is hidden
    mended: Image.Image  # prediction of the model on the damaged pixels alone
    smooth: Image.Image  # harmonic fill-in of the same pixels
    scores: dict[str, Any]


@torch.inference_mode()
def inpaint(
    model: MaskedAutoencoderViT, photo: Image.Image, damaged: Mask, intact: Image.Image | None = None
) -> Inpainting:
    """Repair the damaged pixels, (S, S), of a square photo; `intact` is the photo without damage, for the scores."""
    if not damaged.any():
        raise InputError("error.mask.unmarked")
    grid, size = grid_of(model), model.patch_size
    mask: Mask = np.any(damaged.reshape(grid, size, grid, size), axis=(1, 3))
    if mask.all():
        raise InputError("error.mask.all")
    images = to_tensor(photo)
    pixels = torch.from_numpy(damaged).expand(1, 3, -1, -1)
    prediction = torch.where(pixels, model.reconstruct(images, mask_tensor(mask)), images)
    smooth, _ = baseline_fills(images, pixels)
    masked = images.masked_fill(hidden_pixels(model, mask), HIDDEN_GREY)
    scores: dict[str, Any] = {"spoilt_pixels": int(damaged.sum()), "hidden_patches": int(mask.sum())}
    reference = None if intact is None else to_tensor(intact)
    for name, each in (("model", prediction), ("smooth_fill", smooth)):
        scores[name] = None if reference is None else compare(each, reference, pixels)
    seen, mended, harmonic = to_images(torch.cat([masked, prediction, smooth]))
    return Inpainting(photo, seen, mended, harmonic, scores)
