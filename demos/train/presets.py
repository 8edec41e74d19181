"""What a visitor can start from and how long they want to wait, as values of a recipe's config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

from models.checkpoints import CHECKPOINTS, OWN, Library, WeightsInfo, checkpoint
from models.training.recipes import RECIPES
from models.training.recipes.mae import MODEL_FIELDS

SCRATCH = "scratch"
PRESETS: Mapping[str, tuple[float, float]] = {  # share of the recipe's usual steps, and of its usual batch
    "quick": (0.03, 0.25),
    "good": (0.25, 0.5),
    "thorough": (1.0, 1.0),
}
FINE_TUNING_RATE = 0.3  # share of the usual learning rate, so that the start is not forgotten at once
WHOLE_RATE = frozenset({"cyclegan"})  # what one translator changes is no start for another pair: it has to be forgotten
FAMILY = {
    "cyclegan": ("cyclegan",),
    "mae": ("mae",),
    "vae": ("vae",),
    "simsiam": ("contrastive", "supervised"),
    "simclr": ("contrastive", "supervised"),
    "moco": ("contrastive", "supervised"),
    "supervised": ("supervised", "contrastive"),
}

# The options that decide a network's shape: a run that starts from trained weights has to share them.
SHAPE: Mapping[str, frozenset[str]] = {
    "cyclegan": frozenset({"image_size", "light", "num_filters", "num_blocks", "discriminator_filters"}),
    "mae": frozenset({"image_size", *MODEL_FIELDS}),
    "vae": frozenset({"image_size", "latent_dim", "num_filters"}),
    **dict.fromkeys(("simsiam", "simclr", "moco", "supervised"), frozenset({"image_size", "width"})),
}


def starts(recipe: str, library: Library) -> list[str]:
    """Return the names of the weights that a recipe can start from, the most fitting first.

    Of CycleGAN's two directions one stands for both. Its published generators are offered once they are on disk; the
    other published networks are larger than what can be trained here, or take other images.
    """
    of_family = [name for family in FAMILY.get(recipe, ()) for name in OWN if checkpoint(name).family == family]
    if recipe == "cyclegan":
        published = (one for one in library.records(["cyclegan"]) if one.name in CHECKPOINTS and not one.is_own)
        of_family = [*of_family[:1], *[one.name for one in published if library.is_on_disk(one)][:1]]
    return sorted(of_family, key=lambda name: not name.startswith(recipe))


def start_config(recipe: str, info: WeightsInfo) -> dict[str, Any]:
    """Return the options without which the weights would not fit."""
    known: dict[str, Any] = {"image_size": info.image_size, **info.args, "light": info.arch == "light_generator"}
    return {name: known[name] for name in SHAPE.get(recipe, ()) if name in known}


def preset_config(
    recipe: str, preset: str, fixed: Mapping[str, Any], fine_tune: bool, most_steps: int, stop_gradient: bool = True
) -> dict[str, Any]:
    """Return all options of a recipe for a preset."""
    config = asdict(RECIPES[recipe].Config())
    share, batch = PRESETS[preset]
    steps = min(most_steps, max(40, round(config["steps"] * share / 10) * 10))
    config["steps"] = steps
    config["batch_size"] = max(1 if config["batch_size"] == 1 else 8, round(config["batch_size"] * batch))
    if not torch.cuda.is_available():
        config["precision"] = "fp32"  # beside an app at work, "auto" measures noise, and bf16 can be far slower
    config["warmup"] = min(config["warmup"], max(1, steps // 10))
    if "kl_warmup" in config:
        config["kl_warmup"] = min(config["kl_warmup"], steps // 3)
    if "queue_size" in config and preset == "quick":
        config["queue_size"] = 1024  # a short run would never fill a longer one
    if fine_tune and recipe not in WHOLE_RATE:
        config["learning_rate"] *= FINE_TUNING_RATE
    if "stop_gradient" in config:
        config["stop_gradient"] = stop_gradient
    return {**config, **fixed}


def fitting_jobs(recipe: str, jobs: Sequence[Any]) -> list[Any]:
    """Return the jobs whose weights a recipe can start from: of its own kind, with something learned."""
    alike = {recipe, *(name for name, family in FAMILY.items() if set(family) == set(FAMILY.get(recipe, ())))}
    return [job for job in jobs if job.recipe in alike and job.step > 0 and job.state in ("done", "stopped")]
