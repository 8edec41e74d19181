"""The state of a tab in the address of the page: a copied link opens the same view.

The page writes what differs from how a tab opens (`page.js`); what a link holds is checked here, like anything that
comes from a browser.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from demos.core.context import Context
from demos.core.events import QUICK_EVENT
from demos.core.tab_interface import TabInterface

MAX_TEXT = 1_000  # characters of a text in a link


def parse(component: Component, text: str) -> Any:
    """Return the value of a setting that a link describes."""
    if isinstance(component, gr.Radio | gr.Dropdown):
        if text not in [value for _, value in component.choices]:
            raise ValueError(f"{text!r} is no choice")
        return text
    if isinstance(component, gr.Textbox):
        if len(text) <= MAX_TEXT:
            return text
    elif isinstance(component, gr.Checkbox):
        if text in ("0", "1"):
            return text == "1"
    else:
        number = float(text)
        low, high = component.minimum, component.maximum  # type: ignore[attr-defined]
        if math.isfinite(number) and (low is None or number >= low) and (high is None or number <= high):
            return int(number) if number.is_integer() else number
    raise ValueError(f"{text!r} is out of range")


def text_of(value: Any) -> str:
    """Return a value of a setting as JavaScript writes it, so that the page can tell the usual one."""
    if isinstance(value, bool):
        return str(int(value))
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def read(handles: TabInterface, state: Any) -> tuple[list[Any], list[str]]:
    """Return a value for every photo and setting of a tab, and the parts of a link that it cannot have."""
    values: list[Any] = []
    refused = []
    given = {k: v for k, v in state.items() if isinstance(v, str)} if isinstance(state, dict) else {}
    for name, photo in handles.photos.items():
        values.append(str(photo.examples[given[name]]) if given.get(name) in photo.examples else gr.skip())
        if name in given and given[name] not in photo.examples:
            refused.append(f"{name}={given[name]}")
    for name, component in handles.settings.items():
        try:
            values.append(parse(component, given[name]) if name in given else gr.skip())
        except ValueError:
            values.append(gr.skip())
            refused.append(f"{name}={given[name]}")
    return values, refused


def follow(event: Any, show: Sequence[Mapping[str, Any]]) -> None:
    """Let the events that show a result come after another one, and once more if that one came again meanwhile."""
    for arguments in show:
        event = event.then(**{"trigger_mode": "always_last", **arguments})


def connect(ctx: Context, page: gr.HTML, name: str, handles: TabInterface) -> None:
    """Let a link open a tab as it was, and keeps the address up to date."""

    def on_link(request: gr.Request, event: gr.EventData) -> list[Any]:
        values, refused = read(handles, event._data.get("state") if isinstance(event._data, dict) else None)
        if refused:
            parts = ctx.localize(request, "common.list_separator").join(refused)[:80]
            gr.Warning(ctx.localize(request, "page.link_refused", parts=parts))
        return values

    outputs = [*(photo.component for photo in handles.photos.values()), *handles.settings.values()]
    # through the queue, without which Gradio shows no warning
    opened = getattr(page, f"link_{name}")(
        on_link, None, outputs, show_progress="hidden", concurrency_limit=8, api_visibility="private"
    )
    follow(opened, handles.show)
    for setting, component in handles.settings.items():
        usual = text_of(component.value)
        component.change(None, component, js=_note(name, setting, "value", usual), **QUICK_EVENT)  # type: ignore[attr-defined]
    for part, photo in handles.photos.items():
        opening = photo.component.value
        usual = next((stem for stem, path in photo.examples.items() if _is_same(opening, path)), "")
        for strip, paths in photo.strips:
            stems = f"{json.dumps([path.stem for path in paths])}[value]"
            strip.click(None, strip, js=_note(name, part, stems, usual), **QUICK_EVENT)
        if isinstance(photo.component, gr.Image):  # an image of one's own is in no link
            own = [photo.component.upload, photo.component.clear]
            gr.on(own, None, js=_note(name, part, "''", ""), **QUICK_EVENT)


def _is_same(value: Any, path: Path) -> bool:
    return isinstance(value, dict) and Path(value["path"]).name == path.name


def _note(tab: str, name: str, value: str, usual: str) -> str:
    return f"(value) => window.unlabeled.note({json.dumps(tab)}, {json.dumps(name)}, {value}, {json.dumps(usual)})"
