"""The thread that starts, watches and ends training processes.

It is permanent, because a child dies with the thread that started it. Of several apps on one data folder only the
holder of a file lock supervises. Durations are measured on the monotonic clock.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from models.training.execution.backends import BackendGoneError, Orphan, Task
from models.training.jobs.folders import JobFolders
from models.training.jobs.job_backends import JobBackends
from models.training.jobs.limits import Limits
from models.training.jobs.schema import ENDED, Row
from models.training.jobs.store import Store
from models.training.jobs.termination import Running, TerminationPolicy, TerminationReason
from models.training.jobs.volume import Volume

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
CHECK_SECONDS = 1.0
RETRY_SECONDS = 2.0
SWEEP_SECONDS = 60.0
GRACE_SECONDS = 10.0  # from SIGTERM to SIGKILL, for a last checkpoint


class Supervisor:
    """The supervisor of a store's queue; the app calls `start`, `wake` and `close`."""

    def __init__(
        self,
        store: Store,
        folders: JobFolders,
        limits: Limits,
        backends: JobBackends,
        max_running: int = 1,
        resume_interrupted: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        volume: Path | None = None,
    ) -> None:
        self.volume = Volume(volume, store, folders, lambda: self.leads) if volume else None
        self.store, self.folders, self.max_running, self.keep_seconds = store, folders, max_running, limits.keep_seconds
        self.policy = TerminationPolicy(store, folders, limits, resume_interrupted)
        self._backends, self._monotonic = backends, monotonic
        self._lock = FileLock(folders.folder / "supervisor.lock", mode=0o600, thread_local=False)
        self._running: dict[str, Running] = {}
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._sweep_at = monotonic()
        self.leads = False

    def start(self) -> None:
        """Start the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="training-supervisor", daemon=True)
            self._thread.start()
            if self.volume:
                self.volume.start()

    def close(self) -> None:
        """Interrupt the running jobs with a checkpoint and end the thread."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(GRACE_SECONDS + 10)
            self._thread = None
            if self.volume:
                self.volume.close()
        self.release()

    def wake(self) -> None:
        """Wake the thread after a change in the store."""
        self._wake.set()

    def _loop(self) -> None:
        try:
            while not self._closing.is_set():
                succeeded = self._attempt(self.turn)
                self._wake.wait(TICK_SECONDS if succeeded else RETRY_SECONDS)
                self._wake.clear()
            self._attempt(self._end_all)
        finally:
            self.release()

    def _attempt(self, action: Callable[[], None]) -> bool:
        """Return whether an action succeeds; the thread survives a failure, such as a full disk, to try again."""
        try:
            action()
        except Exception:
            log.exception("The supervisor of the training jobs could not do its work; it tries again.")
            return False
        return True

    def release(self) -> None:
        """Let another app supervise."""
        self.leads = False
        self._lock.release()

    def turn(self) -> None:
        """Do what is due now; called several times a second."""
        if not self.leads:
            try:
                self._lock.acquire(blocking=False)
            except Timeout:
                return
            self.leads = True
        self._adopt()
        for running in list(self._running.values()):
            self._attempt(partial(self._watch, running))  # a failure does not affect the others
        self._start_waiting()
        if self._monotonic() >= self._sweep_at:
            self._sweep_at = self._monotonic() + SWEEP_SECONDS
            self._sweep()

    def _adopt(self) -> None:
        """Interrupt running jobs that are not watched, such as those of an app that died, after ending them."""
        for row in self.store.rows("state = 'running'"):
            if row.id in self._running:
                continue
            reason = TerminationReason("interrupted", "interrupted")
            if row.pid is not None and row.pid_start is not None:
                orphan, now = Orphan(row.pid, row.pid_start), self._monotonic()
                self._running[row.id] = Running(row, orphan, now, now, now, now, reason=reason)
            else:
                self._settle(row.id, reason, recovered=True)

    def _start_waiting(self) -> None:
        while row := self.store.take_next(elsewhere=True):  # remote jobs use no resources here
            self._launch(row)
        while self._running_here() < self.max_running and (row := self.store.take_next()):
            self._launch(row)

    def _running_here(self) -> int:
        return sum(not running.row.elsewhere for running in self._running.values())

    def _launch(self, row: Row) -> None:
        folder, run = self.folders.job(row.id), self.folders.run(row.id)
        run.forget_error()
        run.forget_progress()
        task = Task(self.folders.arguments(row), folder, folder / "log.txt")
        try:
            handle = self._backends.of(row).launch(task)
        except BackendGoneError:
            self._settle(row.id, TerminationReason("interrupted", "remote_lost"))
            return
        except Exception as error:  # such as a full disk or a missing program: only this job fails
            log.exception("Job %s could not be started.", row.id)
            values = {"message": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
            self._settle(row.id, TerminationReason("failed", "crashed", values))
            return
        now = self._monotonic()
        self._running[row.id] = Running(row, handle, now, now, now, now)
        self.store.update(row.id, pid=handle.pid, pid_start=handle.pid_start)

    def _watch(self, running: Running) -> None:
        status = running.handle.poll()
        if status is not None:
            self._conclude(running, status)
            return
        if running.handle.waiting:
            running.begun = running.moved = self._monotonic()
        checks = self._monotonic() - running.counted >= CHECK_SECONDS
        if checks:
            self._count_time(running)
        if running.asked is not None:
            if not running.killed and self._monotonic() - running.asked > GRACE_SECONDS:
                running.handle.kill()
                running.killed = True
            return
        if running.reason is None:
            running.reason = self.policy.requested(running.row.id)
        if running.reason is None and checks:
            running.reason = self.policy.limit(running, self._monotonic())
        if running.reason is not None:
            running.handle.ask_to_end()
            running.asked = self._monotonic()

    def _count_time(self, running: Running) -> None:
        """Store a job's heartbeat, step and total running time."""
        now = self._monotonic()
        progress = self.folders.run(running.row.id).load_progress()
        if progress != running.progress:
            running.progress, running.moved = progress, now
        values: dict[str, Any] = {"spent": running.row.spent + now - running.begun, "beat": self.store.clock()}
        if progress is not None:
            values["step"] = int(progress["step"])
        self.store.update(running.row.id, **values)
        running.counted = now

    def _conclude(self, running: Running, status: int) -> None:
        """Settle a job whose process has ended."""
        job_id = running.row.id
        self.store.update(job_id, spent=running.row.spent + self._monotonic() - running.begun)
        reason = running.reason or self.policy.ended(job_id, status)
        self._settle(job_id, reason, isinstance(running.handle, Orphan))
        del self._running[job_id]  # last: after a failure above the next turn tries again

    def _settle(self, job_id: str, reason: TerminationReason, recovered: bool = False) -> None:
        """Store a job's final state; retry if its owner requests something else at the same time."""
        settled = False
        while not settled:
            row = self.store.row(job_id)
            if row is None or (row.wish == "delete" and not self._backends.is_detached(job_id)):
                self.delete(job_id)
                return
            if row.state != "running":
                return
            final, step = self.policy.final(row, reason, recovered)
            values = {**final.values, "step": step}
            settled = self.store.finish(
                job_id, row.wish, final.state, step=step, error=final.error, error_values=values
            )
        self._backends.forget_settled(job_id)

    def _end_all(self) -> None:
        """Interrupt all local jobs with a checkpoint when the app closes; remote jobs go on."""
        for job_id in [job_id for job_id, running in self._running.items() if running.handle.pid is None]:
            self._settle(job_id, TerminationReason("interrupted", "remote_lost"))
            del self._running[job_id]
        for running in self._running.values():
            running.reason = running.reason or TerminationReason("interrupted", "interrupted")
            if running.asked is None:
                running.handle.ask_to_end()
                running.asked = self._monotonic()
        while self._running:
            for running in list(self._running.values()):
                self._watch(running)
            time.sleep(0.02)

    def delete(self, job_id: str) -> None:
        """Delete a job that does not run, its folder and its copy."""
        self.store.remove(job_id)
        shutil.rmtree(self.folders.job(job_id), ignore_errors=True)
        if self.volume:
            self.volume.forget(job_id)
        self._backends.forget_settled(job_id)

    def _sweep(self) -> None:
        """Delete expired jobs and datasets, and folders without a job."""
        now = self.store.clock()
        marks = ", ".join("?" * len(ENDED))
        for row in self.store.rows(f"state IN ({marks}) AND finished < ?", *ENDED, now - self.keep_seconds):
            self.delete(row.id)
        self.folders.sweep({row.id for row in self.store.rows()}, now - self.keep_seconds)
