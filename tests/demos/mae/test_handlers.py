"""Event handlers of the MAE tab, with any input a browser may send."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from demos.core.context import Context
from demos.core.i18n import InputError
from demos.mae.handlers import on_change, on_clear, on_ratio, on_redraw, on_stroke, on_summary, on_unfold
from demos.mae.masks import BY_HAND, decode_mask, encode_mask
from demos.mae.results import NAMES
from demos.mae.session import WEIGHTS, MAESession
from models.networks.mae import MaskedAutoencoderViT

NO_REQUEST: Any = None
MASK = np.zeros((16, 16), bool)
MASK[3:6, 2:12] = True


def value_of(answer: list[Any], name: str) -> Any:
    return answer[NAMES.index(name)]


def test_stroke_becomes_the_mask(session: MAESession, path: str):
    answer = on_stroke(session, encode_mask(MASK), path, 1, WEIGHTS)
    *_, kind, percent, mask = answer
    assert (kind, percent, mask) == (BY_HAND, 12, encode_mask(MASK))
    assert "30 of 256" in value_of(answer, "table")
    assert value_of(answer, "canvas") == gr.skip(), "the page's own canvas may be newer"
    again = on_change(session, path, 50, BY_HAND, 9, mask, WEIGHTS)
    assert value_of(again, "slider") == value_of(answer, "slider")
    assert json.loads(value_of(again, "canvas"))["mask"] == mask
    numbers = json.loads(Path(value_of(answer, "numbers")).read_text())
    assert (numbers["mask"], numbers["hidden_patches"]) == (mask, 30)
    assert np.array_equal(np.array(numbers["patch_errors"], float) >= 0, MASK)


def test_stroke_writes_only_visible_images(session: MAESession, path: str, monkeypatch: pytest.MonkeyPatch):
    on_change(session, path, 75, "random", 1, "", WEIGHTS)
    written: list[tuple[int, int]] = []
    save = Image.Image.save

    def count(image: Image.Image, *args: Any, **options: Any) -> None:
        written.append(image.size)
        save(image, *args, **options)

    monkeypatch.setattr(Image.Image, "save", count)
    answer = on_stroke(session, encode_mask(MASK), path, 1, WEIGHTS)
    assert written == [(384, 384)] * 2, "the large pair; the small original was written before"
    assert all(Path(path).suffix == ".webp" for path in value_of(answer, "slider")), "for the eye"
    request = answer[len(NAMES) + 1]
    original, *others = on_unfold(session, request)
    assert len(written) == 7, "the original was written for the canvas"
    assert original and all(others) and original in json.loads(answer[len(NAMES)])["url"]
    with Image.open(on_summary(session, request)) as sheet:
        assert sheet.width > 6 * 128
    assert on_unfold(session, on_clear(session)[len(NAMES) + 1]) == [None] * 6
    with pytest.raises(InputError, match="no_photo"):
        on_summary(session, None)


def test_ratio_replaces_a_mask_by_hand(session: MAESession, path: str):
    *_, rule = answer = on_redraw(session, path, 25, BY_HAND, 1, encode_mask(MASK), WEIGHTS)
    assert rule == "random" and "64 of 256" in value_of(answer, "table")
    *_, rule, percent = answer = on_ratio(session, 180, path, 25, "grid", 1, "", WEIGHTS)
    assert (rule, percent) == ("grid", 95) and "243 of 256" in value_of(answer, "table")


def test_mask_by_hand_is_empty_at_first(session: MAESession, path: str):
    answer = on_change(session, path, 75, BY_HAND, 1, "", WEIGHTS)
    assert not decode_mask(json.loads(value_of(answer, "canvas"))["mask"]).any()
    assert "Nothing is hidden" in value_of(answer, "verdict")


def test_grid_is_that_of_the_model(context: Context, path: str):
    model = MaskedAutoencoderViT(56, 4, depth=1, decoder_depth=1).eval()
    session = MAESession(replace(context, load_model=lambda name: model))
    answer = on_change(session, path, 50, BY_HAND, 1, encode_mask(MASK), WEIGHTS)
    drawn = json.loads(value_of(answer, "canvas"))
    assert drawn["grid"] == 14 and drawn["mask"].startswith("14.")
    assert "14 × 14 patches of 4 px" in value_of(answer, "facts") and "56 × 56" in value_of(answer, "limit")
    handle = session.handler(on_stroke)
    with pytest.raises(gr.Error, match="16 × 16 fields where 14 × 14 are needed"):
        handle(NO_REQUEST, encode_mask(MASK), path, 1, WEIGHTS)


def test_no_photo_gives_an_empty_result(session: MAESession):
    answer = on_stroke(session, encode_mask(MASK), None, 1, WEIGHTS)
    assert "Choose a picture" in value_of(answer, "verdict") and value_of(answer, "slider") is None


@pytest.mark.parametrize(
    "mask",
    [
        None,
        "16.!",
        5,
        {"mask": encode_mask(MASK)},
        encode_mask(np.eye(8, dtype=bool)),
        encode_mask(np.ones((16, 16), bool)),
    ],
)
def test_invalid_stroke_is_refused(session: MAESession, path: str, mask: Any):
    with pytest.raises(InputError, match=r"error\.mask\.(format|size|all)"):
        on_stroke(session, mask, path, 1, WEIGHTS)
