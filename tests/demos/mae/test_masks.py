"""Masks: as text, drawn by rules, and resized to another grid."""

import numpy as np
import pytest
from PIL import Image

from demos.core.i18n import InputError
from demos.mae.masks import (
    MASK_KINDS,
    SEEDED_KINDS,
    decode_mask,
    draw_mask,
    encode_mask,
    resize_mask,
    to_tensor,
)


@pytest.mark.parametrize("side", [1, 14, 16, 128])
def test_decoding_inverts_encoding(side):
    cells = np.random.default_rng(side).random((side, side)) < 0.5
    cells[0, 0] = False
    text = encode_mask(cells)
    assert np.array_equal(decode_mask(text, side), cells) and np.array_equal(decode_mask(text), cells)
    assert text.isascii() and "=" not in text and "/" not in text and "+" not in text


FULL = encode_mask(np.ones((16, 16), bool))
SOME = encode_mask(np.eye(16, dtype=bool))


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (None, "format"),
        (float("nan"), "format"),
        ([1, 2], "format"),
        ({"mask": SOME}, "format"),
        ("", "format"),
        ("16.", "format"),
        (SOME[:-1], "format"),
        (SOME + "AA", "format"),
        (SOME.replace("16.", "17."), "format"),
        ("0.AA", "format"),
        ("999." + SOME[3:], "format"),
        ("16.<script>", "format"),
        ("x" * 1_000_000, "format"),
        (encode_mask(np.eye(14, dtype=bool)), "size"),
        (FULL, "all"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_invalid_text_is_refused(sent, code):
    with pytest.raises(InputError) as caught:
        decode_mask(sent, 16)
    assert caught.value.key == f"error.mask.{code}"


@pytest.fixture
def square(photo: Image.Image) -> Image.Image:
    """The grey disc of the photo in the middle of 128 x 128 pixels."""
    return photo.crop((16, 0, 136, 120)).resize((128, 128))


@pytest.mark.parametrize("kind", MASK_KINDS)
@pytest.mark.parametrize("grid", [14, 16])
def test_rules_hide_the_given_ratio_deterministically(square, kind, grid):
    image = square.resize((grid * 8, grid * 8))
    for ratio in (0.0, 0.25, 0.75, 0.95):
        first, again = (draw_mask(image, grid, ratio, kind, 5) for _ in range(2))
        assert first.shape == (grid, grid) and first.sum() == round(grid * grid * ratio)
        assert np.array_equal(first, again)
    others = [draw_mask(image, grid, 0.75, kind, seed) for seed in range(4)]
    assert all(np.array_equal(others[0], other) for other in others) == (kind not in SEEDED_KINDS)


@pytest.mark.parametrize("kind", [kind for kind in MASK_KINDS if kind != "block"])
def test_masks_grow_with_the_ratio(square, kind):
    less, more = (draw_mask(square, 16, ratio, kind, 1) for ratio in (0.3, 0.8))
    assert (more | ~less).all(), "moving the slider must not reshuffle the mask"


def test_grid_mask_leaves_one_patch_of_four():
    cells = draw_mask(Image.new("RGB", (128, 128)), 16, 0.75, "grid", 0)
    assert (~cells).reshape(8, 2, 8, 2).sum(axis=(1, 3)).tolist() == [[1] * 8] * 8


def test_object_and_edges_stay_visible():
    pixels = np.full((128, 128, 3), 90, np.uint8)
    pixels[32:96, 40:104] = (200, 60, 40)
    inside = np.zeros((16, 16), bool)
    inside[4:12, 5:13] = True
    image = Image.fromarray(pixels)
    kept = ~draw_mask(image, 16, 0.75, "object", 0)
    assert (kept & inside).sum() >= 60, "64 patches are kept, as many as the square has"
    edge = ~draw_mask(image, 16, 0.75, "edges", 0)
    rim = np.zeros((16, 16), bool)
    rim[3:13, 4:14] = True
    rim[5:11, 6:12] = False
    assert np.array_equal(edge, rim)


@pytest.mark.parametrize(
    ("ratio", "kind", "seed", "message"),
    [
        (0.75, "stripes", 0, "'stripes'; choose one of random, block"),
        (1.0, "random", 0, "1.0"),
        (-0.1, "block", 0, "-0.1"),
        (float("nan"), "grid", 0, "nan"),
        (0.5, "edges", -1, "-1"),
    ],
)
def test_arguments_out_of_range_raise(square, ratio, kind, seed, message):
    with pytest.raises(ValueError, match=message):
        draw_mask(square, 16, ratio, kind, seed)


def test_resized_mask_keeps_a_visible_patch():
    cells = np.ones((16, 16), bool)
    cells[5, 5] = False
    assert np.array_equal(resize_mask(cells, 16), cells)
    for side in (4, 7, 14, 32):
        resized = resize_mask(cells, side)
        assert resized.shape == (side, side) and 1 <= (~resized).sum() <= (side / 16) ** 2 + 1


def test_tensor_is_one_where_hidden():
    cells = np.eye(3, dtype=bool)
    assert to_tensor(cells).tolist() == [[1, 0, 0, 0, 1, 0, 0, 0, 1]]
