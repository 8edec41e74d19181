"""Reconstruction of hidden patches by a masked autoencoder and by two baselines, with scores."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from demos.mae.masks import Mask, describe_rule, to_image
from demos.mae.masks import to_tensor as mask_tensor
from demos.ui.images import captioned_grid
from models.analysis.inpainting_baselines import harmonic_fill, mean_fill
from models.analysis.metrics import psnr
from models.data.images import square_crop, to_images, to_tensor
from models.networks.mae import MaskedAutoencoderViT

FULL_ERROR = 64.0  # error in levels at the end of the colour scale
WHITE, TEAL = np.array([255.0, 255.0, 255.0]), np.array([4.0, 72.0, 66.0])
IMAGE_OPACITY = 0.25  # of the image where there is no value

HIDDEN_GREY = 0.6  # light grey in [-1, 1], distinct from the light and from the dark page
MAX_PSNR = 100.0  # dB for equal images; 8-bit images that differ at all stay below
LARGE_SIDE = 384  # pixels of the two large images
PANELS = ("original", "masked", "raw", "pasted", "fill", "error")
PREDICTORS = ("model", "smooth_fill", "mean_colour")


@dataclass(frozen=True)
class Reconstruction:
    """Result for one mask; every image is square, at the model's own size, and RGB.

    Errors and mask do not count in a comparison, since `masked` and `error` show them.
    """

    original: Image.Image  # centre square that the model was given
    masked: Image.Image  # the same with plain grey on the hidden patches
    raw: Image.Image  # prediction for every patch, visible ones included
    pasted: Image.Image  # prediction on the hidden patches, the original on the visible ones
    fill: Image.Image  # harmonic fill-in of the same hidden patches
    error: Image.Image  # heat map of the model's error on each hidden patch, up to `FULL_ERROR` levels
    scores: dict[str, Any]  # "patches", "hidden_patches", and for each of `PREDICTORS` the result of `compare`
    seconds: float = field(compare=False)  # run time of the network
    errors: NDArray[np.float64] = field(compare=False)  # (grid, grid), `patch_errors` of `raw`; NaN where visible
    mask: Mask = field(compare=False)  # (grid, grid), True where hidden


def grid_of(model: MaskedAutoencoderViT) -> int:
    """Return the number of patches along a side of a model's input."""
    return model.img_size // model.patch_size


@torch.inference_mode()
def reconstruct(model: MaskedAutoencoderViT, photo: Image.Image, mask: Mask) -> Reconstruction:
    """Hide patches of the centre square of a photo and reconstruct them by the model and by the baselines.

    A model that predicts normalised patches is refused: their mean and standard deviation would have to come from the
    hidden pixels, so that no error would mean anything.
    """
    if model.norm_pix_loss:
        raise ValueError("These weights predict normalised patches (norm_pix_loss); choose ones that predict pixels.")
    original = to_tensor(square_crop(photo, model.img_size))  # (1, 3, S, S)
    start = time.perf_counter()
    raw = model.reconstruct(original, mask_tensor(mask))
    seconds = time.perf_counter() - start
    hidden = hidden_pixels(model, mask)
    fill, mean = baseline_fills(original, hidden)
    scores: dict[str, Any] = {"patches": mask.size, "hidden_patches": int(mask.sum())}
    for name, prediction in zip(PREDICTORS, (raw, fill, mean), strict=True):
        scores[name] = compare(prediction, original, hidden)
    masked, pasted = original.masked_fill(hidden, HIDDEN_GREY), torch.where(hidden, raw, original)
    panels = [original, masked, raw, pasted, fill]
    errors = np.where(mask, patch_errors(raw, original, len(mask)), np.nan)
    images = dict(zip(PANELS[:-1], to_images(torch.cat(panels)), strict=True))
    images["error"] = heat_image(images["original"], errors, FULL_ERROR)
    return Reconstruction(**images, scores=scores, seconds=seconds, errors=errors, mask=mask)


