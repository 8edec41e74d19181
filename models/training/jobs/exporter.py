"""Export the weights of a job in a child process of low priority, once per checkpoint."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from models.training.execution.backends import run_to_completion, spawn
from models.training.jobs.admission import JobError
from models.training.jobs.folders import JobFolders
from models.training.jobs.schema import Row

EXPORT_SECONDS = 600.0


def export_weights(folders: JobFolders, row: Row) -> Path:
    """Return `weights/<recipe>-<step>` of a job's folder with every part at the newest checkpoint.

    Exports of earlier checkpoints are deleted.
    """
    run, folder = folders.run(row.id), folders.job(row.id)
    if not run.checkpoint_path.is_file():
        raise JobError("no_checkpoint")
    target = folder / "weights" / f"{row.recipe}-{run.checkpoint_step():06d}"
    if target.is_dir():
        return target
    draft, log = folder / "drafts" / uuid.uuid4().hex / target.name, folder / "export.txt"
    handle = spawn(["models.training", "export", "run", str(draft), "--every-part", "--any-size"], folder, log)
    try:
        if run_to_completion(handle, EXPORT_SECONDS) != 0:
            raise JobError("export", message=last_line(log))
        shutil.rmtree(target.parent, ignore_errors=True)
        target.parent.mkdir()
        os.replace(draft, target)
    finally:
        shutil.rmtree(folder / "drafts", ignore_errors=True)
    return target


def last_line(log: Path) -> str:
    """Return the last line of a log, empty if there is none."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.is_file() else []
    return lines[-1][:300] if lines else ""
