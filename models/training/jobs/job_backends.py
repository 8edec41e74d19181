"""The backends that jobs came with, and so the logins of their visitors: in memory alone, and no longer than due."""

from __future__ import annotations

import logging

from models.training.execution.backends import Backend, BackendGoneError
from models.training.execution.hf_jobs import REMOTE, HFJobs
from models.training.jobs.folders import Areas
from models.training.jobs.schema import Row
from models.training.jobs.store import Store

log = logging.getLogger(__name__)


class OwnBackends:
    """Knows where each job runs.

    Args:
        store: of the jobs.
        areas: of their folders.
        usual: where jobs run that came without a backend.
    """

    def __init__(self, store: Store, areas: Areas, usual: Backend) -> None:
        self._store, self._areas, self._usual = store, areas, usual
        self._known: dict[str, Backend] = {}

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._known

    def __setitem__(self, job_id: str, backend: Backend) -> None:
        self._known[job_id] = backend

    def __len__(self) -> int:
        return len(self._known)

    def of(self, row: Row) -> Backend:
        """Return where a job runs.

        Raises:
            BackendGoneError: if it came with a backend of its own, which is not known any more.
        """
        if row.id in self._known:
            return self._known[row.id]
        if row.elsewhere:
            raise BackendGoneError(row.id)
        return self._usual

    def let_go(self, job_id: str) -> None:
        """Forget the backend of a job, unless the job waits, runs, or was lost from sight."""
        with self._store.change():
            row = self._store.row(job_id)
            if row is None or (row.state not in ("queued", "running") and not self.is_lost(job_id)):
                self.forget(job_id)

    def forget(self, job_id: str) -> None:
        """Forget the backend of a job."""
        self._known.pop(job_id, None)

    def is_lost(self, job_id: str) -> bool:
        """Return whether a job, unless it runs, was lost from sight on Hugging Face and may go on there."""
        return (self._areas.job(job_id) / REMOTE).exists()

    def end(self, job_id: str) -> bool:
        """End a job that was lost from sight, if somebody's login is still held for it; return whether it has ended."""
        backend = self._known.get(job_id)
        if not isinstance(backend, HFJobs):
            return False
        try:
            backend.end(self._areas.job(job_id))
        except Exception:  # of whatever HTTP library
            log.warning("Job %s could not be ended on Hugging Face.", job_id)
            return False
        return True
