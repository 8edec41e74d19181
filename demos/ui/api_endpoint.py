"""Public endpoints for programs, beside what the page itself calls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import wraps
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.components import Component

from demos.core.events import MODEL_EVENT
from demos.ui.deferred import UNSENT
from demos.ui.widgets import undecoded


class EndpointBlocks(gr.Blocks):
    """A page whose endpoints take a call without their last parameters, as plain HTTP allows it."""

    async def preprocess_data(self, block_fn: BlockFunction, inputs: list[Any], *rest: Any, **more: Any) -> list[Any]:
        """Put the defaults in the place of parameters that were left out; a gr.Error names those that have none."""
        left_out: Sequence[Any] = block_fn.inputs[len(inputs) :] if block_fn.api_visibility == "public" else ()
        required = getattr(block_fn.fn, "required", ())
        if missing := [component.label for component in left_out if component.label in required]:
            raise gr.Error(f"/{block_fn.api_name} also needs {' and '.join(missing)}.", print_exception=False)
        defaults = [component.value for component in left_out]
        return await super().preprocess_data(block_fn, [*inputs, *defaults], *rest, **more)


def endpoint(
    fn: Callable[..., Any],
    inputs: Sequence[Component],
    outputs: Sequence[Component],
    api_name: str,
    optional: Collection[str] = (),
) -> None:
    """Offer `fn`, whose docstring describes it in the API documentation, to programs as ``/api_name``.

    The components are made with ``render=False`` and shown on no page; the inputs are labelled with the names of the
    parameters. Unlike `gr.api`, this goes through the components' own checks: a caller can only name files it uploaded.
    A number needs both a minimum and a maximum; null stands for its default, and anything else is refused in one
    sentence. A parameter without a value is required, unless it is named in `optional`.
    """
    for component in inputs:
        if isinstance(component, gr.Number | gr.Slider):
            _refuse_other_numbers(component)
    with gr.Column(visible=False, elem_classes=UNSENT):
        for component in (*inputs, *outputs):
            component.render()
        trigger = gr.Button()

    @wraps(fn)
    def call(*args: Any) -> Any:
        return fn(*args)

    call.required = {each.label for each in inputs if each.value is None} - set(optional)  # type: ignore[attr-defined]
    call.__name__ = api_name  # by which language models know it as a tool
    trigger.click(call, list(inputs), list(outputs), api_name=api_name, api_visibility="public", **MODEL_EVENT)


def _refuse_other_numbers(parameter: gr.Number | gr.Slider) -> None:
    """Make a number refuse what is outside its range: Gradio's own check lets NaN through and fails on a text."""
    read, least, most, usual = parameter.preprocess, parameter.minimum, parameter.maximum, parameter.value
    if least is None or most is None:
        raise ValueError(f"the parameter {parameter.label!r} needs a minimum and a maximum")

    def preprocess(value: Any) -> Any:
        given = usual if value is None else value
        if isinstance(given, bool) or not isinstance(given, int | float) or not least <= given <= most:
            shown = repr(value)[:40]
            raise gr.Error(
                f"{parameter.label} is {shown}; give a number from {least} to {most}.", print_exception=False
            )
        return read(given)

    parameter.preprocess = preprocess  # type: ignore[method-assign, assignment]


def photo_parameter(label: str) -> gr.Image:
    """Make a photo among the inputs of an endpoint; the handler gets the path of the file as it came."""
    return undecoded(gr.Image(label=label, type="filepath", image_mode=None, render=False))
