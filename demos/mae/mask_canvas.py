"""An image whose cells can be painted away, or one of them picked: by mouse, pen, touch and keyboard.

The browser keeps what is painted; a stroke reaches Python as the event ``stroke``, a click in a canvas made for picking
as ``pick``, the wheel and the keys ``[`` and ``]`` as ``ratio``. A listener takes the canvas as its first input and
`newest` as its ``js``, which puts there what was painted (a mask as text), picked or asked for last. All of it comes
from a browser, so read it with `unpack` of `_mae_masks`, `picked` and `asked_percent`.
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
from demos.mae.masks import MAX_RATIO, Cells, MaskError, pack

SCRIPT = Path(__file__).with_suffix(".js")
STYLE = Path(__file__).with_suffix(".css")
SAID = ("hidden", "visible")  # what a screen reader hears of the cell under the cursor

Use = Literal["patches", "pick", "pixels"]


def canvas_value(
    path: str,
    cells: Cells,
    grid: int,
    percent: float = 0.0,
    heat: NDArray[np.floating[Any]] | None = None,
    target: int = -1,
) -> str:
    """Return the value of a `mask_canvas`: everything the browser draws."""
    value: dict[str, Any] = {"url": file_url(path), "mask": pack(cells), "grid": grid, "percent": percent}
    if heat is not None:
        strengths = np.nan_to_num(heat).clip(0, 1) * 255
        value["heat"] = base64.b64encode(strengths.round().astype(np.uint8).tobytes()).decode("ascii")
    return json.dumps({**value, "target": target})


def newest(canvas: gr.HTML, event: str) -> str:
    """Return the ``js`` of a listener whose first input, a `mask_canvas`, becomes what its event reported last.

    It runs whenever the listener is called. What an event itself carries is not sent again when Gradio catches up with
    an event that came while another was answered: it then sends what the other one carried.
    """
    reported = f'document.querySelector("#{canvas.elem_id} .mask-canvas").dataset.{event}'
    return f'(_, ...others) => [JSON.parse({reported} ?? "null"), ...others]'


def picked(cell: object, count: int) -> int:
    """Return the number of the cell that was clicked.

    Raises:
        MaskError: If it is not the number of one of `count` cells.
    """
    if type(cell) is not int or not 0 <= cell < count:
        raise MaskError("format")
    return cell


def asked_percent(percent: object) -> float:
    """Return the share to hide that the wheel or a key asks for, in percent, within what can be hidden."""
    if not isinstance(percent, int | float) or isinstance(percent, bool) or not math.isfinite(percent):
        raise MaskError("format")
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
    said = "".join(
        f'<template data-say="{state}">{ctx.localize_html(f"mae.said_{state}", row="{row}", column="{column}")}</template>'  # noqa: E501
        for state in SAID
    )
    return gr.HTML(
        value,
        html_template=f"""<div class="mask-canvas" data-use="{use}" data-state="empty">
<div class="mask-frame"><canvas tabindex="0" role="application" aria-labelledby="{elem_id}-label"></canvas></div>
<p class="mask-label" id="{elem_id}-label">{ctx.localize_html(label_key)}</p>
<div class="mask-tools"{" hidden" if use == "pick" else ""}>{tools}</div>
<p class="mask-said" aria-live="polite"></p>{said}</div>""",
        css_template=STYLE.read_text("utf-8"),
        js_on_load=SCRIPT.read_text("utf-8"),
        apply_default_css=False,
        elem_id=elem_id,
    )
