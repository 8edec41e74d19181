"""The VAE tab: interpolation between two images through a latent space, and what else can be done in it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import gradio as gr
import torch
from PIL import Image

from demos.core.context import Context, Demo
from demos.core.tab_interface import TabInterface
from demos.ui import widgets
from demos.ui.animation import upscale
from demos.ui.model_menu.menu import model_menu
from demos.vae.arithmetic import arithmetic_section
from demos.vae.grid_and_plane import grid_and_plane_section
from demos.vae.interpolation import DEFAULT_STEPS, MAX_STEPS, MIN_STEPS, SMALL_SIDE, draw, render
from demos.vae.interpolation_ui import InterpolationUI, connect_interpolation, offer_interpolate, result_panels
from demos.vae.kl_comparison import kl_section
from demos.vae.latent_slice import LatentSlices
from demos.vae.networks import HINTS, MODELS, OPENING_MODEL, Networks, encodes_images
from demos.vae.photo_input import PORTRAIT_SEEDS, PORTRAIT_TEMPERATURE, example_ends, photo_input, photo_row
from demos.vae.results import read_stored, store
from demos.vae.sampling import SAMPLES, samples_section
from demos.vae.traversal import traversal_section
from demos.vae.video_export import video_section
from models.data.images import read_image
from models.networks.vae import ConvVAE

PREVIEW_IMAGES = 4


def build(ctx: Context) -> TabInterface:
    """Create the components of the tab and connect them."""
    first = read_stored(ctx.first_paint / "vae")
    networks = Networks(ctx)
    widgets.lead(ctx, "vae.lead")
    with gr.Row(elem_classes="columns"):
        with gr.Column():
            model = widgets.pills(ctx, "vae.model", MODELS, OPENING_MODEL, "vae-model")
            ends = {name: example_ends(ctx, name) for name in MODELS}
            with photo_row(), gr.Row():
                inputs = [
                    photo_input(ctx, letter, {name: end[index] for name, end in ends.items()}, first is not None)
                    for index, letter in enumerate("ab")
                ]
            hint = widgets.note(ctx, HINTS[OPENING_MODEL])
            with widgets.options(ctx, "vae.options"):
                steps = gr.Slider(
                    MIN_STEPS, MAX_STEPS, DEFAULT_STEPS, step=1, label=ctx.t("vae.steps"), elem_id="vae-steps"
                )
        with gr.Column():
            results = result_panels(ctx, first)
            video = gr.Column()
    widgets.note(ctx, "vae.limit")
    ui, photos = InterpolationUI(inputs, model, hint, steps, results), [each.photo for each in inputs]
    samples = gr.Column()
    folds = gr.Column(elem_id="vae-folds")
    widgets.note(ctx, "vae.kinds")
    menu = model_menu(ctx, "vae", OPENING_MODEL, encodes_images, MODELS)
    widgets.aside(ctx, "vae.about", "vae.about_text")
    with samples:
        samples_section(ctx, networks, menu, sorted(map(str, (ctx.first_paint / "vae").glob("sample-??.png"))))
    slices = LatentSlices(networks)
    with folds:
        kl_section(ctx, networks, photos)
        grid_and_plane_section(ctx, slices, photos, menu)
        traversal_section(ctx, slices, photos, menu)
        arithmetic_section(ctx, slices, photos, menu)
    with video:
        video_section(ctx, networks, photos, menu)
    offer_interpolate(ctx, networks)
    return connect_interpolation(ctx, networks, ui, menu)


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
    store(ctx, folder, render(model, first, last), model, OPENING_MODEL)


def preview(ctx: Context) -> list[Image.Image]:
    """Return some images of the interpolation that the tab opens on."""
    shown = read_stored(ctx.first_paint / "vae")
    if shown is None:
        return []
    with Image.open(shown.sheet) as sheet:
        side, places = sheet.width // shown.moments, torch.linspace(0, shown.moments - 1, PREVIEW_IMAGES).int().tolist()
        return [sheet.crop((place * side, 0, (place + 1) * side, side)) for place in places]


DEMO = Demo("vae", build, precompute, preview)
