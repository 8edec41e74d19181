"""Listeners that answer the last of several quick events, whatever becomes of the earlier ones.

An event that comes while the same listener is busy is skipped by Gradio's trigger mode ``once``. With ``always_last``
the listener runs once more at the end (after a failure, too: see `demos.page.mended_scripts`), with the values that the
inputs have then. But what a script of ours sends with `trigger` is that of the first event again; so scripts note what
they report.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency


def reporter(group: str) -> str:
    """Return a script that defines ``report(name, data)``: triggers an event, and notes its data for `on_report`.

    The events of one name in a group, unique in the page, are alternatives of each other.
    """
    return f"""const report = (name, data) => {{
  (window.unlabeledReports ??= {{}})[`{group}.${{name}}`] = data;
  trigger(name, data);
}};
"""


def on_report(
    source: gr.HTML,  # whose script begins with `reporter`
    group: str,
    name: str,
    fn: Callable[..., Any],
    inputs: Sequence[Component],
    outputs: Sequence[Component],
    **event: Any,
) -> Dependency:
    """Answer an event that the script of a component reports; `fn` gets the data of the last one before its inputs.

    The data comes from a browser, and is None where nothing was reported.
    """
    last = f"window.unlabeledReports?.[{json.dumps(f'{group}.{name}')}] ?? null"
    listen: Callable[..., Dependency] = getattr(source, name)
    return listen(
        fn, [source, *inputs], list(outputs),
        js=f"(_, ...others) => [{last}, ...others]", trigger_mode="always_last", **event,
    )  # fmt: skip
