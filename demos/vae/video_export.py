"""A film of the way between the two images: WebP, GIF or MP4, made when asked for, with progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr
import torch
from PIL import Image

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT, QUICK_EVENT
from demos.ui import widgets
from demos.ui.animation import looping_gif, looping_mp4, looping_webp, upscale
from demos.ui.model_menu.menu import Menu
from demos.vae.interpolation import LARGE_SIDE, LONGEST, SMOOTH_STEPS, Autoencoder, cross_fade, decode, latent_path
from demos.vae.networks import Networks
from models.data.images import ImageError, read_image, square_crop, to_images, to_tensor

WRITERS: Mapping[str, Callable[[Sequence[Image.Image]], bytes]] = {
    "mp4": looping_mp4, "webp": looping_webp, "gif": looping_gif,
}  # fmt: skip
WAYS = {"lerp": "vae.way_lerp", "slerp": "vae.way_slerp", "fade": "vae.fade_short"}
FORMATS = {name: f"vae.film_{name}" for name in WRITERS}
AT_ONCE = 4


@torch.inference_mode()
def film_frames(
    model: Autoencoder, first: Image.Image, last: Image.Image, steps: int, way: str
) -> Iterator[list[Image.Image]]:
    """Yield the images of the way from one image to another in pieces, `steps` in all."""
    ends = to_tensor([square_crop(image, model.img_size) for image in (first, last)])
    if way == "fade":
        yield to_images(cross_fade(ends[0], ends[1], steps))
        return
    mu, _ = model.encode(ends)
    start, end = mu.flatten(1)
    path = latent_path(start, end, steps, way)
    for part in path.split(AT_ONCE):
        yield to_images(decode(model, part, mu.shape[1:]))


class Films:
    """Makes films."""

    def __init__(self, ctx: Context, networks: Networks) -> None:
        self._ctx, self._networks = ctx, networks

    def make(
        self, path_a: str | None, path_b: str | None, steps: float, way: str, kind: str, model: str,
        request: gr.Request, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Iterator[Any]:  # fmt: skip
        """Yield updates of the button that saves, the last with the file."""
        if not path_a or not path_b:
            raise widgets.user_error(self._ctx, request, "vae.missing_both")
        yield gr.update(value=None, interactive=False)
        try:
            first, last = read_image(path_a), read_image(path_b)
        except ImageError as error:
            raise widgets.image_error(self._ctx, request, error) from error
        frames: list[Image.Image] = []
        for part in film_frames(self._networks.any(model), first, last, int(steps), way):
            frames += part
            progress((len(frames), int(steps)), desc=self._ctx.localize(request, "vae.film_painting"))
            yield gr.skip()  # where a film that is not wanted any more ends
        progress(None, desc=self._ctx.localize(request, "vae.film_writing"))
        film = WRITERS[kind](upscale(frames, LARGE_SIDE))
        yield gr.update(value=self._ctx.save_bytes(film, f".{kind}"), interactive=True)


def films_section(ctx: Context, networks: Networks, photos: Sequence[gr.Image], menu: Menu) -> None:
    """Place the fold with the choices and the two buttons."""
    films = Films(ctx, networks)
    with widgets.options(ctx, "vae.film"):
        widgets.note(ctx, "vae.film_note")
        kind = widgets.pills(ctx, "vae.film_format", FORMATS, "mp4", "vae-film-format")
        way = widgets.pills(ctx, "vae.way", WAYS, "lerp", "vae-film-way")
        steps = gr.Slider(12, LONGEST, SMOOTH_STEPS, step=1, label=ctx.t("vae.film_steps"), elem_id="vae-film-steps")
        with gr.Row():
            make = gr.Button(ctx.t("vae.film_make"), scale=0, min_width=160, size="sm", elem_id="vae-film-make")
            stop = gr.Button(ctx.t("vae.film_stop"), scale=0, min_width=100, size="sm", elem_id="vae-film-stop")
            save = gr.DownloadButton(
                ctx.t("vae.film_save"),  # type: ignore[arg-type]
                interactive=False, scale=0, min_width=160, size="sm", variant="primary", elem_id="vae-film-save",
            )  # fmt: skip
    run = make.click(films.make, [*photos, steps, way, kind, menu.used], save, **PRIVATE_MODEL_EVENT)
    # a film of images that are gone, of another model or in another format is no film of what the page shows
    others = [*(photo.change for photo in photos), menu.used.change, kind.input, way.input, steps.input]
    gr.on([stop.click, *others], lambda: gr.update(value=None, interactive=False), None, save, cancels=[run],
          trigger_mode="always_last", **QUICK_EVENT)  # fmt: skip
