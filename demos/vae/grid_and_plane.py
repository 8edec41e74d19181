"""Two to four images on the VAE tab: a grid between four corners, and a plane of latent space to move on."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

import gradio as gr
import torch
from PIL import Image
from torch import Tensor

from demos.core.context import Context
from demos.core.events import QUICK_EVENT
from demos.core.files import file_url
from demos.core.i18n import InputError
from demos.ui import widgets
from demos.ui.animation import STRIP_GAP, upscale
from demos.ui.api_endpoint import endpoint, photo_parameter
from demos.ui.images import data_url, image_grid
from demos.ui.model_menu.menu import Menu
from demos.vae.interpolation import SMALL_SIDE, encode, images_of
from demos.vae.latent_slice import LatentSlice, LatentSlices
from demos.vae.latent_widgets import plane_map, value_or_message
from demos.vae.networks import MODELS, OPENING_MODEL, Networks, read_photos
from demos.vae.panels import download_links, message_html, panel
from demos.vae.photo_input import example_ends, photo_input, photo_row
from models.analysis.latents import corner_grid, plane_basis, principal_plane
from models.data.images import square_crop

MIN_GRID, GRID, MAX_GRID = 3, 6, 9  # images along a side
MOSAIC = 9  # images along a side of the map
DENSITY = 64  # cells along a side of its shading
MARGIN = 1.45  # extent of the map over that of its images
PLANES = {"photos": "vae.plane_photos", "pca": "vae.plane_pca"}
SQUARE_STYLE = """
.square { position: relative; max-width: 460px; }
.square img { display: block; width: 100%; border-radius: 8px; }
.square b { position: absolute; padding: 1px 8px; border-radius: 6px; background: var(--paper); color: var(--ink);
  font-size: 14px; }
.square b:nth-of-type(odd) { left: 6px; }
.square b:nth-of-type(even) { right: 6px; }
.square b:nth-of-type(-n + 2) { top: 6px; }
.square b:nth-of-type(n + 3) { bottom: 6px; }
"""


def grid_latents(corners: Sequence[Tensor], steps: int) -> Tensor:
    """Return the latents of a grid row by row: (steps², D) between three or four corners, (steps, D) between two.

    Three corners are completed to a parallelogram, the fourth being B + C - A.
    """
    if len(corners) == 2:
        return torch.lerp(corners[0], corners[1], torch.linspace(0, 1, steps)[:, None])
    last = corners[3] if len(corners) == 4 else corners[1] + corners[2] - corners[0]
    return corner_grid(torch.stack([*corners[:3], last]), steps)


def grid_image(networks: Networks, paths: Sequence[str | None], steps: int, model: str) -> Image.Image:
    """Return the grid of images between those of two to four files that are given, `steps` along a side."""
    network, given = networks.vector(model), [path for path in paths if path]
    if len(given) < 2:
        raise InputError("vae.missing_both")
    mu = encode(network, read_photos(given))
    images = upscale(images_of(network, grid_latents(list(mu), steps)), SMALL_SIDE)
    return image_grid([images[start : start + steps] for start in range(0, len(images), steps)], STRIP_GAP)


def grid_html(grid: str, paths: Sequence[str | None]) -> str:
    """Write a grid with the letters of its images at the corners; that of a computed corner says so."""
    letters = [letter for letter, path in zip("ABCD", paths, strict=True) if path]
    if len(letters) == 3:
        letters.append(f"{letters[1]} + {letters[2]} − {letters[0]}")
    badges = "".join(f"<b>{letter}</b>" for letter in letters)
    return f'<div class="square"><img src="{file_url(grid)}" alt="">{badges}</div>'


def plane_value(ctx: Context, slices: LatentSlices, paths: Sequence[str | None], plane: str, model: str) -> str:
    """Return the value of the map: the plane through three images, or that of the examples' principal components."""
    network = slices.networks.vector(model)
    through = plane == "photos"
    given = paths if through else [str(path) for end in example_ends(ctx, model) for path in end]
    photos = read_photos(path for path in given if path)
    if len(photos) < 3:
        raise InputError("vae.plane_missing")
    mu = encode(network, photos)
    try:
        origin, directions = plane_basis(mu) if through else principal_plane(mu)
    except ValueError as error:  # three images of which two are the same
        raise InputError("vae.plane_line") from error
    # Up is positive on the map, and C lies below A, as in the grid.
    plane_slice = LatentSlice(model, origin, directions * torch.tensor([[1.0], [-1.0 if through else 1.0]]))
    coordinates = (mu - plane_slice.origin) @ plane_slice.directions.T  # (N, 2)
    half = float(coordinates.abs().max()) * MARGIN
    mosaic = images_of(network, cell_latents(plane_slice, half, MOSAIC))
    rows = [mosaic[start : start + MOSAIC] for start in range(0, len(mosaic), MOSAIC)]
    statistics = slices.networks.statistics(model)
    density = statistics.density(statistics.distance(cell_latents(plane_slice, half, DENSITY)))
    points = [
        {"at": [round(float(share), 4) for share in at / half], "name": "ABC"[index] if through else "",
         "url": data_url(square_crop(photo, SMALL_SIDE), quality=85)}
        for index, (at, photo) in enumerate(zip(coordinates, photos, strict=True))
    ]  # fmt: skip
    value = {
        "key": slices.add(plane_slice), "model": model, "half": half, "at": points[0]["at"], "points": points,
        "mosaic": data_url(image_grid(rows), quality=82),
        "density": base64.b64encode((density * 255).round().byte().numpy().tobytes()).decode("ascii"),
    }  # fmt: skip
    return json.dumps(value)


