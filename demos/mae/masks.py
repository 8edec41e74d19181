"""Which patches of an image are hidden: drawn by a rule or by hand, and as text between the page and the server.

A mask is a square of cells, (n, n) of bool, True where hidden. A cell is a patch, or a pixel where scratches are meant.
As text it is its side, a dot, and its bits row by row in URL-safe base64: 16 x 16 patches take 46 characters.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from models.networks.mae import block_mask, num_masked, random_mask

Cells = NDArray[np.bool_]

MASK_KINDS = ("random", "block", "grid", "object", "edges")
SEEDED_KINDS = MASK_KINDS[:3]  # the others follow from the image
BY_HAND = "hand"  # the kind of a mask that was not drawn by a rule
MAX_RATIO = 0.95
MAX_SEED = 2**31 - 1
MAX_SIDE = 512  # cells; no model here has images of more pixels
NEAREST_BORDER = 5  # patches of the border that a patch is compared with
_TEXT = re.compile(r"(\d{1,3})\.([A-Za-z0-9_-]+)")


class MaskError(ValueError):
    """A mask that came from outside is of no use.

    Attributes:
        code: "format", "size" or "all".
        values: What the sentence mentions.
    """

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(f"{code}: {values}")
        self.code, self.values = code, values


def pack(cells: Cells) -> str:
    """Return a mask as text."""
    bits = base64.urlsafe_b64encode(np.packbits(cells).tobytes()).decode("ascii")
    return f"{len(cells)}.{bits.rstrip('=')}"


def unpack(text: object, side: int | None = None) -> Cells:
    """Read a mask that a page or a program sent."""
    match = _TEXT.fullmatch(text) if isinstance(text, str) and len(text) < MAX_SIDE**2 else None
    if match is None or not 1 <= (found := int(match[1])) <= MAX_SIDE:
        raise MaskError("format")
    try:
        packed = base64.b64decode(match[2] + "=" * (-len(match[2]) % 4), altchars="-_", validate=True)
    except (binascii.Error, ValueError):
        raise MaskError("format") from None
    if len(packed) != -(-(found**2) // 8):
        raise MaskError("format")
    if side is not None and found != side:
        raise MaskError("size", found=found, wanted=side)
    cells = np.unpackbits(np.frombuffer(packed, np.uint8), count=found**2).astype(bool).reshape(found, found)
    if cells.all():
        raise MaskError("all")
    return cells


def refit(cells: Cells, side: int) -> Cells:
    """Return a mask with another number of cells a side, the nearest cell each; at least one stays visible."""
    places = ((np.arange(side) + 0.5) * len(cells) / side).astype(int)
    fitted: Cells = cells[np.ix_(places, places)]
    if fitted.all():
        row, column = np.argwhere(~cells)[0] * side // len(cells)
        fitted[row, column] = False
    return fitted


def to_tensor(cells: Cells) -> torch.Tensor:
    """Return a mask as the networks take it: (1, L), 1 hidden and 0 visible."""
    return torch.from_numpy(cells.reshape(1, -1).astype(np.float32))


def draw_mask(image: Image.Image, grid: int, mask_ratio: float, mask_kind: str, seed: int) -> Cells:
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
        return keep_most(-even_order(grid, seed), mask_ratio)
    worth = border_contrast(image, grid) if mask_kind == "object" else edge_strength(image, grid)
    return keep_most(worth, mask_ratio)


def keep_most(worth: NDArray[np.float64], mask_ratio: float) -> Cells:
    """Hide the share of patches that are worth least; `worth` is (grid, grid)."""
    least_first = np.argsort(worth, axis=None, kind="stable")
    cells = np.zeros(worth.shape, bool)
    cells.flat[least_first[: num_masked(worth.size, mask_ratio)]] = True
    return cells


def even_order(grid: int, seed: int) -> NDArray[np.float64]:
    """Return an order of patches, (grid, grid), whose first so and so many are always spread evenly.

    It is that of ordered dithering (Bayer 1973): its first quarter is every other patch of every other row, which is
    the paper's grid-wise masking at 75 % (arXiv 2111.06377, figure 6).
    """
    order = np.zeros((1, 1))
    while len(order) < grid:
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    shift = (seed % len(order), seed // len(order) % len(order))
    return np.roll(order, shift, axis=(0, 1))[:grid, :grid]


def edge_strength(image: Image.Image, grid: int) -> NDArray[np.float64]:
    """Return the mean length of the brightness gradient (Sobel) in each patch, (grid, grid)."""
    grey = np.asarray(image.convert("L"), np.float64)
    slope = np.hypot(ndimage.sobel(grey, axis=0), ndimage.sobel(grey, axis=1))
    return patch_means(slope, grid)


def border_contrast(image: Image.Image, grid: int) -> NDArray[np.float64]:
    """Return how far each patch's colour is from the patches of the border that are most like it, (grid, grid).

    What touches the border is mostly background (Wei et al., ECCV 2012, section 2). Neighbours are averaged, so that
    an object is one area.
    """
    channels = np.asarray(image.convert("YCbCr"), np.float64)
    colours = np.stack([patch_means(channels[..., band], grid) for band in range(3)], axis=-1)  # (grid, grid, 3)
    inner = np.zeros((grid, grid), bool)
    inner[1:-1, 1:-1] = True
    apart = np.linalg.norm(colours[:, :, None] - colours[~inner], axis=-1)  # (grid, grid, patches of the border)
    nearest = np.sort(apart, axis=-1)[..., :NEAREST_BORDER].mean(axis=-1)
    return ndimage.uniform_filter(nearest, 3, mode="nearest")


def patch_means(values: NDArray[np.floating[Any]], grid: int) -> NDArray[np.float64]:
    """Return the mean of a value of the pixels, (S, S), in each patch, (grid, grid)."""
    side = len(values) // grid
    return values.reshape(grid, side, grid, side).mean(axis=(1, 3), dtype=np.float64)
