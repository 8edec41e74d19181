"""Attribute arithmetic: the mean latent of one group of images minus that of another, added to an image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr
import torch
from torch import Tensor

from demos.core.context import Context
from demos.core.events import QUICK_EVENT
from demos.ui import widgets
from demos.ui.animation import upscale
from demos.ui.api_endpoint import endpoint, photo_parameter
from demos.ui.model_menu.menu import Menu
from demos.vae.interpolation import LARGE_SIDE, GlobalAutoencoder, encode, images_of
from demos.vae.latent_slice import Flats, LatentSlice
from demos.vae.latent_widgets import knobs, sorry_value
from demos.vae.networks import MODELS, OPENING_MODEL, Networks, example_ends, with_examples
from demos.vae.traversal import ENDS, STATIONS, knob, strip_urls
from models.data.images import ImageError, read_image

WEAKEST, STRONGEST = -1.0, 2.0  # of the strip; 1 is the whole difference of the groups
GROUP_LIMIT = 24  # images


def group_direction(network: GlobalAutoencoder, minus: Sequence[str], plus: Sequence[str]) -> Tensor:
    """Return the difference of the mean latents of two groups of image files, plus - minus, (D,)."""
    means = [encode(network, [read_image(path) for path in group]).mean(dim=0) for group in (minus, plus)]
    return means[1] - means[0]


class Arithmetic:
    """What the fold asks for; a gallery's value is a list of pairs of path and caption."""

    def __init__(self, ctx: Context, networks: Networks, flats: Flats) -> None:
        self._ctx, self._networks, self._flats = ctx, networks, flats

    def examples(self, model: str) -> list[list[str]]:
        """Return the built-in groups for a model."""
        return [[str(path) for path in end] for end in example_ends(self._ctx, with_examples(model))]

    def show(self, path_a: str | None, path_b: str | None, end: str, minus: Any, plus: Any, model: str) -> str:
        """Return the value of the one knob, or a sentence on what is missing."""
        network = self._networks.vector(model)
        path = path_b if end == "b" else path_a
        groups = [[item[0] for item in group or []] for group in (minus, plus)]
        if network is None:
            return sorry_value(self._ctx, "vae.needs_vector")
        if not path or not all(groups):
            return sorry_value(self._ctx, "vae.arithmetic_missing")
        if max(map(len, groups)) > GROUP_LIMIT:
            return sorry_value(self._ctx, "vae.arithmetic_many", most=GROUP_LIMIT)
        try:
            mu = encode(network, [read_image(path)])[0]
            direction = group_direction(network, *groups)
        except ImageError as error:
            return sorry_value(self._ctx, f"error.image.{error.code}", **error.values)
        flat = LatentSlice(model, mu, direction[None])
        stations = torch.linspace(WEAKEST, STRONGEST, STATIONS)
        (strip,) = strip_urls(network, (mu + stations[:, None] * direction)[None])
        name = self._ctx.localize_html("vae.arithmetic_knob")
        words = self._ctx.localize_html("vae.arithmetic_length", length=f"{float(direction.norm()):.2f}")
        value = {
            "key": self._flats.add(flat), "model": model, "bars": f"<p>{words}</p>",
            "knobs": [knob("vae-arithmetic", name, strip, WEAKEST, STRONGEST, 1.0)],
        }  # fmt: skip
        return json.dumps(value)

    def shift(
        self, image: str | None, minus: list[str] | None, plus: list[str] | None, strength: float, model: str,
        request: gr.Request,
    ) -> str:  # fmt: skip
        """Add the difference of two groups of images to an image, in the latent space of a VAE; returns a PNG."""
        network = self._networks.vector(model)
        if network is None or not image or not minus or not plus:
            raise widgets.user_error(
                self._ctx, request, "vae.needs_vector" if network is None else "vae.arithmetic_missing"
            )
        if max(len(minus), len(plus)) > GROUP_LIMIT:
            raise widgets.user_error(self._ctx, request, "vae.arithmetic_many", most=GROUP_LIMIT)
        try:
            z = encode(network, [read_image(image)])[0] + strength * group_direction(network, minus, plus)
        except ImageError as error:
            raise widgets.image_error(self._ctx, request, error) from error
        return self._ctx.save_image(upscale(images_of(network, z[None]), LARGE_SIDE)[0])


def arithmetic_section(ctx: Context, networks: Networks, flats: Flats, photos: Sequence[gr.Image], menu: Menu) -> None:
    """Place the fold with the two groups and the knob."""
    handlers = Arithmetic(ctx, networks, flats)
    with widgets.options(ctx, "vae.arithmetic") as fold:
        widgets.note(ctx, "vae.arithmetic_note")
        end = widgets.pills(ctx, "vae.knobs_end", ENDS, "a", "vae-arithmetic-end")
        with gr.Row():
            groups = [
                _group(ctx, name, paths)
                for name, paths in zip(("minus", "plus"), handlers.examples(OPENING_MODEL), strict=True)
            ]
        panel = knobs(ctx, flats.look(), "vae-arithmetic")
        widgets.aside(ctx, "vae.arithmetic_about", "vae.arithmetic_about_text")
    inputs = [*photos, end, *groups, menu.used]
    again = [*(photo.change for photo in photos), *(group.change for group in groups), end.input, menu.used.change]
    widgets.fill_when_open(fold, handlers.show, inputs, [panel], again, panel.stale)
    menu.used.change(lambda model: handlers.examples(model), menu.used, groups, **QUICK_EVENT)
    _offer_shift(handlers)


def _group(ctx: Context, name: str, paths: list[str]) -> gr.Gallery:
    with gr.Column(min_width=280):
        widgets.note(ctx, f"vae.group_{name}")
        return _gallery(ctx, name, paths)


def _gallery(ctx: Context, name: str, paths: list[str]) -> gr.Gallery:
    return gr.Gallery(
        [(path, None) for path in paths],
        label=ctx.t(f"vae.group_{name}"),
        show_label=False,
        type="filepath",
        file_types=["image"],
        columns=6,
        height=130,
        object_fit="cover",
        allow_preview=False,
        buttons=[],
        interactive=True,
        elem_classes="group",
        elem_id=f"vae-group-{name}",
    )


def _offer_shift(handlers: Arithmetic) -> None:
    groups = [gr.File(label=name, file_count="multiple", type="filepath", render=False) for name in ("minus", "plus")]
    strength = gr.Slider(-4.0, 4.0, 1.0, label="strength", render=False)
    model = gr.Radio(list(MODELS), value=OPENING_MODEL, label="model", render=False)
    shifted = gr.Image(label="shifted", type="filepath", format="png", render=False)
    endpoint(handlers.shift, [photo_parameter("image"), *groups, strength, model], [shifted], "shift")
