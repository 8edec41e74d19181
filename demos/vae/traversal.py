"""Latent traversal: sliders on the dimensions with the largest KL divergence, and a bar for every dimension."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import gradio as gr
import torch
from torch import Tensor

from demos.core.context import Context
from demos.core.i18n import InputError
from demos.ui import widgets
from demos.ui.chart.chart import Series, Tone, chart_html, chart_spec
from demos.ui.images import data_url, image_grid
from demos.ui.model_menu.menu import Menu
from demos.vae.interpolation import GlobalAutoencoder, encode, images_of
from demos.vae.latent_slice import LatentSlice, LatentSlices
from demos.vae.latent_widgets import sliders, value_or_message
from demos.vae.networks import read_photos
from models.analysis.latents import LatentStatistics

SLIDERS = 8
STRIP_LENGTH = 7  # images in the strip over a slider
RANGE = 3.0  # of the outermost images, in standard deviations of the dimension
ENDS = {"a": "vae.knobs_a", "b": "vae.knobs_b"}


def strip_urls(network: GlobalAutoencoder, latents: Tensor) -> list[str]:
    """Decode latents (K, `STRIP_LENGTH`, D) to K strips of images, as data URLs."""
    images = images_of(network, latents.flatten(0, 1))
    rows = [images[start : start + latents.shape[1]] for start in range(0, len(images), latents.shape[1])]
    return [data_url(image_grid([row]), quality=85) for row in rows]


def slider(file: str, name: str, strip: str, first: float, last: float, at: float) -> dict[str, Any]:
    """Describe a slider whose strip, saved as `file`, runs from `first` to `last`.

    The ends of its range lie under the edges of the strip, half an image beyond the middles of the outermost images.
    """
    margin = (last - first) / (STRIP_LENGTH - 1) / 2
    return {
        "file": file, "name": name, "strip": strip, "low": first - margin, "high": last + margin, "at": round(at, 3),
    }  # fmt: skip


def bars_html(ctx: Context, statistics: LatentStatistics, shown: Sequence[int]) -> str:
    """Draw a bar for the KL divergence of every latent dimension, sorted; those with a slider stand out."""
    order, is_active, total = statistics.by_kl, statistics.is_active, sum(statistics.kl)
    kinds = ["slider" if index in shown else "active" if is_active[index] else "idle" for index in order]
    tones: dict[str, Tone] = {"slider": "first", "active": "soft", "idle": "quiet"}
    series = [
        Series(
            ctx.localize_html(f"vae.bars_{kind}"),
            [statistics.kl[index] if each == kind else None for index, each in zip(order, kinds, strict=True)],
            "bars",
            tone,
        )
        for kind, tone in tones.items()
        if kind in kinds
    ]
    words = ctx.localize_html(
        "vae.bars", active=sum(is_active), total=len(order), kl=f"{total:.0f}", bits=f"{total / math.log(2):.0f}",
        measured=f"{statistics.count:,}",
    )  # fmt: skip
    source = ctx.localize_html(
        "vae.measured_photos" if statistics.sha256 else "vae.measured_draws", count=statistics.count
    )
    title, x_name, unit = (ctx.localize_html(f"vae.bars_{name}") for name in ("title", "number", "unit"))
    labels = [f"z{index + 1}" for index in order]
    x = range(1, len(order) + 1)
    return chart_html(chart_spec(ctx, title, x_name, x, series, x_labels=labels, unit=unit, hint=f"{words} {source}"))


def traversal_value(ctx: Context, slices: LatentSlices, path: str | None, model: str) -> str:
    """Return the value of the sliders for a photo."""
    network = slices.networks.vector(model)
    if not path:
        raise InputError("vae.knobs_missing")
    mu = encode(network, read_photos([path]))[0]
    statistics = slices.networks.statistics(model)
    indices = statistics.by_kl[:SLIDERS]
    mean, std = torch.tensor(statistics.mean)[indices], torch.tensor(statistics.std)[indices]
    start = (mu[indices] - mean) / std
    directions = torch.zeros(len(indices), len(mu))
    directions[torch.arange(len(indices)), indices] = std
    origin = mu.clone()
    origin[indices] = mean
    latents = mu.repeat(len(indices), STRIP_LENGTH, 1)
    for row, index in enumerate(indices):
        latents[row, :, index] = mean[row] + torch.linspace(-RANGE, RANGE, STRIP_LENGTH) * std[row]
    entries = [
        slider(f"vae-number-{index + 1}", name, strip, -RANGE, RANGE, at)
        for index, strip, at in zip(indices, strip_urls(network, latents), start.tolist(), strict=True)
        for name in [ctx.localize_html("vae.knob", number=index + 1, kl=f"{statistics.kl[index]:.2f}")]
    ]
    key = slices.add(LatentSlice(model, origin, directions))
    return json.dumps({"key": key, "model": model, "knobs": entries, "bars": bars_html(ctx, statistics, indices)})


def traversal_section(
    ctx: Context, card: gr.Accordion, slices: LatentSlices, photos: Sequence[gr.Image], menu: Menu
) -> None:
    """Place the sliders in a card."""

    def show(path_a: str | None, path_b: str | None, end: str, model: str) -> str:
        return value_or_message(traversal_value, ctx, slices, path_b if end == "b" else path_a, model)

    widgets.note(ctx, "vae.knobs_note")
    end = widgets.pills(ctx, "vae.knobs_end", ENDS, "a", "vae-knobs-end")
    view = sliders(ctx, slices, "vae-knobs")
    widgets.aside(ctx, "vae.knobs_about", "vae.knobs_about_text")
    changes = [*(photo.change for photo in photos), end.input, menu.used.change]
    widgets.fill_when_open(card, show, [*photos, end, menu.used], [view], changes, view.stale)
