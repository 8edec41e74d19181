"""Inpainting without a trained model, as baselines.

Images are (H, W, C) arrays of any unit; `hidden` is (H, W), True where to fill in. Visible pixels stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy import sparse

Pixels = NDArray[np.float64]


def harmonic_fill(pixels: Pixels, hidden: NDArray[np.bool_]) -> Pixels:
    """Fill hidden pixels with the solution of Laplace's equation, each the mean of its neighbours: (H, W, C).

    Raises:
        ValueError: Every pixel is hidden, or the shapes differ.
    """
    from scipy.sparse.linalg import splu  # here, because the page shows without it

    _check(pixels, hidden)
    filled = pixels.reshape(-1, pixels.shape[-1]).astype(np.float64)  # (H*W, C)
    unknown = hidden.ravel()
    if unknown.any():
        rows = _laplacian(*hidden.shape)[unknown]  # one equation for each hidden pixel
        system = splu(rows[:, unknown].tocsc(), permc_spec="MMD_AT_PLUS_A")  # the ordering made for symmetric matrices
        filled[unknown] = system.solve(-(rows[:, ~unknown] @ filled[~unknown]))
    return filled.reshape(pixels.shape)


def mean_fill(pixels: Pixels, hidden: NDArray[np.bool_]) -> Pixels:
    """Fill hidden pixels with the mean colour of the visible ones: (H, W, C).

    Raises:
        ValueError: Every pixel is hidden, or the shapes differ.
    """
    _check(pixels, hidden)
    filled = pixels.astype(np.float64)
    filled[hidden] = filled[~hidden].mean(axis=0)
    return filled


def _check(pixels: Pixels, hidden: NDArray[np.bool_]) -> None:
    if pixels.shape[:2] != hidden.shape:
        raise ValueError(f"The picture is {pixels.shape[:2]} pixels and the mask {hidden.shape}; they must be equal.")
    if hidden.all():
        raise ValueError("Every pixel is hidden; leave at least one visible to fill in from.")


def _laplacian(height: int, width: int) -> sparse.csr_array:
    """Return the graph Laplacian of the pixel grid, (H*W, H*W)."""
    from scipy import sparse

    index = np.arange(height * width).reshape(height, width)
    pairs = [(index[:, :-1].ravel(), index[:, 1:].ravel()), (index[:-1].ravel(), index[1:].ravel())]
    first, second = (np.concatenate(side) for side in zip(*pairs, strict=True))
    ones = np.ones(2 * len(first))
    places = (np.concatenate([first, second]), np.concatenate([second, first]))
    adjacency = sparse.coo_array((ones, places), shape=(index.size, index.size)).tocsr()
    return (sparse.diags_array(adjacency.sum(axis=1)) - adjacency).tocsr()
