"""The way from one picture to another, through the latent space of a VAE and by plain cross-fade.

Nothing here knows the user interface. S is the side of the pictures the network works at, D the length of its
latent vector, N the number of pictures of a way, both ends included.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from demos._animation import STRIP_GAP, looping_webp, sprite_sheet, still_webp, upscale
from models.autoencoder_kl import AutoencoderKL
from models.autoencoders import AutoencoderTiny
from models.images import square_crop, to_images, to_tensor
from models.metrics import psnr
from models.portrait_vae import PortraitVAE
from models.vae import ConvVAE, lerp, slerp

Autoencoder = ConvVAE | PortraitVAE | AutoencoderTiny | AutoencoderKL
GlobalAutoencoder = ConvVAE | PortraitVAE
WAYS = {"lerp": lerp, "slerp": slerp}
MIN_STEPS, DEFAULT_STEPS, MAX_STEPS = 3, 9, 24
SMOOTH_STEPS = 24  # pictures one way of the animation, whatever the filmstrip's number
LARGE_SIDE, SMALL_SIDE = 256, 128  # pixels a picture is enlarged to: to look at, and in strips and sheets
DECODED_AT_ONCE = 4  # pictures; a large decoder takes gigabytes for a whole way
DRAW_TEMPERATURE = 0.8  # somewhat calmer than the prior: fewer odd draws, still varied


@dataclass(frozen=True)
class Morph:
    """Two pictures, what the network makes of them, and two ways between them; all pictures are RGB, S x S.

    Attributes:
        ends: The two pictures as the network gets them: the centre square.
        rebuilt: The ends, encoded and decoded again.
        scores: Likeness of each rebuilt end with its picture, PSNR in dB.
        path: N pictures decoded from evenly spaced latent points; the first and the last are `rebuilt`.
        fade: N plain mixtures of the two `ends`.
        smooth_path: M pictures of the same way, for the animation: `SMOOTH_STEPS`, or the N of a spatial model.
        smooth_fade: As many mixtures.
    """

    ends: tuple[Image.Image, Image.Image]
    rebuilt: tuple[Image.Image, Image.Image]
    scores: tuple[float, float]
    path: list[Image.Image]
    fade: list[Image.Image]
    smooth_path: list[Image.Image]
    smooth_fade: list[Image.Image]


def latent_path(start: Tensor, end: Tensor, steps: int, way: str = "lerp") -> Tensor:
    """Return `steps` points evenly spaced from one latent (D,) to another, both included: (steps, D).

    Args:
        start: Latent of the first picture, (D,).
        end: Latent of the last picture, (D,).
        steps: How many points, `MIN_STEPS` to `MAX_STEPS`.
        way: "lerp" for the straight line, "slerp" for the arc.

    Raises:
        ValueError: If `steps` or `way` is not one of those.
    """
    _check_steps(steps)
    if way not in WAYS:
        raise ValueError(f"way is {way!r}; choose one of {', '.join(WAYS)}.")
    inner = [WAYS[way](start, end, t) for t in torch.linspace(0, 1, steps)[1:-1].tolist()]
    return torch.stack([start, *inner, end])  # the ends exactly, free of rounding


def numbers_of(model: Autoencoder) -> int:
    """Return how many numbers a picture passes through."""
    if isinstance(model, GlobalAutoencoder):
        return model.latent_dim
    return model.latent_channels * (model.img_size // model.downsampling) ** 2


def cross_fade(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Return `steps` mixtures (1 - t) start + t end of two pictures (3, S, S): (steps, 3, S, S).

    Raises:
        ValueError: If `steps` is outside `MIN_STEPS` to `MAX_STEPS`.
    """
    _check_steps(steps)
    t = torch.linspace(0, 1, steps).view(-1, 1, 1, 1)
    return (1 - t) * start + t * end


