"""The VAE tab: interpolation between two images through a latent space, and what else can be done in it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import gradio as gr
import torch
from PIL import Image

from demos.core.context import Context, Demo
from demos.core.tab_interface import TabInterface
from demos.ui import layout, widgets
from demos.ui.animation import upscale
from demos.ui.model_menu.menu import Menu, model_menu
from demos.ui.share_picture import share_button
from demos.ui.shelf.shelf import Shelf, cards
from demos.ui.shelf.shelf import shelf as place_shelf
from demos.vae.arithmetic import arithmetic_section
from demos.vae.cards import TITLES, precompute_thumbnails
from demos.vae.grid_and_plane import grid_and_plane_section
from demos.vae.interpolation import SMALL_SIDE, draw, render
from demos.vae.interpolation_ui import (
    InterpolationUI,
    connect_interpolation,
    details_panel,
    offer_interpolate,
    opening_values,
    result_panel,
)
from demos.vae.kl_comparison import kl_section
from demos.vae.latent_slice import LatentSlices
from demos.vae.networks import HINTS, MODELS, OPENING_MODEL, Networks, encodes_images
from demos.vae.photo_input import (
    PORTRAIT_SEEDS,
    PORTRAIT_TEMPERATURE,
    PhotoInput,
    example_ends,
    photo_input,
    photo_row,
)
from demos.vae.results import read_stored, store
from demos.vae.sampling import SAMPLES, samples_section
from demos.vae.traversal import traversal_section
from demos.vae.video_export import video_section
from models.data.images import read_image
from models.networks.vae import ConvVAE

PREVIEW_IMAGES = 4
SHARED = [["#vae-result-strip .film-lerp"], ["#vae-result-strip .film-fade"]]


def build(ctx: Context) -> TabInterface:
    """Create the components of the tab and connect them."""
    first, networks = read_stored(ctx.first_paint / "vae"), Networks(ctx)
    opening = opening_values(ctx, first)
    with layout.hero(ctx, "vae"):
        with layout.stage(), gr.Row(elem_classes="columns"):
            with gr.Column(min_width=260, elem_classes="off-stage"):
                model, inputs, hint = _photos(ctx, first is not None)
            with gr.Column(scale=2, elem_classes="first-on-phone"):
                animation = result_panel("animation", opening[0])
                verdict = widgets.html_line(opening[-1], "verdict", "vae-verdict")
        strip = result_panel("strip", opening[1])
    shelf = place_shelf(ctx, "vae", cards(ctx, "vae", TITLES))
    with gr.Row(elem_classes=["toolbar", "to-start"]):
        share_button(ctx, "vae.share", SHARED, "#vae-verdict p")
        facts = widgets.html_line(opening[3], "facts", "vae-facts")
    with shelf.drawer("details", "common.details"):
        steps, (ends, *saves) = details_panel(ctx, opening)
        widgets.note(ctx, "vae.limit")
        widgets.note(ctx, "vae.kinds")
    menu = model_menu(ctx, "vae", OPENING_MODEL, encodes_images, MODELS, shelf)
    _fill_shelf(ctx, shelf, networks, [each.photo for each in inputs], menu)
    layout.how_it_works(ctx, "vae")
    widgets.aside(ctx, "vae.about", "vae.about_text")
    offer_interpolate(ctx, networks)
    results = [animation, strip, ends, facts, *saves, verdict]
    return connect_interpolation(ctx, networks, InterpolationUI(inputs, model, hint, steps, results), menu)


def _photos(ctx: Context, filled: bool) -> tuple[gr.Radio, list[PhotoInput], gr.Markdown]:
    """Place the switch between our own models and the two photos with their examples."""
    model = widgets.pills(ctx, "vae.model", MODELS, OPENING_MODEL, "vae-model")
    ends = {name: example_ends(ctx, name) for name in MODELS}
    with photo_row(176), gr.Row():
        inputs = [
            photo_input(ctx, letter, {name: end[index] for name, end in ends.items()}, filled)
            for index, letter in enumerate("ab")
        ]
    return model, inputs, widgets.note(ctx, HINTS[OPENING_MODEL])


def _fill_shelf(ctx: Context, shelf: Shelf, networks: Networks, photos: list[gr.Image], menu: Menu) -> None:
    """Fill the cards."""
    slices, stored = LatentSlices(networks), sorted(map(str, (ctx.first_paint / "vae").glob("sample-??.png")))
    with shelf.card("grid", deferred=True) as card:
        grid_and_plane_section(ctx, card, slices, photos, menu)
    with shelf.card("arithmetic", deferred=True) as card:
        arithmetic_section(ctx, card, slices, photos, menu)
    with shelf.card("samples"):
        samples_section(ctx, networks, menu, stored)
    with shelf.card("sliders", deferred=True) as card:
        traversal_section(ctx, card, slices, photos, menu)
    with shelf.card("kl", deferred=True) as card:
        kl_section(ctx, card, networks, photos)
    with shelf.card("film", deferred=True):
        video_section(ctx, networks, photos, menu)


def precompute(ctx: Context, folder: Path) -> None:
    """Write the interpolation between the opening examples, the first samples, and the portraits drawn as examples."""
    portraits = cast(ConvVAE, ctx.load_model("vae-portraits"))
    for seed in (*PORTRAIT_SEEDS[0], *PORTRAIT_SEEDS[1]):
        (portrait,) = upscale(draw(portraits, 1, seed, PORTRAIT_TEMPERATURE), SMALL_SIDE)
        portrait.save(folder / f"portrait-{seed:02d}.png", optimize=True)
    model = cast(ConvVAE, ctx.load_model(OPENING_MODEL))
    for number, image in enumerate(upscale(draw(model, SAMPLES, seed=0), SMALL_SIDE)):
        image.save(folder / f"sample-{number:02d}.png", optimize=True)
    first, last = (read_image(end[0]) for end in example_ends(ctx, OPENING_MODEL))
    render(model, first, last)  # a first run is slower, and its time would be shown for good
    rendered = render(model, first, last)
    store(ctx, folder, rendered, model, OPENING_MODEL)
    precompute_thumbnails(ctx, Networks(ctx), folder, rendered.interpolation)


def preview(ctx: Context) -> list[Image.Image]:
    """Return some images of the interpolation that the tab opens on."""
    shown = read_stored(ctx.first_paint / "vae")
    if shown is None:
        return []
    with Image.open(shown.sheet) as sheet:
        side, places = sheet.width // shown.moments, torch.linspace(0, shown.moments - 1, PREVIEW_IMAGES).int().tolist()
        return [sheet.crop((place * side, 0, (place + 1) * side, side)) for place in places]


DEMO = Demo("vae", build, precompute, preview)
