"""Images drawn from the prior, and what can be bred from them: mutate one or two, cross or average two."""

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
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.core.files import file_url
from demos.ui import widgets
from demos.ui.animation import STRIP_GAP, upscale
from demos.ui.api_endpoint import endpoint
from demos.ui.images import image_grid
from demos.ui.model_menu.menu import Menu
from demos.vae.interpolation import DRAW_TEMPERATURE, LARGE_SIDE, SMALL_SIDE, images_of, prior_latents
from demos.vae.networks import MODELS, OPENING_MODEL, Networks, saves, sorry_html
from models.analysis.latents import averaged_between, crossed, mutated

SAMPLES = 12
COLUMNS = 6
LARGEST_SEED = 999_999
BREEDS = ("mutate", "cross", "average")
RADIUS = 0.5
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
.saves { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0 0; font-size: 14px; }
.saves a { color: var(--accent); font-weight: 500; text-decoration: none; }
.empty { display: grid; place-items: center; min-height: 120px; padding: 20px; text-align: center;
  border: 1px dashed var(--line); border-radius: 8px; color: var(--ink-soft); }
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
    """The images in the grid.

    Attributes:
        model: That decodes them.
        latents: (N, D).
        parents: How many of the first are the parents of the others.
        origin: How they came about, for the file of numbers.
    """

    model: str
    latents: Tensor
    parents: int
    origin: dict[str, Any]


class Breeder:
    """Draws and breeds generations; the same seed and the same choices give the same images."""

    def __init__(self, ctx: Context, networks: Networks) -> None:
        self._ctx, self._networks = ctx, networks

    def fresh(self, model: str, seed: float | None, temperature: float) -> tuple[Generation | None, str]:
        """Draw a generation from the prior, or says why there is none."""
        network = self._networks.vector(model)
        if network is None:
            return None, sorry_html(self._ctx, "menu.spatial_samples")
        origin = {"from": "prior", "seed": int(seed or 0), "temperature": temperature}
        latents = prior_latents(network.latent_dim, SAMPLES, int(seed or 0), temperature)
        return self._shown(Generation(model, latents, 0, origin))

    def breed(
        self, generation: Generation | None, how: str, ids: Sequence[int], radius: float, seed: float | None, model: str
    ) -> tuple[Generation | None, str]:
        """Make the next generation from one or two images of this one."""
        if generation is None or generation.model != model:
            generation = self.fresh(model, 0, DRAW_TEMPERATURE)[0]  # what the page opened with
        if generation is None:
            return None, sorry_html(self._ctx, "menu.spatial_samples")
        needed = 1 if how == "mutate" else 2
        known = range(len(generation.latents))
        if how not in BREEDS or not needed <= len(ids) <= 2 or any(each not in known for each in ids):
            raise ValueError(f"{how!r} of {ids!r} is nothing that can be bred from {len(known)} pictures.")
        parents, number = generation.latents[list(ids)], SAMPLES - len(ids)
        if how == "mutate":
            children = mutated(parents, number, radius, int(seed or 0))
        elif how == "cross":
            children = crossed(parents[0], parents[1], number, int(seed or 0))
        else:
            children = averaged_between(parents[0], parents[1], number)
        origin = {"from": how, "of": list(ids), "seed": int(seed or 0), "radius": radius, "parents": generation.origin}
        return self._shown(Generation(model, torch.cat([parents, children]), len(ids), origin))

    def _shown(self, generation: Generation) -> tuple[Generation, str]:
        network = self._networks.vector(generation.model)
        if network is None:
            raise TypeError(f"{generation.model} has no latent vector.")
        images = upscale(images_of(network, generation.latents), SMALL_SIDE)
        rows = [images[start : start + COLUMNS] for start in range(0, len(images), COLUMNS)]
        numbers = {
            "model": generation.model, **generation.origin,
            "latents": [[round(n, 4) for n in row] for row in generation.latents.tolist()],
        }  # fmt: skip
        files = {
            "vae-samples.png": self._ctx.save_image(image_grid(rows, STRIP_GAP)),
            "vae-samples.json": self._ctx.save_bytes(json.dumps(numbers).encode(), ".json"),
        }
        paths = [self._ctx.save_image(image) for image in images]
        return generation, samples_html(self._ctx, paths, generation.parents) + saves(self._ctx, files)

    def draw(
        self, seed: float, temperature: float, model: str, request: gr.Request
    ) -> tuple[list[str], dict[str, Any]]:
        """Draw images from the prior of a VAE: PNG files, and the latents they were decoded from."""
        network = self._networks.vector(model)
        if network is None:
            raise widgets.user_error(self._ctx, request, "menu.spatial_samples")
        latents = prior_latents(network.latent_dim, SAMPLES, int(seed), temperature)
        images = upscale(images_of(network, latents), LARGE_SIDE)
        return [self._ctx.save_image(image) for image in images], {"latents": latents.tolist()}


