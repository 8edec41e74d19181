"""The way between two images on the VAE tab: its handlers, its components, and its endpoint."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr
from PIL import Image

from demos.core.cache import public_lru_cache
from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT, PROMPT_EVENT, QUICK_EVENT
from demos.core.tab_interface import TabInterface
from demos.ui import widgets
from demos.ui.animation import in_threads, looping_webp, upscale
from demos.ui.api_endpoint import endpoint, photo_parameter
from demos.ui.model_menu.menu import Menu
from demos.vae import player
from demos.vae.interpolation import DEFAULT_STEPS, LARGE_SIDE, MAX_STEPS, MIN_STEPS, Rendered, morph, render
from demos.vae.networks import HINTS, MODELS, OPENING_MODEL, Networks, Place
from demos.vae.results import Shown, serve
from models.data.images import ImageError, read_image


class Way(NamedTuple):
    """The components of the way.

    Attributes:
        places: Where its two photos stand.
        model: The switch between our own models.
        hint: What suits the model in use.
        steps: Images in the strip.
        results: Player, strip, ends, facts, and the two files to save.
    """

    places: list[Place]
    model: gr.Radio
    hint: gr.Markdown
    steps: gr.Slider
    results: list[Any]

    @property
    def photos(self) -> list[gr.Image]:
        """The two photos."""
        return [place.photo for place in self.places]


def values(ctx: Context, shown: Shown) -> list[Any]:
    """Return the values of a result's components: player, strip, ends, facts, the two files to save."""
    size = (shown.img_size, shown.img_size)
    line = widgets.facts_line(ctx, [shown.model], size, shown.seconds, shown.prepared)
    numbers = ctx.localize_html("vae.facts", latent_dim=f"{shown.latent_dim:,}", steps=shown.steps)
    return [
        player.player(ctx, shown),
        player.filmstrip(ctx, shown),
        player.ends(ctx, shown),
        f"{line} · {numbers}",
        *(gr.update(value=file, interactive=True) for file in (shown.strip, shown.numbers)),
    ]


def no_values(ctx: Context, key: str, **words: Any) -> list[Any]:
    """Return the values of the same components while there is no result, and why."""
    return [player.empty(ctx, key, **words), "", "", "", *[gr.update(value=None, interactive=False)] * 2]


class Handlers:
    """What the page and the endpoint ask for; photos are paths, as the browser or a program sent them."""

    def __init__(self, ctx: Context, networks: Networks) -> None:
        self._ctx, self._networks = ctx, networks
        self._remembered = public_lru_cache()(self._render)
        self._remembered_path = public_lru_cache()(self._path)

    def _render(self, path_a: str, path_b: str, steps: int, model: str) -> Rendered:
        # the path of an upload holds the hash of its content, so it can stand for the photo
        return render(self._networks.any(model), read_image(path_a), read_image(path_b), steps)

    def _path(self, path_a: str, path_b: str, steps: int, model: str) -> tuple[list[Image.Image], bytes]:
        """Return the images of the straight way and its animation, all that a program asks for."""
        done = morph(self._networks.any(model), read_image(path_a), read_image(path_b), steps, ("lerp",))
        frames = upscale(done.smooth_paths["lerp"], LARGE_SIDE)
        return frames[:: done.stride], looping_webp(frames)

    def show(self, path_a: str | None, path_b: str | None, steps: float, model: str) -> list[Any]:
        """Show the way between the two chosen images, or says what is wrong with them in its place."""
        if not path_a or not path_b:
            return self.miss(path_a or path_b)
        try:
            done = self._remembered(path_a, path_b, int(steps), model)
        except ImageError as error:
            return no_values(self._ctx, f"error.image.{error.code}", **error.values)
        return values(self._ctx, serve(self._ctx, done, self._networks.any(model), model))

    def miss(self, other: str | None) -> list[Any]:
        """Ask for the missing image, or for both when there is no other one."""
        return no_values(self._ctx, "vae.missing" if other else "vae.missing_both")

    def hint(self, model: str) -> Any:
        """Return which images suit a model of ours, and of another one which kind it is."""
        latent = self._ctx.library.record(model).latent
        return gr.update(value=self._ctx.t(HINTS.get(model, f"menu.latent_{latent or 'global'}")))

    def interpolate(
        self, image_a: str | None, image_b: str | None, steps: float, model: str, request: gr.Request
    ) -> tuple[list[str], str]:
        """Take one image to another through a VAE: images of the way (PNG), and an animation (WebP)."""
        if not image_a or not image_b:
            missing = "image_b" if image_a else "image_a"
            raise widgets.user_error(self._ctx, request, "vae.error_missing", which=missing)
        try:
            frames, animation = self._remembered_path(image_a, image_b, int(steps), model)
        except ImageError as error:
            raise widgets.image_error(self._ctx, request, error) from error
        return in_threads(self._ctx.save_image, frames), self._ctx.save_bytes(animation, ".webp")


