"""Sheets in the cards of weights: drawn on images that may be passed on, by the network that the card is of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small import SMALL

from models.checkpoints import CHECKPOINTS
from models.training.__main__ import main


def weights(name: str, data: Path, folder: Path) -> Path:
    """Train for two steps on images called as those of our own weights, and export every part."""
    small = [f"--{key.replace('_', '-')}={value}" for key, value in SMALL[name].items()]
    common = ["--data", str(data), "--out", str(folder / "run"), "--device=cpu", "--precision=fp32", "--steps=2"]
    assert main([name, *common, *small]) == 0
    if name != "cyclegan":
        assert main(["export", str(folder / "run"), str(folder / "own")]) == 0
        return folder / "own"
    for part, direction in (("a2b", "apple2orange"), ("b2a", "orange2apple")):
        assert main(["export", str(folder / "run"), str(folder / direction), "--part", part]) == 0
    return folder / "apple2orange"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data", "size"),
    [
        ("cyclegan", "apple2orange.zip", (8 * 32, 6 * 32)),
        ("mae", "caltech101.zip", (8 * 32, 6 * 32)),
        ("vae", "apple2orange.zip", (8 * 32, 6 * 32)),
        ("moco", "caltech101.zip", (8 * 32, 8 * 32)),
        ("supervised", "caltech101.zip", (8 * 32, 8 * 32)),
    ],
)
def test_a_sheet_goes_into_the_card(
    name: str, data: str, size: tuple[int, int], labelled_zip: Path, unpaired_zip: Path, tmp_path: Path
) -> None:
    source = Path(shutil.copyfile(unpaired_zip if name == "cyclegan" else labelled_zip, tmp_path / data))
    folder = weights(name, source, tmp_path)
    before = json.loads((folder / "config.json").read_text())
    assert main(["illustrate", str(folder)]) == 0
    for each in (folder, folder.with_name("orange2apple")) if name == "cyclegan" else (folder,):
        with Image.open(each / "sheet.webp") as image:
            assert image.size == size
            assert np.asarray(image.convert("L")).std() > 10
        card, record = (each / "README.md").read_text(), json.loads((each / "config.json").read_text())
        assert "](sheet.webp)" in card and record["sheet"] in card
        assert f"`python -m models.training illustrate {each.name}`" in card and str(tmp_path) not in card
    after = json.loads((folder / "config.json").read_text())
    assert {key: after[key] for key in before} == before, "all that was measured is left as it was"


@pytest.mark.parametrize("name", ["vae-fruit", "vae-portraits"])
def test_the_shipped_sheet_is_of_the_shipped_weights(name: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(CHECKPOINTS[name].folder, tmp_path / name))
    (folder / "sheet.webp").unlink()
    assert main(["illustrate", str(folder)]) == 0
    shipped, drawn = (np.asarray(Image.open(each / "sheet.webp"), float) for each in (CHECKPOINTS[name].folder, folder))
    assert abs(shipped - drawn).mean() < 1, "of 255 levels; another machine rounds differently"


def test_only_what_can_be_shown_is_drawn(labelled_zip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(["illustrate", str(tmp_path)]) == 2
    assert "holds no exported weights" in caplog.text
    folder = weights("mae", labelled_zip, tmp_path)
    assert main(["illustrate", str(folder)]) == 2
    assert "No pictures like those of shapes.zip" in caplog.text
    assert not (folder / "sheet.webp").exists()


def test_every_card_of_ours_shows_its_sheet() -> None:
    folders = [record.folder for record in CHECKPOINTS.values() if record.is_own]
    shown = [folder for folder in folders if (folder / "sheet.webp").is_file()]
    assert len(shown) >= 15
    for folder in shown:
        assert "](sheet.webp)" in (folder / "README.md").read_text(), folder
        assert (folder / "sheet.webp").stat().st_size < 200_000
    for folder in folders:
        if "sheet" in json.loads((folder / "config.json").read_text()):
            assert folder in shown
