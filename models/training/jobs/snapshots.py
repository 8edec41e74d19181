"""The state of a job for an interface, from its row in the store and the files of its process."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.training.execution.hf_worker import ROW_MARK
from models.training.jobs.folders import JobFolders
from models.training.jobs.schema import JobState, Row
from models.training.jobs.store import Store

LOG_BYTES, LOG_LINES = 16_384, 6  # of a remote job, to be shown


@dataclass(frozen=True)
class Snapshot:
    """The state of a job as an interface shows it."""

    id: str
    owner: str
    title: str
    recipe: str
    state: JobState
    step: int
    total: int
    created: float
    started: float | None
    finished: float | None
    queue_place: int | None  # 1 for the next to start; None if it is not queued
    seconds_left: float | None  # of running, at the present speed; None if unknown
    metrics: tuple[Mapping[str, float], ...]  # the logged rows after the requested step
    previews: tuple[Path, ...]  # PNG files, oldest first
    error: str | None  # code of the sentence `error.job.<error>`, filled with `error_values`
    error_values: Mapping[str, Any]
    start: str | None
    config: Mapping[str, Any]
    remote: bool = False  # whether it runs on a backend of its own
    log: tuple[str, ...] = ()  # the last lines of such a job
    images: int = 0  # that it trains on; of two sets, those of the first


def take_snapshot(
    store: Store, folders: JobFolders, row: Row, owner: str | None = None, metrics: Sequence[Mapping[str, float]] = ()
) -> Snapshot:
    """Return what an interface learns of a job, with `owner` in its owner's place and the metrics given."""
    run, step, left = folders.run(row.id), row.step, None
    if row.state == "running" and (progress := run.load_progress()):
        step = int(progress["step"])
        left = (row.total - step) * progress["seconds_per_step"]
    queue = store.queue() if row.state == "queued" else []
    return Snapshot(
        id=row.id, owner=row.owner if owner is None else owner, title=row.title, recipe=row.recipe,
        state=row.state, step=step, total=row.total, created=row.created, started=row.started,
        finished=row.finished, queue_place=queue.index(row.id) + 1 if row.id in queue else None,
        seconds_left=left, metrics=tuple(metrics), previews=tuple(sorted((run.path / "previews").glob("*.png"))),
        error=row.error, error_values=row.error_values, start=row.start, config=row.config,
        remote=bool(row.elsewhere), log=_log_lines(folders.job(row.id) / "log.txt") if row.elsewhere else (),
        images=_count_images(folders.job(row.id) / "data"),
    )  # fmt: skip


@lru_cache(1024)
def _count_images(data: Path) -> int:
    """Return the number of files in the first training folder of a job's images, which never change."""
    return sum(len(names) for folder in sorted(data.glob("train*"))[:1] for _, _, names in os.walk(folder))


def _log_lines(path: Path) -> tuple[str, ...]:
    """Return the last lines of a log, without those that carry metrics."""
    if not path.is_file():
        return ()
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_BYTES))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    return tuple(line[:300] for line in lines if line.strip() and not line.startswith(ROW_MARK))[-LOG_LINES:]
