"""The drawing of image grids, with and without captions, and addresses that hold an image."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

MARGIN = 16  # pixels around and between the images
LINE = 30  # pixels a line of text takes
PAPER, INK = "#ffffff", "#1c1917"


def captioned_grid(rows: Sequence[Sequence[tuple[str, Image.Image]]], caption: str, side: int = 256) -> Image.Image:
    """Draw rows of square images at `side` pixels, each image under its title, with a caption below all.

    Texts are in Latin letters, which Pillow's own font can write; a line too wide is shrunk. The RGB image is as wide
    as the longest row needs: n * side + (n + 1) * MARGIN pixels for n images.
    """
    columns = max((len(row) for row in rows), default=0)
    if not columns:
        raise ValueError("There are no pictures to draw; give at least 1.")
    width, height = MARGIN + columns * (side + MARGIN), len(rows) * (side + LINE + MARGIN)
    paper = Image.new("RGB", (width, height + LINE + MARGIN), PAPER)
    pen = ImageDraw.Draw(paper)
    for line, row in enumerate(rows):
        top = MARGIN + line * (side + LINE + MARGIN)
        for place, (title, image) in enumerate(row):
            left = MARGIN + place * (side + MARGIN)
            paper.paste(image.resize((side, side), Image.Resampling.LANCZOS), (left, top + LINE))
            _write(pen, title, (left, top + LINE / 2), side)
    _write(pen, caption, (MARGIN, height + LINE / 2 + MARGIN / 2), width - 2 * MARGIN)
    return paper


def _write(pen: ImageDraw.ImageDraw, text: str, left_middle: tuple[float, float], room: float) -> None:
    """Write one line no wider than `room`."""
    size = 17.0
    font = ImageFont.load_default(size)
    if (length := font.getlength(text)) > room:
        font = ImageFont.load_default(size * room / length)
    pen.text(left_middle, text, fill=INK, font=font, anchor="lm")


def still_webp(image: Image.Image, quality: int = 90) -> bytes:
    """Write one image as WebP, for views where no single pixel matters."""
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=2)
    return buffer.getvalue()


def image_grid(rows: Sequence[Sequence[Image.Image]], gap: int = 0, side: int | None = None) -> Image.Image:
    """Draw rows of equally many images of one size on white, with `gap` pixels between two images.

    With a `side`, each image is drawn as a square of so many pixels, whatever its size.
    """
    if not rows or not rows[0] or any(len(row) != len(rows[0]) for row in rows):
        lengths = [len(row) for row in rows]
        raise ValueError(f"Rows of {lengths} pictures make no sheet; give rows of equal length.")
    width, height = (side, side) if side else rows[0][0].size
    size = (len(rows[0]) * (width + gap) - gap, len(rows) * (height + gap) - gap)
    grid = Image.new("RGB", size, "white")
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            cell = image.resize((side, side), Image.Resampling.LANCZOS) if side else image
            grid.paste(cell, (column * (width + gap), row * (height + gap)))
    return grid


def data_url(image: Image.Image, quality: int | None = None) -> str:
    """Return an image as an address that holds it: PNG, or WebP of a quality where no single pixel matters."""
    if quality is not None:
        kind, content = "webp", still_webp(image, quality)
    else:
        buffer = BytesIO()
        image.save(buffer, "PNG", compress_level=1)
        kind, content = "png", buffer.getvalue()
    return f"data:image/{kind};base64," + base64.b64encode(content).decode("ascii")
