"""A photo at a higher resolution, and only where the visitor brushed."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr
import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import nn

from demos.core.context import Context
from demos.core.events import LATEST_MODEL_EVENT
from demos.cyclegan.results import open_photo
from demos.cyclegan.translation import generators
from demos.ui import widgets
from models.data.images import to_images, to_tensor

SIDES = (256, 512, 768, 1024)  # pixels of the longest side
BRUSH = "#0d9488"
BLUR = 1 / 128  # of the longest side: standard deviation of the edge of the mask


def brush_mask(value: dict[str, Any] | None, size: tuple[int, int]) -> Image.Image | None:
    """Return the brushed area of a `gr.ImageEditor` as a grey image, white inside; None where nothing is brushed."""
    layers = [layer for layer in (value or {}).get("layers") or [] if layer is not None]
    alphas = [np.asarray(layer.convert("RGBA").getchannel("A").resize(size)) for layer in layers]
    if not any(alpha.any() for alpha in alphas):
        return None
    mask = Image.fromarray((np.max(alphas, axis=0) > 127).astype(np.uint8) * 255)
    return mask.filter(ImageFilter.GaussianBlur(max(size) * BLUR))


@torch.inference_mode()
def translate_masked(photo: Image.Image, generator: nn.Module, mask: Image.Image | None) -> tuple[Image.Image, float]:
    """Return the translation of a photo at its size, within a mask where there is one, and the seconds it took."""
    real = to_tensor(photo)
    start = time.perf_counter()
    fake = generator(real)
    seconds = time.perf_counter() - start
    translated = to_images(fake)[0]
    return (translated if mask is None else Image.composite(translated, photo, mask)), seconds


def full_resolution_section(
    ctx: Context, panel: gr.Accordion, photo: gr.Image, direction: gr.Radio, used: gr.State
) -> None:
    """Place the choice of a size, the photo to brush on, and the result, within the panel that opens them."""

    def on_take(path: str | None, side: int, request: gr.Request) -> tuple[Any, Any, str | None]:
        image = open_photo(ctx, request, path, side)
        value = {"background": image, "layers": [], "composite": image}
        return gr.update(value=value, visible=True), gr.update(visible=True), path

    def on_first(taken: str | None, path: str | None, side: int, request: gr.Request) -> tuple[Any, Any, Any]:
        return on_take(path, side, request) if path and not taken else (gr.skip(),) * 3

    def on_run(
        path: str | None, direction: str, used: str, side: int, drawing: dict[str, Any] | None, request: gr.Request
    ) -> tuple[Any, str]:
        image = open_photo(ctx, request, path, side)
        name = generators(ctx.library.record(used), direction)[0]
        translated, seconds = translate_masked(image, ctx.load_model(name), brush_mask(drawing, image.size))
        facts = widgets.facts_line(ctx, [name], image.size, seconds)
        return gr.update(value=ctx.save_image(translated), visible=True), facts

    widgets.note(ctx, "cyclegan.own_lead")
    label: Any = ctx.t("cyclegan.own_side")
    side = gr.Radio([(f"{side} px", side) for side in SIDES], value=512, label=label, elem_id="cyclegan-own-side")
    take = gr.Button(ctx.t("cyclegan.own_take"), elem_id="cyclegan-own-take")
    with gr.Row(elem_classes="columns"):
        editor = gr.ImageEditor(
            label=ctx.t("cyclegan.own_editor"), type="pil", sources=(), layers=False, transforms=(), visible=False,
            brush=gr.Brush(default_size=40, colors=[BRUSH], color_mode="fixed"), elem_id="cyclegan-own-editor",
        )  # fmt: skip
        with gr.Column():
            result = widgets.image(ctx.t("cyclegan.own_result"), None, "cyclegan-own-result")
            result.visible = False
            facts = widgets.html_line("", "facts", "cyclegan-own-facts")
    label = ctx.t("cyclegan.own_run")
    run = gr.Button(label, variant="primary", visible=False, elem_id="cyclegan-own-run")
    taken = gr.State(None)  # the photo in the editor; the one above may be another by the time it is translated
    panel.expand(on_first, [taken, photo, side], [editor, run, taken], **LATEST_MODEL_EVENT)
    take.click(on_take, [photo, side], [editor, run, taken], **LATEST_MODEL_EVENT)
    run.click(on_run, [taken, direction, used, side, editor], [result, facts], **LATEST_MODEL_EVENT)
