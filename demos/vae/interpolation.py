"""Interpolation between two images, through the latent space of a VAE and by plain cross-fade.

Nothing here knows the user interface. S is the side of the images the network works at, D the length of its
latent vector, N the number of images of an interpolation, both ends included.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from demos.ui.animation import STRIP_GAP, looping_webp, upscale
from demos.ui.images import image_grid, still_webp
from models.analysis.latents import lerp, slerp
from models.analysis.metrics import psnr
from models.data.images import square_crop, to_images, to_tensor
from models.networks.autoencoder_kl import AutoencoderKL
from models.networks.autoencoder_tiny import AutoencoderTiny
from models.networks.portrait_vae import PortraitVAE
from models.networks.vae import VectorVAE

Autoencoder = VectorVAE | PortraitVAE | AutoencoderTiny | AutoencoderKL
GlobalAutoencoder = VectorVAE | PortraitVAE
METHODS = {"lerp": lerp, "slerp": slerp}
MIN_STEPS, DEFAULT_STEPS, MAX_STEPS = 3, 9, 24
MAX_FRAMES = 72  # of a video
SMOOTH_STEPS = 24  # images of an animation from one end to the other, about
LARGE_SIDE, SMALL_SIDE = 256, 128  # pixels an image is enlarged to: to look at, and in strips and sheets
SPATIAL_BATCH, GLOBAL_BATCH = 4, 32  # images; a large decoder takes gigabytes for all at once
DRAW_TEMPERATURE = 0.8  # somewhat calmer than the prior: fewer odd draws, still varied


@dataclass(frozen=True)
class Interpolation:
    """Two images, their reconstructions, and the images between them; all are RGB, S x S."""

    ends: tuple[Image.Image, ...]  # the two as the network gets them: the centre square
    latents: tuple[tuple[float, ...], ...]  # their posterior means, (2, D); empty for a spatial model, it has thousands
    rebuilt: tuple[Image.Image, ...]  # their reconstructions
    psnr: tuple[float, float]  # of the reconstructions, in dB
    smooth_paths: dict[str, list[Image.Image]]  # M images for each method, from one reconstruction to the other
    smooth_fade: list[Image.Image]  # M plain mixtures of the ends
    stride: int  # of the N images that were asked for among the M


def stride_for(steps: int) -> int:
    """Return how many steps of a smooth path, of about `SMOOTH_STEPS` images, make one of a path of `steps` images."""
    return max(1, round((SMOOTH_STEPS - 1) / (steps - 1)))


def latent_path(start: Tensor, end: Tensor, steps: int, method: str = "lerp") -> Tensor:
    """Return `steps` points evenly spaced from one latent (D,) to another, both included: (steps, D)."""
    _check_steps(steps)
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; choose one of {', '.join(METHODS)}.")
    inner = [METHODS[method](start, end, t) for t in torch.linspace(0, 1, steps)[1:-1].tolist()]
    return torch.stack([start, *inner, end])  # the ends exactly, free of rounding


def latent_size(model: Autoencoder) -> int:
    """Return how many numbers the latent of an image has."""
    if isinstance(model, GlobalAutoencoder):
        return model.latent_dim
    return model.latent_channels * (model.img_size // model.downsampling) ** 2


def cross_fade(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Return `steps` mixtures (1 - t) start + t end of two images (3, S, S): (steps, 3, S, S)."""
    _check_steps(steps)
    t = torch.linspace(0, 1, steps).view(-1, 1, 1, 1)
    return (1 - t) * start + t * end


@torch.inference_mode()
def encode_images(model: Autoencoder, images: Sequence[Image.Image]) -> tuple[Tensor, Tensor]:
    """Return RGB images as the network gets them, (N, 3, S, S), and their posterior means, (N, D) or (N, C, h, w)."""
    pixels = to_tensor([square_crop(image, model.img_size) for image in images])
    return pixels, model.encode(pixels)[0]


@torch.inference_mode()
def reconstruct(model: Autoencoder, image: Image.Image) -> tuple[Image.Image, float]:
    """Return the reconstruction of an image, S x S, and its PSNR in dB."""
    pixels, mu = encode_images(model, [image])
    rebuilt = model.decode(mu)
    return to_images(rebuilt)[0], psnr(rebuilt[0], pixels[0])


