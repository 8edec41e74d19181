"""Fill hidden patches of a photo in, by a masked autoencoder and plainly, and measure both."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from demos.mae.masks import SEEDED_KINDS, Cells
from demos.mae.masks import to_tensor as mask_tensor
from demos.ui.images import captioned_row
from models.analysis.inpainting_baselines import harmonic_fill, mean_fill
from models.analysis.metrics import psnr
from models.data.images import square_crop, to_images, to_tensor
from models.networks.mae import MaskedAutoencoderViT

FULL_ERROR = 64.0  # levels of error that are painted in full colour; more looks the same
WHITE, TEAL = np.array([255.0, 255.0, 255.0]), np.array([4.0, 72.0, 66.0])
FAINT = 0.25  # how much of the image shows where there is no number

HIDDEN_TONE = 0.6  # light grey in [-1, 1]: reads as "nothing here" on the light and on the dark page
EQUAL_PSNR = 100.0  # dB shown for equal images; 8-bit images that differ at all stay below
LARGE_SIDE = 384  # pixels of the two large images
PANELS = ("original", "masked", "raw", "pasted", "fill", "error")
GUESSES = ("model", "smooth_fill", "mean_colour")


@dataclass(frozen=True)
class Reconstruction:
    """What one masking shows; every image is square, at the model's own size, and RGB but for `hidden`.

    Attributes:
        original: The centre square that the model was given.
        masked: The same with a plain tone on the hidden patches.
        raw: The prediction for every patch, visible ones included.
        pasted: The prediction on the hidden patches, the original on the visible ones.
        fill: The smooth fill-in of the same hidden patches.
        error: The model's error of each hidden patch as heat, up to `FULL_ERROR` levels.
        hidden: Grey: 255 where hidden, 0 where visible.
        errors: (grid, grid) mean absolute error of the model on each patch, in levels of 0 to 255; NaN where visible.
        cells: (grid, grid), True where hidden.
        scores: Numbers of "patches" and "hidden_patches", and for each of `GUESSES` what `compare` says.
        seconds: Time the network took.
    """

    original: Image.Image
    masked: Image.Image
    raw: Image.Image
    pasted: Image.Image
    fill: Image.Image
    error: Image.Image
    hidden: Image.Image
    scores: dict[str, Any]
    seconds: float = field(compare=False)
    errors: NDArray[np.float64] = field(compare=False)  # `error` shows them
    cells: Cells = field(compare=False)  # `hidden` shows them


def grid_of(model: MaskedAutoencoderViT) -> int:
    """Return how many patches a model has along a side."""
    return model.img_size // model.patch_size


@torch.inference_mode()
def reconstruct(model: MaskedAutoencoderViT, photo: Image.Image, cells: Cells) -> Reconstruction:
    """Hide patches of the centre square of a photo and fills them in, by the model and plainly.

    Args:
        model: In eval mode; must predict pixels themselves, not normalised patches.
        photo: Any RGB image.
        cells: (grid, grid), True for each patch to hide; at least one is visible.

    Raises:
        ValueError: If the mask does not fit, or the model predicts normalised patches: their mean and spread would
            have to come from the hidden pixels, so that no error would mean anything.
    """
    if model.norm_pix_loss:
        raise ValueError("These weights predict normalised patches (norm_pix_loss); choose ones that predict pixels.")
    original = to_tensor(square_crop(photo, model.img_size))  # (1, 3, S, S)
    start = time.perf_counter()
    raw = model.reconstruct(original, mask_tensor(cells))
    seconds = time.perf_counter() - start
    hidden = hidden_pixels(model, cells)
    fill, mean = plain_fills(original, hidden)
    scores: dict[str, Any] = {"patches": cells.size, "hidden_patches": int(cells.sum())}
    for name, guess in zip(GUESSES, (raw, fill, mean), strict=True):
        scores[name] = compare(guess, original, hidden)
    panels = [
        original,
        original.masked_fill(hidden, HIDDEN_TONE),
        raw,
        torch.where(hidden, raw, original),
        fill,
    ]
    errors = np.where(cells, patch_errors(raw, original, len(cells)), np.nan)
    images = dict(zip(PANELS[:-1], to_images(torch.cat(panels)), strict=True))
    images["error"] = heat_image(images["original"], errors, FULL_ERROR)
    hidden_image = Image.fromarray(hidden[0, 0].byte().mul(255).numpy())
    return Reconstruction(**images, hidden=hidden_image, scores=scores, seconds=seconds, errors=errors, cells=cells)


def hidden_pixels(model: MaskedAutoencoderViT, cells: Cells) -> Tensor:
    """Return which pixels hidden patches have, (1, 3, S, S) of bool."""
    size = model.patch_size
    pixels = torch.from_numpy(cells).repeat_interleave(size, 0).repeat_interleave(size, 1)  # (S, S)
    return pixels.expand(1, 3, -1, -1)


def patch_errors(guess: Tensor, original: Tensor, grid: int) -> NDArray[np.float64]:
    """Return the mean absolute error of each patch, (grid, grid), in levels; the images are (1, 3, S, S)."""
    levels = (guess - original).abs().mul(127.5)
    means: NDArray[np.float64] = torch.nn.functional.adaptive_avg_pool2d(levels, grid)[0].mean(dim=0).double().numpy()
    return means


def plain_fills(original: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Return the smooth and the one-colour fill-in of the hidden pixels; all four are (1, 3, S, S)."""

    def tensor(pixels: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(pixels).float().permute(2, 0, 1).unsqueeze(0)  # (S, S, 3) -> (1, 3, S, S)

    pixels, holes = original[0].permute(1, 2, 0).double().numpy(), hidden[0, 0].numpy()
    return tensor(harmonic_fill(pixels, holes)), tensor(mean_fill(pixels, holes))


def compare(guess: Tensor, original: Tensor, hidden: Tensor) -> dict[str, float] | None:
    """Measure a guess on the hidden pixels alone; all three are (1, 3, S, S), the images in [-1, 1].

    Returns:
        "psnr" in dB (higher is better, `EQUAL_PSNR` for no error) and "mean_abs_error" in levels of 0 to 255
        (lower is better), or None where nothing is hidden and neither is defined.
    """
    if not hidden.any():
        return None
    a, b = guess[hidden], original[hidden]
    mean_abs_error = float((a - b).abs().mean()) * 127.5
    return {"psnr": round(min(psnr(a, b), EQUAL_PSNR), 2), "mean_abs_error": round(mean_abs_error, 2)}


def large_pair(result: Reconstruction) -> tuple[Image.Image, Image.Image]:
    """Enlarge the masked and the pasted image for the eye, with sharp edges of the patches."""
    side = (LARGE_SIDE, LARGE_SIDE)
    original, raw = (image.resize(side, Image.Resampling.LANCZOS) for image in (result.original, result.raw))
    hidden = result.hidden.resize(side, Image.Resampling.NEAREST)
    tone = result.masked.resize(side, Image.Resampling.NEAREST)
    return Image.composite(tone, original, hidden), Image.composite(raw, original, hidden)


def summary(result: Reconstruction, weights: str, steps: int, mask_kind: str, seed: int) -> Image.Image:
    """Draw all panels with titles and a caption that says how they were made, in English, for slides."""
    titles = (
        "Original",
        "What the model sees",
        "Prediction everywhere",
        "Prediction in the gaps",
        "Smooth fill-in",
        "Error of each patch",
    )
    scores, side = result.scores, result.original.width
    share = scores["hidden_patches"] / scores["patches"]
    trained = f", {steps:,} steps" if steps else ""
    caption = f"Unlabeled · {weights}{trained}, {side} px · "
    drawn = f"{mask_kind}, seed {seed}" if mask_kind in SEEDED_KINDS else f"by {mask_kind}"
    caption += f"{share:.0%} hidden ({drawn})"
    if scores["model"]:
        caption += f" · PSNR on the hidden patches: MAE {scores['model']['psnr']:.1f} dB"
        caption += f", smooth fill-in {scores['smooth_fill']['psnr']:.1f} dB"
    images = [getattr(result, name) for name in PANELS]
    return captioned_row(list(zip(titles, images, strict=True)), caption)


def heat_image(image: Image.Image, values: NDArray[np.floating[Any]], full: float) -> Image.Image:
    """Paint a number on each patch, or on each pixel.

    Args:
        image: Square, RGB.
        values: (n, n), n a divisor of the image's side; NaN where there is none, which leaves the image, faintly.
        full: The number in full colour; 0 or less is white.

    Returns:
        An image of the same size.
    """
    cell = image.width // len(values)
    strength = np.clip(values / max(full, 1e-9), 0.0, 1.0).repeat(cell, axis=0).repeat(cell, axis=1)[..., None]
    grey = np.asarray(image.convert("L"), np.float64)[..., None]
    faint = WHITE + (grey - WHITE) * FAINT
    painted = np.where(np.isnan(strength), faint, WHITE + (TEAL - WHITE) * strength)
    return Image.fromarray(painted.round().astype(np.uint8))
