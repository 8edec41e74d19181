"""Two to four images on the VAE tab: a grid between four corners, and a plane of latent space to walk on."""

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
from demos.ui import widgets
from demos.ui.animation import STRIP_GAP, upscale
from demos.ui.api_endpoint import endpoint, photo_parameter
from demos.ui.images import data_url, image_grid
from demos.ui.model_menu.menu import Menu
from demos.vae import player
from demos.vae.interpolation import SMALL_SIDE, GlobalAutoencoder, encode, images_of
from demos.vae.latent_slice import Flats, LatentSlice, thumbnail_url
from demos.vae.latent_widgets import plane_map, sorry_value
from demos.vae.networks import (
    MODELS,
    OPENING_MODEL,
    STYLE,
    Networks,
    example_ends,
    photo_place,
    saves,
    sorry_html,
    with_examples,
)
from models.analysis.latents import corner_grid, plane_basis, principal_plane
from models.data.images import ImageError, read_image

MIN_GRID, GRID, MAX_GRID = 3, 6, 9  # images along a side
MOSAIC = 9  # images along a side of the map
DENSITY = 64  # cells along a side of its shading
ROOM = 1.45  # how much farther the map reaches than its images
PLANES = {"photos": "vae.plane_photos", "pca": "vae.plane_pca"}
NEEDS_VECTOR = "vae.needs_vector"


def grid_latents(corners: Sequence[Tensor], steps: int) -> Tensor:
    """Return the latents of a grid row by row: (steps², D) between three or four corners, (steps, D) between two.

    Three corners are completed to a parallelogram, the fourth being B + C - A.
    """
    if len(corners) == 2:
        return torch.lerp(corners[0], corners[1], torch.linspace(0, 1, steps)[:, None])
    last = corners[3] if len(corners) == 4 else corners[1] + corners[2] - corners[0]
    return corner_grid(torch.stack([*corners[:3], last]), steps)


class Corners:
    """What the fold asks for; photos are paths, models names."""

    def __init__(self, ctx: Context, networks: Networks, flats: Flats) -> None:
        self._ctx, self._networks, self._flats = ctx, networks, flats

    def show(
        self, a: str | None, b: str | None, c: str | None, d: str | None, steps: float, plane: str, model: str
    ) -> tuple[str, str]:
        """Show grid and plane of the chosen images, or says what is missing in their places."""
        return self.show_grid(a, b, c, d, steps, model), self.show_plane(a, b, c, plane, model)

    def show_grid(self, a: str | None, b: str | None, c: str | None, d: str | None, steps: float, model: str) -> str:
        """Write the grid between the corners."""
        network, chosen = self._networks.vector(model), [path for path in (a, b, c, d) if path]
        if network is None:
            return sorry_html(self._ctx, NEEDS_VECTOR)
        if len(chosen) < 2:
            return sorry_html(self._ctx, "vae.missing_both")
        try:
            path = self._ctx.save_image(self._grid(network, chosen, int(steps)))
        except ImageError as error:
            return sorry_html(self._ctx, f"error.image.{error.code}", **error.values)
        links = saves(self._ctx, {"vae-grid.png": path})
        return f'<img class="square" src="{file_url(path)}" alt="">{links}'

    def _grid(self, network: GlobalAutoencoder, paths: Sequence[str], steps: int) -> Image.Image:
        mu = encode(network, [read_image(path) for path in paths])
        images = upscale(images_of(network, grid_latents(list(mu), steps)), SMALL_SIDE)
        rows = [images[start : start + steps] for start in range(0, len(images), steps)]
        return image_grid(rows, STRIP_GAP)

    def show_plane(self, a: str | None, b: str | None, c: str | None, plane: str, model: str) -> str:
        """Return the value of the map: the plane through three images, or that of the examples' main directions."""
        network = self._networks.vector(model)
        if network is None:
            return sorry_value(self._ctx, NEEDS_VECTOR)
        paths = [path for path in (a, b, c) if path]
        if plane == "photos" and len(paths) < 3:
            return sorry_value(self._ctx, "vae.plane_missing")
        try:
            if plane == "photos":
                photos = [read_image(path) for path in paths]
                mu = encode(network, photos)
                origin, directions = plane_basis(mu)
                names = ["A", "B", "C"]
            else:
                ends = example_ends(self._ctx, with_examples(model))
                photos = [read_image(path) for end in ends for path in end]
                if len(photos) < 3:
                    return sorry_value(self._ctx, "vae.plane_missing")
                mu = encode(network, photos)
                origin, directions = principal_plane(mu)
                names = [""] * len(photos)
        except ImageError as error:
            return sorry_value(self._ctx, f"error.image.{error.code}", **error.values)
        except ValueError:  # three images of which two are the same
            return sorry_value(self._ctx, "vae.plane_line")
        return self._value(network, LatentSlice(model, origin, directions), mu, photos, names)

    def _value(
        self,
        network: GlobalAutoencoder,
        flat: LatentSlice,
        mu: Tensor,
        photos: Sequence[Image.Image],
        names: Sequence[str],
    ) -> str:
        places = (mu - flat.origin) @ flat.directions.T  # (N, 2)
        half = float(places.abs().max()) * ROOM
        mosaic = images_of(network, _cells(flat, half, MOSAIC))
        rows = [mosaic[start : start + MOSAIC] for start in range(0, len(mosaic), MOSAIC)]
        statistics = self._networks.statistics(flat.model)
        density = statistics.density(statistics.distance(_cells(flat, half, DENSITY)))
        points = [
            {"at": [round(float(share), 4) for share in place / half], "url": thumbnail_url(photo), "name": name}
            for place, photo, name in zip(places, photos, names, strict=True)
        ]
        value = {
            "key": self._flats.add(flat), "model": flat.model, "half": half, "at": points[0]["at"], "points": points,
            "mosaic": data_url(image_grid(rows), quality=82),
            "density": base64.b64encode((density * 255).round().byte().numpy().tobytes()).decode("ascii"),
        }  # fmt: skip
        return json.dumps(value)

    def grid(
        self, image_a: str | None, image_b: str | None, image_c: str | None, image_d: str | None, steps: float,
        model: str, request: gr.Request,
    ) -> str:  # fmt: skip
        """Mix two to four images through a VAE: a sheet (PNG) with them at the corners and mixtures between.

        With three, the fourth corner is B + C - A; with two, the sheet is one row.
        """
        paths = [path for path in (image_a, image_b, image_c, image_d) if path]
        network = self._networks.vector(model)
        if network is None or len(paths) < 2:
            raise widgets.user_error(self._ctx, request, NEEDS_VECTOR if network is None else "vae.missing_both")
        try:
            return self._ctx.save_image(self._grid(network, paths, int(steps)))
        except ImageError as error:
            raise widgets.image_error(self._ctx, request, error) from error


