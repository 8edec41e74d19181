"""Animations of image sequences."""

from collections.abc import Callable
from io import BytesIO
from itertools import pairwise

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from demos.ui.animation import (
    FRAME_MS,
    HOLD_MS,
    looping_gif,
    looping_mp4,
    looping_webp,
    there_and_back,
    upscale,
)

WRITERS: dict[str, Callable[..., bytes]] = {"mp4": looping_mp4, "webp": looping_webp, "gif": looping_gif}


def photo(seed: int, size: tuple[int, int] = (90, 60)) -> Image.Image:
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def test_an_animation_goes_there_and_back_without_showing_an_end_twice() -> None:
    frames = [Image.new("RGB", (8, 8), (40 * index, 0, 0)) for index in range(5)]
    round_trip, durations = there_and_back(frames)
    assert [image.getpixel((0, 0))[0] // 40 for image in round_trip] == [0, 1, 2, 3, 4, 3, 2, 1]  # type: ignore[index]
    assert durations == [HOLD_MS, *[FRAME_MS] * 3, HOLD_MS, *[FRAME_MS] * 3]
    assert all(a != b for a, b in pairwise([*round_trip, round_trip[0]]))


def shown(kind: str, data: bytes) -> list[tuple[np.ndarray, int]]:
    """Images of one round of a file, each with its duration in milliseconds."""
    if kind == "mp4":
        with av.open(BytesIO(data), "r") as film:
            frames = list(film.decode(video=0))
        times = [round(1000 * float(frame.time)) for frame in frames if frame.time is not None]
        assert times == [FRAME_MS * number for number in range(len(frames))], "a steady rate from the start"
        return [(pixels(frame.to_image()), FRAME_MS) for frame in frames]
    with Image.open(BytesIO(data)) as file:
        assert (file.format, file.info["loop"]) == (kind.upper(), 0), "for ever"
        return [(pixels(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(file)]


@pytest.mark.parametrize(("kind", "write"), WRITERS.items())
def test_a_video_loops_without_a_jump(kind: str, write: Callable[..., bytes]) -> None:
    frames = upscale([photo(seed, (16, 16)) for seed in range(5)], 64)
    data = write(frames)
    assert data == write(frames)
    rests: list[tuple[int, int]] = []  # index of each image of one round, with its duration
    for seen, time in shown(kind, data):
        assert seen.shape == (64, 64, 3)
        unlike = [np.abs(seen - pixels(frame)).mean() for frame in frames]
        assert min(unlike) < 16, "one of the frames, and no mixture"
        place = int(np.argmin(unlike))
        if rests and rests[-1][0] == place:
            rests[-1] = (place, rests[-1][1] + time)
        else:
            rests.append((place, time))
    round_trip, durations = there_and_back(range(5))
    assert [place for place, _ in rests] == round_trip, "the last image of the round is a neighbour of the first"
    assert all(abs(time - meant) < FRAME_MS for (_, time), meant in zip(rests, durations, strict=True))


def test_a_video_needs_even_sides() -> None:
    with pytest.raises(ValueError, match="even sides"):
        looping_mp4([photo(1, (15, 16)), photo(2, (15, 16))])


def test_one_image_is_no_animation() -> None:
    with pytest.raises(ValueError, match=r"1 picture\(s\) make no animation"):
        looping_webp([photo(1)])


def test_upscaling_enlarges_and_never_shrinks() -> None:
    assert [image.size for image in upscale([photo(1, (32, 32))], 256)] == [(256, 256)]
    assert [image.size for image in upscale([photo(1, (60, 30))], 90)] == [(180, 90)]
    assert upscale([photo(1, (300, 300))], 256) == [photo(1, (300, 300))]
