"""The interactive plot of pictures: Plotly in 2-D or 3-D, with thumbnails from one sprite sheet.

A plot has N points in `dims` dimensions; a point's id is its row, 0 to N - 1. Clicks and hovers reach Python
as the events ``pick`` and ``hover`` with ``{"id": ...}``; such ids come from a browser, so read them with
`picked_id`. plotly.js is the copy inside the plotly package, served from this machine.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demos._base import Context

PLOTLY_JS = Path(str(files("plotly") / "package_data" / "plotly.min.js"))
SCRIPT = Path(__file__).with_suffix(".js")
STYLE = Path(__file__).with_suffix(".css")

# Colours of middling lightness, told apart on the light and on the dark page; beyond them the shapes change.
COLOURS = (
    "#4477cc", "#e07b39", "#3a9d5d", "#c8463f", "#8a63c9", "#97694f",
    "#d767ad", "#7f8c1f", "#1ba3c6", "#c99a06", "#6f7d8c", "#9c2f6e",
    "#5b5fe0", "#b3a06a", "#ef8fa0", "#2a7d8c",
)  # fmt: skip
SYMBOLS = ("circle", "diamond", "square", "cross")  # those that exist in 2-D and 3-D
PLAIN = "#119a8e"
UNLABELLED = "#8a8580"
STATES = ("loading", "failed", "no-3d")  # of the plot while it shows a sentence instead of points


@dataclass(frozen=True)
class Sprite:
    """Thumbnails side by side in one JPEG.

    Attributes:
        data: The file.
        count: How many thumbnails there are, in rows from the top left.
        cell: Side of each in pixels.
        columns: How many are in a row.
    """

    data: bytes
    count: int
    cell: int
    columns: int

    @property
    def rows(self) -> int:
        """How many rows there are, the last one perhaps not full."""
        return math.ceil(self.count / self.columns)


def sprite_layout(count: int) -> tuple[int, int]:
    """Returns side of a cell in pixels and columns: near square, and small enough for a phone to decode."""
    return (96 if count <= 900 else 64), max(1, math.ceil(math.sqrt(count)))


def make_sprite(thumbnails: Sequence[Image.Image]) -> Sprite:
    """Draws square thumbnails into one sheet."""
    cell, columns = sprite_layout(len(thumbnails))
    sheet = Image.new("RGB", (columns * cell, math.ceil(len(thumbnails) / columns) * cell), "white")
    for index, thumbnail in enumerate(thumbnails):
        row, column = divmod(index, columns)
        sheet.paste(thumbnail.resize((cell, cell), Image.Resampling.LANCZOS), (column * cell, row * cell))
    return Sprite(jpeg(sheet, 78), len(thumbnails), cell, columns)


def jpeg(image: Image.Image, quality: int) -> bytes:
    """Returns a picture as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def file_url(path: str) -> str:
    """Returns the address, relative to the page, under which Gradio serves a file."""
    return "gradio_api/file=" + quote(path)


def tile_style(sprite: Sprite, url: str, index: int) -> str:
    """Returns the CSS that shows one thumbnail of a sheet as the background of a square of any size."""
    row, column = divmod(index, sprite.columns)
    x = 100 * column / max(1, sprite.columns - 1)
    y = 100 * row / max(1, sprite.rows - 1)
    return (
        f"background-image:url('{url}');background-size:{sprite.columns * 100}% {sprite.rows * 100}%;"
        f"background-position:{x:.4f}% {y:.4f}%"
    )


