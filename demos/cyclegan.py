"""The CycleGAN tab: an apple becomes an orange, and the way back shows what was kept."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import torch
from gradio.components import Component
from PIL import Image
from torch import nn

from demos import _look as look
from demos._api import endpoint, photo_parameter
from demos._base import EXAMPLES, PRIVATE_MODEL_EVENT, Context, Demo
from demos._handles import Handles, Photo
from demos._menu import Menu, model_menu
from demos._own import shared_cache
from models.catalogue import Checkpoint
from models.cyclegan import PatchDiscriminator
from models.images import ImageError, fit_within, read_image, to_images, to_tensor

BACK = {"apple2orange": "orange2apple", "orange2apple": "apple2orange"}
SIDE = 256  # pixels; the generators are fully convolutional and were trained at half of it
MIN_SIDE = 32  # pixels; below, the reflecting borders would be most of the picture
FULL_COLOUR = 64  # levels of 255 at which the difference picture reaches its darkest tone
REMEMBERED = 64  # results kept, so that a room full of people on one example waits once
OPENING_EXAMPLE = "apple-01.jpg"
FRUITS = EXAMPLES / "fruit"
PICTURES = ("original", "translated", "back", "difference")


class TooNarrowError(ValueError):
    """The photo is too long and narrow to be translated."""


@dataclass(frozen=True)
class Translation:
    """A photo, its translation, the way back, and how far that is from the photo.

    Attributes:
        original: The photo at the size the networks saw.
        translated: The other fruit, of the same size.
        back: The translation translated back.
        difference: White where `back` equals `original`, teal where it differs.
        cycle_error: Mean absolute difference of `back` and `original`, in levels of 0 to 255.
        seconds: Time both networks took.
    """

    original: Image.Image
    translated: Image.Image
    back: Image.Image
    difference: Image.Image
    cycle_error: float
    seconds: float


def translate(photo: Image.Image, forward: nn.Module, backward: nn.Module) -> Translation:
    """Translates a photo there and back at its own aspect ratio, longest side `SIDE`.

    Args:
        photo: RGB picture of any size.
        forward: Generator into the other domain; (N, 3, H, W) in [-1, 1] to the same.
        backward: Generator of the opposite direction.

    Raises:
        TooNarrowError: If the photo is so narrow that its short side would be under `MIN_SIDE` pixels.
    """
    small = fit_within(photo, SIDE)
    if min(small.size) < MIN_SIDE:
        raise TooNarrowError(f"the short side would be {min(small.size)} px; crop to reach {MIN_SIDE} px")
    real = to_tensor(small)  # (1, 3, H, W)
    start = time.perf_counter()
    with torch.inference_mode():
        fake = forward(real)
        reconstructed = backward(fake)
    seconds = time.perf_counter() - start
    apart = (reconstructed - real).abs().mean(dim=1)[0].numpy() * 127.5  # (H, W) in levels
    translated, back = to_images(torch.cat([fake, reconstructed]))
    return Translation(small, translated, back, difference_picture(apart), float(apart.mean()), seconds)


def difference_picture(levels: np.ndarray) -> Image.Image:
    """Draws differences as one hue on white: none is white, `FULL_COLOUR` levels or more is deep teal.

    Args:
        levels: (H, W) absolute differences in levels of 0 to 255.
    """
    strength = np.clip(levels / FULL_COLOUR, 0.0, 1.0)[..., None]  # (H, W, 1)
    white, teal = np.array([255.0, 255.0, 255.0]), np.array([4.0, 72.0, 66.0])
    return Image.fromarray((white + (teal - white) * strength).round().astype(np.uint8))


def generators(record: Checkpoint, direction: str) -> tuple[str, str]:
    """Returns the names of the weights that translate in a direction and back, of which one is `record`'s.

    Where nothing is known of the opposite direction, our own generator takes it.
    """
    if record.direction in ("", direction):
        return record.name, record.partner or BACK[direction]
    return record.partner or direction, record.name


def example_direction(path: Path) -> str:
    """Returns the direction that makes sense for an example, told by the first word of its file name."""
    return "orange2apple" if path.name.startswith("orange") else "apple2orange"


def example_photos(folder: Path = FRUITS) -> list[Path]:
    """Returns the built-in photos of fruit, apples and oranges in turn."""
    kinds = [sorted(folder.glob(f"{kind}-*.jpg")) for kind in ("apple", "orange")]
    return [path for pair in zip(*kinds, strict=False) for path in pair][:10]


@dataclass(frozen=True)
class Shown:
    """What the page says about one result; pictures are paths, so that a stored result needs no copying."""

    pictures: tuple[str, ...]  # in the order of PICTURES
    direction: str
    weights: tuple[str, str]  # of the way there and of the way back
    size: tuple[int, int]
    cycle_error: float
    seconds: float
    prepared: bool = False

    def values(self, ctx: Context) -> list[Any]:
        """Returns the values of the components in the order in which `build` collects them."""
        facts = look.facts_line(ctx, self.weights, self.size, self.seconds, self.prepared)
        score = ctx.both("cyclegan.score", error=self.cycle_error)
        original, translated, back, difference = self.pictures
        return [translated, back, score, facts, (original, translated), difference]


NOTHING: list[Any] = [None, None, "", "", None, None]  # the same components when there is no photo


def show(ctx: Context, result: Translation, direction: str, weights: tuple[str, str]) -> Shown:
    """Puts the pictures of a result where the browser can fetch them."""
    pictures = (result.original, result.translated, result.back, result.difference)
    paths = tuple(ctx.save_image(picture) for picture in pictures)
    return Shown(paths, direction, weights, result.original.size, result.cycle_error, result.seconds)


def is_generator(model: nn.Module) -> str:
    """Returns the key of the sentence that refuses a network of this family which does not translate."""
    return "menu.wrong_kind" if isinstance(model, PatchDiscriminator) else ""


def build(ctx: Context) -> Handles:
    """Creates the components of the tab and connects them."""
    first = read_first_paint(ctx.first_paint / "cyclegan")
    shown: list[Any] = first.values(ctx) if first else NOTHING
    look.lead(ctx, "cyclegan.lead")
    choices = {name: f"cyclegan.{name}" for name in BACK}
    opening_direction = first.direction if first else "apple2orange"
    photos = example_photos()
    with gr.Row(elem_classes="toolbar"):
        direction = look.pills(ctx, "cyclegan.direction", choices, opening_direction, "cyclegan-direction")
        strip = look.strip(ctx, photos, "cyclegan-examples")
    with gr.Row(elem_classes="row-of-pictures"):
        opening_photo = FRUITS / OPENING_EXAMPLE if first else None
        photo = look.photo(ctx, "cyclegan.photo", opening_photo, "cyclegan-photo")
        translated = look.picture(ctx.t("cyclegan.translated"), shown[0], "cyclegan-translated")
        back = look.picture(ctx.t("cyclegan.back"), shown[1], "cyclegan-back")
    score = look.html_line(shown[2], "score", "cyclegan-score")
    facts = look.html_line(shown[3], "facts", "cyclegan-facts")
    with gr.Row(elem_classes="row-of-pictures"):
        slider = look.before_after(ctx.t("cyclegan.slider"), shown[4], "cyclegan-slider")
        difference = look.picture(ctx.t("cyclegan.difference"), shown[5], "cyclegan-difference")
    look.note(ctx, "cyclegan.limit")
    menu = model_menu(ctx, "cyclegan", "apple2orange", is_generator)
    look.aside(ctx, "cyclegan.about_title", "cyclegan.about")
    run = _connect(ctx, photo, direction, menu, strip, photos, [translated, back, score, facts, slider, difference])
    return Handles({"example": Photo(photo, [(strip, photos)])}, {"direction": direction}, (run,))


def _connect(
    ctx: Context,
    photo: gr.Image,
    direction: gr.Radio,
    menu: Menu,
    strip: gr.Dataset,
    photos: Sequence[Path],
    results: list[Component],
) -> dict[str, Any]:
    """Lets every change of photo or direction show its result at once, and offers ``/translate``."""

    @shared_cache(REMEMBERED)
    def remembered(path: str, forward: str, backward: str) -> Translation:
        # the path of an upload holds the hash of its content, so it can stand for the photo
        return translate(read_image(path), ctx.load_model(forward), ctx.load_model(backward))

    def result(path: str, weights: tuple[str, str], request: gr.Request) -> Translation:
        try:
            return remembered(path, *weights)
        except ImageError as error:
            raise look.image_error(ctx, request, error) from error
        except TooNarrowError as error:
            raise look.sorry(ctx, request, "cyclegan.too_narrow", ratio=SIDE // MIN_SIDE) from error

    def on_change(path: str | None, direction: str, used: str, request: gr.Request) -> list[Any]:
        if not path:
            return NOTHING
        weights = generators(ctx.library.record(used), direction)
        return show(ctx, result(path, weights, request), direction, weights).values(ctx)

    def on_example(index: int) -> tuple[str, str]:
        return str(photos[index]), example_direction(photos[index])

    def api_translate(image: str | None, direction: str, request: gr.Request) -> tuple[str, str, float]:
        """Turn an apple into an orange or back; cycle_error is the mean error of the way back, 0 to 255."""
        if not image:
            raise look.sorry(ctx, request, "error.no_photo")
        done = result(image, (direction, BACK[direction]), request)
        return ctx.save_image(done.translated), ctx.save_image(done.back), round(done.cycle_error, 3)

    inputs = [photo, direction, menu.used]
    run: dict[str, Any] = {"fn": on_change, "inputs": inputs, "outputs": results, **PRIVATE_MODEL_EVENT}
    # A switch thrown while the networks run must not be lost: always_last. Not photo.change: replacing a photo
    # fires it twice, and clearing it may send the photo that was there.
    changed = gr.on([photo.upload, direction.input, menu.switched.change], **run, trigger_mode="always_last")
    picked = strip.click(on_example, strip, [photo, direction], queue=False, api_visibility="private")
    shown = picked.then(**run)
    # Cancelled, a result on its way does not appear beside a photo that is gone.
    photo.clear(lambda: NOTHING, None, results, cancels=[changed, shown], queue=False, api_visibility="private")
    endpoint(
        api_translate,
        [
            photo_parameter("image"),
            gr.Radio(list(BACK), value="apple2orange", label="direction", render=False),
        ],
        [
            gr.Image(label="translated", format="png", render=False),
            gr.Image(label="back", format="png", render=False),
            gr.Number(label="cycle_error", render=False),
        ],
        "translate",
    )
    return run


def read_first_paint(folder: Path) -> Shown | None:
    """Reads the finished result the tab opens on, or None when `precompute` has not been run."""
    facts = folder / "result.json"
    if not facts.is_file():
        return None
    stored = json.loads(facts.read_text("utf-8"))
    stored["size"] = tuple(stored["size"])
    stored["weights"] = (stored["direction"], BACK[stored["direction"]])
    pictures = tuple(str(folder / f"{name}.png") for name in PICTURES)
    return Shown(pictures, **stored, prepared=True)


def precompute(ctx: Context, folder: Path) -> None:
    """Writes the translation of the opening example and the facts about it."""
    path = FRUITS / OPENING_EXAMPLE
    direction = example_direction(path)
    result = translate(read_image(path), ctx.load_model(direction), ctx.load_model(BACK[direction]))
    for name in PICTURES:
        getattr(result, name).save(folder / f"{name}.png", optimize=True)
    facts = {
        "direction": direction,
        "size": result.original.size,
        "cycle_error": round(result.cycle_error, 3),
        "seconds": round(result.seconds, 3),
    }
    (folder / "result.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


DEMO = Demo("cyclegan", 10, build, precompute)
