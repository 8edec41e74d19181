"""Turns a training run into a weights folder: half-precision safetensors, config and card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import save

from models.checkpoints import CHECKPOINTS
from models.latents import write_statistics
from models.training.recipes._base import Export, TrainConfig
from models.training.runs import half_precision, write_atomically, write_json

MAX_BYTES = 10_000_000


def write_weights(
    folder: Path,
    export: Export,
    config: TrainConfig,
    facts: Mapping[str, Any],
    metrics: Mapping[str, float],
    most: int | None = MAX_BYTES,
) -> None:
    """Write `model.safetensors`, `config.json` and `README.md` of one trained module.

    Args:
        folder: the weights folder; its name becomes the title of the card, for a step of a run after the run's.
        export: what to ship.
        config: of the run that trained it.
        facts: recipe, command, data and licence of the weights.
        metrics: measured on held-out pictures.
        most: bytes that the file may have, None for any number.

    Raises:
        ValueError: if the file would be larger.
    """
    data = save(half_precision(export.model))
    if most is not None and len(data) > most:
        raise ValueError(f"The weights take {len(data)} bytes, over the {most} that may be shipped; train smaller.")
    num_parameters = sum(p.numel() for p in export.model.parameters())
    record = {
        "arch": export.arch,
        "args": export.args,
        "image_size": config.image_size,
        "num_parameters": num_parameters,
        "steps": config.steps,
        "sha256": hashlib.sha256(data).hexdigest(),
        "metrics": {name: round(float(value), 4) for name, value in metrics.items()},
        **facts,
        **({"lesson": lesson} if (lesson := config.lesson()) else {}),
    }
    if record["steps"] != config.steps:
        record["planned_steps"] = config.steps
    write_atomically(folder / "model.safetensors", data)
    write_json(folder / "config.json", record)
    if export.latents is not None:
        write_statistics(folder, replace(export.latents(), sha256=record["sha256"]))
    write_atomically(folder / "README.md", card(_title(folder), record).encode())


def _title(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}" if folder.name.startswith("step-") else folder.name


def _lesson(record: Mapping[str, Any]) -> str:
    return f"\n**Trained for a lesson.** {record['lesson']}\n" if record.get("lesson") else ""


def card(name: str, record: Mapping[str, Any], repo_id: str = "") -> str:
    """Return the model card of a weights folder, all of it taken from its config.

    Args:
        name: title of the card.
        record: the config.
        repo_id: where the weights are on the Hub; without it the card says how to load them from this repository.
    """
    if repo_id:
        use = f'from models.checkpoints import from_pretrained\n\nmodel = from_pretrained("{repo_id}")'
    elif name in CHECKPOINTS and CHECKPOINTS[name].is_own:
        use = f'from models.checkpoints import load_model\n\nmodel = load_model("{name}")'
    else:
        imports = "from pathlib import Path\n\nfrom models.checkpoints import load_folder"
        use = f'{imports}\n\nmodel = load_folder(Path("{name}"))'
    planned = f" of a run of {record['planned_steps']}" if "planned_steps" in record else ""
    schedule = f"\n- **Schedule**: {record['schedule']}" if "schedule" in record else ""
    metrics = "\n".join(f"| {key} | {value} |" for key, value in record["metrics"].items())
    arguments = json.dumps(record["args"])
    return f"""---
license: mit
tags: [unlabeled, {record["recipe"]}]
---
# {name}

`{record["arch"]}` with {record["num_parameters"]:,} parameters, `{arguments}`, stored as float16.
{_lesson(record)}
- **Recipe**: `{record["recipe"]}`, {record["steps"]} steps{planned} at {record["image_size"]} px.
- **Data**: {", ".join(record["data"])}; held-out pictures are chosen by name (`models/training/data.py`).
- **Command**: `{record["command"]}`{schedule}
- **Input**: float pictures in [-1, 1].
- **Licence**: MIT for the weights; the training pictures are not part of this project and have terms of their own.

## Measured on held-out pictures

| measure | value |
|---|---|
{metrics}

Measured by `python -m models.training evaluate RUN_DIR`; what each measure is stands in the recipe's `evaluate`.

## Limits

Trained for a short time on few pictures at {record["image_size"]} px; it knows only the kind of picture it saw.

## Use

```python
{use}
```
"""
