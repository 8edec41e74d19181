"""What a recipe's logged metrics show: its charts, and advice on its own failure modes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Literal

Rows = Sequence[Mapping[str, float]]
Options = Mapping[str, Any]  # of a run's config

WINDOW = 5  # rows of which `recent` is the mean
FAR_OFF = 0.4  # both cycle losses together, each a mean difference in [-1, 1]; without a cycle loss it is 0.5 to 1


@dataclass(frozen=True)
class Chart:
    """One chart of a run."""

    key: str  # the title has the text `train.chart.<key>`
    names: tuple[str, ...]  # measures drawn in it
    range: tuple[float, float] | None = None  # values that its axis covers at least
    guide: Callable[[Options], float] | None = None  # value of a dashed line, for the options of the run
    unit: str = ""  # of the values; it has the text `train.unit.<unit>`


LOSS_CHART = Chart("loss", ("loss",))


@dataclass(frozen=True)
class Advice:
    """One remark on a run: its code, how serious it is, and the numbers its sentence mentions."""

    code: str
    level: Literal["good", "note", "warning"]
    values: Mapping[str, float] = field(default_factory=dict)


def recent(rows: Rows, name: str) -> float:
    """Return the mean of a measure over the last rows; not a number where it is not logged."""
    values = [row[name] for row in rows[-WINDOW:] if name in row]
    return fmean(values) if values else math.nan


def collapse_advice(rows: Rows, options: Options) -> list[Advice]:
    """Return "collapsed" with what to do, "collapsing" or "spread_out" for a contrastive run.

    The std of normalised outputs times sqrt(D) is near 1 in health and 0 at collapse (2011.10566 §4.1). A few
    outliers keep it up; the uniformity, 0 at collapse, is not deceived by them.
    """
    std, uniformity = recent(rows, "std_of_l2_normalized"), recent(rows, "uniformity")
    if std < 0.1 or uniformity > -0.1:
        remedy = "restore_stop_gradient" if options.get("stop_gradient") is False else "learn_slower"
        values = {"spread": std, "uniformity": round(uniformity, 2) + 0.0}  # shown with two digits, and never as -0.00
        return [Advice("collapsed", "warning", values), Advice(remedy, "note")]
    if std < 0.5 and std < 0.7 * rows[0].get("std_of_l2_normalized", math.nan):
        return [Advice("collapsing", "warning", {"spread": std})]
    return [Advice("spread_out", "good", {"spread": std})] if std > 0.6 else []


def drawn_error(reject_source: float) -> float:
    """Return the error of CycleGAN's best discriminator where translations are perfect, so that it cannot tell them.

    Its loss (`models.training.recipes._adversarial.discriminator_loss`) is half of (D - 1)² on real images,
    (1 - r) D² on translations and r D² on images of the other set. It tells these last and answers 0. Real and
    translated ones are alike: there (D - 1)² + (1 - r) D² is least at D = 1 / (2 - r), and half of it is then
    (1 - r) / (2 - r) / 2. That is 1/4 without images of the other set, 1/6 where they are half, 0 where they are all.
    """
    return 0.5 * (1 - reject_source) / (2 - reject_source)


BALANCE_CHART = Chart(
    "balance",
    ("discriminator_a", "discriminator_b"),
    (0.0, 0.5),
    guide=lambda options: drawn_error(options.get("reject_source", 0.0)),
)


def adversarial_advice(rows: Rows, options: Options) -> list[Advice]:
    """Return which side of a CycleGAN wins, and "no_way_back" where the cycle loss stays high.

    Half the sum of both errors is `drawn_error` for a discriminator that cannot tell, near 0 for one that can, and
    0.5 for one that answers 1 to everything, whatever the share of the other set.
    """
    draw = drawn_error(options.get("reject_source", 0.0))
    errors = [recent(rows, "discriminator_a"), recent(rows, "discriminator_b")]
    lowest = min(errors)
    found = []
    if lowest < 0.2 * draw and recent(rows, "adversarial") / 2 > 0.7:  # 1 where the discriminator answers 0
        found.append(Advice("discriminator_wins", "warning", {"error": lowest}))
    elif max(errors) > 0.4:
        found.append(Advice("generator_wins", "warning", {"error": lowest}))
    elif 0.4 * draw < lowest < 1.2 * draw:
        found.append(Advice("balanced", "good", {"error": lowest, "draw": draw}))
    # A generator that starts trained, or as the identity, has a low cycle loss at first and may lose some of it.
    cycle, first = recent(rows, "cycle"), rows[0].get("cycle", math.nan)
    if len(rows) >= 2 * WINDOW and cycle > max(FAR_OFF, 0.95 * first):
        found.append(Advice("no_way_back", "warning", {"cycle": cycle}))
    return found


def posterior_advice(rows: Rows, options: Options) -> list[Advice]:
    """Return "posterior_collapse" where few units are active or hardly a nat is above the free ones (1509.00519 §5.2).

    Else "blurry_start" while the KL divergence's weight rises, and "code_is_used" in health.
    """
    if options.get("autoencoder"):
        return []
    step, warmup = rows[-1]["step"], options.get("kl_warmup", 0)
    active, kl = recent(rows, "active_units"), recent(rows, "kl")
    if active < 0.05 or kl < 1.0 + options.get("latent_dim", 0) * options.get("free_bits", 0.0):
        return [Advice("posterior_collapse", "warning", {"active": active, "kl": kl})]
    if step < warmup:
        return [Advice("blurry_start", "note", {"step": step, "warmup": warmup})]
    return [Advice("code_is_used", "good", {"active": active})] if active > 0.2 else []
