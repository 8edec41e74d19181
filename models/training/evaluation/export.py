"""Export a training run as a weights folder: half-precision safetensors, config and card."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import save

from models.analysis.bootstrap import Estimate
from models.analysis.latents import statistics_of, write_statistics
from models.checkpoints import CHECKPOINTS, read_config
from models.training.evaluation.loading import load_run
from models.training.loop.run_folder import RunFolder, half_precision, write_atomically, write_json
from models.training.loop.trainer import evaluate
from models.training.recipes._base import Export, Recipe, TrainConfig

MAX_BYTES = 10_000_000
EVALUATE = "python -m models.training evaluate"
SHEET = "sheet.webp"  # of a weights folder, what its card shows
CAVEAT = (
    "No third part of the pictures was kept for choosing options: where these were chosen by numbers on the very "
    "pictures measured here, as those of the weights that come with this project were, the numbers flatter a little."
)


def write_weights(
    folder: Path,
    export: Export,
    config: TrainConfig,
    facts: Mapping[str, Any],
    metrics: Mapping[str, Estimate],
    most: int | None = MAX_BYTES,
) -> None:
    """Write `model.safetensors`, `config.json` and `README.md` of one trained module."""
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
        **measured(metrics, f"{EVALUATE} RUN_DIR"),
        **facts,
        **({"classes": export.classes} if export.classes else {}),
        **({"lesson": lesson} if (lesson := config.lesson()) else {}),
    }
    if record["steps"] != config.steps:
        record["planned_steps"] = config.steps
    write_atomically(folder / "model.safetensors", data)
    write_json(folder / "config.json", record)
    if export.latents is not None:
        write_statistics(folder, replace(export.latents(), sha256=record["sha256"]))
    write_atomically(folder / "README.md", card(_title(folder), record).encode())


def measured(metrics: Mapping[str, Estimate], command: str) -> dict[str, Any]:
    """Return the measurements as entries of a weights folder's config."""
    return {
        "metrics": {name: round(score.value, 4) for name, score in metrics.items()},
        "intervals": {name: [round(score.low, 4), round(score.high, 4)] for name, score in metrics.items()},
        "measured_by": command,
    }


def update_card(folder: Path, facts: Mapping[str, Any]) -> None:
    """Merge facts into the config of a weights folder and rewrite its card."""
    record = {**read_config(folder), **facts}
    write_json(folder / "config.json", record)
    write_atomically(folder / "README.md", card(_title(folder), record).encode())


def _title(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}" if folder.name.startswith("step-") else folder.name


def _table(record: Mapping[str, Any]) -> str:
    """Return the card's table of measurements, with intervals if there are any."""
    ends = {name: f" {_shown_as(*pair)} |" for name, pair in record.get("intervals", {}).items()}
    head = "| measure | value | 95 % interval |\n|---|---|---|" if ends else "| measure | value |\n|---|---|"
    rows = [f"| {name} | {_shown_as(value)} |{ends.get(name, '')}" for name, value in record["metrics"].items()]
    method = "The intervals are of a seeded bootstrap over the held-out pictures (`models/analysis/bootstrap.py`)."
    command = record.get("measured_by", f"{EVALUATE} RUN_DIR")
    sets = " and ".join(f"{count} pictures of set {name.upper()}" for name, count in record.get("held_out", {}).items())
    by = f"Measured{sets and f' on {sets}'} by `{command}`; what each measure is stands in the recipe's `evaluate`."
    return "\n".join([head, *rows, "", *filter(None, (by, method if ends else "", CAVEAT))])


def _shown_as(*numbers: float | None) -> str:
    """Return a value, or the two ends of an interval, as a card says it."""
    known = [str(number) for number in numbers if number is not None and math.isfinite(number)]
    return " to ".join(known) if len(known) == len(numbers) else "not defined"


def _lesson(record: Mapping[str, Any]) -> str:
    return f"\n**Trained for a lesson.** {record['lesson']}\n" if record.get("lesson") else ""


def _shown(record: Mapping[str, Any]) -> str:
    if "sheet" not in record:
        return ""
    return f"\n## What it does\n\n![{record['sheet']}]({SHEET})\n\n{record['sheet']} Drawn by `{record['drawn_by']}`.\n"


