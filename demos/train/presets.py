"""What a run can start from, its options for a waiting time, and whether there are enough images for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

import torch

from demos.core.user_models import can_be_used
from models.checkpoints import CHECKPOINTS, OWN, Library, WeightsInfo, checkpoint
from models.training.data.audit import Audit
from models.training.jobs import Snapshot
from models.training.recipes import RECIPES

SCRATCH = "scratch"
PRESETS: Mapping[str, tuple[float, float]] = {  # share of the recipe's usual steps, and of its usual batch
    "quick": (0.03, 0.25),
    "good": (0.25, 0.5),
    "thorough": (1.0, 1.0),
}
FROM_SCRATCH = 5  # times as many images as for fine-tuning
Level = Literal["impossible", "taste", "usable", "plenty"]


def starts(recipe: str, library: Library) -> list[str]:
    """Return the names of the weights that a recipe can start from, the most fitting first.

    Of CycleGAN's two directions one stands for both. Its published generators are offered once they are on disk; the
    other published networks are larger than what can be trained here, or take other images.
    """
    kind = RECIPES[recipe]
    found = [name for family in kind.start_families for name in OWN if checkpoint(name).family == family]
    if len(kind.main_parts) == 2:
        published = (one for one in library.records([kind.family]) if one.name in CHECKPOINTS and not one.is_own)
        found = [*found[:1], *[one.name for one in published if library.is_on_disk(one)][:1]]
    return sorted(found, key=lambda name: not name.startswith(recipe))


def start_config(recipe: str, info: WeightsInfo) -> dict[str, Any]:
    """Return the options without which the weights would not fit."""
    kinds = {"light": info.arch == "light_generator", "residual": info.arch == "residual_vae"}
    known: dict[str, Any] = {"image_size": info.image_size, **info.args, **kinds}
    return shape_of(recipe, known)


def shape_of(recipe: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those options that decide the shape of a recipe's networks."""
    return {name: options[name] for name in RECIPES[recipe].shape_options if name in options}


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
    if fine_tune:
        config["learning_rate"] *= RECIPES[recipe].fine_tuning_rate
    if "stop_gradient" in config:
        config["stop_gradient"] = stop_gradient
    return {**config, **fixed}


def fitting_jobs(recipe: str, jobs: Sequence[Snapshot]) -> list[Snapshot]:
    """Return the jobs whose weights a recipe can start from: of its own kind, with at least one step."""
    families = set(RECIPES[recipe].start_families)
    alike = {name for name, kind in RECIPES.items() if set(kind.start_families) == families}
    return [job for job in jobs if job.recipe in alike and can_be_used(job)]


def enough_for(recipe: str, audits: Sequence[Audit], from_scratch: bool) -> Level:
    """Return what the images of each set of a recipe are enough for."""
    kind = RECIPES[recipe]
    if len(audits) != len(kind.image_sets) or (kind.needs_labels and not audits[0].labels):
        return "impossible"
    count, scale = min(audit.count for audit in audits), FROM_SCRATCH if from_scratch else 1
    possible, usable, plenty = kind.image_counts
    if count < possible:
        return "impossible"
    return "taste" if count < usable * scale else "usable" if count < plenty * scale else "plenty"
