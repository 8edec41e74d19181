"""Results computed from files and remembered until a file changes, so that large or many files are read once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

CHUNK = 1 << 18  # bytes read at once
MAX_FILES = 100_000  # files remembered

Fact = TypeVar("Fact")


class FileFacts(Generic[Fact]):
    """Remembers the result of `compute` for a file by its path, size, time of change and inode; thread-safe."""

    def __init__(self, compute: Callable[[Path], Fact]) -> None:
        def remembered(path: Path, size: int, time: int, inode: int) -> Fact:
            return compute(path)

        self._remembered = lru_cache(MAX_FILES)(remembered)

    def of(self, path: Path) -> Fact:
        """Return the result for a file, computed again where the file has changed or the last call raised an error.

        Raises:
            OSError: The file does not exist or cannot be read; and whatever `compute` raises.
        """
        facts = path.stat()
        return self._remembered(path, facts.st_size, facts.st_mtime_ns, facts.st_ino)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
