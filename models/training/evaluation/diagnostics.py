"""Advice on a run from its logged metrics, as codes for sentences.

Every rule looks at the last rows only, so that advice disappears when the trouble does. Beside the codes of a recipe's
own rules (`models.training.recipes.monitoring`):

    "diverging"      the loss is far above its minimum
    "not_learning"   the loss has not moved
    "memorising"     many epochs over few images, which the network may begin to overfit
    "flat"           the loss has reached a plateau
    "too_short"      nothing is wrong, but it has run for too few steps to be called healthy
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean
from typing import Any

from models.training.recipes import RECIPES
from models.training.recipes.monitoring import Advice, Rows

MIN_ROWS = 4  # fewer say nothing
MIN_STEPS = 100  # after fewer, a run that looks healthy may still become anything


def advise(recipe: str, rows: Rows, config: Mapping[str, Any], images: int | None = None) -> list[Advice]:
    """Return advice on a run, the most serious first.

    Args:
        recipe: A key of `models.training.recipes.RECIPES`; of any other name only the general rules apply.
        rows: Logged metrics in order, each with "step" and "loss" and the recipe's own measures.
        config: The run's config.
        images: Number of training images, if known.
    """
    if len(rows) < MIN_ROWS:
        return []
    kind = RECIPES.get(recipe)
    adversarial = kind is not None and kind.adversarial  # such losses tell who is ahead, not how far it has come
    found = _divergence(rows, adversarial)
    if kind is not None:
        found += kind.advise(rows, config)
    if not any(one.level == "warning" for one in found):
        found += [*_overfitting(rows, config, images), *([] if adversarial else _plateau(rows, config))]
    if rows[-1]["step"] < MIN_STEPS and any(one.level == "good" for one in found):
        found = [one for one in found if one.level != "good"]
        found.append(Advice("too_short", "note", {"step": rows[-1]["step"], "steps": MIN_STEPS}))
    order = {"warning": 0, "note": 1, "good": 2}
    return sorted(found, key=lambda one: order[one.level])


def _divergence(rows: Rows, adversarial: bool) -> list[Advice]:
    """The loss rose above its minimum by more than it had fallen in all, and still rises; a GAN's may do that."""
    losses = [row["loss"] for row in rows]
    if not all(map(math.isfinite, losses)):
        return [Advice("diverging", "warning", {"loss": losses[-1]})]
    best = min(losses)
    fallen = max(losses[0] - best, 0.05 * abs(losses[0]))
    rises = losses[-1] > losses[0] and losses[-1] - best > 1.5 * fallen and losses[-1] >= losses[-2]
    return [Advice("diverging", "warning", {"loss": losses[-1], "best": best})] if rises and not adversarial else []


def _overfitting(rows: Rows, config: Mapping[str, Any], images: int | None) -> list[Advice]:
    """More than 200 epochs; the training loss does not show whether they overfit."""
    if not images:
        return []
    passes = rows[-1]["step"] * config.get("batch_size", 1) / images
    return [Advice("memorising", "note", {"passes": passes, "pictures": images})] if passes > 200 else []


def _plateau(rows: Rows, config: Mapping[str, Any]) -> list[Advice]:
    """The loss of the last third is where that of the first rows, or of the third before, already was."""
    third = len(rows) // 3
    if third < 3 or rows[-1]["step"] < config.get("warmup", 0):
        return []
    losses = [row["loss"] for row in rows]
    first, middle, last = (fmean(part) for part in (losses[:2], losses[third : 2 * third], losses[-third:]))
    noise = max(1e-3 * abs(middle), (max(losses[-third:]) - min(losses[-third:])) / 4)
    if first - last <= max(noise, 0.01 * abs(first)):
        return [Advice("not_learning", "warning", {"loss": last})]
    if middle - last <= min(noise, 0.02 * (first - last)):
        return [Advice("flat", "note", {"loss": last})]
    return []
