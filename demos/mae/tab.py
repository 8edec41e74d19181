"""The MAE tab: hide patches of a photo, reconstruct them by a masked autoencoder, and compare with a baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component
from torch import nn

from demos.core.context import Context, Demo
from demos.core.events import PRIVATE_MODEL_EVENT, PROMPT_EVENT, QUICK_EVENT
from demos.core.paths import EXAMPLES
from demos.core.tab_interface import Photo, TabInterface
from demos.mae.analysis_ui import Analyses, build_analyses, numbers_button
from demos.mae.api import offer_endpoints
from demos.mae.handlers import on_change, on_clear, on_ratio, on_redraw, on_stroke, on_summary, on_unfold
from demos.mae.inpainting_ui import Inpaintings, build_inpaintings
from demos.mae.mask_canvas import latest_report, mask_canvas
from demos.mae.masks import BY_HAND, MASK_KINDS, MAX_RATIO, MAX_SEED
from demos.mae.results import FOLDED, NAMES, TABLE_STYLE, empty_values, read_first_paint, write_first_paint
from demos.mae.session import WEIGHTS, MAESession, MaskRequest
from demos.ui import widgets
from demos.ui.model_menu.menu import Menu, model_menu
from models.networks.mae import MaskedAutoencoderViT

SCENES = EXAMPLES / "scenes"
# Saves a file that was just made without a second click; Gradio's own button needs the file before the first.
DOWNLOAD = """(file) => {
  const link = document.createElement("a");
  [link.href, link.download] = [file.url, file.orig_name];
  link.click();
}"""
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
    first = read_first_paint(ctx, ctx.first_paint / "mae", WEIGHTS)
    shown = first[0] if first else empty_values(ctx)
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
    results = {"canvas": canvas, "slider": slider, "verdict": verdict, "facts": facts, **_place_row(ctx, shown)}
    opening = MaskRequest(str(photos[0]), *OPENING, first[1]) if first else None
    shown_request = _build_details(session, shown, opening, results["summary"])
    analyses = build_analyses(session, shown["canvas"])
    inpaintings = build_inpaintings(session, photos)
    with widgets.options(ctx, "mae.options"):
        label = ctx.t("mae.seed")
        seed = gr.Number(OPENING[2], label=label, precision=0, minimum=0, maximum=MAX_SEED, elem_id="mae-seed")
        mask = gr.Textbox(visible="hidden", elem_id="mae-mask")
    menu = model_menu(ctx, "mae", WEIGHTS, refuse_without_pixels)
    widgets.aside(ctx, "mae.how_title", "mae.how")
    controls = Controls(photo, percent, kind, seed, mask, another)
    offer_endpoints(session)
    show = _connect(session, controls, strip, photos, menu, results, shown_request, analyses, inpaintings)
    settings = {"ratio": percent, "kind": kind, "seed": seed, "mask": mask, "weights": menu.linked}
    return TabInterface({"example": Photo(photo, [(strip, photos)])}, settings, (menu.open_linked, show))


def _place_row(ctx: Context, shown: Mapping[str, Any]) -> dict[str, Component]:
    """Place the images, the scores and the buttons under the main images."""
    row: dict[str, Component] = {}
    with gr.Row(elem_classes="row-of-pictures"):
        row |= {name: _panel(ctx, name, shown) for name in ("pasted", "fill", "error")}
        with gr.Column():
            row["table"] = gr.HTML(
                shown["table"], css_template=TABLE_STYLE, apply_default_css=False, elem_id="mae-result-table"
            )
            label: Any = ctx.t("mae.sheet")
            row["summary"] = gr.Button(label, elem_id="mae-result-sheet", elem_classes="quiet")
            row["numbers"] = numbers_button(ctx, "mae-result-numbers", shown["numbers"])
    row["limit"] = widgets.html_line(shown["limit"], "facts", "mae-limit")
    return row


def _build_details(session: MAESession, shown: Mapping[str, Any], opening: MaskRequest | None, button: Any) -> gr.State:
    """Place what is made of the shown result on demand: the images of `FOLDED`, and the summary of a button.

    Returns:
        State of the request that is shown.
    """
    ctx = session.ctx

    def on_open(mask_request: MaskRequest | None) -> list[str | None]:
        with session.user_error(None):
            return on_unfold(session, mask_request)

    with widgets.options(ctx, "mae.raw_title") as accordion:
        with gr.Row(elem_classes="row-of-pictures"):
            images = [_panel(ctx, name, shown) for name in FOLDED]
        widgets.note(ctx, "mae.raw_why")
    request, file = gr.State(opening), gr.File(visible="hidden")
    widgets.fill_when_open(accordion, on_open, [request], images, [request.change])
    made = button.click(session.handler(on_summary), request, file, **PRIVATE_MODEL_EVENT)
    made.success(fn=None, inputs=file, js=DOWNLOAD, api_visibility="private")
    return request


class Controls(NamedTuple):
    """Inputs of the main part; `mask` holds the last one that was drawn by hand."""

    photo: gr.Image
    percent: gr.Slider
    kind: gr.Radio
    seed: gr.Number
    mask: gr.Textbox
    another: gr.Button


def _panel(ctx: Context, name: str, shown: Mapping[str, Any]) -> gr.Image:
    return widgets.image(ctx.t(f"mae.{name}"), shown[name], f"mae-result-{name}")


def _connect(
    session: MAESession,
    controls: Controls,
    strip: gr.Dataset,
    photos: Sequence[Path],
    menu: Menu,
    results: Mapping[str, Any],
    shown_request: gr.State,
    analyses: Analyses,
    inpaintings: Inpaintings,
) -> dict[str, Any]:
    """Show the result of every change at once; return the event that does, for the page."""
    photo, percent, kind, seed, mask, another = controls
    canvas = results["canvas"]
    outdated = {**analyses.outdated, **inpaintings.outdated}
    outputs = [*(results[name] for name in NAMES), analyses.picker, shown_request]
    inputs: list[Component] = [photo, percent, kind, seed, mask, menu.used]
    # What is running for the photo or mask before ends; of what changes while a result is made only the latest counts.
    latest: dict[str, Any] = {"cancels": analyses.connect(inputs), "trigger_mode": "always_last"}
    latest |= {"show_progress": "hidden", **PRIVATE_MODEL_EVENT}

    def event(fn: Callable[..., Any], further: Sequence[Component] = ()) -> dict[str, Any]:
        """Return the arguments of a listener; `further` are the outputs that `fn` adds."""
        return {"fn": session.handler(fn, *outdated.values()), "outputs": [*outputs, *further, *outdated]}

    run, redraw = {**event(on_change), "inputs": inputs}, {**event(on_redraw, [kind]), "inputs": inputs}
    # Not photo.change: replacing a photo fires it twice. Not percent.change and kind.change: a stroke sets them too.
    changed = gr.on([photo.upload, kind.input, menu.switched.change], **run, **latest)
    redrawn = gr.on([percent.input, seed.input], **redraw, **latest)
    js = latest_report(canvas, "ratio")
    turned = canvas.ratio(**event(on_ratio, [kind, percent]), inputs=[canvas, *inputs], js=js, **latest)
    stroke = {"inputs": [canvas, photo, seed, menu.used], "js": latest_report(canvas, "stroke")}
    brushed = canvas.stroke(**event(on_stroke, [kind, percent, mask]), **stroke, **latest)
    quick: dict[str, Any] = {"trigger_mode": "always_last", **QUICK_EVENT}
    picked = strip.click(lambda index: str(photos[index]), strip, photo, **quick)
    shown = picked.then(**run, **latest)
    number = "() => Math.floor(Math.random() * 10000)"
    redrawn_again = another.click(fn=None, js=number, outputs=seed, api_visibility="private").then(**redraw, **latest)
    # Cancelled, a result on its way does not appear beside a photo that is gone.
    under_way = [changed, redrawn, turned, brushed, shown, redrawn_again]
    # Through the queue: what a call beside it writes to a state, its listeners are not told.
    clear: dict[str, Any] = {"trigger_mode": "always_last", **PROMPT_EVENT}
    photo.clear(**event(on_clear), inputs=None, cancels=under_way, **clear)
    inpaintings.connect(photo, menu.used, inputs, [photo.change, menu.switched.change])
    return {**run, **latest}


def precompute(ctx: Context, folder: Path) -> None:
    """Write the result for the opening example and the facts about it."""
    session, (ratio, kind, seed) = MAESession(ctx), OPENING
    write_first_paint(session, session.request(str(scenes()[0]), ratio, kind, seed), folder)


DEMO = Demo("mae", build, precompute)
