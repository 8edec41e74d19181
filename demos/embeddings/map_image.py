"""A map as one image: thumbnails where their points lie, as many as can be told apart."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demos.embeddings.collection import Settings
from demos.embeddings.precomputed import Precomputed, load_set
from demos.ui.sprites import Sprite
from models.analysis.embedding import Floats

TILE = 30  # pixels of a thumbnail
APART = 0.73  # of that, at least from one to the next, which it may cover a little
OUTLIERS = 4  # percent of the points at each side that are drawn at the edge
PAPER = "#fbfaf8"


def opening_map_image(folder: Path, source: Path, size: tuple[int, int]) -> Image.Image:
    """Draw the map that the tab opens on; `source` holds the built-in images."""
    collection = load_set(folder, source, max_images=0)
    settings = Settings()
    known = Precomputed.load(folder / f"{settings.encoder}.npz", len(collection))
    return map_image(known.maps[settings].coordinates, collection.sprite, size)


def map_image(coordinates: Floats, sprite: Sprite, size: tuple[int, int], tile: int = TILE) -> Image.Image:
    """Draw the thumbnails of a flat map (N, 2), up being positive, into an RGB image of `size` pixels."""
    low, high = np.percentile(coordinates, OUTLIERS, axis=0), np.percentile(coordinates, 100 - OUTLIERS, axis=0)
    shares = ((coordinates - low) / np.maximum(high - low, 1e-12)).clip(0, 1)
    shares[:, 1] = 1 - shares[:, 1]
    corners = (shares * (np.array(size) - tile)).round().astype(int)
    sheets = [Image.open(io.BytesIO(sheet)).convert("RGB") for sheet in sprite.sheets]
    paper = Image.new("RGB", size, PAPER)
    taken: list[NDArray[np.int64]] = []
    for index in np.random.default_rng(0).permutation(len(corners)):
        if any(np.abs(corners[index] - other).max() < APART * tile for other in taken):
            continue
        taken.append(corners[index])
        sheet, row, column = sprite.place(int(index))
        box = (column * sprite.cell, row * sprite.cell, (column + 1) * sprite.cell, (row + 1) * sprite.cell)
        paper.paste(
            sheets[sheet].crop(box).resize((tile, tile), Image.Resampling.LANCZOS), tuple(corners[index].tolist())
        )
    return paper
