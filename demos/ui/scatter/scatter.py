"""The interactive plot of images: dots far out, thumbnails from sprite sheets nearer by, in 2-D or 3-D.

It draws into a 2-D canvas: without a graphics card that was faster than WebGL, regl-scatterplot, Plotly's scattergl
and deck.gl, and browsers limit the WebGL contexts of a page. ``python tests/bench.py map-renderers`` compares its frame
rate at 2,000 to 100,000 points with those of Plotly and ECharts.

A plot has N points in 2 or 3 dimensions; a point's id is its row, 0 to N - 1. Clicks and lassos reach Python as the
events ``pick`` with ``{"id": ...}`` and ``lasso`` with ``{"ids": ...}``; listen to them with `on_report`, and validate
the ids, which come from a browser, with `picked_id` and `lassoed_ids`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from demos.core.context import Context
from demos.ui.latest_event import reporter
from demos.ui.sprites import Sprite

FOLDER = Path(__file__).parent
SCRIPTS = (
    "raster.js",
    "scatter.js",
    "paint.js",
    "panels.js",
    "interaction.js",
    "keyboard.js",
)  # one script, in this order

# Mid-lightness colours, distinguishable on the light and the dark page; more labels than these repeat them.
COLOURS = (
    "#4477cc", "#e07b39", "#3a9d5d", "#c8463f", "#8a63c9", "#97694f",
    "#d767ad", "#7f8c1f", "#1ba3c6", "#c99a06", "#6f7d8c", "#9c2f6e",
    "#5b5fe0", "#b3a06a", "#ef8fa0", "#2a7d8c", "#8fb339", "#b04fd0", "#d08a7a", "#4f7d5a",
)  # fmt: skip
NO_LABEL = "–"  # name of the points without a label
SINGLE_COLOUR = "#119a8e"
UNLABELLED_COLOUR = "#8a8580"
STATES = ("loading", "failed")  # in which the plot shows a sentence instead of points

Coordinates = NDArray[np.floating[Any]]


def unique_labels(labels: Sequence[str | None]) -> list[str | None]:
    """Return the different labels in the order of the legend, None last."""
    return sorted(set(labels), key=lambda label: (label is None, (label or "").casefold(), label or ""))


def label_colour(classes: Sequence[str | None], index: int) -> str:
    """Return the colour of one of the classes."""
    if classes[index] is None:
        return SINGLE_COLOUR if len(classes) == 1 else UNLABELLED_COLOUR
    return COLOURS[index % len(COLOURS)]


def scatter_value(
    coordinates: Coordinates,  # (N, 2) or (N, 3)
    labels: Sequence[str | None],  # N; None for points without one
    names: Sequence[str],  # N
    sprite: Sprite,  # thumbnails in the order of the ids
    urls: Sequence[str],  # of the sprite sheets
    labels_html: Mapping[str, str] | None = None,  # label -> trusted HTML to show instead, where labels are translated
) -> str:
    """Return the value of a `scatter`: everything the browser draws, arrays as base64.

    While the addresses stay the same, the plot keeps its zoom and animates its points to their new positions.
    """
    classes = unique_labels(labels)
    indices = {name: index for index, name in enumerate(classes)}
    legend = [
        {
            "name": NO_LABEL if name is None else name,
            "html": (labels_html or {}).get(name or "", ""),
            "colour": label_colour(classes, index),
        }
        for index, name in enumerate(classes)
    ]
    value = {
        "dims": coordinates.shape[1],
        "count": len(coordinates),
        "points": _base64(coordinates, "<f4"),
        "label": _base64([indices[label] for label in labels], "<u2"),
        "classes": legend,
        "names": list(names),
        "sprite": {"urls": list(urls), **{k: getattr(sprite, k) for k in ("cell", "columns", "capacity")}},
        "key": " ".join(urls),
    }
    return json.dumps(value, ensure_ascii=False)


def _base64(values: Any, dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes()).decode("ascii")


@dataclass(frozen=True)
class QueryPoint:
    """A query image on the map, which is not one of its points."""

    at: tuple[float, ...]  # as many coordinates as the map has dimensions
    url: str  # of the image
    near: tuple[int, ...] = ()  # ids of its nearest neighbours


def scatter_marks(rings: Sequence[int] = (), query: QueryPoint | None = None) -> str:
    """Return the marks of a `scatter`: ids to ring, the picked one first and then its neighbours, or a query image."""
    return json.dumps({"rings": list(rings), "query": query and asdict(query)})


def scatter_update(value: str | None = None, marks: str | None = None) -> gr.HTML:
    """Return an update of a `scatter`: a new `scatter_value`, new `scatter_marks`, or both."""
    changes = {"value": value, "marks": marks}
    return gr.HTML(**{name: change for name, change in changes.items() if change is not None})  # type: ignore[arg-type]


def picked_id(data: object, count: int) -> int:
    """Return the id that a click on the page reports; a ValueError if it is not one of the `count` points."""
    index = data.get("id") if isinstance(data, dict) else None
    if type(index) is not int or not 0 <= index < count:
        raise ValueError(f"The id {index!r} is not one of the {count} points.")
    return index


def lassoed_ids(data: object, count: int) -> list[int]:
    """Return the ascending ids that a lasso on the page reports; a ValueError if they are not distinct points."""
    packed = data.get("ids") if isinstance(data, dict) else None
    if not isinstance(packed, str) or len(packed) > 8 + 6 * count:  # base64 of 4 bytes each
        raise ValueError("A lasso must hold its ids in base64, and no more of them than there are points.")
    try:
        ids = np.frombuffer(base64.b64decode(packed, validate=True), dtype="<u4")
    except (binascii.Error, ValueError) as error:
        raise ValueError("The ids of the lasso are not 32-bit numbers in base64.") from error
    if len(ids) and int(ids.max()) >= count:
        raise ValueError(f"The id {int(ids.max())} is not one of the {count} points.")
    if len(np.unique(ids)) != len(ids):
        raise ValueError("The lasso holds an id twice.")
    return sorted(ids.tolist())


def _sign(ctx: Context, action: str, sign: str) -> str:
    """Return what a tool shows: its sign, or its word."""
    if sign:
        return f'<i aria-hidden="true">{sign}</i>'
    return f'<i aria-hidden="true">{ctx.localize_html(f"scatter.{action}_short")}</i>'


def scatter(ctx: Context, elem_id: str, link: str = "") -> gr.HTML:
    """Place the plot, empty; fill it with a `scatter_value` at its ``ready`` event.

    Plots with the same `link` show each other's hovers and lassos; it is the group of their reports.
    """
    tools = "".join(
        f'<button type="button" data-action="{action}" {state}>{_sign(ctx, action, sign)}'
        f'<span class="scatter-hint">{ctx.localize_html(f"scatter.{action}")}</span></button>'
        for action, sign, state in (
            ("clear", "✕", "hidden"),
            ("lasso", "", 'aria-pressed="false"'),
            ("pictures", "", 'aria-pressed="true"'),
            ("in", "+", ""),
            ("out", "−", ""),
            ("reset", "⟲", ""),
            ("save", "⤓", ""),
        )
    )
    sentences = "".join(f'<p class="scatter-{name}">{ctx.localize_html(f"scatter.{name}")}</p>' for name in STATES)
    return gr.HTML(
        html_template=f"""<div class="scatter" data-state="loading" data-link="{link}">
