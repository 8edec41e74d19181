"""A page on which it costs nothing that an event leaves an output as it is."""

from __future__ import annotations

import copy
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState

from demos.ui.api_endpoint import EndpointBlocks

SKIP = gr.skip()


def is_skip(value: object) -> bool:
    """Return whether a function leaves an output as it is."""
    return isinstance(value, dict) and value == SKIP


class LightBlocks(EndpointBlocks):
    """A page that sends on at once what stays as it is.

    For each `gr.skip()` Gradio makes a new component of the same kind and keeps it in the visitor's session. What runs
    all the time, such as a look at a training, mostly skips.
    """

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: Any, state: SessionState | None
    ) -> list[Any]:
        """Return what the page is sent for each output."""
        outputs = block_fn.outputs
        if not isinstance(predictions, list | tuple) or len(predictions) != len(outputs) or len(outputs) < 2:
            return await super().postprocess_data(block_fn, predictions, state)
        kept = [place for place, value in enumerate(predictions) if not is_skip(value)]
        if len(kept) == len(outputs):
            return await super().postprocess_data(block_fn, list(predictions), state)
        sent = [None if block.stateful else dict(SKIP) for block in outputs]
        if kept:
            rest = copy.copy(block_fn)
            rest.outputs = [outputs[place] for place in kept]
            values = [predictions[place] for place in kept]
            given = values if len(values) > 1 or block_fn.batch else values[0]
            for place, value in zip(kept, await super().postprocess_data(rest, given, state), strict=True):
                sent[place] = value
        return sent
