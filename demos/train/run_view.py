"""The view of one run, live or recorded: its curves, its samples over time, and what they mean, in one component.

Python sends a run as JSON, at first all of it, later only the rows after the last; the page draws, scrubs and replays
by itself, so that fifty viewers cost the server next to nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from demos.core.context import Context
from demos.core.files import file_url
from demos.ui.chart.chart import Series, chart_spec
from models.training.evaluation.diagnostics import MIN_ROWS, advise
from models.training.evaluation.recordings import Recording
from models.training.recipes import RECIPES
from models.training.recipes.monitoring import LOSS_CHART, Chart, Rows

SCRIPT = Path(__file__).with_suffix(".js")
STYLE = Path(__file__).with_suffix(".css")
SPEEDS = (10, 30, 60)
MAX_REMARKS = 60  # steps at which there is advice on a long run that is sent from the beginning


@dataclass(frozen=True)
class Frame:
    """One sheet of samples: the `place`-th of `of` in the file at `url`."""

    step: int
    url: str
    ratio: float
    place: int = 0
    of: int = 1


def run_view(ctx: Context, elem_id: str, value: str) -> gr.HTML:
    """Place the view, with three events of its own.

    ``ready`` asks what to show, ``stale`` for the whole run instead of its newest part, ``unlisted`` for the list.
    """
    speeds = "".join(
        f'<button type="button" data-speed="{speed}" aria-pressed="{str(speed == 30).lower()}">{speed}×</button>'
        for speed in SPEEDS
    )
    return gr.HTML(
        value,
        html_template=f"""<div class="run" hidden>
<div class="run-head"></div>
<figure class="run-samples"><div class="run-sheet"><img alt=""></div>
<figcaption class="run-caption">{ctx.localize_html("train.samples")} <b class="run-frame-step"></b></figcaption>
<div class="run-film"></div></figure>
<div class="run-charts"></div>
<div class="run-player"><button type="button" class="run-play key-again" data-playing="false">
<span class="run-start">▶ {ctx.localize_html("train.play")}</span>
<span class="run-pause">❚❚ {ctx.localize_html("train.hold")}</span></button>
<div class="run-speed">{speeds}</div>
<label class="run-slider-label">{ctx.localize_html("train.moment")}</label>
<input class="run-slider" type="range" min="0" max="1" step="any" aria-label="step"><span class="run-step"></span></div>
<div class="run-remark" aria-live="polite"></div></div>""",
        css_template=STYLE.read_text("utf-8"),
        js_on_load=SCRIPT.read_text("utf-8"),
        apply_default_css=False,
        elem_id=elem_id,
    )


def run_value(
    ctx: Context, run_id: str, recipe: str, config: Mapping[str, Any], rows: Rows, frames: Sequence[Frame], *,
    head: str, total: int, live: bool, after: int = 0, earlier: Rows = (), images: int | None = None,
) -> str:  # fmt: skip
    """Return the value of a `run_view`."""
    kinds = RECIPES[recipe].charts if recipe in RECIPES else (LOSS_CHART,)
    shown = {name for chart in kinds for name in chart.names} | {"step", "time"}
    value = {
        "id": run_id,
        "head": head,
        "live": live,
        "total": total,
        "after": after,
        "rows": [_short(row, shown) for row in rows],
        "frames": [vars(frame) for frame in frames],
        "remarks": remarks(ctx, recipe, config, rows, earlier, images),
    }
    if not after:
        value["charts"] = [_chart(ctx, kind, config, total) for kind in kinds]
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _chart(ctx: Context, kind: Chart, config: Mapping[str, Any], total: int) -> dict[str, Any]:
    """Return a chart without its values, which the page takes from the rows."""
    is_alone = len(kind.names) == 1
    lines = [
        Series("" if is_alone else name, tone="second" if place else "first") for place, name in enumerate(kind.names)
    ]
    spec = chart_spec(
        ctx, ctx.localize_html(f"train.chart.{kind.key}"), ctx.localize_html("train.chart_step"), (), lines,
        unit=ctx.localize_html(f"train.unit.{kind.unit}") if kind.unit else "",
        hint=ctx.localize_html(f"train.chart.{kind.key}_hint"), x_range=(0, total), y_range=kind.range,
        guide=kind.guide(config) if kind.guide else None, group="run",
    )  # fmt: skip
    return {**spec, "names": kind.names}


def _short(row: Mapping[str, float], names: set[str]) -> dict[str, float | None]:
    """Return what the charts need of a row; JSON has no word for a number that is none."""
    return {
        name: round(value, 2) if name == "time" else float(f"{value:.5g}") if math.isfinite(value) else None
        for name, value in row.items()
        if name in names
    }


def remarks(
    ctx: Context, recipe: str, config: Mapping[str, Any], rows: Rows, earlier: Rows = (), images: int | None = None
) -> list[dict[str, Any]]:
    """Return, for each moment at which the advice changes, its step and its HTML."""
    found: list[dict[str, Any]] = []
    everything = [*earlier, *rows]
    stride = max(1, len(rows) // MAX_REMARKS)
    for count in range(len(everything), len(earlier), -stride):
        if count < MIN_ROWS:
            break
        html = "".join(
            f'<p class="run-{one.level}">{ctx.localize_html(f"train.advice.{one.code}", **one.values)}</p>'
            for one in advise(recipe, everything[:count], config, images)
        )
        found.append({"step": everything[count - 1]["step"], "html": html})
    found.reverse()
    return [one for place, one in enumerate(found) if not place or one["html"] != found[place - 1]["html"]]


def png_frames(ctx: Context, previews: Sequence[Path]) -> list[Frame]:
    """Put the previews of a run where the browser can fetch them."""
    frames = []
    for path in previews:
        with Image.open(path) as image:
            ratio = image.width / image.height
        frames.append(
            Frame(int(path.stem.removeprefix("step-")), file_url(ctx.save_bytes(path.read_bytes(), ".png")), ratio)
        )
    return frames


def strip_frames(recording: Recording) -> list[Frame]:
    """Return the sheets of a recording, whose strip the browser may fetch as it is."""
    with Image.open(recording.strip) as strip:
        ratio = strip.width * len(recording.preview_steps) / strip.height
    url, count = file_url(str(recording.strip)), len(recording.preview_steps)
    return [Frame(step, url, ratio, place, count) for place, step in enumerate(recording.preview_steps)]


def recording_value(ctx: Context, recording: Recording, sound: Recording) -> str:
    """Return the value of a `run_view` that shows a recording, told in its own numbers and those of a sound run."""
    head = ctx.localize_html("train.recorded", steps=recording.steps, minutes=recording.seconds / 60)
    scores = " · ".join(
        ctx.localize_html(f"train.score.{name}", value=value) for name, value in recording.scores.items()
    )
    numbers = {**recording.rows[-1], **recording.scores}
    numbers |= {f"sound_{name}": value for name, value in {**sound.rows[-1], **sound.scores}.items()}
    about = ctx.localize_html(f"train.recording.{recording.name}", **numbers)
    return run_value(
        ctx, f"recording:{recording.name}", recording.recipe, recording.config, recording.rows,
        strip_frames(recording), head=f'{about}<br><span class="run-quiet">{head} {scores}</span>',
        total=recording.steps, live=False,
    )  # fmt: skip