def _cells(flat: LatentSlice, half: float, cells: int) -> Tensor:
    """Return the latents at the middles of `cells` x `cells` squares of the map, row by row from the top left."""
    middles = (torch.arange(cells) + 0.5) / cells * 2 - 1
    y, x = torch.meshgrid(-middles * half, middles * half, indexing="ij")
    return flat.origin + torch.stack([x.flatten(), y.flatten()], dim=1) @ flat.directions


def corners_section(ctx: Context, networks: Networks, flats: Flats, photos: Sequence[gr.Image], menu: Menu) -> None:
    """Place the fold with the two further photos, the grid and the map."""
    corners = Corners(ctx, networks, flats)
    ends = {name: example_ends(ctx, name) for name in MODELS}
    with widgets.options(ctx, "vae.corners") as fold:
        widgets.note(ctx, "vae.corners_note")
        with gr.Row(elem_classes="columns"):
            with gr.Column(), player.photo_row(), gr.Row():
                places = [
                    photo_place(ctx, letter, {name: end[number][::-1] for name, end in ends.items()}, True)
                    for number, letter in enumerate("cd")
                ]
            with gr.Column():
                gr.Markdown(ctx.t("vae.grid_title"))
                grid = gr.HTML(css_template=STYLE, apply_default_css=False, elem_id="vae-grid")
                steps = gr.Slider(
                    MIN_GRID, MAX_GRID, GRID, step=1, label=ctx.t("vae.grid_steps"), elem_id="vae-grid-steps"
                )
        gr.Markdown(ctx.t("vae.plane_title"))
        plane = widgets.pills(ctx, "vae.plane", PLANES, "photos", "vae-plane-kind")
        walk = plane_map(ctx, flats.look(), "vae-plane")
        widgets.aside(ctx, "vae.plane_about", "vae.plane_about_text")
    images = [*photos, *(place.photo for place in places)]
    inputs = [*images, steps, plane, menu.used]
    changes = [*(image.change for image in images), steps.release, plane.input, menu.used.change]
    widgets.fill_when_open(fold, corners.show, inputs, [grid, walk], changes, walk.stale)
    for place in places:
        place.connect()
        menu.used.change(
            lambda path, model, place=place: place.update(ctx, path, model), [place.photo, menu.used], place.outputs,
            **QUICK_EVENT,
        )  # fmt: skip
    _offer_grid(corners)


def _offer_grid(corners: Corners) -> None:
    inputs = [
        *(photo_parameter(f"image_{letter}") for letter in "abcd"),
        gr.Slider(MIN_GRID, MAX_GRID, GRID, step=1, label="steps", render=False),
        gr.Radio(list(MODELS), value=OPENING_MODEL, label="model", render=False),
    ]
    endpoint(corners.grid, inputs, [gr.Image(label="grid", type="filepath", format="png", render=False)], "grid")
