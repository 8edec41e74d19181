"""Why a job ends, and the state that it ends in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.training.execution.backends import Handle
from models.training.execution.remote_handle import may_run_on
from models.training.failures import DISK_FULL_STATUS
from models.training.jobs.folders import JobFolders
from models.training.jobs.limits import Limits
from models.training.jobs.schema import JobState, Row
from models.training.jobs.store import Store

DISK_SECONDS = 5.0  # between two measurements of disk usage
REQUESTED_STATES: Mapping[str, JobState] = {"pause": "paused", "stop": "stopped", "requeue": "queued"}


@dataclass(frozen=True)
class TerminationReason:
    """The state a job ends in, and a code with values for the visitor's sentence."""

    state: JobState
    error: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Running:
    """A running job: its process and times on the monotonic clock."""

    row: Row
    handle: Handle
    begun: float
    counted: float
    moved: float
    weighed: float
    progress: Mapping[str, float] | None = None
    reason: TerminationReason | None = None
    asked: float | None = None
    killed: bool = False


class TerminationPolicy:
    """Termination of jobs by owner requests, limits and the results of their processes."""

    def __init__(self, store: Store, folders: JobFolders, limits: Limits, resume_interrupted: bool) -> None:
        self._store, self._folders, self._resume_interrupted = store, folders, resume_interrupted
        self.limits = limits

    def requested(self, job_id: str) -> TerminationReason | None:
        """Return the reason requested by the owner of a running job, if any."""
        row = self._store.row(job_id)
        if row is None or row.wish == "delete":
            return TerminationReason("stopped")
        return None if row.wish is None else TerminationReason(REQUESTED_STATES[row.wish])

    def limit(self, running: Running, now: float) -> TerminationReason | None:
        """Return the limit that a job exceeds, if any; one that exceeds the memory limit is killed at once."""
        if running.row.spent + now - running.begun > self.limits.wall_seconds:
            return TerminationReason("stopped", "wall_time", {"hours": round(self.limits.wall_seconds / 3600, 2)})
        if now - running.moved > self.limits.stall_seconds:
            return TerminationReason("failed", "stalled", {"minutes": round(self.limits.stall_seconds / 60, 1)})
        if running.handle.memory() > self.limits.memory:
            running.handle.kill()  # a checkpoint takes memory, too
            return TerminationReason("failed", "out_of_memory", {"limit": _gigabytes(self.limits.memory)})
        if now - running.weighed >= DISK_SECONDS:
            running.weighed = now
            return self._disk(running.row.owner)
        return None

    def _disk(self, owner: str) -> TerminationReason | None:
        if self._folders.free_space() < self.limits.disk_reserve:
            return TerminationReason("failed", "disk_full")
        if self._folders.used_by(owner, self._store.rows("owner = ?", owner)) > self.limits.disk_per_owner:
            return TerminationReason("stopped", "disk_owner", {"limit": _gigabytes(self.limits.disk_per_owner)})
        return None

    def ended(self, job_id: str, status: int) -> TerminationReason:
        """Return why a process ended by itself, from its exit status and the error it saved."""
        error = self._folders.run(job_id).load_error()
        if error is not None:
            return TerminationReason("failed", *error)
        if status == DISK_FULL_STATUS:
            return TerminationReason("failed", "disk_full")
        if status == 0:
            return TerminationReason("interrupted", "interrupted")  # SIGTERM from outside: it saved a checkpoint
        if status < 0:
            return TerminationReason("interrupted", "killed", {"signal": -status})
        return TerminationReason("failed", "crashed", {"message": f"exit status {status}"})

    def final(self, row: Row, reason: TerminationReason, recovered: bool) -> tuple[TerminationReason, int]:
        """Return the final reason, given the checkpoint and the owner's request, and the step to resume from."""
        run = self._folders.run(row.id)
        step = run.checkpoint_step()
        if may_run_on(self._folders.job(row.id)) and row.wish != "requeue":
            error = run.load_error()
            if error is not None and error[0] == "remote_account":
                return TerminationReason("interrupted", *error), step
            lost = recovered or reason.error == "remote_lost"
            return TerminationReason("interrupted", "remote_lost" if lost else "remote_on"), step
        if step == row.total and run.load_error() is None:
            return TerminationReason("done"), step
        if row.wish is not None and reason.error in {None, "interrupted"}:
            return TerminationReason(REQUESTED_STATES[row.wish]), step
        if recovered and self._resume_interrupted and reason.state == "interrupted":
            return TerminationReason("queued"), step
        return reason, step


def _gigabytes(size: int) -> float:
    return round(size / 2**30, 1)
