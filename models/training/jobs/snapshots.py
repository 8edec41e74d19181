"""What an interface learns of a job: its row in the store, and what its process has written so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.training.execution.hf_worker import ROW_MARK
from models.training.jobs.folders import Areas
from models.training.jobs.schema import JobState, Row
from models.training.jobs.store import Store
from models.training.loop.metrics_tail import MetricsTail

LOG_BYTES, LOG_LINES = 16_384, 6  # of a job elsewhere, to be shown


@dataclass(frozen=True)
class Snapshot:
    """All that an interface learns of a job.

    Attributes:
        step, total: optimiser steps done and to do; of a job that rests, `step` is where it goes on.
        queue_place: 1 for the next to start; None if it does not wait.
        seconds_left: of running, at the present speed; None if unknown.
        metrics: the logged rows after the step that was asked for.
        previews: PNG files, oldest first.
        error: the visitor's sentence has the key `error.job.<error>`, with `error_values`.
        elsewhere: whether it runs on a backend of its own.
        log: of such a job, what it said last.
    """

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
    queue_place: int | None
    seconds_left: float | None
    metrics: tuple[Mapping[str, float], ...]
    previews: tuple[Path, ...]
    error: str | None
    error_values: Mapping[str, Any]
    start: str | None
    config: Mapping[str, Any]
    elsewhere: bool = False
    log: tuple[str, ...] = ()


class Snapshots:
    """Reads what an interface is told of jobs from the store and from the files that their processes write."""

    def __init__(self, store: Store, areas: Areas) -> None:
        self._store, self._areas, self._tail = store, areas, MetricsTail()

    def whole(self, row: Row, after_step: int, owner: str | None = None) -> Snapshot:
        """Return a job with the metrics logged after a step, with its owner or another name in the owner's place."""
        return self.short(row, owner, self._tail.rows(self._areas.run(row.id).metrics_path, after_step))

    def short(self, row: Row, owner: str | None = None, metrics: Sequence[Mapping[str, float]] = ()) -> Snapshot:
        """Return a job without reading its metrics."""
        run, step, left = self._areas.run(row.id), row.step, None
        if row.state == "running" and (progress := run.load_progress()):
            step = int(progress["step"])
            left = (row.total - step) * progress["seconds_per_step"]
        queue = self._store.queue() if row.state == "queued" else []
        return Snapshot(
            id=row.id, owner=row.owner if owner is None else owner, title=row.title, recipe=row.recipe,
            state=row.state, step=step, total=row.total, created=row.created, started=row.started,
            finished=row.finished, queue_place=queue.index(row.id) + 1 if row.id in queue else None,
            seconds_left=left, metrics=tuple(metrics), previews=tuple(sorted((run.path / "previews").glob("*.png"))),
            error=row.error, error_values=row.error_values, start=row.start, config=row.config,
            elsewhere=bool(row.elsewhere), log=self._log_of(row) if row.elsewhere else (),
        )  # fmt: skip

    def _log_of(self, row: Row) -> tuple[str, ...]:
        """Return the last lines that a job said, without those that carry its metrics."""
        path = self._areas.job(row.id) / "log.txt"
        if not path.is_file():
            return ()
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_BYTES))
            lines = file.read().decode("utf-8", errors="replace").splitlines()
        return tuple(line[:300] for line in lines if line.strip() and not line.startswith(ROW_MARK))[-LOG_LINES:]