def way_steps(ctx: Context) -> gr.Slider:
    """Place the folded choice of how many images are in the strip."""
    with widgets.options(ctx, "vae.options"):
        return gr.Slider(MIN_STEPS, MAX_STEPS, DEFAULT_STEPS, step=1, label=ctx.t("vae.steps"), elem_id="vae-steps")


def way_results(ctx: Context, first: Shown | None) -> list[Any]:
    """Place the results, filled with what was stored for the tab to open on."""
    opening = values(ctx, first) if first else no_values(ctx, "vae.missing_both")
    panels = [
        player.panel(value, f"vae-result-{name}")
        for value, name in zip(opening, ("animation", "strip", "ends"), strict=False)
    ]
    facts = widgets.html_line(opening[3], "facts", "vae-facts")
    with gr.Row(elem_classes=["toolbar", "to-start"]):
        files = (first.strip, first.numbers) if first else (None, None)
        saves = [_save(ctx, what, file) for what, file in zip(("strip", "numbers"), files, strict=True)]
    return [*panels, facts, *saves]


def _save(ctx: Context, what: str, file: str | None) -> gr.DownloadButton:
    return gr.DownloadButton(
        ctx.t(f"vae.save_{what}"),  # type: ignore[arg-type]
        value=file,
        interactive=file is not None,
        size="sm",
        elem_classes="quiet",
        elem_id=f"vae-save-{what}",
    )


def connect_way(ctx: Context, handlers: Handlers, way: Way, menu: Menu) -> TabInterface:
    """Let every choice of photos, model and steps show its result at once; the page may do so too."""
    photos, places = way.photos, way.places
    # One sign of work is enough, on the largest image. A change made while the network runs must not be lost.
    run = {
        "fn": handlers.show, "inputs": [*photos, way.steps, menu.used], "outputs": way.results,
        "show_progress_on": way.results[0], "trigger_mode": "always_last", **PRIVATE_MODEL_EVENT,
    }  # fmt: skip

    def on_model(path_a: str | None, path_b: str | None, model: str | None) -> list[Any]:
        if model is None:  # the menu has chosen what the switch does not offer
            return [gr.skip()] * len(outputs)
        changed = [place.update(ctx, path, model) for place, path in zip(places, (path_a, path_b), strict=True)]
        pill = gr.update(value=model if model in MODELS else None)
        return [*changed[0], *changed[1], handlers.hint(model), model, pill]

    uploads = [photo.upload for photo in photos]
    shown = [gr.on([*uploads, way.steps.release], **run)]
    shown += [picked.then(**run) for place in places for picked in place.connect()]
    outputs = [*places[0].outputs, *places[1].outputs, way.hint, menu.used, way.model]
    # through the queue, without which Gradio tells nobody that the model in use has changed
    latest = {"trigger_mode": "always_last", **PROMPT_EVENT}
    choose = {"fn": on_model, "inputs": [*photos, way.model], "outputs": outputs, **latest}
    shown.append(way.model.input(**choose).then(**run))
    shown.append(menu.switched.change(**{**choose, "inputs": [*photos, menu.used]}).then(**run))
    # Told of a removed photo, Gradio may still send that photo: only the other one is asked for. What is on its
    # way is cancelled, so that it does not appear beside a photo that is gone.
    for photo, other in zip(photos, reversed(photos), strict=True):
        photo.clear(handlers.miss, other, way.results, cancels=shown, trigger_mode="always_last", **QUICK_EVENT)
    inputs = {letter: place.receiver for letter, place in zip("ab", places, strict=True)}
    settings = {"model": way.model, "steps": way.steps, "weights": menu.linked}
    return TabInterface(inputs, settings, (choose, menu.open_linked, run))


def offer_interpolate(handlers: Handlers) -> None:
    """Offer ``/interpolate`` to programs."""
    inputs = [
        photo_parameter("image_a"),
        photo_parameter("image_b"),
        gr.Slider(MIN_STEPS, MAX_STEPS, DEFAULT_STEPS, step=1, label="steps", render=False),
        gr.Radio(list(MODELS), value=OPENING_MODEL, label="model", render=False),
    ]
    outputs = [
        gr.File(label="frames", file_count="multiple", render=False),
        gr.Image(label="animation", type="filepath", format="png", render=False),
    ]
    endpoint(handlers.interpolate, inputs, outputs, "interpolate")
