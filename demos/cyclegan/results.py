"""What the CycleGAN tab shows of one result, and the grids of images under it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from demos.core.context import Context
from demos.core.files import file_url
from demos.cyclegan.translation import (
    BACK,
    IMAGES,
    SIDE,
    Assessment,
    CycleTranslation,
    Translation,
    domain_warning,
    fit_photo,
    generators,
    summary_sheet,
)
from demos.ui import layout, widgets
from models.analysis.cyclegan_calibration import DIRECTIONS, calibration
from models.strict_json import json_text

FILES = (*IMAGES, "judged", "strip")
NUMBERS = "result.json"
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
# Values of the components of the tab, by the names that `tab.build` gives them, while there is no photo.
EMPTY: Mapping[str, Any] = {
    **dict.fromkeys(("slider", "back", "judged", "difference", "strip", "numbers")),
    **dict.fromkeys(("facts", "warning", "verdict", "convincing", "score"), ""),
}


def component_values(
    ctx: Context, files: Mapping[str, str], numbers: Mapping[str, Any], precomputed: bool = False
) -> dict[str, Any]:
    """Return the values of the components of the tab, for the paths of `FILES` and of the "numbers" as JSON."""
    size = (numbers["size"][0], numbers["size"][1])
    direction, warning = numbers["direction"], warning_line(ctx, numbers["kinds"], numbers["direction"])
    # What is no fruit of the source domain is not compared with fruit.
    larger_error = None if warning else numbers["larger_error"]
    lines = {
        "facts": widgets.facts_line(ctx, numbers["weights"], size, numbers["seconds"], precomputed, menu=True),
        "warning": warning,
        "verdict": verdict_line(ctx, numbers, bool(warning)),
        "convincing": "" if warning else realism_line(ctx, direction, numbers["convincing"]),
        "score": cycle_error_line(ctx, direction, numbers["cycle_error"], larger_error),
    }
    images = {name: files.get(name) for name in EMPTY if name not in lines}
    return {**lines, **images, "slider": (files["translated"], files["original"])}


def verdict_line(ctx: Context, numbers: Mapping[str, Any], warned: bool) -> str:
    """Return the two numbers of the hero: realism, but not after a warning about the photo, and the cycle error."""
    sentences = []
    if numbers["convincing"] is not None and not warned:
        fruit = DIRECTIONS[numbers["direction"]][1]
        sentences.append(ctx.localize_html(f"cyclegan.fools_{fruit}", share=round(100 * numbers["convincing"])))
    if numbers["cycle_error"] is None:
        sentences.append(ctx.localize_html("cyclegan.no_way_back"))
    else:
        sentences.append(ctx.localize_html("cyclegan.way_back", error=numbers["cycle_error"] / 255))
    return layout.verdict(ctx, sentences)


def realism_line(ctx: Context, direction: str, percentile: float | None) -> str:
    """Return the realism percentile of a translation and how reliable its discriminator is, or that there is none."""
    if percentile is None:
        return ctx.localize_html("cyclegan.unjudged")
    fruit, known = DIRECTIONS[direction][1], calibration()
    values = {"count": len(known.real[fruit]), "share": percentile, "right": known.discriminator_auc[fruit]}
    return ctx.localize_html(f"cyclegan.convincing_{fruit}", **values)


def cycle_error_line(ctx: Context, direction: str, error: float | None, percentile: float | None) -> str:
    """Return the cycle error, and of fruit the share of held-out photos with a smaller one."""
    if error is None:
        return ctx.localize_html("cyclegan.no_way_back")
    if percentile is None:
        return ctx.localize_html("cyclegan.score_other", error=error)
    fruit = DIRECTIONS[direction][0]
    count = len(calibration().cycle_error[fruit])
    return ctx.localize_html(f"cyclegan.score_{fruit}", error=error, share=percentile, count=count)


def warning_line(ctx: Context, kinds: Mapping[str, float] | None, direction: str) -> str:
    """Return a warning about a photo that is not of the source domain; empty where it is, or nothing is known."""
    warning = domain_warning(kinds, direction, calibration().probe.threshold) if kinds else ""
    if not kinds or not warning:
        return ""
    source, target = DIRECTIONS[direction]
    key = "elsewhere" if warning == "elsewhere" else f"is_{target}"
    fruit = 1 - kinds["elsewhere"]
    return ctx.localize_html(f"cyclegan.warning_{key}", fruit=fruit, target=kinds[target], source=kinds[source])


def result_numbers(
    done: Translation, assessment: Assessment | None, direction: str, weights: Sequence[str]
) -> dict[str, Any]:
    """Return the numbers of a result by name, as they are stored and offered as JSON; null where there are none."""
    return {
        "direction": direction,
        "weights": list(weights),
        "size": list(done.original.size),
        "cycle_error": round(done.cycle_error, 3) if isinstance(done, CycleTranslation) else None,
        "seconds": round(done.seconds, 3),
        "convincing": round(assessment.realism_percentile, 4) if assessment else None,
        "larger_error": round(assessment.cycle_error_percentile, 4) if assessment else None,
        "kinds": {name: round(value, 4) for name, value in assessment.kinds.items()} if assessment else None,
    }


def result_images(
    done: Translation, assessment: Assessment | None, direction: str, weights: Sequence[str]
) -> dict[str, Image.Image]:
    """Return the image for each of `FILES` that there is."""
    images = {name: getattr(done, field) for name, field in IMAGES.items() if hasattr(done, field)}
    if assessment:
        images["judged"] = assessment.heat_map
    return {**images, "strip": summary_sheet(done, direction, weights)}


def show(
    ctx: Context, done: Translation, assessment: Assessment | None, direction: str, weights: Sequence[str]
) -> dict[str, Any]:
    """Save the files of a result and return the values of the components of the tab."""
    images = result_images(done, assessment, direction, weights)
    numbers = result_numbers(done, assessment, direction, weights)
    files = {name: ctx.save_image(image) for name, image in images.items()}
    files["numbers"] = ctx.save_bytes(json_text(numbers).encode(), ".json")
    return component_values(ctx, files, numbers)


def read_first_paint(ctx: Context) -> dict[str, Any] | None:
    """Return the values of the components for the precomputed result the tab opens on, or None without one."""
    folder = ctx.first_paint / "cyclegan"
    if not (folder / NUMBERS).is_file():
        return None
    files = {name: str(folder / f"{name}.png") for name in FILES} | {"numbers": str(folder / NUMBERS)}
    return component_values(ctx, files, json.loads((folder / NUMBERS).read_text("utf-8")), precomputed=True)


def write_first_paint(folder: Path, done: CycleTranslation, assessment: Assessment, direction: str) -> None:
    """Write what `read_first_paint` reads, for a result of our own weights."""
    weights = (direction, BACK[direction])
    for name, image in result_images(done, assessment, direction, weights).items():
        image.save(folder / f"{name}.png", optimize=True)
    write_json(folder / NUMBERS, result_numbers(done, assessment, direction, weights))


def write_json(path: Path, content: Any) -> None:
    """Write a file of precomputed numbers."""
    path.write_text(json_text(content) + "\n", "utf-8")


def panel(value: str, elem_id: str) -> gr.HTML:
    """Place a panel of images made by `grid`."""
    return widgets.panel(value, elem_id, STYLE)


def figure(path: str, caption: str = "") -> str:
    """Return an image with its caption as HTML, loaded only when it is seen."""
    text = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure><img src="{file_url(path)}" alt="" loading="lazy">{text}</figure>'


def text_cell(text: str) -> str:
    """Return a sentence as a cell of a grid."""
    return f'<div class="said">{text}</div>'


def grid(cells: Sequence[str], images: int, plain: bool = False) -> str:
    """Return cells in rows of so many images, each row followed by a sentence unless it is plain."""
    kind = "grid plain" if plain else "grid"
    return f'<div class="{kind}" style="--pictures: {images}">{"".join(cells)}</div>'


def fixed_weights_line(ctx: Context, names: Sequence[str]) -> gr.HTML:
    """Place the line that says which weights an experiment uses, whatever the menu of models says."""
    return widgets.html_line(ctx.localize_html("cyclegan.fixed_weights", weights=" · ".join(names)))


def weights_line(ctx: Context, names: Sequence[str]) -> str:
    """Return, on a line of its own, which weights from the menu of models were used."""
    titles = " + ".join(widgets.short_name(ctx.weights_info(name).name) for name in names)
    return f"<br>{ctx.localize_html('cyclegan.made_with', weights=titles)}"


def generator_pair(ctx: Context, request: gr.Request | None, used: str, direction: str) -> tuple[str, str]:
    """Return the weights in use that translate in a direction and back, or raise a `gr.Error` if there is no pair."""
    weights = generators(ctx.library.record(used), direction)
    if len(weights) == 1:
        raise widgets.user_error(ctx, request, "cyclegan.no_way_back")
    return weights[0], weights[1]


def open_photo(ctx: Context, request: gr.Request | None, path: str | None, side: int = SIDE) -> Image.Image:
    """Read a visitor's photo at the size at which it is translated, or raise a `gr.Error` that says what is wrong."""
    with widgets.user_errors(ctx, request):
        return fit_photo(widgets.open_photo(ctx, request, path), side)
