"""The VAE tab: the way from one picture to another through 128 numbers, beside a plain cross-fade."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import gradio as gr
from torch import nn

from demos import _look as look
from demos import _morph_view as view
from demos._animation import upscale
from demos._api import endpoint, photo_parameter
from demos._base import EXAMPLES, PRIVATE_MODEL_EVENT, Context, Demo
from demos._menu import Menu, model_menu
from demos._morph import (
    DEFAULT_STEPS,
    DRAW_TEMPERATURE,
    LARGE_SIDE,
    MAX_STEPS,
    MIN_STEPS,
    SMALL_SIDE,
    Autoencoder,
    GlobalAutoencoder,
    Rendered,
    draw,
    render,
)
from demos._morph_files import Shown, read_stored, serve, store
from demos._own import shared_cache
from models.images import ImageError, read_image
from models.vae import ConvVAE

MODELS = {"vae-fruit": "vae.model_fruit", "vae-portraits": "vae.model_portraits"}
HINTS = {"vae-fruit": "vae.hint_fruit", "vae-portraits": "vae.hint_portraits"}
OPENING_MODEL = "vae-fruit"
SAMPLES = 12
LARGEST_SEED = 999_999
EXAMPLES_PER_END = 6
# No portrait may be shipped, so that model's built-in ends are drawn from the model itself, by these seeds.
PORTRAIT_SEEDS = ((33, 4, 26, 44, 18, 40), (11, 7, 47, 16, 28, 48))
PORTRAIT_TEMPERATURE = 0.6  # calmer than `DRAW_TEMPERATURE`: an example should look like a face
REMEMBERED = 48  # results kept, so that a room full of people on one example waits once
QUICK_EVENT: dict[str, Any] = {"queue": False, "api_visibility": "private"}


class Place(NamedTuple):
    """One end of the way: its photo, and for each model a strip of examples with their paths."""

    photo: gr.Image
    strips: dict[str, gr.Dataset]
    paths: dict[str, list[Path]]


class Sampling(NamedTuple):
    """The samples from the prior and what they depend on."""

    grid: gr.HTML
    more: gr.Button
    seed: gr.Number
    temperature: gr.Slider


def example_ends(ctx: Context, model: str) -> tuple[list[Path], list[Path]]:
    """Returns the built-in pictures for the start and for the end; empty where none were made yet."""
    if model == "vae-portraits":
        folder = ctx.first_paint / "vae"
        ends = [[folder / f"portrait-{seed:02d}.png" for seed in seeds] for seeds in PORTRAIT_SEEDS]
    else:
        ends = [sorted((EXAMPLES / "fruit").glob(f"{kind}-??.jpg")) for kind in ("apple", "orange")]
    first, last = ([path for path in end if path.is_file()][:EXAMPLES_PER_END] for end in ends)
    return first, last


def is_built_in(ctx: Context, path: str | None) -> bool:
    """Tells whether a chosen picture is nobody's own (or none at all), so that another may take its place."""
    return not path or any(Path(path).is_relative_to(folder) for folder in (EXAMPLES, ctx.first_paint))


def values(ctx: Context, shown: Shown) -> list[Any]:
    """Returns the values of a result's components: player, strip, ends, facts, the two files to save."""
    size = (shown.img_size, shown.img_size)
    line = look.facts_line(ctx, [shown.model], size, shown.seconds, shown.prepared)
    numbers = ctx.both("vae.facts", latent_dim=f"{shown.latent_dim:,}", steps=shown.steps)
    return [
        view.player(ctx, shown),
        view.filmstrip(ctx, shown),
        view.ends(ctx, shown),
        f"{line} · {numbers}",
        *(gr.update(value=file, interactive=True) for file in (shown.strip, shown.animation)),
    ]


def no_values(ctx: Context, key: str, **words: Any) -> list[Any]:
    """Returns the values of the same components while there is no result, and why."""
    return [view.empty(ctx, key, **words), "", "", "", *[gr.update(value=None, interactive=False)] * 2]


