"""Pictures from files, folders and zips mixed, read one by one; nothing is ever unpacked to disk.

A zip is untrusted: its names, sizes and counts are claims. Budgets are therefore enforced on what was really
read and decoded, and what is left out is counted by a reason code instead of failing the whole:

    "hidden"          dotfiles, __MACOSX and other leavings of operating systems
    "unsafe_name"     absolute names, drive letters, ".."
    "duplicate"       a second entry of the same name in one archive
    "link"            symbolic links, devices, pipes
    "encrypted"       entries with a password
    "nested_archive"  a zip inside a zip
    "compression"     compressed in another way than store or deflate
    "bomb"            expands beyond `Limits.max_ratio`
    "too_big"         more than `Limits.max_file_bytes`
    "over_budget"     left unread because the bytes or pixels of the whole were used up
    "too_many"        beyond `Limits.max_entries` or `max_pictures`
    "broken_archive"  a zip whose table of contents is missing, damaged or absurdly long (counts as one file)
    and the codes of `models.images.ImageError` for files that are no usable pictures.
"""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import IO

from PIL import Image

from models.file_kinds import HEAD_BYTES, file_kind
from models.images import ImageError, decode_image, open_image, printable

_CHUNK = 1 << 16
_RATIO_FLOOR = 1 << 20  # bytes: small files may be blank, and blank pictures compress a thousandfold
_HIDDEN = {"__macosx", "thumbs.db", "desktop.ini"}
_SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation"}
_DOMAIN_SPLIT = re.compile(r"(?:train|test|val)[_-]?([AB])")  # CycleGAN's trainA, testB


@dataclass(frozen=True)
class Limits:
    """How much may be read; the defaults are for strangers' uploads."""

    max_entries: int = 10_000  # files looked at per zip or folder
    max_file_bytes: int = 100_000_000  # one file, unpacked
    max_total_bytes: int = 2_000_000_000  # all files together, unpacked
    max_total_pixels: int = 4_000_000_000  # all pictures together, as decoded
    max_ratio: int = 200  # unpacked to packed bytes of one entry
    max_index_bytes: int = 16_000_000  # a zip's table of contents, about 150,000 entries


VISITOR_LIMITS = Limits()
TRUSTED_LIMITS = Limits(
    max_entries=10_000_000,
    max_total_bytes=1 << 50,
    max_total_pixels=1 << 50,
    max_ratio=2_000,
    max_index_bytes=1 << 31,
)


@dataclass(frozen=True)
class Picture:
    """One picture that was read.

    Attributes:
        name: Relative and safe to show, with forward slashes; unique within one reading.
        label: The kind of thing it shows, by its folder (see `labels_of`), or None.
        image: Upright RGB, shrunk to `max_side`.
    """

    name: str
    label: str | None
    image: Image.Image


@dataclass(frozen=True)
class Intake:
    """What came of reading: every file is either among the pictures or counted as skipped.

    Attributes:
        pictures: In order of the paths given; within a zip in its own order, within a folder by name.
        skipped: Reason code -> number of files; empty if all went well.
        total: Number of files seen, folders not counted: `len(pictures)` plus all of `skipped`.
    """

    pictures: tuple[Picture, ...]
    skipped: dict[str, int]
    total: int


