"""Jobs in real child processes: what they are given, what becomes of them when they are disturbed or killed.

The kills of the slow tests are few by default; twenty of each:

    UNLABELED_KILLS=20 .venv/bin/pytest --run-slow tests/models/training/jobs/test_processes.py -k kill
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from jobs_backend import TINY, dataset, submit

from models.checkpoints import load_folder
from models.training.execution.backends import ROOT, AccelerateLaunch, clean_environment
from models.training.jobs import JobManager, JobRequest, Limits, Snapshot
from models.training.loop.run_folder import RunFolder

KILLS = int(os.environ.get("UNLABELED_KILLS", "2"))
PATIENCE = 240.0  # children are niced: on a busy machine they wait long
LONG = {**TINY, "steps": 100_000}
KILL_STEPS = 600


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children of tests do not fight for cores, and add up in the same order as this process."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def open_manager(tmp_path: Path) -> Iterator[Callable[..., JobManager]]:
    opened: list[JobManager] = []

    def open_one(**options: Any) -> JobManager:
        manager = JobManager(tmp_path / "data", **{"save_seconds": 0.2, "limits": Limits(steps=10**6), **options})
        opened.append(manager)
        manager.start()
        return manager

    yield open_one
    for manager in opened:
        manager.close()


def until(manager: JobManager, job: Snapshot, ready: Callable[[Snapshot], bool]) -> Snapshot:
    """Wait until a job's snapshot is as wanted."""
    begun = time.monotonic()
    while not ready(seen := manager.snapshot(job.owner, job.id)):
        assert time.monotonic() - begun < PATIENCE, seen
        time.sleep(0.02)
    return seen


def until_state(manager: JobManager, job: Snapshot, *states: str) -> Snapshot:
    return until(manager, job, lambda seen: seen.state in states)


def run_of(manager: JobManager, job: Snapshot) -> RunFolder:
    return RunFolder(manager.folder / "jobs" / job.id / "run")


def child(manager: JobManager, job: Snapshot) -> psutil.Process:
    """The process of a running job, found by its working folder among the children of this one."""
    folder = str(manager.folder / "jobs" / job.id)
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        for process in psutil.Process().children():
            try:
                if process.cwd() == folder:
                    return process
            except psutil.Error:
                continue
    raise AssertionError(f"no process of job {job.id}")


