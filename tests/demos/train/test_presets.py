"""Starts, presets and image counts of every recipe, and a recipe that is added in one place."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from demos.core.context import Context
from demos.core.families import families_by_tab
from demos.core.i18n import Texts
from demos.train import tab
from demos.train.presets import PRESETS, enough_for, fitting_jobs, preset_config, start_config, starts
from demos.train.run_view import run_value
from models.checkpoints import weights_info
from models.training import recipes
from models.training.__main__ import build_parser
from models.training.data.audit import Audit
from models.training.evaluation.diagnostics import advise
from models.training.jobs import JobManager, Snapshot
from models.training.loop.init_weights import check_fit
from models.training.recipes import RECIPES


@pytest.mark.parametrize("recipe", RECIPES)
def test_presets_are_valid_and_fit_every_start(recipe: str, context: Context) -> None:
    for preset in PRESETS:
        for start in [*starts(recipe, context.library), None]:
            fixed = start_config(recipe, weights_info(start)) if start else {}
            config = RECIPES[recipe].Config(**preset_config(recipe, preset, fixed, start is not None, 500))
            assert config.steps <= 500
            if start:
                check_fit(recipe, config, start)


def test_only_finished_jobs_of_a_fitting_recipe_are_starts() -> None:
    done = Snapshot(
        id="a", owner="o", title="", recipe="vae", state="done", step=40, total=40, created=0.0, started=None,
        finished=None, queue_place=None, seconds_left=None, metrics=(), previews=(), error=None, error_values={},
        start=None, config={},
    )  # fmt: skip
    assert fitting_jobs("vae", [replace(done, step=0), done]) == [done]
    assert fitting_jobs("mae", [done]) == []


def counted(count: int, labels: int = 0) -> Audit:
    kinds = {f"kind {i}": count // labels for i in range(labels)}
    return Audit(count, count, {}, kinds, (64, 64, 64), 0, 0, 1, Image.new("RGB", (1, 1)))


def test_enough_grows_with_the_images_and_needs_what_the_method_needs() -> None:
    order = ("impossible", "taste", "usable", "plenty")
    for recipe in RECIPES:
        sets = len(RECIPES[recipe].image_sets)
        levels = [
            order.index(enough_for(recipe, [counted(n, 2)] * sets, scratch))
            for scratch in (True, False)
            for n in (2, 30, 500, 5000)
        ]
        assert levels[:4] == sorted(levels[:4]) and levels[4:] == sorted(levels[4:])
        assert levels[4] == 0 and levels[7] == 3
        assert all(scratch <= tuned for scratch, tuned in zip(levels[:4], levels[4:], strict=True))
    assert enough_for("cyclegan", [counted(5000)], False) == "impossible", "one set"
    assert enough_for("supervised", [counted(5000)], False) == "impossible", "no labels"


NEW_RECIPE = '''
from models.training.recipes.monitoring import Advice, Chart
from models.training.recipes.vae import VAERecipe

class TinyRecipe(VAERecipe):
    """A recipe in one file."""

    name, order = "tiny", 80
    tabs = ("embeddings",)
    charts = (Chart("kl", ("kl",)),)
    image_counts = (40, 50, 60)

    @staticmethod
    def advise(rows, options):
        return [Advice("balanced", "good", {"error": 0.0, "draw": 0.0})]
'''


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a recipe whose file was added, with the texts of the VAE."""
    (tmp_path / "recipe_tiny.py").write_text(NEW_RECIPE)
    monkeypatch.setattr(recipes, "__path__", [*recipes.__path__, str(tmp_path)])
    found = recipes.discover()
    assert [name for name in found if name != "tiny"] == list(RECIPES)
    monkeypatch.setitem(RECIPES, "tiny", found["tiny"])
    template = Texts._template
    monkeypatch.setattr(
        Texts, "_template", lambda self, language, key: template(self, language, key.replace(".tiny", ".vae"))
    )
    yield "tiny"
    sys.modules.pop("models.training.recipes.recipe_tiny", None)


def test_a_recipe_in_one_file_is_offered_everywhere(tiny: str, context: Context, tmp_path: Path) -> None:
    assert "vae" in families_by_tab()["embeddings"]
    assert build_parser().parse_args([tiny, "--data", "x.zip", "--out", "x", "--beta", "4"]).beta == 4
    assert preset_config(tiny, "good", {}, True, 500)["steps"] == 500
    assert starts(tiny, context.library) == starts("vae", context.library)
    assert [enough_for(tiny, [counted(n)], False) for n in (39, 45, 55, 60)] == [
        "impossible", "taste", "usable", "plenty",
    ]  # fmt: skip
    rows = [{"step": step, "time": 0.0, "loss": 1.0 / step, "kl": 1.0} for step in range(20, 161, 20)]
    assert [one.code for one in advise(tiny, rows, {})] == ["balanced"]
    told = json.loads(run_value(context, "r", tiny, {}, rows, [], head="", total=160, live=True))
    assert [chart["names"] for chart in told["charts"]] == [["kl"]]
    manager = JobManager(tmp_path / "trainer", classroom=False)
    try:
        with gr.Blocks() as app:
            tab.build(replace(context, jobs=manager))
    finally:
        manager.close()
    radio = next(block for block in app.blocks.values() if getattr(block, "elem_id", None) == "train-recipe")
    assert [value for _, value in radio.choices] == list(RECIPES)
