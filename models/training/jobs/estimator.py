"""Estimate time and memory of a job from a few of its steps, measured in a child of low priority."""

from __future__ import annotations

import json
import os
import platform
import shutil
import threading
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from models.training.execution.backends import run_to_completion, spawn
from models.training.jobs.exporter import last_line
from models.training.jobs.folders import JobFolders
from models.training.jobs.store import Store
from models.training.loop.run_folder import RunFolder
from models.training.recipes._base import TrainConfig

MEASURE_LIMIT = 180.0  # for the whole child
WITHOUT_COST = frozenset({"steps", "seed", "warmup", "kl_warmup"})  # fields that change no step's time


@dataclass(frozen=True)
class Estimate:
    """Seconds per step and in all, and bytes of memory, of a job."""

    seconds_per_step: float
    seconds: float
    memory: int


class Estimator:
    """Measures jobs and caches the result by recipe, config fields that affect the cost, and machine."""

    def __init__(self, store: Store, folders: JobFolders) -> None:
        self._store, self._folders = store, folders
        self._lock = threading.Lock()

    def estimate(self, recipe: str, config: TrainConfig, dataset: Path, count: int) -> Estimate:
        """Return time and memory of a job on `count` images; a measurement beside a running job is not cached.

        Raises:
            RuntimeError: if the child fails, with its last line.
        """
        key = cost_key(recipe, config)
        with self._lock:
            measured = self._store.estimate(key)
            if measured is None:
                alone = not self._is_busy()
                measured = self._measure(recipe, config, dataset)
                if alone and not self._is_busy():
                    self._store.remember_estimate(key, measured)
        kept = 3 * config.image_size**2
        return Estimate(
            seconds_per_step=measured["seconds_per_step"],
            seconds=config.steps * measured["seconds_per_step"] + count * measured["seconds_per_picture"],
            memory=int(measured["memory"] + count * kept),
        )

    def _is_busy(self) -> bool:
        return bool(self._store.rows("state = 'running'"))

    def _measure(self, recipe: str, config: TrainConfig, dataset: Path) -> dict[str, Any]:
        folder = self._folders.scratch() / uuid.uuid4().hex
        try:
            run = RunFolder(folder / "run")
            run.save_config(recipe, config, [str(dataset)])
            arguments = [recipe, "--data", str(dataset), "--out", "run", "--measure"]
            handle = spawn(["models.training", *arguments], folder, folder / "log.txt")
            if run_to_completion(handle, MEASURE_LIMIT) != 0:
                raise RuntimeError(last_line(folder / "log.txt"))
            return json.loads((folder / "run" / "measured.json").read_text(encoding="utf-8"))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def cost_key(recipe: str, config: TrainConfig) -> str:
    """Return the cache key of an estimate: recipe, config fields that affect the cost, and machine."""
    costly: Mapping[str, Any] = {
        name: bool(value) if isinstance(value, float) else value
        for name, value in asdict(config).items()
        if name not in WITHOUT_COST
    }
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    machine = [platform.node(), platform.machine(), os.cpu_count(), gpu, torch.__version__]
    return json.dumps([recipe, costly, machine], sort_keys=True)
