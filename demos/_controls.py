"""Dataclass fields as Gradio controls, and back: every option of a recipe's config, with its help text and bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import gradio as gr
from gradio.i18n import I18nData

from demos._base import Context
from models.training.recipes._base import TrainConfig

Control = gr.Number | gr.Checkbox | gr.Dropdown


class OptionError(ValueError):
    """A control holds what its option cannot be.

    Attributes:
        code: "missing", "bounds" or "choice".
        values: What the sentence mentions.
    """

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(f"{code}: {values}")
        self.code, self.values = code, values


def help_text(ctx: Context, recipe: str, name: str) -> I18nData:
    """Returns the help text of an option: the recipe's own where it has one, else the common one."""
    try:
        return ctx.t(f"option.{recipe}.{name}")
    except KeyError:
        return ctx.t(f"option.{name}")


def bounds_of(spec: Field[Any]) -> tuple[float | None, float | None]:
    """Returns the smallest and the largest value of a field, None where there is no bound."""
    return spec.metadata.get("min"), spec.metadata.get("max")


def parse(spec: Field[Any], kind: Any, value: Any) -> Any:
    """Returns the value of a field from that of its control.

    Args:
        spec: The field.
        kind: Its type.
        value: As the page sent it.

    Raises:
        OptionError: If it is empty, no number, or outside the bounds.
    """
    if kind is bool:
        return bool(value)
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise OptionError("choice", name=spec.name, choices=", ".join(get_args(kind)))
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise OptionError("missing", name=spec.name)
    number = kind(value)
    low, high = bounds_of(spec)
    if number != value or (low is not None and number < low) or (high is not None and number > high):
        raise OptionError("bounds", name=spec.name, value=f"{value:g}", bounds=_range(low, high, kind))
    return number


def _range(low: float | None, high: float | None, kind: type) -> str:
    unit = "ℤ " if kind is int else ""
    if low is None and high is None:
        return unit.strip()
    return f"{unit}{'−∞' if low is None else f'{low:g}'} … {'∞' if high is None else f'{high:g}'}"


class Options:
    """One control for every option that any of the recipes has; those of the chosen recipe are visible.

    Options of one name share a control, so a page with seven recipes has forty of them instead of a hundred.
    """

    def __init__(self, configs: Mapping[str, type[TrainConfig]]) -> None:
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
        """Places the controls, those of `recipe` visible with the values of `config`."""
        return [self._control(name, self._settings(ctx, name, recipe, config)) for name in self.names]

    def update(
        self, ctx: Context, recipe: str, config: Mapping[str, Any], known: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Returns updates that show the options of a recipe with the values of `config`.

        Args:
            ctx: The context of the tab.
            recipe: Whose options to show.
            config: Their values.
            known: The values that the page was told last, of the same recipe. Options that are the same in both are
                left alone, so that an answer that comes late overwrites nothing that was typed meanwhile.
        """
        return [
            gr.skip()
            if known is not None and known.get(name) == config.get(name)
            else gr.update(**self._settings(ctx, name, recipe, config))
            for name in self.names
        ]

    def read(self, recipe: str, values: Sequence[Any]) -> dict[str, Any]:
        """Returns the config that the controls describe.

        Args:
            recipe: Whose options to read; the other controls are left aside.
            values: Of all controls, in the order of `names`.

        Raises:
            OptionError: If a value is missing or outside its bounds.
        """
        given = dict(zip(self.names, values, strict=True))
        return {name: parse(spec, self._kinds[name], given[name]) for name, spec in self._fields[recipe].items()}

    def _settings(self, ctx: Context, name: str, recipe: str, config: Mapping[str, Any]) -> dict[str, Any]:
        spec = self._fields[recipe].get(name)
        if spec is None:
            return {"visible": False}
        low, high = bounds_of(spec)
        info: Any = help_text(ctx, recipe, name)
        if low is not None or high is not None:
            info = info + f" ({_range(low, high, float)})"
        return {"visible": True, "value": config.get(name, spec.default), "info": info}

    def _control(self, name: str, settings: Mapping[str, Any]) -> Control:
        kind, common = self._kinds[name], {"label": name, "elem_id": f"option-{name}", **settings}
        if kind is bool:
            return gr.Checkbox(**common)
        if get_origin(kind) is Literal:
            return gr.Dropdown(list(get_args(kind)), **common)
        return gr.Number(precision=0 if kind is int else None, **common)
