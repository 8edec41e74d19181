"""Analyses of a masked autoencoder: mask ratios, the variance over masks, and the influence of visible patches.

They are generators, so that progress can be shown and a run be stopped between two steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from demos.core.i18n import InputError
from demos.mae.masks import MASK_KINDS, MAX_SEED, SEEDED_KINDS, Mask, describe_rule, draw_mask, patch_means
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
BATCH = 8  # images; the largest models report progress twice a second
MAX_MASKS = 64
FULL_STD = 32.0  # standard deviation in levels at the end of the colour scale


def rule_of(mask_kind: str, rules: Sequence[str] = MASK_KINDS) -> str:
    """Return the kind if it is one of the rules, else "random"."""
    return mask_kind if mask_kind in rules else "random"


def by_ratio(model: MaskedAutoencoderViT, photo: Image.Image, mask_kind: str, seed: int) -> Iterator[Reconstruction]:
    """Reconstruct a photo at each of `RATIOS`, masked by one rule with one seed."""
    square = square_crop(photo, model.img_size)
    for ratio in RATIOS:
        yield reconstruct(model, square, draw_mask(square, grid_of(model), ratio, rule_of(mask_kind), seed))


def ratio_strip(results: Sequence[Reconstruction], weights: str, mask_kind: str, seed: int) -> Image.Image:
    """Draw the masked images above the reconstructions, in English, for slides."""
    scores = [result.scores for result in results]
    shares = [f"{each['hidden_patches'] / each['patches']:.0%} hidden" for each in scores]
    psnrs = [f"{each['model']['psnr']:.1f} dB (smooth {each['smooth_fill']['psnr']:.1f})" for each in scores]
    above = list(zip(shares, (result.masked for result in results), strict=True))
    below = list(zip(psnrs, (result.pasted for result in results), strict=True))
    side, rule = results[0].original.width, describe_rule(rule_of(mask_kind), seed)
    caption = f"Unlabeled · {weights}, {side} px · {rule} · PSNR on the hidden patches"
    return captioned_grid([above, below], caption, STRIP_SIDE)


@dataclass(frozen=True)
class MaskEnsemble:
    """Statistics of the predictions from several masks of one photo.

    The scores are "masks"; "mean_spread" (standard deviation) and "mean_abs_error" in levels of 0 to 255;
    "psnr_of_mean" and "psnr_of_one", the mean over the masks, in dB; "rank_correlation" of standard deviation and
    error over the patches (Spearman), None where it is not defined.
    """

    count: int  # of the masks
    mean: Image.Image  # mean prediction of each pixel; the photo where no mask hid it
    std: Image.Image  # heat map of the standard deviation, up to `FULL_STD` levels
    error: Image.Image  # heat map of the error of the mean, up to `FULL_ERROR` levels
    scores: dict[str, Any] = field(compare=False)


@torch.inference_mode()
def predict_ensemble(
    model: MaskedAutoencoderViT, photo: Image.Image, mask_ratio: float, mask_kind: str, seed: int, count: int
) -> Iterator[MaskEnsemble]:
    """Reconstruct a photo from `count` masks, 2 to `MAX_MASKS`, and yield the statistics after each batch.

    The seeds are `seed`, `seed` + 1 and so on; after `MAX_SEED` comes 0. A rule without a seed is replaced by "random".
    """
    if not 2 <= count <= MAX_MASKS:
        raise ValueError(f"count is {count}; choose one from 2 to {MAX_MASKS}.")
    square, rule = square_crop(photo, model.img_size), rule_of(mask_kind, SEEDED_KINDS)
    original = to_tensor(square)
    sums = torch.zeros(3, *original.shape, dtype=torch.float64)  # of ones, of predictions and of their squares
    psnrs: list[float] = []
    for first in range(0, count, BATCH):
        seeds = range(seed + first, seed + min(first + BATCH, count))
        masks = [draw_mask(square, grid_of(model), mask_ratio, rule, each % (MAX_SEED + 1)) for each in seeds]
        if not masks[0].any():
            raise InputError("error.mask.nothing")
        predictions = model.reconstruct(original.expand(len(masks), -1, -1, -1), torch.cat([*map(mask_tensor, masks)]))
        for mask, prediction in zip(masks, predictions.double(), strict=True):
            hidden = hidden_pixels(model, mask)
            sums += torch.stack([hidden.double(), hidden * prediction, hidden * prediction.square()])
            psnrs.append(psnr(prediction[None][hidden], original[hidden]))
        yield _statistics(grid_of(model), square, original, sums, psnrs)


def _statistics(grid: int, square: Image.Image, original: Tensor, sums: Tensor, psnrs: Sequence[float]) -> MaskEnsemble:
    from scipy.stats import spearmanr  # takes half a second to import

    times, total, squares = sums
    hidden = times > 0
    mean = torch.where(hidden, total / times.clamp_min(1), original.double())
    variance = (squares / times.clamp_min(1) - mean.square()).clamp_min(0).mean(dim=1)[0]  # (S, S)
    std = np.where(times[0, 0] > 1, variance.sqrt().numpy() * 127.5, np.nan)
    errors = np.where(patch_means(hidden[0, 0].numpy(), grid) > 0, patch_errors(mean, original, grid), np.nan)
    patch_std = patch_means(std, grid)
    known = ~np.isnan(errors) & ~np.isnan(patch_std)
    varied = known.sum() > 2 and np.ptp(patch_std[known]) > 0 and np.ptp(errors[known]) > 0
    scores = {
        "masks": len(psnrs),
        "mean_spread": round(float(np.nanmean(std)), 2) if known.any() else None,
        "mean_abs_error": round(float(np.nanmean(errors)), 2),
        "psnr_of_mean": round(psnr(mean[hidden], original[hidden]), 2),
        "psnr_of_one": round(float(np.mean(psnrs)), 2),
        "rank_correlation": round(float(spearmanr(patch_std[known], errors[known])[0]), 3) if varied else None,
    }
    images = to_images(mean.float())[0], heat_image(square, std, FULL_STD), heat_image(square, errors, FULL_ERROR)
    return MaskEnsemble(len(psnrs), *images, scores)


@torch.inference_mode()
def influence(
    model: MaskedAutoencoderViT, photo: Image.Image, mask: Mask, target: int
) -> Iterator[NDArray[np.float64]]:
    """Yield the mean absolute change of a hidden patch without each visible one, (grid, grid) in levels, else NaN.

    Attention weights would take one pass, but it is disputed whether they explain an output (arXiv 1902.10186,
    1908.04626), and the encoder has mixed all visible patches before the decoder attends to them.
    """
    row, column = divmod(target, len(mask))
    if not mask[row, column]:
        raise InputError("error.mask.visible")
    visible = np.flatnonzero(~mask)
    if len(visible) < 2:
        raise InputError("error.mask.alone")
    size = model.patch_size
    original, base = to_tensor(square_crop(photo, model.img_size)), mask_tensor(mask)

    def predict(masks: Tensor) -> Tensor:
        images = model.reconstruct(original.expand(len(masks), -1, -1, -1), masks)
        return images[..., row * size : (row + 1) * size, column * size : (column + 1) * size]

    reference = predict(base)
    changes = np.full(mask.shape, np.nan)
    for start in range(0, len(visible), BATCH):
        left_out = visible[start : start + BATCH]
        masks = base.repeat(len(left_out), 1)
        masks[range(len(left_out)), left_out] = 1
        changes.flat[left_out] = (predict(masks) - reference).abs().mean(dim=(1, 2, 3)).double().numpy() * 127.5
        yield changes.copy()


def patches_for_half(changes: NDArray[np.float64]) -> int:
    """Return the smallest number of patches with half of the sum of influences, each left out alone; 0 without any."""
    ordered = np.sort(changes[~np.isnan(changes)])[::-1]
    if not ordered.sum():
        return 0
    return int(np.searchsorted(ordered.cumsum(), ordered.sum() / 2) + 1)


def relative_influence(changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the square root of influences relative to the largest: the nearest patch outweighs all others."""
    return np.sqrt(changes / max(float(np.nanmax(changes)), 1e-9))


def ratio_numbers(weights: str, mask_kind: str, seed: int, results: Sequence[Reconstruction]) -> dict[str, Any]:
    """Return the settings of `by_ratio` and the scores at each ratio."""
    ratios = [{"mask_ratio": ratio, **result.scores} for ratio, result in zip(RATIOS, results, strict=True)]
    return {"weights": weights, "mask_kind": rule_of(mask_kind), "seed": seed, "ratios": ratios}
