"""The identity test (an orange into apple → orange), and a small gallery of what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import gradio as gr
import torch
from PIL import Image
from torch import nn

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.core.paths import EXAMPLES
from demos.cyclegan.results import chosen, figure, fixed_weights, grid, made_with, opened, panel, said
from demos.cyclegan.translation import FRUITS, difference_image, levels_apart, prepared
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


@torch.inference_mode()
def leave_alone(photo: Image.Image, generator: nn.Module) -> tuple[Image.Image, Image.Image, float]:
    """Give a generator a photo of the kind it makes (arXiv 1703.10593 §5.2)."""
    real = to_tensor(photo)
    same = generator(real)
    apart = levels_apart(same, real)
    return to_images(same)[0], difference_image(apart), float(apart.mean())


def identity_html(ctx: Context, images: tuple[str, str, str], weights: str, moved: float) -> str:
    """Write photo, what the generator made of it, what changed, and of our own how much that is among held-out photos."""  # noqa: E501
    captions = ("photo_caption", "identity_made", "identity_changed")
    cells = [figure(path, ctx.localize_html(f"cyclegan.{key}")) for path, key in zip(images, captions, strict=True)]
    return grid([*cells, said(_identity_said(ctx, weights, moved) + made_with(ctx, [weights]))], 3)


def _identity_said(ctx: Context, weights: str, moved: float) -> str:
    if weights not in DIRECTIONS:
        return ctx.localize_html("cyclegan.identity_said", moved=moved)
    target = DIRECTIONS[weights][1]  # our own weights, which are called as their direction, were measured
    known = calibration().identity_error[target]
    values = {"moved": moved, "share": percentile(moved, known), "count": len(known), "median": known[len(known) // 2]}
    return ctx.localize_html(f"cyclegan.identity_said_{target}", **values)


def precompute_limits(ctx: Context, folder: Path) -> None:
    """Write the identity test of one orange and the gallery."""
    here = folder / "limits"
    here.mkdir(exist_ok=True)
    photo = prepared(read_image(IDENTITY_EXAMPLE))
    same, changed, moved = leave_alone(photo, ctx.load_model("apple2orange"))
    for name, image in (("photo", photo), ("same", same), ("changed", changed)):
        image.save(here / f"{name}.webp", quality=92)
    (here / "identity.json").write_text(json.dumps({"moved": round(moved, 3)}) + "\n", "utf-8")
    for name, (path, direction) in FAILURES.items():
        image = prepared(read_image(path))
        with torch.inference_mode():
            made = to_images(ctx.load_model(direction)(to_tensor(image)))[0]
        image.save(here / f"{name}-photo.webp", quality=88)
        made.save(here / f"{name}-made.webp", quality=88)


def limits_folds(ctx: Context, photo: gr.Image, direction: gr.Radio, used: gr.State) -> None:
    """Place both folds; without prepared results there is only the button of the identity test."""
    here = ctx.first_paint / "cyclegan" / "limits"
    opening = ""
    if (here / "identity.json").is_file():
        moved = json.loads((here / "identity.json").read_text("utf-8"))["moved"]
        paths = [str(here / f"{name}.webp") for name in ("photo", "same", "changed")]
        opening = identity_html(ctx, (paths[0], paths[1], paths[2]), "apple2orange", moved)
    with widgets.options(ctx, "cyclegan.identity"):
        widgets.note(ctx, "cyclegan.identity_lead")
        result = panel(opening, "cyclegan-identity")
        run = gr.Button(ctx.t("cyclegan.identity_run"), elem_id="cyclegan-identity-run")
        # The photo above may be another by a second click.
        run.click(
            _on_identity(ctx), [photo, direction, used], result, trigger_mode="always_last", **PRIVATE_MODEL_EVENT
        )
    if all((here / f"{name}-made.webp").is_file() for name in FAILURES):
        with widgets.options(ctx, "cyclegan.failures"):
            widgets.note(ctx, "cyclegan.failures_lead")
            fixed_weights(ctx, sorted(DIRECTIONS))
            panel(failures_html(ctx, here), "cyclegan-failures")


def failures_html(ctx: Context, here: Path) -> str:
    """Write the gallery: each photo beside what was made of it, and what is wrong with that."""
    cells: list[str] = []
    for name in FAILURES:
        cells += [
            figure(str(here / f"{name}-photo.webp")),
            figure(str(here / f"{name}-made.webp")),
            said(ctx.localize_html(f"cyclegan.failure_{name}")),
        ]
    return grid(cells, 2)


def _on_identity(ctx: Context) -> Callable[..., str]:
    def on_click(path: str | None, direction: str, used: str, request: gr.Request) -> str:
        # the photo is of the kind that this direction starts from, so the other generator is the one to leave it
        image = opened(ctx, request, path)
        _, back = chosen(ctx, request, used, direction)
        same, changed, moved = leave_alone(image, ctx.load_model(back))
        paths = [ctx.save_image(picture) for picture in (image, same, changed)]
        return identity_html(ctx, (paths[0], paths[1], paths[2]), back, moved)

    return on_click
