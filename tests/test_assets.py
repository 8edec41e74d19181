"""Checks the built-in example images: origin, format, size, masks and the labelled set."""

from __future__ import annotations

import csv
import io
import re
import runpy
import shutil
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ASSETS = Path(__file__).resolve().parents[1] / "assets"
EXAMPLES = ASSETS / "examples"
FRUIT = sorted((EXAMPLES / "fruit").glob("*.jpg"))
SCENES = sorted((EXAMPLES / "scenes").glob("*.jpg"))
MAX_IMAGE_BYTES = 120_000
PILES = {"apple-06", "orange-06"}  # fruit fills the whole frame, so nothing, or next to nothing, lies outside
MAX_FILE_BYTES = 10_000_000


def shipped_files() -> list[Path]:
    """Returns every file under assets but caches."""
    return [path for path in sorted(ASSETS.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]


def listed_sources() -> list[str]:
    """Returns the files and folders named in the first column of the table in SOURCES.md."""
    rows = [line for line in (ASSETS / "SOURCES.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def test_every_file_has_a_source() -> None:
    """Each file is named in SOURCES.md, or lies in a folder that is."""
    listed = listed_sources()
    folders = tuple(name for name in listed if name.endswith("/"))
    names = [path.relative_to(ASSETS).as_posix() for path in shipped_files()]
    missing = [n for n in names if n not in listed and not n.startswith(folders) and n != "SOURCES.md"]
    assert missing == []


def test_every_listed_image_exists() -> None:
    """SOURCES.md names no image that is not there."""
    listed = [name for name in listed_sources() if name.startswith("examples/")]
    assert [name for name in listed if not (ASSETS / name).exists()] == []


def test_no_file_is_large() -> None:
    """Every file stays under the limit for files kept in git without extensions."""
    assert [path.name for path in shipped_files() if path.stat().st_size > MAX_FILE_BYTES] == []


def test_enough_images() -> None:
    """There are at least eight apples, eight oranges and eight scenes."""
    counts = Counter(path.stem.rsplit("-", 1)[0] for path in FRUIT)
    assert counts["apple"] >= 8 and counts["orange"] >= 8
    assert len(SCENES) >= 8


@pytest.mark.parametrize("path", FRUIT + SCENES, ids=lambda path: path.stem)
def test_image_decodes(path: Path) -> None:
    """An image is an RGB JPEG of 512 x 512 pixels, small, and not a flat colour."""
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (512, 512))
        assert np.asarray(image).std() > 10
    assert path.stat().st_size < MAX_IMAGE_BYTES


@pytest.mark.parametrize("path", FRUIT, ids=lambda path: path.stem)
def test_mask_matches_its_image(path: Path) -> None:
    """A mask has the size of its image and is 5 to 95 % pure white (more in a pile), the rest pure black."""
    with Image.open(path.with_suffix(".mask.png")) as image:
        mask = np.asarray(image.convert("L"))
    assert mask.shape == (512, 512)
    assert set(np.unique(mask)) <= {0, 255}
    assert 0.05 <= (mask == 255).mean() <= (1.0 if path.stem in PILES else 0.95)


@pytest.mark.parametrize("path", [path for path in FRUIT if path.stem not in PILES], ids=lambda path: path.stem)
def test_mask_lies_on_the_fruit(path: Path) -> None:
    """Inside the mask the colour is stronger than outside: fruit is what the mask shows."""
    with Image.open(path) as image:
        rgb = np.asarray(image).astype(float)
    with Image.open(path.with_suffix(".mask.png")) as image:
        inside = np.asarray(image.convert("L")) > 0
    colour = rgb.max(axis=2) - rgb.min(axis=2)
    assert colour[inside].mean() > colour[~inside].mean() + 20


def test_kinds_archive() -> None:
    """The labelled set has twenty folders of a hundred different images or more, and is small."""
    target = EXAMPLES / "kinds.zip"
    assert target.stat().st_size < 3_000_000
    with zipfile.ZipFile(target) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    counts = Counter(name.split("/")[0] for name in contents)
    assert len(counts) >= 20 and min(counts.values()) >= 100
    assert len(set(contents.values())) == len(contents)
    for name, content in contents.items():
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            assert image.size == (80, 80), name


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    """The names of the script that renders the objects set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))
        return runpy.run_path(str(EXAMPLES / "objects.py"), run_name="objects")


def test_each_shape_has_two_materials_held_out(objects: dict[str, Any]) -> None:
    held_out = [pair for pair in objects["PAIRS"] if objects["is_held_out"](*pair)]
    assert set(Counter(shape for shape, _ in held_out).values()) == {2}
    assert set(Counter(material for _, material in held_out).values()) == {2, 3, 4}
    assert len({material for _, material in held_out}) == len(objects["MATERIALS"])


def test_held_out_pairs_are_never_trained_on(objects: dict[str, Any]) -> None:
    rendered = [known for known, _ in objects["training"](1000)]
    assert {known.split for known in rendered} == {"train"}
    assert len({(known.shape, known.material) for known in rendered}) == 280
    assert rendered[:100] == [known for known, _ in objects["training"](100)]
    assert not {known.file for known in rendered} & {known.file for known, _ in objects["shipped"]()}


def test_objects_archive(objects: dict[str, Any]) -> None:
    """The objects set holds what its script draws: each picture once, 128 x 128 pixels, with all its labels."""
    target = EXAMPLES / "objects.zip"
    assert target.stat().st_size < 5_000_000
    expected = objects["labels_table"](objects["shipped"]())
    with zipfile.ZipFile(target) as archive:
        assert archive.read("labels.csv").decode() == expected
        contents = {name: archive.read(name) for name in archive.namelist() if name != "labels.csv"}
    rows = list(csv.DictReader(io.StringIO(expected)))
    assert [row["file"] for row in rows] == list(contents)
    assert Counter(row["split"] for row in rows) == {"train": 1680, "test": 320}
    assert len(set(contents.values())) == len(contents) == 2000
    for name, content in contents.items():
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            assert image.size == (128, 128), name


@pytest.mark.skipif(shutil.which("povray") is None, reason="needs POV-Ray")
def test_a_scene_renders_again() -> None:
    """The first orange, drawn at 32 pixels, looks like the image that is shipped."""
    render = runpy.run_path(str(EXAMPLES / "render.py"), run_name="render")
    scene = EXAMPLES / "scene" / "fruit" / "orange-01.pov"
    small = np.asarray(render["trace"](render["Shot"](scene, 32))).astype(float)
    with Image.open(EXAMPLES / "fruit" / "orange-01.jpg") as image:
        shipped = np.asarray(image.resize((32, 32), Image.Resampling.BOX)).astype(float)
    assert np.abs(small - shipped).mean() < 12
