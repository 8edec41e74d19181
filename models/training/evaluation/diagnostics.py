"""What the curves of a run mean: rows of metrics in, short codes out, for a sentence in plain words.

Each rule looks at the last rows only, so that advice disappears when the trouble does. The codes:

    "diverging"             the loss is far above what it had reached
    "collapsed"             contrastive: the outputs are all the same
    "collapsing"            contrastive: they are becoming so
    "discriminator_wins"    CycleGAN: it tells every fake, so the translators learn nothing from it
    "generator_wins"        CycleGAN: it is fooled by everything, so it teaches nothing
    "no_way_back"           CycleGAN: the round trip ends far off, and does not get better
    "posterior_collapse"    VAE: the latent numbers carry nothing
    "blurry_start"          VAE: the KL divergence's weight is still rising, so samples are no good yet
    "not_learning"          the loss has not moved
    "memorising"            so many passes over so few images that they are learned by heart
    "flat"                  the loss no longer moves: more steps of this kind bring little
    "spread_out", "balanced", "code_is_used"   the method's own measure is healthy
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Literal

Rows = Sequence[Mapping[str, float]]

MIN_ROWS = 4  # fewer say nothing
WINDOW = 5  # rows that count as "now"
CONTRASTIVE = ("simsiam", "simclr", "moco")
FAR_OFF = 0.4  # both round trips together, each a mean difference in [-1, 1]; without a cycle loss it is 0.5 to 1


@dataclass(frozen=True)
class Advice:
    """One remark: its code, how serious it is, and the numbers its sentence mentions."""

    code: str
    level: Literal["good", "note", "warning"]
    values: Mapping[str, float] = field(default_factory=dict)


def advise(recipe: str, rows: Rows, config: Mapping[str, Any], images: int | None = None) -> list[Advice]:
    """Return what is worth saying about a run, the most serious first.

    Args:
        recipe: A key of `models.training.recipes.RECIPES`.
        rows: Logged metrics in order, each with "step" and "loss" and the recipe's own measures.
        config: The run's config.
        images: Number of training images, if known.
    """
    if len(rows) < MIN_ROWS:
        return []
    found = _diverging(rows, adversarial=recipe == "cyclegan")
    if recipe in _RULES:
        found += _RULES[recipe](rows, config)
    if not any(one.level == "warning" for one in found):
        # a GAN's losses tell who is ahead, not how far it has come
        found += [*_memorising(rows, config, images), *([] if recipe == "cyclegan" else _still(rows, config))]
    order = {"warning": 0, "note": 1, "good": 2}
    return sorted(found, key=lambda one: order[one.level])


def _now(rows: Rows, name: str) -> float:
    """Return the mean of a measure over the last rows; not a number where it is not logged."""
    values = [row[name] for row in rows[-WINDOW:] if name in row]
    return fmean(values) if values else math.nan


def _at_first(rows: Rows, name: str) -> float:
    return rows[0].get(name, math.nan)


def _diverging(rows: Rows, adversarial: bool) -> list[Advice]:
    """The loss rose above its best by more than it had fallen in all, and is rising still; a GAN's may do that."""
    losses = [row["loss"] for row in rows]
    if not all(map(math.isfinite, losses)):
        return [Advice("diverging", "warning", {"loss": losses[-1]})]
    if adversarial:
        return []
    best = min(losses)
    fallen = max(losses[0] - best, 0.05 * abs(losses[0]))
    if losses[-1] > losses[0] and losses[-1] - best > 1.5 * fallen and losses[-1] >= losses[-2]:
        return [Advice("diverging", "warning", {"loss": losses[-1], "best": best})]
    return []


