"""The folders of the trainer on disk, none of which is served.

DATA_DIR/jobs.sqlite, DATA_DIR/datasets/<owner>/<id>/, DATA_DIR/jobs/<id>/{data/, run/, init/, weights/, log.txt}
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

from models.training.jobs.schema import Row
from models.training.loop.run_folder import RunFolder

MAX_ROWS = 200  # of metrics that a run writes, whatever its length
MAX_PREVIEWS = 24
UNCLAIMED_SECONDS = 3600.0  # a younger folder without a job may belong to a request in progress


class JobFolders:
    """Paths of datasets and jobs, and the disk space they take."""

    def __init__(
        self, folder: Path, free_space: Callable[[Path], int] | None = None, save_seconds: float = 60.0
    ) -> None:
        self.folder, self.save_seconds = folder.resolve(), save_seconds
        self._free_space = free_space or (lambda path: shutil.disk_usage(path).free)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in ("jobs", "datasets"):
            (self.folder / part).mkdir(mode=0o700, exist_ok=True)

    def job(self, job_id: str) -> Path:
        """Return the folder of a job."""
        return self.folder / "jobs" / job_id

    def run(self, job_id: str) -> RunFolder:
        """Return what a job's process writes."""
        return RunFolder(self.job(job_id) / "run")

    def init(self, job_id: str) -> Path:
        """Return the folder of a job's own copy of initial weights that come from an earlier job."""
        return self.job(job_id) / "init"

    def datasets(self, owner: str) -> Path:
        """Return the folder of a visitor's images, named by a hash of the visitor's id."""
        return self.folder / "datasets" / hashlib.sha256(owner.encode()).hexdigest()[:32]

    def new_dataset(self, owner: str) -> Path:
        """Return a new, empty folder for images of a visitor."""
        folder = self.datasets(owner) / uuid.uuid4().hex
        folder.mkdir(parents=True)
        return folder

    def dataset(self, owner: str, path: Path) -> Path | None:
        """Return the resolved path of a visitor's own dataset, else None."""
        real = path.resolve()
        return real if real.parent == self.datasets(owner) and real.is_dir() else None

    def adopt(self, dataset: Path, job_id: str) -> None:
        """Copy a dataset into a job's folder, by hard links where possible."""
        shutil.copytree(dataset, self.job(job_id) / "data", copy_function=_link_or_copy)

    def saved_jobs(self) -> Iterator[dict[str, Any]]:
        """Yield the columns of each job that has a folder, oldest first, as settled at its checkpoint."""
        for path in sorted((self.folder / "jobs").glob("*/job.json"), key=lambda path: path.stat().st_mtime):
            values = json.loads(path.read_text(encoding="utf-8"))
            step = self.run(values["id"]).checkpoint_step()
            settled = {"state": "done"} if step == values["total"] else {
                "state": "interrupted", "error": "interrupted", "error_values": {"step": step},
            }  # fmt: skip
            yield {**values, **settled, "step": step}

    def arguments(self, row: Row) -> list[str]:
        """Return the arguments of `python -m models.training` for a job, in the job's folder."""
        return [
            row.recipe, "--data", "data", "--out", "run",
            f"--save-seconds={self.save_seconds}",
            f"--log-every={max(1, min(20, row.total // MAX_ROWS))}",
            f"--preview-every={max(1, row.total // MAX_PREVIEWS)}",
        ]  # fmt: skip

    def scratch(self) -> Path:
        """Return the folder for temporary files."""
        folder = self.folder / "scratch"
        folder.mkdir(exist_ok=True)
        return folder

    def free_space(self) -> int:
        """Return the bytes free on the disk."""
        return self._free_space(self.folder)

    def used_by(self, owner: str, rows: Iterable[Row]) -> int:
        """Return the bytes that a visitor's images and these jobs take."""
        return disk_usage([self.datasets(owner), *(self.job(row.id) for row in rows)])

    def used_in_all(self) -> int:
        """Return the bytes that all datasets and jobs take."""
        return disk_usage([self.folder])

    def sweep(self, job_ids: Set[str], before: float) -> None:
        """Delete datasets not touched since a moment, folders of no job, and abandoned scratch folders."""
        for dataset in (self.folder / "datasets").glob("*/*"):
            if _modified(dataset) < before:
                shutil.rmtree(dataset, ignore_errors=True)
        for folder in (self.folder / "jobs").iterdir():
            if folder.name not in job_ids and _modified(folder) < time.time() - UNCLAIMED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        for folder in self.scratch().iterdir():  # of a measurement, which takes minutes, in a process that was killed
            if _modified(folder) < time.time() - UNCLAIMED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def disk_usage(folders: Iterable[Path]) -> int:
    """Return the bytes of the files in some folders; hard links count once."""
    seen: dict[tuple[int, int], int] = {}
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                with suppress(FileNotFoundError):  # a temporary file that has just become another
                    facts = os.lstat(os.path.join(parent, name))
                    seen[facts.st_dev, facts.st_ino] = facts.st_size
    return sum(seen.values())


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