class Handlers:
    """What the page and the endpoint ask for; photos are paths, as the browser or a program sent them."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._remembered = shared_cache(REMEMBERED)(self._render)

    def _network(self, name: str) -> Autoencoder:
        return cast(Autoencoder, self._ctx.load_model(name))

    def _render(self, path_a: str, path_b: str, steps: int, way: str, model: str) -> Rendered:
        # the path of an upload holds the hash of its content, so it can stand for the photo
        return render(self._network(model), read_image(path_a), read_image(path_b), steps, way)

    def show(self, path_a: str | None, path_b: str | None, steps: float, way: str, model: str) -> list[Any]:
        """Shows the way between the two chosen pictures, or says what is wrong with them in its place."""
        if not path_a or not path_b:
            return self.miss(path_a or path_b)
        try:
            done = self._remembered(path_a, path_b, int(steps), way, model)
        except ImageError as error:
            return no_values(self._ctx, f"error.image.{error.code}", **error.values)
        return values(self._ctx, serve(self._ctx, done, self._network(model), model))

    def miss(self, other: str | None) -> list[Any]:
        """Asks for the missing picture, or for both when there is no other one."""
        return no_values(self._ctx, "vae.missing" if other else "vae.missing_both")

    def change_ends(self, paths: Sequence[str | None], model: str) -> list[str | None]:
        """Chooses the pictures to go on with after a change of model: own ones stay, built-in ones change."""
        chosen = zip(paths, example_ends(self._ctx, model), strict=True)
        return [(str(end[0]) if end else None) if is_built_in(self._ctx, path) else path for path, end in chosen]

    def hint(self, model: str) -> Any:
        """Says which pictures suit a model of ours, and of another one which kind it is."""
        latent = self._ctx.library.record(model).latent
        return gr.update(value=self._ctx.t(HINTS.get(model, f"menu.latent_{latent or 'global'}")))

    def sample(self, model: str, seed: float | None, temperature: float) -> str:
        """Shows pictures drawn from the prior, or says why there are none."""
        network = self._network(model)
        if not isinstance(network, GlobalAutoencoder):
            return view.empty(self._ctx, "menu.spatial_samples")
        pictures = upscale(draw(network, SAMPLES, int(seed or 0), temperature), SMALL_SIDE)
        return view.sample_grid([self._ctx.save_image(picture) for picture in pictures])

    def interpolate(
        self, image_a: str | None, image_b: str | None, steps: float, model: str, request: gr.Request
    ) -> tuple[list[str], str]:
        """Take one picture to another through a VAE: pictures of the way (PNG), and an animation (WebP)."""
        if not image_a or not image_b:
            missing = "image_b" if image_a else "image_a"
            raise look.sorry(self._ctx, request, "vae.error_missing", which=missing)
        try:
            done = self._remembered(image_a, image_b, int(steps), "lerp", model)
        except ImageError as error:
            raise look.image_error(self._ctx, request, error) from error
        frames = [self._ctx.save_image(picture) for picture in upscale(done.morph.path, LARGE_SIDE)]
        return frames, self._ctx.save_bytes(done.animation, ".webp")


def encodes_pictures(model: nn.Module) -> str:
    """Returns the key of the sentence that refuses a network which is no autoencoder."""
    return "" if isinstance(model, Autoencoder) else "menu.wrong_kind"


def build(ctx: Context) -> None:
    """Creates the components of the tab and connects them."""
    first = read_stored(ctx.first_paint / "vae")
    opening = values(ctx, first) if first else no_values(ctx, "vae.missing_both")
    look.lead(ctx, "vae.lead")
    with gr.Row(elem_classes="columns"):
        with gr.Column():
            model = look.pills(ctx, "vae.model", MODELS, OPENING_MODEL, "vae-model")
            with view.photo_row(), gr.Row():
                places = [_place(ctx, end, filled=first is not None) for end in (0, 1)]
            hint = look.note(ctx, HINTS[OPENING_MODEL])
            with look.options(ctx, "vae.options"):
                steps = gr.Slider(
                    MIN_STEPS, MAX_STEPS, DEFAULT_STEPS, step=1, label=ctx.t("vae.steps"), elem_id="vae-steps"
                )
                ways = {"lerp": "vae.way_lerp", "slerp": "vae.way_slerp"}
                way = look.pills(ctx, "vae.way", ways, "lerp", "vae-way")
        with gr.Column():
            player = view.panel(opening[0], "vae-result-animation")
            strip = view.panel(opening[1], "vae-result-strip")
            ends = view.panel(opening[2], "vae-result-ends")
            facts = look.html_line(opening[3], "facts", "vae-facts")
            with gr.Row():
                save_strip = _save(ctx, "strip", first.strip if first else None)
                save_animation = _save(ctx, "animation", first.animation if first else None)
    look.note(ctx, "vae.limit")
    sampling = _sampling(ctx)
    menu = model_menu(ctx, "vae", OPENING_MODEL, encodes_pictures)
    look.aside(ctx, "vae.about", "vae.about_text")
    results = [player, strip, ends, facts, save_strip, save_animation]
    handlers = Handlers(ctx)
    _connect_way(handlers, places, [steps, way], model, menu, hint, results)
    _connect_sampling(handlers, menu, sampling)
    _offer_endpoint(handlers)


def _place(ctx: Context, end: int, filled: bool) -> Place:
    """Places the photo at one end (0 or 1) with the strips of examples under it, one strip for each model."""
    letter = "ab"[end]
    paths = {model: example_ends(ctx, model)[end] for model in MODELS}
    opening = paths[OPENING_MODEL]
    with gr.Column(min_width=130):
        photo = look.photo(ctx, f"vae.{letter}", opening[0] if filled and opening else None, f"vae-{letter}")
        strips = {}
        for name, pictures in paths.items():
            strips[name] = look.strip(ctx, pictures, f"vae-examples-{letter}-{name.removeprefix('vae-')}")
            strips[name].visible = name == OPENING_MODEL and bool(pictures)
    return Place(photo, strips, paths)


def _save(ctx: Context, what: str, file: str | None) -> gr.DownloadButton:
    return gr.DownloadButton(
        ctx.t(f"vae.save_{what}"),  # type: ignore[arg-type]
        value=file,
        interactive=file is not None,
        scale=0,
        min_width=190,
        size="sm",
        elem_classes="quiet",
        elem_id=f"vae-save-{what}",
    )


def _sampling(ctx: Context) -> Sampling:
    """Places the samples from the prior."""
    gr.Markdown(ctx.t("vae.samples"))
    stored = sorted((ctx.first_paint / "vae").glob("sample-??.png"))
    grid = view.panel(view.sample_grid([str(path) for path in stored]), "vae-samples")
    with gr.Row():
        more = gr.Button(ctx.t("vae.more"), scale=0, min_width=160, size="sm", elem_id="vae-more")
        look.note(ctx, "vae.samples_note")
    with look.options(ctx, "vae.sample_options"):
        seed = gr.Number(0, minimum=0, maximum=LARGEST_SEED, precision=0, label=ctx.t("vae.seed"), elem_id="vae-seed")
        temperature = gr.Slider(
            0.0, 1.5, DRAW_TEMPERATURE, step=0.1, label=ctx.t("vae.temperature"), elem_id="vae-temperature"
        )
    return Sampling(grid, more, seed, temperature)


def _connect_way(
    handlers: Handlers,
    places: Sequence[Place],
    choices: Sequence[Any],
    model: gr.Radio,
    menu: Menu,
    hint: gr.Markdown,
    results: Sequence[Any],
) -> None:
    """Lets every choice of photos, model, steps and path show its result at once."""
    photos = [place.photo for place in places]
    steps, way = choices
    strips = [(name, strip, place) for place in places for name, strip in place.strips.items()]
    # one sign of work is enough, on the largest picture
    run = {
        "fn": handlers.show, "inputs": [*photos, *choices, menu.used], "outputs": results,
        "show_progress_on": results[0], **PRIVATE_MODEL_EVENT,
    }  # fmt: skip

    def on_model(path_a: str | None, path_b: str | None, model: str) -> list[Any]:
        shown = model if model in MODELS else OPENING_MODEL  # any pictures will do for models that are not ours
        visible = [gr.update(visible=name == shown and bool(place.paths[name])) for name, _, place in strips]
        pill = gr.update(value=model if model in MODELS else None)
        return [*handlers.change_ends([path_a, path_b], shown), *visible, handlers.hint(model), model, pill]

    # always_last: a change made while the network runs must not be lost
    uploads = [photo.upload for photo in photos]
    shown = [gr.on([*uploads, steps.release, way.input], **run, trigger_mode="always_last")]
    for name, strip, place in strips:
        picked = strip.click(
            lambda index, paths=place.paths[name]: str(paths[index]), strip, place.photo, **QUICK_EVENT
        )
        shown.append(picked.then(**run))
    outputs = [*photos, *(strip for _, strip, _ in strips), hint, menu.used, model]
    for event, source in ((model.input, model), (menu.switched.change, menu.used)):
        shown.append(event(on_model, [*photos, source], outputs, **QUICK_EVENT).then(**run))
    # Told of a removed photo, Gradio may still send that photo: only the other one is asked for. What is on its
    # way is cancelled, so that it does not appear beside a photo that is gone.
    for photo, other in zip(photos, reversed(photos), strict=True):
        photo.clear(handlers.miss, other, results, cancels=shown, **QUICK_EVENT)


def _connect_sampling(handlers: Handlers, menu: Menu, sampling: Sampling) -> None:
    """Lets model, seed and temperature draw new samples, and the button choose another seed."""

    def on_more(model: str, temperature: float) -> tuple[int, str]:
        seed = secrets.randbelow(LARGEST_SEED + 1)
        return seed, handlers.sample(model, seed, temperature)

    grid, more, seed, temperature = sampling
    gr.on(
        [menu.used.change, seed.submit, temperature.release],
        handlers.sample,
        [menu.used, seed, temperature],
        grid,
        trigger_mode="always_last",
        **PRIVATE_MODEL_EVENT,
    )
    more.click(on_more, [menu.used, temperature], [seed, grid], **PRIVATE_MODEL_EVENT)


def _offer_endpoint(handlers: Handlers) -> None:
    """Offers ``/interpolate`` to programs."""
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


def precompute(ctx: Context, folder: Path) -> None:
    """Writes the way between the opening examples, the first samples, and the portraits drawn as examples."""
    portraits = cast(ConvVAE, ctx.load_model("vae-portraits"))
    for seed in (*PORTRAIT_SEEDS[0], *PORTRAIT_SEEDS[1]):
        (portrait,) = upscale(draw(portraits, 1, seed, PORTRAIT_TEMPERATURE), SMALL_SIDE)
        portrait.save(folder / f"portrait-{seed:02d}.png", optimize=True)
    model = cast(ConvVAE, ctx.load_model(OPENING_MODEL))
    for number, image in enumerate(upscale(draw(model, SAMPLES, seed=0), SMALL_SIDE)):
        image.save(folder / f"sample-{number:02d}.png", optimize=True)
    first, last = (read_image(end[0]) for end in example_ends(ctx, OPENING_MODEL))
    render(model, first, last)  # a first run is slower, and its time would be shown for good
    store(folder, render(model, first, last), model, OPENING_MODEL)


DEMO = Demo("vae", 30, build, precompute)
