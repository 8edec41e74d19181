"""Options of a recipe as controls: every field is there, explained in both languages, and read back with its bounds."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import gradio as gr
import pytest

from demos.core.context import Context
from demos.core.i18n import Texts
from demos.ui.config_form import Options, help_text
from models.training.recipes import RECIPES
from models.training.recipes.options import OptionError

CONFIGS = {name: recipe.Config for name, recipe in RECIPES.items()}
OPTIONS = Options(CONFIGS)
TEXTS = Texts.load().tables


def values_for(recipe: str, **changed: Any) -> list[Any]:
    """What the page would send for the defaults of a recipe; controls of other recipes hold nothing."""
    config = {**asdict(CONFIGS[recipe]()), **changed}
    return [config.get(name) for name in OPTIONS.names]


@pytest.mark.parametrize("recipe", RECIPES)
def test_defaults_come_back_as_they_are(recipe: str) -> None:
    config = CONFIGS[recipe]()
    assert CONFIGS[recipe](**OPTIONS.read(recipe, values_for(recipe))) == config


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_field_is_explained_as_the_command_line_explains_it(context: Context, recipe: str) -> None:
    for spec in fields(CONFIGS[recipe]):
        key = help_text(context, recipe, spec.name).key
        text = spec.metadata["help"]
        assert TEXTS["en"][key] == text[0].upper() + text[1:], spec.name
        assert TEXTS["zh"][key] != TEXTS["en"][key]


def test_the_controls_of_a_recipe_are_visible_and_the_others_are_not(context: Context) -> None:
    with gr.Blocks():
        controls = OPTIONS.build(context, "vae", {"latent_dim": 17})
    shown = dict(zip(OPTIONS.names, controls, strict=True))
    assert shown["latent_dim"].visible and shown["latent_dim"].value == 17
    assert not shown["mask_ratio"].visible
    updates = dict(zip(OPTIONS.names, OPTIONS.update(context, "mae", {"mask_ratio": 0.5}), strict=True))
    assert updates["mask_ratio"]["visible"] and updates["mask_ratio"]["value"] == 0.5
    assert updates["latent_dim"] == {"visible": False, "__type__": "update"}
    assert {type(shown[name]) for name in ("steps", "beta")} == {gr.Number}
    assert isinstance(shown["precision"], gr.Dropdown) and isinstance(shown["autoencoder"], gr.Checkbox)
    assert "16 … 512" in str(shown["image_size"].info)


def test_a_limit_of_the_host_stands_in_the_bounds(context: Context) -> None:
    for limits, bounds in ((None, "(1 … ∞)"), ({"steps": 12_345}, "(1 … 12345)")):
        options = Options(CONFIGS, limits)
        with gr.Blocks():
            shown = dict(zip(options.names, options.build(context, "vae", {}), strict=True))
        assert bounds in str(shown["steps"].info)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"steps": 0}, "bounds"),
        ({"steps": 2.5}, "bounds"),
        ({"min_scale": 1.1}, "bounds"),
        ({"beta": float("nan")}, "missing"),
        ({"beta": float("inf")}, "missing"),
        ({"latent_dim": None}, "missing"),
        ({"latent_dim": "128"}, "missing"),
        ({"latent_dim": True}, "missing"),
        ({"precision": "fp64"}, "choice"),
    ],
)
def test_what_a_field_cannot_be_is_named(context: Context, changed: dict[str, Any], code: str) -> None:
    with pytest.raises(OptionError) as caught:
        OPTIONS.read("vae", values_for("vae", **changed))
    assert caught.value.code == code
    sentence = context.localize(None, f"train.option.{code}", **caught.value.values)
    assert next(iter(changed)) in sentence


def test_one_name_with_two_kinds_is_a_mistake_that_is_seen() -> None:
    from dataclasses import dataclass

    from models.training.recipes._base import TrainConfig
    from models.training.recipes.options import option

    @dataclass(frozen=True)
    class Odd(TrainConfig):
        beta: bool = option(True, "another beta")

    with pytest.raises(TypeError, match="beta"):
        Options({**CONFIGS, "odd": Odd})