@torch.inference_mode()
def interpolate(
    model: Autoencoder,
    first: Image.Image,
    last: Image.Image,
    steps: int = DEFAULT_STEPS,
    methods: Sequence[str] = tuple(METHODS),
) -> Interpolation:
    """Interpolate between two images in the latent space of a model (their posterior means), and by a cross-fade."""
    _check_steps(steps, MAX_STEPS)
    ends, mu = encode_images(model, (first, last))
    start, end = mu.flatten(1)  # of a spatial map: one long vector
    stride = 1 if model.spatial else stride_for(steps)  # an image takes those models seconds: few are made
    smooth = stride * (steps - 1) + 1
    latents = [latent_path(start, end, smooth, method) for method in methods]
    decoded = decode(model, torch.cat(latents), mu.shape[1:])
    rebuilt = decoded[[0, smooth - 1]]
    return Interpolation(
        ends=tuple(to_images(ends)),
        latents=() if model.spatial else tuple(tuple(each) for each in mu.tolist()),
        rebuilt=tuple(to_images(rebuilt)),
        psnr=(psnr(rebuilt[0], ends[0]), psnr(rebuilt[1], ends[1])),
        smooth_paths={method: to_images(part) for method, part in zip(methods, decoded.split(smooth), strict=True)},
        smooth_fade=to_images(cross_fade(ends[0], ends[1], smooth)),
        stride=stride,
    )


def frames_and_animation(
    model: Autoencoder, first: Image.Image, last: Image.Image, steps: int
) -> tuple[list[Image.Image], bytes]:
    """Return the images of the linear interpolation, at least `LARGE_SIDE` pixels a side, and a looping WebP."""
    result = interpolate(model, first, last, steps, ("lerp",))
    frames = upscale(result.smooth_paths["lerp"], LARGE_SIDE)
    return frames[:: result.stride], looping_webp(frames)


@torch.inference_mode()
def video_frames(
    model: Autoencoder, first: Image.Image, last: Image.Image, steps: int, method: str
) -> Iterator[list[Image.Image]]:
    """Yield the images from one image to another in batches, `steps` in all."""
    ends, mu = encode_images(model, (first, last))
    if method == "fade":
        yield to_images(cross_fade(ends[0], ends[1], steps))
        return
    start, end = mu.flatten(1)
    for batch in latent_path(start, end, steps, method).split(SPATIAL_BATCH):
        yield to_images(decode(model, batch, mu.shape[1:]))


def decode(model: Autoencoder, latents: Tensor, shape: Sequence[int] = ()) -> Tensor:
    """Decode latents (N, D) in batches; `shape` is that of one latent where it is a map: (N, 3, S, S)."""
    batch = SPATIAL_BATCH if model.spatial else GLOBAL_BATCH
    return torch.cat([model.decode(part.unflatten(1, shape or (-1,))) for part in latents.split(batch)])


@dataclass(frozen=True)
class Rendered:
    """An interpolation and the files made of it."""

    interpolation: Interpolation
    strip: Image.Image  # the N images of each method and of the cross-fade in rows `STRIP_GAP` pixels apart
    sheet: bytes  # WebP of the M images of the same, without gaps, for the player
    seconds: float  # time of the network


def render(model: Autoencoder, first: Image.Image, last: Image.Image, steps: int = DEFAULT_STEPS) -> Rendered:
    """Interpolate by all methods, or by one in a spatial model, and make the files that show the result."""
    start = time.perf_counter()
    result = interpolate(model, first, last, steps, ("lerp",) if model.spatial else tuple(METHODS))
    seconds = time.perf_counter() - start
    rows = [upscale(row, SMALL_SIDE) for row in (*result.smooth_paths.values(), result.smooth_fade)]
    strip = image_grid([row[:: result.stride] for row in rows], STRIP_GAP)
    return Rendered(result, strip, still_webp(image_grid(rows)), seconds)


def prior_latents(latent_dim: int, number: int, seed: int, temperature: float = DRAW_TEMPERATURE) -> Tensor:
    """Draw latents from the prior N(0, temperature²), (number, latent_dim); equal arguments give equal latents."""
    if number < 1 or seed < 0 or temperature < 0:
        raise ValueError(f"number {number} must be at least 1, seed {seed} and temperature {temperature} 0.")
    return torch.randn(number, latent_dim, generator=torch.Generator().manual_seed(seed)) * temperature


def draw(model: GlobalAutoencoder, number: int, seed: int, temperature: float = DRAW_TEMPERATURE) -> list[Image.Image]:
    """Draw latents from the prior with `prior_latents` and decode them with a model in eval mode."""
    return images_of(model, prior_latents(model.latent_dim, number, seed, temperature))


def encode(model: GlobalAutoencoder, images: Sequence[Image.Image]) -> Tensor:
    """Return the posterior means of the centre squares of RGB images, (N, D)."""
    return encode_images(model, images)[1]


@torch.inference_mode()
def images_of(model: GlobalAutoencoder, latents: Tensor) -> list[Image.Image]:
    """Decode latents (N, D) to N images, S x S."""
    return to_images(decode(model, latents))


def _check_steps(steps: int, most: int = MAX_FRAMES) -> None:
    if not MIN_STEPS <= steps <= most:
        raise ValueError(f"steps is {steps}; choose {MIN_STEPS} to {most} pictures.")
