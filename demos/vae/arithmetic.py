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
from demos.core.i18n import InputError
from demos.ui import widgets
from demos.ui.animation import upscale
from demos.ui.api_endpoint import endpoint, photo_parameter
from demos.ui.model_menu.menu import Menu
from demos.vae.interpolation import LARGE_SIDE, GlobalAutoencoder, encode, images_of
from demos.vae.latent_slice import LatentSlice, LatentSlices
from demos.vae.latent_widgets import sliders, value_or_message
from demos.vae.networks import MODELS, OPENING_MODEL, Networks, read_photos
from demos.vae.photo_input import example_ends
from demos.vae.traversal import ENDS, STRIP_LENGTH, slider, strip_urls

WEAKEST, STRONGEST = -1.0, 2.0  # of the strip; 1 is the whole difference of the groups
GROUP_LIMIT = 24  # images


Groups = tuple[Sequence[str] | None, Sequence[str] | None]  # files of the group to subtract and of that to add


def latent_and_direction(
    networks: Networks, image: str | None, groups: Groups, model: str
) -> tuple[GlobalAutoencoder, Tensor, Tensor]:
    """Return the network, the latent of an image (D,), and the difference of the groups' mean latents, (D,)."""
    network = networks.vector(model)
    minus, plus = groups
    if not image or not minus or not plus:
        raise InputError("vae.arithmetic_missing")
    if max(len(minus), len(plus)) > GROUP_LIMIT:
        raise InputError("vae.arithmetic_many", most=GROUP_LIMIT)
    z, low, high = (encode(network, read_photos(paths)).mean(dim=0) for paths in ([image], minus, plus))
    return network, z, high - low


def arithmetic_value(ctx: Context, slices: LatentSlices, image: str | None, groups: Groups, model: str) -> str:
    """Return the value of the slider from one group to the other."""
    network, z, direction = latent_and_direction(slices.networks, image, groups, model)
    strengths = torch.linspace(WEAKEST, STRONGEST, STRIP_LENGTH)
    (strip,) = strip_urls(network, (z + strengths[:, None] * direction)[None])
    name = ctx.localize_html("vae.arithmetic_knob")
    lengths = {"length": f"{float(direction.norm()):.2f}", "draw": f"{len(direction) ** 0.5:.1f}"}
    length = ctx.localize_html("vae.arithmetic_length", **lengths)
    value = {
        "key": slices.add(LatentSlice(model, z, direction[None])), "model": model, "bars": f"<p>{length}</p>",
        "knobs": [slider("vae-arithmetic", name, strip, WEAKEST, STRONGEST, 1.0)],
    }  # fmt: skip
    return json.dumps(value)


def arithmetic_section(
    ctx: Context, card: gr.Accordion, slices: LatentSlices, photos: Sequence[gr.Image], menu: Menu
) -> None:
    """Place the two groups and the slider in a card."""

    def examples(model: str) -> list[list[str]]:
        return [[str(path) for path in end] for end in example_ends(ctx, model)]

    def show(path_a: str | None, path_b: str | None, end: str, minus: Any, plus: Any, model: str) -> str:
        low, high = ([path for path, _ in group or []] for group in (minus, plus))  # without the captions
        image = path_b if end == "b" else path_a
        return value_or_message(arithmetic_value, ctx, slices, image, (low, high), model)

    widgets.note(ctx, "vae.arithmetic_note")
    end = widgets.pills(ctx, "vae.knobs_end", ENDS, "a", "vae-arithmetic-end")
    with gr.Row():
        groups = [_group(ctx, *group) for group in zip(("minus", "plus"), examples(OPENING_MODEL), strict=True)]
    view = sliders(ctx, slices, "vae-arithmetic")
    widgets.aside(ctx, "vae.arithmetic_about", "vae.arithmetic_about_text")
    changes = [*(photo.change for photo in photos), *(group.change for group in groups), end.input, menu.used.change]
    widgets.fill_when_open(card, show, [*photos, end, *groups, menu.used], [view], changes, view.stale)
    menu.used.change(examples, menu.used, groups, **QUICK_EVENT)
    _offer_shift(ctx, slices.networks)


def _group(ctx: Context, name: str, paths: list[str]) -> gr.Gallery:
    with gr.Column(min_width=280):
        widgets.note(ctx, f"vae.group_{name}")
        return gr.Gallery(
            [(path, None) for path in paths], label=ctx.t(f"vae.group_{name}"), show_label=False,
            type="filepath", file_types=["image"], interactive=True, allow_preview=False, buttons=[],
            columns=6, height=130, object_fit="cover", elem_classes="group", elem_id=f"vae-group-{name}",
        )  # fmt: skip


def _offer_shift(ctx: Context, networks: Networks) -> None:
    def shift(
        image: str | None, minus: list[str] | None, plus: list[str] | None, strength: float, model: str,
        request: gr.Request,
    ) -> str:  # fmt: skip
        """Add the difference of two groups of images to an image, in the latent space of a VAE; returns a PNG."""
        with widgets.user_errors(ctx, request):
            network, z, direction = latent_and_direction(networks, image, (minus, plus), model)
        (shifted,) = upscale(images_of(network, (z + strength * direction)[None]), LARGE_SIDE)
        return ctx.save_image(shifted)

    groups = [gr.File(label=name, file_count="multiple", type="filepath", render=False) for name in ("minus", "plus")]
    strength = gr.Slider(-4.0, 4.0, 1.0, label="strength", render=False)
    model = gr.Radio(list(MODELS), value=OPENING_MODEL, label="model", render=False)
    shifted = gr.Image(label="shifted", type="filepath", format="png", render=False)
    endpoint(shift, [photo_parameter("image"), *groups, strength, model], [shifted], "shift")
