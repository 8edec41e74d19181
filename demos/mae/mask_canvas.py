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
from demos.mae.masks import MAX_RATIO, InputError, Mask, encode_mask

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
    """Return the value of a `mask_canvas`.

    Args:
        path: File of the image.
        mask: (n, n), True where hidden or marked.
        grid: Number of patches along a side, for the lines between them.
        percent: Share of hidden patches.
        heat: (n, n), 0 to 1: how clearly visible cells show.
        target: Number of the picked cell, or -1.
    """
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
    """Return the number of the cell that was clicked.

    Raises:
        InputError: If it is not the number of one of `count` cells.
    """
    if type(cell) is not int or not 0 <= cell < count:
        raise InputError("error.mask.format")
    return cell


def parse_percent(percent: object) -> float:
    """Return the share to hide that the wheel or a key asks for, in percent, within what can be hidden."""
    if not isinstance(percent, int | float) or isinstance(percent, bool) or not math.isfinite(percent):
        raise InputError("error.mask.format")
    return float(min(max(percent, 0), 100 * MAX_RATIO))


def mask_canvas(ctx: Context, label_key: str, use: Use, elem_id: str, value: str = "") -> gr.HTML:
    """Place the canvas."""
    verbs = ("mark", "unmark") if use == "pixels" else ("hide", "show")
    buttons = [
        (f'data-tool="{tool}" aria-pressed="{str(tool == "hide").lower()}"', ctx.localize_html(f"mae.tool_{verb}"))
        for tool, verb in zip(("hide", "show"), verbs, strict=True)
    ]
    buttons += [
        ('data-tool="wide" aria-pressed="false"', ctx.localize_html("mae.tool_wide")),
        ('data-tool="undo"', ctx.localize_html("mae.tool_undo")),
        ('data-tool="clear"', ctx.localize_html("mae.tool_clear")),
    ]
    tools = "".join(f'<button type="button" {attributes}>{text}</button>' for attributes, text in buttons)
    states = "".join(
        f'<template data-say="{state}">{ctx.localize_html(key, row="{row}", column="{column}")}</template>'
        for state, key in ((state, f"mae.said_{state}") for state in CELL_STATES)
    )
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
