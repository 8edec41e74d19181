"""Masks, drawn by a rule or by hand, and their text form between the page and the server.

A mask is (n, n) of bool, True where hidden; a cell of it is a patch, or a pixel where damage is marked.
As text it is its side, a dot, and its bits row by row in URL-safe base64: 16 x 16 patches take 46 characters.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from demos.core.i18n import InputError
from models.networks.mae import block_mask, num_masked, random_mask

Mask = NDArray[np.bool_]

MASK_KINDS = ("random", "block", "grid", "object", "edges")
SEEDED_KINDS = MASK_KINDS[:3]  # the others depend on the image alone
BY_HAND = "hand"  # kind of a mask drawn by hand
MAX_RATIO = 0.95
MAX_SEED = 2**31 - 1
MAX_SIDE = 512  # cells; no model here has images of more pixels
NEAREST_BORDER = 5  # nearest patches of the border that count for a patch
_TEXT = re.compile(r"(\d{1,3})\.([A-Za-z0-9_-]+)")


def encode_mask(mask: Mask) -> str:
    """Return a mask as text."""
    bits = base64.urlsafe_b64encode(np.packbits(mask).tobytes()).decode("ascii")
    return f"{len(mask)}.{bits.rstrip('=')}"


def decode_mask(text: object, side: int | None = None) -> Mask:
    """Read and check a mask that a page or a program sent; `side` is the number of cells it must have along a side."""
    match = _TEXT.fullmatch(text) if isinstance(text, str) and len(text) < MAX_SIDE**2 else None
    if match is None or not 1 <= (n := int(match[1])) <= MAX_SIDE:
        raise InputError("error.mask.format")
    try:
        packed = base64.b64decode(match[2] + "=" * (-len(match[2]) % 4), altchars="-_", validate=True)
    except ValueError:
        raise InputError("error.mask.format") from None
    if len(packed) != -(-(n**2) // 8):
        raise InputError("error.mask.format")
    if side is not None and n != side:
        raise InputError("error.mask.size", found=n, wanted=side)
    mask = np.unpackbits(np.frombuffer(packed, np.uint8), count=n**2).astype(bool).reshape(n, n)
    if mask.all():
        raise InputError("error.mask.all")
    return mask


def resize_mask(mask: Mask, side: int) -> Mask:
    """Return a mask with another number of cells a side, by nearest neighbour; at least one stays visible."""
    indices = ((np.arange(side) + 0.5) * len(mask) / side).astype(int)
    resized: Mask = mask[np.ix_(indices, indices)]
    if resized.all():
        row, column = np.argwhere(~mask)[0] * side // len(mask)
        resized[row, column] = False
    return resized


def to_tensor(mask: Mask) -> torch.Tensor:
    """Return a mask as the networks take it: (1, L), 1 hidden and 0 visible."""
    return torch.from_numpy(mask.reshape(1, -1).astype(np.float32))


def to_image(mask: Mask) -> Image.Image:
    """Return a mask as a grey image of one pixel a cell, 255 where hidden."""
    return Image.fromarray(mask.astype(np.uint8) * 255)


def draw_mask(image: Image.Image, grid: int, mask_ratio: float, mask_kind: str, seed: int) -> Mask:
    """Draw which patches to hide; equal arguments give equal masks."""
    if mask_kind not in MASK_KINDS:
        raise ValueError(f"mask_kind is {mask_kind!r}; choose one of {', '.join(MASK_KINDS)}.")
    if not 0 <= mask_ratio <= MAX_RATIO:
        raise ValueError(f"mask_ratio is {mask_ratio}; choose one from 0 to {MAX_RATIO}.")
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed is {seed}; choose one from 0 to {MAX_SEED}.")
    generator = torch.Generator().manual_seed(seed)
    if mask_kind == "random":
        return (random_mask(1, grid * grid, mask_ratio, generator) > 0).reshape(grid, grid).numpy()
    if mask_kind == "block":
        return (block_mask(1, grid, mask_ratio, generator) > 0).reshape(grid, grid).numpy()
    if mask_kind == "grid":
        return hide_lowest(-bayer_order(grid, seed), mask_ratio)
    saliency = border_contrast(image, grid) if mask_kind == "object" else edge_strength(image, grid)
    return hide_lowest(saliency, mask_ratio)


def hide_lowest(saliency: NDArray[np.float64], mask_ratio: float) -> Mask:
    """Hide the share of patches with the lowest saliency, (grid, grid)."""
    order = np.argsort(saliency, axis=None, kind="stable")
    mask = np.zeros(saliency.shape, bool)
    mask.flat[order[: num_masked(saliency.size, mask_ratio)]] = True
    return mask


def bayer_order(grid: int, seed: int) -> NDArray[np.float64]:
    """Return the ranks of patches in ordered dithering (Bayer 1973), (grid, grid): any first share is evenly spaced.

    The first quarter is every other patch of every other row, which is the grid-wise masking of He et al. at 75 %
    (arXiv 2111.06377, figure 6).
    """
    order = np.zeros((1, 1))
    while len(order) < grid:
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    shift = (seed % len(order), seed // len(order) % len(order))
    return np.roll(order, shift, axis=(0, 1))[:grid, :grid]


def edge_strength(image: Image.Image, grid: int) -> NDArray[np.float64]:
    """Return the mean magnitude of the brightness gradient (Sobel) in each patch, (grid, grid)."""
    from scipy import ndimage  # here, because the page shows without it

    grey = np.asarray(image.convert("L"), np.float64)
    gradient = np.hypot(ndimage.sobel(grey, axis=0), ndimage.sobel(grey, axis=1))
    return patch_means(gradient, grid)


def border_contrast(image: Image.Image, grid: int) -> NDArray[np.float64]:
    """Return the distance of each patch's colour from its nearest patches of the border, (grid, grid).

    What touches the border is mostly background (Wei et al., ECCV 2012, section 2). Neighbours are averaged, so that
    an object is one area.
    """
    from scipy import ndimage

    channels = np.asarray(image.convert("YCbCr"), np.float64)
    colours = np.stack([patch_means(channels[..., band], grid) for band in range(3)], axis=-1)  # (grid, grid, 3)
    inner = np.zeros((grid, grid), bool)
    inner[1:-1, 1:-1] = True
    distances = np.linalg.norm(colours[:, :, None] - colours[~inner], axis=-1)  # (grid, grid, patches of the border)
    nearest = np.sort(distances, axis=-1)[..., :NEAREST_BORDER].mean(axis=-1)
    return ndimage.uniform_filter(nearest, 3, mode="nearest")


def patch_means(values: NDArray[np.floating[Any]], grid: int) -> NDArray[np.float64]:
    """Return the means of pixel values, (S, S), over each patch, (grid, grid)."""
    side = len(values) // grid
    return values.reshape(grid, side, grid, side).mean(axis=(1, 3), dtype=np.float64)


def describe_rule(mask_kind: str, seed: int) -> str:
    """Return how a mask was drawn, in English, for captions of images."""
    return f"{mask_kind}, seed {seed}" if mask_kind in SEEDED_KINDS else f"by {mask_kind}"