def scatter_figure(
    coordinates: NDArray[np.floating[Any]],
    labels: Sequence[str | None],
    names: Sequence[str],
    revision: str = "",
    unlabelled: str = "–",
) -> dict[str, Any]:
    """Returns a Plotly figure as plain data: one trace per label, ids in ``customdata``, names in ``text``.

    Args:
        coordinates: (N, 2) or (N, 3).
        labels: N labels; None for points without one.
        names: N names.
        revision: As long as it stays the same, a redrawn plot keeps the zoom it has.
        unlabelled: What to call points without a label.
    """
    flat = coordinates.shape[1] == 2
    kinds: list[str | None] = [*sorted({label for label in labels if label is not None}, key=str.casefold)]
    if any(label is None for label in labels):
        kinds.append(None)
    size = float(np.clip(10 - len(names) / 300, 4, 9)) if flat else 4
    traces = []
    for place, kind in enumerate(kinds):
        ids = [index for index, label in enumerate(labels) if label == kind]
        points = np.round(coordinates[ids].astype(np.float64), 3)
        if kind is None:
            colour, symbol = (PLAIN if len(kinds) == 1 else UNLABELLED), SYMBOLS[0]
        else:
            colour = COLOURS[place % len(COLOURS)]
            symbol = SYMBOLS[place // len(COLOURS) % len(SYMBOLS)]
        traces.append(
            {
                "type": "scatter" if flat else "scatter3d",
                "mode": "markers",
                "name": unlabelled if kind is None else kind,
                **{axis: points[:, column].tolist() for column, axis in enumerate("xyz"[: points.shape[1]])},
                "customdata": ids,
                "text": [names[index] for index in ids],
                "hovertemplate": "%{text}",
                "marker": {"color": colour, "symbol": symbol, "size": size},
                "showlegend": len(kinds) > 1 or kind is not None,
            }
        )
    return {"data": traces, "layout": _layout(flat, revision)}


def _layout(flat: bool, revision: str) -> dict[str, Any]:
    layout: dict[str, Any] = {"hovermode": "closest", "uirevision": revision}
    if flat:  # the axes of such a map mean nothing, but its distances must not be stretched
        return layout | {"xaxis": {"visible": False}, "yaxis": {"visible": False, "scaleanchor": "x"}}
    return layout | {"scene": {"aspectmode": "data", "camera": {"eye": {"x": 1.1, "y": 1.1, "z": 0.7}}}}


def scatter_value(figure: Mapping[str, Any], sprite: Sprite, url: str, kinds: Mapping[str, str] | None = None) -> str:
    """Returns the value of a `scatter`.

    Args:
        figure: See `scatter_figure`.
        sprite: Thumbnails in the order of the ids.
        url: Where the browser finds the sheet.
        kinds: Label -> trusted HTML to show instead of it, where labels are translated.
    """
    sheet = {"url": url, "cell": sprite.cell, "columns": sprite.columns, "rows": sprite.rows}
    return json.dumps({"figure": figure, "sprite": sheet, "kinds": dict(kinds or {})}, ensure_ascii=False)


def scatter_update(value: str | None = None, marks: Sequence[int] = ()) -> gr.HTML:
    """Returns an update of a `scatter`.

    Args:
        value: A new `scatter_value`, or None to leave the points as they are.
        marks: Ids to ring: the picked one first, then its neighbours.
    """
    rings = json.dumps(list(marks))
    return gr.HTML(marks=rings) if value is None else gr.HTML(value=value, marks=rings)


def picked_id(event: gr.EventData, count: int) -> int:
    """Returns the id that an event of the page carries.

    Raises:
        ValueError: If it is not the whole number of one of the `count` points.
    """
    data = event._data
    index = data.get("id") if isinstance(data, dict) else None
    if type(index) is not int or not 0 <= index < count:
        raise ValueError(f"The id {index!r} is not one of the {count} points.")
    return index


def scatter(ctx: Context, elem_id: str) -> gr.HTML:
    """Places the plot, empty; its ``ready`` event says when to fill it with a `scatter_value`."""
    gr.set_static_paths([PLOTLY_JS])
    tools = "".join(
        f'<button type="button" data-action="{action}" {state}><i aria-hidden="true">{sign}</i>'
        f"<span>{ctx.both(f'scatter.{action}')}</span></button>"
        for action, sign, state in (
            ("pictures", "▦", 'aria-pressed="true"'),
            ("in", "+", ""),
            ("out", "−", ""),
            ("reset", "⟲", ""),
            ("save", "⤓", ""),
        )
    )
    says = "".join(f'<p class="scatter-{name}">{ctx.both(f"scatter.{name}")}</p>' for name in STATES)
    return gr.HTML(
        html_template=f"""<div class="scatter" data-state="loading">
<div class="scatter-frame"><div class="scatter-plot"></div><canvas class="scatter-pictures"></canvas>{says}
<div class="scatter-tools">{tools}</div></div>
<div class="scatter-legend"></div>
<div class="scatter-card" hidden><div class="scatter-thumbnail"></div><b class="scatter-kind"></b>
<span class="scatter-file"></span></div></div>""",
        css_template=STYLE.read_text("utf-8"),
        js_on_load=SCRIPT.read_text("utf-8"),
        apply_default_css=False,
        elem_id=elem_id,
        plotly=file_url(str(PLOTLY_JS)),
        marks="[]",
    )
