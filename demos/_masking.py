"""Hide patches of a photo, fill the gaps with a masked autoencoder and plainly, and measure both."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from demos._fill import harmonic_fill, mean_fill
from demos._sheet import sheet
from models.images import square_crop, to_images, to_tensor
from models.mae import MaskedAutoencoderViT, block_mask, random_mask
from models.metrics import psnr

MASK_KINDS = ("random", "block")
MAX_RATIO = 0.95
MAX_SEED = 2**31 - 1
HIDDEN_TONE = 0.6  # light grey in [-1, 1]: reads as "nothing here" on the light and on the dark page
EQUAL_PSNR = 100.0  # dB shown for equal pictures; 8-bit pictures that differ at all stay below
LARGE_SIDE = 384  # pixels of the two large pictures
PANELS = ("original", "masked", "raw", "pasted", "fill")
GUESSES = ("model", "smooth_fill", "mean_colour")


@dataclass(frozen=True)
class Reconstruction:
    """What one masking shows; every picture is square, at the model's own size, and RGB but for `hidden`.

    Attributes:
        original: The centre square that the model was given.
        masked: The same with a plain tone on the hidden patches.
        raw: The prediction for every patch, visible ones included.
        pasted: The prediction on the hidden patches, the original on the visible ones.
        fill: The smooth fill-in of the same hidden patches.
        hidden: Grey: 255 where hidden, 0 where visible.
        scores: Numbers of "patches" and "hidden_patches", and for each of `GUESSES` what `compare` says.
        seconds: Time the network took.
    """

    original: Image.Image
    masked: Image.Image
    raw: Image.Image
    pasted: Image.Image
    fill: Image.Image
    hidden: Image.Image
    scores: dict[str, Any]
    seconds: float = field(compare=False)


def draw_mask(model: MaskedAutoencoderViT, mask_ratio: float, mask_kind: str, seed: int) -> Tensor:
    """Draws which patches to hide, (1, L) with 1 hidden and 0 visible; equal arguments give equal masks.

    Args:
        model: Tells how many patches there are.
        mask_ratio: Share of patches to hide, 0 to `MAX_RATIO`.
        mask_kind: "random" for single patches, "block" for rectangles of them.
        seed: Whole number from 0 to `MAX_SEED`.

    Raises:
        ValueError: If an argument is outside its range.
    """
    if mask_kind not in MASK_KINDS:
        raise ValueError(f"mask_kind is {mask_kind!r}; choose one of {', '.join(MASK_KINDS)}.")
    if not 0 <= mask_ratio <= MAX_RATIO:
        raise ValueError(f"mask_ratio is {mask_ratio}; choose one from 0 to {MAX_RATIO}.")
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed is {seed}; choose one from 0 to {MAX_SEED}.")
    generator = torch.Generator().manual_seed(seed)
    if mask_kind == "block":
        return block_mask(1, model.img_size // model.patch_size, mask_ratio, generator)
    return random_mask(1, model.num_patches, mask_ratio, generator)


@torch.inference_mode()
def reconstruct(
    model: MaskedAutoencoderViT, photo: Image.Image, mask_ratio: float, mask_kind: str, seed: int
) -> Reconstruction:
    """Hides patches of the centre square of a photo and fills them in, by the model and plainly.

    Args:
        model: In eval mode; must predict pixels themselves, not normalised patches.
        photo: Any RGB picture.
        mask_ratio: Share of patches to hide, 0 to `MAX_RATIO`.
        mask_kind: "random" or "block".
        seed: Of the mask; equal arguments give equal pictures.

    Raises:
        ValueError: If an argument is outside its range, or the model predicts normalised patches: their mean
            and spread would have to come from the hidden pixels, so that no error would mean anything.
    """
    if model.norm_pix_loss:
        raise ValueError("These weights predict normalised patches (norm_pix_loss); choose ones that predict pixels.")
    mask = draw_mask(model, mask_ratio, mask_kind, seed)
    original = to_tensor(square_crop(photo, model.img_size))  # (1, 3, S, S)
    start = time.perf_counter()
    raw = model.reconstruct(original, mask)
    seconds = time.perf_counter() - start
    hidden = model.unpatchify(mask.unsqueeze(-1).expand(-1, -1, 3 * model.patch_size**2)) > 0  # (1, 3, S, S)
    fill, mean = plain_fills(original, hidden)
    scores: dict[str, Any] = {"patches": model.num_patches, "hidden_patches": int(mask.sum())}
    for name, guess in zip(GUESSES, (raw, fill, mean), strict=True):
        scores[name] = compare(guess, original, hidden)
    panels = [
        original,
        original.masked_fill(hidden, HIDDEN_TONE),
        raw,
        torch.where(hidden, raw, original),
        fill,
    ]
    hidden_image = Image.fromarray(hidden[0, 0].byte().mul(255).numpy())
    pictures = dict(zip(PANELS, to_images(torch.cat(panels)), strict=True))
    return Reconstruction(**pictures, hidden=hidden_image, scores=scores, seconds=seconds)


def plain_fills(original: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the smooth and the one-colour fill-in of the hidden pixels; all four are (1, 3, S, S)."""

    def tensor(pixels: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(pixels).float().permute(2, 0, 1).unsqueeze(0)  # (S, S, 3) -> (1, 3, S, S)

    pixels, holes = original[0].permute(1, 2, 0).double().numpy(), hidden[0, 0].numpy()
    return tensor(harmonic_fill(pixels, holes)), tensor(mean_fill(pixels, holes))


def compare(guess: Tensor, original: Tensor, hidden: Tensor) -> dict[str, float] | None:
    """Measures a guess on the hidden pixels alone; all three are (1, 3, S, S), the pictures in [-1, 1].

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
    """Enlarges the masked and the pasted picture for the eye, with sharp edges of the patches."""
    side = (LARGE_SIDE, LARGE_SIDE)
    original, raw = (image.resize(side, Image.Resampling.LANCZOS) for image in (result.original, result.raw))
    hidden = result.hidden.resize(side, Image.Resampling.NEAREST)
    tone = result.masked.resize(side, Image.Resampling.NEAREST)
    return Image.composite(tone, original, hidden), Image.composite(raw, original, hidden)


def summary(result: Reconstruction, weights: str, steps: int, mask_kind: str, seed: int) -> Image.Image:
    """Draws all panels with titles and a caption that says how they were made, in English, for slides."""
    titles = (
        "Original",
        "What the model sees",
        "Prediction everywhere",
        "Prediction in the gaps",
        "Smooth fill-in",
    )
    scores, side = result.scores, result.original.width
    share = scores["hidden_patches"] / scores["patches"]
    trained = f", {steps:,} steps" if steps else ""
    caption = f"Unlabeled · {weights}{trained}, {side} px · "
    caption += f"{share:.0%} hidden ({mask_kind}, seed {seed})"
    if scores["model"]:
        caption += f" · PSNR on the hidden patches: MAE {scores['model']['psnr']:.1f} dB"
        caption += f", smooth fill-in {scores['smooth_fill']['psnr']:.1f} dB"
    pictures = [getattr(result, name) for name in PANELS]
    return sheet(list(zip(titles, pictures, strict=True)), caption)
