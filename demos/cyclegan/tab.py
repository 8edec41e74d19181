"""The CycleGAN tab: an apple becomes an orange, and the way back shows what was kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from torch import nn

from demos.core.cache import public_lru_cache
from demos.core.context import Context, Demo
from demos.core.events import PRIVATE_MODEL_EVENT, PROMPT_EVENT, QUICK_EVENT
from demos.core.tab_interface import Photo, TabInterface
from demos.cyclegan.ablation import halves_fold, precompute_halves
from demos.cyclegan.full_resolution import own_fold
from demos.cyclegan.identity_test import limits_folds, precompute_limits
from demos.cyclegan.quiz.audience import quiz_room
from demos.cyclegan.quiz.quiz_ui import quiz_fold
from demos.cyclegan.results import facts_of, nothing, read_first_paint, show, write_first_paint
from demos.cyclegan.steganography import message_fold, precompute_message
from demos.cyclegan.translation import (
    BACK,
    FRUITS,
    MIN_SIDE,
    OPENING_EXAMPLE,
    SIDE,
    Judgement,
    OneWay,
    TooNarrowError,
    Translation,
    assess,
    example_direction,
    example_photos,
    generators,
    knows_fruit,
    named_direction,
    translate,
    translate_one_way,
)
from demos.ui import widgets
from demos.ui.api_endpoint import endpoint, photo_parameter
from demos.ui.model_menu.menu import Menu, model_menu
from models.analysis.cyclegan_calibration import calibration
from models.data.images import ImageError, read_image
from models.networks.cyclegan import PatchDiscriminator


def is_generator(model: nn.Module) -> str:
    """Return the key of the sentence that refuses a network of this family which does not translate."""
    return "menu.wrong_kind" if isinstance(model, PatchDiscriminator) else ""


def build(ctx: Context) -> TabInterface:
    """Create the components of the tab and connects them."""
    first = read_first_paint(ctx.first_paint / "cyclegan")
    shown = first.values(ctx) if first else nothing()
    widgets.lead(ctx, "cyclegan.lead")
    choices = {name: f"cyclegan.{name}" for name in BACK}
    opening_direction = first.direction if first else "apple2orange"
    photos = example_photos()
    with gr.Row(elem_classes="toolbar"):
        direction = widgets.pills(ctx, "cyclegan.direction", choices, opening_direction, "cyclegan-direction")
        strip = widgets.strip(ctx, photos, "cyclegan-examples")
    with gr.Row(elem_classes="row-of-pictures"):
        opening_photo = FRUITS / OPENING_EXAMPLE if first else None
        photo = widgets.photo(ctx, "cyclegan.photo", opening_photo, "cyclegan-photo")
        results: dict[str, Component] = {
            name: widgets.image(ctx.t(f"cyclegan.{name}"), shown[name], f"cyclegan-{name}")
            for name in ("translated", "back")
        }
    results["warning"] = widgets.html_line(shown["warning"], "warning", "cyclegan-warning")
    results["facts"] = widgets.html_line(shown["facts"], "facts", "cyclegan-facts")
    results |= _checks(ctx, shown)
    widgets.note(ctx, "cyclegan.limit")
    results |= _files(ctx, shown)
    folds = gr.Column()
    menu = model_menu(ctx, "cyclegan", "apple2orange", is_generator)
    with folds:
        halves_fold(ctx, photo, direction)
        message_fold(ctx, photo, direction, menu.used)
        images, room = quiz_fold(ctx)
        own_fold(ctx, photo, direction, menu.used)
        limits_folds(ctx, photo, direction, menu.used)
    widgets.aside(ctx, "cyclegan.about_title", "cyclegan.about")
    quiz_room(ctx, images, room)
    run = _connect(ctx, photo, direction, menu, strip, photos, results)
    settings = {"direction": direction, "weights": menu.linked}
    return TabInterface({"example": Photo(photo, [(strip, photos)])}, settings, (menu.open_linked, run))


def _checks(ctx: Context, shown: dict[str, Any]) -> dict[str, Component]:
    """Place the two checks, each an image and what it says, and the two images to compare."""
    placed: dict[str, Component] = {}
    with gr.Row(elem_classes="row-of-pictures"):
        for image, line in (("judged", "convincing"), ("difference", "score")):
            with gr.Column():
                placed[image] = widgets.image(ctx.t(f"cyclegan.{image}"), shown[image], f"cyclegan-{image}")
                placed[line] = widgets.html_line(shown[line], "score", f"cyclegan-{line}")
        placed["slider"] = widgets.before_after(ctx.t("cyclegan.slider"), shown["slider"], "cyclegan-slider")
    return placed


def _files(ctx: Context, shown: dict[str, Any]) -> dict[str, Component]:
    """Place the buttons that give the result away as files."""
    with gr.Row(elem_classes="toolbar"):
        return {
            name: gr.DownloadButton(
                ctx.t(f"cyclegan.{name}"),  # type: ignore[arg-type]
                value=shown[name],
                elem_id=f"cyclegan-{name}",
                elem_classes="quiet",
                size="sm",
            )
            for name in ("strip", "numbers")
        }


def ways(ctx: Context, used: str) -> dict[str, Any]:
    """Return the two directions as they are called for the weights in use; a single generator leaves no choice."""
    record = ctx.library.record(used)
    named = {way: named_direction(record, way) or way for way in BACK}
    choices = [(ctx.t(f"cyclegan.{name}"), way) for way, name in named.items()]
    return gr.update(choices=choices, visible=bool(record.direction))


def whole(done: OneWay) -> Translation:
    """Return a result that is known to have a way back."""
    assert isinstance(done, Translation)
    return done


def _connect(
    ctx: Context,
    photo: gr.Image,
    direction: gr.Radio,
    menu: Menu,
    strip: gr.Dataset,
    photos: Sequence[Path],
    results: dict[str, Component],
) -> dict[str, Any]:
    """Let every change of photo or direction show its result at once, and offers the endpoints; returns how."""

    @public_lru_cache()
    def translated(path: str, weights: tuple[str, ...]) -> OneWay:
        # the path of an upload holds the hash of its content, so it can stand for the photo
        photo, there = read_image(path), ctx.load_model(weights[0])
        return translate(photo, there, ctx.load_model(weights[1])) if weights[1:] else translate_one_way(photo, there)

    @public_lru_cache()
    def judged_by_fruit(path: str, direction: str, weights: tuple[str, ...]) -> Judgement:
        return assess(whole(translated(path, weights)), direction, ctx.load_model, calibration())

    def result(path: str | None, weights: tuple[str, ...], request: gr.Request) -> OneWay:
        if not path:
            raise widgets.user_error(ctx, request, "error.no_photo")
        try:
            return translated(path, weights)
        except ImageError as error:
            raise widgets.image_error(ctx, request, error) from error
        except TooNarrowError as error:
            raise widgets.user_error(ctx, request, "cyclegan.too_narrow", ratio=SIDE // MIN_SIDE) from error

    def on_change(path: str | None, direction: str, used: str, request: gr.Request) -> dict[Component, Any]:
        if not path:
            return on_clear()
        record = ctx.library.record(used)
        weights = generators(record, direction)
        done = result(path, weights, request)
        judged = judged_by_fruit(path, direction, weights) if knows_fruit(record) else None
        values = show(ctx, done, judged, named_direction(record, direction), weights).values(ctx)
        return {results[name]: value for name, value in values.items()}

    def on_clear() -> dict[Component, Any]:
        return {results[name]: value for name, value in nothing().items()}

    def on_example(index: int) -> tuple[str, str]:
        return str(photos[index]), example_direction(photos[index])

    def api_translate(image: str | None, direction: str, request: gr.Request) -> tuple[str, str, float]:
        """Turn an apple into an orange or back; cycle_error is the mean error of the way back, 0 to 255."""
        done = whole(result(image, (direction, BACK[direction]), request))
        return ctx.save_image(done.translated), ctx.save_image(done.back), round(done.cycle_error, 3)

    def api_judge(image: str | None, direction: str, request: gr.Request) -> tuple[str, dict[str, Any]]:
        """Translate a photo and check the result: a heat map of the discriminator, and the numbers of the page.

        "convincing" is the share of held-out photos that the discriminator finds less convincing, "larger_error" the
        share whose round trip ends closer, "kinds" how likely the photo is an apple, an orange or neither.
        """
        weights = (direction, BACK[direction])
        done = result(image, weights, request)
        judged = judged_by_fruit(str(image), direction, weights)
        return ctx.save_image(judged.image), facts_of(done, judged, direction, weights)

    outputs = list(results.values())
    inputs = [photo, direction, menu.used]
    # A choice made while the networks run must not be lost: always_last. Not photo.change: replacing a photo
    # fires it twice, and clearing it may send the photo that was there.
    latest: dict[str, Any] = {"trigger_mode": "always_last", **PRIVATE_MODEL_EVENT}
    # through the queue, without which Gradio does not tell whose page asks
    menu.used.change(lambda used: ways(ctx, used), menu.used, direction, trigger_mode="always_last", **PROMPT_EVENT)
    run: dict[str, Any] = {"fn": on_change, "inputs": inputs, "outputs": outputs, **latest}
    changed = gr.on([photo.upload, direction.input, menu.switched.change], **run)
    picked = strip.click(on_example, strip, [photo, direction], trigger_mode="always_last", **QUICK_EVENT)
    shown = picked.then(**run)
    # Cancelled, a result on its way does not appear beside a photo that is gone.
    photo.clear(on_clear, None, outputs, cancels=[changed, shown], trigger_mode="always_last", **QUICK_EVENT)

    def parameters() -> list[Component]:
        ways = gr.Radio(list(BACK), value="apple2orange", label="direction", render=False)
        return [photo_parameter("image"), ways]

    images = [gr.Image(label=name, format="png", render=False) for name in ("translated", "back")]
    endpoint(api_translate, parameters(), [*images, gr.Number(label="cycle_error", render=False)], "translate")
    heat = gr.Image(label="judged", format="png", render=False)
    endpoint(api_judge, parameters(), [heat, gr.JSON(label="numbers", render=False)], "judge_translation")
    return run


def precompute(ctx: Context, folder: Path) -> None:
    """Write the translation of the opening example, the curves and galleries of the folds, and facts about them."""
    path = FRUITS / OPENING_EXAMPLE
    direction = example_direction(path)
    done = translate(read_image(path), ctx.load_model(direction), ctx.load_model(BACK[direction]))
    write_first_paint(folder, done, assess(done, direction, ctx.load_model, calibration()), direction)
    precompute_halves(ctx, folder)
    precompute_message(ctx, folder)
    precompute_limits(ctx, folder)


DEMO = Demo("cyclegan", build, precompute)
