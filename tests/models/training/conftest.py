from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def picture(index: int, hue: int, size: int = 40) -> bytes:
    """A small image of its own: a coloured ramp with a noisy patch."""
    rng = np.random.default_rng(index)
    ramp = np.linspace(0, 255, size)
    pixels = np.zeros((size, size, 3))
    pixels[..., hue] = ramp[None, :]
    pixels[..., (hue + 1) % 3] = ramp[:, None] * rng.random()
    pixels[8:20, 8:20] = rng.integers(0, 255, (12, 12, 3))
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def labelled_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of twelve images each."""
    path = tmp_path_factory.mktemp("data") / "shapes.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(24):
            archive.writestr(f"{'red' if index % 2 else 'green'}/{index:03d}.png", picture(index, index % 2))
    return path


@pytest.fixture(scope="session")
def unpaired_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sets in the folders that CycleGAN data comes in."""
    path = tmp_path_factory.mktemp("data") / "pairs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(6):
            for folder, hue in (("trainA", 0), ("trainB", 2), ("testA", 0), ("testB", 2)):
                archive.writestr(f"{folder}/{index}.png", picture(index + 10 * hue, hue))
    return path
