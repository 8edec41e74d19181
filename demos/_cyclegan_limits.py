"""The identity test (an orange into apple → orange), and a small gallery of what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import gradio as gr
import torch
from PIL import Image

from demos import _look as look
from demos._base import EXAMPLES, PRIVATE_MODEL_EVENT, Context
from demos._cyclegan import BACK, FRUITS, LoadModel, difference_picture, levels_apart, prepared
from demos._cyclegan_view import figure, grid, opened, panel, said
from models.calibration import DIRECTIONS, calibration
from models.detection import percentile
from models.images import read_image, to_images, to_tensor

FAILURES = {  # caption -> picture and direction
    "lighthouse": (EXAMPLES / "scenes" / "lighthouse.jpg", "apple2orange"),
    "green": (FRUITS / "apple-03.jpg", "apple2orange"),
    "dark": (FRUITS / "apple-04.jpg", "apple2orange"),
    "halves": (FRUITS / "orange-04.jpg", "orange2apple"),
}
IDENTITY_EXAMPLE = FRUITS / "orange-01.jpg"


@torch.inference_mode()
def leave_alone(photo: Image.Image, direction: str, load_model: LoadModel) -> tuple[Image.Image, Image.Image, float]:
    """Gives a generator a photo of the fruit it makes (arXiv 1703.10593 §5.2).

    Returns:
        What it makes of it, the difference picture, and how far it moved it in levels of 255.
    """
    real = to_tensor(photo)
    same = load_model(direction)(real)
    apart = levels_apart(same, real)
    return to_images(same)[0], difference_picture(apart), float(apart.mean())


def identity_html(ctx: Context, pictures: tuple[str, str, str], direction: str, moved: float) -> str:
    """Writes photo, what the generator made of it, what changed, and how much that is among held-out photos."""
    target, known = DIRECTIONS[direction][1], calibration().identity_error[DIRECTIONS[direction][1]]
    captions = ("photo_caption", "identity_made", "identity_changed")
    cells = [figure(path, ctx.both(f"cyclegan.{key}")) for path, key in zip(pictures, captions, strict=True)]
    values = {"moved": moved, "share": percentile(moved, known), "count": len(known), "median": known[len(known) // 2]}
    return grid([*cells, said(ctx.both(f"cyclegan.identity_said_{target}", **values))], 3)


def precompute_limits(ctx: Context, folder: Path) -> None:
    """Writes the identity test of one orange and the gallery."""
    here = folder / "limits"
    here.mkdir(exist_ok=True)
    photo = prepared(read_image(IDENTITY_EXAMPLE))
    same, changed, moved = leave_alone(photo, "apple2orange", ctx.load_model)
    for name, image in (("photo", photo), ("same", same), ("changed", changed)):
        image.save(here / f"{name}.webp", quality=92)
    (here / "identity.json").write_text(json.dumps({"moved": round(moved, 3)}) + "\n", "utf-8")
    for name, (path, direction) in FAILURES.items():
        image = prepared(read_image(path))
        with torch.inference_mode():
            made = to_images(ctx.load_model(direction)(to_tensor(image)))[0]
        image.save(here / f"{name}-photo.webp", quality=88)
        made.save(here / f"{name}-made.webp", quality=88)


def limits_folds(ctx: Context, photo: gr.Image, direction: gr.Radio) -> None:
    """Places both folds; without prepared results there is only the button of the identity test."""
    here = ctx.first_paint / "cyclegan" / "limits"
    opening = ""
    if (here / "identity.json").is_file():
        moved = json.loads((here / "identity.json").read_text("utf-8"))["moved"]
        paths = [str(here / f"{name}.webp") for name in ("photo", "same", "changed")]
        opening = identity_html(ctx, (paths[0], paths[1], paths[2]), "apple2orange", moved)
    with look.options(ctx, "cyclegan.identity"):
        look.note(ctx, "cyclegan.identity_lead")
        result = panel(opening, "cyclegan-identity")
        run = gr.Button(ctx.t("cyclegan.identity_run"), elem_id="cyclegan-identity-run")
        run.click(_on_identity(ctx), [photo, direction], result, **PRIVATE_MODEL_EVENT)
    if all((here / f"{name}-made.webp").is_file() for name in FAILURES):
        with look.options(ctx, "cyclegan.failures"):
            look.note(ctx, "cyclegan.failures_lead")
            panel(failures_html(ctx, here), "cyclegan-failures")


def failures_html(ctx: Context, here: Path) -> str:
    """Writes the gallery: each photo beside what was made of it, and what is wrong with that."""
    cells: list[str] = []
    for name in FAILURES:
        cells += [
            figure(str(here / f"{name}-photo.webp")),
            figure(str(here / f"{name}-made.webp")),
            said(ctx.both(f"cyclegan.failure_{name}")),
        ]
    return grid(cells, 2)


def _on_identity(ctx: Context) -> Callable[..., str]:
    def on_click(path: str | None, direction: str, request: gr.Request) -> str:
        # the photo is of the fruit that this direction starts from, so the other generator is the one to leave it
        image = opened(ctx, request, path)
        same, changed, moved = leave_alone(image, BACK[direction], ctx.load_model)
        paths = [ctx.save_image(picture) for picture in (image, same, changed)]
        return identity_html(ctx, (paths[0], paths[1], paths[2]), BACK[direction], moved)

    return on_click
