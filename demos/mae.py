"""The MAE tab: hide patches of a photo, see what a masked autoencoder puts in the gaps, and compare."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import gradio as gr
from gradio.components import Component
from PIL import Image
from torch import nn

from demos import _look as look
from demos._api import endpoint, photo_parameter
from demos._base import EXAMPLES, PRIVATE_MODEL_EVENT, Context, Demo
from demos._handles import Handles, Photo
from demos._masking import (
    GUESSES,
    MASK_KINDS,
    MAX_RATIO,
    MAX_SEED,
    PANELS,
    Reconstruction,
    large_pair,
    reconstruct,
    summary,
)
from demos._menu import Menu, model_menu
from demos._own import shared_cache
from models.images import ImageError, read_image, square_crop
from models.mae import MaskedAutoencoderViT

WEIGHTS = "mae-photos"
SCENES = EXAMPLES / "scenes"
OPENING = (0.75, "random", 1)  # ratio, kind and seed of the mask the tab opens on
REMEMBERED = 64  # photos and results kept, so that a room full of people on one example waits once
TABLE_STYLE = """
table { width: 100%; border-collapse: collapse; font-size: 14px; line-height: 1.35; }
th, td { padding: 5px 0 5px 14px; border-bottom: 1px solid var(--line); text-align: right; font-weight: 400;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
th { color: var(--ink-soft); }
th:first-child { padding-left: 0; text-align: left; }
tbody tr:first-child * { color: var(--ink); font-weight: 600; }
"""


def verdict_html(ctx: Context, scores: dict[str, Any]) -> str:
    """Says in both languages how the model did against the smooth fill-in."""
    if scores["model"] is None:
        return ctx.both("mae.nothing_hidden")
    gain = round(scores["model"]["psnr"] - scores["smooth_fill"]["psnr"], 1)
    verdict = "mae.better" if gain > 0 else "mae.worse" if gain < 0 else "mae.same"
    return ctx.both(verdict, gain=f"{abs(gain):.1f}")


def table_html(ctx: Context, scores: dict[str, Any]) -> str:
    """Writes the table of scores in both languages; nothing where they are not defined."""
    if scores["model"] is None:
        return ""
    count = ctx.both("mae.score_of", hidden=scores["hidden_patches"], patches=scores["patches"])
    heads = [count, ctx.both("mae.score_psnr"), ctx.both("mae.score_error")]
    rows = [
        f'<th scope="row">{ctx.both(f"mae.score_{name}")}</th>'
        f"<td>{scores[name]['psnr']:.1f} dB</td><td>{scores[name]['mean_abs_error']:.1f}</td>"
        for name in GUESSES
    ]
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


@dataclass(frozen=True)
class Shown:
    """What the page says about one result; pictures are paths, so that a stored result needs no copying."""

    panels: dict[str, str]
    large: tuple[str, str]
    sheet: str
    scores: dict[str, Any]
    side: int
    seconds: float
    weights: str = WEIGHTS
    prepared: bool = False

    def values(self, ctx: Context) -> dict[str, Any]:
        """Returns the value of each component that `build` fills, by its name there."""
        facts = look.facts_line(ctx, [self.weights], (self.side, self.side), self.seconds, self.prepared)
        if steps := ctx.weights_info(self.weights).steps:  # not known of published weights
            facts += f" · {ctx.both('mae.steps', steps=f'{steps:,}')}"
        return {
            "slider": self.large,
            "verdict": verdict_html(ctx, self.scores),
            "table": table_html(ctx, self.scores),
            "facts": facts,
            "sheet": self.sheet,
            **self.panels,
        }


def show(ctx: Context, result: Reconstruction, mask_kind: str, seed: int, weights: str) -> Shown:
    """Puts the pictures of a result where the browser can fetch them."""
    first, second = large_pair(result)
    return Shown(
        panels={name: ctx.save_image(getattr(result, name)) for name in PANELS},
        large=(ctx.save_image(first), ctx.save_image(second)),
        sheet=ctx.save_image(
            summary(result, ctx.weights_info(weights).name, ctx.weights_info(weights).steps, mask_kind, seed)
        ),
        scores=result.scores,
        side=result.original.width,
        seconds=result.seconds,
        weights=weights,
    )


def nothing(ctx: Context) -> dict[str, Any]:
    """Returns the values of the same components when there is no photo."""
    pictures = dict.fromkeys(("slider", *PANELS, "sheet"))
    return {**pictures, "verdict": ctx.both("mae.no_photo"), "table": "", "facts": ""}


def scenes(folder: Path = SCENES) -> list[Path]:
    """Returns the built-in photos, the opening one first."""
    return sorted(folder.glob("*.jpg"))


def paints_pixels(model: nn.Module) -> str:
    """Returns the key of the sentence that refuses a network which cannot show what it fills in."""
    if not isinstance(model, MaskedAutoencoderViT):
        return "menu.wrong_kind"
    return "menu.no_pixels" if model.norm_pix_loss else ""


def build(ctx: Context) -> Handles:
    """Creates the components of the tab and connects them."""
    photos = scenes()
    first = read_first_paint(ctx.first_paint / "mae")
    shown = first.values(ctx) if first else nothing(ctx)
    look.lead(ctx, "mae.lead")
    with gr.Row(elem_classes="toolbar"):
        strip = look.strip(ctx, photos, "mae-examples")
    with gr.Row(elem_classes="columns"):
        with gr.Column():
            photo = look.photo(ctx, "mae.photo", photos[0] if first else None, "mae-input")
            percent = gr.Slider(0, 95, 100 * OPENING[0], step=5, label=ctx.t("mae.ratio"), elem_id="mae-ratio")
            with gr.Row(elem_classes="toolbar"):
                kinds = {kind: f"mae.kind_{kind}" for kind in MASK_KINDS}
                kind = look.pills(ctx, "mae.kind", kinds, OPENING[1], "mae-kind")
                another = gr.Button(ctx.t("mae.another"), elem_id="mae-another", elem_classes="key-again")
        with gr.Column():
            slider = look.before_after(ctx.t("mae.slider"), shown["slider"], "mae-result-slider")
            verdict = look.html_line(shown["verdict"], "score", "mae-result-score")
            facts = look.html_line(shown["facts"], "facts", "mae-result-facts")
        with gr.Column():
            fill = look.picture(ctx.t("mae.fill"), shown["fill"], "mae-result-fill")
            table = gr.HTML(
                shown["table"], css_template=TABLE_STYLE, apply_default_css=False, elem_id="mae-result-table"
            )
    with gr.Row(elem_classes="row-of-pictures"):
        row = {name: look.picture(ctx.t(f"mae.{name}"), shown[name], f"mae-result-{name}") for name in PANELS[:4]}
    sheet = gr.DownloadButton(
        ctx.t("mae.sheet"),  # type: ignore[arg-type]
        value=shown["sheet"],
        elem_id="mae-result-sheet",
        elem_classes="quiet",
    )
    look.note(ctx, "mae.limit")
    with look.options(ctx, "mae.options"):
        label = ctx.t("mae.seed")
        seed = gr.Number(OPENING[2], label=label, precision=0, minimum=0, maximum=MAX_SEED, elem_id="mae-seed")
    menu = model_menu(ctx, "mae", WEIGHTS, paints_pixels)
    look.aside(ctx, "mae.how_title", "mae.how")
    texts = {"verdict": verdict, "table": table, "facts": facts}
    results = {"slider": slider, **texts, **row, "fill": fill, "sheet": sheet}
    run = _connect(ctx, photo, strip, photos, percent, kind, seed, another, menu, results)
    settings = {"ratio": percent, "kind": kind, "seed": seed}
    return Handles({"example": Photo(photo, [(strip, photos)])}, settings, (run,))


def _connect(
    ctx: Context,
    photo: gr.Image,
    strip: gr.Dataset,
    photos: Sequence[Path],
    percent: gr.Slider,
    kind: gr.Radio,
    seed: gr.Number,
    another: gr.Button,
    menu: Menu,
    results: dict[str, Component],
) -> dict[str, Any]:
    """Shows the result of every change at once, and offers ``/reconstruct``."""

    @lru_cache(maxsize=REMEMBERED)
    def cropped(path: str, side: int) -> Image.Image:
        # the path of an upload holds the hash of its content, so it can stand for the photo
        return square_crop(read_image(path), side)

    @shared_cache(REMEMBERED)
    def remembered(path: str, mask_ratio: float, mask_kind: str, seed: int, weights: str) -> Reconstruction:
        model = cast(MaskedAutoencoderViT, ctx.load_model(weights))
        return reconstruct(model, cropped(path, model.img_size), mask_ratio, mask_kind, seed)

    def result(
        path: str, ratio: float, kind: str, seed: int | None, weights: str, request: gr.Request
    ) -> Reconstruction:
        try:
            return remembered(path, ratio, kind, seed or 0, weights)
        except ImageError as error:
            raise look.image_error(ctx, request, error) from error

    def on_change(
        path: str | None, percent: float, kind: str, seed: int | None, weights: str, request: gr.Request
    ) -> dict[Component, Any]:
        if not path:
            return on_clear()
        done = result(path, percent / 100, kind, seed, weights, request)
        values = show(ctx, done, kind, seed or 0, weights).values(ctx)
        return {results[name]: value for name, value in values.items()}

    def on_clear() -> dict[Component, Any]:
        return {results[name]: value for name, value in nothing(ctx).items()}

    def api_reconstruct(
        image: str | None, mask_ratio: float, mask_kind: str, seed: int | None, request: gr.Request
    ) -> tuple[str, str, str, dict[str, Any]]:
        """Hide patches of a photo and fill them in; scores are measured on the hidden patches alone.

        Each score is null where nothing is hidden; psnr is in dB, mean_abs_error in levels of 0 to 255.
        """
        if not image:
            raise look.sorry(ctx, request, "error.no_photo")
        done = result(image, mask_ratio, mask_kind, seed, WEIGHTS, request)
        masked, raw, pasted = (ctx.save_image(picture) for picture in (done.masked, done.raw, done.pasted))
        return masked, raw, pasted, done.scores

    outputs = list(results.values())
    inputs = [photo, percent, kind, seed, menu.used]
    run: dict[str, Any] = {
        "fn": on_change, "inputs": inputs, "outputs": outputs, "show_progress": "hidden", **PRIVATE_MODEL_EVENT,
    }  # fmt: skip
    # While the slider is dragged only its latest place counts: always_last. Not photo.change: replacing a photo
    # fires it twice.
    changes = [photo.upload, percent.change, kind.change, seed.change, menu.switched.change]
    changed = gr.on(changes, **run, trigger_mode="always_last")
    picked = strip.click(lambda index: str(photos[index]), strip, photo, queue=False, api_visibility="private")
    shown = picked.then(**run)
    # Cancelled, a result on its way does not appear beside a photo that is gone.
    photo.clear(on_clear, None, outputs, cancels=[changed, shown], queue=False, api_visibility="private")
    another.click(fn=None, js="() => Math.floor(Math.random() * 10000)", outputs=seed, api_visibility="private")
    endpoint(
        api_reconstruct,
        [
            photo_parameter("image"),
            gr.Slider(0, MAX_RATIO, OPENING[0], step=0.01, label="mask_ratio", render=False),
            gr.Radio(list(MASK_KINDS), value=OPENING[1], label="mask_kind", render=False),
            gr.Number(OPENING[2], precision=0, minimum=0, maximum=MAX_SEED, label="seed", render=False),
        ],
        [
            *(gr.Image(label=name, format="png", render=False) for name in ("masked", "reconstruction", "pasted")),
            gr.JSON(label="scores", render=False),
        ],
        "reconstruct",
    )
    return run


def read_first_paint(folder: Path) -> Shown | None:
    """Reads the finished result the tab opens on, or None when `precompute` has not been run."""
    facts = folder / "result.json"
    if not facts.is_file():
        return None
    return Shown(
        panels={name: str(folder / f"{name}.png") for name in PANELS},
        large=(str(folder / "masked-large.png"), str(folder / "pasted-large.png")),
        sheet=str(folder / "sheet.png"),
        prepared=True,
        **json.loads(facts.read_text("utf-8")),
    )


def precompute(ctx: Context, folder: Path) -> None:
    """Writes the result for the opening example and the facts about it."""
    model = cast(MaskedAutoencoderViT, ctx.load_model(WEIGHTS))
    ratio, kind, seed = OPENING
    result = reconstruct(model, read_image(scenes()[0]), ratio, kind, seed)
    pictures = {name: getattr(result, name) for name in PANELS}
    pictures["masked-large"], pictures["pasted-large"] = large_pair(result)
    pictures["sheet"] = summary(result, WEIGHTS, ctx.weights_info(WEIGHTS).steps, kind, seed)
    for name, image in pictures.items():
        image.save(folder / f"{name}.png", optimize=True)
    facts = {"scores": result.scores, "side": result.original.width, "seconds": round(result.seconds, 3)}
    (folder / "result.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


DEMO = Demo("mae", 20, build, precompute)
