"""Makes the weights folders of a job in a child of low priority, once for each checkpoint."""

from __future__ import annotations

import os
import shutil
import threading
import uuid
from pathlib import Path

from models.training.backends import run_to_end, spawn

EXPORT_SECONDS = 600.0


class Exporter:
    """Exports runs; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # two visitors' exports at once would only slow each other down

    def export(self, folder: Path, recipe: str, step: int) -> Path:
        """Return the weights of every part of a job's run after a step; the weights of earlier steps are deleted.

        Args:
            folder: of the job; the weights go into `weights/<recipe>-<step>` of it, a part into a folder of its name.
            recipe: of the job.
            step: of the newest checkpoint.

        Raises:
            RuntimeError: if they cannot be made, with what the child said last.
        """
        target = folder / "weights" / f"{recipe}-{step:06d}"
        with self._lock:
            if target.is_dir():
                return target
            draft = folder / "drafts" / uuid.uuid4().hex / target.name
            log = folder / "export.txt"
            handle = spawn(["models.training", "export", "run", str(draft), "--every-part", "--any-size"], folder, log)
            try:
                if run_to_end(handle, EXPORT_SECONDS) != 0:
                    raise RuntimeError(last_line(log))
                shutil.rmtree(target.parent, ignore_errors=True)
                target.parent.mkdir()
                os.replace(draft, target)
            finally:
                shutil.rmtree(folder / "drafts", ignore_errors=True)
            return target


def last_line(log: Path) -> str:
    """Return the last thing that a child said, empty if it said nothing."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.is_file() else []
    return lines[-1][:300] if lines else ""
