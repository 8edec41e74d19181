"""Sprite sheets of thumbnails."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from demos.ui.sprites import make_sprite, sprite_layout, tile_style


def test_tile_style_matches_the_layout_of_the_sheet() -> None:
    colours = [(index * 20, 0, 255 - index * 20) for index in range(11)]
    sprite = make_sprite([Image.new("RGB", (30, 30), colour) for colour in colours])
    sheet = Image.open(io.BytesIO(sprite.sheets[0]))
    assert sheet.size == (sprite.columns * sprite.cell, sprite.rows(0) * sprite.cell)
    for index, colour in enumerate(colours):
        row, column = divmod(index, sprite.columns)
        middle: Any = sheet.getpixel((int((column + 0.5) * sprite.cell), int((row + 0.5) * sprite.cell)))
        assert np.abs(np.subtract(middle, colour)).max() < 12
    assert "background-position:100.0000% 0.0000%" in tile_style(sprite, ["x"], sprite.columns - 1)


@pytest.mark.parametrize("count", [1, 480, 2000, 100_000])
def test_a_sheet_is_small_enough_for_a_phone(count: int) -> None:
    cell, columns, capacity = sprite_layout(count)
    assert (cell * columns) ** 2 < 16_000_000
    assert capacity <= columns**2


def test_many_images_have_several_sheets() -> None:
    sprite = make_sprite([Image.new("RGB", (8, 8), (number % 256, 0, 0)) for number in range(1100)])
    assert len(sprite.sheets) == 2 and sprite.place(1030) == (1, 0, 6)
    assert "url('b')" in tile_style(sprite, ["a", "b"], 1030)
