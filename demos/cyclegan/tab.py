"""The CycleGAN tab: an apple becomes an orange, and the cycle reconstruction shows what was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from PIL import Image
from torch import nn

from demos.core.cache import public_lru_cache
from demos.core.context import Context, Demo
from demos.core.events import LATEST_MODEL_EVENT, LATEST_PROMPT_EVENT, LATEST_QUICK_EVENT
from demos.core.tab_interface import Photo, SummaryCell, TabInterface
from demos.cyclegan import translation
from demos.cyclegan.ablation import ablation_section, precompute_ablation
from demos.cyclegan.cards import TITLES, precompute_thumbnails
from demos.cyclegan.full_resolution import full_resolution_section
from demos.cyclegan.identity_test import failures_section, identity_section, precompute_limits
from demos.cyclegan.quiz.audience import quiz_room
from demos.cyclegan.quiz.quiz_ui import quiz_section
from demos.cyclegan.results import EMPTY, cycle_error_line, read_first_paint, result_numbers, show, write_first_paint
from demos.cyclegan.steganography import precompute_curve, steganography_section
from demos.cyclegan.translation import BACK, FRUITS, OPENING_EXAMPLE
from demos.ui import layout, widgets
from demos.ui.api_endpoint import endpoint, photo_parameter
from demos.ui.model_menu.menu import Menu, model_menu
from demos.ui.share_picture import share_button
from demos.ui.shelf.shelf import Shelf, cards
from demos.ui.shelf.shelf import shelf as place_shelf
from models.analysis.cyclegan_calibration import calibration
from models.data.images import read_image
from models.networks.cyclegan import PatchDiscriminator

SHARED = [["#cyclegan-photo img"], ["#cyclegan-translated img"]]


def is_generator(model: nn.Module) -> str:
    """Return the key of the sentence that refuses a network of this family which does not translate."""
    return "menu.wrong_kind" if isinstance(model, PatchDiscriminator) else ""


def build(ctx: Context) -> TabInterface:
    """Create the components of the tab and connect them."""
    first = read_first_paint(ctx)
    shown = first or EMPTY
    choices = {name: f"cyclegan.{name}" for name in BACK}
    photos = translation.example_photos()
    results: dict[str, Component] = {}
    with layout.hero(ctx, "cyclegan"):
        with gr.Row(elem_classes="toolbar"):
            opening = translation.example_direction(FRUITS / OPENING_EXAMPLE)
            direction = widgets.pills(ctx, "cyclegan.direction", choices, opening, "cyclegan-direction")
            strip = widgets.strip(ctx, photos, "cyclegan-examples")
        with layout.stage():
            with gr.Row(elem_classes="row-of-pictures"):
                photo = widgets.photo(
                    ctx, "cyclegan.photo", FRUITS / OPENING_EXAMPLE if first else None, "cyclegan-photo"
                )
                label = ctx.t("cyclegan.translated")
                results["slider"] = widgets.before_after(label, shown["slider"], "cyclegan-translated", 100)
                results["back"] = widgets.image(ctx.t("cyclegan.back"), shown["back"], "cyclegan-back")
            results["warning"] = widgets.html_line(shown["warning"], "warning", "cyclegan-warning")
            results["verdict"] = widgets.html_line(shown["verdict"], "verdict", "cyclegan-verdict")
        share_button(ctx, "cyclegan.share", SHARED, "#cyclegan-verdict p")
    shelf = place_shelf(ctx, "cyclegan", cards(ctx, "cyclegan", TITLES))
    results["facts"] = widgets.html_line(shown["facts"], "facts", "cyclegan-facts")
    results |= _build_details(shelf, shown)
    menu = model_menu(ctx, "cyclegan", "apple2orange", is_generator, shelf=shelf)
    own_images, open_room = _fill_shelf(shelf, photo, direction, menu.used)
    layout.how_it_works(ctx, "cyclegan")
    widgets.aside(ctx, "cyclegan.about_title", "cyclegan.about")
    quiz_room(ctx, own_images, open_room)
    run = _connect(ctx, photo, direction, menu, strip, photos, results)
    return TabInterface(
        {"example": Photo(photo, [(strip, photos)])},
        {"direction": direction, "weights": menu.linked},
        (menu.open_linked, run),
        summary=lambda image: summary(ctx, image),
    )


def _build_details(shelf: Shelf, shown: Mapping[str, Any]) -> dict[str, Component]:
    """Place the panel that says how the numbers of the hero are measured, with the files to save."""
    ctx, results = shelf.ctx, dict[str, Component]()
    with shelf.drawer("details", "common.details"):
        with gr.Row(elem_classes="row-of-pictures"):
            for name, line in (("judged", "convincing"), ("difference", "score")):
                with gr.Column():
                    results[name] = widgets.image(ctx.t(f"cyclegan.{name}"), shown[name], f"cyclegan-{name}")
                    results[line] = widgets.html_line(shown[line], "score", f"cyclegan-{line}")
        with gr.Row(elem_classes="toolbar"):
            for name in ("strip", "numbers"):
                results[name] = widgets.download(ctx, f"cyclegan.{name}", f"cyclegan-{name}", shown[name], size="sm")
    return results


def _fill_shelf(shelf: Shelf, photo: gr.Image, direction: gr.Radio, used: gr.State) -> tuple[gr.File, gr.Button]:
    """Fill the cards; return the input of images for the quiz, and the button that opens a room."""
    with shelf.card("quiz"):
        own_images, open_room = quiz_section(shelf.ctx)
    with shelf.card("own", deferred=True) as panel:
        full_resolution_section(shelf.ctx, panel, photo, direction, used)
    with shelf.card("halves", deferred=True):
        ablation_section(shelf.ctx, photo, direction)
        identity_section(shelf.ctx, photo, direction, used)
    with shelf.card("message", deferred=True):
        steganography_section(shelf.ctx, photo, direction, used)
    with shelf.card("failures", deferred=True):
        failures_section(shelf.ctx)
    return own_images, open_room


def direction_choices(ctx: Context, used: str) -> dict[str, Any]:
    """Return an update with the names of the two directions for the weights in use; hidden for a single generator."""
    record = ctx.library.record(used)
    choices = [(ctx.t(f"cyclegan.{translation.named_direction(record, name) or name}"), name) for name in BACK]
    return gr.update(choices=choices, visible=bool(record.direction))


def summary(ctx: Context, image: Image.Image) -> SummaryCell:
    """Return the translation of an apple with our own weights, and its cycle error."""
    done = translation.translate_cycle(image, ctx.load_model("apple2orange"), ctx.load_model("orange2apple"))
    return SummaryCell(done.translated, cycle_error_line(ctx, "", done.cycle_error, None), "tab=cyclegan")


def _connect(
    ctx: Context,
    photo: gr.Image,
    direction: gr.Radio,
    menu: Menu,
    strip: gr.Dataset,
    photos: Sequence[Path],
    results: dict[str, Component],
) -> dict[str, Any]:
    """Connect the events and offer the endpoints; return the event that shows the result."""

    # The path of an upload contains the hash of its content, so it can stand for the photo.
    @public_lru_cache()
    def cached_cycle(path: str, weights: tuple[str, ...]) -> translation.CycleTranslation:
        return translation.translate_cycle(read_image(path), *map(ctx.load_model, weights))

    @public_lru_cache()
    def cached_translation(path: str, name: str) -> translation.Translation:
        return translation.translate(read_image(path), ctx.load_model(name))

    @public_lru_cache()
    def cached_assessment(path: str, direction: str, weights: tuple[str, ...]) -> translation.Assessment:
        return translation.assess(cached_cycle(path, weights), direction, ctx.load_model, calibration())

    def given(path: str | None, request: gr.Request) -> str:
        if not path:
            raise widgets.user_error(ctx, request, "error.no_photo")
        return path

    def on_change(path: str | None, direction: str, used: str, request: gr.Request) -> dict[Component, Any]:
        if not path:
            return on_clear()
        record = ctx.library.record(used)
        weights = translation.generators(record, direction)
        try:
            with widgets.user_errors(ctx, request):
                done = cached_cycle(path, weights) if weights[1:] else cached_translation(path, weights[0])
        except gr.Error as error:
            widgets.warn(error)
            return on_clear()
        assessment = cached_assessment(path, direction, weights) if translation.translates_fruit(record) else None
        values = show(ctx, done, assessment, translation.named_direction(record, direction), weights)
        return {results[name]: value for name, value in values.items()}

    def on_clear() -> dict[Component, Any]:
        return {results[name]: value for name, value in EMPTY.items()}

    def on_example(index: int) -> tuple[str, str]:
        return str(photos[index]), translation.example_direction(photos[index])

    def api_translate(image: str | None, direction: str, request: gr.Request) -> tuple[str, str, float]:
        """Turn an apple into an orange or back; cycle_error is the mean error of the way back, 0 to 255."""
        with widgets.user_errors(ctx, request):
            done = cached_cycle(given(image, request), (direction, BACK[direction]))
        return ctx.save_image(done.translated), ctx.save_image(done.reconstruction), round(done.cycle_error, 3)

    def api_judge(image: str | None, direction: str, request: gr.Request) -> tuple[str, dict[str, Any]]:
        """Translate a photo and check the result: a heat map of the discriminator, and the numbers of the page.

        "convincing" is the share of held-out photos that the discriminator finds less convincing, "larger_error" the
        share whose round trip ends closer, "kinds" how likely the photo is an apple, an orange or neither.
        """
        path, weights = given(image, request), (direction, BACK[direction])
        with widgets.user_errors(ctx, request):
            done = cached_cycle(path, weights)
        assessment = cached_assessment(path, direction, weights)
        return ctx.save_image(assessment.heat_map), result_numbers(done, assessment, direction, weights)

    outputs = list(results.values())
    inputs = [photo, direction, menu.used]
    # Through the queue: outside it Gradio does not tell whose page asks.
    menu.used.change(lambda used: direction_choices(ctx, used), menu.used, direction, **LATEST_PROMPT_EVENT)
    run: dict[str, Any] = {"fn": on_change, "inputs": inputs, "outputs": outputs, **LATEST_MODEL_EVENT}
    # Not photo.change: replacing a photo fires it twice, and clearing it may send the photo that was there.
    changed = gr.on([photo.upload, direction.input, menu.switched.change], **run)
    picked = strip.click(on_example, strip, [photo, direction], **LATEST_QUICK_EVENT)
    shown = picked.then(**run)
    # Cancelled, a result on its way does not appear beside a photo that is gone.
    photo.clear(on_clear, None, outputs, cancels=[changed, shown], **LATEST_QUICK_EVENT)

    def parameters() -> list[Component]:
        return [photo_parameter("image"), gr.Radio(list(BACK), value="apple2orange", label="direction", render=False)]

    images = [gr.Image(label=name, format="png", render=False) for name in ("translated", "back")]
    endpoint(api_translate, parameters(), [*images, gr.Number(label="cycle_error", render=False)], "translate")
    heat_map = gr.Image(label="judged", format="png", render=False)
    endpoint(api_judge, parameters(), [heat_map, gr.JSON(label="numbers", render=False)], "judge_translation")
    return run


def precompute(ctx: Context, folder: Path) -> None:
    """Write the translation of the opening example and the results of the sections."""
    path = FRUITS / OPENING_EXAMPLE
    direction = translation.example_direction(path)
    done = translation.translate_cycle(read_image(path), ctx.load_model(direction), ctx.load_model(BACK[direction]))
    assessment = translation.assess(done, direction, ctx.load_model, calibration())
    write_first_paint(folder, done, assessment, direction)
    precompute_ablation(ctx, folder)
    precompute_curve(ctx, folder)
    precompute_limits(ctx, folder)
    precompute_thumbnails(ctx, folder, done, assessment.heat_map)


def preview(ctx: Context) -> list[Image.Image]:
    """Return the opening example and its translation."""
    return [Image.open(ctx.first_paint / "cyclegan" / f"{name}.png") for name in ("original", "translated")]


DEMO = Demo("cyclegan", build, precompute, preview)
