"""Event handlers of the composite and of the inpainting of a photo."""

import json

import gradio as gr
import numpy as np

from demos.mae.inpainting_ui import Damage, on_damage, on_mark, on_open, on_open_mix
from demos.mae.masks import decode_mask, encode_mask
from demos.mae.session import WEIGHTS, MAESession


def test_damage_is_redrawn_and_a_stroke_adds_to_it(session: MAESession, path: str):
    canvas, now, *first = on_damage(session, path, WEIGHTS, Damage(), "scratches")
    _, later, *second = on_damage(session, path, WEIGHTS, now, "scratches")
    assert (now, later) == (Damage("scratches", 1), Damage("scratches", 2)) and first[1] != second[1]
    assert "dB" in first[-1]
    damaged = decode_mask(json.loads(canvas)["mask"], 128)
    row, column = np.argwhere(~damaged.reshape(16, 8, 16, 8).any(axis=(1, 3)))[0]
    damaged[8 * row, 8 * column] = True
    more = on_mark(session, encode_mask(damaged), path, WEIGHTS, now)
    assert more[1] == first[1] and more[2] != first[2], "the same damaged photo, another patch hidden"
    cleared = on_mark(session, encode_mask(np.zeros((128, 128), bool)), path, WEIGHTS, now)
    assert cleared[0]["visible"] is False
    assert on_open(session, path, WEIGHTS, canvas)[0] == gr.skip(), "opening again keeps what was brushed"


def test_the_composite_is_shown_when_its_card_is_opened(session: MAESession, path: str):
    controls = (75, "random", 1, "", WEIGHTS)
    column, *images, numbers = on_open_mix(session, path, 50, path, *controls)
    assert column["visible"] and len(set(images)) > 1 and numbers.endswith(".json")
    for photos in ((None, path), (path, None)):
        assert set(map(str, on_open_mix(session, photos[0], 50, photos[1], *controls))) == {str(gr.skip())}
