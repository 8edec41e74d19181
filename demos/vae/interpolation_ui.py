"""Interpolation between two images on the VAE tab: its components, its handlers, and its endpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
from PIL import Image

from demos.core.cache import public_lru_cache
from demos.core.context import Context
from demos.core.events import LATEST_MODEL_EVENT, LATEST_PROMPT_EVENT, LATEST_QUICK_EVENT
from demos.core.i18n import InputError
from demos.core.tab_interface import TabInterface
from demos.ui import layout, widgets
from demos.ui.animation import in_threads
from demos.ui.api_endpoint import endpoint, photo_parameter
from demos.ui.model_menu.menu import Menu
from demos.vae import player
from demos.vae.interpolation import DEFAULT_STEPS, MAX_STEPS, MIN_STEPS, Rendered, frames_and_animation, render
from demos.vae.networks import HINTS, MODELS, OPENING_MODEL, Networks, read_photos
from demos.vae.panels import message_html, panel
from demos.vae.photo_input import PhotoInput
from demos.vae.results import Shown, serve, summarize


class InterpolationUI(NamedTuple):
    """The components of the interpolation."""

    inputs: list[PhotoInput]  # the two photos with their examples
    model: gr.Radio  # the switch between our own models
    hint: gr.Markdown  # what suits the model in use
    steps: gr.Slider  # images in the strip
    results: list[Any]  # the components of `values`


def values(ctx: Context, shown: Shown) -> list[Any]:
    """Return the values of a result's components: player, strip, ends, facts, the two files to save, verdict."""
    size = (shown.img_size, shown.img_size)
    line = widgets.facts_line(ctx, [shown.model], size, shown.seconds, shown.prepared, menu=True)
    numbers = ctx.localize_html("vae.facts", latent_dim=f"{shown.latent_dim:,}", steps=shown.steps)
    return [
        player.player(ctx, shown),
        player.filmstrip(ctx, shown),
        player.ends(ctx, shown),
        f"{line} · {numbers}",
        *(gr.update(value=file, interactive=True) for file in (shown.strip, shown.numbers)),
        verdict_html(ctx, shown),
    ]


def verdict_html(ctx: Context, shown: Shown) -> str:
    """Say how few numbers a picture becomes, and how far it is off when rebuilt from them."""
    kept = ctx.localize_html("vae.kept", numbers=f"{shown.latent_dim:,}", values=f"{3 * shown.img_size**2:,}")
    errors = [10 ** (-score / 20) for score in shown.scores]  # root mean square, as a share of the whole range
    return layout.verdict(ctx, [kept, ctx.localize_html("vae.off", error=sum(errors) / len(errors))])


def no_values(ctx: Context, error: InputError) -> list[Any]:
    """Return the values of the same components that say why there is no result."""
    return [message_html(ctx, error), "", "", "", *[gr.update(value=None, interactive=False)] * 2,
            layout.verdict(ctx, [])]  # fmt: skip


def missing(other: str | None) -> InputError:
    """Return the error that asks for the missing image, or for both if there is no other one."""
    return InputError("vae.missing" if other else "vae.missing_both")


def result_handler(ctx: Context, networks: Networks) -> Callable[..., list[Any]]:
    """Return the handler that shows the interpolation between two chosen images, or what is wrong with them."""

    @public_lru_cache()
    def rendered(path_a: str, path_b: str, steps: int, model: str) -> Rendered:
        # the path of an upload holds the hash of its content, so it can stand for the photo
        first, last = read_photos([path_a, path_b])
        return render(networks.any(model), first, last, steps)

    def show(path_a: str | None, path_b: str | None, steps: float, model: str) -> list[Any]:
        try:
            if not path_a or not path_b:
                raise missing(path_a or path_b)
            result = rendered(path_a, path_b, int(steps), model)
        except InputError as error:
            return no_values(ctx, error)
        return values(ctx, serve(ctx, result, networks.any(model), model))

    return show


def opening_values(ctx: Context, first: Shown | None) -> list[Any]:
    """Return what the components show first: the stored result, or what is missing."""
    shown = values(ctx, first) if first else no_values(ctx, missing(None))
    files = [first.strip, first.numbers] if first else [None, None]
    return [*shown[:4], *files, shown[-1]]


def result_panel(name: str, value: str) -> gr.HTML:
    """Place one of the results that are drawn by `demos.vae.player`."""
    return panel(f"vae-result-{name}", value, player.STYLE, player.SCRIPT if name == "animation" else None)


