"""A job on the Hub as a handle: its log and its run are copied into the local run folder until it has ended."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from models.training.execution.backends import Task
from models.training.execution.hf_worker import ROW_MARK
from models.training.loop.metrics_tail import MetricsTail
from models.training.loop.run_folder import RunFolder, write_json

REMOTE = "remote.json"  # in a job's folder: its job on the Hub, until its result is here
LIVE = ("SCHEDULING", "RUNNING")
BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1; HTTP libraries quote what is none
FETCHED = ("run/checkpoint.pt", "run/metrics.jsonl", "run/evaluation.json", "run/error.json", "run/previews/*")
AGAIN_SECONDS = 0.5  # between retries of a request
WAIT_SECONDS = 5.0  # between two looks at a job that waits for hardware
MOST_FAILURES = 20  # in a row, until a job that nobody wants to end is given up
LEAVE_SECONDS = 120.0  # from the request to end until a job that does not respond is given up


@contextmanager
def temporary_folder(folder: Path, prefix: str) -> Iterator[Path]:
    """Create a temporary folder in a job's, after deleting those that a killed process left."""
    for left in folder.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder) as name:
        yield Path(name)


def may_run_on(folder: Path) -> bool:
    """Return whether the job of a folder is on the Hub and is not known to have ended."""
    path = folder / REMOTE
    return path.is_file() and not json.loads(path.read_text(encoding="utf-8")).get("ended", False)


class AccountError(RuntimeError):
    """A job that may still run belongs to another account than the login."""


class GivenUpError(RuntimeError):
    """A job that did not end when requested is not followed any more."""


