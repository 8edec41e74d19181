"""Runs on a volume: copied when they rest, back after the local disk was lost, gone when their owner deletes them."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jobs_backend import FakeBackend, dataset, submit

from models.checkpoints import load_folder
from models.training.execution.backends import ROOT, Task
from models.training.jobs import JobManager, JobRequest, Snapshot
from models.training.jobs.volume import Volume

PATIENCE = 240.0
APP = Path(__file__).parents[3] / "support" / "jobs_app.py"


def save(task: Task) -> None:
    """Stand in for a training's checkpoint."""
    (task.folder / "run" / "checkpoint.pt").write_bytes(b"checkpoint")


class Host:
    """A host whose local disk is lost, over a volume that is not."""

    def __init__(self, folder: Path) -> None:
        self.local, self.storage, self.starts = folder / "local", folder / "storage", 0
        self.backend: Any = FakeBackend(save)
        self.start()

    def start(self) -> None:
        self.manager = JobManager(self.local, backend=self.backend, volume=self.storage)
        assert self.manager.supervisor.volume is not None
        self.volume: Volume = self.manager.supervisor.volume

    def lose(self) -> None:
        """Start again with an empty disk."""
        self.manager.close()
        shutil.rmtree(self.local)
        self.start()

    def train(self, owner: str = "ann", status: int = 0) -> Snapshot:
        """Let a job run to its end."""
        job = submit(self.manager, owner)
        self.manager.supervisor.turn()
        self.backend.last.status = status
        self.manager.supervisor.turn()
        return self.manager.snapshot(owner, job.id)

    def copies(self) -> list[str]:
        return sorted(path.name for path in (self.storage / "runs").iterdir())


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    running = Host(tmp_path)
    yield running
    running.manager.close()


def test_what_has_ended_comes_back_to_an_empty_disk(host: Host) -> None:
    ended = host.train()
    waiting = submit(host.manager, "ben")
    images = sorted(path.name for path in host.manager.images("ann", ended.id).iterdir())
    host.volume.sync()
    assert host.copies() == [f"{ended.id}.zip"], "what has not begun has nothing to lose"
    host.lose()
    assert host.manager.jobs("ann") == []
    host.volume.restore()
    assert host.manager.snapshot("ann", ended.id) == ended
    assert sorted(path.name for path in host.manager.images("ann", ended.id).iterdir()) == images
    assert not host.manager.exists(waiting.id)
    assert host.manager.jobs("ben") == [], "a job comes back to its owner alone"
    assert [path.name for path in host.local.glob("*.sqlite")] == ["jobs.sqlite"]
    assert not list(host.storage.rglob("*.sqlite*")), "the database stays on the local disk"


def test_a_job_that_goes_on_is_copied_again_when_it_rests(host: Host) -> None:
    job = host.train(status=-9)
    assert job.state == "interrupted"
    host.volume.sync()
    host.lose()
    host.volume.restore()
    host.manager.resume("ann", job.id)
    host.manager.supervisor.turn()
    host.volume.sync()
    host.backend.last.status = 0
    host.manager.supervisor.turn()
    host.volume.sync()
    ended = host.manager.snapshot("ann", job.id)
    assert ended.finished != job.finished
    host.lose()
    host.volume.restore()
    assert host.manager.snapshot("ann", job.id) == ended


def test_a_job_that_goes_on_meanwhile_is_not_copied(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    job = host.train(status=-9)
    row = host.manager._store.row(job.id)
    assert row is not None
    host.manager.resume("ann", job.id)
    host.volume.keep(row)
    assert host.copies() == []


def test_what_is_deleted_does_not_come_back(host: Host) -> None:
    first, second = host.train(), host.train("ben")
    host.volume.sync()
    host.manager.delete("ann", first.id)
    assert host.copies() == [f"{second.id}.zip"]
    host.manager._store.remove(second.id)  # as another app on the same folder does
    host.volume.sync()
    assert host.copies() == []


def test_a_damaged_copy_harms_no_other(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    job = host.train()
    host.volume.sync()
    (host.storage / "runs" / f"{'0' * 32}.zip").write_bytes(b"half a co")
    (host.storage / "runs" / f"{'1' * 32}.part").write_bytes(b"of an app that was killed")
    host.lose()
    with caplog.at_level(logging.WARNING):
        host.volume.restore()
    assert [each.id for each in host.manager.jobs("ann")] == [job.id]
    assert "could not be brought back" in caplog.text
    assert "ann" not in caplog.text


def test_a_full_volume_stops_nothing(
    host: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    host.train()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("models.training.jobs.volume.os.replace", full)
    monkeypatch.setattr("models.training.jobs.volume.TICK_SECONDS", 0.0)
    with caplog.at_level(logging.WARNING):
        host.volume._attempt(host.volume.sync)
    assert "No space left" in caplog.text


@contextmanager
def app_on(local: Path, storage: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An app with a volume in a process of its own, to be killed."""
    process = subprocess.Popen([sys.executable, str(APP), str(local), str(storage)], cwd=ROOT, env={
        **os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
    })  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(ready: Callable[[], bool]) -> None:
    begun = time.monotonic()
    while not ready():
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_app_has_its_runs_and_weights_back_on_an_empty_disk(tmp_path: Path) -> None:
    local, storage = tmp_path / "local", tmp_path / "storage"
    client = JobManager(local)
    job = submit(client, "ann")
    with app_on(local, storage) as app:
        wait_for(lambda: (storage / "runs" / f"{job.id}.zip").exists())
        app.send_signal(signal.SIGKILL)
        app.wait()
    done = client.snapshot("ann", job.id)
    assert (done.state, done.step) == ("done", done.total)
    client.close()
    shutil.rmtree(local)
    with app_on(local, storage):
        wait_for((local / "jobs.sqlite").exists)
        client = JobManager(local)
        wait_for(lambda: client.exists(job.id))
        assert client.snapshot("ann", job.id) == done
        assert not load_folder(client.weights("ann", job.id)).training
        again = client.submit("ann", JobRequest("vae", job.config, dataset(client, "ann"), f"job:{job.id}"))
        wait_for(lambda: client.snapshot("ann", again.id).state == "done")
        client.close()
