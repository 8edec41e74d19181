"""Options of recipes as dataclass fields, and the one check of their values, whoever gives them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import Field, field
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

_SENTENCES: Mapping[str, str] = MappingProxyType({
    "missing": "{name} needs a number.",
    "bounds": "{name} is {value}; it must be {bounds}.",
    "choice": "{name} must be one of {choices}.",
})  # fmt: skip


class OptionError(ValueError):
    """A value is not what its option can be: `str(error)` is the sentence, `code` and `values` translate it."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code, self.values = code, values

    def __str__(self) -> str:
        return _SENTENCES[self.code].format(**self.values)


def option(default: Any, help: str, **bounds: float) -> Any:
    """Return a dataclass field whose help text and bounds (`min`, `max`) command line and interface share."""
    return field(default=default, metadata={"help": help, **bounds})


def checked(spec: Field[Any], kind: Any, value: Any) -> Any:
    """Return a value as its option has it: a whole float becomes an integer where one is due, and the reverse."""
    choices = (False, True) if kind is bool else get_args(kind) if get_origin(kind) is Literal else ()
    if choices:
        if type(value) is not type(choices[0]) or value not in choices:
            raise OptionError("choice", name=spec.name, choices=", ".join(map(str, choices)))
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise OptionError("missing", name=spec.name)
    number, low, high = kind(value), spec.metadata.get("min"), spec.metadata.get("max")
    if number != value or (low is not None and number < low) or (high is not None and number > high):
        raise OptionError("bounds", name=spec.name, value=f"{value:g}", bounds=bounds_text(spec, kind))
    return number


def bounds_text(spec: Field[Any], kind: type = float, limit: float | None = None) -> str:
    """Return what numbers an option takes, such as "ℤ 1 … ∞"; empty for any. Without a maximum, `limit` stands."""
    low, high = spec.metadata.get("min"), spec.metadata.get("max", limit)
    unit = "ℤ " if kind is int else ""
    if low is None and high is None:
        return unit.strip()
    return f"{unit}{'−∞' if low is None else f'{low:g}'} … {'∞' if high is None else f'{high:g}'}"
