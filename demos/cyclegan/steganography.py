"""Hidden information: the cycle reconstruction of a translation that was perturbed (arXiv 1712.02950)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import torch
from PIL import Image
from torch import nn

from demos.core.context import Context
from demos.core.events import LATEST_MODEL_EVENT
from demos.cyclegan.results import figure, generator_pair, grid, open_photo, panel, text_cell, weights_line, write_json
from demos.cyclegan.translation import BACK, absolute_difference, example_direction, example_photos, fit_photo
from demos.ui import widgets
from demos.ui.chart.chart import Series, chart_html, chart_spec
from models.data.images import read_image, to_images, to_tensor

STRENGTHS: Mapping[str, tuple[int, ...]] = {
    "noise": (0, 1, 2, 4, 8, 16, 32),  # standard deviation in levels of 255
    "jpeg": (100, 95, 90, 75, 50, 25, 10),  # quality; 100 stands for no JPEG at all
}
REFERENCE = STRENGTHS["noise"].index(8)  # the strength that the text names
CURVE = "message.json"
NUM_PHOTOS = 6  # built-in photos that the curve is the mean of


@dataclass(frozen=True)
class Reconstruction:
    """A perturbed translation and its reconstruction; differences are mean absolute ones in levels of 255."""

    perturbed: Image.Image
    reconstruction: Image.Image
    perturbation: float  # difference of the perturbed translation and the translation
    error: float  # difference of the reconstruction and the photo


def perturb(image: Image.Image, kind: str, strength: int) -> Image.Image:
    """Return an image with noise of a standard deviation in levels of 255, or after JPEG of a quality."""
    if kind == "jpeg":
        if strength == 100:
            return image
        file = BytesIO()
        image.save(file, "JPEG", quality=strength)
        with Image.open(file) as compressed:
            return compressed.convert("RGB")
    noise = np.random.default_rng(0).normal(0, strength, np.asarray(image).shape)
    return Image.fromarray((np.asarray(image) + noise).round().clip(0, 255).astype(np.uint8))


@torch.inference_mode()
def reconstruct_perturbed(
    photo: Image.Image, kind: str, strengths: Sequence[int], forward: nn.Module, backward: nn.Module
) -> list[Reconstruction]:
    """Translate a photo, perturb the translation and translate that back, for each strength."""
    real = to_tensor(photo)
    fake = to_images(forward(real))[0]
    results = []
    for strength in strengths:
        perturbed = perturb(fake, kind, strength)
        reconstruction = backward(to_tensor(perturbed))
        perturbation = float(absolute_difference(to_tensor(perturbed), to_tensor(fake)).mean())
        error = float(absolute_difference(reconstruction, real).mean())
        results.append(Reconstruction(perturbed, to_images(reconstruction)[0], perturbation, error))
    return results


def precompute_curve(ctx: Context, folder: Path) -> None:
    """Write the mean perturbation ("sent") and error ("back") over built-in photos for each kind and strength."""
    photos = example_photos()[:NUM_PHOTOS]
    curve: dict[str, dict[str, list[float]]] = {}
    for kind, strengths in STRENGTHS.items():
        errors = np.zeros((len(strengths), 2))
        for path in photos:
            image, direction = fit_photo(read_image(path)), example_direction(path)
            networks = ctx.load_model(direction), ctx.load_model(BACK[direction])
            results = reconstruct_perturbed(image, kind, strengths, *networks)
            errors += [[each.perturbation, each.error] for each in results]
        means = (errors / len(photos)).round(3)
        curve[kind] = {"sent": means[:, 0].tolist(), "back": means[:, 1].tolist()}
    write_json(folder / CURVE, curve)


def verdict(curve: Mapping[str, Sequence[float]]) -> str:
    """Return "hides" if noise increases the error by more than its own size, which shows hidden information; "open"."""
    increase = curve["back"][REFERENCE] - curve["back"][0]
    return "hides" if increase > curve["sent"][REFERENCE] else "open"


def curve_html(ctx: Context, curve: Mapping[str, Any], kind: str, point: tuple[int, float] | None = None) -> str:
    """Draw perturbation and error over the strengths of a kind, and the visitor's own result as a ring."""
    strengths = STRENGTHS[kind]
    texts = {key: ctx.localize_html(f"cyclegan.message_{key}") for key in ("error", "size", "ring", "unit", "legend")}
    series = [
        Series(texts["error"], curve[kind]["back"]),
        Series(texts["size"], curve[kind]["sent"], "dashed", "quiet"),
    ]
    if point:
        own = [point[1] if index == point[0] else None for index in range(len(strengths))]
        series.append(Series(texts["ring"], own, "points", "ink"))
    spec = chart_spec(
        ctx, ctx.localize_html("cyclegan.message_curve"), ctx.localize_html(f"cyclegan.message_axis_{kind}"),
        range(len(strengths)), series, x_labels=[_strength_text(kind, strength) for strength in strengths],
        unit=texts["unit"], hint=texts["legend"], y_range=(0.0, 0.0),
    )  # fmt: skip
    return f'<div style="max-width:620px">{chart_html(spec)}</div>'


