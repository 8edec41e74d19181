"""Sequences of images: there-and-back animations (WebP, GIF, MP4), sprite sheets and filmstrips.

Every image of a sequence is RGB and has the size of the first. Times are whole milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from io import BytesIO
from typing import TypeVar

from PIL import Image

from demos.ui.images import image_grid

T = TypeVar("T")
R = TypeVar("R")

FRAME_MS = 60  # about 16 images a second: smooth to the eye and a small file
HOLD_MS = 700  # each end rests, so that one sees where the way starts and stops
STRIP_GAP = 4  # pixels between the images of a filmstrip


def in_threads(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Do one piece of work for every item, a thread a core; Pillow lets others run while it scales or encodes."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(work, items))


def upscale(images: Sequence[Image.Image], side: int) -> list[Image.Image]:
    """Enlarge images with Lanczos until the shorter side has `side` pixels; larger ones stay."""
    factor = max(1.0, side / min(images[0].size)) if images else 1.0
    if factor == 1.0:
        return list(images)
    width, height = (round(length * factor) for length in images[0].size)
    return in_threads(lambda image: image.resize((width, height), Image.Resampling.LANCZOS), images)


def there_and_back(frames: Sequence[T]) -> tuple[list[T], list[int]]:
    """Return the images of one round, or what stands for them, and how long each is shown, in milliseconds.

    N images make a round of 2N - 2, since neither end is shown twice; both ends rest for `HOLD_MS`.
    """
    if len(frames) < 2:
        raise ValueError(f"{len(frames)} picture(s) make no animation; give at least 2.")
    round_trip = [*frames, *frames[-2:0:-1]]
    durations = [FRAME_MS] * len(round_trip)
    durations[0] = durations[len(frames) - 1] = HOLD_MS
    return round_trip, durations


def looping_webp(frames: Sequence[Image.Image], quality: int = 85) -> bytes:
    """Write an animated WebP of at least two images that goes there and back for ever."""
    (first, *rest), durations = there_and_back(frames)
    buffer = BytesIO()
    # method 2 of 0..6: a third of the time of the default for files a few percent larger
    options = {"duration": durations, "loop": 0, "quality": quality, "method": 2}
    first.save(buffer, "WEBP", save_all=True, append_images=rest, **options)
    return buffer.getvalue()


def looping_gif(frames: Sequence[Image.Image]) -> bytes:
    """Write a GIF that goes there and back for ever; all images share one palette, so that no colour flickers."""
    some = frames[:: max(1, len(frames) // 8)]
    palette = image_grid([some]).quantize(256, Image.Quantize.MEDIANCUT)
    dither = Image.Dither.FLOYDSTEINBERG
    few = in_threads(lambda frame: frame.quantize(palette=palette, dither=dither), frames)
    (first, *rest), durations = there_and_back(few)
    buffer = BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=durations, loop=0, disposal=1)
    return buffer.getvalue()


def looping_mp4(frames: Sequence[Image.Image]) -> bytes:
    """Write an H.264 film that goes there and back once and starts where it ends, so that players loop it seamlessly.

    An odd side is refused, which the format cannot hold.
    """
    import av  # only films need it, and it takes a moment to load

    round_trip, durations = there_and_back(frames)
    width, height = frames[0].size
    if width % 2 or height % 2:
        raise ValueError(f"Pictures are {width} x {height}; a film wants even sides.")
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=Fraction(1000, FRAME_MS), options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for image, duration in zip(round_trip, durations, strict=True):
            picture = av.VideoFrame.from_image(image)
            for _ in range(round(duration / FRAME_MS)):  # H.264 players want a steady rate: a rest is repeated
                film.mux(stream.encode(picture))
        film.mux(stream.encode())
    return buffer.getvalue()
