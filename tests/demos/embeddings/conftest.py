"""Fixtures of the tests of the map: a labelled zip of noisy images, and photos with fine stripes."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from map_images import LABELS, PER_LABEL, noisy_image, png
from PIL import Image

from demos.core.context import Context
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import (
    Collection,
    collect,
)
from models.analysis import projection


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of labelled images, with one file that is none."""
    path = tmp_path_factory.mktemp("images") / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for label in LABELS:
            for number in range(PER_LABEL):
                archive.writestr(f"{label}/{number}.png", png(noisy_image(label, number)))
        archive.writestr("red/readme.txt", "not a picture")
    return path


@pytest.fixture(scope="module")
def collection(archive: Path) -> Collection:
    return collect([archive], 2000)


@pytest.fixture(scope="session")
def umap_ready() -> None:
    """Import and compile umap once; the first time on a machine takes about half a minute."""
    projection.warm_up()
    assert projection.wait_until_ready(timeout=600)


@pytest.fixture
def builder(context: Context, archive: Path) -> MapBuilder:
    return MapBuilder(context, archive)


@pytest.fixture
def striped(tmp_path: Path) -> list[Path]:
    """Photos of 448 pixels with stripes too fine for 128."""
    paths = []
    for number in range(6):
        columns = np.where(np.arange(448) // 2 % 2 == 0, 20 * number, 255 - 10 * number)
        paths.append(tmp_path / f"striped-{number}.png")
        Image.fromarray(np.broadcast_to(columns[None, :, None], (448, 448, 3)).astype(np.uint8)).save(paths[-1])
    return paths
