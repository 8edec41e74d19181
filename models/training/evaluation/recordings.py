"""Finished runs in a small folder, to be shown again: metrics and a strip of previews, no weights and no data.

A recording holds `recording.json` (recipe, config, what it was trained on, final measurements), `metrics.jsonl` and
`previews.webp`, all preview sheets one below the other. `python -m models.training record RUN FOLDER` writes one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from models.training.loop.run_folder import RunFolder, write_atomically, write_json

MAX_BYTES = 1_500_000
MAX_SHEETS = 24
MAX_HEIGHT = 16_383  # pixels, of WebP
QUALITIES = (85, 75, 60, 45)


@dataclass(frozen=True)
class Recording:
    """A recorded run."""

    name: str
    recipe: str
    config: Mapping[str, Any]
    data: tuple[str, ...]  # names of the training sources
    steps: int
    seconds: float  # from the first logged row to the last
    scores: Mapping[str, float]  # on held-out images at the end, if measured
    preview_steps: tuple[int, ...]  # the steps of the preview sheets
    rows: tuple[Mapping[str, float], ...]  # logged metrics
    strip: Path  # image file with the preview sheets


def record(run: RunFolder, folder: Path) -> None:
    """Write the recording of a run into a folder.

    Raises:
        FileNotFoundError: if it holds no run, no metrics or no preview.
        ValueError: if the recording would be over 1.5 MB even at the lowest quality.
    """
    recipe, _, data = run.load_config()
    config = json.loads((run.path / "config.json").read_text(encoding="utf-8"))["config"]
    sheets = sorted((run.path / "previews").glob("step-*.png"))
    if not run.metrics_path.is_file() or not sheets:
        raise FileNotFoundError(f"{run.path} has no metrics or no preview yet; train it further.")
    metrics = run.metrics_path.read_bytes()
    rows = [json.loads(line) for line in metrics.decode().splitlines()]
    shown = _subsample(sheets, MAX_SHEETS)
    strip = preview_strip([Image.open(path).convert("RGB") for path in shown], MAX_BYTES - len(metrics) - 10_000)
    steps = int(rows[-1]["step"])
    facts = {
        "recipe": recipe,
        "data": [Path(source).name for source in data],
        "steps": steps,
        "seconds": round(rows[-1]["time"] - rows[0]["time"], 1),
        "scores": {
            name: round(score.value, 4)
            for name, score in (run.load_evaluation(steps) or {}).items()
            if math.isfinite(score.value)
        },
        "preview_steps": [int(path.stem.removeprefix("step-")) for path in shown],
        "config": config,
    }
    write_atomically(folder / "previews.webp", strip)
    write_atomically(folder / "metrics.jsonl", metrics)
    write_json(folder / "recording.json", facts)


def load_recording(folder: Path) -> Recording:
    """Read a recording."""
    facts: dict[str, Any] = json.loads((folder / "recording.json").read_text(encoding="utf-8"))
    facts |= {"data": tuple(facts["data"]), "preview_steps": tuple(facts["preview_steps"])}
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return Recording(
        name=folder.name, rows=tuple(json.loads(line) for line in lines), strip=folder / "previews.webp", **facts
    )


def recordings(folder: Path) -> list[Recording]:
    """Read every recording in a folder, by name."""
    return [load_recording(path.parent) for path in sorted(folder.glob("*/recording.json"))]


def preview_strip(sheets: list[Image.Image], max_bytes: int) -> bytes:
    """Return sheets of one size, one below the other, as a WebP file of at most `max_bytes`."""
    width, height = sheets[0].size
    if height * len(sheets) > MAX_HEIGHT:
        scale = MAX_HEIGHT / (height * len(sheets))
        width, height = int(width * scale), int(height * scale)
    strip = Image.new("RGB", (width, height * len(sheets)))
    for place, sheet in enumerate(sheets):
        strip.paste(sheet if sheet.size == (width, height) else sheet.resize((width, height)), (0, place * height))
    for quality in QUALITIES:
        buffer = BytesIO()
        strip.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= max_bytes:
            return buffer.getvalue()
    raise ValueError(f"The previews take {buffer.tell()} bytes, over {max_bytes}; record a run of smaller pictures.")


def _subsample(paths: list[Path], most: int) -> list[Path]:
    """Return up to `most` evenly spaced paths, with the first and the last."""
    if len(paths) <= most:
        return paths
    return [paths[round(place * (len(paths) - 1) / (most - 1))] for place in range(most)]
