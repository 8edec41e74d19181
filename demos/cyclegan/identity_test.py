"""The identity test (an orange into apple → orange, arXiv 1703.10593 §5.2), and a small gallery of failures."""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr
import torch
from PIL import Image
from torch import nn

from demos.core.context import Context
from demos.core.events import LATEST_MODEL_EVENT
from demos.core.paths import EXAMPLES
from demos.cyclegan.results import (
    figure,
    fixed_weights_line,
    generator_pair,
    grid,
    open_photo,
    panel,
    text_cell,
    weights_line,
    write_json,
)
from demos.cyclegan.translation import FRUITS, absolute_difference, difference_image, fit_photo, translate
from demos.ui import widgets
from models.analysis.cyclegan_calibration import DIRECTIONS, calibration
from models.analysis.signal_detection import percentile
from models.data.images import read_image, to_images, to_tensor

FAILURES = {  # caption -> image and direction
    "lighthouse": (EXAMPLES / "scenes" / "lighthouse.jpg", "apple2orange"),
    "green": (FRUITS / "apple-03.jpg", "apple2orange"),
    "dark": (FRUITS / "apple-04.jpg", "apple2orange"),
    "halves": (FRUITS / "orange-04.jpg", "orange2apple"),
}
IDENTITY_EXAMPLE = FRUITS / "orange-01.jpg"
CAPTIONS = {"photo": "photo_caption", "same": "identity_made", "changed": "identity_changed"}


@torch.inference_mode()
def identity_mapping(photo: Image.Image, generator: nn.Module) -> tuple[dict[str, Image.Image], float]:
    """Return the images of `CAPTIONS` and their difference in levels of 255, for a photo of the target domain."""
    real = to_tensor(photo)
    same = generator(real)
    difference = absolute_difference(same, real)
    images = {"photo": photo, "same": to_images(same)[0], "changed": difference_image(difference)}
    return images, float(difference.mean())


def identity_html(ctx: Context, files: dict[str, str], weights: str, moved: float) -> str:
    """Return photo, output and difference, and for our own weights the percentile among held-out photos."""
    cells = [figure(files[name], ctx.localize_html(f"cyclegan.{key}")) for name, key in CAPTIONS.items()]
    return grid([*cells, text_cell(_identity_text(ctx, weights, moved) + weights_line(ctx, [weights]))], 3)


def _identity_text(ctx: Context, weights: str, moved: float) -> str:
    if weights not in DIRECTIONS:
        return ctx.localize_html("cyclegan.identity_said", moved=moved)
    target = DIRECTIONS[weights][1]  # our own weights, named as their direction, are those that were measured
    known = calibration().identity_error[target]
    values = {"moved": moved, "share": percentile(moved, known), "count": len(known), "median": known[len(known) // 2]}
    return ctx.localize_html(f"cyclegan.identity_said_{target}", **values)


def precompute_limits(ctx: Context, folder: Path) -> None:
    """Write the identity test of one orange and the gallery."""
    folder = folder / "limits"
    folder.mkdir(exist_ok=True)
    images, moved = identity_mapping(fit_photo(read_image(IDENTITY_EXAMPLE)), ctx.load_model("apple2orange"))
    for name, image in images.items():
        image.save(folder / f"{name}.webp", quality=92)
    write_json(folder / "identity.json", {"moved": round(moved, 3)})
    for name, (path, direction) in FAILURES.items():
        done = translate(read_image(path), ctx.load_model(direction))
        done.original.save(folder / f"{name}-photo.webp", quality=88)
        done.translated.save(folder / f"{name}-made.webp", quality=88)


def identity_section(ctx: Context, photo: gr.Image, direction: gr.Radio, used: gr.State) -> None:
    """Place the identity test; without a precomputed result only its button."""

    def on_click(path: str | None, direction: str, used: str, request: gr.Request) -> str:
        # The photo is of the domain that this direction starts from: the target domain of the other generator.
        image = open_photo(ctx, request, path)
        _, name = generator_pair(ctx, request, used, direction)
        images, moved = identity_mapping(image, ctx.load_model(name))
        return identity_html(ctx, {key: ctx.save_image(each) for key, each in images.items()}, name, moved)

    folder = ctx.first_paint / "cyclegan" / "limits"
    opening = ""
    if (folder / "identity.json").is_file():
        moved = json.loads((folder / "identity.json").read_text("utf-8"))["moved"]
        opening = identity_html(ctx, {name: str(folder / f"{name}.webp") for name in CAPTIONS}, "apple2orange", moved)
    gr.Markdown(ctx.t("cyclegan.identity"), elem_classes="part")
    widgets.note(ctx, "cyclegan.identity_lead")
    result = panel(opening, "cyclegan-identity")
    run = gr.Button(ctx.t("cyclegan.identity_run"), elem_id="cyclegan-identity-run")
    run.click(on_click, [photo, direction, used], result, **LATEST_MODEL_EVENT)


def failures_section(ctx: Context) -> None:
    """Place the gallery; without precomputed results only what it is about."""
    folder = ctx.first_paint / "cyclegan" / "limits"
    widgets.note(ctx, "cyclegan.failures_lead")
    fixed_weights_line(ctx, sorted(DIRECTIONS))
    cells: list[str] = []
    for name in FAILURES:
        if (folder / f"{name}-made.webp").is_file():
            cells += [figure(str(folder / f"{name}-{image}.webp")) for image in ("photo", "made")]
            cells.append(text_cell(ctx.localize_html(f"cyclegan.failure_{name}")))
    panel(grid(cells, 2), "cyclegan-failures")
    widgets.note(ctx, "cyclegan.limit")
