"""Listeners that answer the last of several quick events, whatever becomes of the earlier ones.

An event that comes while the same listener is busy is skipped by Gradio's trigger mode ``once``. With ``always_last``
the listener runs once more at the end, but with two gaps: what a script of ours sends with `trigger` is that of the
first event again, and after a run that failed there is no further one. So scripts note what they report, the page notes
what it sent, and a failure has the listener run again if that is out of date.
"""

from __future__ import annotations

import json
import time
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
) -> tuple[Dependency, Dependency]:
    """Answer an event that the script of a component reports; `fn` gets the data of the last one before its inputs.

    The data comes from a browser, and is None where nothing was reported. Returns the listener of the event, and the
    one that catches up after a failure; what comes `then` has to follow both.
    """
    values = f"[window.unlabeledReports?.[{json.dumps(f'{group}.{name}')}] ?? null, ...given.slice(1)]"
    note, note_newer = _scripts(values, fn, [source, *inputs])
    common = {"fn": fn, "inputs": [source, *inputs], "outputs": list(outputs), "trigger_mode": "always_last", **event}
    first = getattr(source, name)(**common, js=note)
    return first, first.failure(**common, js=note_newer)


def on_latest(
    triggers: Sequence[Any], fn: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any], **event: Any
) -> Dependency:
    """Answer the last of some events with the values that the inputs have then; arguments are those of `gr.on`.

    Never two of them at once: after a failure a change of state triggers the same listener.
    """
    note, only_newer = _scripts("given", fn, inputs)
    again = gr.State(0)
    first = gr.on(
        [*triggers, again.change], fn, list(inputs), list(outputs), js=note, trigger_mode="always_last", **event
    )
    first.failure(
        lambda *_: time.monotonic_ns(),
        list(inputs),
        again,
        js=only_newer,
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="always_last",
    )
    return first


def _scripts(values: str, fn: Callable[..., Any], inputs: Sequence[Any]) -> tuple[str, str]:
    """Return scripts that send `values`: noting them, and only if others were noted (an error sends nothing)."""
    sent = f"(window.unlabeledSent ??= {{}})[{json.dumps(f'{fn.__name__} {[block._id for block in inputs]}')}]"
    begin = f"(...given) => {{ const values = {values}, text = JSON.stringify(values);"
    end = f"{sent} = text; return values; }}"
    return f"{begin} {end}", f"{begin} if (text === {sent}) throw Error('nothing newer'); {end}"
