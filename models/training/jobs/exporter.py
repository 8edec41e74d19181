"""Makes the weights folders of a job in a child of low priority, once for each checkpoint."""

from __future__ import annotations

import os
import shutil
import threading
import uuid
from pathlib import Path

from models.training.execution.backends import run_to_end, spawn
from models.training.jobs.admission import JobError
from models.training.jobs.folders import Areas
from models.training.jobs.schema import Row

EXPORT_SECONDS = 600.0


class Exporter:
    """Exports the runs of jobs; safe to use from many threads."""

    def __init__(self, areas: Areas) -> None:
        self._areas = areas
        self._lock = threading.Lock()  # two visitors' exports at once would only slow each other down

    def export(self, row: Row) -> Path:
        """Return the weights of every part of a job at its newest checkpoint; those of earlier ones are deleted.

        They are in `weights/<recipe>-<step>` of the job's folder, each named part in a folder of its name.

        Raises:
            JobError: `no_checkpoint` before the first one; `export`, with what the child said last, if they cannot be
                made.
        """
        run, folder = self._areas.run(row.id), self._areas.job(row.id)
        if not run.checkpoint_path.is_file():
            raise JobError("no_checkpoint")
        target = folder / "weights" / f"{row.recipe}-{run.checkpoint_step():06d}"
        with self._lock:
            if not target.is_dir():
                _make(folder, target)
        return target


def _make(folder: Path, target: Path) -> None:
    draft, log = folder / "drafts" / uuid.uuid4().hex / target.name, folder / "export.txt"
    handle = spawn(["models.training", "export", "run", str(draft), "--every-part", "--any-size"], folder, log)
    try:
        if run_to_end(handle, EXPORT_SECONDS) != 0:
            raise JobError("export", message=last_line(log))
        shutil.rmtree(target.parent, ignore_errors=True)
        target.parent.mkdir()
        os.replace(draft, target)
    finally:
        shutil.rmtree(folder / "drafts", ignore_errors=True)


def last_line(log: Path) -> str:
    """Return the last thing that a child said, empty if it said nothing."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.is_file() else []
    return lines[-1][:300] if lines else ""
