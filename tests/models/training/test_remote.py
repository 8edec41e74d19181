"""Jobs on Hugging Face, over the real client, against a stand-in that really runs what it is sent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from huggingface_hub import HfApi
from jobs_backend import TINY, dataset
from jobs_server import NAME, TOKEN, JobsServer, jobs_server

from models.checkpoints import load_folder
from models.training.backends import Task
from models.training.jobs import JobError, JobManager, JobRequest, Snapshot
from models.training.remote import BEGIN, HFJobs, stage
from models.training.runs import RunFolder

PATIENCE = 240.0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JobsServer]:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    with jobs_server() as running:
        yield running


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[JobManager]:
    manager = JobManager(tmp_path / "data")
    manager.start()
    yield manager
    manager.close()


def until(manager: JobManager, job: Snapshot, ready: Callable[[Snapshot], bool]) -> Snapshot:
    begun = time.monotonic()
    while not ready(seen := manager.snapshot(job.owner, job.id)):
        log = manager.folder / "jobs" / job.id / "log.txt"
        assert time.monotonic() - begun < PATIENCE, (seen, log.read_text() if log.exists() else "")
        time.sleep(0.02)
    return seen


def assert_nowhere(token: str, folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path


def test_a_job_trains_there_and_its_weights_are_here(manager: JobManager, server: JobsServer) -> None:
    backend = HFJobs(TOKEN, flavor="cpu-basic", timeout="1h", endpoint=server.url)
    request = JobRequest("vae", {**TINY, "steps": 20}, dataset(manager, "ann"))
    job = manager.submit("ann", request, backend)
    done = until(manager, job, lambda seen: seen.state not in {"queued", "running"})
    assert (done.state, done.error, done.step) == ("done", None, 20)
    assert [row["step"] for row in done.metrics] == list(range(1, 21))
    assert done.previews
    assert not load_folder(manager.weights("ann", job.id)).training
    spec = server.jobs["job0"].spec
    assert spec["command"][:3] == ["uv", "run", "--with"]
    assert (spec["flavor"], spec["timeoutSeconds"]) == ("cpu-basic", 3600)
    assert TOKEN not in json.dumps({key: value for key, value in spec.items() if key != "secrets"})
    assert_nowhere(TOKEN, manager.folder)
    assert TOKEN not in repr(backend)


def test_a_job_is_cancelled_there_and_a_restarted_app_finds_it_again(
    server: JobsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel, asked = HfApi.cancel_job, []

    def lost_at_first(api: HfApi, **job: Any) -> None:
        asked.append(job)
        if len(asked) == 1:
            raise RuntimeError("the request was lost on its way")
        cancel(api, **job)

    monkeypatch.setattr(HfApi, "cancel_job", lost_at_first)
    backend = HFJobs(TOKEN, endpoint=server.url)
    first = JobManager(tmp_path / "data")
    job = first.submit("ann", JobRequest("vae", {**TINY, "steps": 20_000}, dataset(first, "ann")), backend)
    first.supervisor.turn()
    until(first, job, lambda seen: seen.step > 100)
    first.supervisor.release()  # the app is gone, the job there is not
    second = JobManager(tmp_path / "data", resume_interrupted=True)
    second.start()
    lost = until(second, job, lambda seen: seen.state == "interrupted")
    assert lost.error == "remote_lost"  # it does not go on by itself: nobody has the login any more
    with pytest.raises(JobError, match="remote_lost"):
        second.resume("ann", job.id)
    second.resume("ann", job.id, backend)
    until(second, job, lambda seen: seen.step > 200)
    second.close()  # an app that ends leaves it running, too
    second = JobManager(tmp_path / "data")
    second.start()
    left = second.snapshot("ann", job.id)
    assert (left.state, left.error, server.jobs["job0"].stage) == ("interrupted", "remote_lost", "RUNNING")
    second.resume("ann", job.id, backend)
    again = until(second, job, lambda seen: seen.step > 300)
    assert again.state == "running"
    assert list(server.jobs) == ["job0"]  # the same one
    second.stop("ann", job.id)
    until(second, job, lambda seen: seen.state == "stopped")
    assert server.jobs["job0"].stage == "CANCELED"
    assert len(asked) == 2
    second.close()
    first.close()


@pytest.mark.parametrize(("token", "refuse", "word"), [(TOKEN, 402, "402"), ("hf_wrong", None, "Invalid")])
def test_what_the_hub_refuses_is_said_in_a_sentence(
    manager: JobManager, server: JobsServer, token: str, refuse: int | None, word: str
) -> None:
    server.refuse = refuse
    backend = HFJobs(token, endpoint=server.url)
    job = manager.submit("ann", JobRequest("vae", TINY, dataset(manager, "ann")), backend)
    failed = until(manager, job, lambda seen: seen.state not in {"queued", "running"})
    assert (failed.state, failed.error) == ("failed", "remote")
    assert word in failed.error_values["message"]
    assert token not in failed.error_values["message"]
    assert_nowhere(token, manager.folder)


def test_what_is_sent_has_the_starting_weights_and_the_run_so_far(manager: JobManager, tmp_path: Path) -> None:
    request = JobRequest("vae", {"steps": 20}, dataset(manager, "ann"), start="vae-fruit")
    job = manager.submit("ann", request, HFJobs(TOKEN, endpoint="http://127.0.0.1:9"))
    folder = manager.folder / "jobs" / job.id
    stage(Task(["vae", "--data", "data", "--out", "run"], folder, folder / "log.txt"), tmp_path)
    assert load_folder(tmp_path / "init").training is False
    assert RunFolder(tmp_path / "run").load_init() == "init"
    assert (tmp_path / "code.zip").stat().st_size < 500_000
    assert len(BEGIN) < 255  # the client asks whether it is a file


def test_the_stand_in_wants_a_login(server: JobsServer) -> None:
    from huggingface_hub.errors import HfHubHTTPError

    assert HfApi(endpoint=server.url, token=TOKEN).whoami()["name"] == NAME
    with pytest.raises(HfHubHTTPError):
        HfApi(endpoint=server.url, token="hf_wrong").whoami()
