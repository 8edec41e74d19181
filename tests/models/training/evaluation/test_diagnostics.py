"""Advice on curves: each trouble is seen on a curve that has it, and healthy curves are left in peace."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from models.training.evaluation.diagnostics import MIN_ROWS, MIN_STEPS, advise
from models.training.evaluation.recordings import recordings
from models.training.recipes._adversarial import discriminator_loss
from models.training.recipes.monitoring import drawn_error

RECORDINGS = Path(__file__).resolve().parents[4] / "assets" / "recordings"


def curve(count: int = 30, **measures: Any) -> list[dict[str, float]]:
    """Rows in which each measure is a function of the share of the run that is done."""
    return [
        {"step": 20.0 * (i + 1), **{name: float(value(i / (count - 1))) for name, value in measures.items()}}
        for i in range(count)
    ]


def codes(recipe: str, rows: list[dict[str, float]], images: int | None = None, **config: Any) -> list[str]:
    return [one.code for one in advise(recipe, rows, config, images)]


def falling(t: float) -> float:
    return 1.0 - t * 0.9


def test_a_young_run_gets_no_advice() -> None:
    assert codes("mae", curve(MIN_ROWS - 1, loss=falling)) == []


def test_after_few_steps_a_run_is_not_called_healthy() -> None:
    measures = {"loss": falling, "std_of_l2_normalized": lambda t: 0.9, "uniformity": lambda t: -2.0}
    told = advise("simsiam", curve(MIN_ROWS, **measures), {})
    assert [(one.code, one.level) for one in told] == [("too_short", "note")]
    assert told[0].values == {"step": 20.0 * MIN_ROWS, "steps": MIN_STEPS}
    assert codes("simsiam", curve(MIN_STEPS // 20, **measures)) == ["spread_out"]
    gone = curve(MIN_ROWS, loss=falling, std_of_l2_normalized=lambda t: 0.05, uniformity=lambda t: -0.05)
    assert codes("simsiam", gone)[0] == "collapsed", "trouble is told at once"


@pytest.mark.parametrize("recipe", ["simsiam", "simclr", "moco"])
def test_collapse(recipe: str) -> None:
    gone = curve(loss=falling, std_of_l2_normalized=lambda t: 0.9 * (1 - t) ** 4, uniformity=lambda t: -2 * (1 - t))
    assert codes(recipe, gone)[0] == "collapsed"
    outlier = curve(loss=falling, std_of_l2_normalized=lambda t: 0.35, uniformity=lambda t: -0.05)
    told = advise(recipe, outlier, {})[0]
    assert told.code == "collapsed", "a few outputs that stand apart do not hide it"
    assert told.values == pytest.approx({"spread": 0.35, "uniformity": -0.05}), "the reason is told"
    going = curve(loss=falling, std_of_l2_normalized=lambda t: 0.9 - 0.5 * t, uniformity=lambda t: -1.5 + t)
    assert codes(recipe, going)[0] == "collapsing"
    well = curve(loss=falling, std_of_l2_normalized=lambda t: 0.9, uniformity=lambda t: -2.0)
    assert codes(recipe, well) == ["spread_out"]
    assert "learn_slower" in codes(recipe, gone) and "restore_stop_gradient" not in codes(recipe, gone)


def test_only_a_run_without_its_stop_gradient_is_told_to_restore_it() -> None:
    gone = curve(loss=falling, std_of_l2_normalized=lambda t: 0.05, uniformity=lambda t: -0.05)
    assert codes("simsiam", gone, stop_gradient=False)[:2] == ["collapsed", "restore_stop_gradient"]
    assert "restore_stop_gradient" not in codes("simsiam", gone, stop_gradient=True)


def test_the_discriminator_wins() -> None:
    rows = curve(
        loss=lambda t: 10 + t,
        discriminator_a=lambda t: 0.25 * (1 - t) ** 3,
        discriminator_b=lambda t: 0.2,
        adversarial=lambda t: 1 + t,
        cycle=lambda t: 1 - 0.7 * t,
    )
    assert codes("cyclegan", rows) == ["discriminator_wins"]


def test_a_fair_fight_and_no_way_back() -> None:
    fair: dict[str, Any] = {
        "discriminator_a": lambda t: 0.2,
        "discriminator_b": lambda t: 0.22,
        "adversarial": lambda t: 0.8,
    }
    assert codes("cyclegan", curve(loss=falling, cycle=lambda t: 1 - 0.6 * t, **fair)) == ["balanced"]
    assert codes("cyclegan", curve(loss=falling, cycle=lambda t: 1.0, **fair)) == ["no_way_back", "balanced"]
    kept = curve(loss=falling, cycle=lambda t: 0.07 + 0.1 * t, **fair)
    assert codes("cyclegan", kept) == ["balanced"], "trained weights begin with a way back"
    assert "no_way_back" in codes("cyclegan", curve(loss=falling, cycle=lambda t: 0.4 + 0.4 * t, **fair))
    lost = fair | {"discriminator_a": lambda t: 0.6}
    assert "generator_wins" in codes("cyclegan", curve(loss=falling, cycle=lambda t: 1 - 0.6 * t, **lost))


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1 / 4), (0.5, 1 / 6), (1.0, 0.0)])
def test_the_error_of_a_discriminator_that_cannot_tell(share: float, expected: float) -> None:
    assert drawn_error(share) == pytest.approx(expected)
    alike, other = torch.ones(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)  # translations are like the real images
    judge = nn.Identity()  # answers 0 to the other set, and to the others what they show
    losses = [discriminator_loss(judge, it * alike, it * alike, other, share) for it in torch.linspace(0, 1, 601)]
    assert float(min(losses)) == pytest.approx(expected, abs=1e-5)


def test_a_discriminator_that_cannot_even_tell_the_other_set_is_not_busy() -> None:
    level: dict[str, Any] = {"discriminator_a": lambda t: 0.25, "discriminator_b": lambda t: 0.25}
    rows = curve(loss=falling, adversarial=lambda t: 0.5, cycle=lambda t: 1 - 0.6 * t, **level)
    assert [(one.code, one.values) for one in advise("cyclegan", rows, {"reject_source": 0.0})] == [
        ("balanced", {"error": 0.25, "draw": 0.25})
    ]
    assert codes("cyclegan", rows, reject_source=0.5) == []


def test_posterior_collapse() -> None:
    gone = curve(loss=falling, kl=lambda t: 50 * (1 - t) ** 6, active_units=lambda t: max(0.0, 0.5 - t))
    assert codes("vae", gone)[0] == "posterior_collapse"
    assert "posterior_collapse" not in codes("vae", gone, autoencoder=True), "an autoencoder has no posterior"
    resting = curve(loss=falling, kl=lambda t: 7.0, active_units=lambda t: 0.06)
    assert codes("vae", resting, latent_dim=128, free_bits=0.05)[0] == "posterior_collapse", "0.6 nats are not free"
    assert codes("vae", resting, latent_dim=128, free_bits=0.0) == []
    rising = curve(loss=falling, kl=lambda t: 40.0, active_units=lambda t: 0.9)
    assert codes("vae", rising, kl_warmup=10_000) == ["blurry_start"]
    assert codes("vae", rising) == ["code_is_used"]


def test_divergence() -> None:
    assert codes("mae", curve(loss=lambda t: 1.0 - t if t < 0.3 else 0.7 + 5 * (t - 0.3))) == ["diverging"]
    broken = curve(loss=falling)
    broken[-1]["loss"] = math.nan
    assert codes("mae", broken) == ["diverging"]


def test_a_loss_that_does_not_move() -> None:
    noise = [0.01, -0.01, 0.005]
    stuck = [{"step": 20.0 * i, "loss": 1.0 + noise[i % 3]} for i in range(1, 31)]
    assert codes("mae", stuck) == ["not_learning"]
    assert codes("mae", curve(loss=falling)) == []
    assert codes("mae", curve(loss=lambda t: max(0.2, 1 - 4 * t))) == ["flat"]


def test_few_images_seen_often_are_learned_by_heart() -> None:
    rows = curve(loss=falling)
    assert "memorising" in codes("mae", rows, images=20, batch_size=16)
    assert "memorising" not in codes("mae", rows, images=2000, batch_size=16)


def test_warnings_come_first() -> None:
    rows = curve(loss=lambda t: 1.0, std_of_l2_normalized=lambda t: 0.9, uniformity=lambda t: -2.0)
    assert codes("simsiam", rows) == ["not_learning", "spread_out"]


def test_real_runs_get_the_advice_they_deserve() -> None:
    last = {one.name: advise(one.recipe, one.rows, one.config)[0].code for one in recordings(RECORDINGS)}
    assert last["simsiam-kinds"] == "spread_out"
    assert last["simsiam-collapse"] == "collapsed"
    assert last["vae-kinds"] == "code_is_used"
