"""Images drawn from the prior, and genetic operators on them: mutate one or two, cross or average two."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import torch
from torch import Tensor

from demos.core.context import Context
from demos.core.events import LATEST_MODEL_EVENT, PRIVATE_MODEL_EVENT
from demos.core.files import file_url
from demos.core.i18n import InputError
from demos.ui import widgets
from demos.ui.animation import STRIP_GAP, upscale
from demos.ui.api_endpoint import endpoint
from demos.ui.images import image_grid
from demos.ui.model_menu.menu import Menu
from demos.vae.interpolation import DRAW_TEMPERATURE, LARGE_SIDE, SMALL_SIDE, images_of, prior_latents
from demos.vae.networks import MODELS, OPENING_MODEL, Networks
from demos.vae.panels import download_links, message_html, panel
from models.analysis.latents import averaged_between, crossed, mutated

SAMPLES = 12
COLUMNS = 6
LARGEST_SEED = 999_999
OPERATORS = ("mutate", "cross", "average")
RADIUS = 0.5
NO_PRIOR = "menu.spatial_samples"
PARENT = ' class="parent"'
STYLE = """
.samples { display: grid; grid-template-columns: repeat(6, 1fr); gap: 8px; max-width: 760px; }
@media (max-width: 560px) { .samples { grid-template-columns: repeat(4, 1fr); } }
.samples button { position: relative; padding: 0; border: 0; border-radius: 6px; background: none; cursor: pointer; }
.samples img { display: block; width: 100%; height: auto; border-radius: 6px; }
.samples button[aria-pressed="true"] { outline: 3px solid var(--accent); outline-offset: 2px; }
.samples .parent::after { content: "♥"; position: absolute; right: 5px; bottom: 3px; font-size: 13px; color: #fff;
  text-shadow: 0 0 3px #000; }
.breeding { display: flex; flex-wrap: wrap; align-items: baseline; gap: 6px 10px; margin-top: 12px; font-size: 14px;
  color: var(--ink-soft); }
.breeding button { padding: 5px 14px; border: 0; border-radius: 999px; cursor: pointer; font: inherit;
  background: var(--accent-soft); color: var(--accent); font-weight: 500; }
.breeding button:disabled { opacity: 0.45; cursor: default; }
"""
SCRIPT = """
let picked = [];
element.addEventListener("click", (event) => {
  const tile = event.target.closest(".samples button"), breed = event.target.closest(".breeding button");
  if (tile) {
    const number = Number(tile.dataset.number);
    picked = picked.includes(number) ? picked.filter((each) => each !== number) : [...picked, number].slice(-2);
    mark();
  } else if (breed && !breed.disabled) trigger("breed", {how: breed.dataset.breed, ids: picked});
});
function mark() {
  element.querySelectorAll(".samples button").forEach((tile) =>
    tile.setAttribute("aria-pressed", String(picked.includes(Number(tile.dataset.number)))));
  element.querySelectorAll(".breeding button").forEach((button) => {
    button.disabled = picked.length < Number(button.dataset.needs);
  });
}
watch("value", () => { picked = []; mark(); });
"""


@dataclass(frozen=True)
class Generation:
    """The images in the grid."""

    model: str  # name of the weights that decode them
    latents: Tensor  # (N, D)
    parents: int  # how many of the first are the parents of the others
    origin: dict[str, Any]  # how they were made, for the file of numbers


def prior_generation(networks: Networks, model: str, seed: int, temperature: float) -> Generation:
    """Draw a generation from the prior."""
    latents = prior_latents(networks.vector(model, NO_PRIOR).latent_dim, SAMPLES, seed, temperature)
    return Generation(model, latents, 0, {"from": "prior", "seed": seed, "temperature": temperature})


def next_generation(
    generation: Generation, operator: str, indices: Sequence[int], radius: float, seed: int
) -> Generation:
    """Apply a genetic operator, one of `OPERATORS`, to one or two images; the parents come first."""
    needed, known = 1 if operator == "mutate" else 2, range(len(generation.latents))
    if operator not in OPERATORS or not needed <= len(indices) <= 2 or any(each not in known for each in indices):
        raise ValueError(f"{operator!r} of {indices!r} is no crossover or mutation of {len(known)} pictures.")
    parents, number = generation.latents[list(indices)], SAMPLES - len(indices)
    if operator == "mutate":
        children = mutated(parents, number, radius, seed)
    elif operator == "cross":
        children = crossed(parents[0], parents[1], number, seed)
    else:
        children = averaged_between(parents[0], parents[1], number)
    origin = {"from": operator, "of": list(indices), "seed": seed, "radius": radius, "parents": generation.origin}
    return Generation(generation.model, torch.cat([parents, children]), len(indices), origin)


def generation_html(ctx: Context, networks: Networks, generation: Generation) -> str:
    """Write the grid of a generation, with links to save it and its latents."""
    images = upscale(images_of(networks.vector(generation.model, NO_PRIOR), generation.latents), SMALL_SIDE)
    rows = [images[start : start + COLUMNS] for start in range(0, len(images), COLUMNS)]
    numbers = {
        "model": generation.model, **generation.origin,
        "latents": [[round(n, 4) for n in row] for row in generation.latents.tolist()],
    }  # fmt: skip
    files = {
        "vae-samples.png": ctx.save_image(image_grid(rows, STRIP_GAP)),
        "vae-samples.json": ctx.save_bytes(json.dumps(numbers).encode(), ".json"),
    }
    paths = [ctx.save_image(image) for image in images]
    return samples_html(ctx, paths, generation.parents) + download_links(ctx, files)


def samples_html(ctx: Context, paths: Sequence[str], parents: int = 0) -> str:
    """Write the grid, each image a button that selects it, and a button for each operator on the selection."""
    tiles = "".join(
        f'<button type="button" data-number="{index}" aria-pressed="false"{PARENT if index < parents else ""}>'
        f'<img src="{file_url(path)}" alt="{index + 1}"></button>'
        for index, path in enumerate(paths)
    )
    buttons = "".join(
        f'<button type="button" data-breed="{operator}" data-needs="{1 if operator == "mutate" else 2}" disabled>'
        f"{ctx.localize_html(f'vae.breed_{operator}')}</button>"
        for operator in OPERATORS
    )
    how = ctx.localize_html("vae.breed_how")
    return f'<div class="samples">{tiles}</div><div class="breeding"><span>{how}</span>{buttons}</div>'


def samples_section(ctx: Context, networks: Networks, menu: Menu, stored: Sequence[str]) -> None:
    """Place the samples from the prior, beginning with the stored images of seed 0."""
    current = gr.State(None)
    widgets.note(ctx, "vae.samples_note")
    grid = panel("vae-samples", samples_html(ctx, stored) if stored else "", STYLE, SCRIPT)
    with gr.Row():
        more = gr.Button(ctx.t("vae.more"), scale=0, min_width=160, size="sm", elem_id="vae-more")
    with widgets.options(ctx, "vae.sample_options"):
        seed = gr.Number(0, minimum=0, maximum=LARGEST_SEED, precision=0, label=ctx.t("vae.seed"), elem_id="vae-seed")
        temperature = gr.Slider(
            0.0, 1.5, DRAW_TEMPERATURE, step=0.1, label=ctx.t("vae.temperature"), elem_id="vae-temperature"
        )
        radius = gr.Slider(0.1, 1.5, RADIUS, step=0.1, label=ctx.t("vae.radius"), elem_id="vae-radius")
        widgets.note(ctx, "vae.breed_about")

    def on_draw(model: str, seed: float | None, temperature: float) -> tuple[Generation | None, str]:
        try:
            generation = prior_generation(networks, model, int(seed or 0), temperature)
        except InputError as error:
            return None, message_html(ctx, error)
        return generation, generation_html(ctx, networks, generation)

    def on_more(model: str, temperature: float) -> tuple[int, Generation | None, str]:
        seed = secrets.randbelow(LARGEST_SEED + 1)
        return seed, *on_draw(model, seed, temperature)

    def on_breed(
        current: Generation | None, radius: float, seed: float | None, model: str, event: gr.EventData
    ) -> tuple[Generation | None, str]:
        try:
            if current is None or current.model != model:
                current = prior_generation(networks, model, 0, DRAW_TEMPERATURE)  # what the page opened with
        except InputError as error:
            return None, message_html(ctx, error)
        generation = next_generation(current, *read_choice(event), radius, int(seed or 0))
        return generation, generation_html(ctx, networks, generation)

    outputs = [current, grid]
    changes = [menu.used.change, seed.submit, temperature.release]
    gr.on(changes, on_draw, [menu.used, seed, temperature], outputs, **LATEST_MODEL_EVENT)
    more.click(on_more, [menu.used, temperature], [seed, *outputs], **PRIVATE_MODEL_EVENT)
    grid.breed(on_breed, [current, radius, seed, menu.used], outputs, **PRIVATE_MODEL_EVENT)
    _offer_samples(ctx, networks)


def read_choice(event: gr.EventData) -> tuple[str, list[int]]:
    """Return operator and indices of one or two images, as an event of the page carries them."""
    data = event._data if isinstance(event._data, dict) else {}
    operator, indices = data.get("how"), data.get("ids")
    if not isinstance(operator, str) or not isinstance(indices, list) or any(type(each) is not int for each in indices):
        raise ValueError(f"The choice {data!r} names no pictures.")
    if len(indices) > 2 or len(set(indices)) != len(indices):
        raise ValueError(f"The choice {indices!r} is not one picture or two.")
    return operator, indices


def _offer_samples(ctx: Context, networks: Networks) -> None:
    def sample(seed: float, temperature: float, model: str, request: gr.Request) -> tuple[list[str], dict[str, Any]]:
        """Draw images from the prior of a VAE: PNG files, and the latents they were decoded from."""
        with widgets.user_errors(ctx, request):
            latents = prior_generation(networks, model, int(seed), temperature).latents
        images = upscale(images_of(networks.vector(model), latents), LARGE_SIDE)
        return [ctx.save_image(image) for image in images], {"latents": latents.tolist()}

    inputs = [
        gr.Number(0, minimum=0, maximum=LARGEST_SEED, precision=0, label="seed", render=False),
        gr.Slider(0.0, 1.5, DRAW_TEMPERATURE, label="temperature", render=False),
        gr.Radio(list(MODELS), value=OPENING_MODEL, label="model", render=False),
    ]
    outputs = [gr.File(label="pictures", file_count="multiple", render=False), gr.JSON(label="numbers", render=False)]
    endpoint(sample, inputs, outputs, "sample")
