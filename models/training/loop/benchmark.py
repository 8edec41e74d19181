"""Measure the steps per second and the peak memory of a recipe."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from models.training.loop.run_folder import write_json
from models.training.recipes._base import Recipe

MEASURE_SECONDS = 2.0  # of steps, after one that warms up


MEASURE_IMAGES = 48


def measure_steps(recipe: Recipe, load_seconds: float, images: int, out: Path) -> None:
    """Time a recipe's steps and write what was measured to `out` as JSON.

    Args:
        recipe: with few images loaded.
        load_seconds: that loading them took.
        images: how many they are.
        out: the file.
    """
    recipe.step(0)
    done, begun = 0, time.monotonic()
    while done < 2 or time.monotonic() - begun < MEASURE_SECONDS:
        done += 1
        recipe.step(done)
    seconds = (time.monotonic() - begun) / done
    write_json(
        out, {"seconds_per_step": seconds, "seconds_per_picture": load_seconds / images, "memory": peak_memory()}
    )


def peak_memory() -> int:
    """Return the most bytes that this process has held in memory, 0 where nobody counts them."""
    if sys.platform == "win32":
        return 0
    if sys.platform == "linux":  # where ru_maxrss begins at what the process that started this one held
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
