"""The hidden message: what becomes of the way back when the translation is disturbed (arXiv 1712.02950)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import torch
from PIL import Image
from torch import nn

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.cyclegan.results import chosen, figure, grid, made_with, opened, panel, said
from demos.cyclegan.translation import BACK, example_direction, example_photos, levels_apart, prepared
from demos.ui import widgets
from models.data.images import read_image, to_images, to_tensor

STRENGTHS: Mapping[str, tuple[int, ...]] = {
    "noise": (0, 1, 2, 4, 8, 16, 32),  # standard deviation in levels of 255
    "jpeg": (100, 95, 90, 75, 50, 25, 10),  # quality; 100 stands for no JPEG at all
}
CURVE = "message.json"
MEASURED = 6  # built-in photos that the curve is the mean of


def disturbed(picture: Image.Image, kind: str, strength: int) -> Image.Image:
    """Return an image with noise of a standard deviation in levels of 255, or after JPEG of a quality."""
    if kind == "jpeg":
        if strength == 100:
            return picture
        file = BytesIO()
        picture.save(file, "JPEG", quality=strength)
        with Image.open(file) as image:
            return image.convert("RGB")
    noise = np.random.default_rng(0).normal(0, strength, np.asarray(picture).shape)
    return Image.fromarray((np.asarray(picture) + noise).round().clip(0, 255).astype(np.uint8))


@torch.inference_mode()
def send(
    photo: Image.Image, kind: str, strengths: Sequence[int], there: nn.Module, back: nn.Module
) -> list[dict[str, Any]]:
    """Translate a photo, disturbs the translation and translates that back, for each of some strengths.

    Returns:
        "sent" and "back", images; "sent_error", how far the disturbed translation is from what was made, and
        "back_error", how far the way back ends from the photo, both in levels of 255.
    """
    real = to_tensor(photo)
    made = to_images(there(real))[0]
    done = []
    for strength in strengths:
        sent = disturbed(made, kind, strength)
        found = back(to_tensor(sent))
        done.append(
            {
                "sent": sent,
                "back": to_images(found)[0],
                "sent_error": float(levels_apart(to_tensor(sent), to_tensor(made)).mean()),
                "back_error": float(levels_apart(found, real).mean()),
            }
        )
    return done


def measure_curve(ctx: Context, photos: Sequence[Path]) -> dict[str, dict[str, list[float]]]:
    """Return for each kind of disturbance both errors at each strength, the mean over photos."""
    curve: dict[str, dict[str, list[float]]] = {}
    for kind, strengths in STRENGTHS.items():
        errors = np.zeros((len(strengths), 2))
        for path in photos:
            image, direction = prepared(read_image(path)), example_direction(path)
            done = send(image, kind, strengths, ctx.load_model(direction), ctx.load_model(BACK[direction]))
            errors += [[one["sent_error"], one["back_error"]] for one in done]
        means = (errors / len(photos)).round(3)
        curve[kind] = {"sent": means[:, 0].tolist(), "back": means[:, 1].tolist()}
    return curve


def precompute_message(ctx: Context, folder: Path) -> None:
    """Write the curve of our weights over the built-in fruit."""
    curve = measure_curve(ctx, example_photos()[:MEASURED])
    (folder / CURVE).write_text(json.dumps(curve, indent=2) + "\n", "utf-8")


def verdict(curve: Mapping[str, Sequence[float]]) -> str:
    """Return whether the way back leans on what a disturbance destroys: "hides" or "open".

    It does where noise that moves the translation by a few levels costs the way back more than it moved.
    """
    place = STRENGTHS["noise"].index(8)
    lost = curve["back"][place] - curve["back"][0]
    return "hides" if lost > curve["sent"][place] else "open"


def curve_svg(ctx: Context, curve: Mapping[str, Sequence[float]], kind: str, here: tuple[int, float] | None) -> str:
    """Draw both errors over the strengths of a disturbance, and the visitor's own result as a ring."""
    strengths = STRENGTHS[kind]
    top = max(*curve["sent"], *curve["back"], here[1] if here else 0.0) * 1.08
    left, right, floor, height = 44, 480, 190, 170

    def x(place: int) -> float:
        return left + (right - left) * place / (len(strengths) - 1)

    def y(value: float) -> float:
        return floor - height * value / top

    def line(name: str, style: str) -> str:
        points = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in enumerate(curve[name]))
        return f'<polyline points="{points}" fill="none" stroke-width="2.5" {style}/>'

    ticks = "".join(
        f'<text x="{x(place):.1f}" y="{floor + 18}" text-anchor="middle">{_strength_text(kind, strength)}</text>'
        for place, strength in enumerate(strengths)
    )
    marks = "".join(
        f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.0f}</text>'
        f'<line x1="{left}" x2="{right}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="var(--line)"/>'
        for value in (0.0, top / 2, top)
    )
    ring = ""
    if here:
        place, error = x(here[0]), y(here[1])
        ring = f'<circle cx="{place:.1f}" cy="{error:.1f}" r="6" fill="none" stroke="var(--ink)" stroke-width="2"/>'
    accent = 'stroke="var(--accent)"'
    quiet = 'stroke="var(--ink-soft)" stroke-dasharray="5 4"'
    legend = ctx.localize_html("cyclegan.message_legend") + (
        f" {ctx.localize_html('cyclegan.message_ring')}" if here else ""
    )
    return (
        '<figure style="margin:8px 0;max-width:560px"><svg viewBox="0 0 500 216" role="img" aria-hidden="true" '
        f'style="width:100%;font-size:12px;fill:var(--ink-soft)">{marks}{ticks}{line("sent", quiet)}'
        f"{line('back', accent)}{ring}</svg>"
        f'<figcaption style="font-size:13.5px;color:var(--ink-soft)">{legend} '
        f"{ctx.localize_html(f'cyclegan.message_axis_{kind}')}</figcaption></figure>"
    )


