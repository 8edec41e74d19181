"""Children and what is known of them: priority, death with the parent, numbers that come again, locks."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from models.training.execution.backends import (
    ROOT,
    AccelerateLaunch,
    LocalHandle,
    Orphan,
    Task,
    TrainingOff,
    run_to_completion,
    spawn,
)
from models.training.execution.child import NICENESS
from models.training.execution.processes import group_memory, signal_group, start_time
from models.training.failures import describe_failure

WAITING = """
import os, pathlib, signal, sys, time
def leave(*_):
    pathlib.Path("saved").write_text(str(os.nice(0)))
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
held = bytearray(int(sys.argv[1]))
pathlib.Path("ready").write_text(str(os.getpid()))
while True:
    time.sleep(0.01)
"""
PARENT = """
import sys, time
from pathlib import Path
from models.training.execution.backends import spawn
spawn(["waiting", "0"], Path(sys.argv[1]), Path(sys.argv[1]) / "log.txt")
time.sleep(600)
"""


def until(ready: Callable[[], bool]) -> None:
    begun = time.monotonic()
    while not ready():
        assert time.monotonic() - begun < 60.0
        time.sleep(0.01)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "waiting.py").write_text(WAITING)
    return tmp_path


@pytest.fixture
def waiting(folder: Path) -> Iterator[LocalHandle]:
    """A child that holds 60 MB and waits for the signal to leave."""
    handle = spawn(["waiting", str(60_000_000)], folder, folder / "log.txt")
    try:
        until((folder / "ready").exists)
        yield handle
    finally:
        handle.kill()
        run_to_completion(handle, 10.0)


def test_a_child_is_niced_and_leaves_when_asked(waiting: LocalHandle, folder: Path) -> None:
    assert waiting.poll() is None
    assert 60_000_000 < waiting.memory() < 300_000_000
    waiting.ask_to_end()
    assert run_to_completion(waiting, 30.0) == 0
    assert int((folder / "saved").read_text()) == max(NICENESS, os.nice(0))
    assert waiting.memory() == 0
    waiting.kill()  # of one that has ended is no error


def test_a_child_that_takes_too_long_is_killed(waiting: LocalHandle) -> None:
    assert run_to_completion(waiting, 0.1) is None
    until(lambda: waiting.poll() is not None)
    assert waiting.poll() == -signal.SIGKILL


def test_a_child_saves_and_leaves_when_its_parent_is_killed(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], env=environment)
    until((folder / "ready").exists)
    child = int((folder / "ready").read_text())
    assert start_time(child) is not None
    parent.kill()
    parent.wait()
    until(lambda: start_time(child) is None)
    assert (folder / "saved").exists()


def test_an_orphan_is_distinguished_from_a_process_that_reuses_its_pid(waiting: LocalHandle) -> None:
    assert waiting.pid is not None
    assert waiting.pid_start is not None
    other = Orphan(waiting.pid, "some other time")
    assert other.poll() == 0
    other.kill()
    assert waiting.poll() is None  # nobody else's process is ended
    same = Orphan(waiting.pid, waiting.pid_start)
    assert same.poll() is None
    same.ask_to_end()
    assert run_to_completion(waiting, 30.0) == 0
    assert same.poll() == 0


def test_ps_tells_the_same_where_there_is_no_proc(waiting: LocalHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    assert waiting.pid is not None
    by_proc = group_memory(waiting.pid)
    monkeypatch.setattr("models.training.execution.processes.sys.platform", "darwin")
    assert group_memory(waiting.pid) == pytest.approx(by_proc, rel=0.1)
    mark = start_time(waiting.pid)
    assert mark is not None
    assert mark == start_time(waiting.pid)
    waiting.kill()
    until(lambda: start_time(waiting.pid or 0) is None)  # also while it is a zombie
    run_to_completion(waiting, 10.0)


def test_signals_to_a_group_that_is_gone_are_no_error() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"], start_new_session=True)
    process.wait()
    signal_group(process.pid, signal.SIGTERM)


def test_several_processes_get_the_same_command_by_accelerate(tmp_path: Path) -> None:
    task = Task(["vae", "--data", "data"], tmp_path, tmp_path / "log.txt")
    command = AccelerateLaunch(4, "cuda", ["--machine_rank=1"]).command(task)
    assert command[0] == "accelerate.commands.launch"
    assert "--num_processes=4" in command
    assert command[-6:] == ["-m", "models.training", "vae", "--data", "data", "--device=cuda"]


def test_where_training_is_off_nothing_is_launched(tmp_path: Path) -> None:
    backend = TrainingOff("zerogpu")
    assert backend.off == "off_zerogpu"
    with pytest.raises(RuntimeError, match="off_zerogpu"):
        backend.launch(Task([], tmp_path, tmp_path / "log.txt"))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FloatingPointError("The loss is nan."), "not_finite"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (MemoryError(), "out_of_memory"),
        (torch.OutOfMemoryError("CUDA out of memory."), "out_of_memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "out_of_memory"),
        (ValueError("No pictures of set A."), "refused"),
        (OSError(errno.EACCES, "Permission denied"), "crashed"),
        (KeyError("x"), "crashed"),
    ],
)
def test_failures_get_the_code_of_their_sentence(error: Exception, code: str) -> None:
    assert describe_failure(error)[0] == code
