"""Load a training run, or exported weights, into the recipe that trained them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.checkpoints import CHECKPOINTS, read_config
from models.training.data.dataset import ImageSet, fingerprints
from models.training.distributed import Processes
from models.training.loop.init_weights import check_fit, fill
from models.training.loop.run_folder import RunFolder
from models.training.recipes import RECIPES, build_recipe
from models.training.recipes._base import Recipe, TrainConfig


@dataclass(frozen=True)
class Loaded:
    """A recipe with trained weights in its networks."""

    name: str  # of the recipe. recipe, config: it and its options
    recipe: Recipe
    config: TrainConfig
    sources: list[Path]  # of the images
    step: int  # how many steps it was trained for
    folders: Mapping[str, Path]  # the weights folders that were loaded, by part; none for a run
    own_images: bool = True  # whether the images are, as far as is known, those that a run was trained on


def load_run(run: RunFolder, data: list[Path] | None, classes: tuple[str, ...] | None = None) -> Loaded:
    """Return the recipe of a run with its newest checkpoint loaded; `FileNotFoundError` before the first.

    `data` replaces the run's own sources. With `classes`, those of the run's images, no image is read.
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
    own = classes is not None or not run.are_others(fingerprints(recipe.train, recipe.test))
    return Loaded(name, recipe, config, sources, checkpoint.step, {}, own)


def weights_record(start: Path) -> dict[str, Any] | None:
    """Return the config of exported weights, by the name of our own or by their folder; None for anything else."""
    folder = CHECKPOINTS[str(start)].folder if str(start) in CHECKPOINTS else start
    return read_config(folder) if (folder / "model.safetensors").is_file() else None


def folders_of(record: Mapping[str, Any], config: TrainConfig, start: str) -> dict[str, Path]:
    """Return the weights folder of each part that was trained with some weights; raises as `check_fit`."""
    folders = check_fit(record["recipe"], config, start)
    if record.get("part") == "b2a":  # the requested direction comes first
        return {"a2b": folders["b2a"], "b2a": folders["a2b"]}
    return folders


def load_weights(start: Path, record: Mapping[str, Any], config: TrainConfig, data: list[Path] | None) -> Loaded:
    """Return the recipe that trained some weights, with these and a generator's counterpart loaded."""
    name, sources = record["recipe"], data or [Path(source) for source in record["data"]]
    folders = folders_of(record, config, str(start))
    recipe = build_recipe(name, config, sources, Processes())
    fill(recipe, name, config, folders)
    for each, folder in folders.items():
        stored = read_config(folder)["args"]
        made = recipe.exports()[each].args
        if stored != made:
            raise ValueError(f"{folder.name} has {stored} and these pictures make it {made}; give those of its card.")
    return Loaded(name, recipe, config, sources, record["steps"], folders)
