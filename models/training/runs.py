"""The folder of a training run: config, metrics, previews and checkpoints, written so that a kill harms nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import to_pil_image

from models.training.recipes import RECIPES
from models.training.recipes._base import TrainConfig


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old or the new content, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a mapping as readable JSON, atomically."""
    write_atomically(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


@dataclass(frozen=True)
class Checkpoint:
    """What a run resumes from: steps done, the recipe's state, and sums of metrics not yet logged."""

    step: int
    state: dict[str, Any]
    window: dict[str, float]


class RunFolder:
    """Reads and writes the files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metrics_path = path / "metrics.jsonl"
        self.checkpoint_path = path / "checkpoint.pt"

    def save_config(self, recipe: str, config: TrainConfig, data: list[str]) -> None:
        """Record which recipe, with which config, on which sources."""
        write_json(self.path / "config.json", {"recipe": recipe, "data": data, "config": asdict(config)})

    def load_config(self) -> tuple[str, TrainConfig, list[str]]:
        """Return recipe name, config and sources of the run.

        Raises:
            FileNotFoundError: if the folder holds no run.
        """
        path = self.path / "config.json"
        if not path.is_file():
            raise FileNotFoundError(f"{self.path} holds no training run (no config.json).")
        stored = json.loads(path.read_text(encoding="utf-8"))
        return stored["recipe"], RECIPES[stored["recipe"]].Config(**stored["config"]), stored["data"]

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint by a newer one, atomically."""
        temporary = self.checkpoint_path.with_suffix(".tmp")
        torch.save(asdict_shallow(checkpoint), temporary)
        os.replace(temporary, self.checkpoint_path)

    def load_checkpoint(self) -> Checkpoint | None:
        """Return the newest checkpoint, or None before the first."""
        if not self.checkpoint_path.is_file():
            return None
        return Checkpoint(**torch.load(self.checkpoint_path, map_location="cpu", weights_only=True))

    def append_metrics(self, row: Mapping[str, float]) -> None:
        """Add one line to the metrics."""
        with self.metrics_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def forget_metrics_after(self, step: int) -> None:
        """Drop lines of steps that a resumed run takes again."""
        if not self.metrics_path.is_file():
            return
        rows = [json.loads(line) for line in self.metrics_path.read_text(encoding="utf-8").splitlines()]
        kept = [json.dumps(row) + "\n" for row in rows if row["step"] <= step]
        write_atomically(self.metrics_path, "".join(kept).encode())

    def save_evaluation(self, step: int, scores: Mapping[str, float]) -> None:
        """Keep what was measured after a step in `evaluation.json`."""
        write_json(self.path / "evaluation.json", {"step": step, **scores})

    def load_evaluation(self, step: int) -> dict[str, float] | None:
        """Return what was measured after this very step, or None if nothing was."""
        path = self.path / "evaluation.json"
        if not path.is_file():
            return None
        stored = json.loads(path.read_text(encoding="utf-8"))
        return stored if stored.pop("step") == step else None

    def save_preview(self, step: int, preview: Tensor) -> None:
        """Write a sheet, (3, H, W) in [-1, 1], as PNG."""
        folder = self.path / "previews"
        folder.mkdir(exist_ok=True)
        image = to_pil_image(((preview + 1) * 127.5).round().clamp(0, 255).to(torch.uint8))
        temporary = folder / f"step-{step:06d}.tmp"
        image.save(temporary, format="PNG")
        os.replace(temporary, temporary.with_suffix(".png"))


def asdict_shallow(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the fields by name without copying the tensors in them."""
    return {"step": checkpoint.step, "state": checkpoint.state, "window": checkpoint.window}
