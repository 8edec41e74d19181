"""What was found out about files, remembered until a file changes, so that large or many files are read once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

CHUNK = 1 << 18  # bytes read at once
MOST = 100_000  # files remembered; the least recently asked for are forgotten first

Fact = TypeVar("Fact")


class FileFacts(Generic[Fact]):
    """Remembers what `find_out` said about a file, by its path, size, time of change and inode; thread-safe.

    Args:
        find_out: Reads a file; called again where the file has changed, or the call before raised an error.
    """

    def __init__(self, find_out: Callable[[Path], Fact]) -> None:
        self._find_out = find_out
        self._known: OrderedDict[tuple[Path, int, int, int], Fact] = OrderedDict()
        self._guard = threading.Lock()

    def of(self, path: Path) -> Fact:
        """Return what is known of a file.

        Raises:
            OSError: The file does not exist or cannot be read; and whatever `find_out` raises.
        """
        facts = path.stat()
        key = (path, facts.st_size, facts.st_mtime_ns, facts.st_ino)
        with self._guard:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        found = self._find_out(path)
        with self._guard:
            self._known[key] = found
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return found


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
