"""Jobs on Hugging Face, over the real client, against a stand-in that really runs what it is sent."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import huggingface_hub.constants
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError
from jobs_backend import TINY, dataset, submit
from jobs_server import NAME, TOKEN, JobsServer, jobs_server

from models.checkpoints import load_folder
from models.training.execution import hf_worker, remote_handle
from models.training.execution.backends import ROOT, Task
from models.training.execution.hf_jobs import BEGIN, DEPENDENCIES, HFJobs, stage
from models.training.execution.hf_worker import ROW_MARK
from models.training.execution.remote_handle import RemoteHandle
from models.training.jobs import JobError, JobManager, JobRequest, Snapshot
from models.training.loop.metrics_tail import MetricsTail
from models.training.loop.run_folder import Checkpoint, RunFolder, write_json

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


@pytest.mark.slow
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


@pytest.mark.slow
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
    with pytest.raises(JobError, match="remote_on"):  # nobody could end it there, and it would go on unseen
        second.stop("ann", job.id)
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


@pytest.mark.slow
def test_a_job_that_ended_unwatched_is_downloaded_and_not_trained_again(
    manager: JobManager, server: JobsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = HfApi.fetch_job_logs

    def breaks_off(api: HfApi, **job: Any) -> Iterator[str]:
        for line in read(api, **job):
            yield line
            if line.startswith(ROW_MARK):
                raise ConnectionError("the way to the Hub is lost")

    monkeypatch.setattr(remote_handle, "AGAIN_SECONDS", 0.01)
    backend = HFJobs(TOKEN, endpoint=server.url)
    with monkeypatch.context() as away:
        away.setattr(HfApi, "fetch_job_logs", breaks_off)
        job = manager.submit("ann", JobRequest("vae", {**TINY, "steps": 20}, dataset(manager, "ann")), backend)
        lost = until(manager, job, lambda seen: seen.state not in {"queued", "running"})
    assert (lost.state, lost.error, len(lost.metrics)) == ("interrupted", "remote_on", 1)
    until(manager, job, lambda seen: server.jobs["job0"].stage == "COMPLETED")
    run = RunFolder(manager.folder / "jobs" / job.id / "run")
    run.save_checkpoint(Checkpoint(1, {}, {}))  # as of a job that had been paused before
    manager.resume("ann", job.id, backend)
    done = until(manager, job, lambda seen: seen.state not in {"queued", "running"})
    assert (done.state, done.error, done.step) == ("done", None, 20)
    assert [row["step"] for row in done.metrics] == list(range(1, 21))
    assert list(server.jobs) == ["job0"]
    assert not load_folder(manager.weights("ann", job.id)).training


@pytest.mark.slow
@pytest.mark.parametrize(("back", "stage"), [(True, "CANCELED"), (False, "RUNNING")])
def test_a_detached_job_is_cancelled_before_its_deletion_or_reported(
    manager: JobManager, server: JobsServer, monkeypatch: pytest.MonkeyPatch, back: bool, stage: str
) -> None:
    def away(api: HfApi, **job: Any) -> Any:
        raise ConnectionError("the way to the Hub is lost")

    monkeypatch.setattr(remote_handle, "AGAIN_SECONDS", 0.01)
    request = JobRequest("vae", {**TINY, "steps": 20_000}, dataset(manager, "ann"))
    with monkeypatch.context() as lost:
        lost.setattr(HfApi, "fetch_job_logs", away)
        lost.setattr(HfApi, "inspect_job", away)
        job = manager.submit("ann", request, HFJobs(TOKEN, endpoint=server.url))
        until(manager, job, lambda seen: seen.error == "remote_on")
        assert server.jobs["job0"].stage == "RUNNING"
        if back:
            lost.undo()
        assert manager.delete("ann", job.id) is not back
    assert (manager.jobs("ann"), server.jobs["job0"].stage) == ([], stage)
    assert not len(manager._backends)  # with its login


@pytest.mark.slow
def test_a_job_that_failed_there_once_can_be_done_later(tmp_path: Path, server: JobsServer) -> None:
    manager = JobManager(tmp_path / "data")
    request = JobRequest("vae", {**TINY, "steps": 20}, dataset(manager, "ann"))
    job = manager.submit("ann", request, HFJobs(TOKEN, endpoint=server.url))
    earlier = {"code": "crashed", "values": {"message": "of an earlier try"}}
    server.files[f"{NAME}/unlabeled-{job.id[:12]}"] = {"run/error.json": json.dumps(earlier).encode()}
    manager.start()
    done = until(manager, job, lambda seen: seen.state not in {"queued", "running"})
    assert (done.state, done.error, done.step) == ("done", None, 20)
    manager.close()


class OneJob:
    """The Hub with one job, in some stage, and what that had uploaded up to a step, if anything."""

    token = TOKEN

    def __init__(self, stage: str, step: int | None) -> None:
        self.stage, self.step = stage, step

    def follow(self, folder: Path, send: Callable[[Task, str], str]) -> int:
        """Return how a task in a folder ends; `send` is what would submit it."""
        handle = RemoteHandle(cast(HfApi, self), Task([], folder, folder / "log.txt"), send)
        handle.start()
        begun = time.monotonic()
        while (status := handle.poll()) is None:
            assert time.monotonic() - begun < PATIENCE
            time.sleep(0.01)
        return status

    def whoami(self) -> dict[str, str]:
        return {"name": NAME}

    def inspect_job(self, job_id: str, namespace: str) -> SimpleNamespace:
        return SimpleNamespace(status=SimpleNamespace(stage=self.stage))

    def fetch_job_logs(self, **_: Any) -> Iterator[str]:
        yield from ()

    def snapshot_download(self, repo: str, local_dir: str, **_: Any) -> None:
        if self.step is None:
            raise RepositoryNotFoundError("404", response=cast(Any, SimpleNamespace(headers={}, request=None)))
        there = RunFolder(Path(local_dir) / "run")
        there.save_error("crashed", {"message": "of an earlier try"})
        fill(there, self.step)


def fill(run: RunFolder, step: int) -> None:
    """Write a checkpoint, and rows of that many steps and two more."""
    run.save_checkpoint(Checkpoint(step, {}, {}))
    for logged in range(1, step + 3):
        run.append_metrics({"step": logged, "time": logged})


@pytest.mark.parametrize(
    ("stage", "step", "sent"),
    [("COMPLETED", 40, None), ("CANCELED", 40, None), ("CANCELED", 20, 20), ("ERROR", 40, 40), ("DELETED", None, 3)],
)
def test_resume_after_an_unwatched_end(tmp_path: Path, stage: str, step: int | None, sent: int | None) -> None:
    """A job is sent only where steps, or what comes after them, are left to do, and then from the newest checkpoint."""
    resting = JobManager(tmp_path / "data")
    folder = resting.folder / "jobs" / submit(resting, "ann").id
    run = RunFolder(folder / "run")
    fill(run, 3)
    write_json(folder / "remote.json", {"job": "job0", "namespace": NAME, "repo": f"{NAME}/some"})
    went: list[tuple[int, int, object]] = []

    def send(task: Task, namespace: str) -> str:
        went.append((run.checkpoint_step(), len(MetricsTail().rows(run.metrics_path)), run.load_error()))
        return "job1"

    status = OneJob(stage, step).follow(folder, send)
    assert went == ([] if sent is None else [(sent, sent, None)])
    assert sent is not None or (status, run.checkpoint_step(), run.load_error()) == (0, 40, None)
    resting.close()


class TalkingJob(OneJob):
    """A job that took long to begin, and whose rows then come all at once; `told` is the progress after each."""

    def __init__(self, run: RunFolder) -> None:
        super().__init__("RUNNING", 9)
        self.run, self.told = run, list[Any]()

    def fetch_job_logs(self, **_: Any) -> Iterator[str]:
        for step, clock in ((3, 5000.0), (6, 5600.0), (9, 5900.0)):
            yield ROW_MARK + json.dumps({"step": step, "time": clock})
            self.told.append(self.run.load_progress())
        self.stage = "COMPLETED"


@pytest.mark.parametrize("again", [False, True])
def test_the_speed_is_measured_by_the_clock_of_the_job(tmp_path: Path, again: bool) -> None:
    resting = JobManager(tmp_path / "data")
    folder = resting.folder / "jobs" / submit(resting, "ann").id
    job = TalkingJob(RunFolder(folder / "run"))
    if again:  # two of the rows were read before the app was restarted
        write_json(folder / "remote.json", {"job": "job0", "namespace": NAME, "repo": f"{NAME}/some"})
        for step in (3, 6):
            job.run.append_metrics({"step": step, "time": 0.0})
    job.follow(folder, lambda task, namespace: "job0")
    second = None if again else {"step": 6, "seconds_per_step": 200.0}
    assert job.told == [None, second, {"step": 9, "seconds_per_step": 150.0}]
    resting.close()


@pytest.mark.parametrize(("token", "refuse", "word"), [(TOKEN, 402, "402"), ("hf_wrong", None, "Invalid")])
def test_a_refusal_of_the_hub_is_reported_in_one_sentence(
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


@pytest.mark.parametrize("token", ["hf_ab\ncd", "hf_ab cd", "hf_ab…cd"])
def test_a_token_that_is_none_is_sent_and_kept_nowhere(manager: JobManager, server: JobsServer, token: str) -> None:
    backend = HFJobs(token, endpoint=server.url)
    job = manager.submit("ann", JobRequest("vae", TINY, dataset(manager, "ann")), backend)
    failed = until(manager, job, lambda seen: seen.state not in {"queued", "running"})
    assert (failed.state, failed.error, server.paths) == ("failed", "remote", [])
    assert "no token" in failed.error_values["message"]
    assert_nowhere("hf_ab", manager.folder)  # the database is one of the files


class QuotingHub(OneJob):
    """A Hub whose errors quote the login, as it is and as Python writes it."""

    def __init__(self, token: str) -> None:
        super().__init__("", None)
        self.token = token

    def whoami(self) -> dict[str, str]:
        raise RuntimeError(f"{self.token} or {f'Bearer {self.token}'.encode()!r}")


def test_no_error_tells_the_login(tmp_path: Path) -> None:
    resting = JobManager(tmp_path / "data")
    folder = resting.folder / "jobs" / submit(resting, "ann").id
    assert QuotingHub(TOKEN).follow(folder, lambda task, namespace: "job0") == 1
    assert RunFolder(folder / "run").load_error() == ("remote", {"message": "RuntimeError: … or b'Bearer …'"})
    assert_nowhere(TOKEN, resting.folder)
    resting.close()


def test_what_is_sent_has_the_starting_weights_and_the_run_so_far(manager: JobManager, tmp_path: Path) -> None:
    request = JobRequest("vae", {"steps": 20}, dataset(manager, "ann"), start="vae-fruit")
    job = manager.submit("ann", request, HFJobs(TOKEN, endpoint="http://127.0.0.1:9"))
    folder = manager.folder / "jobs" / job.id
    stage(Task(["vae", "--data", "data", "--out", "run"], folder, folder / "log.txt"), tmp_path)
    assert load_folder(tmp_path / "init").training is False
    assert RunFolder(tmp_path / "run").load_init() == "init"
    assert (tmp_path / "code.zip").stat().st_size < 500_000
    assert len(BEGIN) < 255  # the client asks whether it is a file


def test_a_job_needs_none_of_the_packages_that_it_does_not_install() -> None:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    absent = {re.split("[<>=]", line)[0] for line in lines} - set(DEPENDENCIES)
    modules = [name for name, packages in packages_distributions().items() if absent & set(packages)]
    assert "gradio" in modules and "torch" not in modules
    code = f"import sys; sys.modules.update(dict.fromkeys({modules})); import models.training.__main__"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_what_a_killed_process_was_sending_or_fetching_is_deleted_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "fetch-killed" / "run").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    with remote_handle.temporary_folder(tmp_path, "fetch-") as folder:
        assert folder.is_dir()
        assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "data", folder])
    assert list(tmp_path.iterdir()) == [tmp_path / "data"]


def test_the_stand_in_wants_a_login(server: JobsServer) -> None:
    from huggingface_hub.errors import HfHubHTTPError

    assert HfApi(endpoint=server.url, token=TOKEN).whoami()["name"] == NAME
    with pytest.raises(HfHubHTTPError):
        HfApi(endpoint=server.url, token="hf_wrong").whoami()


class Flaky:
    """The Hub's client, whose next uploads fail."""

    def __init__(self, failures: int) -> None:
        self.failures, self.tried = failures, list[str]()

    def upload_folder(self, **folder: Any) -> None:
        self.tried.append(folder["commit_message"])
        self.failures -= 1
        if self.failures >= 0:
            raise ConnectionError("hf_secret could not be sent")


@pytest.mark.parametrize(("failures", "tries", "asked"), [(0, 1, 1), (3, 1, 1), (3, 10, 4), (9, 10, 10)])
def test_an_upload_that_fails_does_not_end_the_training(
    failures: int, tries: int, asked: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hf_worker, "AGAIN_SECONDS", 0.0)
    api = Flaky(failures)
    hf_worker.upload(api, "ada/run", 40, tries)  # type: ignore[arg-type]
    assert api.tried == ["Step 40"] * asked
    told = capsys.readouterr().out
    assert told.count("ConnectionError") == min(failures, tries) and "hf_secret" not in told


def test_a_run_that_cannot_be_uploaded_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hf_worker, "AGAIN_SECONDS", 0.0)
    with pytest.raises(ConnectionError):
        hf_worker.upload(Flaky(10), "ada/run", 40, 10)  # type: ignore[arg-type]
