"""Measures a training run, or weights that were exported, and writes what was measured where it is read."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torchvision.transforms.v2.functional import to_pil_image

from models.checkpoints import CHECKPOINTS
from models.hub.records import WEIGHTS
from models.training.data.dataset import ImageSet
from models.training.distributed import Processes
from models.training.loop.init_weights import check_fit, fill
from models.training.loop.run_folder import RunFolder
from models.training.recipes import RECIPES, build_recipe
from models.training.recipes._base import Recipe, TrainConfig


@dataclass(frozen=True)
class Loaded:
    """A recipe with trained weights in its networks.

    Attributes:
        name: of the recipe.
        recipe, config: it and its options.
        sources: of the images.
        step: how many steps it was trained for.
        folders: the weights folders that were loaded, by part; none for a run.
    """

    name: str
    recipe: Recipe
    config: TrainConfig
    sources: list[Path]
    step: int
    folders: Mapping[str, Path]


def load_run(run: RunFolder, data: list[Path] | None, classes: tuple[str, ...] | None = None) -> Loaded:
    """Return the recipe of a run with its newest checkpoint loaded.

    Args:
        run: its folder.
        data: sources of images, None for the run's own.
        classes: of the run's images, to load its weights without any image; None to read the images.

    Raises:
        FileNotFoundError: if the run has no checkpoint yet.
    """
    name, config, stored = run.load_config()
    checkpoint = run.load_checkpoint()
    if checkpoint is None:
        raise FileNotFoundError(f"{run.path} has no checkpoint yet.")
    sources = data or [Path(source) for source in stored]
    if classes is None:
        recipe = build_recipe(name, config, sources, Processes())
    else:
        recipe = RECIPES[name](config, ImageSet.empty(classes), ImageSet.empty(classes), Processes())
    recipe.load_state_dict(checkpoint.state)
    return Loaded(name, recipe, config, sources, checkpoint.step, {})


def weights_record(start: Path) -> dict[str, Any] | None:
    """Return the config of exported weights, by the name of our own or by their folder; None for anything else."""
    folder = CHECKPOINTS[str(start)].folder if str(start) in CHECKPOINTS else start
    if not (folder / "model.safetensors").is_file():
        return None
    record: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return record


def folders_of(record: Mapping[str, Any], config: TrainConfig, start: str) -> dict[str, Path]:
    """Return the weights folder of each part of what some weights were trained with; errors are those of `check_fit`.

    Args:
        record: what `weights_record` says of the weights.
        config: of the run that trained them.
        start: their name or folder.
    """
    folders = check_fit(record["recipe"], config, start)
    if record.get("part") == "b2a":  # the weights asked for come first, whichever way they translate
        return {"a2b": folders["b2a"], "b2a": folders["a2b"]}
    return folders


def load_weights(start: Path, record: Mapping[str, Any], config: TrainConfig, data: list[Path] | None) -> Loaded:
    """Return the recipe that trained some weights, with these in its networks; a translator's other half is found.

    Args:
        start: a name of our own weights, or their folder.
        record: what `weights_record` says of them.
        config: of the run that trained them.
        data: sources of images, None for those that the record names, in the current folder.

    Raises:
        FileNotFoundError: if the other half, or a source, is missing.
        ValueError: if the weights are of another kind than the recipe makes of these images.
    """
    name, sources = record["recipe"], data or [Path(source) for source in record["data"]]
    folders = folders_of(record, config, str(start))
    recipe = build_recipe(name, config, sources, Processes())
    fill(recipe, name, config, folders)
    for each, folder in folders.items():
        stored = json.loads((folder / "config.json").read_text(encoding="utf-8"))["args"]
        made = recipe.exports()[each].args
        if stored != made:
            raise ValueError(f"{folder.name} has {stored} and these pictures make it {made}; give those of its card.")
    return Loaded(name, recipe, config, sources, record["steps"], folders)


def command_of(folder: Path, sources: Sequence[Path], judge: str | None) -> str:
    """Return the command that measures weights again, which names files without their folders."""
    is_moment = folder.is_relative_to(WEIGHTS) and folder.parent != WEIGHTS  # of a run, which has no name of its own
    start = folder.relative_to(WEIGHTS.parents[1]).as_posix() if is_moment else folder.name
    words = ["python", "-m", "models.training", "evaluate", start, "--data", *(source.name for source in sources)]
    return shlex.join([*words, *(["--judge", judge] if judge else [])])


def save_sheet(loaded: Loaded, path: Path, **asked: Any) -> None:
    """Write the recipe's contact sheet as PNG; the arguments are those of `Recipe.contact_sheet`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    to_pil_image(((loaded.recipe.contact_sheet(**asked) + 1) / 2).clamp(0, 1)).save(path, format="PNG")
