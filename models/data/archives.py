"""Images of files, folders and zips, read one by one without unpacking to disk.

Zips are untrusted: limits apply to what was really read and decoded. Skipped files are counted by a reason code:

    "hidden"          dotfiles, __MACOSX and the like
    "unsafe_name"     absolute names, drive letters, ".."
    "duplicate"       a second entry of the same name in one archive
    "link"            symbolic links, devices, pipes
    "encrypted"       entries with a password
    "nested_archive"  a zip inside a zip
    "compression"     compressed in another way than store or deflate
    "bomb"            expands beyond `Limits.max_ratio`
    "too_big"         more than `Limits.max_file_bytes`
    "over_budget"     left unread because the bytes or pixels of the whole were used up
    "too_many"        beyond `Limits.max_entries` or `max_images`
    "unreadable"      in a folder, and removed meanwhile or not ours to read
    "broken_archive"  a zip whose table of contents is missing, damaged or absurdly long (counts as one file)
    and the codes of `models.data.images.ImageError` for files that are no usable images.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from PIL import Image

from models.data.archive_entries import Entry, Limits, entries_of
from models.data.file_kinds import HEAD_BYTES, file_kind
from models.data.images import ImageError, decode_image, open_image

_CHUNK = 1 << 16
_RATIO_FLOOR = 1 << 20  # bytes: small files may be blank, and blank images compress a thousandfold


@dataclass(frozen=True)
class LabelledImage:
    """One image that was read."""

    name: str  # relative and safe to show, with forward slashes; unique within one call of `iter_images`
    label: str | None  # class by its folder (see `models.data.archive_entries.labels_of`), or None
    image: Image.Image  # upright RGB, shrunk to `max_side`


class _SkippedError(Exception):
    """A file is skipped; the argument is the reason code."""


@dataclass
class _Reading:
    """The state of one call of `iter_images`: bytes and pixels read, and the names taken."""

    limits: Limits
    max_side: int | None
    bytes_read: int = 0
    pixels_read: int = 0
    names: Counter[str] = field(default_factory=Counter)

    def image(self, entry: Entry) -> LabelledImage:
        """Read and decode one file within the limits."""
        if entry.reason:
            raise _SkippedError(entry.reason)
        image = open_image(io.BytesIO(self._content(entry)), name=entry.name, max_side=self.max_side)
        pixels = image.width * image.height
        if self.pixels_read + pixels > self.limits.max_total_pixels:
            raise _SkippedError("over_budget")
        self.pixels_read += pixels
        decoded = decode_image(image, name=entry.name, max_side=self.max_side)
        return LabelledImage(self._unique(entry.name), entry.label, decoded)

    def _content(self, entry: Entry) -> bytes:
        if self.bytes_read >= self.limits.max_total_bytes:
            raise _SkippedError("over_budget")
        try:
            with entry.open() as stream:
                return self._read(stream, entry)
        except (_SkippedError, ImageError, MemoryError):
            raise
        except Exception as error:  # zipfile lets damage surface as BadZipFile, zlib.error, struct.error...
            if entry.in_folder:
                raise _SkippedError("unreadable") from error
            if entry.packed_bytes is None:
                raise  # a path that was given: the disk's own error
            raise ImageError("truncated", entry.name) from error

    def _read(self, stream: IO[bytes], entry: Entry) -> bytes:
        """Read a file chunk by chunk; stop after the first one if it is no image."""
        content = bytearray()
        while chunk := stream.read(_CHUNK):
            if not content:
                _refuse_by_content(chunk[:HEAD_BYTES], entry.name)
            content += chunk
            self.bytes_read += len(chunk)
            if self.bytes_read > self.limits.max_total_bytes:
                raise _SkippedError("over_budget")
            packed = entry.packed_bytes
            if packed is not None and len(content) > max(_RATIO_FLOOR, packed * self.limits.max_ratio):
                raise _SkippedError("bomb")
            if len(content) > self.limits.max_file_bytes:
                raise _SkippedError("too_big")
        return bytes(content)

    def _unique(self, name: str) -> str:
        """Number a name that another source has taken: image.png, image (2).png."""
        self.names[name] += 1
        if self.names[name] == 1:
            return name
        path = PurePosixPath(name)
        return self._unique(str(path.with_name(f"{path.stem} ({self.names[name]}){path.suffix}")))


def iter_images(
    paths: Sequence[Path],
    *,
    max_images: int | None = None,
    max_side: int | None = 256,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    skipped: Counter[str] | None = None,
    wanted: Callable[[str], bool] = lambda name: True,
) -> Iterator[LabelledImage]:
    """Yield the images of files, folders and zips one by one, in the order of the paths, of a zip, or by name.

    Args:
        paths: Files, folders and zips. They may be links; links inside are not followed.
        max_images: Files after that many images are counted as "too_many" without being read; None for no limit.
        max_side: Longest side in pixels, to which images are shrunk; None keeps their size.
        limits: How much may be read.
        skipped: If given, counts the skipped files by reason.
        wanted: Returns by its name whether to read a file; others are not counted either.

    Raises:
        OSError: One of the paths does not exist or cannot be opened.
    """
    reading = _Reading(limits, max_side)
    skipped = Counter() if skipped is None else skipped
    count = 0
    for entry in entries_of([Path(path) for path in paths], limits):
        if not wanted(entry.name):
            continue
        try:
            if not entry.reason and max_images is not None and count >= max_images:
                raise _SkippedError("too_many")
            image = reading.image(entry)
        except _SkippedError as skip:
            skipped[skip.args[0]] += 1
        except ImageError as error:
            skipped[error.code] += 1
        else:
            count += 1
            yield image


def _refuse_by_content(head: bytes, name: str) -> None:
    kind = file_kind(head)
    if kind.name == "zip":
        raise _SkippedError("nested_archive")
    if not kind.is_image:
        raise ImageError("not_an_image", name, kind=kind.name)
