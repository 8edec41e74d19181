"""The way from one picture to another, through the latent space of a VAE and by plain cross-fade.

Nothing here knows the user interface. S is the side of the pictures the network works at, D the length of its
latent vector, N the number of pictures of a way, both ends included.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
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
LONGEST = 72  # pictures of a film
SMOOTH_STEPS = 24  # pictures one way of the animation, whatever the filmstrip's number
LARGE_SIDE, SMALL_SIDE = 256, 128  # pixels a picture is enlarged to: to look at, and in strips and sheets
SPATIAL_AT_ONCE, GLOBAL_AT_ONCE = 4, 32  # pictures; a large decoder takes gigabytes for a whole way
DRAW_TEMPERATURE = 0.8  # somewhat calmer than the prior: fewer odd draws, still varied


@dataclass(frozen=True)
class Morph:
    """Two pictures, what the network makes of them, and two ways between them; all pictures are RGB, S x S.

    Attributes:
        ends: The two pictures as the network gets them: the centre square.
        rebuilt: The ends, encoded and decoded again.
        scores: Likeness of each rebuilt end with its picture, PSNR in dB.
        way: The way that was asked for, a key of `paths`.
        paths: For each way N pictures decoded from latent points on it; the first and the last are `rebuilt`. All
            of `WAYS`, or only the one that was asked for: of a spatial model, and where it was wanted alone.
        fade: N plain mixtures of the two `ends`.
        smooth_paths: M pictures of the same ways, for the player: `SMOOTH_STEPS`, or the N of a spatial model.
        smooth_fade: As many mixtures.
    """

    ends: tuple[Image.Image, Image.Image]
    rebuilt: tuple[Image.Image, Image.Image]
    scores: tuple[float, float]
    way: str
    paths: dict[str, list[Image.Image]]
    fade: list[Image.Image]
    smooth_paths: dict[str, list[Image.Image]]
    smooth_fade: list[Image.Image]

    @property
    def path(self) -> list[Image.Image]:
        """The pictures of the way that was asked for."""
        return self.paths[self.way]

    @property
    def smooth_path(self) -> list[Image.Image]:
        """The smooth pictures of the way that was asked for."""
        return self.smooth_paths[self.way]


def latent_path(start: Tensor, end: Tensor, steps: int, way: str = "lerp") -> Tensor:
    """Return `steps` points evenly spaced from one latent (D,) to another, both included: (steps, D).

    Args:
        start: Latent of the first picture, (D,).
        end: Latent of the last picture, (D,).
        steps: How many points, `MIN_STEPS` to `LONGEST`.
        way: "lerp" for the straight line, "slerp" for the arc.

    Raises:
        ValueError: If `steps` or `way` is not one of those.
    """
    _check_steps(steps)
    _check_way(way)
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
        ValueError: If `steps` is outside `MIN_STEPS` to `LONGEST`.
    """
    _check_steps(steps)
    t = torch.linspace(0, 1, steps).view(-1, 1, 1, 1)
    return (1 - t) * start + t * end


@torch.inference_mode()
def morph(
    model: Autoencoder,
    first: Image.Image,
    last: Image.Image,
    steps: int = DEFAULT_STEPS,
    way: str = "lerp",
    alone: bool = False,
) -> Morph:
    """Take two pictures through the latent space of a model (their posterior means) and through a cross-fade.

    Args:
        model: In eval mode. Nothing is drawn, so equal arguments give equal pictures.
        first: Any RGB picture; its centre square is used.
        last: Any RGB picture; its centre square is used.
        steps: Pictures of the filmstrip, `MIN_STEPS` to `MAX_STEPS`.
        way: "lerp" or "slerp".
        alone: Whether to leave the other way out.

    Raises:
        ValueError: If `steps` or `way` is out of range.
    """
    _check_steps(steps, MAX_STEPS)
    _check_way(way)
    ends = to_tensor([square_crop(picture, model.img_size) for picture in (first, last)])  # (2, 3, S, S)
    mu, _ = model.encode(ends)  # (2, D), or a map of vectors (2, C, h, w), which is one long vector on the way
    start, end = mu.flatten(1)
    ways = [way] if alone or model.spatial else list(WAYS)
    smooth = 0 if model.spatial else SMOOTH_STEPS  # a picture takes those models seconds: only the strip's are made
    latents = [latent_path(start, end, number, each) for each in ways for number in (steps, smooth) if number]
    decoded = decode(model, torch.cat(latents), mu.shape[1:])
    parts = [to_images(part) for part in decoded.split([len(part) for part in latents])]
    rebuilt = decoded[[0, steps - 1]]
    return Morph(
        ends=_pair(to_images(ends)),
        rebuilt=_pair(to_images(rebuilt)),
        scores=(psnr(rebuilt[0], ends[0]), psnr(rebuilt[1], ends[1])),
        way=way,
        paths=dict(zip(ways, parts[::2] if smooth else parts, strict=True)),
        fade=to_images(cross_fade(ends[0], ends[1], steps)),
        smooth_paths=dict(zip(ways, parts[1::2] if smooth else parts, strict=True)),
        smooth_fade=to_images(cross_fade(ends[0], ends[1], smooth or steps)),
    )