def _contrastive(rows: Rows, config: Mapping[str, Any]) -> list[Advice]:
    """The spread of normalised outputs times sqrt(D) is near 1 in health and 0 at collapse (2011.10566 §4.1).

    A few outputs that stand apart keep the spread up; the uniformity, 0 at collapse, is not deceived by them.
    """
    spread = _now(rows, "std_of_l2_normalized")
    if spread < 0.1 or _now(rows, "uniformity") > -0.1:
        return [Advice("collapsed", "warning", {"spread": spread})]
    before = _at_first(rows, "std_of_l2_normalized")
    if spread < 0.5 and spread < 0.7 * before:
        return [Advice("collapsing", "warning", {"spread": spread})]
    return [Advice("spread_out", "good", {"spread": spread})] if spread > 0.6 else []


def drawn_error(reject_source: float) -> float:
    """Return the error of CycleGAN's best discriminator where translations are perfect, so that it cannot tell them.

    Its loss (`models.training.recipes._adversarial.discriminator_loss`) is half of (D - 1)² on real images,
    (1 - r) D² on translations and r D² on images of the other set. It tells these last and answers 0. Real and
    translated ones are alike: there (D - 1)² + (1 - r) D² is least at D = 1 / (2 - r), and half of it is then
    (1 - r) / (2 - r) / 2. That is 1/4 without images of the other set, 1/6 where they are half, 0 where they are all.

    Args:
        reject_source: r, the share of images of the other set among what is rejected.
    """
    return 0.5 * (1 - reject_source) / (2 - reject_source)


def _cyclegan(rows: Rows, config: Mapping[str, Any]) -> list[Advice]:
    """Half the sum of both errors is `drawn_error` for a discriminator that cannot tell, and near 0 for one that can.

    One that answers 1 to everything has 0.5, whatever the share of the other set.
    """
    draw = drawn_error(config.get("reject_source", 0.0))
    judged = min(_now(rows, "discriminator_a"), _now(rows, "discriminator_b"))
    fooling = _now(rows, "adversarial") / 2  # a generator's loss; 1 when the discriminator answers 0
    found = []
    if judged < 0.2 * draw and fooling > 0.7:
        found.append(Advice("discriminator_wins", "warning", {"error": judged}))
    elif max(_now(rows, "discriminator_a"), _now(rows, "discriminator_b")) > 0.4:
        found.append(Advice("generator_wins", "warning", {"error": judged}))
    elif 0.4 * draw < judged < 1.2 * draw:
        found.append(Advice("balanced", "good", {"error": judged, "draw": draw}))
    # A translator that starts trained, or as the identity, has a short way back at first and may lose some of it.
    if len(rows) >= 2 * WINDOW and (cycle := _now(rows, "cycle")) > max(FAR_OFF, 0.95 * _at_first(rows, "cycle")):
        found.append(Advice("no_way_back", "warning", {"cycle": cycle}))
    return found


def _vae(rows: Rows, config: Mapping[str, Any]) -> list[Advice]:
    """Few active units, or hardly a nat above the free ones: the decoder ignores the code (1509.00519 §5.2)."""
    if config.get("autoencoder"):
        return []
    step, warmup = rows[-1]["step"], config.get("kl_warmup", 0)
    active, kl = _now(rows, "active_units"), _now(rows, "kl")
    free = config.get("latent_dim", 0) * config.get("free_bits", 0.0)
    if active < 0.05 or kl < 1.0 + free:
        return [Advice("posterior_collapse", "warning", {"active": active, "kl": kl})]
    if step < warmup:
        return [Advice("blurry_start", "note", {"step": step, "warmup": warmup})]
    return [Advice("code_is_used", "good", {"active": active})] if active > 0.2 else []


_RULES: Mapping[str, Callable[[Rows, Mapping[str, Any]], list[Advice]]] = {
    "cyclegan": _cyclegan,
    "vae": _vae,
    **{name: _contrastive for name in CONTRASTIVE},
}


def _memorising(rows: Rows, config: Mapping[str, Any], images: int | None) -> list[Advice]:
    """Few images seen very often are learned by heart, which a falling loss does not show."""
    if not images:
        return []
    passes = rows[-1]["step"] * config.get("batch_size", 1) / images
    return [Advice("memorising", "note", {"passes": passes, "pictures": images})] if passes > 200 else []


def _still(rows: Rows, config: Mapping[str, Any]) -> list[Advice]:
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
