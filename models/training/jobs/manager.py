"""Training jobs of visitors, each accessible to its owner only.

`JobManager` is the interface. The store holds the state of the jobs, the supervisor's thread their processes, and the
processes write the files that a `Snapshot` is read from. Times are Unix seconds.
"""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.training.execution.backends import Backend, LocalProcess
from models.training.jobs.admission import OWN_JOB, Admission, JobError, JobRequest
from models.training.jobs.estimator import Estimate, Estimator
from models.training.jobs.exporter import export_weights
from models.training.jobs.folders import JobFolders
from models.training.jobs.job_backends import JobBackends
from models.training.jobs.limits import Limits
from models.training.jobs.schema import STATES, JobState, Row
from models.training.jobs.snapshots import Snapshot, take_snapshot
from models.training.jobs.store import Store
from models.training.jobs.supervisor import Supervisor
from models.training.loop.metrics_tail import MetricsTail
from models.training.loop.run_folder import write_json
from models.training.recipes import RECIPES
from models.training.recipes._base import TrainConfig

__all__ = ["Estimate", "JobError", "JobManager", "JobRequest", "JobState", "Limits", "Snapshot"]

RESUMABLE: tuple[JobState, ...] = ("paused", "interrupted", "stopped", "failed")
VISIBLE = "wish IS NOT 'delete'"


