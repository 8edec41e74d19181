"""The shelf of the VAE tab and its thumbnails, which show what the weights that the tab opens with make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image

from demos.core.context import Context
from demos.ui.animation import upscale
from demos.ui.images import image_grid
from demos.ui.shelf.shelf import Group
from demos.ui.shelf.thumbnails import SIDE, STEPS, pair, save_thumbnails, wide
from demos.vae.arithmetic import latent_and_direction
from demos.vae.grid_and_plane import grid_image
from demos.vae.interpolation import Interpolation, encode, images_of, prior_latents
from demos.vae.kl_comparison import AUTOENCODER
from demos.vae.networks import OPENING_MODEL, Networks, read_photos
from demos.vae.photo_input import example_ends

TITLES: Mapping[Group, Mapping[str, str]] = {  # of the cards by their names
    "play": {"grid": "corners", "arithmetic": "arithmetic", "samples": "samples"},
    "inside": {"sliders": "knobs", "kl": "lesson"}, "further": {"film": "film"},
}  # fmt: skip
FAR = 3.0  # standard deviations of a number, from which the thumbnail of the sliders goes to the opposite
DRAW = 4  # seed of the random draw


def precompute_thumbnails(ctx: Context, networks: Networks, folder: Path, opening: Interpolation) -> None:
    """Write the thumbnails for the interpolation that the tab opens on."""
    line, fade = opening.smooth_paths["lerp"], opening.smooth_fade
    first, last = ([str(path) for path in end] for end in example_ends(ctx, OPENING_MODEL))
    network, z, direction = latent_and_direction(networks, first[0], (first, last), OPENING_MODEL)
    shifted = images_of(network, torch.stack([z, z + direction]))
    middle, quarter = len(line) // 2, len(line) // 4
    images = {
        "grid": wide(grid_image(networks, [first[0], last[0], first[-1], last[-1]], 4, OPENING_MODEL)),
        "arithmetic": pair(*upscale(shifted, SIDE)),
        "samples": _rows(images_of(network, prior_latents(network.latent_dim, 8, seed=0)), 4),
        "sliders": pair(*upscale(_extremes(networks, first[0]), SIDE)),
        "kl": pair(*upscale(_draws(networks), SIDE)),
        "film": _rows(line[:: len(line) // 7][:8], 4),
        STEPS[0]: pair(*upscale([opening.ends[0], opening.rebuilt[0]], SIDE)),
        STEPS[1]: pair(*upscale([line[quarter], line[-1 - quarter]], SIDE)),
        STEPS[2]: pair(*upscale([line[middle], fade[middle]], SIDE)),
    }
    save_thumbnails(images, folder)


def _rows(images: Sequence[Image.Image], columns: int) -> Image.Image:
    """Draw eight images in two rows, which are as wide as a thumbnail."""
    side = 2 * SIDE // columns
    return image_grid([images[start : start + columns] for start in range(0, len(images), columns)], side=side)


def _extremes(networks: Networks, photo: str) -> list[Image.Image]:
    """Return an image with its most telling number far down, and far up."""
    network, known = networks.vector(OPENING_MODEL), networks.statistics(OPENING_MODEL)
    number = known.by_kl[0]
    latents = encode(network, read_photos([photo])).repeat(2, 1)
    latents[:, number] = known.mean[number] + torch.tensor([-FAR, FAR]) * known.std[number]
    return images_of(network, latents)


def _draws(networks: Networks) -> list[Image.Image]:
    """Return one random draw through the network without a KL divergence, and through that with one."""
    drawn = []
    for name in (AUTOENCODER, OPENING_MODEL):
        network = networks.vector(name)
        drawn += images_of(network, prior_latents(network.latent_dim, 1, DRAW, temperature=1.0))
    return drawn
