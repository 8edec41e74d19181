"""What the public endpoints take: every number within its range, and nothing else."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr
import pytest

from demos.core.context import Context
from demos.page.discovery import discover
from demos.ui.api_endpoint import endpoint


def numbers(app: gr.Blocks) -> list[gr.Number | gr.Slider]:
    """Return the number parameters of all public endpoints."""
    public = [fn for fn in app.fns.values() if fn.api_visibility == "public"]
    return [block for fn in public for block in fn.inputs if isinstance(block, gr.Number | gr.Slider)]


def test_every_number_of_every_endpoint_refuses_what_is_none(context: Context) -> None:
    with gr.Blocks(analytics_enabled=False) as app:
        for demo in discover():
            demo.build(context)
    found = numbers(app)
    assert len(found) > 15
    for number in found:
        assert number.minimum is not None and number.maximum is not None
        for value in (math.nan, math.inf, -math.inf, 10**400, "7", True, [1], number.minimum - 1, number.maximum + 1):
            with pytest.raises(gr.Error, match=f"{number.label} is .*; give a number from"):
                number.preprocess(value)  # type: ignore[arg-type]
        assert number.preprocess(None) == number.value  # type: ignore[arg-type]
        assert [number.preprocess(value) for value in (number.minimum, number.maximum)] == [
            number.minimum,
            number.maximum,
        ]


def test_a_number_without_a_range_cannot_be_offered() -> None:
    def double(value: float) -> Any:
        return 2 * value

    with gr.Blocks(analytics_enabled=False), pytest.raises(ValueError, match="'value' needs a minimum"):
        endpoint(double, [gr.Number(1, label="value", render=False)], [gr.JSON(render=False)], "double")
