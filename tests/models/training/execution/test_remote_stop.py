"""Ending jobs on Hugging Face: what is said to have ended has ended there, against a Hub that goes away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from jobs_backend import TINY, Clock, dataset
from jobs_server import TOKEN

from models.training.execution import remote_handle
from models.training.execution.hf_jobs import HFJobs
from models.training.jobs import JobManager, JobRequest, Limits, Snapshot

PATIENCE = 60.0


class FakeHub:
    """A Hub whose jobs do nothing until they are cancelled, reached by some account, or not at all."""

    def __init__(self, account: str = "ann", token: str = TOKEN) -> None:
        self.token, self.account, self.away, self.fetchable = token, account, False, True
        self.stages: dict[str, str] = {}
        self.begin = "RUNNING"
        self.uploading, self.uploaded = threading.Event(), threading.Event()
        self.uploaded.set()

    def answer(self) -> None:
        if self.away:
            raise ConnectionError("the way to the Hub is lost")

    def whoami(self) -> dict[str, str]:
        self.answer()
        return {"name": self.account}

    def create_repo(self, repo: str, **_: Any) -> None:
        self.answer()

    def upload_folder(self, **_: Any) -> None:
        self.answer()
        self.uploading.set()
        assert self.uploaded.wait(PATIENCE)

    def run_uv_job(self, *_: Any, **__: Any) -> SimpleNamespace:
        self.answer()
        job_id = f"job{len(self.stages)}"
        self.stages[job_id] = self.begin
        return SimpleNamespace(id=job_id)

    def inspect_job(self, job_id: str, namespace: str) -> SimpleNamespace:
        self.answer()
        return SimpleNamespace(status=SimpleNamespace(stage=self.stages[job_id]))

    def cancel_job(self, job_id: str, namespace: str) -> None:
        self.answer()
        self.stages[job_id] = "CANCELED"

    def fetch_job_logs(self, **_: Any) -> Iterator[str]:
        self.answer()
        yield "a line"

    def snapshot_download(self, *_: Any, **__: Any) -> None:
        self.answer()
        if not self.fetchable:
            raise OSError("the download broke off")


def backend(hub: FakeHub) -> HFJobs:
    made = HFJobs(hub.token, endpoint="http://127.0.0.1:9")
    made._api = cast(Any, hub)
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0)


@pytest.fixture
def manager(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobManager]:
    monkeypatch.setattr(remote_handle, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(remote_handle, "WAIT_SECONDS", 0.01)
    manager = JobManager(tmp_path / "data", Limits(wall_seconds=7200, stall_seconds=1800), monotonic=clock)
    yield manager
    manager.close()


def submit(manager: JobManager, hub: FakeHub) -> Snapshot:
    return manager.submit("ann", JobRequest("vae", TINY, dataset(manager, "ann")), backend(hub))


def until(manager: JobManager, job: Snapshot, ready: Callable[[Snapshot], bool]) -> Snapshot:
    """Let the supervisor work until a job is as wanted, at a clock that stands still."""
    begun = time.monotonic()
    while not ready(seen := manager.snapshot(job.owner, job.id)):
        manager.supervisor.turn()
        assert time.monotonic() - begun < PATIENCE, seen
        time.sleep(0.005)
    return seen


def ended(seen: Snapshot) -> bool:
    return seen.state not in ("queued", "running")


def started(hub: FakeHub) -> Callable[[Snapshot], bool]:
    return lambda seen: bool(hub.stages)


def running_away(manager: JobManager, hub: FakeHub) -> Snapshot:
    """Return a job that runs on a Hub that cannot be reached any more."""
    job = submit(manager, hub)
    remote = manager.folder / "jobs" / job.id / "remote.json"
    until(manager, job, lambda seen: remote.exists())
    hub.away = True
    return job


@pytest.mark.parametrize("end", ["stop", "pause"])
def test_a_job_that_cannot_be_ended_is_not_said_to_have_ended(
    manager: JobManager, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(remote_handle, "LEAVE_SECONDS", 0.3)
    hub = FakeHub()
    job = running_away(manager, hub)
    getattr(manager, end)("ann", job.id)
    lost = until(manager, job, ended)
    assert (lost.state, lost.error, hub.stages) == ("interrupted", "remote_on", {"job0": "RUNNING"})
    hub.away = False
    manager.resume("ann", job.id)  # the login is still held
    until(manager, job, lambda seen: seen.state == "running")
    manager.stop("ann", job.id)
    assert until(manager, job, ended).state == "stopped"
    assert hub.stages == {"job0": "CANCELED"}


def test_a_job_that_cannot_be_ended_is_not_deleted(manager: JobManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_handle, "LEAVE_SECONDS", 0.3)
    hub = FakeHub()
    job = running_away(manager, hub)
    assert not manager.delete("ann", job.id)
    begun = time.monotonic()
    while not manager.jobs("ann"):
        manager.supervisor.turn()
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.005)
    (back,) = manager.jobs("ann")
    assert (back.state, back.error) == ("interrupted", "remote_on")
    assert manager.delete("ann", job.id), "the visitor is told that it may run on"


def test_the_request_to_end_outlasts_an_outage(manager: JobManager) -> None:
    hub = FakeHub()
    job = running_away(manager, hub)
    manager.stop("ann", job.id)
    begun = time.monotonic()
    while time.monotonic() - begun < 2 * remote_handle.MOST_FAILURES * remote_handle.AGAIN_SECONDS + 0.5:
        manager.supervisor.turn()
        time.sleep(0.01)
    assert manager.snapshot("ann", job.id).state == "running"
    hub.away = False
    assert until(manager, job, ended).state == "stopped"
    assert hub.stages == {"job0": "CANCELED"}


def test_a_job_that_does_not_end_is_given_up(manager: JobManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_handle, "LEAVE_SECONDS", 0.3)
    hub = FakeHub()
    job = submit(manager, hub)
    until(manager, job, started(hub))
    monkeypatch.setattr(hub, "cancel_job", lambda **job: None)  # accepted, and without effect
    manager.stop("ann", job.id)
    seen = until(manager, job, ended)
    assert (seen.state, seen.error) == ("interrupted", "remote_on")


def test_a_connection_lost_for_good_is_not_a_refusal(manager: JobManager) -> None:
    hub = FakeHub()
    seen = until(manager, running_away(manager, hub), ended)
    assert (seen.state, seen.error, hub.stages) == ("interrupted", "remote_on", {"job0": "RUNNING"})


def test_a_result_that_could_not_be_fetched_is_no_job_that_runs_on(manager: JobManager) -> None:
    hub = FakeHub()
    hub.begin, hub.fetchable = "COMPLETED", False
    job = submit(manager, hub)
    seen = until(manager, job, ended)
    assert (seen.state, seen.error) == ("failed", "remote")
    assert "broke off" in seen.error_values["message"]
    manager.resume("ann", job.id, backend(hub))
    until(manager, job, ended)
    assert hub.stages == {"job0": "COMPLETED"}, "its result is fetched again before another one is started"
    assert not manager.delete("ann", job.id)


def test_a_job_stopped_during_its_first_upload_is_never_started(manager: JobManager) -> None:
    hub = FakeHub()
    hub.uploaded.clear()
    job = submit(manager, hub)
    until(manager, job, lambda seen: hub.uploading.is_set())
    manager.stop("ann", job.id)
    manager.supervisor.turn()
    hub.uploaded.set()
    assert until(manager, job, ended).state == "stopped"
    assert hub.stages == {}


def test_an_upload_that_hangs_is_given_up_and_starts_nothing_later(
    manager: JobManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_handle, "LEAVE_SECONDS", 0.2)
    hub = FakeHub()
    hub.uploaded.clear()
    job = submit(manager, hub)
    until(manager, job, lambda seen: hub.uploading.is_set())
    (watching,) = (one for one in threading.enumerate() if one.name == "training-remote" and one.is_alive())
    manager.stop("ann", job.id)
    assert until(manager, job, ended).state == "stopped"
    hub.uploaded.set()
    watching.join(PATIENCE)
    assert hub.stages == {}


def test_waiting_for_hardware_is_neither_standing_still_nor_running(manager: JobManager, clock: Clock) -> None:
    hub = FakeHub()
    hub.begin = "SCHEDULING"
    job = submit(manager, hub)
    manager.supervisor.turn()
    handle = manager.supervisor._running[job.id].handle
    until(manager, job, lambda seen: handle.waiting)
    for _ in range(20):
        clock.now += 1000
        manager.supervisor.turn()
    row = manager.supervisor.store.row(job.id)
    assert row is not None and (row.state, row.wish) == ("running", None) and row.spent < 1
    assert manager.supervisor._running[job.id].asked is None
    hub.stages["job0"] = "RUNNING"
    until(manager, job, lambda seen: not handle.waiting)
    clock.now += 1900
    stalled = until(manager, job, ended)
    assert (stalled.state, stalled.error) == ("failed", "stalled")


def test_another_accounts_login_starts_no_second_job(manager: JobManager) -> None:
    ann, bob = FakeHub("ann"), FakeHub("bob")
    bob.stages = ann.stages  # one Hub
    job = running_away(manager, ann)
    until(manager, job, ended)
    manager.resume("ann", job.id, backend(bob))
    refused = until(manager, job, ended)
    assert (refused.state, refused.error) == ("interrupted", "remote_account")
    assert refused.error_values["account"] == "ann"
    assert ann.stages == {"job0": "RUNNING"}
    assert job.id not in manager._backends, "a login that is of no use is not held"
    ann.away = False
    manager.resume("ann", job.id, backend(ann))
    until(manager, job, lambda seen: seen.state == "running")
    manager.stop("ann", job.id)
    assert until(manager, job, ended).state == "stopped"
    assert ann.stages == {"job0": "CANCELED"}


def test_a_crashed_app_does_not_say_that_a_job_was_stopped(manager: JobManager, tmp_path: Path, clock: Clock) -> None:
    hub = FakeHub()
    job = running_away(manager, hub)
    manager.stop("ann", job.id)
    manager.supervisor.release()  # the app is gone before the request was sent
    again = JobManager(tmp_path / "data", resume_interrupted=True, monotonic=clock)
    seen = until(again, job, ended)
    assert (seen.state, seen.error) == ("interrupted", "remote_lost")
    again.close()