def _strength_text(kind: str, strength: int) -> str:
    return "–" if (kind, strength) in (("jpeg", 100), ("noise", 0)) else str(strength)


def steganography_section(ctx: Context, photo: gr.Image, direction: gr.Radio, used: gr.State) -> None:
    """Place the choice of a perturbation and its strength, the reconstruction, and the curve of our weights."""
    stored = ctx.first_paint / "cyclegan" / CURVE
    curve = json.loads(stored.read_text("utf-8")) if stored.is_file() else None

    def on_change(
        path: str | None, direction: str, used: str, kind: str, index: int, request: gr.Request
    ) -> tuple[str, str]:
        image = open_photo(ctx, request, path)
        strength = STRENGTHS[kind][int(index)]
        weights = generator_pair(ctx, request, used, direction)
        (done,) = reconstruct_perturbed(image, kind, [strength], *map(ctx.load_model, weights))
        values = {"strength": _strength_text(kind, strength), "sent": done.perturbation, "back": done.error}
        text = ctx.localize_html(f"cyclegan.message_said_{kind}", **values) + weights_line(ctx, weights)
        images = {"photo_caption": image, "message_sent": done.perturbed, "message_back": done.reconstruction}
        cells = [figure(ctx.save_image(each), ctx.localize_html(f"cyclegan.{key}")) for key, each in images.items()]
        chart = curve_html(ctx, curve, kind, (int(index), done.error)) if curve else ""
        return grid([*cells, text_cell(text)], 3), chart

    widgets.note(ctx, "cyclegan.message_lead")
    if curve:
        noise = curve["noise"]
        values = {"before": noise["back"][0], "after": noise["back"][REFERENCE]}
        text = ctx.localize_html(f"cyclegan.message_{verdict(noise)}", **values)
        widgets.html_line(text, "facts", "cyclegan-message-verdict")
    kinds = {kind: f"cyclegan.message_{kind}" for kind in STRENGTHS}
    kind = widgets.pills(ctx, "cyclegan.message_kind", kinds, "noise", "cyclegan-message-kind")
    label: Any = ctx.t("cyclegan.message_strength")
    most = len(STRENGTHS["noise"]) - 1
    strength = gr.Slider(0, most, 0, step=1, label=label, elem_id="cyclegan-message-strength")
    result = panel("", "cyclegan-message-result")
    chart = gr.HTML(curve_html(ctx, curve, "noise") if curve else "", elem_id="cyclegan-message-curve")
    inputs = [photo, direction, used, kind, strength]
    changes = [kind.input, strength.input]
    gr.on(changes, on_change, inputs, [result, chart], show_progress="hidden", **LATEST_MODEL_EVENT)
