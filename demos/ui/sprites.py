"""Thumbnails by the hundreds in few files, and how a page shows one of them."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image

Form = Literal["JPEG", "WEBP"]
QUALITY: dict[Form, int] = {"JPEG": 78, "WEBP": 72}  # which look alike
SHEET_CAPACITY = 1024  # thumbnails a sheet holds at most; more have more sheets
LARGE_CELLS_UP_TO = 900  # thumbnails; beyond that a cell is smaller


@dataclass(frozen=True)
class Sprite:
    """Thumbnails side by side in files."""

    sheets: tuple[bytes, ...]  # the files; each but the last holds `capacity` thumbnails, in rows from the top left
    count: int  # of all thumbnails
    cell: int  # side of each in pixels
    columns: int  # how many are in a row
    capacity: int  # how many a full sheet holds
    form: Form = "JPEG"  # of the files: JPEG is made fastest, WebP is smaller

    @property
    def suffix(self) -> str:
        """How names of such files end."""
        return {"JPEG": ".jpg", "WEBP": ".webp"}[self.form]

    def place(self, index: int) -> tuple[int, int, int]:
        """Return the sheet, row and column of a thumbnail."""
        sheet, rest = divmod(index, self.capacity)
        return sheet, *divmod(rest, self.columns)

    def rows(self, sheet: int) -> int:
        """Return how many rows a sheet has, the last one perhaps not full."""
        return math.ceil(min(self.capacity, self.count - sheet * self.capacity) / self.columns)


def sprite_layout(count: int) -> tuple[int, int, int]:
    """Return side of a cell in pixels, columns and capacity: near square, and small enough for a phone to decode."""
    capacity = max(1, min(count, SHEET_CAPACITY))
    return (96 if count <= LARGE_CELLS_UP_TO else 64), math.ceil(math.sqrt(capacity)), capacity


def make_sprite(thumbnails: Sequence[Image.Image], form: Form = "JPEG") -> Sprite:
    """Draw square thumbnails into sheets."""
    cell, columns, capacity = sprite_layout(len(thumbnails))
    sheets = []
    for start in range(0, len(thumbnails), capacity):
        part = thumbnails[start : start + capacity]
        sheet = Image.new("RGB", (columns * cell, math.ceil(len(part) / columns) * cell), "white")
        for index, thumbnail in enumerate(part):
            row, column = divmod(index, columns)
            small = thumbnail.resize((cell, cell), Image.Resampling.BICUBIC, reducing_gap=2.0)
            sheet.paste(small, (column * cell, row * cell))
        sheets.append(encoded(sheet, QUALITY[form], form))
    return Sprite(tuple(sheets), len(thumbnails), cell, columns, capacity, form)


def encoded(image: Image.Image, quality: int, form: Form = "JPEG") -> bytes:
    """Return an image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, form, quality=quality)
    return buffer.getvalue()


def tile_style(sprite: Sprite, urls: Sequence[str], index: int) -> str:
    """Return the CSS that shows one thumbnail as the background of a square of any size."""
    sheet, row, column = sprite.place(index)
    rows = sprite.rows(sheet)
    x = 100 * column / max(1, sprite.columns - 1)
    y = 100 * row / max(1, rows - 1)
    return (
        f"background-image:url('{urls[sheet]}');background-size:{sprite.columns * 100}% {rows * 100}%;"
        f"background-position:{x:.4f}% {y:.4f}%"
    )
