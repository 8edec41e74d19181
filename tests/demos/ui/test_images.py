"""The sheet of images with titles and a caption."""

import numpy as np
import pytest
from PIL import Image

from demos.ui.images import LINE, MARGIN, captioned_row

RED, BLUE = Image.new("RGB", (8, 8), "#ff0000"), Image.new("RGB", (8, 8), "#0000ff")


def test_images_stand_side_by_side():
    page = captioned_row([("One", RED), ("Two", BLUE)], "Caption", side=100)
    assert page.size == (2 * 100 + 3 * MARGIN, 100 + 2 * (LINE + MARGIN))
    middle = MARGIN + LINE + 50
    assert page.getpixel((MARGIN + 50, middle)) == (255, 0, 0)
    assert page.getpixel((2 * MARGIN + 150, middle)) == (0, 0, 255)


@pytest.mark.parametrize("caption", ["Short", "A caption that is far too long for a page that is so narrow "])
def test_the_caption_is_written_within_the_margins(caption):
    page = np.asarray(captioned_row([("One", RED)], caption, side=256))
    below = page[MARGIN + LINE + 256 :].min(axis=2) < 200
    assert below.any()
    assert not below[:, :MARGIN].any() and not below[:, -MARGIN:].any()


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="no pictures"):
        captioned_row([], "Caption")
