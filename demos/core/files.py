"""Result files for the browser: content-addressed, written atomically, removed when old."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

from PIL import Image

SWEEP_EVERY = 600.0  # seconds between two looks for old files
KEEP_FOR = 3600.0  # seconds since a file was last handed out
PART = ".part-"  # begins the name of a file that is being written


class FileStore:
    """A folder of result files in which equal content has one path.

    Gradio's own saver writes in place, so that two visitors with the same result can be served half a file.
    Here a file appears under its final name only when it is complete.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._last_sweep = time.monotonic()

    def save_image(self, image: Image.Image) -> str:
        """Save an image as PNG and return the path; equal pixels give an equal path."""
        digest = hashlib.sha256(f"{image.mode} {image.size}".encode())
        digest.update(image.tobytes())
        path = self._path(digest.hexdigest(), ".png")
        if not self._reuse(path):
            buffer = BytesIO()
            image.save(buffer, "PNG", compress_level=1)  # level 6 takes four times as long
            self._write(path, buffer.getvalue())
        return str(path)

    def save_bytes(self, data: bytes, suffix: str) -> str:
        """Save finished file content under a suffix such as ``".webp"`` and return the path."""
        path = self._path(hashlib.sha256(data).hexdigest(), suffix)
        if not self._reuse(path):
            self._write(path, data)
        return str(path)

    def sweep(self, keep_for: float = KEEP_FOR) -> int:
        """Remove files not handed out, and parts not finished, for `keep_for` seconds; returns how many they were."""
        oldest, removed = time.time() - keep_for, 0
        for pattern in ("unlabeled-*", f"{PART}*"):
            for path in self.root.glob(pattern):
                with suppress(FileNotFoundError):  # a part that has just become a file
                    if path.stat().st_mtime < oldest:
                        path.unlink()
                        removed += 1
        return removed

    def _path(self, digest: str, suffix: str) -> Path:
        self._sweep_if_due()
        return self.root / f"unlabeled-{digest[:24]}{suffix}"

    def _reuse(self, path: Path) -> bool:
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def _write(self, path: Path, data: bytes) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=self.root, prefix=PART)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _sweep_if_due(self) -> None:
        with self._lock:
            if time.monotonic() - self._last_sweep < SWEEP_EVERY:
                return
            self._last_sweep = time.monotonic()
        self.sweep()


def file_url(path: str) -> str:
    """Return the address, relative to the page, under which Gradio serves a file."""
    return "gradio_api/file=" + quote(path)
