"""Long work in small steps: it can be cancelled between them, and says how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr

from demos.core.context import Context

Answer = TypeVar("Answer")
PATIENCE = 0.25  # seconds between two signs of life


@dataclass(frozen=True)
class Step:
    """A sign of life: what is being done (a key of the texts), how much of it (0 to 1), and since when it goes on."""

    key: str
    share: float
    started: float

    def seconds_left(self) -> float | None:
        """Return the time left if the rest goes as fast as what is done, None while it is too early to tell."""
        gone = time.perf_counter() - self.started
        return None if self.share <= 0 or gone < PATIENCE else gone * (1 - self.share) / self.share


Work = Generator[Step, None, Answer]


def in_background(key: str, call: Callable[[], Answer], expected: float) -> Work[Answer]:
    """Run what cannot be interrupted in a thread of its own, and say how far of the expected seconds it should be.

    Whoever stops asking is free at once; the thread ends by itself.
    """
    started = time.perf_counter()
    pool = ThreadPoolExecutor(1, thread_name_prefix="background")
    try:
        future = pool.submit(call)
        while True:
            try:
                return future.result(timeout=PATIENCE)
            except NotYet:
                gone = time.perf_counter() - started
                yield Step(key, gone / (gone + max(expected - gone, 0.1 * gone)), started)
    finally:
        pool.shutdown(wait=False)


def report_progress(
    work: Work[Answer], ctx: Context, request: gr.Request | None, progress: gr.Progress, nothing: Any
) -> Generator[Any, None, Answer]:
    """Show the steps of some work as progress; gives `nothing` to the page after each, and returns the answer."""
    while True:
        try:
            step = next(work)
        except StopIteration as end:
            return end.value
        words = ctx.localize(request, step.key)
        left = step.seconds_left()
        if left is not None and left >= 1:
            words = ctx.localize(request, "embeddings.left", what=words, seconds=round(left))
        progress(min(step.share, 1.0), desc=words)
        yield nothing


def run_to_completion(work: Work[Answer]) -> Answer:
    """Do some work to its end, without telling anybody."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
