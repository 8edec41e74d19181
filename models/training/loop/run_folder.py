"""The folder of a training run: config, metrics, previews and checkpoints, written atomically."""

from __future__ import annotations

import io
import json
import logging
import math
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from models.analysis.bootstrap import Estimate
from models.strict_json import json_text
from models.training.recipes import RECIPES
from models.training.recipes._base import Export, TrainConfig

log = logging.getLogger(__name__)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old or the new content, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a mapping as readable JSON, atomically."""
    write_atomically(path, (json_text(value) + "\n").encode())


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
        self.previous_path = path / "previous.pt"  # the checkpoint before it, for when it is damaged

    @contextmanager
    def claim(self, seconds: float = 20.0) -> Iterator[None]:
        """Hold an advisory lock on the folder, which the system releases if the process dies.

        Raises:
            ValueError: if another process still trains here after `seconds`.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / "run.lock", timeout=seconds, mode=0o600)
        try:
            held = lock.acquire()
        except Timeout as error:
            message = f"Another process trains in {self.path}; wait for it, or choose another --out."
            raise ValueError(message) from error
        with held:
            yield

    def save_config(self, recipe: str, config: TrainConfig, data: list[str], init: str | None = None) -> None:
        """Record which recipe, with which config, on which sources, from which weights (None: from scratch).

        A record that says the same is left as it is: one from before an option was added does not name it.
        """
        record = {"recipe": recipe, "data": data, "init": init, "config": asdict(config)}
        stored = _load_json(self.path / "config.json") or {}
        if stored.get("recipe") == recipe:
            stored["config"] = asdict(type(config)(**stored["config"]))
        if stored != record:
            write_json(self.path / "config.json", record)

    def load_cost(self, step: int) -> dict[str, str]:
        """Return `time` of so many steps and `hardware`, as far as they were recorded, for a model card."""
        progress = self.load_progress() or {}
        minutes = progress.get("seconds_per_step", 0.0) * step / 60
        found = {
            "time": minutes and (f"about {minutes:.0f} minutes" if minutes >= 2 else "under 2 minutes"),
            "hardware": progress.get("hardware"),
        }
        return {name: value for name, value in found.items() if value}

    def load_init(self) -> str | None:
        """Return the weights the run started from, None for a run from scratch."""
        return (_load_json(self.path / "config.json") or {}).get("init")

    def save_images(self, hashes: Collection[str]) -> None:
        """Record the images that the run is trained and measured on."""
        write_json(self.path / "images.json", {"sha256": sorted(hashes)})

    def has_images(self) -> bool:
        """Return whether the images were recorded."""
        return (self.path / "images.json").is_file()

    def are_others(self, hashes: frozenset[str]) -> bool:
        """Return whether images are not all among those that were recorded; fewer of them are no others."""
        recorded = (_load_json(self.path / "images.json") or {}).get("sha256")
        return recorded is not None and not hashes <= set(recorded)

    def load_config(self) -> tuple[str, TrainConfig, list[str]]:
        """Return recipe name, config and sources of the run; `FileNotFoundError` if there is none."""
        path = self.path / "config.json"
        if not path.is_file():
            raise FileNotFoundError(f"{self.path} holds no training run (no config.json).")
        stored = _load_json(path)
        if stored is None:
            raise ValueError(f"{path} is damaged: restore it, or choose another --out.")
        return stored["recipe"], RECIPES[stored["recipe"]].Config(**stored["config"]), stored["data"]

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint atomically and keep the one before it; on an `OSError` the older one stays."""
        temporary = self.checkpoint_path.with_suffix(".tmp")
        content = io.BytesIO()  # torch hides the OSError of a full disk
        torch.save(vars(checkpoint), content)
        try:
            with temporary.open("wb") as file:
                file.write(content.getbuffer())
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        if self.checkpoint_path.is_file():
            with suppress(OSError):  # a file system without links keeps one checkpoint only
                self.previous_path.unlink(missing_ok=True)
                os.link(self.checkpoint_path, self.previous_path)
        os.replace(temporary, self.checkpoint_path)

    def checkpoint_step(self) -> int:
        """Return the step of the newest whole checkpoint without reading its tensors; 0 if none can be read."""
        return next((checkpoint.step for checkpoint in self._checkpoints(mmap=True)), 0)

    def _checkpoints(self, mmap: bool = False) -> Iterator[Checkpoint]:
        """Yield the checkpoints that can be read, the newest first."""
        for path in filter(Path.is_file, (self.checkpoint_path, self.previous_path)):
            try:
                stored = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
                yield Checkpoint(int(stored["step"]), stored["state"], stored["window"])
            except Exception as error:  # damaged bytes make the unpickler raise almost anything
                log.warning("%s is damaged and is not used: %s", path, str(error).partition("\n")[0])

    def save_progress(self, step: int, seconds_per_step: float, hardware: str = "") -> None:
        """Write step and speed of the run and what it runs on, "" for unknown; also its heartbeat."""
        progress = {"step": step, "seconds_per_step": seconds_per_step}
        write_json(self.path / "progress.json", {**progress, **({"hardware": hardware} if hardware else {})})

    def load_progress(self) -> dict[str, Any] | None:
        """Return the newest `step`, `seconds_per_step` and, where known, `hardware`; None before the first."""
        return _load_json(self.path / "progress.json")

    def forget_progress(self) -> None:
        """Remove the progress of an earlier process, which may be ahead of the checkpoint."""
        (self.path / "progress.json").unlink(missing_ok=True)

    def save_error(self, code: str, values: Mapping[str, Any]) -> None:
        """Write why the run failed: a code and the values of its sentence."""
        write_json(self.path / "error.json", {"code": code, "values": dict(values)})

    def load_error(self) -> tuple[str, dict[str, Any]] | None:
        """Return code and values of the failure, or None where there was none."""
        stored = _load_json(self.path / "error.json")
        return None if stored is None else (stored["code"], stored["values"])

    def forget_error(self) -> None:
        """Remove an earlier failure."""
        (self.path / "error.json").unlink(missing_ok=True)

    def load_checkpoint(self) -> Checkpoint | None:
        """Return the newest whole checkpoint, None before the first; `ValueError` if all are damaged."""
        found = next(self._checkpoints(), None)
        if found is None and self.checkpoint_path.is_file():
            raise ValueError(f"{self.checkpoint_path} is damaged: remove it to start anew, or choose another --out.")
        return found

    def append_metrics(self, row: Mapping[str, float]) -> None:
        """Add one line to the metrics, without those that are not finite."""
        with self.metrics_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({key: n for key, n in row.items() if math.isfinite(n)}) + "\n")

    def forget_metrics_after(self, step: int) -> None:
        """Drop the rows of steps that a resumed run repeats."""
        if not self.metrics_path.is_file():
            return
        whole = self.metrics_path.read_text("utf-8", errors="replace").rpartition("\n")[0]  # the last line may be torn
        rows = filter(None, map(_row_of, whole.splitlines()))
        kept = [json.dumps(row) + "\n" for row in rows if row["step"] <= step]
        write_atomically(self.metrics_path, "".join(kept).encode())

    def save_evaluation(self, step: int, scores: Mapping[str, Estimate], exports: Mapping[str, Export]) -> None:
        """Write the scores after a step to `evaluation.json`, with what the exports derive from the run's images."""
        of_images = {
            part: {"classes": export.classes, "latents": export.latents and asdict(export.latents())}
            for part, export in exports.items()
        }
        write_json(self.path / "evaluation.json", {"step": step, "scores": scores, "of_pictures": of_images})

    def load_exports(self, step: int) -> dict[str, dict[str, Any]] | None:
        """Return `classes` and `latents` of each export after this step, if they were saved."""
        stored = _load_json(self.path / "evaluation.json") or {}
        return stored.get("of_pictures") or None if stored.get("step") == step else None

    def load_evaluation(self, step: int) -> dict[str, Estimate] | None:
        """Return the scores after this step, None without scores or intervals."""
        stored = _load_json(self.path / "evaluation.json") or {}
        if stored.get("step") != step or "scores" not in stored:
            return None
        return {
            name: Estimate(*(math.nan if number is None else number for number in numbers))
            for name, numbers in stored["scores"].items()
        }

    def keep_weights(self, step: int, exports: Mapping[str, Export]) -> None:
        """Save every trained module after a step in half precision."""
        for part, export in exports.items():
            write_atomically(self._kept_path(step, part), save(half_precision(export.model)))

    def kept_steps(self) -> list[int]:
        """Return the steps of kept weights, in order."""
        return sorted(int(folder.name.removeprefix("step-")) for folder in (self.path / "kept").glob("step-*"))

    def load_kept(self, step: int, exports: Mapping[str, Export]) -> None:
        """Load the weights kept after a step into the modules of a recipe."""
        for part, export in exports.items():
            path = self._kept_path(step, part)
            try:
                tensors = load_file(path)
            except SafetensorError as error:
                raise ValueError(f"{path} is damaged: choose another step.") from error
            export.model.load_state_dict(
                {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
            )

    def _kept_path(self, step: int, part: str) -> Path:
        return self.path / "kept" / f"step-{step:06d}" / f"{part or 'model'}.safetensors"

    def save_preview(self, step: int, preview: Tensor) -> None:
        """Write a preview, (3, H, W) in [-1, 1], as PNG."""
        from torchvision.transforms.v2.functional import to_pil_image  # takes a second to import

        image = to_pil_image(((preview + 1) * 127.5).round().clamp(0, 255).to(torch.uint8))
        file = io.BytesIO()
        image.save(file, format="PNG")
        write_atomically(self.path / "previews" / f"step-{step:06d}.png", file.getvalue())


def half_precision(model: nn.Module) -> dict[str, Tensor]:
    """Return a model's tensors with floats as float16; `ValueError` if a value overflows."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        small = tensor.detach().cpu().contiguous()
        if small.is_floating_point():
            small = small.half()
            if not small.isfinite().all():
                raise ValueError(f"{name} holds numbers that float16 cannot; export it in another format.")
        tensors[name] = small
    return tensors


def _row_of(line: str) -> dict[str, float] | None:
    """Return a row of the metrics, None of a damaged line."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and "step" in row else None


def _load_json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        log.warning("%s cannot be read: %s", path, error)
        return None