def samples_html(ctx: Context, paths: Sequence[str], parents: int = 0) -> str:
    """Write the grid, each image a button that picks it, and the buttons that breed what is picked."""
    tiles = "".join(
        f'<button type="button" data-number="{number}" aria-pressed="false"{PARENT if number < parents else ""}>'
        f'<img src="{file_url(path)}" alt="{number + 1}"></button>'
        for number, path in enumerate(paths)
    )
    buttons = "".join(
        f'<button type="button" data-breed="{how}" data-needs="{1 if how == "mutate" else 2}" disabled>'
        f"{ctx.localize_html(f'vae.breed_{how}')}</button>"
        for how in BREEDS
    )
    how = f"<span>{ctx.localize_html('vae.breed_how')}</span>"
    return f'<div class="samples">{tiles}</div><div class="breeding">{how}{buttons}</div>'


def samples_section(ctx: Context, networks: Networks, menu: Menu, stored: Sequence[str]) -> None:
    """Place the samples from the prior, beginning with the stored images of seed 0."""
    breeder = Breeder(ctx, networks)
    generation = gr.State(None)
    gr.Markdown(ctx.t("vae.samples"))
    widgets.note(ctx, "vae.samples_note")
    grid = gr.HTML(
        samples_html(ctx, stored) if stored else "",
        css_template=STYLE, js_on_load=SCRIPT, apply_default_css=False, elem_id="vae-samples",
    )  # fmt: skip
    with gr.Row():
        more = gr.Button(ctx.t("vae.more"), scale=0, min_width=160, size="sm", elem_id="vae-more")
    with widgets.options(ctx, "vae.sample_options"):
        seed = gr.Number(0, minimum=0, maximum=LARGEST_SEED, precision=0, label=ctx.t("vae.seed"), elem_id="vae-seed")
        temperature = gr.Slider(
            0.0, 1.5, DRAW_TEMPERATURE, step=0.1, label=ctx.t("vae.temperature"), elem_id="vae-temperature"
        )
        radius = gr.Slider(0.1, 1.5, RADIUS, step=0.1, label=ctx.t("vae.radius"), elem_id="vae-radius")
        widgets.note(ctx, "vae.breed_about")

    def on_more(model: str, temperature: float) -> tuple[int, Generation | None, str]:
        seed = secrets.randbelow(LARGEST_SEED + 1)
        return seed, *breeder.fresh(model, seed, temperature)

    def on_breed(
        current: Generation | None, radius: float, seed: float | None, model: str, event: gr.EventData
    ) -> tuple[Generation | None, str]:
        how, ids = read_choice(event)
        return breeder.breed(current, how, ids, radius, seed, model)

    gr.on(
        [menu.used.change, seed.submit, temperature.release],
        breeder.fresh,
        [menu.used, seed, temperature],
        [generation, grid],
        trigger_mode="always_last",
        **PRIVATE_MODEL_EVENT,
    )
    more.click(on_more, [menu.used, temperature], [seed, generation, grid], **PRIVATE_MODEL_EVENT)
    grid.breed(on_breed, [generation, radius, seed, menu.used], [generation, grid], **PRIVATE_MODEL_EVENT)
    _offer_samples(breeder)


def read_choice(event: gr.EventData) -> tuple[str, list[int]]:
    """Return what is to be bred from which images, as an event of the page carries it."""
    data = event._data if isinstance(event._data, dict) else {}
    how, ids = data.get("how"), data.get("ids")
    if not isinstance(how, str) or not isinstance(ids, list) or any(type(each) is not int for each in ids):
        raise ValueError(f"The choice {data!r} names no pictures.")
    if len(ids) > 2 or len(set(ids)) != len(ids):
        raise ValueError(f"The choice {ids!r} is not one picture or two.")
    return how, ids


def _offer_samples(breeder: Breeder) -> None:
    inputs = [
        gr.Number(0, minimum=0, maximum=LARGEST_SEED, precision=0, label="seed", render=False),
        gr.Slider(0.0, 1.5, DRAW_TEMPERATURE, label="temperature", render=False),
        gr.Radio(list(MODELS), value=OPENING_MODEL, label="model", render=False),
    ]
    outputs = [
        gr.File(label="pictures", file_count="multiple", render=False),
        gr.JSON(label="numbers", render=False),
    ]
    endpoint(breeder.draw, inputs, outputs, "sample")
