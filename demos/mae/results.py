"""What the MAE tab says about one reconstruction: images, scores, facts, and files to take home."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demos.core.context import Context
from demos.mae.mask_canvas import canvas_value
from demos.mae.masks import pack, unpack
from demos.mae.reconstruction import GUESSES, PANELS, Reconstruction, large_pair, summary
from demos.mae.session import MAESession, MaskRequest
from demos.ui import widgets

TABLE_STYLE = """
table { width: 100%; border-collapse: collapse; font-size: 14px; line-height: 1.35; }
th, td { padding: 5px 0 5px 14px; border-bottom: 1px solid var(--line); text-align: right; font-weight: 400;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
th { color: var(--ink-soft); }
th:first-child { padding-left: 0; text-align: left; white-space: normal; }
tbody tr:first-child * { color: var(--ink); font-weight: 600; }
"""
FOLDED = ("original", "masked", "raw")  # images under the result, which nobody sees before the fold is opened
SEEN = tuple(name for name in PANELS if name not in FOLDED)
NAMES = ("canvas", "slider", "verdict", "table", "facts", "limit", *SEEN, "numbers")


def verdict_html(ctx: Context, scores: dict[str, Any]) -> str:
    """Return in both languages how the model did against the smooth fill-in."""
    if scores["model"] is None:
        return ctx.localize_html("mae.nothing_hidden")
    gain = round(scores["model"]["psnr"] - scores["smooth_fill"]["psnr"], 1)
    verdict = "mae.better" if gain > 0 else "mae.worse" if gain < 0 else "mae.same"
    return ctx.localize_html(verdict, gain=f"{abs(gain):.1f}")


def table_html(ctx: Context, scores: dict[str, Any]) -> str:
    """Write the table of scores in both languages; nothing where they are not defined."""
    if scores["model"] is None:
        return ""
    count = ctx.localize_html("mae.score_of", hidden=scores["hidden_patches"], patches=scores["patches"])
    heads = [count, ctx.localize_html("mae.score_psnr"), ctx.localize_html("mae.score_error")]
    rows = [
        f'<th scope="row">{ctx.localize_html(f"mae.score_{name}")}</th>'
        f"<td>{scores[name]['psnr']:.1f} dB</td><td>{scores[name]['mean_abs_error']:.1f}</td>"
        for name in GUESSES
    ]
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


@dataclass(frozen=True)
class Shown:
    """What the page says about one result; images are paths, so that a stored result needs no copying."""

    panels: dict[str, str]
    large: tuple[str, str]
    numbers: str
    scores: dict[str, Any]
    mask: str
    side: int
    seconds: float
    weights: str
    prepared: bool = False

    @property
    def percent(self) -> float:
        """Share of the patches that is hidden, in percent."""
        return 100 * self.scores["hidden_patches"] / self.scores["patches"]

    def canvas(self) -> str:
        """Return the value of a canvas that shows the photo with its mask."""
        cells = unpack(self.mask)
        return canvas_value(self.panels["original"], cells, len(cells), self.percent)

    def values(self, ctx: Context) -> dict[str, Any]:
        """Return the value of each component of the result, by its name: `NAMES`, and those of `FOLDED` there are."""
        grid = len(unpack(self.mask))
        facts = widgets.facts_line(ctx, [self.weights], (self.side, self.side), self.seconds, self.prepared)
        facts += f" · {ctx.localize_html('mae.patches', grid=grid, size=self.side // grid)}"
        if steps := ctx.weights_info(self.weights).steps:  # not known of published weights
            facts += f" · {ctx.localize_html('mae.steps', steps=f'{steps:,}')}"
        return {
            "canvas": self.canvas(),
            "slider": self.large,
            "verdict": verdict_html(ctx, self.scores),
            "table": table_html(ctx, self.scores),
            "facts": facts,
            "limit": ctx.localize_html("mae.limit", side=self.side),
            "numbers": self.numbers,
            **self.panels,
        }


def show(work: MAESession, ask: MaskRequest, result: Reconstruction) -> Shown:
    """Put the images of a result where the browser can fetch them: those that are seen, and what the canvas shows.

    A stroke of the brush waits for each of them to be written. The original is written once for all strokes.
    """
    ctx = work.ctx
    first, second = large_pair(result)
    return Shown(
        panels={name: ctx.save_image(getattr(result, name)) for name in PANELS if name in ("original", *SEEN)},
        large=(ctx.save_image(first), ctx.save_image(second)),
        numbers=work.save_json(numbers(ask, result)),
        scores=result.scores,
        mask=pack(result.cells),
        side=result.original.width,
        seconds=result.seconds,
        weights=ask.weights,
    )


def folded(work: MAESession, ask: MaskRequest | None) -> list[str | None]:
    """Return the images of `FOLDED` of the result that is shown, or nothing where there is none."""
    if ask is None:
        return [None] * len(FOLDED)
    result = work.result(ask)
    return [work.ctx.save_image(getattr(result, name)) for name in FOLDED]


def sheet(work: MAESession, ask: MaskRequest) -> str:
    """Return the path of an image of all panels of a result."""
    info = work.ctx.weights_info(ask.weights)
    return work.ctx.save_image(summary(work.result(ask), info.name, info.steps, ask.mask_kind, ask.seed))


def numbers(ask: MaskRequest, result: Reconstruction) -> dict[str, Any]:
    """Return the scores, the settings, and the error of each patch, row by row, null where it is visible."""
    errors = [
        [None if not hidden else round(float(error), 2) for error, hidden in zip(*row, strict=True)]
        for row in zip(result.errors, result.cells, strict=True)
    ]
    made = {**ask.settings, "mask": pack(result.cells)}
    return {**made, "image_size": result.original.width, **result.scores, "patch_errors": errors}


def nothing(ctx: Context) -> dict[str, Any]:
    """Return the values of the same components when there is no photo."""
    empty: dict[str, Any] = dict.fromkeys((*NAMES, *FOLDED))
    words = {"verdict": ctx.localize_html("mae.no_photo"), "table": "", "facts": "", "limit": "", "canvas": ""}
    return {**empty, **words}


def read_first_paint(folder: Path, weights: str) -> Shown | None:
    """Read the finished result the tab opens on, or None where it was not prepared."""
    facts = folder / "result.json"
    if not facts.is_file():
        return None
    return Shown(
        panels={name: str(folder / f"{name}.png") for name in PANELS},
        large=(str(folder / "masked-large.png"), str(folder / "pasted-large.png")),
        numbers=str(folder / "numbers.json"),
        weights=weights,
        prepared=True,
        **json.loads(facts.read_text("utf-8")),
    )


def write_first_paint(work: MAESession, ask: MaskRequest, folder: Path) -> None:
    """Write the result of `ask` and the facts about it as `read_first_paint` reads them."""
    result = work.result(ask)
    images = {name: getattr(result, name) for name in PANELS}
    images["masked-large"], images["pasted-large"] = large_pair(result)
    for name, image in images.items():
        image.save(folder / f"{name}.png", optimize=True)
    facts = {
        "scores": result.scores,
        "mask": pack(result.cells),
        "side": result.original.width,
        "seconds": round(result.seconds, 3),
    }
    for name, content in (("result", facts), ("numbers", numbers(ask, result))):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
