"""Inputs for a photo of the VAE tab, each with a strip of built-in examples per model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from demos.core.context import Context
from demos.core.events import LATEST_QUICK_EVENT
from demos.core.paths import EXAMPLES
from demos.core.tab_interface import Photo
from demos.ui import widgets
from demos.vae.networks import MODELS, OPENING_MODEL

EXAMPLES_PER_END = 6
# No portrait may be shipped, so that model's built-in ends are drawn from the model itself, by these seeds.
PORTRAIT_SEEDS = ((4, 28, 33, 24, 7, 26), (48, 46, 39, 42, 11, 32))
PORTRAIT_TEMPERATURE = 0.6  # calmer than `DRAW_TEMPERATURE`: an example should look like a face


def example_ends(ctx: Context, model: str) -> tuple[list[Path], list[Path]]:
    """Return the built-in images for the start and for the end, those of fruit for a model that is not ours."""
    if model == "vae-portraits":
        folder = ctx.first_paint / "vae"
        ends = [[folder / f"portrait-{seed:02d}.png" for seed in seeds] for seeds in PORTRAIT_SEEDS]
    else:
        ends = [sorted((EXAMPLES / "fruit").glob(f"{kind}-??.jpg")) for kind in ("apple", "orange")]
    first, last = ([path for path in end if path.is_file()][:EXAMPLES_PER_END] for end in ends)
    return first, last


def is_example(ctx: Context, path: Path) -> bool:
    """Return whether a file is a built-in image for one of the models, and not a result of this or another tab."""
    is_portrait = path.is_relative_to(ctx.first_paint / "vae") and path.stem.startswith("portrait-")
    return is_portrait or path.is_relative_to(EXAMPLES / "fruit")


@dataclass(frozen=True)
class PhotoInput:
    """An input for a photo, and for each model of ours a strip of examples with their paths."""

    photo: gr.Image
    strips: dict[str, gr.Dataset]
    paths: dict[str, list[Path]]

    @property
    def outputs(self) -> list[Any]:
        """The components that `update` gives values to."""
        return [self.photo, *self.strips.values()]

    @property
    def receiver(self) -> Photo:
        """The input as the page sees it."""
        return Photo(self.photo, [(self.strips[name], paths) for name, paths in self.paths.items()])

    def update(self, ctx: Context, path: str | None, model: str) -> list[Any]:
        """Return the values after a change of model: a visitor's photo or an example for this model stays."""
        name = model if model in MODELS else OPENING_MODEL
        examples = self.paths[name]
        if not path or (is_example(ctx, Path(path)) and Path(path) not in examples):
            path = str(examples[0]) if examples else None
        return [path, *(gr.update(visible=each == name and bool(self.paths[each])) for each in self.strips)]

    def connect(self) -> list[Any]:
        """Let a click on an example choose it; returns the events."""
        return [
            strip.click(
                lambda index, paths=self.paths[name]: str(paths[index]), strip, self.photo, **LATEST_QUICK_EVENT
            )
            for name, strip in self.strips.items()
        ]


def photo_row(height: int) -> gr.HTML:
    """Open a place for two photos side by side, of at most so many pixels in height."""
    css = f"--picture-height: min(42vw, {height}px);"
    return gr.HTML(html_template="@children", css_template=css, apply_default_css=False)


def photo_input(ctx: Context, letter: str, paths: dict[str, list[Path]], filled: bool) -> PhotoInput:
    """Place a photo with the strips of examples under it, of which that of the model in use shows."""
    opening = paths[OPENING_MODEL]
    with gr.Column(min_width=130):
        photo = widgets.photo(ctx, f"vae.{letter}", opening[0] if filled and opening else None, f"vae-{letter}")
        strips = {}
        for name, images in paths.items():
            strips[name] = widgets.strip(ctx, images, f"vae-examples-{letter}-{name.removeprefix('vae-')}")
            strips[name].visible = name == OPENING_MODEL and bool(images)
    return PhotoInput(photo, strips, paths)
