"""Training jobs of visitors: submitted, watched, paused, stopped, resumed and used, each by its owner alone.

`JobManager` is what an interface talks to. It holds no job itself: the store has the truth, the supervisor's thread
the processes, and the processes write the files that a `Snapshot` is read from. Times are Unix seconds.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.training.execution.backends import Backend, LocalProcess
from models.training.jobs.admission import OWN_JOB, Admission, JobError, JobRequest
from models.training.jobs.estimator import Estimate, Estimator
from models.training.jobs.exporter import Exporter
from models.training.jobs.folders import Areas
from models.training.jobs.job_backends import OwnBackends
from models.training.jobs.limits import Limits
from models.training.jobs.schema import JobState
from models.training.jobs.snapshots import Snapshot, Snapshots
from models.training.jobs.store import Store
from models.training.jobs.supervisor import Supervisor
from models.training.loop.run_folder import write_json
from models.training.recipes import RECIPES
from models.training.recipes._base import TrainConfig

__all__ = ["Estimate", "JobError", "JobManager", "JobRequest", "JobState", "Limits", "Snapshot"]

RESUMABLE: tuple[JobState, ...] = ("paused", "interrupted", "stopped", "failed")
VISIBLE = "wish IS NOT 'delete'"


class JobManager:
    """The trainer of one app; many apps may share a data folder.

    Whatever takes an owner and a job's id raises `JobError` `unknown` if there is no such job of this visitor.

    Args:
        data_dir: where everything is kept; on a local disk, and in no folder that is served.
        limits: what visitors may use.
        max_running: jobs that run at once on the manager's own backend.
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
        self._backends = OwnBackends(self._store, self._areas, self.backend)
        self._admission = Admission(self._store, self._areas, limits, self.backend.off)
        self._snapshots = Snapshots(self._store, self._areas)
        self._estimator, self._exporter = Estimator(self._store, self._areas), Exporter(self._areas)
        self.supervisor = Supervisor(
            self._store, self._areas, limits, self._backends, max_running, resume_interrupted, monotonic
        )
        if self._store.begun_anew:
            self._enter_again()

    def _enter_again(self) -> None:
        """Enter the jobs whose folders are there into a store that had to be begun anew; none of them waits."""
        for path in sorted((self.folder / "jobs").glob("*/job.json"), key=lambda path: path.stat().st_mtime):
            values = json.loads(path.read_text(encoding="utf-8"))
            step = self._areas.run(values["id"]).checkpoint_step()
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
        """Return whether this app runs the jobs; False while another one on the same data folder does."""
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
        """Return a new, empty folder for a visitor's images."""
        self._admission.check_disk(owner)
        return self._areas.new_dataset(owner)

    def estimate(self, owner: str, request: JobRequest) -> Estimate:
        """Return what a job would take, measured on a few steps in a child of low priority, or remembered.

        Raises:
            JobError: as `submit`.
        """
        config, dataset = self._admission.check(owner, request)
        try:
            count = self._admission.count_images(dataset)
            return self._estimator.estimate(request.recipe, config, dataset, count, self._is_busy)
        except RuntimeError as error:
            raise JobError("estimate", message=str(error)) from error

    def submit(self, owner: str, request: JobRequest, backend: Backend | None = None) -> Snapshot:
        """Put a job at the end of the queue.

        Args:
            owner: who may see it.
            request: what to train.
            backend: where, instead of the manager's own; kept in memory only, and only until the job rests.

        Raises:
            JobError: if the request breaks a limit or cannot be trained.
        """
        config, dataset = self._admission.check(owner, request)
        self._admission.check_free(owner, request, dataset, config)
        job_id = uuid.uuid4().hex
        try:
            values = self._prepare_folder(owner, job_id, request, config, dataset, backend is not None)
            with self._store.change():  # nobody, in no other app either, gets in between
                self._admission.check_free(owner, request, dataset, config)
                row = self._store.add(**values)
                if backend is not None:
                    self._backends[job_id] = backend
        except BaseException:
            self._backends.forget(job_id)
            shutil.rmtree(self._areas.job(job_id), ignore_errors=True)
            raise
        self.supervisor.wake()
        return self._snapshots.short(row)

    def jobs(self, owner: str) -> list[Snapshot]:
        """Return a visitor's jobs, newest first, without metrics."""
        return [self._snapshots.short(row) for row in reversed(self._store.rows(f"owner = ? AND {VISIBLE}", owner))]

    def public_jobs(self) -> list[Snapshot]:
        """Return everybody's jobs, newest first, without metrics and owners; none unless this is a classroom."""
        rows = self._store.rows(VISIBLE) if self.classroom else []
        return [self._snapshots.short(row, owner="") for row in reversed(rows)]

    def states(self, owner: str | None) -> list[tuple[str, JobState]]:
        """Return id and state of all jobs that a visitor finds listed, for a fraction of what `jobs` costs."""
        rows = self._store.rows(f"(owner = ? OR ?) AND {VISIBLE}", owner, self.classroom)
        return [(row.id, row.state) for row in rows]

    def ahead(self) -> int:
        """Return how many jobs, of whomever, would come before one that is submitted now to run here."""
        return len(self._store.rows("state IN ('queued', 'running') AND NOT elsewhere"))

    def exists(self, job_id: str) -> bool:
        """Return whether anybody has such a job, which tells nothing of it."""
        row = self._store.row(job_id)
        return row is not None and row.wish != "delete"

    def images(self, owner: str, job_id: str) -> Path:
        """Return the folder of a job's images, for its owner to look at."""
        return self._areas.job(self._admission.own_job(owner, job_id).id) / "data"

    def snapshot(self, owner: str, job_id: str, after_step: int = 0) -> Snapshot:
        """Return a visitor's job with the metrics logged after a step."""
        return self._snapshots.whole(self._admission.own_job(owner, job_id), after_step)

    def public_snapshot(self, job_id: str, after_step: int = 0) -> Snapshot:
        """Return anybody's job, without the owner.

        Raises:
            JobError: `unknown` if there is no such job, or this is no classroom.
        """
        row = self._store.row(job_id) if self.classroom else None
        if row is None or row.wish == "delete":
            raise JobError("unknown")
        return self._snapshots.whole(row, after_step, owner="")

    def pause(self, owner: str, job_id: str) -> Snapshot:
        """Have a job rest after a checkpoint; one that waits rests at once."""
        return self._rest(owner, job_id, "paused", "pause")

    def stop(self, owner: str, job_id: str) -> Snapshot:
        """End a job with a checkpoint.

        Raises:
            JobError: `remote_on` if it was lost from sight and may go on where it is.
        """
        return self._rest(owner, job_id, "stopped", "stop")

    def resume(self, owner: str, job_id: str, backend: Backend | None = None) -> Snapshot:
        """Put a job that rests at the end of the queue; it goes on where its checkpoint is.

        Raises:
            JobError: `not_resumable` if it is done; quota.
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
        with self._store.change():  # so that the job does not come to rest in between, which lets go of its backend
            if backend is not None:
                self._backends[job_id] = backend
                self._store.update(job_id, elsewhere=1)
            if not self._store.requeue(job_id, RESUMABLE):
                self._store.wish_again(job_id)
        self.supervisor.wake()
        return self._snapshots.short(self._admission.own_job(owner, job_id))

    def delete(self, owner: str, job_id: str) -> bool:
        """Delete a job with its images and weights; a running one is ended first.

        Returns:
            Whether it may go on elsewhere: it was lost from sight, and there is no login or no way to end it with.
        """
        self._admission.own_job(owner, job_id)
        if self._store.update(job_id, ("running",), wish="delete"):
            self.supervisor.wake()
            return False
        goes_on = self._backends.is_lost(job_id) and not self._backends.end(job_id)
        self._store.remove(job_id)
        shutil.rmtree(self._areas.job(job_id), ignore_errors=True)
        self._backends.let_go(job_id)
        return goes_on

    def weights(self, owner: str, job_id: str, part: str = "") -> Path:
        """Return a folder of safetensors, config and card with a job's newest weights, made when first asked for.

        Args:
            owner: who asks.
            job_id: of the job.
            part: which module; "" is the main one, of CycleGAN a2b.

        Raises:
            JobError: `part`, `no_checkpoint` before the first one, or why they cannot be made.
        """
        row = self._admission.own_job(owner, job_id)
        recipe = RECIPES[row.recipe]
        parts = list(recipe.parts_of(recipe.Config(**row.config)))
        chosen = part or parts[0]
        if chosen not in parts:
            raise JobError("part", part=part, parts=", ".join(filter(None, parts)))
        return self._exporter.export(row) / chosen

    def start_weights(self, owner: str, job_id: str, part: str = "") -> Path:
        """Return the folder of the weights that a job began with, if an earlier job gave them.

        They are the job's own copy: the earlier one may have gone on, or be gone.
        """
        return self._areas.init(self._admission.own_job(owner, job_id).id) / part

    def _rest(self, owner: str, job_id: str, state: JobState, wish: str) -> Snapshot:
        row = self._admission.own_job(owner, job_id)
        if row.state in ("paused", "interrupted") and self._backends.is_lost(job_id):
            raise JobError("remote_on")
        calm: tuple[JobState, ...] = ("queued",) if state == "paused" else ("queued", "paused", "interrupted")
        if not self._store.update(job_id, calm, state=state, place=None, finished=self._store.clock()):
            self._store.update(job_id, ("running",), wish=wish)
        self._backends.let_go(job_id)
        self.supervisor.wake()
        return self._snapshots.short(self._admission.own_job(owner, job_id))

    def _is_busy(self) -> bool:
        return bool(self._store.rows("state = 'running'"))

    def _prepare_folder(
        self, owner: str, job_id: str, request: JobRequest, config: TrainConfig, dataset: Path, elsewhere: bool
    ) -> dict[str, Any]:
        """Lay out a job's folder; return its row, which is also kept there in case the database gets lost."""
        self._areas.adopt(dataset, job_id)
        init = request.start
        if init is not None and init.startswith(OWN_JOB):
            earlier = self._exporter.export(self._admission.own_job(owner, init.removeprefix(OWN_JOB)))
            own = self._areas.init(job_id)
            shutil.copytree(earlier, own)
            init = str(own)
            self._admission.check_fit_of(request.recipe, config, init, request.start or "")
        self._areas.run(job_id).save_config(request.recipe, config, ["data"], init)
        values: dict[str, Any] = {
            "id": job_id, "owner": owner, "title": request.title.strip()[:100], "recipe": request.recipe,
            "config": asdict(config), "dataset": str(dataset), "start": request.start, "init": init,
            "total": config.steps, "elsewhere": int(elsewhere),
        }  # fmt: skip
        write_json(self._areas.job(job_id) / "job.json", values)
        return values
