"""The entries of folders and zips before they are read: names, labels by folder, and reasons to skip one.

Reasons are the codes of `models.data.archives`.
"""

from __future__ import annotations

import io
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import IO

from PIL import Image

from models.data.entry_names import entry_names
from models.data.file_kinds import HEAD_BYTES, file_kind
from models.data.images import printable

_HIDDEN = {"__macosx", "thumbs.db", "desktop.ini"}
# Folders of a split, as train or testA; group 1 where it is held out, group 2 the letter of one of CycleGAN's two sets.
SPLIT_FOLDER = re.compile(r"(?:train(?:ing)?|(test(?:ing)?|val(?:id|idation)?))(?:[_-]?([AB]))?", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """How much may be read; the defaults are for strangers' uploads."""

    max_entries: int = 10_000  # files looked at per zip or folder
    max_file_bytes: int = 100_000_000  # one file, unpacked
    max_total_bytes: int = 2_000_000_000  # all files together, unpacked
    max_total_pixels: int = 4_000_000_000  # all images together, as decoded
    max_ratio: int = 200  # unpacked to packed bytes of one entry
    max_index_bytes: int = 16_000_000  # a zip's table of contents, about 150,000 entries


@dataclass(frozen=True)
class Entry:
    """One file before it is read, or the reason to skip it."""

    name: str
    open: Callable[[], IO[bytes]]
    reason: str = ""
    label: str | None = None
    packed_bytes: int | None = None  # in a zip: how many bytes it takes there
    in_folder: bool = False  # found there: another process may have removed it since


def entries_of(paths: Sequence[Path], limits: Limits) -> Iterator[Entry]:
    """Yield the files of all paths; with several folders or zips, their names label files without a label."""
    containers = [path for path in paths if path.is_dir() or _is_zip(path)]
    for path in paths:
        fallback = printable(path.stem if path.is_file() else path.name) if len(containers) > 1 else None
        if path.is_dir():
            yield from _folder_entries(path, limits, fallback)
        elif path in containers:
            yield from _zip_entries(path, limits, fallback)
        else:
            yield Entry(printable(path.name), partial(io.FileIO, path))


def _folder_entries(folder: Path, limits: Limits, fallback: str | None) -> Iterator[Entry]:
    """Yield the files below a folder by name, and the entries of zips in it."""
    files: list[Path] = []
    for parent, folders, filenames in os.walk(folder):  # does not follow links
        folders.sort()
        files += [Path(parent, name) for name in sorted(filenames)]
        files += [path for name in folders if (path := Path(parent, name)).is_symlink()]
    names = [path.relative_to(folder).as_posix() for path in files]
    for index, (path, name, label) in enumerate(zip(files, names, labels_of(names), strict=True)):
        reason = "too_many" if index >= limits.max_entries else _name_problem(name)
        try:
            reason = reason or ("" if stat.S_ISREG(path.lstat().st_mode) else "link")
            is_zip = not reason and _is_zip(path)
        except OSError:
            reason, is_zip = "unreadable", False
        if is_zip:
            yield from _zip_entries(path, limits, label or printable(path.stem), prefix=f"{name}/")
        else:
            yield Entry(printable(name), partial(io.FileIO, path), reason, label or fallback, in_folder=True)


def _zip_entries(path: Path, limits: Limits, fallback: str | None, prefix: str = "") -> Iterator[Entry]:
    """Yield the entries of a zip, without folders, in its own order."""
    with _BoundedFile(path, limits.max_index_bytes) as file:
        try:
            archive = zipfile.ZipFile(file)
        except MemoryError:
            raise
        except Exception:  # zipfile lets damage surface as BadZipFile, struct.error...
            yield Entry(printable(prefix + path.name), partial(io.FileIO, path), "broken_archive")
            return
        infos = [info for info in archive.infolist() if not info.orig_filename.endswith(("/", "\\"))]
        names = entry_names(infos)
        seen: set[str] = set()
        for index, (info, name, label) in enumerate(zip(infos, names, labels_of(names), strict=True)):
            reason = _entry_problem(info, name)
            name = str(PurePosixPath(name))
            if index >= limits.max_entries:
                reason = "too_many"
            elif not reason and name in seen:
                reason = "duplicate"
            seen.add(name)
            opener = partial(archive.open, info)
            yield Entry(printable(prefix + name), opener, reason, label or fallback, info.compress_size)


class _BoundedFile(io.FileIO):
    """A file with a limit on one read: zipfile reads a zip's whole index at once."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(path, "rb")
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes; `ValueError` if that is more than allowed."""
        if size is not None and size > self._most:
            raise ValueError(f"the index of the zip claims {size} bytes, more than {self._most}")
        return super().read(-1 if size is None else size)


def _is_zip(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file_kind(file.read(HEAD_BYTES)).name == "zip"


def labels_of(names: Sequence[str]) -> list[str | None]:
    """Return the label of each file of one source, its last folder, or None.

    Folders that all images share do not count, nor those named after a split (train, test, val); of CycleGAN's trainA
    and testB the letter is the label. Names have forward slashes.
    """
    suffixes = Image.registered_extensions()
    paths = [PurePosixPath(unicodedata.normalize("NFC", name)) for name in names]
    images = [p for p in paths if p.suffix.lower() in suffixes and not _name_problem(str(p))]
    first, last = min(images, default=PurePosixPath()), max(images, default=PurePosixPath())
    pairs = zip(first.parent.parts, last.parent.parts, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return [_label(path.parts[shared:-1]) for path in paths]


def _label(folders: Sequence[str]) -> str | None:
    for folder in reversed(folders):
        split = SPLIT_FOLDER.fullmatch(folder)
        if split is None or split[2]:
            return split[2].upper() if split else printable(folder)
    return None


def _entry_problem(info: zipfile.ZipInfo, name: str) -> str:
    """Return the reason not to read an entry, by its record in the index, or ""."""
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
    """Return the reason not to read a file of this name, or ""."""
    parts = name.split("/")
    if not PurePosixPath(name).name or ".." in parts or "\0" in name or re.match(r"/|[A-Za-z]:", name):
        return "unsafe_name"
    if any(part.startswith(".") and part != "." or part.lower() in _HIDDEN for part in parts):
        return "hidden"
    return ""
