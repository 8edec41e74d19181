"""Backends of training jobs: one process, several processes, or none."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from models.training.execution.processes import group_memory, signal_group, start_time

ROOT = Path(__file__).resolve().parents[3]
SECRET = re.compile(r"TOKEN|SECRET|OAUTH|KEY|PASSWORD|CREDENTIAL", re.IGNORECASE)


@dataclass(frozen=True)
class Task:
    """Arguments of `python -m models.training`, the working folder that their paths are relative to, and a log file."""

    arguments: Sequence[str]
    folder: Path
    log: Path


class Handle(Protocol):
    """A running task."""

    pid: int | None
    pid_start: str | None
    waiting: bool
    """Whether it waits for hardware, which is neither running nor standing still."""

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal, or None while it runs."""

    def ask_to_end(self) -> None:
        """Request a checkpoint and the end."""

    def kill(self) -> None:
        """End it at once."""

    def memory(self) -> int:
        """Return its resident bytes on this machine."""


class Backend(Protocol):
    """A place where training runs."""

    off: str | None
    """Why training is off, as a code for a sentence; None where it is on."""

    def launch(self, task: Task) -> Handle:
        """Start a task; the calling thread must outlive the task."""


class BackendGoneError(RuntimeError):
    """A job's own backend, with its visitor's login, was lost with the app that held it."""


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child: without secrets, offline, with this code on the path."""
    kept = {name: value for name, value in environment.items() if not SECRET.search(name)}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    }


class ProcessGroup:
    """A process group, identified by number and start time of its leader."""

    waiting = False

    def __init__(self, pid: int, pid_start: str | None) -> None:
        self.pid: int | None = pid
        self.pid_start = pid_start
        self._pid = pid

    def poll(self) -> int | None:
        """Return 0 once the process has ended; only its parent could learn the exit status."""
        return None if start_time(self._pid) == self.pid_start else 0

    def ask_to_end(self) -> None:
        """Send SIGTERM to the group."""
        if self.poll() is None:
            signal_group(self._pid, signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to the group."""
        if self.poll() is None:
            signal_group(self._pid, signal.SIGKILL)

    def memory(self) -> int:
        """Return the resident bytes of the group."""
        return group_memory(self._pid)


class Orphan(ProcessGroup):
    """A process group of an app that died, which can only be ended."""


class LocalHandle(ProcessGroup):
    """A child of this process that leads a process group."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(process.pid, start_time(process.pid))
        self._process = process

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal, or None while it runs."""
        return self._process.poll()


def spawn(command: Sequence[str], folder: Path, log: Path) -> LocalHandle:
    """Start a module in a process group of low priority that ends with the calling thread."""
    guarded = [sys.executable, "-m", "models.training.execution.child", str(os.getpid()), *command]
    with log.open("ab") as output:
        process = subprocess.Popen(
            guarded,
            cwd=folder,
            env=clean_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return LocalHandle(process)


class LocalProcess:
    """One child process on this machine, on its GPU if there is one."""

    off: str | None = None

    def __init__(self, device: str = "auto") -> None:
        self.device = device

    def command(self, task: Task) -> list[str]:
        """Return the module to run, with its arguments."""
        return ["models.training", *task.arguments, f"--device={self.device}"]

    def launch(self, task: Task) -> LocalHandle:
        """Start the child."""
        return spawn(self.command(task), task.folder, task.log)


class AccelerateLaunch(LocalProcess):
    """Several data-parallel processes on GPUs or the CPU, by `accelerate launch`.

    Args:
        num_processes: each takes `batch_size` images a step.
        device: "auto", "cpu" or "cuda".
        options: further options of `accelerate launch`.
    """

    def __init__(self, num_processes: int, device: str = "auto", options: Sequence[str] = ()) -> None:
        super().__init__(device)
        self.num_processes, self.options = num_processes, tuple(options)

    def command(self, task: Task) -> list[str]:
        """Return the launcher with its options and the same training command."""
        return [
            "accelerate.commands.launch",
            "--multi_gpu",  # accelerate needs this for several CPU processes, too
            f"--num_processes={self.num_processes}",
            "--num_machines=1",
            "--mixed_precision=no",
            "--dynamo_backend=no",
            "--main_process_port=0",
            *self.options,
            "-m",
            *super().command(task),
        ]


class TrainingOff:
    """No training; the visitor's sentence has the key `error.job.off_<reason>`."""

    def __init__(self, reason: str) -> None:
        self.off: str | None = f"off_{reason}"

    def launch(self, task: Task) -> Handle:
        """Raise `RuntimeError`."""
        raise RuntimeError(f"Training is off here ({self.off}).")


def run_to_completion(
    handle: Handle, seconds: float, monotonic: Callable[[], float] = time.monotonic, pause: float = 0.05
) -> int | None:
    """Return the exit status of a task; kill it after `seconds` and return None."""
    begun = monotonic()
    while (status := handle.poll()) is None:
        if monotonic() - begun > seconds:
            handle.kill()
            return None
        time.sleep(pause)
    return status
