"""Image grids, with and without captions."""

import numpy as np
import pytest
from PIL import Image

from demos.ui.images import LINE, MARGIN, captioned_grid, image_grid

RED, BLUE = Image.new("RGB", (8, 8), "#ff0000"), Image.new("RGB", (8, 8), "#0000ff")


def test_images_stand_side_by_side():
    page = captioned_grid([[("One", RED), ("Two", BLUE)]], "Caption", side=100)
    assert page.size == (2 * 100 + 3 * MARGIN, 100 + 2 * (LINE + MARGIN))
    middle = MARGIN + LINE + 50
    assert page.getpixel((MARGIN + 50, middle)) == (255, 0, 0)
    assert page.getpixel((2 * MARGIN + 150, middle)) == (0, 0, 255)


@pytest.mark.parametrize("caption", ["Short", "A caption that is far too long for a page that is so narrow "])
def test_the_caption_is_written_within_the_margins(caption):
    page = np.asarray(captioned_grid([[("One", RED)]], caption, side=256))
    below = page[MARGIN + LINE + 256 :].min(axis=2) < 200
    assert below.any()
    assert not below[:, :MARGIN].any() and not below[:, -MARGIN:].any()


@pytest.mark.parametrize("rows", [[], [[]]])
def test_no_images_are_refused(rows):
    with pytest.raises(ValueError, match="no pictures"):
        captioned_grid(rows, "Caption")


def photo(seed: int, size: tuple[int, int] = (90, 60)) -> Image.Image:
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC)


def test_a_sheet_has_every_image_at_its_place() -> None:
    rows = [[photo(10 * row + column, (16, 16)) for column in range(3)] for row in range(2)]
    for gap in (0, 4):
        sheet = image_grid(rows, gap)
        assert sheet.size == (48 + 2 * gap, 32 + gap)
        for top, row in enumerate(rows):
            for left, image in enumerate(row):
                x, y = left * (16 + gap), top * (16 + gap)
                assert sheet.crop((x, y, x + 16, y + 16)) == image


@pytest.mark.parametrize("rows", [[], [[]], [[photo(1)], [photo(1), photo(2)]]])
def test_a_ragged_sheet_is_refused(rows: list[list[Image.Image]]) -> None:
    with pytest.raises(ValueError, match="make no sheet"):
        image_grid(rows)
