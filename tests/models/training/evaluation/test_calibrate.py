"""Calibrating the CycleGAN tab: on a handful of images, by the command, and read again."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.analysis.cyclegan_calibration import FRUITS, KINDS, calibration
from models.hub.catalogue import checkpoint
from models.training.__main__ import main


def archive(path: Path, folders: tuple[str, ...], colours: tuple[str, ...], count: int) -> Path:
    """A zip with noisy images of one colour in each folder."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as file:
        for folder, colour in zip(folders, colours, strict=True):
            for number in range(count):
                pixels = np.asarray(Image.new("RGB", (64, 64), colour)) // 2 + random.integers(0, 90, (64, 64, 3))
                with file.open(f"{folder}/{number}.png", "w") as entry:
                    Image.fromarray(pixels.astype(np.uint8)).save(entry, "PNG")
    return path


@pytest.mark.slow
def test_held_out_images_are_measured_and_read_again(tmp_path: Path) -> None:
    fruit = archive(
        tmp_path / "fruit.zip", ("trainA", "trainB", "testA", "testB"), ("red", "orange", "red", "orange"), 4
    )
    things = archive(tmp_path / "things.zip", ("train", "test"), ("blue", "blue"), 6)
    more = archive(tmp_path / "more.zip", ("train", "test"), ("teal", "teal"), 6)
    out = tmp_path / "calibration.json"
    sources = ["--data", str(fruit), "--elsewhere", str(things), "--unseen", str(more)]
    assert main(["calibrate", *sources, "--out", str(out)]) == 0
    known = calibration(out)
    assert known.command.endswith("--data fruit.zip --elsewhere things.zip --unseen more.zip"), "no folder of anybody"
    for scores in (known.real, known.translated, known.cycle_error, known.identity_error):
        assert {fruit: len(values) for fruit, values in scores.items()} == dict.fromkeys(FRUITS, 4)
    assert known.probe.weight.shape[0] == len(KINDS) and len(known.probe.fruit) == 8
    assert known.probe.auc["things.zip"] > 0.9 and known.probe.unseen == ("more.zip",)
    assert known.realism_percentile("apple", 1e9) == 1 and known.cycle_error_percentile("apple", 0.0) == 0


def test_a_source_without_both_fruits_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    apples = archive(tmp_path / "apples.zip", ("trainA", "testA"), ("red", "red"), 2)
    things = archive(tmp_path / "things.zip", ("train", "test"), ("blue", "blue"), 4)
    assert main(["calibrate", "--data", str(apples), "--elsewhere", str(things), "--out", str(tmp_path / "x")]) == 2
    assert "set B" in caplog.text and not (tmp_path / "x").exists()


@pytest.mark.parametrize("fruit", FRUITS)
def test_judges_are_in_no_menu(fruit: str) -> None:
    assert checkpoint(f"{fruit}-discriminator").lesson
