"""Measure the steps per second and the peak memory of a recipe."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from models.training.loop.run_folder import write_json
from models.training.loop.trainer import take_step
from models.training.recipes._base import Recipe

MEASURE_SECONDS = 2.0  # of steps, after a warm-up step
MEASURE_IMAGES = 48


def measure_steps(recipe: Recipe, load_seconds: float, images: int, out: Path) -> None:
    """Time a recipe's steps and write the results, with `load_seconds` per image, to `out` as JSON."""
    take_step(recipe, 0)
    done, begun = 0, time.monotonic()
    while done < 2 or time.monotonic() - begun < MEASURE_SECONDS:
        done += 1
        take_step(recipe, done)
    seconds = (time.monotonic() - begun) / done
    write_json(
        out, {"seconds_per_step": seconds, "seconds_per_picture": load_seconds / images, "memory": peak_memory()}
    )


def peak_memory() -> int:
    """Return the peak resident bytes of this process, 0 on Windows."""
    if sys.platform == "win32":
        return 0
    if sys.platform == "linux":  # where ru_maxrss is inherited from the parent
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