def hidden_pixels(model: MaskedAutoencoderViT, mask: Mask) -> Tensor:
    """Return the mask of the pixels, (1, 3, S, S) of bool."""
    size = model.patch_size
    pixels = torch.from_numpy(mask).repeat_interleave(size, 0).repeat_interleave(size, 1)  # (S, S)
    return pixels.expand(1, 3, -1, -1)


def patch_errors(prediction: Tensor, original: Tensor, grid: int) -> NDArray[np.float64]:
    """Return the mean absolute error of each patch, (grid, grid), in levels; the images are (1, 3, S, S)."""
    levels = (prediction - original).abs().mul(127.5)
    means: NDArray[np.float64] = torch.nn.functional.adaptive_avg_pool2d(levels, grid)[0].mean(dim=0).double().numpy()
    return means


def baseline_fills(original: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Return the harmonic and the one-colour fill-in of the hidden pixels; all four are (1, 3, S, S)."""
    pixels, holes = original[0].permute(1, 2, 0).double().numpy(), hidden[0, 0].numpy()
    fills = np.stack([harmonic_fill(pixels, holes), mean_fill(pixels, holes)])  # (2, S, S, 3)
    harmonic, mean = torch.from_numpy(fills).float().permute(0, 3, 1, 2).split(1)
    return harmonic, mean


def compare(prediction: Tensor, original: Tensor, hidden: Tensor) -> dict[str, float] | None:
    """Return PSNR in dB and mean absolute error in levels of 0 to 255 on the hidden pixels, None if there are none.

    All three are (1, 3, S, S), the images in [-1, 1].
    """
    if not hidden.any():
        return None
    a, b = prediction[hidden], original[hidden]
    mean_abs_error = float((a - b).abs().mean()) * 127.5
    return {"psnr": round(min(psnr(a, b), MAX_PSNR), 2), "mean_abs_error": round(mean_abs_error, 2)}


def large_pair(result: Reconstruction) -> tuple[Image.Image, Image.Image]:
    """Return the pasted and the original image at `LARGE_SIDE`, with sharp edges of the patches."""
    side = (LARGE_SIDE, LARGE_SIDE)
    original, raw = (image.resize(side, Image.Resampling.LANCZOS) for image in (result.original, result.raw))
    hidden = to_image(result.mask).resize(side, Image.Resampling.NEAREST)
    return Image.composite(raw, original, hidden), original


def summary(result: Reconstruction, weights: str, steps: int, mask_kind: str, seed: int) -> Image.Image:
    """Draw all panels with titles and a caption that says how they were made, in English, for slides."""
    titles = (
        "Original", "What the model sees", "Prediction everywhere", "Prediction in the gaps", "Smooth fill-in",
        "Error of each patch",
    )  # fmt: skip
    scores = result.scores
    share = scores["hidden_patches"] / scores["patches"]
    trained = f", {steps:,} steps" if steps else ""
    caption = f"Unlabeled · {weights}{trained}, {result.original.width} px · "
    caption += f"{share:.0%} hidden ({describe_rule(mask_kind, seed)})"
    if scores["model"]:
        caption += f" · PSNR on the hidden patches: MAE {scores['model']['psnr']:.1f} dB"
        caption += f", smooth fill-in {scores['smooth_fill']['psnr']:.1f} dB"
    row = [(title, getattr(result, name)) for title, name in zip(titles, PANELS, strict=True)]
    return captioned_grid([row], caption)


def heat_image(image: Image.Image, values: NDArray[np.floating[Any]], full: float) -> Image.Image:
    """Return a heat map of `values`, (n, n), from 0 to `full`, on a square image; NaN leaves the image, faintly."""
    cell = image.width // len(values)
    strength = np.clip(values / max(full, 1e-9), 0.0, 1.0).repeat(cell, axis=0).repeat(cell, axis=1)[..., None]
    grey = np.asarray(image.convert("L"), np.float64)[..., None]
    faint = WHITE + (grey - WHITE) * IMAGE_OPACITY
    painted = np.where(np.isnan(strength), faint, WHITE + (TEAL - WHITE) * strength)
    return Image.fromarray(painted.round().astype(np.uint8))