<div class="scatter-frame"><canvas class="scatter-plot" tabindex="0" role="application"
aria-labelledby="{elem_id}-name" aria-describedby="{elem_id}-keys"></canvas>
<canvas class="scatter-pictures"></canvas>{sentences}</div>
<p class="scatter-unseen" id="{elem_id}-name">{ctx.localize_html("scatter.name")}</p>
<p class="scatter-unseen" id="{elem_id}-keys">{ctx.localize_html("scatter.keys")}</p>
<p class="scatter-unseen scatter-said" aria-live="polite"></p>
<template class="scatter-placeholder">{ctx.localize_html("scatter.find", count="{count}")}</template>
<div class="scatter-bar"><label class="scatter-finder"><span>{ctx.localize_html("scatter.search")}</span>
<input class="scatter-search" type="search" autocomplete="off" >
<small class="scatter-found"></small></label>
<div class="scatter-tools">{tools}</div></div>
<div class="scatter-legend"></div>
<div class="scatter-card" hidden><div class="scatter-thumbnail"></div><b class="scatter-kind"></b>
<span class="scatter-file"></span></div></div>""",
        css_template=(FOLDER / "scatter.css").read_text("utf-8"),
        js_on_load="\n".join([reporter(link or elem_id), *((FOLDER / name).read_text("utf-8") for name in SCRIPTS)]),
        apply_default_css=False,
        elem_id=elem_id,
        marks=scatter_marks(),
    )