class RemoteHandle:
    """A job on the Hub, followed by a thread that writes into the local run folder."""

    pid: int | None = None
    pid_start: str | None = None

    def __init__(self, api: HfApi, task: Task, submit: Callable[[Task, str], str | None]) -> None:
        self._api, self._task, self._submit = api, task, submit
        self._token = str(api.token)
        self._run = RunFolder(task.folder / "run")
        self._status: int | None = None
        self._asked: float | None = None
        self._starting = False
        self._namespace = ""
        self.waiting = False
        self.remote: str | None = None
        self._thread = threading.Thread(target=self._watch, name="training-remote", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def poll(self) -> int | None:
        """Return 0 if the job ended as requested or planned, 1 if not, None while it runs."""
        return self._status

    def may_start(self) -> bool:
        """Return whether the job is still wanted after its upload; if so, its id follows."""
        self._starting = True  # before the question, so that `_cancel` waits for the id if the answer is yes
        return self._asked is None

    def ask_to_end(self) -> None:
        """Cancel the job; its last upload is downloaded. It is given up if it has not ended in `LEAVE_SECONDS`."""
        self._asked = time.monotonic()
        threading.Thread(target=self._cancel, daemon=True).start()

    def kill(self) -> None:
        """Do nothing: nothing here can end the job at once."""

    def memory(self) -> int:
        """Return 0: the job holds no memory here."""
        return 0

    def _cancel(self) -> None:
        """Cancel the job; retry until the request succeeds, and give the job up if it does not end."""
        cancelled = False
        while self._status is None:
            if self.remote is not None and not cancelled:
                cancelled = self._try(lambda: self._api.cancel_job(job_id=self.remote or "", namespace=self._namespace))
            late = time.monotonic() - (self._asked or 0.0) > LEAVE_SECONDS
            if late and (self.remote is not None or not self._starting):
                self._status = 1
            time.sleep(AGAIN_SECONDS)

    def _watch(self) -> None:
        status = 1
        try:
            status = self._follow()
        except AccountError as error:
            account = str(error)
            self._try(lambda: self._run.save_error("remote_account", {"account": account}))
        except Exception as error:  # of any HTTP library: the job must end with a message
            if self._status is None:  # else it was given up, and its folder may be deleted
                message = self._sentence(error)
                self._log(message)
                self._try(lambda: self._run.save_error("remote", {"message": message}))
        finally:
            self._status = status if self._status is None else self._status

    def _follow(self) -> int:
        if not BEARER.fullmatch(self._token):
            raise ValueError("this is no token, for it has characters that none has: copy it once more")
        self._namespace = self._api.whoami()["name"]
        job, stage = self._earlier()
        if stage in LIVE:
            self.remote = job
        elif job is not None and self._had_finished(stage):
            return 0
        else:
            self._run.forget_metrics_after(self._run.checkpoint_step())
            self.remote = self._submit(self._task, self._namespace)
        if self.remote is None:  # stopped during the upload
            return 0
        stage = self._wait()
        path = self._task.folder / REMOTE
        write_json(path, {**json.loads(path.read_text(encoding="utf-8")), "ended": True})
        self._fetch()
        if stage == "ERROR" and self._run.load_error() is None:
            self._run.save_error("remote", {"message": "the job ended with an error; see its log"})
        return 1 if stage == "ERROR" else 0

    def _wait(self) -> str:
        """Follow the job's log until the job has ended, and return its stage; retry a broken connection."""
        failures = 0
        while True:
            try:
                stage = self._stage()
                self.waiting = stage == "SCHEDULING"
                if not self.waiting:
                    self._read_log()
                    stage = self._stage()
                failures = 0
                if stage not in LIVE:
                    return stage
            except Exception as error:  # of any HTTP library
                failures += 1
                if self._status is not None or (failures >= MOST_FAILURES and self._asked is None):
                    raise
                self._log(self._sentence(error))
            time.sleep(WAIT_SECONDS if self.waiting and self._asked is None else AGAIN_SECONDS)

    def _stage(self) -> str:
        """Return the stage of the job that is followed; raises `GivenUpError` if it is not any more."""
        if self._status is not None:
            raise GivenUpError
        return str(self._api.inspect_job(job_id=self.remote or "", namespace=self._namespace).status.stage)

    def _read_log(self) -> None:
        logged = MetricsTail().rows(self._run.metrics_path)  # the log is always read from its start
        done = int(logged[-1]["step"]) if logged else 0
        first: dict[str, Any] | None = None
        for line in self._api.fetch_job_logs(job_id=self.remote or "", namespace=self._namespace, follow=True):
            if self._status is not None:
                raise GivenUpError
            self._log(line)
            if not line.startswith(ROW_MARK):
                continue
            row: dict[str, Any] = json.loads(line.removeprefix(ROW_MARK))
            first = first or row
            if row["step"] <= done:
                continue
            done = int(row["step"])
            self._run.append_metrics(row)
            if row is not first:  # by the job's own clock: rows arrive late and in batches
                self._run.save_progress(done, (row["time"] - first["time"]) / (done - first["step"]))

    def _earlier(self) -> tuple[str | None, str]:
        """Return id and stage of this task's detached job, after a restart of the app or a lost connection.

        Raises:
            AccountError: if it is of another account, which alone can tell whether it has ended, and end it.
        """
        path = self._task.folder / REMOTE
        stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if stored.get("namespace") != self._namespace:
            if may_run_on(self._task.folder):
                raise AccountError(stored["namespace"])
            return None, ""
        info = self._api.inspect_job(job_id=stored["job"], namespace=self._namespace)
        return str(stored["job"]), str(info.status.stage)

    def _had_finished(self, stage: str) -> bool:
        """Download the run of a job that ended unwatched, and return whether it is complete."""
        with suppress(RepositoryNotFoundError):  # deleted by its owner
            self._fetch()
        self._run.forget_error()  # from before the request to resume
        return stage != "ERROR" and self._run.checkpoint_step() == self._run.load_config()[1].steps

    def _fetch(self) -> None:
        """Download the job's last upload into the local run folder, each file atomically, and forget the job."""
        repo = f"{self._namespace}/unlabeled-{self._task.folder.name[:12]}"
        with temporary_folder(self._task.folder, "fetch-") as folder:
            self._api.snapshot_download(repo, allow_patterns=list(FETCHED), local_dir=folder)
            arrived = folder / "run"
            for path in sorted(arrived.rglob("*")):
                if path.is_file():
                    target = self._run.path / path.relative_to(arrived)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    path.replace(target)
        (self._task.folder / REMOTE).unlink(missing_ok=True)

    def _log(self, line: str) -> None:
        with self._task.log.open("a", encoding="utf-8") as file:
            file.write(line.rstrip("\n") + "\n")

    def _try(self, action: Callable[[], object]) -> bool:
        """Return whether an action succeeds; log an error of any HTTP library."""
        try:
            action()
        except Exception as error:
            self._log(self._sentence(error))
            return False
        return True

    def _sentence(self, error: Exception) -> str:
        """Return the first line of an error with the token replaced."""
        text = f"{type(error).__name__}: {error}"
        for form in (self._token, repr(self._token)[1:-1]):
            text = text.replace(form, "…")
        return text.splitlines()[0][:300]
