"""Thumbnails of cards, twice as wide as high."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

from demos.ui.images import image_grid

FOLDER = "cards"  # of the prepared thumbnails, in that of a tab's prepared results
STEPS = ("step-1", "step-2", "step-3")  # thumbnails of the figure that says how a tab works
SIDE = 160  # pixels of the height
QUALITY = 82


def wide(image: Image.Image) -> Image.Image:
    """Return the middle of an image as a thumbnail of (2 * SIDE, SIDE) pixels."""
    return ImageOps.fit(image.convert("RGB"), (2 * SIDE, SIDE), Image.Resampling.LANCZOS)


def pair(left: Image.Image, right: Image.Image) -> Image.Image:
    """Return two images side by side as a thumbnail of (2 * SIDE, SIDE) pixels, each cut to a square."""
    size = (SIDE, SIDE)
    squares = [ImageOps.fit(image.convert("RGB"), size, Image.Resampling.LANCZOS) for image in (left, right)]
    return image_grid([squares])


def save_thumbnails(images: dict[str, Image.Image], folder: Path) -> None:
    """Write thumbnails as WebP, under their names, into the folder of a tab's prepared results."""
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        image.save(folder / FOLDER / f"{name}.webp", quality=QUALITY, method=6)
