"""Copies of resting jobs on a volume that outlives the local disk, as of a host whose disk is lost at every restart.

VOLUME/runs/<id>.zip holds a job's folder, and in settled.json what else the database knew of it. The database itself
stays on the local disk: SQLite needs locks, which volumes over a network do not keep.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

from models.training.jobs.folders import JobFolders
from models.training.jobs.schema import ENDED, Row
from models.training.jobs.store import Store

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
SETTLED = "settled.json"
# Columns that a job's own job.json, written when it was submitted, does not have.
COLUMNS = ("state", "step", "created", "started", "finished", "spent", "error", "error_values")
LEFT_OUT = ("drafts",)  # of an export under way


class Volume:
    """Keeps the jobs of a store on a volume, in a thread of its own: copies over a network take long.

    Args:
        folder: on the volume.
        store: of the jobs.
        folders: of the jobs, on the local disk.
        leads: whether this app runs the jobs of the store; others leave the volume alone.
    """

    def __init__(self, folder: Path, store: Store, folders: JobFolders, leads: Callable[[], bool]) -> None:
        self._store, self._folders, self._leads = store, folders, leads
        self._runs = folder / "runs"
        self._runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._kept: dict[str, float | None] = {}  # id -> when the job that the copy is of was finished
        self._restored = False
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._loop, name="training-volume", daemon=True)

    def start(self) -> None:
        """Start the thread: what the volume has of jobs comes back first."""
        self._thread.start()

    def close(self) -> None:
        """End the thread, and copy what has come to rest since; called after the supervisor has ended."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
            if self._restored:
                self._attempt(self.sync)

    def _loop(self) -> None:
        while not self._closing.wait(TICK_SECONDS):
            if self._leads():
                if not self._restored:
                    self.restore()
                    self._restored = True
                self._attempt(self.sync)

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # a full or absent volume: the thread tries again
            log.warning("Runs could not be copied to the volume: %s", error)
            self._closing.wait(30 * TICK_SECONDS)

    def sync(self) -> None:
        """Copy jobs that have come to rest, and remove copies of jobs that were deleted."""
        marks = ", ".join("?" * len(ENDED))
        rows = self._store.rows(f"state IN ({marks})", *ENDED)
        for row in rows:
            if self._kept.get(row.id, 0.0) != row.finished and self._folders.run(row.id).checkpoint_path.is_file():
                self.keep(row)
        for job_id in [job_id for job_id in self._kept if self._store.row(job_id) is None]:
            self.forget(job_id)

    def keep(self, row: Row) -> None:
        """Copy a job that rests, unless it goes on or is deleted meanwhile."""
        draft = self._runs / f"{row.id}.part"
        with zipfile.ZipFile(draft, "w", strict_timestamps=False) as archive:
            for path in sorted(self._folders.job(row.id).rglob("*")):
                inside = path.relative_to(self._folders.job(row.id))
                if path.is_file() and inside.parts[0] not in LEFT_OUT:
                    archive.write(path, inside.as_posix())
            archive.writestr(SETTLED, json.dumps({name: getattr(row, name) for name in COLUMNS}))
        with self._lock:
            now = self._store.row(row.id)
            if now is None or now.wish == "delete" or (now.state, now.finished) != (row.state, row.finished):
                draft.unlink()
                return
            os.replace(draft, self._copy(row.id))
            self._kept[row.id] = row.finished

    def forget(self, job_id: str) -> None:
        """Remove the copy of a job that was deleted."""
        with self._lock:
            self._kept.pop(job_id, None)
            self._copy(job_id).unlink(missing_ok=True)

    def restore(self) -> None:
        """Bring back the jobs that the store has not, the newest first; a damaged copy is left where it is."""
        for path in sorted(self._runs.glob("*.zip"), key=lambda path: path.stat().st_mtime, reverse=True):
            if self._closing.is_set():
                return
            try:
                self._bring_back(path)
            except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
                log.warning("%s could not be brought back: %s", path.name, error)

    def _bring_back(self, path: Path) -> None:
        job_id, folder = path.stem, self._folders.job(path.stem)
        with zipfile.ZipFile(path) as archive:
            settled = json.loads(archive.read(SETTLED))
            values = json.loads(archive.read("job.json"))
            if self._store.row(job_id) is None:
                shutil.rmtree(folder, ignore_errors=True)
                archive.extractall(folder)
                (folder / SETTLED).unlink()
                self._store.add_settled(**{**values, **settled})
        self._kept[job_id] = settled["finished"]

    def _copy(self, job_id: str) -> Path:
        return self._runs / f"{job_id}.zip"
