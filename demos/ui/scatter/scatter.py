"""The interactive plot of images: dots far out, thumbnails from sprite sheets nearer by, in 2-D or 3-D.

It paints into a canvas of its own: where there is no graphics card, as on a server's browser or an old laptop, that
was faster than WebGL by itself, regl-scatterplot, Plotly's scattergl and deck.gl. It also needs no WebGL context, so
that any number of maps fit on a page. ``python tests/bench.py map`` counts its frames at 10,000 and 100,000 points.

A plot has N points in `dims` dimensions; a point's id is its row, 0 to N - 1. Clicks, hovers and lassos reach Python
as the events ``pick`` and ``hover`` with ``{"id": ...}`` and ``lasso`` with ``{"ids": ...}``; listen to them with
`on_report`. Such ids come from a browser, so read them with `picked_id` and `lassoed_ids`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from demos.core.context import Context
from demos.ui.latest_event import reporter
from demos.ui.sprites import Sprite

SCRIPTS = (Path(__file__).with_name("raster.js"), Path(__file__).with_suffix(".js"))
STYLE = Path(__file__).with_suffix(".css")

# Colours of middling lightness, told apart on the light and on the dark page; beyond them they repeat.
COLOURS = (
    "#4477cc", "#e07b39", "#3a9d5d", "#c8463f", "#8a63c9", "#97694f",
    "#d767ad", "#7f8c1f", "#1ba3c6", "#c99a06", "#6f7d8c", "#9c2f6e",
    "#5b5fe0", "#b3a06a", "#ef8fa0", "#2a7d8c", "#8fb339", "#b04fd0", "#d08a7a", "#4f7d5a",
)  # fmt: skip
PLAIN = "#119a8e"
UNLABELLED = "#8a8580"
STATES = ("loading", "failed")  # of the plot while it shows a sentence instead of points

Coordinates = NDArray[np.floating[Any]]


def kinds_of(labels: Sequence[str | None]) -> list[str | None]:
    """Return the different labels in the order of the legend, None last."""
    kinds: list[str | None] = [*sorted({label for label in labels if label is not None}, key=str.casefold)]
    return [*kinds, None] if any(label is None for label in labels) else kinds


def colour_of(kinds: Sequence[str | None], place: int) -> str:
    """Return the colour of one of the kinds."""
    if kinds[place] is None:
        return PLAIN if len(kinds) == 1 else UNLABELLED
    return COLOURS[place % len(COLOURS)]


def scatter_figure(
    coordinates: Coordinates, labels: Sequence[str | None], names: Sequence[str], unlabelled: str = "–"
) -> dict[str, Any]:
    """Return a Plotly figure as plain data, for programs: one trace per label, ids in ``customdata``.

    Args:
        coordinates: (N, 2) or (N, 3).
        labels: N labels; None for points without one.
        names: N names, in ``text``.
        unlabelled: What to call points without a label.
    """
    dims = coordinates.shape[1]
    kinds = kinds_of(labels)
    traces = []
    for place, kind in enumerate(kinds):
        ids = [index for index, label in enumerate(labels) if label == kind]
        points = np.round(coordinates[ids].astype(np.float64), 3)
        traces.append(
            {
                "type": "scatter" if dims == 2 else "scatter3d",
                "mode": "markers",
                "name": unlabelled if kind is None else kind,
                **{axis: points[:, column].tolist() for column, axis in enumerate("xyz"[:dims])},
                "customdata": ids,
                "text": [names[index] for index in ids],
                "hovertemplate": "%{text}",
                "marker": {"color": colour_of(kinds, place)},
            }
        )
    layout: dict[str, Any] = {"hovermode": "closest"}
    if dims == 2:  # the axes of such a map mean nothing, but its distances must not be stretched
        layout |= {"xaxis": {"visible": False}, "yaxis": {"visible": False, "scaleanchor": "x"}}
    return {"data": traces, "layout": layout}


def scatter_value(
    coordinates: Coordinates,
    labels: Sequence[str | None],
    names: Sequence[str],
    sprite: Sprite,
    urls: Sequence[str],
    kinds_html: Mapping[str, str] | None = None,
    unlabelled: str = "–",
) -> str:
    """Return the value of a `scatter`: everything the browser draws, numbers packed as base64.

    Args:
        coordinates: (N, 2) or (N, 3).
        labels: N labels; None for points without one.
        names: N names.
        sprite: Thumbnails in the order of the ids.
        urls: Where the browser finds the sheets. While they stay the same, the plot keeps its zoom and moves its
            points from their old places to the new ones.
        kinds_html: Label -> trusted HTML to show instead of it, where labels are translated.
        unlabelled: What to call points without a label.
    """
    kinds = kinds_of(labels)
    number = {kind: place for place, kind in enumerate(kinds)}
    legend = [
        {
            "name": unlabelled if kind is None else kind,
            "html": (kinds_html or {}).get(kind or "", ""),
            "colour": colour_of(kinds, place),
        }
        for place, kind in enumerate(kinds)
    ]
    value = {
        "dims": coordinates.shape[1],
        "count": len(coordinates),
        "points": _packed(coordinates, "<f4"),
        "kind": _packed([number[label] for label in labels], "<u2"),
        "kinds": legend,
        "names": list(names),
        "sprite": {"urls": list(urls), **{k: getattr(sprite, k) for k in ("cell", "columns", "capacity")}},
        "key": " ".join(urls),
    }
    return json.dumps(value, ensure_ascii=False)


def _packed(numbers: Any, dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers, dtype=dtype).tobytes()).decode("ascii")


@dataclass(frozen=True)
class Guest:
    """An image that is on the map without belonging to it.

    Attributes:
        at: Its place, as many numbers as the map has dimensions.
        url: Where the browser finds it.
        near: Ids of its neighbours.
    """

    at: tuple[float, ...]
    url: str
    near: tuple[int, ...] = ()


def scatter_marks(rings: Sequence[int] = (), guest: Guest | None = None) -> str:
    """Return what a `scatter` marks, besides the lasso, which the page keeps itself.

    Args:
        rings: Ids to ring: the picked one first, then its neighbours.
        guest: An image beside the points.
    """
    visitor = None if guest is None else {"at": list(guest.at), "url": guest.url, "near": list(guest.near)}
    return json.dumps({"rings": list(rings), "guest": visitor})


def scatter_update(value: str | None = None, marks: str | None = None) -> gr.HTML:
    """Return an update of a `scatter`: a new `scatter_value`, new `scatter_marks`, or both; None leaves a part."""
    changes = {"value": value, "marks": marks}
    return gr.HTML(**{name: change for name, change in changes.items() if change is not None})  # type: ignore[arg-type]


def picked_id(data: object, count: int) -> int:
    """Return the id that a click in the page reports.

    Raises:
        ValueError: If it is not the whole number of one of the `count` points.
    """
    index = data.get("id") if isinstance(data, dict) else None
    if type(index) is not int or not 0 <= index < count:
        raise ValueError(f"The id {index!r} is not one of the {count} points.")
    return index


def lassoed_ids(data: object, count: int) -> list[int]:
    """Return the ids, in ascending order, that a lasso of the page reports.

    Raises:
        ValueError: If they are not different whole numbers of some of the `count` points.
    """
    packed = data.get("ids") if isinstance(data, dict) else None
    if not isinstance(packed, str) or len(packed) > 8 + 6 * count:  # base64 of 4 bytes each
        raise ValueError("A lasso must carry its ids in base64, and no more of them than there are points.")
    try:
        ids = np.frombuffer(base64.b64decode(packed, validate=True), dtype="<u4")
    except (binascii.Error, ValueError) as error:
        raise ValueError("The ids of the lasso are not 32-bit numbers in base64.") from error
    if len(ids) and int(ids.max()) >= count:
        raise ValueError(f"The id {int(ids.max())} is not one of the {count} points.")
    if len(np.unique(ids)) != len(ids):
        raise ValueError("The lasso carries an id twice.")
    return sorted(ids.tolist())


def scatter(ctx: Context, elem_id: str, link: str = "") -> gr.HTML:
    """Place the plot, empty; its ``ready`` event says when to fill it with a `scatter_value`.

    Args:
        ctx: The context of the tab.
        elem_id: Id in the page.
        link: Plots with the same name show each other's hovers and lassos; the group of its reports.
    """
    tools = "".join(
        f'<button type="button" data-action="{action}" {state}><i aria-hidden="true">{sign}</i>'
        f"<span>{ctx.localize_html(f'scatter.{action}')}</span></button>"
        for action, sign, state in (
            ("clear", "✕", "hidden"),
            ("lasso", "⬚", 'aria-pressed="false"'),
            ("pictures", "▦", 'aria-pressed="true"'),
            ("in", "+", ""),
            ("out", "−", ""),
            ("reset", "⟲", ""),
            ("save", "⤓", ""),
        )
    )
    says = "".join(f'<p class="scatter-{name}">{ctx.localize_html(f"scatter.{name}")}</p>' for name in STATES)
    return gr.HTML(
        html_template=f"""<div class="scatter" data-state="loading" data-link="{link}">
<div class="scatter-frame"><canvas class="scatter-plot" tabindex="0" role="img"></canvas>
<canvas class="scatter-pictures"></canvas>{says}
<label class="scatter-finder"><span>{ctx.localize_html("scatter.search")}</span>
<input class="scatter-search" type="search" autocomplete="off" placeholder="⌕">
<small class="scatter-found"></small></label>
<div class="scatter-tools">{tools}</div></div>
<div class="scatter-legend"></div>
<div class="scatter-card" hidden><div class="scatter-thumbnail"></div><b class="scatter-kind"></b>
<span class="scatter-file"></span></div></div>""",
        css_template=STYLE.read_text("utf-8"),
        js_on_load="\n".join([reporter(link or elem_id), *(script.read_text("utf-8") for script in SCRIPTS)]),
        apply_default_css=False,
        elem_id=elem_id,
        marks=scatter_marks(),
    )
