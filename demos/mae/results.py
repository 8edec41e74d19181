"""Presentation of a reconstruction: images, scores, facts, and files to download."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demos.core.context import Context
from demos.mae.mask_canvas import canvas_value
from demos.mae.masks import Mask, decode_mask, encode_mask
from demos.mae.reconstruction import PANELS, PREDICTORS, Reconstruction, large_pair
from demos.mae.session import MAESession, MaskRequest
from demos.ui import layout, widgets
from demos.ui.images import still_webp
from models.strict_json import json_text

TABLE_STYLE = """
table { width: 100%; border-collapse: collapse; font-size: 14px; line-height: 1.35; }
th, td { padding: 5px 0 5px 14px; border-bottom: 1px solid var(--line); text-align: right; font-weight: 400;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
th { color: var(--ink-soft); }
thead th { white-space: normal; vertical-align: bottom; }
th:first-child { min-width: 6.5em; padding-left: 0; text-align: left; white-space: normal; }
tbody tr:first-child * { color: var(--ink); font-weight: 600; }
"""
EXAMPLES = "examples.json"  # what `write_examples` writes
LARGE = ("pasted-large.webp", "original-large.webp")  # prepared, under the slider
FOLDED = PANELS  # images of the panel that says how the numbers are measured, made when it opens
NAMES = ("canvas", "slider", "verdict", "table", "facts", "limit", "numbers")


def error_reduction(scores: dict[str, Any]) -> int:
    """Return how much smaller the error of the model is than that of the smooth fill-in, in percent of the latter."""
    model, fill = (scores[name]["mean_abs_error"] for name in ("model", "smooth_fill"))
    return round(100 * (fill - model) / max(fill, 0.01))


def verdict_html(ctx: Context, scores: dict[str, Any]) -> str:
    """Compare the error of the model with that of the smooth fill-in in a sentence, in both languages."""
    if scores["model"] is None:
        return ctx.localize_html("mae.nothing_hidden")
    gain = error_reduction(scores)
    verdict = "mae.better" if gain > 0 else "mae.worse" if gain < 0 else "mae.same"
    return ctx.localize_html(verdict, gain=abs(gain))


def hero_html(ctx: Context, scores: dict[str, Any]) -> str:
    """Return the verdict with a bar for the error of the model and of the smooth fill-in."""
    bars = ""
    if scores["model"] is not None:
        errors = {name: scores[name]["mean_abs_error"] for name in PREDICTORS[:2]}
        longest = max(*errors.values(), 0.01)
        rows = "".join(
            f"<dt>{ctx.localize_html(f'mae.score_{name}')}</dt>"
            f'<dd class="{name}" style="--share: {error / longest:.3f}"></dd>'
            for name, error in errors.items()
        )
        bars = f'<dl class="bars">{rows}</dl>'
    return layout.verdict(ctx, [verdict_html(ctx, scores)]) + bars


def table_html(ctx: Context, scores: dict[str, Any]) -> str:
    """Return the table of scores in both languages, empty where they are not defined."""
    if scores["model"] is None:
        return ""
    count = ctx.localize_html("mae.score_of", hidden=scores["hidden_patches"], patches=scores["patches"])
    heads = [count, ctx.localize_html("mae.score_psnr"), ctx.localize_html("mae.score_error")]
    rows = [
        f'<th scope="row">{ctx.localize_html(f"mae.score_{name}")}</th>'
        f"<td>{scores[name]['psnr']:.1f} dB</td><td>{scores[name]['mean_abs_error']:.1f}</td>"
        for name in PREDICTORS
    ]
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def component_values(
    ctx: Context,
    panels: dict[str, str],
    scores: dict[str, Any],
    mask: Mask,
    side: int,
    seconds: float,
    weights: str,
    prepared: bool = False,
) -> dict[str, Any]:
    """Return the values of `NAMES` but for "slider" and "numbers"; `panels` are paths by their names in `PANELS`."""
    grid = len(mask)
    facts = widgets.facts_line(ctx, [weights], (side, side), seconds, prepared, menu=True)
    facts += f" · {ctx.localize_html('mae.patches', grid=grid, size=side // grid)}"
    if steps := ctx.weights_info(weights).steps:  # unknown for published weights
        facts += f" · {ctx.localize_html('mae.steps', steps=f'{steps:,}')}"
    facts += f' · <button type="button" data-open="settings">⚙ {ctx.localize_html("mae.options")}</button>'
    percent = 100 * scores["hidden_patches"] / scores["patches"]
    return {
        "canvas": canvas_value(panels["original"], mask, grid, percent),
        "verdict": hero_html(ctx, scores),
        "table": table_html(ctx, scores),
        "facts": facts,
        "limit": ctx.localize_html("mae.limit", side=side),
        **panels,
    }


def show(session: MAESession, request: MaskRequest) -> dict[str, Any]:
    """Return the values of `NAMES` for a result, with only those images written that are always in sight.

    A stroke of the brush waits for each of them to be written and sent. The two large images, which are enlarged for
    the eye, are a tenth as large as WebP; those of the panel are exact.
    """
    ctx, result = session.ctx, session.result(request)
    panels = {"original": ctx.save_image(result.original)}
    side, weights = result.original.width, request.weights
    values = component_values(ctx, panels, result.scores, result.mask, side, result.seconds, weights)
    slider = tuple(ctx.save_bytes(still_webp(image), ".webp") for image in large_pair(result))
    return {**values, "slider": slider, "numbers": session.save_json(result_numbers(request, result))}


def result_numbers(request: MaskRequest, result: Reconstruction) -> dict[str, Any]:
    """Return the settings, the scores, and the error of each patch, row by row, null where it is visible."""
    settings = {**request.settings, "mask": encode_mask(result.mask), "image_size": result.original.width}
    return {**settings, **result.scores, "patch_errors": with_nulls(result.errors, 2)}


def with_nulls(values: NDArray[np.float64], digits: int) -> list[list[float | None]]:
    """Return the rows of a matrix, rounded, with null for NaN, which JSON lacks."""
    return [[None if np.isnan(value) else round(float(value), digits) for value in row] for row in values]


def empty_values(ctx: Context) -> dict[str, Any]:
    """Return the values of the same components when there is no photo."""
    texts = {"verdict": ctx.localize_html("mae.no_photo"), "table": "", "facts": "", "limit": "", "canvas": ""}
    return {**dict.fromkeys((*NAMES, *FOLDED)), **texts}


def read_first_paint(ctx: Context, folder: Path, weights: str) -> tuple[dict[str, Any], Mask] | None:
    """Return the component values and the mask of the prepared result, or None where there is none."""
    file = folder / "result.json"
    if not file.is_file():
        return None
    facts = json.loads(file.read_text("utf-8"))
    facts["mask"] = decode_mask(facts["mask"])
    panels = {name: str(folder / f"{name}.png") for name in PANELS}
    values = component_values(ctx, panels, weights=weights, prepared=True, **facts)
    slider = tuple(str(folder / name) for name in LARGE)
    return {**values, "slider": slider, "numbers": str(folder / "numbers.json")}, facts["mask"]


def write_first_paint(session: MAESession, request: MaskRequest, folder: Path) -> None:
    """Write a result as `read_first_paint` reads them."""
    result = session.result(request)
    images = {name: getattr(result, name) for name in PANELS}
    for name, image in images.items():
        image.save(folder / f"{name}.png", optimize=True)
    for name, image in zip(LARGE, large_pair(result), strict=True):
        (folder / name).write_bytes(still_webp(image))
    facts = {
        "scores": result.scores,
        "mask": encode_mask(result.mask),
        "side": result.original.width,
        "seconds": round(result.seconds, 3),
    }
    for name, content in (("result", facts), ("numbers", result_numbers(request, result))):
        (folder / f"{name}.json").write_text(json_text(content) + "\n", "utf-8")


def write_examples(requests: Sequence[MaskRequest], session: MAESession, folder: Path) -> None:
    """Write how far the examples differ, the opening one being the first of them."""
    gains = [error_reduction(session.result(request).scores) for request in requests]
    content = {"count": len(gains), "least": min(gains), "most": max(gains)}
    (folder / EXAMPLES).write_text(json_text(content) + "\n", "utf-8")


def examples_html(ctx: Context, folder: Path) -> str:
    """Return how the opening example was chosen, and how far the others differ; empty where it was not measured."""
    file = folder / EXAMPLES
    return ctx.localize_html("mae.opening", **json.loads(file.read_text("utf-8"))) if file.is_file() else ""
