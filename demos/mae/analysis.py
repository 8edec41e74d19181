"""Closer looks at a masked autoencoder: other ratios, many masks, and which visible patches a guess rests on.

What takes time comes as a generator, so that it shows how far it is and can be stopped between two steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr
from torch import Tensor

from demos.mae.masks import MASK_KINDS, MAX_SEED, SEEDED_KINDS, Cells, MaskError, draw_mask, patch_means
from demos.mae.masks import to_tensor as mask_tensor
from demos.mae.reconstruction import (
    FULL_ERROR,
    Reconstruction,
    grid_of,
    heat_image,
    hidden_pixels,
    patch_errors,
    reconstruct,
)
from demos.ui.images import captioned_grid
from models.analysis.metrics import psnr
from models.data.images import square_crop, to_images, to_tensor
from models.networks.mae import MaskedAutoencoderViT

RATIOS = tuple(percent / 100 for percent in range(25, 100, 10))
STRIP_SIDE = 160  # pixels of each image in the strip
BATCH = 8  # images at a time: a sign of life twice a second from the largest models too
MAX_MASKS = 64
FULL_SPREAD = 32.0  # levels of spread in full colour


def rule_of(mask_kind: str, rules: Sequence[str] = MASK_KINDS) -> str:
    """Return the kind itself where it is one of the rules, else "random": masks are to be drawn anew."""
    return mask_kind if mask_kind in rules else "random"


def by_ratio(model: MaskedAutoencoderViT, photo: Image.Image, mask_kind: str, seed: int) -> Iterator[Reconstruction]:
    """Hide `RATIOS` of a photo, one after the other, by one rule and with one seed."""
    square = square_crop(photo, model.img_size)
    for ratio in RATIOS:
        yield reconstruct(model, square, draw_mask(square, grid_of(model), ratio, rule_of(mask_kind), seed))


def ratio_strip(results: Sequence[Reconstruction], weights: str, mask_kind: str, seed: int) -> Image.Image:
    """Draw what the model saw above what it made of it, in English, for slides."""
    scores = [result.scores for result in results]
    shares = [f"{each['hidden_patches'] / each['patches']:.0%} hidden" for each in scores]
    psnrs = [f"{each['model']['psnr']:.1f} dB (smooth {each['smooth_fill']['psnr']:.1f})" for each in scores]
    above = list(zip(shares, (result.masked for result in results), strict=True))
    below = list(zip(psnrs, (result.pasted for result in results), strict=True))
    drawn = f"{mask_kind}, seed {seed}" if mask_kind in SEEDED_KINDS else f"by {mask_kind}"
    caption = f"Unlabeled · {weights}, {results[0].original.width} px · {drawn} · PSNR on the hidden patches"
    return captioned_grid([above, below], caption, STRIP_SIDE)


@dataclass(frozen=True)
class Guesses:
    """What many masks of one photo gave.

    Attributes:
        count: How many masks.
        mean: The mean of all guesses of each pixel; the photo where no mask hid it.
        spread: Their standard deviation, as heat up to `FULL_SPREAD` levels.
        error: The error of the mean, as heat up to `FULL_ERROR` levels.
        scores: "masks"; "mean_spread" and "mean_abs_error" in levels of 0 to 255; "psnr_of_mean" and "psnr_of_one", the
            mean over the masks, in dB; "rank_correlation" of spread and error over the patches (Spearman), null where
            it is not defined.
    """

    count: int
    mean: Image.Image
    spread: Image.Image
    error: Image.Image
    scores: dict[str, Any] = field(compare=False)


@torch.inference_mode()
def guess_often(
    model: MaskedAutoencoderViT, photo: Image.Image, mask_ratio: float, mask_kind: str, seed: int, count: int
) -> Iterator[Guesses]:
    """Fill a photo in from many masks, of the seeds `seed`, `seed` + 1 and so on, and gives what they say so far.

    After `MAX_SEED` comes 0.
    """
    if not 2 <= count <= MAX_MASKS:
        raise ValueError(f"count is {count}; choose one from 2 to {MAX_MASKS}.")
    square, rule = square_crop(photo, model.img_size), rule_of(mask_kind, SEEDED_KINDS)
    original = to_tensor(square)
    sums = torch.zeros(3, *original.shape, dtype=torch.float64)  # of ones, of guesses and of their squares
    psnrs: list[float] = []
    for first in range(0, count, BATCH):
        seeds = range(seed + first, seed + min(first + BATCH, count))
        masks = [draw_mask(square, grid_of(model), mask_ratio, rule, each % (MAX_SEED + 1)) for each in seeds]
        if not masks[0].any():
            raise MaskError("nothing")
        guesses = model.reconstruct(original.expand(len(masks), -1, -1, -1), torch.cat([*map(mask_tensor, masks)]))
        for cells, guess in zip(masks, guesses.double(), strict=True):
            hidden = hidden_pixels(model, cells)
            sums += torch.stack([hidden.double(), hidden * guess, hidden * guess.square()])
            psnrs.append(psnr(guess[None][hidden], original[hidden]))
        yield _summed(model, square, original, sums, psnrs)


def _summed(
    model: MaskedAutoencoderViT, square: Image.Image, original: Tensor, sums: Tensor, psnrs: Sequence[float]
) -> Guesses:
    times, total, squares = sums
    guessed = times > 0
    mean = torch.where(guessed, total / times.clamp_min(1), original.double())
    variance = (squares / times.clamp_min(1) - mean.square()).clamp_min(0).mean(dim=1)[0]  # (S, S)
    spread = np.where(times[0, 0] > 1, variance.sqrt().numpy() * 127.5, np.nan)
    grid = grid_of(model)
    errors = np.where(patch_means(guessed[0, 0].numpy(), grid) > 0, patch_errors(mean, original, grid), np.nan)
    of_patches, known = patch_means(spread, grid), ~np.isnan(errors)
    known &= ~np.isnan(of_patches)
    varied = known.sum() > 2 and np.ptp(of_patches[known]) > 0 and np.ptp(errors[known]) > 0
    scores = {
        "masks": len(psnrs),
        "mean_spread": round(float(np.nanmean(spread)), 2) if known.any() else None,
        "mean_abs_error": round(float(np.nanmean(errors)), 2),
        "psnr_of_mean": round(psnr(mean[guessed], original[guessed]), 2),
        "psnr_of_one": round(float(np.mean(psnrs)), 2),
        "rank_correlation": round(float(spearmanr(of_patches[known], errors[known])[0]), 3) if varied else None,
    }
    return Guesses(
        count=len(psnrs),
        mean=to_images(mean.float())[0],
        spread=heat_image(square, spread, FULL_SPREAD),
        error=heat_image(square, errors, FULL_ERROR),
        scores=scores,
    )


@torch.inference_mode()
def influence(
    model: MaskedAutoencoderViT, photo: Image.Image, cells: Cells, target: int
) -> Iterator[NDArray[np.float64]]:
    """Measure how much the guess of a hidden patch rests on each visible one: leave it out and look what changes.

    Attention weights would be one pass, but they say where a layer looks, not what the answer rests on (arXiv
    1902.10186), and by the decoder the encoder has already mixed all visible patches. Leaving out is what it says.
    """
    grid = len(cells)
    row, column = divmod(target, grid)
    if not cells[row, column]:
        raise MaskError("visible")
    visible = np.flatnonzero(~cells)
    if len(visible) < 2:
        raise MaskError("alone")
    size = model.patch_size
    original, mask = to_tensor(square_crop(photo, model.img_size)), mask_tensor(cells)

    def guess(masks: Tensor) -> Tensor:
        images = model.reconstruct(original.expand(len(masks), -1, -1, -1), masks)
        return images[..., row * size : (row + 1) * size, column * size : (column + 1) * size]

    whole = guess(mask)
    changes = np.full(cells.shape, np.nan)
    for start in range(0, len(visible), BATCH):
        left_out = visible[start : start + BATCH]
        masks = mask.repeat(len(left_out), 1)
        masks[range(len(left_out)), left_out] = 1
        changes.flat[left_out] = (guess(masks) - whole).abs().mean(dim=(1, 2, 3)).double().numpy() * 127.5
        yield changes.copy()


def half_of_it(changes: NDArray[np.float64]) -> int:
    """Return how few visible patches together make half of all influence; 0 where none has any."""
    ordered = np.sort(changes[~np.isnan(changes)])[::-1]
    if not ordered.sum():
        return 0
    return int(np.searchsorted(ordered.cumsum(), ordered.sum() / 2) + 1)


def relative_influence(changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return influences from 0 to 1, the strongest at 1, by square root: the nearest patch outdoes the others."""
    return np.sqrt(changes / max(float(np.nanmax(changes)), 1e-9))
