"""Larger squares than the map keeps, cut from the files of a set again for encoders that see more of an image."""

from __future__ import annotations

import math
import tempfile
import threading
import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import overload

from PIL import Image

from demos.ui.sprites import jpeg
from models.data.archive_entries import Limits
from models.data.archives import Picture, iter_images
from models.data.images import square_crop

KEPT_SIDE = 128  # pixels of the squares that are kept in memory, for the page and for encoders that take no larger ones
QUALITY = 92


class OriginalsGoneError(ValueError):
    """The files that a set was read from are not there any more, or are others now."""


class StoredFiles(Sequence[bytes]):
    """The contents of many files, in one temporary file without a name; the disk is free again when nobody has it."""

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

    @overload
    def __getitem__(self, place: int) -> bytes: ...

    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...

    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        start, end = self._ends[place], self._ends[place + 1]
        with self._lock:
            self._file.seek(start)
            return self._file.read(end - start)


class Chosen(Sequence[bytes]):
    """Some of many files, read when they are asked for."""

    def __init__(self, files: Sequence[bytes], ids: Sequence[int]) -> None:
        self._files, self._ids = files, ids

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, place: int) -> bytes: ...

    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...

    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        if isinstance(place, slice):
            return [self._files[one] for one in self._ids[place]]
        return self._files[self._ids[place]]


class Originals:
    """The files that a set was read from.

    The squares of one side stay on disk: 10,000 of 224 pixels take some 200 MB, too much memory for one visitor.

    Args:
        paths: The files, as for `iter_images`.
        max_images: As when they were read first.
    """

    def __init__(self, paths: Sequence[Path], max_images: int) -> None:
        self._paths, self._max_images = list(paths), max_images
        self._cut: tuple[int, StoredFiles] | None = None

    def squares(self, side: int) -> StoredFiles | None:
        """Return the centre squares as JPEGs if those of this side were cut last."""
        return self._cut[1] if self._cut and self._cut[0] == side else None

    def cut(self, side: int, names: Sequence[str]) -> Iterator[int]:
        """Cut the squares of a side, for `squares`; gives how many are done after each.

        Args:
            side: In pixels.
            names: Of the images that the set has.

        Raises:
            OriginalsGoneError: If the files are gone, or hold other images.
        """
        stored = StoredFiles()
        try:
            for picture in read_images(self._paths, self._max_images, side):
                if len(stored) == len(names) or picture.name != names[len(stored)]:
                    raise OriginalsGoneError("The files hold other pictures now; upload them again.")
                stored.append(square_jpeg(picture.image, side))
                yield len(stored)
        except FileNotFoundError as error:
            raise OriginalsGoneError("The files are not there any more; upload them again.") from error
        if len(stored) != len(names):
            raise OriginalsGoneError("The files hold fewer pictures now; upload them again.")
        self._cut = side, stored


def read_images(
    paths: Sequence[Path], max_images: int, side: int, skipped: Counter[str] | None = None
) -> Iterator[Picture]:
    """Yield images large enough for a centre square of `side` pixels; see `iter_images`.

    The same images for every side: what may be decoded in all grows with it.
    """
    usual = Limits()
    limits = replace(usual, max_total_pixels=usual.max_total_pixels * max(1, math.ceil((side / KEPT_SIDE) ** 2)))
    # Twice the side: the centre square of a wide image is cut from it, and should not have to be enlarged.
    return iter_images(paths, max_images=max_images, max_side=2 * side, limits=limits, skipped=skipped)


def square_jpeg(image: Image.Image, side: int) -> bytes:
    """Return the centre square of an image as a JPEG."""
    return jpeg(square_crop(image, side), QUALITY)