def cell_latents(plane: LatentSlice, half: float, cells: int) -> Tensor:
    """Return the latents at the centres of `cells` x `cells` squares of the map, row by row from the top left."""
    centres = (torch.arange(cells) + 0.5) / cells * 2 - 1
    y, x = torch.meshgrid(-centres * half, centres * half, indexing="ij")
    return plane.origin + torch.stack([x.flatten(), y.flatten()], dim=1) @ plane.directions


def grid_and_plane_section(
    ctx: Context, card: gr.Accordion, slices: LatentSlices, photos: Sequence[gr.Image], menu: Menu
) -> None:
    """Place the two further photos, the grid and the map in a card."""

    def show(
        a: str | None, b: str | None, c: str | None, d: str | None, steps: float, plane: str, model: str
    ) -> tuple[str, str]:
        try:
            path = ctx.save_image(grid_image(slices.networks, [a, b, c, d], int(steps), model))
            grid = grid_html(path, [a, b, c, d]) + download_links(ctx, {"vae-grid.png": path})
        except InputError as error:
            grid = message_html(ctx, error)
        return grid, value_or_message(plane_value, ctx, slices, [a, b, c], plane, model)

    ends = {name: example_ends(ctx, name) for name in MODELS}
    widgets.note(ctx, "vae.corners_note")
    with gr.Row(elem_classes="columns"):
        with gr.Column(), photo_row(264), gr.Row():
            further = [
                photo_input(ctx, letter, {name: end[index][::-1] for name, end in ends.items()}, True)
                for index, letter in enumerate("cd")
            ]
        with gr.Column():
            gr.Markdown(ctx.t("vae.grid_title"))
            grid = panel("vae-grid", style=SQUARE_STYLE)
            steps = gr.Slider(MIN_GRID, MAX_GRID, GRID, step=1, label=ctx.t("vae.grid_steps"), elem_id="vae-grid-steps")
    gr.Markdown(ctx.t("vae.plane_title"))
    plane = widgets.pills(ctx, "vae.plane", PLANES, "photos", "vae-plane-kind")
    plane_view = plane_map(ctx, slices, "vae-plane")
    widgets.aside(ctx, "vae.plane_about", "vae.plane_about_text")
    images = [*photos, *(each.photo for each in further)]
    changes = [*(image.change for image in images), steps.release, plane.input, menu.used.change]
    inputs = [*images, steps, plane, menu.used]
    widgets.fill_when_open(card, show, inputs, [grid, plane_view], changes, plane_view.stale)
    for each in further:
        each.connect()
        menu.used.change(
            lambda path, model, each=each: each.update(ctx, path, model), [each.photo, menu.used], each.outputs,
            **QUICK_EVENT,
        )  # fmt: skip
    _offer_grid(ctx, slices.networks)


def _offer_grid(ctx: Context, networks: Networks) -> None:
    def grid(
        image_a: str | None, image_b: str | None, image_c: str | None, image_d: str | None, steps: float,
        model: str, request: gr.Request,
    ) -> str:  # fmt: skip
        """Mix two to four images through a VAE: a sheet (PNG) with them at the corners and mixtures between.

        With three, the fourth corner is B + C - A; with two, the sheet is one row.
        """
        with widgets.user_errors(ctx, request):
            return ctx.save_image(grid_image(networks, [image_a, image_b, image_c, image_d], int(steps), model))

    inputs = [
        *(photo_parameter(f"image_{letter}") for letter in "abcd"),
        gr.Slider(MIN_GRID, MAX_GRID, GRID, step=1, label="steps", render=False),
        gr.Radio(list(MODELS), value=OPENING_MODEL, label="model", render=False),
    ]
    output = gr.Image(label="grid", type="filepath", format="png", render=False)
    endpoint(grid, inputs, [output], "grid", optional=["image_c", "image_d"])
