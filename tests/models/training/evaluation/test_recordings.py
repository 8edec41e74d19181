"""Recordings of runs: written from a run, small, complete, and of nothing that may not be shipped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.analysis.bootstrap import Estimate
from models.training.__main__ import main
from models.training.evaluation.recordings import MAX_BYTES, MAX_SHEETS, load_recording, preview_strip, recordings
from models.training.loop.run_folder import RunFolder
from models.training.recipes import RECIPES

ASSETS = Path(__file__).resolve().parents[4] / "assets"
SHIPPED = recordings(ASSETS / "recordings")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of 60 steps with a preview every second one, each of a colour of its own."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.save_config("vae", RECIPES["vae"].Config(steps=60), ["somewhere/else/mine.zip"])
    (folder.path / "previews").mkdir()
    for step in range(2, 62, 2):
        folder.append_metrics({"step": step, "time": 1000.0 + step, "loss": 1.0 / step})
        image = Image.new("RGB", (32, 16), (4 * step, 0, 255 - 4 * step))
        image.save(folder.path / "previews" / f"step-{step:06d}.png")
    folder.save_evaluation(60, {"reconstruction_psnr": Estimate(21.23456, 21.0, 21.5)}, {})
    return folder.path


def test_the_command_keeps_what_a_run_looked_like(run: Path, tmp_path: Path) -> None:
    assert main(["record", str(run), str(tmp_path / "kept")]) == 0
    kept = load_recording(tmp_path / "kept")
    assert (kept.name, kept.recipe, kept.steps, kept.seconds) == ("kept", "vae", 60, 58.0)
    assert kept.data == ("mine.zip",), "no folder of this machine"
    assert kept.scores == {"reconstruction_psnr": 21.2346}
    assert len(kept.rows) == 30
    assert len(kept.preview_steps) == MAX_SHEETS
    assert (kept.preview_steps[0], kept.preview_steps[-1]) == (2, 60)
    with Image.open(kept.strip) as strip:
        assert strip.size == (32, 16 * MAX_SHEETS)
        pixels = np.asarray(strip.convert("RGB")).astype(int)
    for place, step in enumerate(kept.preview_steps):
        assert abs(pixels[16 * place + 8, 16] - [4 * step, 0, 255 - 4 * step]).max() < 30, step


def test_a_run_without_previews_is_refused_with_a_sentence(
    run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (run / "previews").iterdir():
        path.unlink()
    assert main(["record", str(run), str(tmp_path / "kept")]) == 2
    assert "no preview yet" in caplog.text
    assert not (tmp_path / "kept").exists()


def test_a_strip_that_cannot_be_small_is_refused() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match="smaller pictures"):
        preview_strip([noise], 1000)


def test_a_long_strip_stays_within_what_webp_can_hold() -> None:
    sheets = [Image.new("RGB", (400, 900), (10 * i, 0, 0)) for i in range(24)]
    folder_bytes = preview_strip(sheets, MAX_BYTES)
    assert folder_bytes[8:12] == b"WEBP"


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda one: one.name)
def test_a_shipped_recording_is_small_whole_and_of_our_own_images(shipped: object) -> None:
    from models.training.evaluation.recordings import Recording

    assert isinstance(shipped, Recording)
    folder = shipped.strip.parent
    assert sum(path.stat().st_size for path in folder.iterdir()) <= MAX_BYTES
    assert shipped.data == ("kinds.zip",), "only pictures that this project made"
    assert shipped.recipe in RECIPES
    RECIPES[shipped.recipe].Config(**shipped.config)
    steps = [row["step"] for row in shipped.rows]
    assert steps == sorted(steps) and steps[-1] == shipped.steps
    with Image.open(shipped.strip) as strip:
        assert strip.height % len(shipped.preview_steps) == 0
    json.dumps(shipped.rows, allow_nan=False)


def test_there_is_a_healthy_and_a_broken_one() -> None:
    stopped = {one.config["stop_gradient"] for one in SHIPPED if one.recipe == "simsiam"}
    assert stopped == {True, False}
