"""What the page of the MAE tab answers: brushes, wheels and clicks, whatever a browser may send."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from demos.core.context import Context
from demos.mae.analysis_ui import LookHandlers
from demos.mae.handlers import Handlers
from demos.mae.inpainting_ui import PhotoHandlers, Spoilt
from demos.mae.mask_canvas import asked_percent, canvas_value, picked
from demos.mae.masks import BY_HAND, MaskError, pack, unpack
from demos.mae.results import NAMES
from demos.mae.session import WEIGHTS, MAESession
from models.networks.mae import MaskedAutoencoderViT

NOBODY: Any = None  # the request of no visitor
CELLS = np.zeros((16, 16), bool)
CELLS[3:6, 2:12] = True


@pytest.fixture
def work(context: Context) -> MAESession:
    return MAESession(context)


@pytest.fixture
def path(photo: Image.Image, tmp_path: Path) -> str:
    photo.save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


def value_of(answer: list[Any], name: str) -> Any:
    return answer[NAMES.index(name)]


def test_a_stroke_is_filled_in_and_becomes_the_mask(work: MAESession, path: str):
    handlers = Handlers(work, ["closed"])
    answer = handlers.on_stroke(pack(CELLS), path, 1, WEIGHTS, NOBODY)
    *_, closed, kind, percent, mask = answer
    assert (closed, kind, percent, mask) == ("closed", BY_HAND, 12, pack(CELLS))
    assert "30 of 256" in value_of(answer, "table")
    assert value_of(answer, "canvas") == gr.skip(), "the page's own canvas may be newer"
    again = handlers.on_change(NOBODY, path, 50, BY_HAND, 9, mask, WEIGHTS)
    assert value_of(again, "pasted") == value_of(answer, "pasted")
    assert json.loads(value_of(again, "canvas"))["mask"] == mask
    numbers = json.loads(Path(value_of(answer, "numbers")).read_text())
    assert (numbers["mask"], numbers["hidden_patches"]) == (mask, 30)
    assert np.array_equal(np.array(numbers["patch_errors"], float) >= 0, CELLS)


def test_a_stroke_writes_only_the_images_that_are_seen(work: MAESession, path: str, monkeypatch: pytest.MonkeyPatch):
    handlers = Handlers(work, [])
    handlers.on_change(NOBODY, path, 75, "random", 1, "", WEIGHTS)
    written: list[tuple[int, int]] = []
    save = Image.Image.save

    def count(image: Image.Image, *args: Any, **options: Any) -> None:
        written.append(image.size)
        save(image, *args, **options)

    monkeypatch.setattr(Image.Image, "save", count)
    answer = handlers.on_stroke(pack(CELLS), path, 1, WEIGHTS, NOBODY)
    assert sorted(written) == [(128, 128)] * 3 + [(384, 384)] * 2, "prediction, fill-in and error, and the large pair"
    ask = answer[len(NAMES) + 1]
    original, masked, raw = handlers.on_unfold(ask)
    assert len(written) == 7, "the original was written for the canvas"
    assert original and masked and raw and original in json.loads(answer[len(NAMES)])["url"]
    with Image.open(handlers.on_sheet(ask, NOBODY)) as sheet:
        assert sheet.width > 6 * 128
    assert handlers.on_unfold(handlers.on_clear()[len(NAMES) + 1]) == [None] * 3
    with pytest.raises(gr.Error, match="Choose a photo"):
        handlers.on_sheet(None, NOBODY)


def test_the_slider_takes_over_from_a_brush(work: MAESession, path: str):
    handlers = Handlers(work, [])
    *_, rule = answer = handlers.on_redraw(NOBODY, path, 25, BY_HAND, 1, pack(CELLS), WEIGHTS)
    assert rule == "random" and "64 of 256" in value_of(answer, "table")
    *_, rule, percent = answer = handlers.on_ratio(NOBODY, 180, path, 25, "grid", 1, "", WEIGHTS)
    assert (rule, percent) == ("grid", 95) and "243 of 256" in value_of(answer, "table")


def test_by_hand_begins_with_the_whole_photo(work: MAESession, path: str):
    answer = Handlers(work, []).on_change(NOBODY, path, 75, BY_HAND, 1, "", WEIGHTS)
    assert not unpack(json.loads(value_of(answer, "canvas"))["mask"]).any()
    assert "Nothing is hidden" in value_of(answer, "verdict")


def test_another_model_brings_its_own_grid(context: Context, path: str):
    model = MaskedAutoencoderViT(56, 4, depth=1, decoder_depth=1).eval()
    handlers = Handlers(MAESession(replace(context, load_model=lambda name: model)), [])
    answer = handlers.on_change(NOBODY, path, 50, BY_HAND, 1, pack(CELLS), WEIGHTS)
    drawn = json.loads(value_of(answer, "canvas"))
    assert drawn["grid"] == 14 and drawn["mask"].startswith("14.")
    assert "14 × 14 patches of 4 px" in value_of(answer, "facts") and "56 × 56" in value_of(answer, "limit")
    with pytest.raises(gr.Error, match="16 × 16 fields where 14 × 14 are needed"):
        handlers.on_stroke(pack(CELLS), path, 1, WEIGHTS, NOBODY)


def test_without_a_photo_there_is_nothing(work: MAESession):
    answer = Handlers(work, []).on_stroke(pack(CELLS), None, 1, WEIGHTS, NOBODY)
    assert "Choose a photo" in value_of(answer, "verdict") and value_of(answer, "pasted") is None


@pytest.mark.parametrize(
    "mask", [None, "16.!", 5, {"mask": pack(CELLS)}, pack(np.eye(8, dtype=bool)), pack(np.ones((16, 16), bool))]
)
def test_a_stroke_that_is_none_gets_one_sentence(work: MAESession, path: str, mask: Any):
    with pytest.raises(gr.Error, match=r"paint it again|leave at least one"):
        Handlers(work, []).on_stroke(mask, path, 1, WEIGHTS, NOBODY)


@pytest.mark.parametrize("cell", [-1, 256, 1.0, "3", None, True, float("nan")])
def test_a_cell_from_outside_is_checked(cell: Any):
    with pytest.raises(MaskError):
        picked(cell, 256)
    assert picked(255, 256) == 255


@pytest.mark.parametrize("percent", [None, "50", True, float("nan"), float("inf"), [5]])
def test_a_percentage_from_outside_is_checked(percent: Any):
    with pytest.raises(MaskError):
        asked_percent(percent)
    assert (asked_percent(-3), asked_percent(40)) == (0, 40)


def test_a_click_shows_what_mattered(work: MAESession, path: str):
    looks = LookHandlers(work)
    asked = (path, 75, BY_HAND, 1, pack(~CELLS), WEIGHTS)
    *steps, (_, canvas, picture, numbers, says) = looks.on_pick(NOBODY, 2 * 16 + 5, *asked)
    assert len(steps) == 4 and "8 of 30" in steps[0][-1]
    drawn = json.loads(canvas)
    assert drawn["target"] == 37 and len(drawn["heat"]) > 256
    assert Path(picture).is_file() and "Row 3, column 6" in says
    assert json.loads(Path(numbers).read_text())["row"] == 2
    with pytest.raises(gr.Error, match="need not guess it"):
        list(looks.on_pick(NOBODY, 3 * 16 + 5, *asked))


def test_masks_that_hide_no_patch_twice_have_no_spread(work: MAESession, path: str):
    *_, (_, _, _, _, numbers, says, _) = LookHandlers(work).on_often(NOBODY, 2, path, 1, "random", 1, "", WEIGHTS)
    assert json.loads(Path(numbers).read_text())["mean_spread"] is None
    assert "differ by – levels" in says


def test_damage_is_another_each_time_and_a_stroke_adds_to_it(work: MAESession, path: str):
    photos = PhotoHandlers(work)
    canvas, now, *first = photos.on_damage(path, WEIGHTS, Spoilt(), "scratches", NOBODY)
    _, later, *second = photos.on_damage(path, WEIGHTS, now, "scratches", NOBODY)
    assert (now, later) == (Spoilt("scratches", 1), Spoilt("scratches", 2)) and first[1] != second[1]
    assert "dB" in first[-1]
    spoilt = unpack(json.loads(canvas)["mask"], 128)
    row, column = np.argwhere(~spoilt.reshape(16, 8, 16, 8).any(axis=(1, 3)))[0]
    spoilt[8 * row, 8 * column] = True
    more = photos.on_stroke(pack(spoilt), path, WEIGHTS, now, NOBODY)
    assert more[1] == first[1] and more[2] != first[2], "the same damaged photo, another patch hidden"
    cleared = photos.on_stroke(pack(np.zeros((128, 128), bool)), path, WEIGHTS, now, NOBODY)
    assert cleared[0]["visible"] is False
    assert photos.on_open(path, WEIGHTS, canvas, NOBODY)[0] == gr.skip(), "opening again keeps what was brushed"


def test_a_canvas_value_is_small(tmp_path: Path):
    assert len(canvas_value(str(tmp_path / "a.png"), CELLS, 16, 75)) < 400
