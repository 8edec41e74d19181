"""What the KL divergence is for: the same photos and the same draws without it, with it, and with four times it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import gradio as gr
from PIL import Image

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.core.files import file_url
from demos.ui import widgets
from demos.ui.animation import STRIP_GAP, upscale
from demos.ui.images import image_grid
from demos.vae.interpolation import SMALL_SIDE, encode, images_of, prior_latents
from demos.vae.networks import STYLE, Networks, example_ends, saves, sorry_html
from models.data.images import ImageError, read_image, square_crop

PLAIN = "vae-fruit-autoencoder"
LESSON = {
    PLAIN: "vae.lesson_none",
    "vae-fruit": "vae.lesson_one",
    "vae-fruit-beta4": "vae.lesson_four",
}
PHOTOS = 4  # the visitor's two and two examples
DRAWS = 6


class Lesson:
    """Runs the models of the lesson."""

    def __init__(self, ctx: Context, networks: Networks) -> None:
        self._ctx, self._networks = ctx, networks

    def show(self, path_a: str | None, path_b: str | None, seed: float | None) -> str:
        """Write photos, reconstructions and draws of every model, with the numbers of their cards."""
        try:
            photos = [read_image(path) for path in self._photos([path_a, path_b])]
        except ImageError as error:
            return sorry_html(self._ctx, f"error.image.{error.code}", **error.values)
        rows, sheet, numbers = [], [], {}
        for name, title in LESSON.items():
            network = self._networks.vector(name)
            if network is None:
                raise TypeError(f"{name} has no latent vector.")
            rebuilt = upscale(images_of(network, encode(network, photos)), SMALL_SIDE)
            draws = images_of(network, prior_latents(network.latent_dim, DRAWS, int(seed or 0), temperature=1.0))
            drawn = upscale(draws, SMALL_SIDE)
            metrics = self._ctx.weights_info(name).metrics
            numbers[name] = {"seed": int(seed or 0), **metrics}
            rows.append(self._row(name, title, [image_grid([part], STRIP_GAP) for part in (rebuilt, drawn)], metrics))
            sheet.append([*rebuilt, *drawn])
        first = [square_crop(photo, SMALL_SIDE) for photo in photos]
        blank = [Image.new("RGB", first[0].size, "white")] * DRAWS
        table = self._ctx.save_image(image_grid([[*first, *blank], *sheet], STRIP_GAP))
        head = self._figure(self._ctx.save_image(image_grid([first], STRIP_GAP)), "vae.lesson_photos")
        text = json.dumps(numbers, indent=2).encode()
        links = saves(self._ctx, {"vae-lesson.png": table, "vae-lesson.json": self._ctx.save_bytes(text, ".json")})
        return f'<div class="lesson"><div class="lesson-row">{head}</div>{"".join(rows)}</div>{links}'

    def _photos(self, paths: Sequence[str | None]) -> list[str]:
        """Return the visitor's photos, filled up with examples."""
        own = [path for path in paths if path]
        ends = example_ends(self._ctx, "vae-fruit")
        examples = [str(path) for pair in zip(*ends, strict=False) for path in pair]
        return [*own, *(path for path in examples if path not in own)][:PHOTOS]

    def _row(self, name: str, title: str, strips: Sequence[Image.Image], metrics: Mapping[str, float]) -> str:
        rebuilt, drawn = (self._ctx.save_image(strip) for strip in strips)
        # the log-variance of a plain autoencoder is never trained, and so it has no KL divergence to speak of
        key = "vae.lesson_numbers_none" if name == PLAIN else "vae.lesson_numbers"
        score, kl, active = (metrics.get(each) for each in ("reconstruction_psnr", "kl", "active_units"))
        words = self._ctx.localize_html(
            key,
            score="–" if score is None else f"{score:.2f}",
            kl="–" if kl is None else f"{kl:.0f}",
            active="–" if active is None else f"{active:.0%}",
        )
        return (
            f'<h4>{self._ctx.localize_html(title)}</h4><p class="how">{words}</p><div class="lesson-row" data-model="{name}">'  # noqa: E501
            f"{self._figure(rebuilt, 'vae.lesson_rebuilt')}{self._figure(drawn, 'vae.lesson_drawn')}</div>"
        )

    def _figure(self, path: str, key: str) -> str:
        caption = self._ctx.localize_html(key)
        return f'<figure><img src="{file_url(path)}" alt=""><figcaption>{caption}</figcaption></figure>'


def lesson_section(ctx: Context, networks: Networks, photos: Sequence[gr.Image]) -> None:
    """Place the fold of the lesson."""
    lesson = Lesson(ctx, networks)
    with widgets.options(ctx, "vae.lesson") as fold:
        widgets.note(ctx, "vae.lesson_note")
        result = gr.HTML(css_template=STYLE, apply_default_css=False, elem_id="vae-lesson")
        with gr.Row():
            seed = gr.Number(
                0, minimum=0, maximum=999_999, precision=0, label=ctx.t("vae.seed"), elem_id="vae-lesson-seed"
            )
        widgets.aside(ctx, "vae.lesson_about", "vae.lesson_about_text")
    inputs = [*photos, seed]
    widgets.fill_when_open(fold, lesson.show, inputs, [result], [photo.change for photo in photos])
    seed.change(lesson.show, inputs, result, trigger_mode="always_last", **PRIVATE_MODEL_EVENT)
