"""The VAE tab: the way from one image to another through a latent space, and what else can be done in it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import gradio as gr

from demos.core.context import Context, Demo
from demos.core.tab_interface import TabInterface
from demos.ui import widgets
from demos.ui.animation import upscale
from demos.ui.model_menu.menu import model_menu
from demos.vae import player
from demos.vae.arithmetic import arithmetic_section
from demos.vae.grid_and_plane import corners_section
from demos.vae.interpolation import SMALL_SIDE, draw, render
from demos.vae.interpolation_ui import Handlers, Way, connect_way, offer_interpolate, way_results, way_steps
from demos.vae.kl_comparison import lesson_section
from demos.vae.latent_slice import Flats
from demos.vae.networks import (
    HINTS,
    MODELS,
    OPENING_MODEL,
    PORTRAIT_SEEDS,
    PORTRAIT_TEMPERATURE,
    Networks,
    encodes_images,
    example_ends,
    photo_place,
)
from demos.vae.results import read_stored, store
from demos.vae.sampling import SAMPLES, samples_section
from demos.vae.traversal import knobs_section
from demos.vae.video_export import films_section
from models.data.images import read_image
from models.networks.vae import ConvVAE


def build(ctx: Context) -> TabInterface:
    """Create the components of the tab and connects them."""
    first = read_stored(ctx.first_paint / "vae")
    networks = Networks(ctx)
    widgets.lead(ctx, "vae.lead")
    with gr.Row(elem_classes="columns"):
        with gr.Column():
            model = widgets.pills(ctx, "vae.model", MODELS, OPENING_MODEL, "vae-model")
            ends = {name: example_ends(ctx, name) for name in MODELS}
            with player.photo_row(), gr.Row():
                places = [
                    photo_place(ctx, letter, {name: end[number] for name, end in ends.items()}, first is not None)
                    for number, letter in enumerate("ab")
                ]
            hint = widgets.note(ctx, HINTS[OPENING_MODEL])
            steps = way_steps(ctx)
        with gr.Column():
            results = way_results(ctx, first)
            film = gr.Column()
    widgets.note(ctx, "vae.limit")
    way = Way(places, model, hint, steps, results)
    samples = gr.Column()
    folds = gr.Column(elem_id="vae-folds")
    widgets.note(ctx, "vae.kinds")
    menu = model_menu(ctx, "vae", OPENING_MODEL, encodes_images, MODELS)
    widgets.aside(ctx, "vae.about", "vae.about_text")
    with samples:
        samples_section(
            ctx, networks, menu, [str(path) for path in sorted((ctx.first_paint / "vae").glob("sample-??.png"))]
        )
    flats = Flats(networks)
    with folds:
        lesson_section(ctx, networks, way.photos)
        corners_section(ctx, networks, flats, way.photos, menu)
        knobs_section(ctx, networks, flats, way.photos, menu)
        arithmetic_section(ctx, networks, flats, way.photos, menu)
    with film:
        films_section(ctx, networks, way.photos, menu)
    handlers = Handlers(ctx, networks)
    offer_interpolate(handlers)
    return connect_way(ctx, handlers, way, menu)


def precompute(ctx: Context, folder: Path) -> None:
    """Write the way between the opening examples, the first samples, and the portraits drawn as examples."""
    portraits = cast(ConvVAE, ctx.load_model("vae-portraits"))
    for seed in (*PORTRAIT_SEEDS[0], *PORTRAIT_SEEDS[1]):
        (portrait,) = upscale(draw(portraits, 1, seed, PORTRAIT_TEMPERATURE), SMALL_SIDE)
        portrait.save(folder / f"portrait-{seed:02d}.png", optimize=True)
    model = cast(ConvVAE, ctx.load_model(OPENING_MODEL))
    for number, image in enumerate(upscale(draw(model, SAMPLES, seed=0), SMALL_SIDE)):
        image.save(folder / f"sample-{number:02d}.png", optimize=True)
    first, last = (read_image(end[0]) for end in example_ends(ctx, OPENING_MODEL))
    render(model, first, last)  # a first run is slower, and its time would be shown for good
    store(ctx, folder, render(model, first, last), model, OPENING_MODEL)


DEMO = Demo("vae", build, precompute)