def rows(run: RunFolder) -> list[dict[str, float]]:
    lines = run.metrics_path.read_text(encoding="utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "time"} for line in lines]


def assert_equals_uninterrupted(job: Snapshot, run: RunFolder, tmp_path: Path, steps: int) -> None:
    """Train the same in a process of its own in one go, and compare every logged number and every tensor."""
    data, log_every = run.path.parent / "data", f"--log-every={max(1, min(20, steps // 200))}"
    options = [f"--{name.replace('_', '-')}={job.config[name]}" for name in (*TINY, "seed")]
    arguments = ["--data", str(data), "--out", str(tmp_path / "whole"), "--device=cpu", log_every]
    command = [sys.executable, "-m", "models.training", "vae", *arguments, "--preview-every=100000", *options]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    whole = RunFolder(tmp_path / "whole")
    assert [row["step"] for row in rows(run)] == [row["step"] for row in rows(whole)]
    assert rows(run) == rows(whole)
    one, other = run.load_checkpoint(), whole.load_checkpoint()
    assert one is not None
    assert other is not None
    assert one.step == other.step == steps
    for part in ("model", "shown"):
        for name, tensor in one.state[part].items():
            assert torch.equal(tensor, other.state[part][name]), name


@pytest.mark.slow
def test_a_child_pauses_gap_free(open_manager: Callable[..., JobManager], tmp_path: Path) -> None:
    manager, steps = open_manager(), 240
    job = submit(manager, "ann", steps=steps)
    until(manager, job, lambda seen: seen.step > 5)
    process = child(manager, job)
    manager.pause("ann", job.id)
    paused = until_state(manager, job, "paused", "done")
    assert paused.state == "paused"
    assert not process.is_running()
    assert 0 < paused.step < steps
    assert paused.step == run_of(manager, job).checkpoint_step()
    manager.resume("ann", job.id)
    done = until_state(manager, job, "done", "failed")
    assert (done.state, done.error) == ("done", None)
    assert len(done.previews) == 24
    assert_equals_uninterrupted(job, run_of(manager, job), tmp_path, steps)
    weights = manager.weights("ann", job.id)
    assert not load_folder(weights).training
    assert str(tmp_path) not in (weights / "README.md").read_text() + (weights / "config.json").read_text()
    goes_on = manager.submit("ann", JobRequest("vae", TINY, dataset(manager, "ann"), f"job:{job.id}"))
    manager.delete("ann", job.id)
    assert until_state(manager, goes_on, "done", "failed").state == "done"
    first = manager.snapshot("ann", goes_on.id).metrics[0]["reconstruction"]
    scratch = rows(RunFolder(tmp_path / "whole"))[0]["reconstruction"]
    assert first < 0.7 * scratch


@pytest.mark.slow
def test_faults_of_one_job_after_another(open_manager: Callable[..., JobManager]) -> None:
    """One job is stopped, blown up, starved of memory, of disk and of an image, killed, and still has its weights."""
    manager = open_manager()
    job = manager.submit("ann", JobRequest("vae", LONG, dataset(manager, "ann")))
    until(manager, job, lambda seen: seen.step > 5)
    manager.stop("ann", job.id)
    stopped = until_state(manager, job, "stopped")
    run = run_of(manager, job)
    good = run.checkpoint_step()
    assert stopped.step == good > 5

    config = json.loads((run.path / "config.json").read_text())
    (run.path / "config.json").write_text(json.dumps({**config, "config": {**config["config"], "learning_rate": 1e30}}))
    manager.resume("ann", job.id)
    failed = until_state(manager, job, "failed")
    assert (failed.error, failed.step) == ("not_finite", run.checkpoint_step())
    checkpoint = run.load_checkpoint()
    assert checkpoint is not None
    assert all(tensor.isfinite().all() for tensor in checkpoint.state["shown"].values())
    (run.path / "config.json").write_text(json.dumps(config))

    temporary = run.checkpoint_path.with_suffix(".tmp")
    if Path("/dev/full").exists():
        before = run.checkpoint_step()
        temporary.symlink_to("/dev/full")
        manager.resume("ann", job.id)
        failed = until_state(manager, job, "failed")
        assert (failed.error, failed.step) == ("disk_full", before)
        assert not temporary.is_symlink()

    broken = sorted((run.path.parent / "data").iterdir())[0]
    broken.unlink()
    broken.write_bytes(b"not a picture any more")
    manager.resume("ann", job.id)
    until(manager, job, lambda seen: seen.step > failed.step)
    assert broken.name in (run.path.parent / "log.txt").read_text()
    child(manager, job).send_signal(signal.SIGKILL)
    killed = until_state(manager, job, "interrupted")
    assert (killed.error, killed.error_values["signal"]) == ("killed", 9)
    assert killed.step == run.checkpoint_step() >= failed.step

    manager.supervisor.policy.limits = Limits(memory=50 * 2**20)
    manager.resume("ann", job.id)
    failed = until_state(manager, job, "failed")
    assert (failed.error, failed.step) == ("out_of_memory", killed.step)


def test_a_child_is_niced_alone_without_secrets_and_goes_on_in_the_next_app(
    open_manager: Callable[..., JobManager], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_TOKEN", "OAUTH_CLIENT_SECRET", "openai_api_key", "ADMIN_PASSWORD"):
        monkeypatch.setenv(name, "hidden")
    first = open_manager()
    job = first.submit("ann", JobRequest("vae", LONG, dataset(first, "ann")))
    until(first, job, lambda seen: seen.step > 5)
    process = child(first, job)
    assert process.nice() == max(10, os.getpriority(os.PRIO_PROCESS, 0))
    assert os.getpgid(process.pid) == process.pid != os.getpgrp()
    assert "hidden" not in process.environ().values()
    assert process.environ()["HF_HUB_OFFLINE"] == "1"
    first.close()
    assert not process.is_running()
    second = open_manager()
    interrupted = second.snapshot("ann", job.id)
    assert (interrupted.state, interrupted.error) == ("interrupted", "interrupted")
    assert interrupted.step == run_of(second, job).checkpoint_step() > 5
    second.resume("ann", job.id)
    until(second, job, lambda seen: seen.step > interrupted.step)


@pytest.mark.slow
def test_an_estimate_is_measured_once_in_a_child_and_leaves_nothing(open_manager: Callable[..., JobManager]) -> None:
    manager = open_manager()
    request = JobRequest("vae", {**TINY, "steps": 400}, dataset(manager, "ann"))
    estimate = manager.estimate("ann", request)
    begun = time.monotonic()
    again = manager.estimate("ann", JobRequest("vae", {**TINY, "steps": 4000, "seed": 3}, request.data))
    assert time.monotonic() - begun < 0.5
    assert again.seconds_per_step == estimate.seconds_per_step
    assert again.seconds == pytest.approx(10 * estimate.seconds, rel=0.2)
    assert 50 * 2**20 < estimate.memory < 4 * 2**30
    assert not any((manager.folder / "scratch").iterdir())
    assert 1e-4 < estimate.seconds_per_step < 1.0  # a tiny step; the bench compares with jobs


def test_variables_that_look_like_secrets_do_not_reach_a_child() -> None:
    kept = clean_environment({"HF_TOKEN": "x", "my_secret": "x", "SSH_KEY_FILE": "x", "PATH": "/bin", "LANG": "C"})
    assert "x" not in kept.values()
    assert kept["PATH"] == "/bin"


@pytest.mark.slow
def test_kills_of_the_child_at_random_moments_lose_nothing(
    open_manager: Callable[..., JobManager], tmp_path: Path
) -> None:
    manager, chance, kills, jobs = open_manager(), random.Random(0), 0, 0
    while kills < KILLS:
        job, jobs = submit(manager, "ann", steps=KILL_STEPS, seed=jobs), jobs + 1
        while kills < KILLS and manager.snapshot("ann", job.id).state != "done":
            process = child(manager, job)
            deadline = time.monotonic() + chance.uniform(0.0, 6.0)
            while time.monotonic() < deadline and process.is_running():
                time.sleep(0.005)
            if not process.is_running():
                break
            process.kill()
            kills += 1
            seen = until_state(manager, job, "interrupted", "done")
            assert seen.step == run_of(manager, job).checkpoint_step()
            if seen.state == "interrupted":
                manager.resume("ann", job.id)
                until_state(manager, job, "running")
        assert until_state(manager, job, "done", "failed").state == "done"
        assert_equals_uninterrupted(job, run_of(manager, job), tmp_path / str(jobs), KILL_STEPS)


def training_processes(folder: Path) -> list[psutil.Process]:
    """All processes that train in a folder, without what one of them runs for a moment, such as ldconfig."""
    found: dict[int, tuple[int, psutil.Process]] = {}
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = process.ppid(), process
        except psutil.Error:
            continue
    return [process for parent, process in found.values() if parent not in found]


@pytest.mark.slow
def test_kills_of_the_app_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    chance, watcher = random.Random(1), JobManager(tmp_path / "data")  # the latter submits and never supervises
    command = [sys.executable, str(ROOT / "tests" / "support" / "jobs_app.py"), str(tmp_path / "data")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    jobs = [submit(watcher, "ann", steps=KILL_STEPS), submit(watcher, "bob", steps=40)]
    with (tmp_path / "app.log").open("ab") as log:
        for _ in range(KILLS):
            if all(watcher.snapshot(job.owner, job.id).state == "done" for job in jobs):
                jobs.append(submit(watcher, "ann", steps=KILL_STEPS, seed=len(jobs)))
            app = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            deadline = time.monotonic() + chance.uniform(1.0, 9.0)
            while time.monotonic() < deadline:
                assert all(len(training_processes(watcher.folder / "jobs" / job.id)) <= 1 for job in jobs)
                time.sleep(0.05)
            app.kill()
            app.wait()
        app = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            assert [until_state(watcher, job, "done", "failed").state for job in jobs] == ["done"] * len(jobs)
        finally:
            app.terminate()
            app.wait()
    for job in jobs:
        assert not training_processes(watcher.folder / "jobs" / job.id)
        assert_equals_uninterrupted(job, run_of(watcher, job), tmp_path / job.id, job.total)
    watcher.close()


@pytest.mark.slow
def test_two_processes_share_a_job_by_accelerate_and_stop_together(
    open_manager: Callable[..., JobManager],
) -> None:
    manager = open_manager(backend=AccelerateLaunch(2, device="cpu"))
    job = manager.submit("ann", JobRequest("vae", LONG, dataset(manager, "ann")))
    until(manager, job, lambda seen: seen.step > 5)
    launcher = child(manager, job)
    assert len(launcher.children()) == 2
    assert {process.nice() for process in launcher.children()} == {launcher.nice()}
    manager.pause("ann", job.id)
    paused = until_state(manager, job, "paused")
    assert paused.step == run_of(manager, job).checkpoint_step() > 5
    manager.resume("ann", job.id)
    until(manager, job, lambda seen: seen.step > paused.step)
    manager.stop("ann", job.id)
    assert until_state(manager, job, "stopped").step > paused.step
