"""Numbers of the patches, painted: white to teal over a faint copy of the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FULL_ERROR = 64.0  # levels of error that are painted in full colour; more looks the same
WHITE, TEAL = np.array([255.0, 255.0, 255.0]), np.array([4.0, 72.0, 66.0])
FAINT = 0.25  # how much of the picture shows where there is no number


def heat_picture(picture: Image.Image, values: NDArray[np.floating[Any]], full: float) -> Image.Image:
    """Paints a number on each patch, or on each pixel.

    Args:
        picture: Square, RGB.
        values: (n, n), n a divisor of the picture's side; NaN where there is none, which leaves the picture, faintly.
        full: The number in full colour; 0 or less is white.

    Returns:
        A picture of the same size.
    """
    cell = picture.width // len(values)
    strength = np.clip(values / max(full, 1e-9), 0.0, 1.0).repeat(cell, axis=0).repeat(cell, axis=1)[..., None]
    grey = np.asarray(picture.convert("L"), np.float64)[..., None]
    faint = WHITE + (grey - WHITE) * FAINT
    painted = np.where(np.isnan(strength), faint, WHITE + (TEAL - WHITE) * strength)
    return Image.fromarray(painted.round().astype(np.uint8))