class JobManager:
    """The jobs of one app; several apps may share a data folder.

    Every method with an owner and a job id raises `JobError` `unknown` if this visitor has no such job.

    Args:
        data_dir: on a local disk, outside every folder that is served.
        limits: of the visitors.
        max_running: jobs that run at once on `backend`.
        backend: default backend of a job.
        resume_interrupted: whether interrupted jobs resume when the app starts again.
        classroom: whether everybody may see every job.
        free_space: folder -> free bytes; of the disk by default.
        save_seconds: between two checkpoints of a running job.
        volume: folder that outlives the disk of `data_dir`: resting jobs are copied to it, and come back from it.
        clock: Unix seconds; may jump.
        monotonic: monotonic seconds.
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
        volume: Path | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits, self.backend, self.classroom = limits, backend or LocalProcess(), classroom
        self._folders = JobFolders(data_dir, free_space, save_seconds)
        self.folder = self._folders.folder
        self._store = Store(self.folder / "jobs.sqlite", clock)
        self._backends = JobBackends(self._store, self._folders, self.backend)
        self._admission = Admission(self._store, self._folders, limits, self.backend.off)
        self._estimator, self._tail = Estimator(self._store, self._folders), MetricsTail()
        self._export_lock = threading.Lock()  # concurrent exports only slow each other down
        self.supervisor = Supervisor(
            self._store, self._folders, limits, self._backends, max_running, resume_interrupted, monotonic, volume
        )
        if self._store.was_reset:
            for values in self._folders.saved_jobs():
                self._store.add_settled(**values)

    @property
    def off(self) -> str | None:
        """Why training is off, as a code for `error.job.<code>`; None where it is on."""
        return self.backend.off

    @property
    def supervises(self) -> bool:
        """Whether this app runs the jobs; False while another app on the same data folder does."""
        return self.supervisor.leads

    def notices(self) -> dict[str, dict[str, Any]]:
        """Return the notices about the store, code for `error.job.<code>` -> values."""
        return self._store.notices()

    def start(self) -> None:
        """Start the supervisor's thread, which also ends jobs that an earlier app left running."""
        if self.off is None:
            self.supervisor.start()

    def close(self) -> None:
        """End the running jobs with a checkpoint, and close the store."""
        self.supervisor.close()
        self._store.close()

    def new_dataset(self, owner: str) -> Path:
        """Return a new, empty folder for a visitor's images."""
        self._admission.check_disk(owner)
        return self._folders.new_dataset(owner)

    def estimate(self, owner: str, request: JobRequest) -> Estimate:
        """Return time and memory of a job, measured on a few steps or cached; raises `JobError` as `submit`."""
        config, dataset = self._admission.check(owner, request)
        try:
            count = len(self._admission.images(dataset))
            return self._estimator.estimate(request.recipe, config, dataset, count)
        except RuntimeError as error:
            raise JobError("estimate", message=str(error)) from error

    def submit(self, owner: str, request: JobRequest, backend: Backend | None = None) -> Snapshot:
        """Put a job at the end of the queue.

        Args:
            owner: id of the visitor.
            request: the training.
            backend: instead of the default one; kept in memory until the job ends.

        Raises:
            JobError: if the request exceeds a limit or cannot be trained.
        """
        config, dataset = self._admission.check(owner, request)
        self._admission.check_free(owner, request, dataset, config)
        job_id = uuid.uuid4().hex
        try:
            values = self._prepare_folder(owner, job_id, request, config, dataset, backend is not None)
            with self._store.change():  # checked again under the lock, which other apps respect, too
                self._admission.check_free(owner, request, dataset, config)
                row = self._store.add(**values)
                if backend is not None:
                    self._backends[job_id] = backend
        except BaseException:
            self._backends.pop(job_id, None)
            shutil.rmtree(self._folders.job(job_id), ignore_errors=True)
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

    def states(self, owner: str | None) -> list[tuple[str, JobState]]:
        """Return id and state of all jobs that a visitor may see; much cheaper than `jobs`."""
        return self._store.states(f"(owner = ? OR ?) AND {VISIBLE}", owner, self.classroom)

    def counts(self) -> dict[JobState, int]:
        """Return how many jobs of all visitors are in each state."""
        found = [state for _, state in self._store.states(VISIBLE)]
        return {state: found.count(state) for state in STATES}

    def ahead(self) -> int:
        """Return how many jobs of all visitors would run here before one that is submitted now."""
        return len(self._store.states("state IN ('queued', 'running') AND NOT elsewhere"))

    def exists(self, job_id: str) -> bool:
        """Return whether any visitor has such a job."""
        row = self._store.row(job_id)
        return row is not None and row.wish != "delete"

    def images(self, owner: str, job_id: str) -> Path:
        """Return the folder of a job's images."""
        return self._folders.job(self._admission.own_job(owner, job_id).id) / "data"

    def snapshot(self, owner: str, job_id: str, after_step: int = 0) -> Snapshot:
        """Return a visitor's job with the metrics logged after a step."""
        return self._snapshot(self._admission.own_job(owner, job_id), after_step)

    def public_snapshot(self, job_id: str, after_step: int = 0) -> Snapshot:
        """Return any visitor's job without its owner; `JobError` `unknown` outside a classroom."""
        row = self._store.row(job_id) if self.classroom else None
        if row is None or row.wish == "delete":
            raise JobError("unknown")
        return self._snapshot(row, after_step, owner="")

    def pause(self, owner: str, job_id: str) -> Snapshot:
        """Pause a job with a checkpoint; a queued one at once."""
        return self._rest(owner, job_id, "paused", "pause")

    def stop(self, owner: str, job_id: str) -> Snapshot:
        """End a job with a checkpoint; `JobError` `remote_on` if it may go on unwatched on Hugging Face."""
        return self._rest(owner, job_id, "stopped", "stop")

    def resume(self, owner: str, job_id: str, backend: Backend | None = None) -> Snapshot:
        """Put a job at the end of the queue, to resume at its checkpoint.

        Raises:
            JobError: `not_resumable` if it is done, or a limit.
        """
        row = self._admission.own_job(owner, job_id)
        if row.state == "done":
            raise JobError("not_resumable")
        if row.state in RESUMABLE:
            self._admission.check_on()
            self._admission.check_disk(owner)
            if row.spent > self.limits.wall_seconds:
                raise JobError("wall_time", hours=round(self.limits.wall_seconds / 3600, 2))
            self._admission.check_queue()
            if backend is None and row.elsewhere and job_id not in self._backends:
                raise JobError("remote_lost")
        with self._store.change():  # a job that ends in between would forget its backend
            if backend is not None:
                self._backends[job_id] = backend
                self._store.update(job_id, elsewhere=1)
            if not self._store.requeue(job_id, RESUMABLE):
                self._store.request_requeue(job_id)
        self.supervisor.wake()
        return self._snapshot(self._admission.own_job(owner, job_id))

    def delete(self, owner: str, job_id: str) -> bool:
        """End and delete a job with its images and weights; return whether it may still run on Hugging Face."""
        self._admission.own_job(owner, job_id)
        if self._store.update(job_id, ("running",), wish="delete"):
            self.supervisor.wake()
            return False
        goes_on = self._backends.is_detached(job_id) and not self._backends.end_detached(job_id)
        self.supervisor.delete(job_id)
        return goes_on

    def weights(self, owner: str, job_id: str, part: str = "") -> Path:
        """Return a folder of safetensors, config and card with a job's newest weights, exported on first use.

        `part` names a module; "" is the main one, of CycleGAN a2b. Raises `JobError` `part`, `no_checkpoint`, `export`.
        """
        row = self._admission.own_job(owner, job_id)
        recipe = RECIPES[row.recipe]
        parts = list(recipe.parts_of(recipe.Config(**row.config)))
        chosen = part or parts[0]
        if chosen not in parts:
            raise JobError("part", part=part, parts=", ".join(filter(None, parts)))
        return self._export(row) / chosen

    def start_weights(self, owner: str, job_id: str, part: str = "") -> Path:
        """Return the folder of a job's own copy of the initial weights that come from an earlier job."""
        return self._folders.init(self._admission.own_job(owner, job_id).id) / part

    def _rest(self, owner: str, job_id: str, state: JobState, wish: str) -> Snapshot:
        row = self._admission.own_job(owner, job_id)
        if row.state in ("queued", "paused", "interrupted") and self._backends.is_detached(job_id):
            raise JobError("remote_on")
        calm: tuple[JobState, ...] = ("queued",) if state == "paused" else ("queued", "paused", "interrupted")
        if not self._store.update(job_id, calm, state=state, place=None, finished=self._store.clock()):
            self._store.update(job_id, ("running",), wish=wish)
        self._backends.forget_settled(job_id)
        self.supervisor.wake()
        return self._snapshot(self._admission.own_job(owner, job_id))

    def _snapshot(self, row: Row, after_step: int | None = None, owner: str | None = None) -> Snapshot:
        """Return a job's snapshot, without metrics unless `after_step` is given."""
        path = self._folders.run(row.id).metrics_path
        return take_snapshot(
            self._store, self._folders, row, owner, () if after_step is None else self._tail.rows(path, after_step)
        )

    def _export(self, row: Row) -> Path:
        with self._export_lock:
            return export_weights(self._folders, row)

    def _prepare_folder(
        self, owner: str, job_id: str, request: JobRequest, config: TrainConfig, dataset: Path, elsewhere: bool
    ) -> dict[str, Any]:
        """Create a job's folder and return its row, which is also saved there in case the database is lost."""
        self._folders.adopt(dataset, job_id)
        init = request.start
        if init is not None and init.startswith(OWN_JOB):
            earlier = self._export(self._admission.own_job(owner, init.removeprefix(OWN_JOB)))
            own = self._folders.init(job_id)
            shutil.copytree(earlier, own)
            init = str(own)
            self._admission.check_fit_of(request.recipe, config, init, request.start or "")
        self._folders.run(job_id).save_config(request.recipe, config, ["data"], init)
        values: dict[str, Any] = {
            "id": job_id, "owner": owner, "title": request.title.strip()[:100], "recipe": request.recipe,
            "config": asdict(config), "dataset": str(dataset), "start": request.start, "init": init,
            "total": config.steps, "elsewhere": int(elsewhere),
        }  # fmt: skip
        write_json(self._folders.job(job_id) / "job.json", values)
        return values
