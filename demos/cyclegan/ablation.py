"""What if one half is missing: the same photo through weights trained without it, and through a run as it learned."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from PIL import Image
from torch import nn

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.cyclegan.results import figure, fixed_weights, grid, opened, panel, said
from demos.cyclegan.translation import BACK, FRUITS, OPENING_EXAMPLE, LoadModel, Translation, translate
from demos.ui import widgets
from models.analysis.cyclegan_calibration import DIRECTIONS, calibration, judge
from models.checkpoints import load_folder
from models.data.images import read_image, to_tensor
from models.formats.weights_folder import TrainingStep, training_steps
from models.hub.records import WEIGHTS
from models.model_cache import ModelCache

HALVES = ("full", "no-cycle", "no-adversarial")
FOLDER = "halves"  # of the first results


@dataclass(frozen=True)
class Half:
    """What one set of weights makes of a photo; images are paths."""

    name: str
    translated: str
    back: str
    cycle_error: float
    convincing: float


def weights_of(half: str, direction: str) -> tuple[str, str]:
    """Return the names of the weights of one of `HALVES`, there and back."""
    suffix = "" if half == "full" else f"-{half}"
    return direction + suffix, BACK[direction] + suffix


def convincing(image: Image.Image, direction: str, load_model: LoadModel) -> float:
    """Return the share of held-out photos that our discriminator finds less convincing than a translation."""
    fruit = DIRECTIONS[direction][1]
    with torch.inference_mode():
        score = judge(load_model(f"{fruit}-discriminator"), to_tensor(image)).mean()
    return calibration().convincing(fruit, float(score))


def through_halves(photo: Image.Image, direction: str, load_model: LoadModel) -> dict[str, tuple[Translation, float]]:
    """Translate a photo with each of `HALVES`, and says how convincing each result is."""
    done: dict[str, Translation] = {}
    for half in HALVES:
        there, back = weights_of(half, direction)
        done[half] = translate(photo, load_model(there), load_model(back))
    return {half: (one, convincing(one.translated, direction, load_model)) for half, one in done.items()}


def halves_html(ctx: Context, photo: str, halves: Sequence[Half], direction: str) -> str:
    """Write a row for each set of weights: photo, translation, way back, and one sentence."""
    source, target = (ctx.localize_html(f"cyclegan.{fruit}") for fruit in DIRECTIONS[direction])
    cells: list[str] = []
    for half in halves:
        heading = ctx.localize_html(f"cyclegan.half_{half.name}")
        values = {"share": half.convincing, "error": half.cycle_error}
        cells += [
            figure(photo, source),
            figure(half.translated, f"→ {target}"),
            figure(half.back, f"→ {source}"),
            said(f"<b>{heading}</b><br>{ctx.localize_html(f'cyclegan.half_{half.name}_said', **values)}"),
        ]
    return grid(cells, 3)


def steps_of(direction: str) -> list[TrainingStep]:
    """Return the moments of the run at which the generator of a direction was kept."""
    return training_steps(WEIGHTS / f"{direction}-steps")


def load_step(store: ModelCache, folder: Path) -> nn.Module:
    """Return the generator kept in a folder, within the memory that all loaded models share."""
    return store.get(folder, lambda: load_folder(folder), lambda: (folder / "model.safetensors").stat().st_size)


def step_html(ctx: Context, photo: Image.Image, direction: str, place: int) -> str:
    """Write what the network made of a photo at one moment of its training."""
    there, back = steps_of(direction)[place], steps_of(BACK[direction])[place]
    store = ctx.library.store
    done = translate(photo, load_step(store, there.folder), load_step(store, back.folder))
    share = convincing(done.translated, direction, ctx.load_model)
    words = ctx.localize_html("cyclegan.step_said", step=f"{there.step:,}", share=share, error=done.cycle_error)
    images = [figure(ctx.save_image(image)) for image in (done.original, done.translated, done.back)]
    return grid([*images, said(words)], 3)


def precompute_halves(ctx: Context, folder: Path) -> None:
    """Write what the fold opens on: the opening example through all of `HALVES`."""
    here = folder / FOLDER
    here.mkdir(exist_ok=True)
    direction = "apple2orange"
    facts = {}
    photo = read_image(FRUITS / OPENING_EXAMPLE)
    for half, (done, share) in through_halves(photo, direction, ctx.load_model).items():
        for name in ("translated", "back"):
            getattr(done, name).save(here / f"{half}-{name}.webp", quality=92)
        facts[half] = {"cycle_error": round(done.cycle_error, 3), "convincing": round(share, 4)}
    done.original.save(here / "photo.webp", quality=92)
    (here / "facts.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


def opening_html(ctx: Context) -> str:
    """Write the prepared comparison; empty where there is none."""
    here = ctx.first_paint / "cyclegan" / FOLDER
    if not (here / "facts.json").is_file():
        return ""
    facts = json.loads((here / "facts.json").read_text("utf-8"))
    halves = [
        Half(half, str(here / f"{half}-translated.webp"), str(here / f"{half}-back.webp"), **facts[half])
        for half in HALVES
    ]
    return halves_html(ctx, str(here / "photo.webp"), halves, "apple2orange")


def halves_fold(ctx: Context, photo: gr.Image, direction: gr.Radio) -> None:
    """Place the fold: the comparison, a button that makes it for the visitor's photo, and the slider over a run."""
    steps = steps_of("apple2orange")
    with widgets.options(ctx, "cyclegan.halves"):
        widgets.note(ctx, "cyclegan.halves_lead")
        fixed_weights(ctx, [name for half in HALVES for name in weights_of(half, "apple2orange")])
        comparison = panel(opening_html(ctx), "cyclegan-halves")
        again = _button(ctx, "cyclegan.halves_run", "cyclegan-halves-run")
        # The photo above may be another by a second click.
        again.click(_on_halves(ctx), [photo, direction], comparison, trigger_mode="always_last", **PRIVATE_MODEL_EVENT)
        if len(steps) < 2:
            return
        label: Any = ctx.t("cyclegan.step")
        slider = gr.Slider(0, len(steps) - 1, len(steps) - 1, step=1, label=label, elem_id="cyclegan-step")
        moment = panel("", "cyclegan-step-result")
        run: dict[str, Any] = {"inputs": [photo, direction, slider], "outputs": moment, "show_progress": "hidden"}
        slider.input(_on_step(ctx), **run, trigger_mode="always_last", **PRIVATE_MODEL_EVENT)


def _button(ctx: Context, key: str, elem_id: str) -> gr.Button:
    text: Any = ctx.t(key)
    return gr.Button(text, elem_id=elem_id)


def _on_halves(ctx: Context) -> Callable[..., str]:
    def on_click(path: str | None, direction: str, request: gr.Request) -> str:
        image = opened(ctx, request, path)
        done = through_halves(image, direction, ctx.load_model)
        halves = [
            Half(half, ctx.save_image(one.translated), ctx.save_image(one.back), one.cycle_error, share)
            for half, (one, share) in done.items()
        ]
        return halves_html(ctx, ctx.save_image(image), halves, direction)

    return on_click


def _on_step(ctx: Context) -> Callable[..., str]:
    def on_step(path: str | None, direction: str, place: int, request: gr.Request) -> str:
        return step_html(ctx, opened(ctx, request, path), direction, int(place))

    return on_step