def _strength_text(kind: str, strength: int) -> str:
    return "–" if (kind, strength) in (("jpeg", 100), ("noise", 0)) else str(strength)


def message_fold(ctx: Context, photo: gr.Image, direction: gr.Radio, used: gr.State) -> None:
    """Place the fold: a kind of disturbance, its strength, what comes back, and the curve of our weights."""
    stored = ctx.first_paint / "cyclegan" / CURVE
    curve = json.loads(stored.read_text("utf-8")) if stored.is_file() else None
    with widgets.options(ctx, "cyclegan.message"):
        widgets.note(ctx, "cyclegan.message_lead")
        if curve:
            noise = curve["noise"]
            place = STRENGTHS["noise"].index(8)
            values = {"before": noise["back"][0], "after": noise["back"][place]}
            widgets.html_line(
                ctx.localize_html(f"cyclegan.message_{verdict(noise)}", **values), "facts", "cyclegan-message-verdict"
            )
        kinds = {kind: f"cyclegan.message_{kind}" for kind in STRENGTHS}
        kind = widgets.pills(ctx, "cyclegan.message_kind", kinds, "noise", "cyclegan-message-kind")
        label: Any = ctx.t("cyclegan.message_strength")
        most = len(STRENGTHS["noise"]) - 1
        strength = gr.Slider(0, most, 0, step=1, label=label, elem_id="cyclegan-message-strength")
        result = panel("", "cyclegan-message-result")
        chart = gr.HTML(
            curve_svg(ctx, curve["noise"], "noise", None) if curve else "", elem_id="cyclegan-message-curve"
        )
        gr.on(
            [kind.input, strength.input],
            _on_change(ctx, curve),
            [photo, direction, used, kind, strength],
            [result, chart],
            show_progress="hidden",
            trigger_mode="always_last",
            **PRIVATE_MODEL_EVENT,
        )


def _on_change(ctx: Context, curve: Mapping[str, Any] | None) -> Callable[..., tuple[str, str]]:
    def on_change(
        path: str | None, direction: str, used: str, kind: str, place: int, request: gr.Request
    ) -> tuple[str, str]:
        image = opened(ctx, request, path)
        strength = STRENGTHS[kind][int(place)]
        weights = chosen(ctx, request, used, direction)
        done = send(image, kind, [strength], *map(ctx.load_model, weights))[0]
        words = ctx.localize_html(
            f"cyclegan.message_said_{kind}",
            strength=_strength_text(kind, strength), sent=done["sent_error"], back=done["back_error"],
        )  # fmt: skip
        captions = ("photo_caption", "message_sent", "message_back")
        images = (image, done["sent"], done["back"])
        cells = [
            figure(ctx.save_image(picture), ctx.localize_html(f"cyclegan.{caption}"))
            for picture, caption in zip(images, captions, strict=True)
        ]
        chart = curve_svg(ctx, curve[kind], kind, (int(place), done["back_error"])) if curve else ""
        return grid([*cells, said(words + made_with(ctx, weights))], 3), chart

    return on_change
