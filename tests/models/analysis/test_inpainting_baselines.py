"""The plain fill-ins: exact where they must be, and blind to what is hidden."""

import numpy as np
import pytest

from models.analysis.inpainting_baselines import harmonic_fill, mean_fill

FILLS = [harmonic_fill, mean_fill]


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (12, 9, 3))


@pytest.fixture
def hidden() -> np.ndarray:
    return np.random.default_rng(1).random((12, 9)) < 0.6


def test_a_linear_ramp_is_filled_in_exactly():
    rows, columns = np.mgrid[0:16, 0:20].astype(float)
    ramp = np.stack([rows, 2 * columns, 3 - rows + columns], axis=-1)
    inside = np.zeros((16, 20), dtype=bool)
    inside[3:12, 2:17] = True
    assert np.allclose(harmonic_fill(np.where(inside[..., None], 99.0, ramp), inside), ramp)


def test_every_hidden_pixel_is_the_mean_of_its_neighbours(picture, hidden):
    filled = harmonic_fill(picture, hidden)
    for row, column in np.argwhere(hidden):
        around = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
        neighbours = [filled[r, c] for r, c in around if 0 <= r < 12 and 0 <= c < 9]
        assert np.allclose(filled[row, column], np.mean(neighbours, axis=0))


def test_a_flat_frame_is_continued_to_the_border():
    picture = np.zeros((8, 8, 3))
    hidden = np.zeros((8, 8), dtype=bool)
    picture[:4], hidden[4:] = 0.25, True
    assert np.allclose(harmonic_fill(picture, hidden), 0.25)


def test_the_mean_colour_is_that_of_the_visible_pixels():
    picture = np.zeros((2, 2, 3))
    picture[0, 0], picture[0, 1], picture[1] = [1, 0, 0], [0, 1, 0.5], 7
    hidden = np.array([[False, False], [True, True]])
    assert np.allclose(mean_fill(picture, hidden)[1], [[0.5, 0.5, 0.25]] * 2)


@pytest.mark.parametrize("fill", FILLS)
def test_visible_pixels_are_left_alone(fill, picture, hidden):
    before = picture.copy()
    filled = fill(picture, hidden)
    assert np.array_equal(filled[~hidden], picture[~hidden])
    assert np.array_equal(picture, before), "the argument was changed"


@pytest.mark.parametrize("fill", FILLS)
def test_what_is_hidden_plays_no_part(fill, picture, hidden):
    other = np.where(hidden[..., None], -5.0, picture)
    assert np.allclose(fill(picture, hidden), fill(other, hidden))


@pytest.mark.parametrize("fill", FILLS)
def test_nothing_hidden_returns_the_image(fill, picture):
    assert np.array_equal(fill(picture, np.zeros((12, 9), dtype=bool)), picture)


@pytest.mark.parametrize("fill", FILLS)
def test_one_visible_pixel_is_enough(fill, picture):
    hidden = np.ones((12, 9), dtype=bool)
    hidden[5, 5] = False
    assert np.allclose(fill(picture, hidden), picture[5, 5])


@pytest.mark.parametrize("fill", FILLS)
def test_bad_input_is_refused(fill, picture):
    with pytest.raises(ValueError, match="leave at least one visible"):
        fill(picture, np.ones((12, 9), dtype=bool))
    with pytest.raises(ValueError, match=r"\(12, 9\) pixels and the mask \(9, 12\)"):
        fill(picture, np.zeros((9, 12), dtype=bool))
