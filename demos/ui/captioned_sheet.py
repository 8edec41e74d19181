"""Several images side by side with their titles and one caption line, for slides and notes."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

MARGIN = 16  # pixels around and between the images
LINE = 30  # pixels a line of text takes
PAPER, INK = "#ffffff", "#1c1917"


def sheet(images: Sequence[tuple[str, Image.Image]], caption: str, side: int = 256) -> Image.Image:
    """Draw square images in a row, each under its title, with a caption below.

    Args:
        images: Titles and images, left to right; Latin letters, which Pillow's own font can write.
        caption: One line, shrunk to fit the width.
        side: Pixels each image is shown at.

    Returns:
        An RGB image of n * side + (n + 1) * MARGIN by side + 2 * (LINE + MARGIN) pixels.

    Raises:
        ValueError: If there is no image.
    """
    return page([images], caption, side)


def page(rows: Sequence[Sequence[tuple[str, Image.Image]]], caption: str, side: int = 256) -> Image.Image:
    """Draw rows of square images under each other, each image under its title, with a caption below all.

    Args:
        rows: As for `sheet`, from the top.
        caption: One line, shrunk to fit the width.
        side: Pixels each image is shown at.

    Returns:
        An RGB image, as wide as the longest row needs.

    Raises:
        ValueError: If there is no image.
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
