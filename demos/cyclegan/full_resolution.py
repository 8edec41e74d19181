"""A photo at its own size, and only where the visitor brushed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gradio as gr
import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import nn

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.cyclegan.results import opened
from demos.cyclegan.translation import generators
from demos.ui import widgets
from models.data.images import to_images, to_tensor

SIDES = (256, 512, 768, 1024)  # pixels of the longest side
BRUSH = "#0d9488"
FEATHER = 1 / 128  # of the longest side: how soft the edge of the brushed part is


def brushed(value: dict[str, Any] | None, size: tuple[int, int]) -> Image.Image | None:
    """Return where a visitor brushed as a grey image of `size`, white inside; None where they did not.

    Args:
        value: Of a `gr.ImageEditor`, its layers as images with transparency.
        size: Width and height of the photo.
    """
    layers = [layer for layer in (value or {}).get("layers") or [] if layer is not None]
    alphas = [np.asarray(layer.convert("RGBA").getchannel("A").resize(size)) for layer in layers]
    if not any(alpha.any() for alpha in alphas):
        return None
    mask = Image.fromarray((np.max(alphas, axis=0) > 127).astype(np.uint8) * 255)
    return mask.filter(ImageFilter.GaussianBlur(max(size) * FEATHER))


def translate_within(photo: Image.Image, generator: nn.Module, mask: Image.Image | None) -> tuple[Image.Image, float]:
    """Translate a photo at its size, and keeps it as it was outside a mask."""
    real = to_tensor(photo)
    start = time.perf_counter()
    with torch.inference_mode():
        made = generator(real)
    seconds = time.perf_counter() - start
    translated = to_images(made)[0]
    return (translated if mask is None else Image.composite(translated, photo, mask)), seconds


def own_fold(ctx: Context, photo: gr.Image, direction: gr.Radio, used: gr.State) -> None:
    """Place the fold: a size, the photo to brush on, and the result."""
    with widgets.options(ctx, "cyclegan.own"):
        widgets.note(ctx, "cyclegan.own_lead")
        label: Any = ctx.t("cyclegan.own_side")
        side = gr.Radio([(f"{side} px", side) for side in SIDES], value=512, label=label, elem_id="cyclegan-own-side")
        take = gr.Button(ctx.t("cyclegan.own_take"), elem_id="cyclegan-own-take")
        with gr.Row(elem_classes="columns"):
            editor = gr.ImageEditor(
                label=ctx.t("cyclegan.own_editor"),
                type="pil",
                sources=(),
                layers=False,
                transforms=(),
                brush=gr.Brush(default_size=40, colors=[BRUSH], color_mode="fixed"),
                visible=False,
                elem_id="cyclegan-own-editor",
            )
            with gr.Column():
                result = widgets.image(ctx.t("cyclegan.own_result"), None, "cyclegan-own-result")
                result.visible = False
                facts = widgets.html_line("", "facts", "cyclegan-own-facts")
        run = gr.Button(
            ctx.t("cyclegan.own_run"),
            variant="primary",
            visible=False,
            elem_id="cyclegan-own-run",
        )
    taken = gr.State(None)  # the photo in the editor; the one above may be another by the time it is translated
    # Photo, size and brush may be others by a second click.
    latest: dict[str, Any] = {"trigger_mode": "always_last", **PRIVATE_MODEL_EVENT}
    take.click(_on_take(ctx), [photo, side], [editor, run, taken], **latest)
    run.click(_on_run(ctx), [taken, direction, used, side, editor], [result, facts], **latest)


def _on_take(ctx: Context) -> Callable[..., tuple[Any, Any, str | None]]:
    def on_take(path: str | None, side: int, request: gr.Request) -> tuple[Any, Any, str | None]:
        image = opened(ctx, request, path, side)
        value = {"background": image, "layers": [], "composite": image}
        return gr.update(value=value, visible=True), gr.update(visible=True), path

    return on_take


def _on_run(ctx: Context) -> Callable[..., tuple[Any, str]]:
    def on_run(
        path: str | None,
        direction: str,
        used: str,
        side: int,
        drawing: dict[str, Any] | None,
        request: gr.Request,
    ) -> tuple[Any, str]:
        image = opened(ctx, request, path, side)
        there = generators(ctx.library.record(used), direction)[0]
        made, seconds = translate_within(image, ctx.load_model(there), brushed(drawing, image.size))
        facts = widgets.facts_line(ctx, [there], image.size, seconds)
        return gr.update(value=ctx.save_image(made), visible=True), facts

    return on_run