class _SkippedError(Exception):
    """A file that is left out; carries the reason code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class _Entry:
    """One file before it is read: where to find it, or why it is left out."""

    name: str
    open: Callable[[], IO[bytes]]
    reason: str = ""
    label: str | None = None
    packed_bytes: int | None = None  # in a zip: how many bytes it takes there


@dataclass
class _Reading:
    """The state of one reading: what the budgets were spent on so far, and the names taken."""

    limits: Limits
    max_side: int | None
    bytes_read: int = 0
    pixels_read: int = 0
    names: Counter[str] = field(default_factory=Counter)

    def picture(self, entry: _Entry) -> Picture:
        """Reads and decodes one file within the budgets."""
        if entry.reason:
            raise _SkippedError(entry.reason)
        image = open_image(io.BytesIO(self._content(entry)), name=entry.name, max_side=self.max_side)
        pixels = image.width * image.height
        if self.pixels_read + pixels > self.limits.max_total_pixels:
            raise _SkippedError("over_budget")
        self.pixels_read += pixels
        decoded = decode_image(image, name=entry.name, max_side=self.max_side)
        return Picture(self._unique(entry.name), entry.label, decoded)

    def _content(self, entry: _Entry) -> bytes:
        if self.bytes_read >= self.limits.max_total_bytes:
            raise _SkippedError("over_budget")
        if entry.packed_bytes is None:
            with entry.open() as stream:
                return self._read(stream, entry)
        try:
            with entry.open() as stream:
                return self._read(stream, entry)
        except (_SkippedError, ImageError, MemoryError):
            raise
        except Exception as error:  # zipfile lets damage surface as BadZipFile, zlib.error, struct.error...
            raise ImageError("truncated", entry.name) from error

    def _read(self, stream: IO[bytes], entry: _Entry) -> bytes:
        """Reads a file chunk by chunk; gives up after the first one if it is no picture."""
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
        """Numbers a name that another source has taken: image.png, image (2).png."""
        self.names[name] += 1
        if self.names[name] == 1:
            return name
        path = PurePosixPath(name)
        return self._unique(str(path.with_name(f"{path.stem} ({self.names[name]}){path.suffix}")))


def read_pictures(
    paths: Sequence[Path],
    *,
    max_pictures: int = 10_000,
    max_side: int | None = 256,
    limits: Limits = VISITOR_LIMITS,
) -> Intake:
    """Reads all pictures of files, folders and zips into memory (at most 3 * `max_side`**2 bytes each).

    Args:
        paths: Files, folders and zips mixed. These themselves may be links; links inside are not followed.
        max_pictures: Files after that many pictures are counted as "too_many" without being read.
        max_side: Longer pictures are shrunk to it while they are read; None keeps their size.
        limits: How much may be read.

    Raises:
        OSError: One of the paths does not exist or cannot be opened.
    """
    skipped: Counter[str] = Counter()
    pictures = tuple(iter_pictures(paths, max_pictures=max_pictures, max_side=max_side, limits=limits, skipped=skipped))
    return Intake(pictures, dict(skipped), len(pictures) + sum(skipped.values()))


def iter_pictures(
    paths: Sequence[Path],
    *,
    max_pictures: int | None = None,
    max_side: int | None = 256,
    limits: Limits = VISITOR_LIMITS,
    skipped: Counter[str] | None = None,
) -> Iterator[Picture]:
    """Yields the pictures that `read_pictures` collects one by one, so that only one is in memory.

    Args:
        paths: See `read_pictures`.
        max_pictures: See `read_pictures`; None for no bound.
        max_side: See `read_pictures`.
        limits: See `read_pictures`.
        skipped: If given, counts the files left out by reason while the iteration goes on.

    Raises:
        OSError: One of the paths does not exist or cannot be opened.
    """
    reading = _Reading(limits, max_side)
    skipped = Counter() if skipped is None else skipped
    count = 0
    for entry in _entries([Path(path) for path in paths], limits):
        try:
            if not entry.reason and max_pictures is not None and count >= max_pictures:
                raise _SkippedError("too_many")
            picture = reading.picture(entry)
        except _SkippedError as skip:
            skipped[skip.reason] += 1
        except ImageError as error:
            skipped[error.code] += 1
        else:
            count += 1
            yield picture


def labels_of(names: Sequence[str]) -> list[str | None]:
    """Labels each file by its folder: the last one that means something.

    Folders that all pictures share mean nothing, nor do those named after a split (train, test, val); of
    CycleGAN's trainA and testB the letter is kept. A file in no other folder has no label.

    Args:
        names: Names with forward slashes, of one source.
    """
    suffixes = Image.registered_extensions()
    paths = [PurePosixPath(name) for name in names]
    pictures = [p for p in paths if p.suffix.lower() in suffixes and not _name_problem(str(p))]
    first, last = min(pictures, default=PurePosixPath()), max(pictures, default=PurePosixPath())
    pairs = zip(first.parent.parts, last.parent.parts, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return [_label(path.parts[shared:-1]) for path in paths]


def _label(folders: Sequence[str]) -> str | None:
    kept = [folder for folder in folders if folder.lower() not in _SPLITS]
    if not kept:
        return None
    domain = _DOMAIN_SPLIT.fullmatch(kept[-1])
    return domain[1] if domain else printable(kept[-1])


def _entries(paths: Sequence[Path], limits: Limits) -> Iterator[_Entry]:
    """All files of all paths; with several folders or zips, their own names label what else has no label."""
    containers = [path for path in paths if path.is_dir() or _is_zip(path)]
    for path in paths:
        fallback = printable(path.stem if path.is_file() else path.name) if len(containers) > 1 else None
        if path.is_dir():
            yield from _folder_entries(path, limits, fallback)
        elif path in containers:
            yield from _zip_entries(path, limits, fallback)
        else:
            yield _Entry(printable(path.name), partial(io.FileIO, path))


def _folder_entries(folder: Path, limits: Limits, fallback: str | None) -> Iterator[_Entry]:
    """The files below a folder by name; zips in it are read as well."""
    files: list[Path] = []
    for parent, folders, filenames in os.walk(folder):  # does not follow links
        folders.sort()
        files += [Path(parent, name) for name in sorted(filenames)]
        files += [path for name in folders if (path := Path(parent, name)).is_symlink()]
    names = [path.relative_to(folder).as_posix() for path in files]
    for number, (path, name, label) in enumerate(zip(files, names, labels_of(names), strict=True)):
        mode = path.lstat().st_mode
        reason = "too_many" if number >= limits.max_entries else _name_problem(name)
        reason = reason or ("" if stat.S_ISREG(mode) else "link")
        if not reason and _is_zip(path):
            yield from _zip_entries(path, limits, label or printable(path.stem), prefix=f"{name}/")
        else:
            yield _Entry(printable(name), partial(io.FileIO, path), reason, label or fallback)


def _zip_entries(path: Path, limits: Limits, fallback: str | None, prefix: str = "") -> Iterator[_Entry]:
    """The entries of one zip, folders left out, in its own order."""
    with _BoundedFile(path, limits.max_index_bytes) as file:
        try:
            archive = zipfile.ZipFile(file)
        except MemoryError:
            raise
        except Exception:  # as in _content
            yield _Entry(printable(prefix + path.name), partial(io.FileIO, path), "broken_archive")
            return
        infos = [info for info in archive.infolist() if not _entry_name(info).endswith("/")]
        names = [_entry_name(info) for info in infos]
        seen: set[str] = set()
        for number, (info, name, label) in enumerate(zip(infos, names, labels_of(names), strict=True)):
            reason = _entry_problem(info, name)
            name = str(PurePosixPath(name))
            if number >= limits.max_entries:
                reason = "too_many"
            elif not reason and name in seen:
                reason = "duplicate"
            seen.add(name)
            opener = partial(archive.open, info)
            yield _Entry(printable(prefix + name), opener, reason, label or fallback, info.compress_size)


class _BoundedFile(io.FileIO):
    """A file that refuses to read very much at once: zipfile reads a zip's whole index in one go."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(path, "rb")
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads up to `size` bytes; `ValueError` if that is more than allowed."""
        if size is not None and size > self._most:
            raise ValueError(f"the index of the zip claims {size} bytes, more than {self._most}")
        return super().read(-1 if size is None else size)


def _is_zip(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file_kind(file.read(HEAD_BYTES)).name == "zip"


def _refuse_by_content(head: bytes, name: str) -> None:
    kind = file_kind(head)
    if kind.name == "zip":
        raise _SkippedError("nested_archive")
    if not kind.is_image:
        raise ImageError("not_an_image", name, kind=kind.name)


def _entry_name(info: zipfile.ZipInfo) -> str:
    """The name of an entry with forward slashes, its encoding guessed where the zip does not say UTF-8.

    Such names are in the code page of the writer's machine, which zipfile takes to be cp437. Many are UTF-8
    or, from Chinese Windows, GB 2312.
    """
    name = info.orig_filename
    if not info.flag_bits & 0x800 and not name.isascii():
        raw = name.encode("cp437")
        for encoding in ("utf-8", "gb2312"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return name.replace("\\", "/")


def _entry_problem(info: zipfile.ZipInfo, name: str) -> str:
    """Says why an entry must not be read, judged by its record in the index; "" if it may."""
    if problem := _name_problem(name):
        return problem
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "link"
    if info.flag_bits & 0x2041:  # password, strong encryption, encrypted index
        return "encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "compression"
    return ""


def _name_problem(name: str) -> str:
    """Says why a name is suspicious or of no interest; "" if it is neither."""
    parts = name.split("/")
    if (
        not PurePosixPath(name).name
        or name.startswith("/")
        or ".." in parts
        or "\0" in name
        or re.match(r"[A-Za-z]:", name)
    ):
        return "unsafe_name"
    if any(part.startswith(".") and part != "." or part.lower() in _HIDDEN for part in parts):
        return "hidden"
    return ""
