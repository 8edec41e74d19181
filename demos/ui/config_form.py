"""Dataclass fields as Gradio controls, and back: every option of a recipe's config, with its help text and bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import Field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import gradio as gr
from gradio.i18n import I18nData

from demos.core.context import Context
from models.training.recipes._base import TrainConfig
from models.training.recipes.options import bounds_text, checked

Control = gr.Number | gr.Checkbox | gr.Dropdown


def help_text(ctx: Context, recipe: str, name: str) -> I18nData:
    """Return the help text of an option: the recipe's own where it has one, else the common one."""
    try:
        return ctx.t(f"option.{recipe}.{name}")
    except KeyError:
        return ctx.t(f"option.{name}")


class Options:
    """One control for every option that any of the recipes has; those of the chosen recipe are visible.

    Options of one name share a control, so a page with seven recipes has forty of them instead of a hundred.
    """

    def __init__(self, configs: Mapping[str, type[TrainConfig]], limits: Mapping[str, float] | None = None) -> None:
        self._limits = limits or {}  # that the host sets to options without a maximum
        self._fields: dict[str, dict[str, Field[Any]]] = {
            recipe: {spec.name: spec for spec in fields(config)} for recipe, config in configs.items()
        }
        self._kinds: dict[str, Any] = {}
        for recipe, config in configs.items():
            hints = get_type_hints(config)
            for name in self._fields[recipe]:
                if self._kinds.setdefault(name, hints[name]) != hints[name]:
                    raise TypeError(f"{name} is {hints[name]} in {recipe} and {self._kinds[name]} elsewhere.")

    @property
    def names(self) -> list[str]:
        """Names of all options, in the order of the controls."""
        return list(self._kinds)

    def build(self, ctx: Context, recipe: str, config: Mapping[str, Any]) -> list[Control]:
        """Place the controls, those of `recipe` visible with the values of `config`."""
        return [self._control(name, self._settings(ctx, name, recipe, config)) for name in self.names]

    def update(
        self, ctx: Context, recipe: str, config: Mapping[str, Any], known: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Return updates that show the options of a recipe with the values of `config`.

        Options whose value is as in `known`, the values of the same recipe that the page was told last, are left
        alone, so that an answer that comes late overwrites nothing that was typed meanwhile.
        """
        return [
            gr.skip()
            if known is not None and known.get(name) == config.get(name)
            else gr.update(**self._settings(ctx, name, recipe, config))
            for name in self.names
        ]

    def read(self, recipe: str, values: Sequence[Any]) -> dict[str, Any]:
        """Return the config of a recipe from the values of all controls, in the order of `names`.

        An `OptionError` tells of a value that is missing or outside its bounds.
        """
        given = dict(zip(self.names, values, strict=True))
        return {name: checked(spec, self._kinds[name], given[name]) for name, spec in self._fields[recipe].items()}

    def _settings(self, ctx: Context, name: str, recipe: str, config: Mapping[str, Any]) -> dict[str, Any]:
        spec = self._fields[recipe].get(name)
        if spec is None:
            return {"visible": False}
        info: Any = help_text(ctx, recipe, name)
        if bounds := bounds_text(spec, limit=self._limits.get(name)):
            info = info + f" ({bounds})"
        return {"visible": True, "value": config.get(name, spec.default), "info": info}

    def _control(self, name: str, settings: Mapping[str, Any]) -> Control:
        kind, common = self._kinds[name], {"label": name, "elem_id": f"option-{name}", **settings}
        if kind is bool:
            return gr.Checkbox(**common)
        if get_origin(kind) is Literal:
            return gr.Dropdown(list(get_args(kind)), **common)
        return gr.Number(precision=0 if kind is int else None, **common)