@torch.inference_mode()
def morph(
    model: Autoencoder, first: Image.Image, last: Image.Image, steps: int = DEFAULT_STEPS, way: str = "lerp"
) -> Morph:
    """Take two pictures through the latent space of a model (their posterior means) and through a cross-fade.

    Args:
        model: In eval mode. Nothing is drawn, so equal arguments give equal pictures.
        first: Any RGB picture; its centre square is used.
        last: Any RGB picture; its centre square is used.
        steps: Pictures of the filmstrip, `MIN_STEPS` to `MAX_STEPS`.
        way: "lerp" or "slerp".

    Raises:
        ValueError: If `steps` or `way` is out of range.
    """
    ends = to_tensor([square_crop(picture, model.img_size) for picture in (first, last)])  # (2, 3, S, S)
    mu, _ = model.encode(ends)  # (2, D), or a map of vectors (2, C, h, w), which is one long vector on the way
    start, end = mu.flatten(1)
    smooth = 0 if model.spatial else SMOOTH_STEPS  # a picture takes those models seconds: only the strip's are made
    latents = torch.cat([latent_path(start, end, number, way) for number in (steps, smooth) if number])
    decoded = torch.cat([model.decode(part.unflatten(1, mu.shape[1:])) for part in latents.split(DECODED_AT_ONCE)])
    path, smooth_path = decoded[:steps], decoded[steps:] if smooth else decoded  # (N, 3, S, S), (M, 3, S, S)
    rebuilt = (path[0], path[-1])
    return Morph(
        ends=_pair(to_images(ends)),
        rebuilt=_pair(to_images(torch.stack(rebuilt))),
        scores=(psnr(rebuilt[0], ends[0]), psnr(rebuilt[1], ends[1])),
        path=to_images(path),
        fade=to_images(cross_fade(ends[0], ends[1], steps)),
        smooth_path=to_images(smooth_path),
        smooth_fade=to_images(cross_fade(ends[0], ends[1], smooth or steps)),
    )


@dataclass(frozen=True)
class Rendered:
    """A morph and the files made of it.

    Attributes:
        morph: Two pictures and the ways between them.
        strip: Both ways as a filmstrip of two rows, `STRIP_GAP` pixels apart.
        sheet: Both smooth ways in two rows without gaps, as WebP, for the player.
        animation: The smooth latent way there and back, as animated WebP.
        seconds: Time of the network.
    """

    morph: Morph
    strip: Image.Image
    sheet: bytes
    animation: bytes
    seconds: float


def render(
    model: Autoencoder, first: Image.Image, last: Image.Image, steps: int = DEFAULT_STEPS, way: str = "lerp"
) -> Rendered:
    """Take the arguments of `morph` and make all the files that show its result."""
    start = time.perf_counter()
    result = morph(model, first, last, steps, way)
    seconds = time.perf_counter() - start
    strip = sprite_sheet([upscale(row, SMALL_SIDE) for row in (result.path, result.fade)], STRIP_GAP)
    sheet = sprite_sheet([upscale(row, SMALL_SIDE) for row in (result.smooth_path, result.smooth_fade)])
    animation = looping_webp(upscale(result.smooth_path, LARGE_SIDE))
    return Rendered(result, strip, still_webp(sheet), animation, seconds)


@torch.inference_mode()
def draw(model: GlobalAutoencoder, number: int, seed: int, temperature: float = DRAW_TEMPERATURE) -> list[Image.Image]:
    """Draw latents from the prior N(0, temperature²) and decode them; equal arguments give equal pictures.

    Args:
        model: In eval mode.
        number: How many pictures, at least 1.
        seed: A whole number from 0.
        temperature: Spread of the draws; 0 shows the average latent over and over, 1 is the prior itself.

    Raises:
        ValueError: If an argument is out of range.
    """
    if number < 1 or seed < 0 or temperature < 0:
        raise ValueError(f"number {number} must be at least 1, seed {seed} and temperature {temperature} 0.")
    return to_images(model.sample(number, torch.Generator().manual_seed(seed), temperature))


def _check_steps(steps: int) -> None:
    if not MIN_STEPS <= steps <= MAX_STEPS:
        raise ValueError(f"steps is {steps}; choose {MIN_STEPS} to {MAX_STEPS} pictures.")


def _pair(images: list[Image.Image]) -> tuple[Image.Image, Image.Image]:
    first, last = images
    return first, last
