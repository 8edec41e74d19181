"""An image with a mask to paint, or a cell to pick: by mouse, pen, touch and keyboard.

The browser keeps what is painted; a stroke reaches Python as the event ``stroke``, a click in a canvas made for picking
as ``pick``, the wheel and the keys ``[`` and ``]`` as ``ratio``. A listener takes the canvas as its first input and
`latest_report` as its ``js``, which puts there what was painted (a mask as text), picked or asked for last. All of it
comes from a browser, so read it with `decode_mask`, `parse_cell` and `parse_percent`.
"""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path
from typing import Any, Literal

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from demos.core.context import Context
from demos.core.files import file_url
from demos.core.i18n import InputError
from demos.mae.masks import MAX_RATIO, Mask, encode_mask

SCRIPT = Path(__file__).with_suffix(".js")
STYLE = Path(__file__).with_suffix(".css")
CELL_STATES = ("hidden", "visible")  # spoken by screen readers for the cell under the cursor

Use = Literal["patches", "pick", "pixels"]


def canvas_value(
    path: str,
    mask: Mask,
    grid: int,
    percent: float = 0.0,
    heat: NDArray[np.floating[Any]] | None = None,
    target: int = -1,
) -> str:
    """Return the value of a `mask_canvas`; `heat`, (n, n) from 0 to 1, is how clearly visible cells show."""
    value: dict[str, Any] = {"url": file_url(path), "mask": encode_mask(mask), "grid": grid, "percent": percent}
    if heat is not None:
        strengths = np.nan_to_num(heat).clip(0, 1) * 255
        value["heat"] = base64.b64encode(strengths.round().astype(np.uint8).tobytes()).decode("ascii")
    return json.dumps({**value, "target": target})


def latest_report(canvas: gr.HTML, event: str) -> str:
    """Return the ``js`` of a listener whose first input, a `mask_canvas`, becomes what its event reported last.

    The data of the event itself would be outdated where Gradio catches up with an event that came while another was
    answered: it then sends the data of the earlier one.
    """
    reported = f'document.querySelector("#{canvas.elem_id} .mask-canvas").dataset.{event}'
    return f'(_, ...others) => [JSON.parse({reported} ?? "null"), ...others]'


def parse_cell(cell: object, count: int) -> int:
    """Check the number of the cell that was clicked, of `count` cells."""
    if type(cell) is not int or not 0 <= cell < count:
        raise InputError("error.mask.format")
    return cell


def parse_percent(percent: object) -> float:
    """Return the share to hide that the wheel or a key asks for, in percent, within what can be hidden."""
    if not isinstance(percent, int | float) or isinstance(percent, bool) or not math.isfinite(percent):
        raise InputError("error.mask.format")
    return float(min(max(percent, 0), 100 * MAX_RATIO))


def mask_canvas(ctx: Context, label_key: str, use: Use, elem_id: str, value: str = "") -> gr.HTML:
    """Place a canvas to hide patches, to pick one, or to mark pixels."""
    names = {tool: tool for tool in ("paint", "hide", "show", "wide", "undo", "clear")}
    if use == "pixels":
        names |= {"hide": "mark", "show": "unmark"}
    pressed = {tool: f' aria-pressed="{str(tool == "hide").lower()}"' for tool in ("paint", "hide", "show", "wide")}
    tools = "".join(
        f'<button type="button" data-tool="{tool}"{pressed.get(tool, "")}>{text}</button>'
        for tool, text in ((tool, ctx.localize_html(f"mae.tool_{name}")) for tool, name in names.items())
    )
    spoken = {state: ctx.localize_html(f"mae.said_{state}", row="{row}", column="{column}") for state in CELL_STATES}
    states = "".join(f'<template data-say="{state}">{text}</template>' for state, text in spoken.items())
    return gr.HTML(
        value,
        html_template=f"""<div class="mask-canvas" data-use="{use}" data-state="empty">
<div class="mask-frame"><canvas tabindex="0" role="application" aria-labelledby="{elem_id}-label"></canvas></div>
<p class="mask-label" id="{elem_id}-label">{ctx.localize_html(label_key)}</p>
<div class="mask-tools"{" hidden" if use == "pick" else ""}>{tools}</div>
<p class="mask-said" aria-live="polite"></p>{states}</div>""",
        css_template=STYLE.read_text("utf-8"),
        js_on_load=SCRIPT.read_text("utf-8"),
        apply_default_css=False,
        elem_id=elem_id,
    )
