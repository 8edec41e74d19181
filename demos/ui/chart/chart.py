"""Charts drawn by uPlot (MIT, in ``assets/vendor``): ticks, units, hover values, and a table of the same numbers.

`chart_html` writes a chart as an element ``<data-chart>``, wherever HTML goes: into the value of a `gr.HTML`, or
into the page by a script. A script may also make the element itself and set its property ``spec`` to a `chart_spec`
with values, and ``at`` to the x up to which the chart is told; a press on the chart is its event ``seek``. The
page defines the element by `element_script`; uPlot and the drawing code are fetched when a chart is first seen.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from demos.core.context import Context
from demos.core.files import file_url
from demos.core.paths import ASSETS

FOLDER = Path(__file__).parent
VENDOR = ASSETS / "vendor" / "uplot"
# What the browser fetches, by the names that `element.js` knows.
FILES = {
    "draw": FOLDER / "chart.js",
    "style": FOLDER / "chart.css",
    "library": VENDOR / "uPlot.iife.min.js",
    "libraryStyle": VENDOR / "uPlot.min.css",
}

Style = Literal["line", "dashed", "points", "bars"]
Tone = Literal["first", "soft", "second", "quiet", "ink"]  # a colour of the page


@dataclass(frozen=True)
class Series:
    """The values of one quantity, one for each x; None where there is none."""

    name: str  # trusted HTML, such as that of `Context.localize_html`; empty where the chart has no other series
    values: Sequence[float | None] = ()
    style: Style = "line"
    tone: Tone = "first"


def chart_spec(
    ctx: Context,
    title: str,
    x_name: str,
    x: Sequence[float],
    series: Sequence[Series],
    *,
    x_labels: Sequence[str] = (),
    unit: str = "",
    hint: str = "",
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    guide: float | None = None,
    slider: str = "",
    group: str = "",
) -> dict[str, Any]:
    """Return what a chart shows, as data; texts are trusted HTML.

    Args:
        ctx: Gives the texts that all charts share.
        title: Names the chart, for screen readers as well.
        x_name: What the horizontal axis shows, with its unit.
        x: Ascending.
        series: Of as many values as `x`.
        x_labels: Plain texts that stand for the values of `x`; at most 12 are drawn under the axis.
        unit: Of the vertical axis.
        hint: A sentence under the chart.
        x_range: Values that the horizontal axis covers at least.
        y_range: Values that the vertical axis covers at least. Without it and without bars the axis is logarithmic
            where all values are positive and differ more than hundredfold.
        guide: Value of a dashed horizontal line.
        slider: CSS selector of a range input whose value is an x: each moves the other.
        group: Charts of one group show the values at the same x while one of them is pointed at.

    Raises:
        ValueError: A series has another number of values than `x`.
    """
    for each in series:
        if len(each.values) != len(x):
            raise ValueError(f"The series {each.name!r} has {len(each.values)} values for {len(x)} of x.")
    return {
        "title": title, "hint": hint, "unit": unit, "xName": x_name, "xLabels": list(x_labels), "x": list(x),
        "series": [{**vars(each), "values": [_json_number(value) for value in each.values]} for each in series],
        "xRange": x_range, "range": y_range, "guide": guide, "slider": slider, "group": group,
        "words": {name: ctx.localize_html(f"chart.{name}") for name in ("table", "log")},
    }  # fmt: skip


def chart_html(spec: dict[str, Any]) -> str:
    """Return the element that shows a `chart_spec`."""
    return f'<data-chart spec="{html.escape(json.dumps(spec, ensure_ascii=False, allow_nan=False))}"></data-chart>'


def element_script() -> str:
    """Return the script that defines ``<data-chart>``."""
    files = json.dumps({name: file_url(str(path)) for name, path in FILES.items()})
    return f"const CHART_FILES = {files};\n{(FOLDER / 'element.js').read_text('utf-8')}"


def _json_number(value: float | None) -> float | None:
    """Return a number of five digits; JSON has no word for one that is none."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.5g}")
