"""Centre squares larger than those kept in memory, read again from the files for encoders with larger inputs."""

from __future__ import annotations

import math
import tempfile
import threading
import time
import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from PIL import Image

from demos.ui.progress import Step, Work
from demos.ui.sprites import encoded
from models.data.archive_entries import Limits
from models.data.archives import LabelledImage, iter_images
from models.data.images import square_crop

KEPT_SIDE = 128  # pixels: the squares kept in memory, for the page and for encoders with no larger inputs
QUALITY = 92


class OriginalsGoneError(ValueError):
    """The files that a set was read from are gone or have changed."""


class JpegFiles(Protocol):
    """JPEGs by their index, in memory or on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> bytes: ...


class StoredFiles:
    """The contents of many files in one unnamed temporary file, which is deleted with this object."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with this object)
        weakref.finalize(self, self._file.close)
        self._ends = [0]
        self._lock = threading.Lock()

    def append(self, data: bytes) -> None:
        """Add a file at the end."""
        with self._lock:
            self._file.seek(self._ends[-1])
            self._file.write(data)
            self._ends.append(self._file.tell())

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> bytes:
        start, end = self._ends[index], self._ends[index + 1]
        with self._lock:
            self._file.seek(start)
            return self._file.read(end - start)


class Subset:
    """Some of many files, each read when it is needed."""

    def __init__(self, files: JpegFiles, ids: Sequence[int]) -> None:
        self._files, self._ids = files, ids

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> bytes:
        return self._files[self._ids[index]]


class Originals:
    """The files that a set was read from, and squares of one side cut from them.

    The squares are kept on disk: 10,000 of 224 pixels take about 200 MB, too much memory for one visitor.
    """

    def __init__(self, paths: Sequence[Path], max_images: int) -> None:
        self._paths, self._max_images = list(paths), max_images
        self._cut: tuple[int, StoredFiles] | None = None

    def squares(self, side: int, names: Sequence[str]) -> Work[StoredFiles]:
        """Return the centre squares as JPEGs, reading the files again unless those of this side were read last."""
        if self._cut and self._cut[0] == side:
            return self._cut[1]
        stored, started = StoredFiles(), time.perf_counter()
        try:
            for image in read_images(self._paths, self._max_images, side):
                if len(stored) == len(names) or image.name != names[len(stored)]:
                    raise OriginalsGoneError("The files hold other pictures now; upload them again.")
                stored.append(square_jpeg(image.image, side))
                yield Step("embeddings.reading_larger", len(stored) / len(names), started)
        except FileNotFoundError as error:
            raise OriginalsGoneError("The files are not there any more; upload them again.") from error
        if len(stored) != len(names):
            raise OriginalsGoneError("The files hold fewer pictures now; upload them again.")
        self._cut = side, stored
        return stored


def read_images(
    paths: Sequence[Path], max_images: int, side: int, skipped: Counter[str] | None = None
) -> Iterator[LabelledImage]:
    """Yield images large enough for a centre square of `side` pixels; see `iter_images`.

    The limit on decoded pixels grows with the side, so that every side gives the same images.
    """
    usual = Limits()
    limits = replace(usual, max_total_pixels=usual.max_total_pixels * max(1, math.ceil((side / KEPT_SIDE) ** 2)))
    # Twice the side: the centre square of a wide image is cut from it, and should not have to be enlarged.
    return iter_images(paths, max_images=max_images, max_side=2 * side, limits=limits, skipped=skipped)


def square_jpeg(image: Image.Image, side: int) -> bytes:
    """Return the centre square of an image as a JPEG."""
    return encoded(square_crop(image, side), QUALITY)