def details_panel(ctx: Context, opening: Sequence[Any]) -> tuple[gr.Slider, list[Any]]:
    """Place the length of the strip, what the network keeps of the two photos, and the files to save.

    Returns:
        The length, and of the components of `values` the ends and the two files.
    """
    ends = result_panel("ends", opening[2])
    steps = gr.Slider(MIN_STEPS, MAX_STEPS, DEFAULT_STEPS, step=1, label=ctx.t("vae.steps"), elem_id="vae-steps")
    with gr.Row(elem_classes=["toolbar", "to-start"]):
        saves = [
            widgets.download(ctx, f"vae.save_{name}", f"vae-save-{name}", file, interactive=bool(file), size="sm")
            for name, file in zip(("strip", "numbers"), opening[4:6], strict=True)
        ]
    return steps, [ends, *saves]


def connect_interpolation(ctx: Context, networks: Networks, ui: InterpolationUI, menu: Menu) -> TabInterface:
    """Let every choice of photos, model and steps show its result at once; the page may do so too."""
    photos = [each.photo for each in ui.inputs]
    # One sign of work is enough, on the largest image. A change made while the network runs must not be lost.
    run = {
        "fn": result_handler(ctx, networks), "inputs": [*photos, ui.steps, menu.used], "outputs": ui.results,
        "show_progress_on": ui.results[0], **LATEST_MODEL_EVENT,
    }  # fmt: skip

    def on_model(path_a: str | None, path_b: str | None, model: str | None) -> list[Any]:
        if model is None:  # the menu has chosen what the switch does not offer
            return [gr.skip()] * len(outputs)
        changed = [each.update(ctx, path, model) for each, path in zip(ui.inputs, (path_a, path_b), strict=True)]
        latent = ctx.library.record(model).latent
        hint = gr.update(value=ctx.t(HINTS.get(model, f"menu.latent_{latent or 'global'}")))
        return [*changed[0], *changed[1], hint, model, gr.update(value=model if model in MODELS else None)]

    uploads = [photo.upload for photo in photos]
    shown = [gr.on([*uploads, ui.steps.release], **run)]
    shown += [chosen.then(**run) for each in ui.inputs for chosen in each.connect()]
    outputs = [*ui.inputs[0].outputs, *ui.inputs[1].outputs, ui.hint, menu.used, ui.model]
    # through the queue, without which Gradio tells nobody that the model in use has changed
    choose = {"fn": on_model, "inputs": [*photos, ui.model], "outputs": outputs, **LATEST_PROMPT_EVENT}
    shown.append(ui.model.input(**choose).then(**run))
    shown.append(menu.switched.change(**{**choose, "inputs": [*photos, menu.used]}).then(**run))
    # After the removal of a photo, Gradio may still send that photo: only the other one is read. Results being
    # computed are cancelled, so that none appears beside a photo that was removed.
    for photo, other in zip(photos, reversed(photos), strict=True):
        photo.clear(lambda path: no_values(ctx, missing(path)), other, ui.results, cancels=shown, **LATEST_QUICK_EVENT)
    inputs = {letter: each.receiver for letter, each in zip("ab", ui.inputs, strict=True)}
    settings = {"model": ui.model, "steps": ui.steps, "weights": menu.linked}
    return TabInterface(inputs, settings, (choose, menu.open_linked, run), summary=partial(summarize, ctx))


def offer_interpolate(ctx: Context, networks: Networks) -> None:
    """Offer ``/interpolate`` to programs."""

    @public_lru_cache()
    def computed(path_a: str, path_b: str, steps: int, model: str) -> tuple[list[Image.Image], bytes]:
        first, last = read_photos([path_a, path_b])
        return frames_and_animation(networks.any(model), first, last, steps)

    def interpolate_images(
        image_a: str | None, image_b: str | None, steps: float, model: str, request: gr.Request
    ) -> tuple[list[str], str]:
        """Take one image to another through a VAE: images on the path (PNG), and an animation (WebP)."""
        with widgets.user_errors(ctx, request):
            if not image_a or not image_b:
                raise InputError("vae.error_missing", which="image_b" if image_a else "image_a")
            frames, animation = computed(image_a, image_b, int(steps), model)
        return in_threads(ctx.save_image, frames), ctx.save_bytes(animation, ".webp")

    inputs = [
        *(photo_parameter(f"image_{letter}") for letter in "ab"),
        gr.Slider(MIN_STEPS, MAX_STEPS, DEFAULT_STEPS, step=1, label="steps", render=False),
        gr.Radio(list(MODELS), value=OPENING_MODEL, label="model", render=False),
    ]
    outputs = [
        gr.File(label="frames", file_count="multiple", render=False),
        gr.Image(label="animation", type="filepath", format="png", render=False),
    ]
    endpoint(interpolate_images, inputs, outputs, "interpolate")