def card(name: str, record: Mapping[str, Any], repo_id: str = "") -> str:
    """Return the model card of a weights folder, from its config.

    With `repo_id` it says how to load the weights from the Hub, else how to load them from this repository.
    """
    if repo_id:
        use = f'from models.checkpoints import from_pretrained\n\nmodel = from_pretrained("{repo_id}")'
    elif name in CHECKPOINTS and CHECKPOINTS[name].is_own:
        use = f'from models.checkpoints import load_model\n\nmodel = load_model("{name}")'
    else:
        imports = "from pathlib import Path\n\nfrom models.checkpoints import load_folder"
        use = f"{imports}\n\nmodel = load_folder(Path({json.dumps(name, ensure_ascii=False)}))"
    planned = f" of a run of {record['planned_steps']}" if "planned_steps" in record else ""
    schedule = f"\n- **Schedule**: {record['schedule']}" if "schedule" in record else ""
    arguments = json.dumps(record["args"])
    return f"""---
license: mit
tags: [unlabeled, {record["recipe"]}]
---
# {name}

`{record["arch"]}` with {record["num_parameters"]:,} parameters, `{arguments}`, stored as float16.
{_lesson(record)}
- **Recipe**: `{record["recipe"]}`, {record["steps"]} steps{planned} at {record["image_size"]} px.
- **Data**: {", ".join(record["data"])}; held-out pictures are chosen by name (`models/training/data/dataset.py`).
- **Command**: `{record["command"]}`{schedule}
- **Input**: float pictures in [-1, 1].
- **Licence**: MIT for the weights; the training pictures are not part of this project and have terms of their own.

## Measured on held-out pictures

{_table(record)}
{_shown(record)}
## Limits

Trained for a short time on few pictures at {record["image_size"]} px; it knows only the kind of picture it saw.

## Use

```python
{use}
```
"""


def export_run(
    path: Path,
    folder: Path,
    part: str,
    data: list[Path] | None,
    most: int | None,
    every_part: bool = False,
    kept: bool = False,
) -> None:
    """Write one module of the run in `path` as the weights folder `folder`; measure it first if needed.

    The arguments are options of the command `export`; `most` is the maximum of bytes of a file, if any. With
    `every_part` or `kept`, `folder` gets a weights folder for each part or kept step.
    """
    run = RunFolder(path)
    scores = None if kept else run.load_evaluation(run.checkpoint_step())
    known = run.load_exports(run.checkpoint_step()) if scores else None
    loaded = load_run(run, data, None if known is None else _classes_of(known))
    exports = loaded.recipe.exports()
    parts = list(exports) if every_part else [part]
    if parts[0] not in exports:
        raise SystemExit(f"--part is {part!r}; this run has {', '.join(map(repr, exports))}.")
    names = [Path(source).name for source in run.load_config()[2]]
    facts = {
        "recipe": loaded.name,
        "data": names,
        "steps": loaded.step,
        "command": command_line(loaded.name, loaded.config, names, run.load_init()),
    }
    if kept:
        export_kept(run, loaded.recipe, folder, part, loaded.config, {**facts, "part": part})
        return
    if not loaded.own_images:
        scores = loaded.recipe.evaluate()
        facts["measured_by"] = f"{EVALUATE} RUN_DIR --data {shlex.join(source.name for source in loaded.sources)}"
    scores = scores or evaluate(loaded.recipe, run, loaded.step)
    for each in parts:
        target, export = folder / each if every_part else folder, exports[each]
        if known is not None and known[each]["latents"]:
            export = replace(export, latents=partial(statistics_of, known[each]["latents"]))
        write_weights(target, export, loaded.config, {**facts, "part": each}, scores, most)


def _classes_of(known: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the class names of a run, none for most recipes."""
    return tuple(next((each["classes"] for each in known.values() if each["classes"]), ()))


def export_kept(
    run: RunFolder, recipe: Recipe, folder: Path, part: str, config: TrainConfig, facts: dict[str, Any]
) -> None:
    """Measure and write the weights kept along a run, each into a folder of its step."""
    exports = recipe.exports()
    for step in run.kept_steps():
        run.load_kept(step, exports)
        write_weights(folder / f"step-{step:06d}", exports[part], config, {**facts, "steps": step}, recipe.evaluate())


def command_line(name: str, config: TrainConfig, data: list[str], init: str | None = None) -> str:
    """Return the command that repeats a run, with the options that differ from their defaults."""
    words = ["python", "-m", "models.training", name, "--data", *data, "--out", "RUN_DIR"]
    words += [] if init is None else ["--init", Path(init).name]
    for spec in fields(config):
        value = getattr(config, spec.name)
        if value != spec.default:
            words += option_words(spec.name, value)
    return shlex.join(words)


def option_words(name: str, value: Any) -> list[str]:
    """Return the words of a command line that give the field `name` of a config a value."""
    flag = name.replace("_", "-")
    return [f"--{'' if value else 'no-'}{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
