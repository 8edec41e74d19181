"""The backends that jobs were submitted with, with the logins of their visitors: in memory only, until the job ends."""

from __future__ import annotations

import logging

from models.training.execution.backends import Backend, BackendGoneError
from models.training.execution.hf_jobs import HFJobs
from models.training.execution.remote_handle import may_run_on
from models.training.jobs.folders import JobFolders
from models.training.jobs.schema import Row
from models.training.jobs.store import Store

log = logging.getLogger(__name__)


class JobBackends(dict[str, Backend]):
    """Job id -> its own backend; jobs without one run on `default`."""

    def __init__(self, store: Store, folders: JobFolders, default: Backend) -> None:
        super().__init__()
        self._store, self._folders, self._default = store, folders, default

    def of(self, row: Row) -> Backend:
        """Return where a job runs.

        Raises:
            BackendGoneError: if it was submitted with a backend of its own, which is not known any more.
        """
        if row.elsewhere and row.id not in self:
            raise BackendGoneError(row.id)
        return self.get(row.id, self._default)

    def forget_settled(self, job_id: str) -> None:
        """Forget the backend of a job, unless the job is queued, runs, or may go on unwatched on this account."""
        with self._store.change():
            row = self._store.row(job_id)
            needed = row is not None and (
                row.state in ("queued", "running") or (row.error != "remote_account" and self.is_detached(job_id))
            )
            if not needed:
                self.pop(job_id, None)

    def is_detached(self, job_id: str) -> bool:
        """Return whether a job that is not watched here may still run on Hugging Face."""
        return may_run_on(self._folders.job(job_id))

    def end_detached(self, job_id: str) -> bool:
        """End a detached job if its visitor's login is still held; return whether it has ended."""
        backend = self.get(job_id)
        if not isinstance(backend, HFJobs):
            return False
        try:
            backend.end(self._folders.job(job_id))
        except Exception:  # of any HTTP library
            log.warning("Job %s could not be ended on Hugging Face.", job_id)
            return False
        return True
