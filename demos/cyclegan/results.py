"""What the CycleGAN tab shows of one result, and the panels of images under it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from demos.core.context import Context
from demos.core.files import file_url
from demos.cyclegan.translation import (
    BACK,
    IMAGES,
    MIN_SIDE,
    SIDE,
    Judgement,
    OneWay,
    TooNarrowError,
    Translation,
    generators,
    prepared,
    summary,
    warning_of,
)
from demos.ui import widgets
from models.analysis.cyclegan_calibration import DIRECTIONS, calibration

FILES = (*IMAGES, "judged", "strip")
STYLE = """
.grid { display: grid; gap: 12px; margin: 8px 0; max-width: 960px;
  grid-template-columns: repeat(var(--pictures), minmax(0, 1fr)) minmax(0, 1.5fr); }
.grid.plain { grid-template-columns: repeat(var(--pictures), minmax(0, 1fr)); }
.grid figure { margin: 0; min-width: 0; }
.grid img { display: block; width: 100%; border-radius: 8px; background: var(--mat); }
.grid figcaption { margin-top: 4px; font-size: 13.5px; line-height: 1.35; color: var(--ink-soft); }
.grid .said { align-self: center; font-size: 15px; line-height: 1.45; color: var(--ink); }
.grid .said b { color: var(--accent); font-variant-numeric: tabular-nums; }
@media (max-width: 620px) {
  .grid { gap: 8px; grid-template-columns: repeat(var(--pictures), minmax(0, 1fr)); }
  .grid .said { grid-column: 1 / -1; margin-bottom: 10px; }
  .grid.plain { grid-template-columns: repeat(min(3, var(--pictures)), minmax(0, 1fr)); }
}
"""


@dataclass(frozen=True)
class Shown:
    """What the page says about one result; images are paths, so that a stored result needs no copying.

    Attributes:
        images: Path of each of `FILES` that there is.
        numbers: Path of the numbers as JSON.
        direction: The way there, as `named_direction` gives it.
        weights: Of the way there and, where there is one, of the way back.
        size: Width and height in pixels.
        cycle_error: In levels of 0 to 255; None without a way back.
        seconds: Time the generators took.
        convincing, larger_error, kinds: As in `Judgement`; None where nothing can judge.
        prepared: Whether the result was made in advance.
    """

    images: dict[str, str]
    numbers: str
    direction: str
    weights: tuple[str, ...]
    size: tuple[int, int]
    cycle_error: float | None
    seconds: float
    convincing: float | None
    larger_error: float | None
    kinds: dict[str, float] | None
    prepared: bool = False

    def values(self, ctx: Context) -> dict[str, Any]:
        """Return the values of the components by the names that `cyclegan.build` gives them."""
        shown = self.images
        return {
            "translated": shown["translated"],
            "back": shown.get("back"),
            "facts": widgets.facts_line(ctx, self.weights, self.size, self.seconds, self.prepared),
            "warning": warning_line(ctx, self.kinds, self.direction),
            "judged": shown.get("judged"),
            "convincing": convincing_line(ctx, self.direction, self.convincing),
            "difference": shown.get("difference"),
            "score": score_line(ctx, self.direction, self.cycle_error, self.larger_error),
            "slider": (shown["original"], shown["translated"]),
            "strip": shown["strip"],
            "numbers": self.numbers,
        }


def nothing() -> dict[str, Any]:
    """Return the values of the same components when there is no photo."""
    empty = dict.fromkeys(("translated", "back", "judged", "difference", "slider", "strip", "numbers"))
    return {**empty, **dict.fromkeys(("facts", "warning", "convincing", "score"), "")}


def convincing_line(ctx: Context, direction: str, share: float | None) -> str:
    """Return how convincing a translation is among held-out photos and how far to trust who says so, or that none can."""  # noqa: E501
    if share is None:
        return ctx.localize_html("cyclegan.unjudged")
    fruit, known = DIRECTIONS[direction][1], calibration()
    values = {"count": len(known.real[fruit]), "share": share, "right": known.judge_auc[fruit]}
    return ctx.localize_html(f"cyclegan.convincing_{fruit}", **values)


def score_line(ctx: Context, direction: str, error: float | None, share: float | None) -> str:
    """Return how far the round trip lands from the photo, and of fruit for how many held-out photos it lands closer."""
    if error is None:
        return ctx.localize_html("cyclegan.no_way_back")
    if share is None:
        return ctx.localize_html("cyclegan.score_other", error=error)
    fruit, known = DIRECTIONS[direction][0], calibration()
    return ctx.localize_html(f"cyclegan.score_{fruit}", error=error, share=share, count=len(known.cycle_error[fruit]))


def warning_line(ctx: Context, kinds: dict[str, float] | None, direction: str) -> str:
    """Return what speaks against translating a photo; empty where nothing does, or nothing is known."""
    if kinds is None:
        return ""
    source, target = DIRECTIONS[direction]
    found = warning_of(kinds, direction, calibration().probe.threshold)
    if not found:
        return ""
    key = "elsewhere" if found == "elsewhere" else f"is_{target}"
    fruit = 1 - kinds["elsewhere"]
    return ctx.localize_html(f"cyclegan.warning_{key}", fruit=fruit, target=kinds[target], source=kinds[source])


def facts_of(done: OneWay, judged: Judgement | None, direction: str, weights: Sequence[str]) -> dict[str, Any]:
    """Return the numbers of a result by name, as they are stored and offered as JSON; null where there are none."""
    return {
        "direction": direction,
        "weights": list(weights),
        "size": list(done.original.size),
        "cycle_error": round(done.cycle_error, 3) if isinstance(done, Translation) else None,
        "seconds": round(done.seconds, 3),
        "convincing": round(judged.convincing, 4) if judged else None,
        "larger_error": round(judged.larger_error, 4) if judged else None,
        "kinds": {name: round(value, 4) for name, value in judged.kinds.items()} if judged else None,
    }


def images_of(done: OneWay, judged: Judgement | None, direction: str, weights: Sequence[str]) -> dict[str, Image.Image]:
    """Return the image for each of `FILES` that there is."""
    images = {name: getattr(done, name) for name in IMAGES if hasattr(done, name)}
    if judged:
        images["judged"] = judged.image
    return {**images, "strip": summary(done, direction, weights)}


def show(ctx: Context, done: OneWay, judged: Judgement | None, direction: str, weights: tuple[str, ...]) -> Shown:
    """Put the files of a result where the browser can fetch them."""
    files = {name: ctx.save_image(image) for name, image in images_of(done, judged, direction, weights).items()}
    facts = facts_of(done, judged, direction, weights)
    numbers = ctx.save_bytes(json.dumps(facts, indent=2).encode(), ".json")
    return _shown(files, numbers, facts)


def _shown(files: dict[str, str], numbers: str, facts: dict[str, Any], prepared: bool = False) -> Shown:
    lists = {"size": tuple(facts["size"]), "weights": tuple(facts["weights"])}
    return Shown(files, numbers, **{**facts, **lists}, prepared=prepared)


def read_first_paint(folder: Path) -> Shown | None:
    """Read the finished result the tab opens on, or None when there is none."""
    facts = folder / "result.json"
    if not facts.is_file():
        return None
    files = {name: str(folder / f"{name}.png") for name in FILES}
    return _shown(files, str(facts), json.loads(facts.read_text("utf-8")), prepared=True)


def write_first_paint(folder: Path, done: Translation, judged: Judgement, direction: str) -> None:
    """Write what `read_first_paint` reads."""
    weights = (direction, BACK[direction])
    for name, image in images_of(done, judged, direction, weights).items():
        image.save(folder / f"{name}.png", optimize=True)
    facts = facts_of(done, judged, direction, weights)
    (folder / "result.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


def panel(value: str, elem_id: str) -> gr.HTML:
    """Place a panel of images made by `grid`."""
    return gr.HTML(value, css_template=STYLE, apply_default_css=False, elem_id=elem_id)


def figure(path: str, caption: str = "") -> str:
    """Write an image with its caption, fetched only when it is seen."""
    said = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure><img src="{file_url(path)}" alt="" loading="lazy">{said}</figure>'


def said(text: str) -> str:
    """Write a sentence as a cell of a grid."""
    return f'<div class="said">{text}</div>'


def grid(cells: Sequence[str], images: int, plain: bool = False) -> str:
    """Write cells in rows.

    Args:
        cells: HTML of `figure` and `said`.
        images: How many images stand in a row.
        plain: Whether no sentence follows them.
    """
    kind = "grid plain" if plain else "grid"
    return f'<div class="{kind}" style="--pictures: {images}">{"".join(cells)}</div>'


def fixed_weights(ctx: Context, names: Sequence[str]) -> gr.HTML:
    """Place the line that says which weights an experiment uses that knows nothing of the menu of models."""
    return widgets.html_line(ctx.localize_html("cyclegan.fixed_weights", weights=", ".join(names)))


def made_with(ctx: Context, names: Sequence[str]) -> str:
    """Write, on a line of its own, which weights from the menu of models were used."""
    titles = " + ".join(widgets.short_name(ctx.weights_info(name).name) for name in names)
    return f"<br>{ctx.localize_html('cyclegan.made_with')} {titles}"


def chosen(ctx: Context, request: gr.Request | None, used: str, direction: str) -> tuple[str, str]:
    """Return the weights in use that translate in a direction and back.

    Raises:
        gr.Error: If there is no way back, with one sentence in the visitor's language.
    """
    weights = generators(ctx.library.record(used), direction)
    if len(weights) == 1:
        raise widgets.user_error(ctx, request, "cyclegan.no_way_back")
    return weights[0], weights[1]


def opened(ctx: Context, request: gr.Request | None, path: str | None, side: int = SIDE) -> Image.Image:
    """Read a visitor's photo at the size at which it is translated.

    Raises:
        gr.Error: If there is none or it cannot be used, with one sentence in the visitor's language.
    """
    try:
        return prepared(widgets.open_photo(ctx, request, path), side)
    except TooNarrowError as error:
        raise widgets.user_error(ctx, request, "cyclegan.too_narrow", ratio=SIDE // MIN_SIDE) from error
