"""Ablation of the two losses: a photo through weights trained without one of them, and through a run as it learned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image
from torch import nn

from demos.core.context import Context
from demos.core.events import LATEST_MODEL_EVENT
from demos.cyclegan.results import figure, fixed_weights_line, grid, open_photo, panel, text_cell, write_json
from demos.cyclegan.translation import (
    BACK,
    FRUITS,
    OPENING_EXAMPLE,
    LoadModel,
    absolute_difference,
    realism_percentile,
    translate_cycle,
)
from demos.ui import widgets
from models.analysis.cyclegan_calibration import DIRECTIONS
from models.analysis.cyclegan_calibration import FRUITS as FRUIT_NAMES
from models.checkpoints import load_folder
from models.data.images import read_image, to_tensor
from models.formats.weights_folder import TrainingStep, training_steps
from models.hub.records import WEIGHTS
from models.model_cache import ModelCache

VARIANTS = ("full", "no-cycle", "no-adversarial")
FOLDER = "halves"  # of the precomputed results
NUMBERS = "facts.json"


def weights_of(variant: str, direction: str) -> tuple[str, str]:
    """Return the names of the weights of one of `VARIANTS`, of a direction and of the opposite one."""
    suffix = "" if variant == "full" else f"-{variant}"
    return direction + suffix, BACK[direction] + suffix


def run_ablation(
    photo: Image.Image, direction: str, load_model: LoadModel
) -> tuple[dict[str, Image.Image], dict[str, dict[str, float]]]:
    """Return the images of `ablation_html` by name, and what each variant changed, its cycle error and realism."""
    images: dict[str, Image.Image] = {}
    numbers = {}
    for variant in VARIANTS:
        done = translate_cycle(photo, *map(load_model, weights_of(variant, direction)))
        images |= {
            "photo": done.original,
            f"{variant}-translated": done.translated,
            f"{variant}-back": done.reconstruction,
        }
        percentile = realism_percentile(done.translated, direction, load_model)
        changed = float(absolute_difference(to_tensor(done.translated), to_tensor(done.original)).mean())
        numbers[variant] = {
            "changed": round(changed, 3),
            "cycle_error": round(done.cycle_error, 3),
            "convincing": round(percentile, 4),
        }
    return images, numbers


def ablation_html(
    ctx: Context, files: Mapping[str, str], numbers: Mapping[str, Mapping[str, float]], direction: str
) -> str:
    """Return a row for each variant: photo, translation, reconstruction, and what is measured; `files` are paths."""
    source, target = (ctx.localize_html(f"cyclegan.{fruit}") for fruit in DIRECTIONS[direction])
    cells: list[str] = []
    for variant in VARIANTS:
        cells += [
            figure(files["photo"], source),
            figure(files[f"{variant}-translated"], f"→ {target}"),
            figure(files[f"{variant}-back"], f"→ {source}"),
            text_cell(_variant_text(ctx, variant, direction, numbers[variant])),
        ]
    steps = [f"{ctx.weights_info(weights_of(variant, direction)[0]).steps:,}" for variant in VARIANTS]
    unequal = ctx.localize_html("cyclegan.halves_unequal", steps=" / ".join(steps)) if len(set(steps)) > 1 else ""
    return grid(cells, 3) + (unequal and f"<p>{unequal}</p>")


def _variant_text(ctx: Context, variant: str, direction: str, numbers: Mapping[str, float]) -> str:
    """Return how a variant was trained, what its network is, and what was measured, on this photo and on held-out ones.

    Nothing in it is a promise: steps, design and the share of sources found again are read from the weights' config.
    """
    info = ctx.weights_info(weights_of(variant, direction)[0])
    heading = ctx.localize_html(f"cyclegan.half_{variant}", steps=f"{info.steps:,}")
    parts = [ctx.localize_html(f"cyclegan.half_{variant}_said")]
    if variant == "no-cycle" and info.arch == "light_generator":
        parts.append(ctx.localize_html("cyclegan.half_residual"))
    parts.append(ctx.localize_html("cyclegan.half_numbers", **numbers))
    domain = "ab"[FRUIT_NAMES.index(DIRECTIONS[direction][0])]
    if count := info.held_out.get(domain):
        found = round(info.metrics[f"source_found_{domain}"] * count)
        parts.append(ctx.localize_html("cyclegan.half_found", found=found, count=count))
    return "<br>".join([f"<b>{heading}</b>", *parts])


def steps_of(direction: str) -> list[TrainingStep]:
    """Return the training steps at which the generator of a direction was saved."""
    return training_steps(WEIGHTS / f"{direction}-steps")


def load_step(store: ModelCache, folder: Path) -> nn.Module:
    """Return the generator saved in a folder, within the memory that all loaded models share."""
    return store.get(folder, lambda: load_folder(folder), lambda: (folder / "model.safetensors").stat().st_size)


def step_html(ctx: Context, photo: Image.Image, direction: str, index: int) -> str:
    """Return the result of the networks at one of the saved training steps."""
    forward, backward = steps_of(direction)[index], steps_of(BACK[direction])[index]
    store = ctx.library.store
    done = translate_cycle(photo, load_step(store, forward.folder), load_step(store, backward.folder))
    percentile = realism_percentile(done.translated, direction, ctx.load_model)
    values = {"step": f"{forward.step:,}", "share": percentile, "error": done.cycle_error}
    images = [figure(ctx.save_image(image)) for image in (done.original, done.translated, done.reconstruction)]
    return grid([*images, text_cell(ctx.localize_html("cyclegan.step_said", **values))], 3)


def precompute_ablation(ctx: Context, folder: Path) -> None:
    """Write the ablation of the opening example."""
    folder = folder / FOLDER
    folder.mkdir(exist_ok=True)
    images, numbers = run_ablation(read_image(FRUITS / OPENING_EXAMPLE), "apple2orange", ctx.load_model)
    for name, image in images.items():
        image.save(folder / f"{name}.webp", quality=92)
    write_json(folder / NUMBERS, numbers)


def precomputed_html(ctx: Context) -> str:
    """Return the precomputed ablation; empty without one."""
    folder = ctx.first_paint / "cyclegan" / FOLDER
    if not (folder / NUMBERS).is_file():
        return ""
    files = {path.stem: str(path) for path in folder.glob("*.webp")}
    return ablation_html(ctx, files, json.loads((folder / NUMBERS).read_text("utf-8")), "apple2orange")


def ablation_section(ctx: Context, photo: gr.Image, direction: gr.Radio) -> None:
    """Place the comparison, a button that computes it for the visitor's photo, and the slider over a run."""

    def on_click(path: str | None, direction: str, request: gr.Request) -> str:
        images, numbers = run_ablation(open_photo(ctx, request, path), direction, ctx.load_model)
        files = {name: ctx.save_image(image) for name, image in images.items()}
        return ablation_html(ctx, files, numbers, direction)

    def on_step(path: str | None, direction: str, index: int, request: gr.Request) -> str:
        return step_html(ctx, open_photo(ctx, request, path), direction, int(index))

    steps = steps_of("apple2orange")
    widgets.note(ctx, "cyclegan.halves_lead")
    fixed_weights_line(ctx, [name for variant in VARIANTS for name in weights_of(variant, "apple2orange")])
    comparison = panel(precomputed_html(ctx), "cyclegan-halves")
    run = gr.Button(ctx.t("cyclegan.halves_run"), elem_id="cyclegan-halves-run")
    run.click(on_click, [photo, direction], comparison, **LATEST_MODEL_EVENT)
    if len(steps) < 2:
        return
    label: Any = ctx.t("cyclegan.step")
    slider = gr.Slider(0, len(steps) - 1, len(steps) - 1, step=1, label=label, elem_id="cyclegan-step")
    result = panel("", "cyclegan-step-result")
    slider.input(on_step, [photo, direction, slider], result, show_progress="hidden", **LATEST_MODEL_EVENT)