def decode(model: Autoencoder, latents: Tensor, shape: Sequence[int] = ()) -> Tensor:
    """Decode latents (N, D) in pieces; `shape` is that of one latent where it is a map: (N, 3, S, S)."""
    at_once = SPATIAL_AT_ONCE if model.spatial else GLOBAL_AT_ONCE
    return torch.cat([model.decode(part.unflatten(1, shape or (-1,))) for part in latents.split(at_once)])


@dataclass(frozen=True)
class Rendered:
    """A morph and the files made of it.

    Attributes:
        morph: Two pictures and the ways between them.
        strip: The ways and the cross-fade as a filmstrip of rows `STRIP_GAP` pixels apart.
        sheet: The smooth ways and the cross-fade in rows without gaps, as WebP, for the player.
        animation: The smooth way that was asked for, there and back, as animated WebP.
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
    rows, smooth = [*result.paths.values(), result.fade], [*result.smooth_paths.values(), result.smooth_fade]
    strip = sprite_sheet([upscale(row, SMALL_SIDE) for row in rows], STRIP_GAP)
    sheet = sprite_sheet([upscale(row, SMALL_SIDE) for row in smooth])
    animation = looping_webp(upscale(result.smooth_path, LARGE_SIDE))
    return Rendered(result, strip, still_webp(sheet), animation, seconds)


def prior_latents(latent_dim: int, number: int, seed: int, temperature: float = DRAW_TEMPERATURE) -> Tensor:
    """Draw latents from the prior N(0, temperature²), (number, latent_dim); equal arguments give equal latents.

    Args:
        latent_dim: Numbers in a latent.
        number: How many, at least 1.
        seed: A whole number from 0.
        temperature: Spread of the draws; 0 is the average latent over and over, 1 the prior itself.

    Raises:
        ValueError: If an argument is out of range.
    """
    if number < 1 or seed < 0 or temperature < 0:
        raise ValueError(f"number {number} must be at least 1, seed {seed} and temperature {temperature} 0.")
    return torch.randn(number, latent_dim, generator=torch.Generator().manual_seed(seed)) * temperature


@torch.inference_mode()
def draw(model: GlobalAutoencoder, number: int, seed: int, temperature: float = DRAW_TEMPERATURE) -> list[Image.Image]:
    """Draw latents from the prior with `prior_latents` and decode them with a model in eval mode."""
    return to_images(decode(model, prior_latents(model.latent_dim, number, seed, temperature)))


@torch.inference_mode()
def encode(model: GlobalAutoencoder, pictures: Sequence[Image.Image]) -> Tensor:
    """Return the posterior means of the centre squares of RGB pictures, (N, D)."""
    mu, _ = model.encode(to_tensor([square_crop(picture, model.img_size) for picture in pictures]))
    return mu


@torch.inference_mode()
def pictures_of(model: GlobalAutoencoder, latents: Tensor) -> list[Image.Image]:
    """Decode latents (N, D) to N pictures, S x S."""
    return to_images(decode(model, latents))


def _check_way(way: str) -> None:
    if way not in WAYS:
        raise ValueError(f"way is {way!r}; choose one of {', '.join(WAYS)}.")


def _check_steps(steps: int, most: int = LONGEST) -> None:
    if not MIN_STEPS <= steps <= most:
        raise ValueError(f"steps is {steps}; choose {MIN_STEPS} to {most} pictures.")


def _pair(images: list[Image.Image]) -> tuple[Image.Image, Image.Image]:
    first, last = images
    return first, last
