"""Export a training run as a weights folder: half-precision safetensors, config and card."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import save

from models.analysis.bootstrap import Estimate
from models.analysis.latents import statistics_of, write_statistics
from models.training.evaluation.loading import load_run
from models.training.evaluation.model_card import TRAINER, command_of, measured, write_card
from models.training.loop.run_folder import RunFolder, half_precision, write_atomically, write_json
from models.training.loop.trainer import evaluate
from models.training.recipes import RECIPES
from models.training.recipes._base import COSINE, Export, Recipe, TrainConfig, cosine_rate

MAX_BYTES = 10_000_000


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
    recipe = RECIPES[facts["recipe"]]
    is_main = facts.get("part", "") in ("", *recipe.main_parts)  # what the recipe measures
    record = {
        "arch": export.arch,
        "args": export.args,
        "image_size": config.image_size,
        "num_parameters": num_parameters,
        "steps": config.steps,
        "sha256": hashlib.sha256(data).hexdigest(),
        **measured(metrics if is_main else {}, command_of(folder, [Path(name) for name in facts["data"]], None)),
        **facts,
        **({"classes": export.classes} if export.classes else {}),
        **({"lesson": lesson} if (lesson := config.lesson()) else {}),
    }
    if record["steps"] != config.steps:
        record["planned_steps"] = config.steps
        if recipe.schedule == COSINE and record["steps"] > config.warmup and config.learning_rate:
            record["rate_left"] = round(cosine_rate(record["steps"] - 1, config) / config.learning_rate, 4)
    write_atomically(folder / "model.safetensors", data)
    write_json(folder / "config.json", record)
    if export.latents is not None:
        write_statistics(folder, replace(export.latents(), sha256=record["sha256"]))
    write_card(folder, record)


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
    name, config, sources = run.load_config()
    known = run.load_exports(run.checkpoint_step()) if scores and not RECIPES[name].fits_exports(config) else None
    loaded = load_run(run, data, None if known is None else _classes_of(known))
    exports = loaded.recipe.exports()
    parts = list(exports) if every_part else [part]
    if parts[0] not in exports:
        raise SystemExit(f"--part is {part!r}; this run has {', '.join(map(repr, exports))}.")
    names = [Path(source).name for source in sources]
    facts = {
        "recipe": loaded.name,
        "data": names,
        "steps": loaded.step,
        "command": command_line(
            loaded.name, loaded.config, names, run.load_init(), f"runs/{path.resolve().name}", run.kept_steps() * kept
        ),
        **run.load_cost(loaded.step),
    }
    if kept:
        export_kept(run, loaded.recipe, folder, part, loaded.config, {**facts, "part": part})
        return
    if not loaded.own_images:
        scores = loaded.recipe.evaluate()
    scores = scores or evaluate(loaded.recipe, run, loaded.step)
    for each in parts:
        target, export = folder / each if every_part else folder, exports[each]
        if known is not None and known[each]["latents"]:
            export = replace(export, latents=partial(statistics_of, known[each]["latents"]))
        facts |= {"part": each, "measured_by": command_of(target, loaded.sources, None)}
        write_weights(target, export, loaded.config, facts, scores, most)


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


def command_line(
    name: str, config: TrainConfig, data: list[str], init: str | None, out: str, keep_at: Sequence[int] = ()
) -> str:
    """Return the command that repeats a run, with all options: a default may change later."""
    words = [*TRAINER, name, "--data", *data, "--out", out]
    words += [] if init is None else ["--init", Path(init).name]
    words += ["--keep-at", *map(str, keep_at)] if keep_at else []
    for spec in fields(config):
        words += option_words(spec.name, getattr(config, spec.name))
    return shlex.join(words)


def option_words(name: str, value: Any) -> list[str]:
    """Return the words of a command line that give the field `name` of a config a value."""
    flag = name.replace("_", "-")
    return [f"--{'' if value else 'no-'}{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
