"""The MAE tab: hide patches of a photo, see what a masked autoencoder puts in the gaps, and compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component
from torch import nn

from demos.core.context import Context, Demo
from demos.core.events import PRIVATE_MODEL_EVENT, QUICK_EVENT
from demos.core.paths import EXAMPLES
from demos.core.tab_interface import Photo, TabInterface
from demos.mae.analysis_ui import Looks, build_looks
from demos.mae.api import offer_endpoints
from demos.mae.handlers import Handlers
from demos.mae.inpainting_ui import Photos, build_photos
from demos.mae.mask_canvas import mask_canvas, newest
from demos.mae.masks import BY_HAND, MASK_KINDS, MAX_RATIO, MAX_SEED
from demos.mae.results import FOLDED, NAMES, TABLE_STYLE, nothing, read_first_paint, write_first_paint
from demos.mae.session import WEIGHTS, MAESession, MaskRequest
from demos.ui import widgets
from demos.ui.model_menu.menu import Menu, model_menu
from models.networks.mae import MaskedAutoencoderViT

SCENES = EXAMPLES / "scenes"
# A file that was just made is saved without a second click; Gradio's own button has to have it before the first.
DOWNLOAD = """(file) => {
  const link = document.createElement("a");
  [link.href, link.download] = [file.url, file.orig_name];
  link.click();
}"""
OPENING = (0.75, "random", 1)  # ratio, kind and seed of the mask the tab opens on


def scenes(folder: Path = SCENES) -> list[Path]:
    """Return the built-in photos, the opening one first."""
    return sorted(folder.glob("*.jpg"))


def paints_pixels(model: nn.Module) -> str:
    """Return the key of the sentence that refuses a network which cannot show what it fills in."""
    if not isinstance(model, MaskedAutoencoderViT):
        return "menu.wrong_kind"
    return "menu.no_pixels" if model.norm_pix_loss else ""


def build(ctx: Context) -> TabInterface:
    """Create the components of the tab and connects them."""
    photos = scenes()
    first = read_first_paint(ctx.first_paint / "mae", WEIGHTS)
    shown = first.values(ctx) if first else nothing(ctx)
    widgets.lead(ctx, "mae.lead")
    with gr.Row(elem_classes="toolbar"):
        strip = widgets.strip(ctx, photos, "mae-examples")
    with gr.Row(elem_classes="columns"):
        with gr.Column():
            photo = widgets.photo(ctx, "mae.photo", photos[0] if first else None, "mae-input")
            percent = gr.Slider(
                0, 100 * MAX_RATIO, 100 * OPENING[0], step=1, label=ctx.t("mae.ratio"), elem_id="mae-ratio"
            )
            kinds = {kind: f"mae.kind_{kind}" for kind in (*MASK_KINDS, BY_HAND)}
            kind = widgets.pills(ctx, "mae.kind", kinds, OPENING[1], "mae-kind")
        with gr.Column():
            canvas = mask_canvas(ctx, "mae.canvas", "patches", "mae-canvas", shown["canvas"])
            another = gr.Button(ctx.t("mae.another"), elem_id="mae-another", elem_classes="key-again")
        with gr.Column():
            slider = widgets.before_after(ctx.t("mae.slider"), shown["slider"], "mae-result-slider")
            verdict = widgets.html_line(shown["verdict"], "score", "mae-result-score")
            facts = widgets.html_line(shown["facts"], "facts", "mae-result-facts")
    row = _row_of_results(ctx, shown)
    below = _below_results(ctx, shown, MaskRequest(str(photos[0]), *OPENING) if first else None)
    work = MAESession(ctx)
    looks = build_looks(ctx, work, shown["canvas"])
    folds = build_photos(ctx, work, photos)
    with widgets.options(ctx, "mae.options"):
        label = ctx.t("mae.seed")
        seed = gr.Number(OPENING[2], label=label, precision=0, minimum=0, maximum=MAX_SEED, elem_id="mae-seed")
        mask = gr.Textbox(visible="hidden", elem_id="mae-mask")
    menu = model_menu(ctx, "mae", WEIGHTS, paints_pixels)
    widgets.aside(ctx, "mae.how_title", "mae.how")
    results = {"canvas": canvas, "slider": slider, "verdict": verdict, "facts": facts, **row}
    controls = Controls(photo, percent, kind, seed, mask, canvas, another)
    return _connect(work, controls, strip, photos, menu, results, looks, folds, below)


def _row_of_results(ctx: Context, shown: Mapping[str, Any]) -> dict[str, Component]:
    """Place what is under the main images."""
    row: dict[str, Component] = {}
    with gr.Row(elem_classes="row-of-pictures"):
        row |= {name: _panel(ctx, name, shown) for name in ("pasted", "fill", "error")}
        with gr.Column():
            row["table"] = gr.HTML(
                shown["table"], css_template=TABLE_STYLE, apply_default_css=False, elem_id="mae-result-table"
            )
            label: Any = ctx.t("mae.sheet")
            row["sheet"] = gr.Button(label, elem_id="mae-result-sheet", elem_classes="quiet")
            label = ctx.t("mae.numbers")
            row["numbers"] = gr.DownloadButton(
                label, value=shown["numbers"], elem_id="mae-result-numbers", elem_classes="quiet"
            )
    row["limit"] = widgets.html_line(shown["limit"], "facts", "mae-limit")
    return row


class Below(NamedTuple):
    """What is made of the result only when it is asked for.

    Attributes:
        shown: What was asked for by the result that is shown; None without one.
        fold: Why a prediction is pasted into the gaps.
        images: Those of `FOLDED`, in the fold.
        sheet: The file with all images.
    """

    shown: gr.State
    fold: gr.Accordion
    images: list[gr.Image]
    sheet: gr.File


def _below_results(ctx: Context, shown: Mapping[str, Any], ask: MaskRequest | None) -> Below:
    """Place, folded away, why a prediction is pasted into the gaps; `ask` gave what is shown at first."""
    with widgets.options(ctx, "mae.raw_title") as fold:
        with gr.Row(elem_classes="row-of-pictures"):
            images = [_panel(ctx, name, shown) for name in FOLDED]
        widgets.note(ctx, "mae.raw_why")
    return Below(gr.State(ask), fold, images, gr.File(visible="hidden"))


def _connect_below(below: Below, button: Component, handlers: Handlers) -> None:
    """Let the fold and the sheet follow the result that is shown."""
    widgets.fill_when_open(below.fold, handlers.on_unfold, [below.shown], below.images, [below.shown.change])
    made = button.click(handlers.on_sheet, below.shown, below.sheet, **PRIVATE_MODEL_EVENT)  # type: ignore[attr-defined]
    made.success(fn=None, inputs=below.sheet, js=DOWNLOAD, api_visibility="private")


class Controls(NamedTuple):
    """What a visitor can change; `mask` holds the last one that was drawn by hand."""

    photo: gr.Image
    percent: gr.Slider
    kind: gr.Radio
    seed: gr.Number
    mask: gr.Textbox
    canvas: gr.HTML
    another: gr.Button


def _panel(ctx: Context, name: str, shown: Mapping[str, Any]) -> gr.Image:
    return widgets.image(ctx.t(f"mae.{name}"), shown[name], f"mae-result-{name}")


def _connect(
    work: MAESession,
    controls: Controls,
    strip: gr.Dataset,
    photos: Sequence[Path],
    menu: Menu,
    results: Mapping[str, Component],
    looks: Looks,
    folds: Photos,
    below: Below,
) -> TabInterface:
    """Show the result of every change at once, and offers the endpoints; the page may show results too."""
    photo, percent, kind, seed, mask, canvas, another = controls
    outdated = {**looks.outdated, **folds.outdated}
    handlers = Handlers(work, list(outdated.values()))
    outputs = [*(results[name] for name in NAMES), looks.picker, below.shown, *outdated]
    asked: list[Component] = [photo, percent, kind, seed, mask, menu.used]
    # What is running for the photo or mask before ends; of what changes while a result is made only the latest counts.
    latest: dict[str, Any] = {"cancels": looks.connect(asked), "trigger_mode": "always_last", "show_progress": "hidden"}
    latest |= PRIVATE_MODEL_EVENT
    run: dict[str, Any] = {"fn": handlers.on_change, "inputs": asked, "outputs": outputs}
    redraw: dict[str, Any] = {"fn": handlers.on_redraw, "inputs": asked, "outputs": [*outputs, kind]}
    # Not photo.change: replacing a photo fires it twice. Not percent.change and kind.change: a stroke sets them too.
    changed = gr.on([photo.upload, kind.input, menu.switched.change], **run, **latest)
    redrawn = gr.on([percent.input, seed.input], **redraw, **latest)
    by_ratio: dict[str, Any] = {"inputs": [canvas, *asked], "js": newest(canvas, "ratio")}
    turned = canvas.ratio(handlers.on_ratio, outputs=[*outputs, kind, percent], **by_ratio, **latest)
    by_stroke: dict[str, Any] = {"inputs": [canvas, photo, seed, menu.used], "js": newest(canvas, "stroke")}
    brushed = canvas.stroke(handlers.on_stroke, outputs=[*outputs, kind, percent, mask], **by_stroke, **latest)
    quick: dict[str, Any] = {"trigger_mode": "always_last", **QUICK_EVENT}
    picked = strip.click(lambda index: str(photos[index]), strip, photo, **quick)
    shown = picked.then(**run, **latest)
    number = "() => Math.floor(Math.random() * 10000)"
    redrawn_again = another.click(fn=None, js=number, outputs=seed, api_visibility="private").then(**redraw, **latest)
    # Cancelled, a result on its way does not appear beside a photo that is gone.
    under_way = [changed, redrawn, turned, brushed, shown, redrawn_again]
    photo.clear(handlers.on_clear, None, outputs, cancels=under_way, **quick)
    _connect_below(below, results["sheet"], handlers)
    folds.connect(photo, menu.used, asked, [photo.change, menu.switched.change])
    offer_endpoints(work)
    settings = {"ratio": percent, "kind": kind, "seed": seed, "mask": mask, "weights": menu.linked}
    return TabInterface({"example": Photo(photo, [(strip, photos)])}, settings, (menu.open_linked, {**run, **latest}))


def precompute(ctx: Context, folder: Path) -> None:
    """Write the result for the opening example and the facts about it."""
    ratio, kind, seed = OPENING
    write_first_paint(MAESession(ctx), MaskRequest(str(scenes()[0]), ratio, kind, seed), folder)


DEMO = Demo("mae", build, precompute)
