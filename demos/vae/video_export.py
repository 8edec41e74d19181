"""A looping video of the interpolation between two images: WebP, GIF or MP4, made on request, with progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr
from PIL import Image

from demos.core.context import Context
from demos.core.events import LATEST_QUICK_EVENT, PRIVATE_MODEL_EVENT
from demos.core.i18n import InputError
from demos.ui import widgets
from demos.ui.animation import looping_gif, looping_mp4, looping_webp, upscale
from demos.ui.model_menu.menu import Menu
from demos.vae.interpolation import LARGE_SIDE, MAX_FRAMES, SMOOTH_STEPS, video_frames
from demos.vae.networks import Networks, read_photos

WRITERS: Mapping[str, Callable[[Sequence[Image.Image]], bytes]] = {
    "mp4": looping_mp4, "webp": looping_webp, "gif": looping_gif,
}  # fmt: skip
METHODS = {"lerp": "vae.way_lerp", "slerp": "vae.way_slerp", "fade": "vae.fade_short"}
FORMATS = {name: f"vae.film_{name}" for name in WRITERS}


def video_section(ctx: Context, networks: Networks, photos: Sequence[gr.Image], menu: Menu) -> None:
    """Place the choices and the buttons."""
    widgets.note(ctx, "vae.film_note")
    kind = widgets.pills(ctx, "vae.film_format", FORMATS, "mp4", "vae-film-format")
    method = widgets.pills(ctx, "vae.way", METHODS, "lerp", "vae-film-way")
    steps = gr.Slider(12, MAX_FRAMES, SMOOTH_STEPS, step=1, label=ctx.t("vae.film_steps"), elem_id="vae-film-steps")
    with gr.Row():
        make = gr.Button(ctx.t("vae.film_make"), scale=0, min_width=160, size="sm", elem_id="vae-film-make")
        stop = gr.Button(ctx.t("vae.film_stop"), scale=0, min_width=100, size="sm", elem_id="vae-film-stop")
        save = gr.DownloadButton(
            ctx.t("vae.film_save"),  # type: ignore[arg-type]
            interactive=False, scale=0, min_width=160, size="sm", variant="primary", elem_id="vae-film-save",
        )  # fmt: skip
    run = make.click(
        video_handler(ctx, networks), [*photos, steps, method, kind, menu.used], save, **PRIVATE_MODEL_EVENT
    )
    # a video of images that were removed, of another model or in another format is not of what the page shows
    others = [*(photo.change for photo in photos), menu.used.change, kind.input, method.input, steps.input]
    ends = [stop.click, *others]
    gr.on(ends, lambda: gr.update(value=None, interactive=False), None, save, cancels=[run], **LATEST_QUICK_EVENT)


def video_handler(ctx: Context, networks: Networks) -> Callable[..., Iterator[Any]]:
    """Return the handler that yields updates of the button that saves, the last with the file."""

    def make(
        path_a: str | None, path_b: str | None, steps: float, method: str, kind: str, model: str,
        request: gr.Request, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Iterator[Any]:  # fmt: skip
        with widgets.user_errors(ctx, request):
            if not path_a or not path_b:
                raise InputError("vae.missing_both")
            first, last = read_photos([path_a, path_b])
        yield gr.update(value=None, interactive=False)
        frames: list[Image.Image] = []
        for batch in video_frames(networks.any(model), first, last, int(steps), method):
            frames += batch
            progress((len(frames), int(steps)), desc=ctx.localize(request, "vae.film_painting"))
            yield gr.skip()  # where a cancelled event ends
        progress(None, desc=ctx.localize(request, "vae.film_writing"))
        video = WRITERS[kind](upscale(frames, LARGE_SIDE))
        yield gr.update(value=ctx.save_bytes(video, f".{kind}"), interactive=True)

    return make
