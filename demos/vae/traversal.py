"""Knobs on the latent numbers that carry most, with what each does, and a bar for every number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr
import torch
from torch import Tensor

from demos.core.context import Context
from demos.ui import widgets
from demos.ui.images import data_url, image_grid
from demos.ui.model_menu.menu import Menu
from demos.vae.interpolation import GlobalAutoencoder, encode, images_of
from demos.vae.latent_slice import Flats, LatentSlice
from demos.vae.latent_widgets import knobs, sorry_value
from demos.vae.networks import Networks
from models.analysis.latents import LatentStatistics
from models.data.images import ImageError, read_image

KNOBS = 8
STATIONS = 7  # images in the strip over a knob
REACH = 3.0  # of the outermost images, in units of the number's spread
ENDS = {"a": "vae.knobs_a", "b": "vae.knobs_b"}


def strip_urls(network: GlobalAutoencoder, latents: Tensor) -> list[str]:
    """Paint strips of images from latents (K, `STATIONS`, D), as addresses that hold them."""
    images = images_of(network, latents.flatten(0, 1))
    rows = [images[start : start + latents.shape[1]] for start in range(0, len(images), latents.shape[1])]
    return [data_url(image_grid([row]), quality=85) for row in rows]


def knob(file: str, name: str, strip: str, first: float, last: float, at: float) -> dict[str, Any]:
    """Describe a knob whose strip runs from `first` to `last`; the ends of the range lie under the strip's edges.

    Its strip is saved under the name `file`.
    """
    margin = (last - first) / (STATIONS - 1) / 2
    ends = {"low": first - margin, "high": last + margin, "at": round(at, 3)}
    return {"file": file, "name": name, "strip": strip, **ends}


def bars_html(ctx: Context, statistics: LatentStatistics, shown: Sequence[int]) -> str:
    """Draw a bar for the KL divergence of every latent number, sorted; those with a knob stand out."""
    order, most, is_active = statistics.by_kl, max(max(statistics.kl), 1e-6), statistics.is_active
    width = 100 / len(order)
    bars = "".join(
        f'<rect x="{place * width:.3f}" width="{width * 0.76:.3f}" y="{72 * (1 - height):.2f}" '
        f'height="{max(72 * height, 0.8):.2f}" fill="var(--{colour})" fill-opacity="{1 if number in shown else 0.45}"/>'
        for place, number in enumerate(order)
        for height in [max(statistics.kl[number], 0) / most]
        for colour in ["accent" if is_active[number] else "ink-soft"]
    )
    words = ctx.localize_html(
        "vae.bars",
        active=sum(is_active),
        total=len(order),
        kl=f"{sum(statistics.kl):.0f}",
        bits=f"{sum(statistics.kl) / 0.6931:.0f}",
        measured=f"{statistics.count:,}",
    )
    origin = ctx.localize_html(
        "vae.measured_photos" if statistics.sha256 else "vae.measured_draws", count=statistics.count
    )
    svg = f'<svg viewBox="0 0 100 72" preserveAspectRatio="none" aria-hidden="true">{bars}</svg>'
    return f"{svg}<p>{words} {origin}</p>"


class Knobs:
    """What the fold asks for."""

    def __init__(self, ctx: Context, networks: Networks, flats: Flats) -> None:
        self._ctx, self._networks, self._flats = ctx, networks, flats

    def show(self, path_a: str | None, path_b: str | None, end: str, model: str) -> str:
        """Return the value of the knobs on one of the two photos, or a sentence on what is missing."""
        network = self._networks.vector(model)
        path = path_b if end == "b" else path_a
        if network is None:
            return sorry_value(self._ctx, "vae.needs_vector")
        if not path:
            return sorry_value(self._ctx, "vae.knobs_missing")
        try:
            mu = encode(network, [read_image(path)])[0]
        except ImageError as error:
            return sorry_value(self._ctx, f"error.image.{error.code}", **error.values)
        statistics = self._networks.statistics(model)
        return json.dumps(self._value(network, model, mu, statistics))

    def _value(
        self, network: GlobalAutoencoder, model: str, mu: Tensor, statistics: LatentStatistics
    ) -> dict[str, Any]:
        numbers = statistics.by_kl[:KNOBS]
        mean, spread = torch.tensor(statistics.mean)[numbers], torch.tensor(statistics.spread)[numbers]
        start = (mu[numbers] - mean) / spread  # where the photo stands, in units of each number's spread
        directions = torch.zeros(len(numbers), len(mu))
        directions[torch.arange(len(numbers)), numbers] = spread
        origin = mu.clone()
        origin[numbers] = mean
        flat = LatentSlice(model, origin, directions)
        stations = torch.linspace(-REACH, REACH, STATIONS)
        latents = mu.repeat(len(numbers), STATIONS, 1)
        for row, number in enumerate(numbers):
            latents[row, :, number] = mean[row] + stations * spread[row]
        entries = [
            knob(
                f"vae-number-{number + 1}",
                self._ctx.localize_html("vae.knob", number=number + 1, kl=f"{statistics.kl[number]:.2f}"),
                strip,
                -REACH,
                REACH,
                at,
            )
            for number, strip, at in zip(numbers, strip_urls(network, latents), start.tolist(), strict=True)
        ]
        bars = bars_html(self._ctx, statistics, numbers)
        return {"key": self._flats.add(flat), "model": model, "knobs": entries, "bars": bars}


def knobs_section(ctx: Context, networks: Networks, flats: Flats, photos: Sequence[gr.Image], menu: Menu) -> None:
    """Place the fold with the knobs."""
    handlers = Knobs(ctx, networks, flats)
    with widgets.options(ctx, "vae.knobs") as fold:
        widgets.note(ctx, "vae.knobs_note")
        end = widgets.pills(ctx, "vae.knobs_end", ENDS, "a", "vae-knobs-end")
        panel = knobs(ctx, flats.look(), "vae-knobs")
        widgets.aside(ctx, "vae.knobs_about", "vae.knobs_about_text")
    inputs = [*photos, end, menu.used]
    again = [*(photo.change for photo in photos), end.input, menu.used.change]
    widgets.fill_when_open(fold, handlers.show, inputs, [panel], again, panel.stale)
