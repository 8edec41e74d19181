"""Training jobs of visitors: submitted, watched, paused, stopped, resumed and used, each by its owner alone.

`JobManager` is what an interface talks to. It holds no job itself: the store has the truth, the supervisor's thread
the processes, and the processes write the files that a `Snapshot` is read from. Times are Unix seconds.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from models.checkpoints import CHECKPOINTS
from models.training._store import JobState, Row, Store
from models.training._tail import MetricsTail
from models.training.areas import Areas
from models.training.backends import Backend, BackendGoneError, LocalProcess
from models.training.data import PICTURE_SUFFIXES
from models.training.estimate import Estimate, Estimator
from models.training.failures import DoesNotFitError
from models.training.initial import check_fit
from models.training.limits import Limits
from models.training.recipes import RECIPES
from models.training.recipes._base import TrainConfig
from models.training.runs import RunFolder, write_json
from models.training.shipping import Exporter
from models.training.supervisor import Supervisor

__all__ = ["Estimate", "JobError", "JobManager", "JobRequest", "JobState", "Limits", "Snapshot"]

RESUMABLE: tuple[JobState, ...] = ("paused", "interrupted", "stopped", "failed")
OWN_JOB = "job:"  # begins the start of a request that goes on from an earlier job


class JobError(ValueError):
    """A request that cannot be fulfilled.

    Args:
        code: the visitor's sentence has the key `error.job.<code>`.
        values: for the sentence.
    """

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(f"{code} {values}" if values else code)
        self.code, self.values = code, values


@dataclass(frozen=True)
class JobRequest:
    """What a visitor wants trained.

    Attributes:
        recipe: a key of `RECIPES`.
        config: fields of the recipe's config; the others keep their defaults.
        data: a folder from `JobManager.new_dataset`, filled with pictures.
        start: None for scratch, a name of `CHECKPOINTS`, or "job:<id>" of the same owner.
        title: the visitor's name for it.
    """

    recipe: str
    config: Mapping[str, Any]
    data: Path
    start: str | None = None
    title: str = ""


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


class JobManager:
    """The trainer of one app; many apps may share a data folder.

    Args:
        data_dir: where everything is kept; on a local disk, and in no folder that is served.
        limits: what visitors may use.
        max_running: jobs that run at once.
        backend: where jobs run if a request does not say otherwise.
        resume_interrupted: whether jobs go on by themselves after the app was gone.
        classroom: whether everybody may look at every job.
        free_space: folder -> free bytes; of the disk by default.
        save_seconds: between two checkpoints of a running job.
        clock: Unix seconds; nothing breaks when it jumps.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        data_dir: Path,
        limits: Limits = Limits(),  # noqa: B008  (frozen)
        max_running: int = 1,
        backend: Backend | None = None,
        resume_interrupted: bool = False,
        classroom: bool = False,
        free_space: Callable[[Path], int] | None = None,
        save_seconds: float = 60.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits, self.backend, self.classroom = limits, backend or LocalProcess(), classroom
        self._areas = Areas(data_dir, free_space, save_seconds)
        self._store = Store(self._areas.folder / "jobs.sqlite", clock)
        self._backends: dict[str, Backend] = {}
        self._tail = MetricsTail()
        self._estimator, self._exporter = Estimator(self._store, self._areas), Exporter()
        self.supervisor = Supervisor(
            self._store, self._areas, limits, self._backend_of, max_running, resume_interrupted, monotonic
        )

        if self._store.begun_anew:
            self._enter_again()

    def _enter_again(self) -> None:
        """Enter the jobs whose folders are there into a store that had to be begun anew; none of them waits."""
        for path in sorted((self.folder / "jobs").glob("*/job.json"), key=lambda path: path.stat().st_mtime):
            values = json.loads(path.read_text(encoding="utf-8"))
            step = self._run_of(values["id"]).checkpoint_step()
            rest = {"state": "done"} if step == values["total"] else {
                "state": "interrupted", "error": "interrupted", "error_values": {"step": step},
            }  # fmt: skip
            self._store.add_at_rest(**values, **rest, step=step)

    @property
    def off(self) -> str | None:
        """Why nothing can be trained here, as a code for `error.job.<code>`; None where it can."""
        return self.backend.off

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self._areas.folder

    @property
    def supervises(self) -> bool:
        """Whether this app runs the jobs; False while another one on the same data folder does."""
        return self.supervisor.leads

    def notices(self) -> dict[str, dict[str, Any]]:
        """Return what has to be said about the store, code for `error.job.<code>` -> values."""
        return self._store.notices()

    def start(self) -> None:
        """Start the supervisor's thread, which also takes care of jobs that an earlier app left behind."""
        if self.off is None:
            self.supervisor.start()

    def close(self) -> None:
        """End the running jobs with a checkpoint, and let go of everything."""
        self.supervisor.close()
        self._store.close()

    def new_dataset(self, owner: str) -> Path:
        """Return a new, empty folder for a visitor's pictures."""
        self._check_disk(owner)
        return self._areas.new_dataset(owner)

    def estimate(self, owner: str, request: JobRequest) -> Estimate:
        """Return what a job would take, measured on a few steps in a child of low priority, or remembered.

        Raises:
            JobError: as `submit`.
        """
        config, dataset = self._check(owner, request)
        busy = bool(self._store.rows("state = 'running'"))
        try:
            return self._estimator.estimate(request.recipe, config, dataset, busy)
        except RuntimeError as error:
            raise JobError("estimate", message=str(error)) from error

    def submit(self, owner: str, request: JobRequest, backend: Backend | None = None) -> Snapshot:
        """Put a job at the end of the queue.

        Args:
            owner: who may see it.
            request: what to train.
            backend: where, instead of the manager's own; kept in memory only.

        Raises:
            JobError: if the request breaks a limit or cannot be trained.
        """
        config, dataset = self._check(owner, request)
        self._check_quota(owner)
        self._check_double(owner, request, dataset, config)
        job_id = uuid.uuid4().hex
        try:
            init = self._prepare_folder(owner, job_id, request, config, dataset)
            if backend is not None:
                self._backends[job_id] = backend
            values: dict[str, Any] = {
                "id": job_id, "owner": owner, "title": request.title.strip()[:100], "recipe": request.recipe,
                "config": asdict(config), "dataset": str(dataset), "start": request.start, "init": init,
                "total": config.steps, "elsewhere": int(backend is not None),
            }  # fmt: skip
            write_json(self._areas.job(job_id) / "job.json", values)
            row = self._store.add(**values)
        except BaseException:
            shutil.rmtree(self._areas.job(job_id), ignore_errors=True)
            raise
        self.supervisor.wake()
        return self._snapshot(row)

    def jobs(self, owner: str) -> list[Snapshot]:
        """Return a visitor's jobs, newest first, without metrics."""
        return [self._snapshot(row) for row in reversed(self._store.rows(f"owner = ? AND {VISIBLE}", owner))]

    def public_jobs(self) -> list[Snapshot]:
        """Return everybody's jobs, newest first, without metrics and owners; none unless this is a classroom."""
        rows = self._store.rows(VISIBLE) if self.classroom else []
        return [self._snapshot(row, owner="") for row in reversed(rows)]

    def ahead(self) -> int:
        """Return how many jobs, of whomever, would come before one that is submitted now."""
        return len(self._store.rows("state IN ('queued', 'running')"))

    def pictures(self, owner: str, job_id: str) -> Path:
        """Return the folder of a job's pictures, for its owner to look at.

        Raises:
            JobError: `unknown` if there is no such job of this visitor.
        """
        return self._areas.job(self._own(owner, job_id).id) / "data"

    def snapshot(self, owner: str, job_id: str, after_step: int = 0) -> Snapshot:
        """Return a visitor's job with the metrics logged after a step.

        Raises:
            JobError: `unknown` if there is no such job of this visitor.
        """
        row = self._own(owner, job_id)
        return self._snapshot(row, self._tail.rows(self._run(row).metrics_path, after_step))

    def public_snapshot(self, job_id: str, after_step: int = 0) -> Snapshot:
        """Return anybody's job, without the owner.

        Raises:
            JobError: `unknown` if there is no such job, or this is no classroom.
        """
        row = self._store.row(job_id) if self.classroom else None
        if row is None or row.wish == "delete":
            raise JobError("unknown")
        return self._snapshot(row, self._tail.rows(self._run(row).metrics_path, after_step), owner="")

    def pause(self, owner: str, job_id: str) -> Snapshot:
        """Have a job rest after a checkpoint; one that waits rests at once.

        Raises:
            JobError: `unknown` if there is no such job of this visitor.
        """
        return self._rest(owner, job_id, "paused", "pause")

    def stop(self, owner: str, job_id: str) -> Snapshot:
        """End a job with a checkpoint.

        Raises:
            JobError: `unknown` if there is no such job of this visitor.
        """
        return self._rest(owner, job_id, "stopped", "stop")

    def resume(self, owner: str, job_id: str, backend: Backend | None = None) -> Snapshot:
        """Put a job that rests at the end of the queue; it goes on where its checkpoint is.

        Raises:
            JobError: `unknown` if there is no such job of this visitor; `not_resumable` if it is done; quota.
        """
        row = self._own(owner, job_id)
        if row.state == "done":
            raise JobError("not_resumable")
        if row.state in RESUMABLE:
            self._check_on()
            self._check_disk(owner)
            if row.spent > self.limits.wall_seconds:
                raise JobError("wall_time", hours=round(self.limits.wall_seconds / 3600, 2))
            self._check_queue()
            if backend is None and row.elsewhere and job_id not in self._backends:
                raise JobError("remote_lost")
        if backend is not None:
            self._backends[job_id] = backend
            self._store.update(job_id, elsewhere=1)
        if not self._store.requeue(job_id, RESUMABLE):
            self._store.wish_again(job_id)
        self.supervisor.wake()
        return self._snapshot(self._own(owner, job_id))

    def delete(self, owner: str, job_id: str) -> None:
        """Delete a job with its pictures and weights; a running one is ended first.

        Raises:
            JobError: `unknown` if there is no such job of this visitor.
        """
        self._own(owner, job_id)
        if self._store.update(job_id, ("running",), wish="delete"):
            self.supervisor.wake()
            return
        self._store.remove(job_id)
        shutil.rmtree(self._areas.job(job_id), ignore_errors=True)

    def weights(self, owner: str, job_id: str, part: str = "") -> Path:
        """Return a folder of safetensors, config and card with a job's newest weights, made when first asked for.

        Args:
            owner: of the job.
            job_id: of the job.
            part: which module; "" is the main one, of CycleGAN a2b.

        Raises:
            JobError: `unknown`, `part`, `no_checkpoint` before the first one, or why they cannot be made.
        """
        row = self._own(owner, job_id)
        parts = list(RECIPES[row.recipe].parts_of(_config(row)))
        chosen = part or parts[0]
        if chosen not in parts:
            raise JobError("part", part=part, parts=", ".join(filter(None, parts)))
        folder = self._export(row)
        return folder / chosen if chosen else folder

    def _rest(self, owner: str, job_id: str, state: JobState, wish: str) -> Snapshot:
        self._own(owner, job_id)
        calm: tuple[JobState, ...] = ("queued",) if state == "paused" else ("queued", "paused", "interrupted")
        if not self._store.update(job_id, calm, state=state, place=None, finished=self._store.clock()):
            self._store.update(job_id, ("running",), wish=wish)
        self.supervisor.wake()
        return self._snapshot(self._own(owner, job_id))

    def _own(self, owner: str, job_id: str) -> Row:
        row = self._store.row(job_id)
        if row is None or row.owner != owner or row.wish == "delete":
            raise JobError("unknown")
        return row

    def _backend_of(self, row: Row) -> Backend:
        if row.id in self._backends:
            return self._backends[row.id]
        if row.elsewhere:
            raise BackendGoneError(row.id)
        return self.backend

    def _run(self, row: Row) -> RunFolder:
        return RunFolder(self._areas.job(row.id) / "run")

    def _snapshot(self, row: Row, metrics: Sequence[Mapping[str, float]] = (), owner: str | None = None) -> Snapshot:
        run, step, left = self._run(row), row.step, None
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
        )  # fmt: skip

    def _check(self, owner: str, request: JobRequest) -> tuple[TrainConfig, Path]:
        """Return the config and the dataset of a request that can be trained."""
        self._check_on()
        if request.recipe not in RECIPES:
            raise JobError("recipe", recipe=request.recipe, recipes=", ".join(RECIPES))
        try:
            config = RECIPES[request.recipe].Config(**request.config)
        except (TypeError, ValueError) as error:
            raise JobError("config", message=str(error)) from error
        if config.steps > self.limits.steps:
            raise JobError("too_many_steps", steps=config.steps, limit=self.limits.steps)
        dataset = self._areas.dataset(owner, request.data)
        if dataset is None:
            raise JobError("data")
        self._check_pictures(dataset)
        self._check_start(owner, request, config)
        return config, dataset

    def _check_on(self) -> None:
        if self.off is not None:
            raise JobError(self.off)

    def _check_pictures(self, dataset: Path) -> None:
        paths = [path for path in dataset.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()]
        limits = self.limits
        if len(paths) < limits.fewest_pictures:
            raise JobError("too_few_pictures", count=len(paths), limit=limits.fewest_pictures)
        if len(paths) > limits.pictures:
            raise JobError("too_many_pictures", count=len(paths), limit=limits.pictures)
        if sum(path.stat().st_size for path in paths) > limits.bytes:
            raise JobError("too_many_bytes", limit=limits.bytes // 2**20)
        for path in paths:
            if _pixels(path) > limits.pixels:
                raise JobError("too_many_pixels", name=path.name, limit=limits.pixels // 10**6)

    def _check_start(self, owner: str, request: JobRequest, config: TrainConfig) -> None:
        start = request.start
        if start is None:
            return
        if start.startswith(OWN_JOB):
            row = self._own(owner, start.removeprefix(OWN_JOB))
            if not self._run(row).checkpoint_path.is_file():
                raise JobError("no_checkpoint")
        elif start not in CHECKPOINTS:  # nothing else: a path here could be anybody's
            raise JobError("start", start=start)
        else:
            self._check_fit(request.recipe, config, start, start)

    def _check_fit(self, recipe: str, config: TrainConfig, init: str, start: str) -> None:
        try:
            check_fit(recipe, config, init)
        except DoesNotFitError as error:
            raise JobError("start_does_not_fit", start=start, needs=error.needs) from error
        except FileNotFoundError as error:
            raise JobError("start", start=start) from error

    def _check_quota(self, owner: str) -> None:
        if len(self._store.rows("owner = ?", owner)) >= self.limits.jobs_per_owner:
            raise JobError("jobs_per_owner", limit=self.limits.jobs_per_owner)
        self._check_queue()
        self._check_disk(owner)

    def _check_queue(self) -> None:
        if len(self._store.queue()) >= self.limits.queued_total:
            raise JobError("queue_full", limit=self.limits.queued_total)

    def _check_disk(self, owner: str) -> None:
        if self._areas.free_space() < self.limits.disk_reserve:
            raise JobError("disk_full")
        if self._areas.used_by(owner, self._store.rows("owner = ?", owner)) > self.limits.disk_per_owner:
            raise JobError("disk_owner", limit=round(self.limits.disk_per_owner / 2**30, 1))
        if self._areas.used_in_all() > self.limits.disk_total:
            raise JobError("disk_total")

    def _check_double(self, owner: str, request: JobRequest, dataset: Path, config: TrainConfig) -> None:
        wanted = (request.recipe, str(dataset), request.start, asdict(config))
        for row in self._store.rows("owner = ? AND state IN ('queued', 'running')", owner):
            if (row.recipe, row.dataset, row.start, row.config) == wanted:
                raise JobError("already_started")

    def _prepare_folder(
        self, owner: str, job_id: str, request: JobRequest, config: TrainConfig, dataset: Path
    ) -> str | None:
        """Lay out a job's folder; return which weights it starts from, as the trainer is told."""
        self._areas.adopt(dataset, job_id)
        init = request.start
        if init is not None and init.startswith(OWN_JOB):
            earlier = self._export(self._own(owner, init.removeprefix(OWN_JOB)))
            own = self._areas.job(job_id) / "init"  # a copy: the earlier job may be deleted
            shutil.copytree(earlier, own)
            init = str(own)
            self._check_fit(request.recipe, config, init, request.start or "")
        self._run_of(job_id).save_config(request.recipe, config, ["data"], init)
        return init

    def _run_of(self, job_id: str) -> RunFolder:
        return RunFolder(self._areas.job(job_id) / "run")

    def _export(self, row: Row) -> Path:
        run = self._run(row)
        if not run.checkpoint_path.is_file():
            raise JobError("no_checkpoint")
        folder = self._areas.job(row.id)
        try:
            return self._exporter.export(folder, row.recipe, run.checkpoint_step())
        except RuntimeError as error:
            raise JobError("export", message=str(error)) from error


VISIBLE = "wish IS NOT 'delete'"


def _config(row: Row) -> TrainConfig:
    return RECIPES[row.recipe].Config(**row.config)


def _pixels(path: Path) -> int:
    """Return width times height as the header says, 0 if it cannot be read (the trainer leaves it out)."""
    try:
        with Image.open(path) as image:
            return image.width * image.height
    except Image.DecompressionBombError:
        return 2**62
    except (OSError, SyntaxError, ValueError):
        return 0
