"""Initial weights of a run: find the parts, check that they fit, and load them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import nn

from models.checkpoints import CHECKPOINTS, Checkpoint, WeightsInfo, library, load_folder, read_config
from models.networks.cyclegan import ResnetGenerator
from models.training.failures import DoesNotFitError
from models.training.loop.run_folder import write_atomically, write_json
from models.training.recipes import RECIPES
from models.training.recipes._base import Part, Recipe, TrainConfig

PUBLISHED_SIDE = 256  # pixels; of the crops that the published CycleGAN generators were trained on (1703.10593 §7.1)


def find_parts(start: str, parts: Mapping[str, Part]) -> dict[str, Path]:
    """Return the weights folder of each part of a recipe."""
    record = CHECKPOINTS.get(start)
    folder = Path(start) if record is None else weights_folder(record)
    if (folder / "config.json").is_file():
        found = {next(iter(parts)): folder}
        if "b2a" in parts:
            found["b2a"] = (
                weights_folder(CHECKPOINTS[record.partner])
                if record is not None and record.partner
                else _counterpart(folder)
            )
    else:
        found = {name: folder / name for name in parts}
    found = {
        name: path
        for name, path in found.items()
        if (path / "config.json").is_file() and (name != "b2a" or path != folder)
    }
    missing = [name for name, part in parts.items() if part.needed and name not in found]
    if missing:
        lacking = f"{start} does not hold {' and '.join(filter(None, missing)) or 'any weights'}"
        raise FileNotFoundError(f"{lacking}; give a name or a folder of trained weights.")
    return found


def _counterpart(folder: Path) -> Path:
    """Return where the generator of the opposite direction lies; of a step in `a2b-steps`, that in `b2a-steps`."""
    if folder.name.startswith("step-"):
        return _counterpart(folder.parent) / folder.name
    pair, steps, _ = folder.name.partition("-steps")
    return folder.with_name("2".join(reversed(pair.split("2"))) + steps)


def find_start(start: str, parts: Mapping[str, Part]) -> dict[str, Path]:
    """Return `find_parts`, with our own discriminators where weights come without any.

    Against untrained discriminators both generators collapse to the identity (`python tests/bench.py finetune`).
    """
    found, record = find_parts(start, parts), CHECKPOINTS.get(start)
    sets = ((record and record.direction) or "apple2orange").split("2")
    for name, fruit in zip(("discriminator_a", "discriminator_b"), sets, strict=True):
        folder = CHECKPOINTS[f"{fruit}-discriminator"].folder
        if name in parts and name not in found and read_config(folder)["args"] == parts[name].args:
            found[name] = folder
    return found


def weights_folder(record: Checkpoint) -> Path:
    """Return the folder of our own weights, or one converted from a published CycleGAN generator and cached."""
    if record.is_own:
        return record.folder
    weights = library()
    if not weights.is_on_disk(record):
        raise FileNotFoundError(f"{record.name} is not on disk; fetch it with: python app.py --prefetch {record.name}")
    folder = weights.hub.assets_folder / "trainable" / record.name
    if not (folder / "config.json").is_file():
        model = weights.load(record.name)
        if not isinstance(model, ResnetGenerator):
            raise FileNotFoundError(f"No recipe here trains a network like {record.name}; start from other weights.")
        args = {"num_filters": model.num_filters, "num_blocks": model.num_blocks}
        data = save(model.state_dict())
        write_atomically(folder / "model.safetensors", data)
        facts = {
            "arch": "resnet_generator", "args": args, "image_size": PUBLISHED_SIDE, "steps": 0, "metrics": {},
            "num_parameters": sum(p.numel() for p in model.parameters()), "sha256": hashlib.sha256(data).hexdigest(),
        }  # fmt: skip
        write_json(folder / "config.json", facts)
    return folder


def trainable_info(record: Checkpoint) -> WeightsInfo:
    """Return the facts about published weights that a recipe can start from; raises as `weights_folder`."""
    return WeightsInfo(record.name, **read_config(weights_folder(record)))


def check_fit(recipe: str, config: TrainConfig, start: str) -> dict[str, Path]:
    """Return the folders of fitting initial weights, else raise `FileNotFoundError` or `DoesNotFitError`."""
    parts = RECIPES[recipe].parts_of(config)
    folders = find_parts(start, parts)
    for name, folder in folders.items():
        _compare(start, recipe, parts[name], read_config(folder))
    return folders


def _compare(start: str, recipe: str, part: Part, stored: Mapping[str, Any]) -> None:
    if stored["arch"] != part.arch:
        needs = f"{stored['arch']} weights"
        raise DoesNotFitError(
            f"{start} holds a {stored['arch']}, and this {recipe} run trains a {part.arch}.", start, needs
        )
    given, wanted = dict(stored["args"]), dict(part.args)
    for name in part.free:
        given.pop(name, None)
        wanted.pop(name, None)
    differing = sorted(name for name in {*given, *wanted} if given.get(name) != wanted.get(name))
    if differing:
        needs = ", ".join(f"{part.options.get(name, name)} {given.get(name)}" for name in differing)
        raise DoesNotFitError(f"{start} does not fit this {recipe} run; it would with {needs}.", start, needs)


def start_from(recipe: Recipe, name: str, config: TrainConfig, start: str) -> None:
    """Load initial weights into a recipe's networks and their averages; raises as `check_fit`."""
    check_fit(name, config, start)
    fill(recipe, name, config, find_start(start, RECIPES[name].parts_of(config)))


def fill(recipe: Recipe, name: str, config: TrainConfig, folders: Mapping[str, Path]) -> None:
    """Load part -> weights folder into a recipe's networks and their averages."""
    for part, modules in recipe.part_modules().items():
        if part in folders:
            trained = load_folder(folders[part]).state_dict()
            for module in modules:
                _fill(module, trained, RECIPES[name].parts_of(config)[part].fresh)


def _fill(module: nn.Module, trained: Mapping[str, Any], fresh: tuple[str, ...]) -> None:
    """Load tensors into a module; those under a prefix in `fresh` only where they have the same shape."""
    own = module.state_dict()
    chosen = {}
    for key, tensor in own.items():
        same = key in trained and trained[key].shape == tensor.shape
        if not same and not key.startswith(fresh):
            raise ValueError(f"The weights lack {key} of shape {tuple(tensor.shape)}.")
        chosen[key] = trained[key] if same else tensor
    module.load_state_dict(chosen, strict=True)
