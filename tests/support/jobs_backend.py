"""A backend without processes for tests of the queue, and images and requests that cost next to nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models.training.execution.backends import Task
from models.training.jobs import JobManager, JobRequest, Snapshot

TINY: dict[str, Any] = {
    "steps": 40, "image_size": 16, "num_filters": 8, "latent_dim": 4, "batch_size": 4, "precision": "fp32",
}  # fmt: skip


def picture(seed: int, size: int = 24) -> bytes:
    """Return a small PNG of noise on a ramp."""
    random = np.random.default_rng(seed)
    pixels = np.linspace(0, 160, size)[None, :, None] + random.integers(0, 90, (size, size, 3))
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def dataset(manager: JobManager, owner: str, count: int = 12, first: int = 0) -> Path:
    """Return a new dataset of an owner with some images in it."""
    folder = manager.new_dataset(owner)
    for number in range(count):
        (folder / f"{number:02d}.png").write_bytes(picture(first + number))
    return folder


def submit(manager: JobManager, owner: str, **config: Any) -> Snapshot:
    """Submit a tiny job on images of its own."""
    return manager.submit(owner, JobRequest("vae", {**TINY, **config}, dataset(manager, owner)))


class FakeHandle:
    """A task that ends when it is told to."""

    waiting = False

    def __init__(self, task: Task, pid: int) -> None:
        self.task, self.pid, self.pid_start = task, pid, f"start-{pid}"
        self.status: int | None = None
        self.obeys = True
        self.asked = self.killed = False
        self.held = 0

    def poll(self) -> int | None:
        return self.status

    def ask_to_end(self) -> None:
        self.asked = True
        if self.obeys and self.status is None:
            self.status = 0

    def kill(self) -> None:
        self.killed = True
        if self.status is None:
            self.status = -9

    def memory(self) -> int:
        return self.held


class FakeBackend:
    """Starts nothing and remembers what it was asked to start, in order."""

    off: str | None = None

    def __init__(self, prepare: Callable[[Task], None] = lambda task: None) -> None:
        self.handles: list[FakeHandle] = []
        self._prepare = prepare

    def launch(self, task: Task) -> FakeHandle:
        self._prepare(task)
        self.handles.append(FakeHandle(task, 4_000_000 + len(self.handles)))  # beyond any real pid
        return self.handles[-1]

    @property
    def last(self) -> FakeHandle:
        return self.handles[-1]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
