"""What the KL divergence is for: equal photos and draws through models trained with 0, 1 and 4 times it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import gradio as gr
from PIL import Image

from demos.core.context import Context
from demos.core.events import LATEST_MODEL_EVENT
from demos.core.files import file_url
from demos.core.i18n import InputError
from demos.ui import widgets
from demos.ui.animation import STRIP_GAP, upscale
from demos.ui.images import image_grid
from demos.vae.interpolation import SMALL_SIDE, encode, images_of, prior_latents
from demos.vae.networks import Networks, read_photos
from demos.vae.panels import download_links, message_html, panel
from demos.vae.photo_input import example_ends
from models.data.images import square_crop
from models.strict_json import json_text

AUTOENCODER = "vae-fruit-autoencoder"
COMPARED = {AUTOENCODER: "vae.lesson_none", "vae-fruit": "vae.lesson_one", "vae-fruit-beta4": "vae.lesson_four"}
PHOTOS = 4  # the visitor's two and two examples
DRAWS = 6
STYLE = """
.lesson { display: grid; gap: 6px; max-width: 960px; }
.lesson h4 { margin: 12px 0 0; font-size: 16px; font-weight: 650; color: var(--ink); }
.lesson-row { display: grid; grid-template-columns: 2fr 3fr; gap: 8px 20px; }
@media (max-width: 620px) { .lesson-row { grid-template-columns: 1fr; } }
"""


def comparison_html(ctx: Context, networks: Networks, paths: Sequence[str], seed: int) -> str:
    """Write photos, reconstructions and draws of every model, with the metrics of its card."""
    examples = [str(path) for pair in zip(*example_ends(ctx, "vae-fruit"), strict=False) for path in pair]
    photos = read_photos([*paths, *(path for path in examples if path not in paths)][:PHOTOS])
    html, rows, numbers = [], [], {}
    for name, title in COMPARED.items():
        network = networks.vector(name)
        latents = prior_latents(network.latent_dim, DRAWS, seed, temperature=1.0)
        rebuilt, drawn = (upscale(images_of(network, each), SMALL_SIDE) for each in (encode(network, photos), latents))
        metrics = ctx.weights_info(name).metrics
        numbers[name] = {"seed": seed, **metrics}
        figures = _figure(ctx, rebuilt, "vae.lesson_rebuilt") + _figure(ctx, drawn, "vae.lesson_drawn")
        html.append(
            f'<h4>{ctx.localize_html(title)}</h4><p class="how">{_metrics(ctx, name, metrics)}</p>'
            f'<div class="lesson-row" data-model="{name}">{figures}</div>'
        )
        rows.append([*rebuilt, *drawn])
    originals = [square_crop(photo, SMALL_SIDE) for photo in photos]
    blank = [Image.new("RGB", originals[0].size, "white")] * DRAWS
    table = ctx.save_image(image_grid([[*originals, *blank], *rows], STRIP_GAP))
    text = json_text(numbers).encode()
    links = download_links(ctx, {"vae-lesson.png": table, "vae-lesson.json": ctx.save_bytes(text, ".json")})
    head = _figure(ctx, originals, "vae.lesson_photos")
    return f'<div class="lesson"><div class="lesson-row">{head}</div>{"".join(html)}</div>{links}'


def _metrics(ctx: Context, name: str, metrics: Mapping[str, float]) -> str:
    # the log-variance of a plain autoencoder is never trained, and so it has no KL divergence to speak of
    key = "vae.lesson_numbers_none" if name == AUTOENCODER else "vae.lesson_numbers"
    score, kl, active = (metrics.get(each) for each in ("reconstruction_psnr", "kl", "active_units"))
    return ctx.localize_html(
        key,
        score="–" if score is None else f"{score:.2f}",
        kl="–" if kl is None else f"{kl:.0f}",
        active="–" if active is None else f"{active:.0%}",
    )


def _figure(ctx: Context, images: Sequence[Image.Image], key: str) -> str:
    url = file_url(ctx.save_image(image_grid([images], STRIP_GAP)))
    return f'<figure><img src="{url}" alt=""><figcaption>{ctx.localize_html(key)}</figcaption></figure>'


def kl_section(ctx: Context, card: gr.Accordion, networks: Networks, photos: Sequence[gr.Image]) -> None:
    """Place the comparison in a card."""

    def show(path_a: str | None, path_b: str | None, seed: float | None) -> str:
        try:
            return comparison_html(ctx, networks, [path for path in (path_a, path_b) if path], int(seed or 0))
        except InputError as error:
            return message_html(ctx, error)

    widgets.note(ctx, "vae.lesson_note")
    result = panel("vae-lesson", style=STYLE)
    with gr.Row():
        seed = gr.Number(0, minimum=0, maximum=999_999, precision=0, label=ctx.t("vae.seed"), elem_id="vae-lesson-seed")
    widgets.aside(ctx, "vae.lesson_about", "vae.lesson_about_text")
    inputs = [*photos, seed]
    widgets.fill_when_open(card, show, inputs, [result], [photo.change for photo in photos])
    seed.change(show, inputs, result, **LATEST_MODEL_EVENT)
