"""Photos put together from two, and damaged ones mended: a hidden patch need not come from a mask that was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from demos.mae.masks import Cells, MaskError
from demos.mae.masks import to_tensor as mask_tensor
from demos.mae.reconstruction import HIDDEN_TONE, compare, grid_of, hidden_pixels
from models.analysis.inpainting_baselines import harmonic_fill
from models.data.images import to_images, to_tensor
from models.networks.mae import MaskedAutoencoderViT

DAMAGES = ("scratches", "text")
NUM_SCRATCHES = 5
INK = {"scratches": (245, 240, 230), "text": (200, 30, 45)}
WORDS = ("UNLABELED", "SAMPLE", "DO NOT COPY")


def collage(first: Image.Image, second: Image.Image, cells: Cells) -> Image.Image:
    """Return the first image with the marked patches of the second; both are squares of one size."""
    marked = Image.fromarray(cells.astype(np.uint8) * 255).resize(first.size, Image.Resampling.NEAREST)
    return Image.composite(second, first, marked)


def draw_damage(side: int, damage: str, seed: int) -> Cells:
    """Draw which pixels of a photo are spoilt, (side, side); equal arguments give equal damage."""
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
    spoilt: Cells = np.asarray(layer) > 127
    return spoilt


def spoil(photo: Image.Image, spoilt: Cells, damage: str) -> Image.Image:
    """Return a photo with its spoilt pixels in the colour of the damage."""
    return Image.composite(
        Image.new("RGB", photo.size, INK[damage]), photo, Image.fromarray(spoilt.astype(np.uint8) * 255)
    )


@dataclass(frozen=True)
class Mended:
    """A damaged photo and two ways to mend it.

    Attributes:
        damaged: As it was given.
        masked: What the model sees: every patch with a spoilt pixel is hidden.
        mended: The model's guess on the spoilt pixels alone.
        smooth: The smooth fill-in of the same pixels.
        scores: Numbers of "spoilt_pixels" and "hidden_patches"; "model" and "smooth_fill" as `compare` says where the
            photo is known without the damage, else null.
    """

    damaged: Image.Image
    masked: Image.Image
    mended: Image.Image
    smooth: Image.Image
    scores: dict[str, Any]


@torch.inference_mode()
def mend(model: MaskedAutoencoderViT, damaged: Image.Image, spoilt: Cells, intact: Image.Image | None = None) -> Mended:
    """Mend the spoilt pixels of a photo by the model, and plainly."""
    if not spoilt.any():
        raise MaskError("unmarked")
    grid, size = grid_of(model), model.patch_size
    cells: Cells = np.any(spoilt.reshape(grid, size, grid, size), axis=(1, 3))
    if cells.all():
        raise MaskError("all")
    images = to_tensor(damaged)
    pixels = torch.from_numpy(spoilt).expand(1, 3, -1, -1)
    guess = torch.where(pixels, model.reconstruct(images, mask_tensor(cells)), images)
    filled = harmonic_fill(images[0].permute(1, 2, 0).double().numpy(), spoilt)  # (S, S, 3)
    smooth = torch.from_numpy(filled).float().permute(2, 0, 1).unsqueeze(0)
    masked = images.masked_fill(hidden_pixels(model, cells), HIDDEN_TONE)
    scores: dict[str, Any] = {"spoilt_pixels": int(spoilt.sum()), "hidden_patches": int(cells.sum())}
    reference = None if intact is None else to_tensor(intact)
    for name, each in (("model", guess), ("smooth_fill", smooth)):
        scores[name] = None if reference is None else compare(each, reference, pixels)
    seen, mended, plain = to_images(torch.cat([masked, guess, smooth]))
    return Mended(damaged, seen, mended, plain, scores)
