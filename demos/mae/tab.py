"""The MAE tab: hide patches of a photo, reconstruct them by a masked autoencoder, and compare with a baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency
from PIL import Image
from torch import nn

from demos.core.context import Context, Demo
from demos.core.events import LATEST_MODEL_EVENT, LATEST_PROMPT_EVENT, LATEST_QUICK_EVENT, PRIVATE_MODEL_EVENT
from demos.core.paths import EXAMPLES
from demos.core.tab_interface import Photo, SummaryCell, TabInterface
from demos.mae import results
from demos.mae.analysis_ui import HIDE, build_analyses
from demos.mae.api import offer_endpoints
from demos.mae.cards import TITLES, precompute_thumbnails
from demos.mae.handlers import on_change, on_clear, on_ratio, on_redraw, on_stroke, on_summary, on_unfold
from demos.mae.inpainting_ui import build_inpaintings
from demos.mae.mask_canvas import latest_report, mask_canvas
from demos.mae.masks import BY_HAND, MASK_KINDS, MAX_RATIO, MAX_SEED, draw_mask
from demos.mae.reconstruction import grid_of, reconstruct
from demos.mae.session import WEIGHTS, MAESession, MaskRequest
from demos.ui import layout, widgets
from demos.ui.model_menu.menu import Menu, model_menu
from demos.ui.share_picture import share_button
from demos.ui.shelf.shelf import Shelf, cards
from demos.ui.shelf.shelf import shelf as place_shelf
from models.data.images import square_crop
from models.networks.mae import MaskedAutoencoderViT

SCENES = EXAMPLES / "scenes"
# Saves a file that was just made without a second click; Gradio's own button needs the file before the first.
DOWNLOAD = """(file) => {
  const link = document.createElement("a");
  [link.href, link.download] = [file.url, file.orig_name];
  link.click();
}"""
SHARED = [["#mae-canvas canvas"], ["#mae-result-slider img"]]
OPENING = (0.75, "random", 1)  # ratio, kind and seed of the mask the tab opens on


def scenes(folder: Path = SCENES) -> list[Path]:
    """Return the built-in photos, the opening one first."""
    return sorted(folder.glob("*.jpg"))


def refuse_without_pixels(model: nn.Module) -> str:
    """Return the key of the sentence that refuses a network without pixels as output, or an empty string."""
    if not isinstance(model, MaskedAutoencoderViT):
        return "menu.wrong_kind"
    return "menu.no_pixels" if model.norm_pix_loss else ""


def build(ctx: Context) -> TabInterface:
    """Create the components of the tab and connect them."""
    photos, session = scenes(), MAESession(ctx)
    first = results.read_first_paint(ctx, ctx.first_paint / "mae", WEIGHTS)
    shown = first[0] if first else results.empty_values(ctx)
    c: dict[str, Any] = {}
    with layout.hero(ctx, "mae"):
        with gr.Row(elem_classes="toolbar to-start"):
            c["strip"] = widgets.strip(ctx, photos, "mae-examples")
        with layout.stage(), gr.Row(elem_classes="columns"):
            c |= _build_hero(ctx, shown, photos[0] if first else None)
        share_button(ctx, "mae.share", SHARED, "#mae-result-score p")
    shelf = place_shelf(ctx, "mae", cards(ctx, "mae", TITLES))
    c["facts"] = widgets.html_line(shown["facts"], "facts", "mae-result-facts")
    opening = MaskRequest(str(photos[0]), *OPENING, first[1]) if first else None
    c |= _build_details(session, shelf, shown, opening)
    c["picker"], outdated, connect_analyses = build_analyses(session, shelf, shown["canvas"])
    mix_column, connect_inpaintings = build_inpaintings(session, shelf, photos)
    with shelf.drawer("settings", "mae.options"):
        label: Any = ctx.t("mae.seed")
        c["seed"] = gr.Number(OPENING[2], label=label, precision=0, minimum=0, maximum=MAX_SEED, elem_id="mae-seed")
    c["mask"] = gr.Textbox(visible="hidden", elem_id="mae-mask")  # the last mask drawn by hand
    menu = model_menu(ctx, "mae", WEIGHTS, refuse_without_pixels, shelf=shelf)
    layout.how_it_works(ctx, "mae")
    widgets.aside(ctx, "mae.how_title", "mae.how")
    offer_endpoints(session)
    controls = [*(c[name] for name in ("photo", "percent", "kind", "seed", "mask")), menu.used]
    connect_inpaintings(c["photo"], menu.used, controls, [c["photo"].change, menu.switched.change])
    show = _connect(session, c, controls, photos, menu, connect_analyses(controls), {**outdated, mix_column: HIDE})
    linked = {"ratio": c["percent"], "kind": c["kind"], "seed": c["seed"], "mask": c["mask"], "weights": menu.linked}
    example = Photo(c["photo"], [(c["strip"], photos)])
    return TabInterface({"example": example}, linked, (menu.open_linked, show), summary=partial(summarize, session))


def summarize(session: MAESession, image: Image.Image) -> SummaryCell:
    """Reconstruct an RGB image from the opening mask by the default weights."""
    model = session.model(WEIGHTS)
    square = square_crop(image, model.img_size)
    result = reconstruct(model, square, draw_mask(square, grid_of(model), *OPENING))
    return SummaryCell(result.pasted, results.verdict_html(session.ctx, result.scores), "tab=mae")


def _build_hero(ctx: Context, shown: Mapping[str, Any], photo: Path | None) -> dict[str, Any]:
    """Place the controls beside the two large images: the canvas and the guess."""
    c: dict[str, Any] = {}
    with gr.Column(scale=3, min_width=220, elem_classes="controls"):
        c["photo"] = widgets.photo(ctx, "mae.photo", photo, "mae-input")
        label: Any = ctx.t("mae.ratio")
        c["percent"] = gr.Slider(0, 100 * MAX_RATIO, 100 * OPENING[0], step=1, label=label, elem_id="mae-ratio")
        kinds = {kind: f"mae.kind_{kind}" for kind in (*MASK_KINDS, BY_HAND)}
        c["kind"] = widgets.pills(ctx, "mae.kind", kinds, OPENING[1], "mae-kind")
    with gr.Column(scale=5, min_width=280):
        c["canvas"] = mask_canvas(ctx, "mae.canvas", "patches", "mae-canvas", shown["canvas"])
        c["another"] = gr.Button(ctx.t("mae.another"), elem_id="mae-another", elem_classes="key-again", size="sm")
    with gr.Column(scale=5, min_width=280):
        c["slider"] = widgets.before_after(ctx.t("mae.slider"), shown["slider"], "mae-result-slider", 100)
        c["verdict"] = widgets.html_line(shown["verdict"], "verdict", "mae-result-score")
    return c


def _build_details(
    session: MAESession, shelf: Shelf, shown: Mapping[str, Any], opening: MaskRequest | None
) -> dict[str, Any]:
    """Place the panel that says how the guess is measured; return its components and the state of what is shown."""

    def on_open(request: MaskRequest | None) -> list[str | None]:
        with widgets.user_errors(session.ctx, None):
            return on_unfold(session, request)

    ctx, c = session.ctx, dict[str, Any]()
    with shelf.drawer("details", "common.details") as panel:
        c["table"] = widgets.panel(shown["table"], "mae-result-table", results.TABLE_STYLE)
        widgets.html_line(results.examples_html(ctx, ctx.first_paint / "mae"), elem_id="mae-opening")
        c["limit"] = widgets.html_line(shown["limit"], "facts", "mae-limit")
        with gr.Row(elem_classes="row-of-pictures"):
            images = [widgets.image(ctx.t(f"mae.{name}"), shown[name], f"mae-result-{name}") for name in results.FOLDED]
        widgets.note(ctx, "mae.raw_why")
        with gr.Row(elem_classes="toolbar to-start"):
            sheet = gr.Button(ctx.t("mae.sheet"), elem_id="mae-result-sheet", elem_classes="quiet", size="sm")
            c["numbers"] = widgets.download(ctx, "mae.numbers", "mae-result-numbers", shown["numbers"], size="sm")
    c["request"], file = gr.State(opening), gr.File(visible="hidden")
    widgets.fill_when_open(panel, on_open, [c["request"]], images, [c["request"].change])
    made = sheet.click(session.handler(on_summary), c["request"], file, **PRIVATE_MODEL_EVENT)
    made.success(fn=None, inputs=file, js=DOWNLOAD, api_visibility="private")
    return c


def _connect(
    session: MAESession,
    c: Mapping[str, Any],
    controls: Sequence[Component],
    photos: Sequence[Path],
    menu: Menu,
    running: Sequence[Dependency],
    outdated: Mapping[Component, Any],
) -> dict[str, Any]:
    """Show the result of every change of the components `c` at once; return the event that does, for the page."""
    photo, canvas, kind, percent, mask = (c[name] for name in ("photo", "canvas", "kind", "percent", "mask"))
    outputs = [*(c[name] for name in results.NAMES), c["picker"], c["request"]]
    # What is running for the photo or mask before ends; of what changes while a result is made only the latest counts.
    latest: dict[str, Any] = {"cancels": running, "show_progress": "hidden", **LATEST_MODEL_EVENT}

    def event(fn: Callable[..., Any], inputs: Any, further: Sequence[Component] = ()) -> dict[str, Any]:
        """Return the arguments of a listener; `further` are the outputs that `fn` adds."""

        def empty() -> list[Any]:
            return [*on_clear(session), *[gr.skip()] * len(further)]

        handler = session.handler(fn, *outdated.values(), refused=empty)
        return {"fn": handler, "inputs": inputs, "outputs": [*outputs, *further, *outdated]}

    run, redraw = event(on_change, controls), event(on_redraw, controls, [kind])
    # Not photo.change: replacing a photo fires it twice. Not percent.change and kind.change: a stroke sets them too.
    changed = gr.on([photo.upload, kind.input, menu.switched.change], **run, **latest)
    redrawn = gr.on([percent.input, c["seed"].input], **redraw, **latest)
    ratio = event(on_ratio, [canvas, *controls], [kind, percent])
    turned = canvas.ratio(**ratio, js=latest_report(canvas, "ratio"), **latest)
    stroke = event(on_stroke, [canvas, photo, c["seed"], menu.used], [kind, percent, mask])
    brushed = canvas.stroke(**stroke, js=latest_report(canvas, "stroke"), **latest)
    picked = c["strip"].click(lambda index: str(photos[index]), c["strip"], photo, **LATEST_QUICK_EVENT)
    shown = picked.then(**run, **latest)
    number = "() => Math.floor(Math.random() * 10000)"
    numbered = c["another"].click(fn=None, js=number, outputs=c["seed"], api_visibility="private")
    # Cancelled, a result on its way does not appear beside a photo that is gone.
    under_way = [changed, redrawn, turned, brushed, shown, numbered.then(**redraw, **latest)]
    # Through the queue: Gradio tells the listeners of a state only of what a queued event wrote.
    photo.clear(**event(on_clear, None), cancels=under_way, **LATEST_PROMPT_EVENT)
    return {**run, **latest}


def precompute(ctx: Context, folder: Path) -> None:
    """Write the result for the opening example and the facts about it."""
    session = MAESession(ctx)
    opening = session.request(str(scenes()[0]), *OPENING)
    results.write_first_paint(session, opening, folder)
    precompute_thumbnails(session, opening, scenes(), folder)
    results.write_examples([session.request(str(path), *OPENING) for path in scenes()], session, folder)


def preview(ctx: Context) -> list[Image.Image]:
    """Return the opening example as the network gets it, and as it leaves it."""
    return [Image.open(ctx.first_paint / "mae" / name).convert("RGB") for name in ("masked.png", results.LARGE[0])]


DEMO = Demo("mae", build, precompute, preview)
