"""Event handlers of the analyses of the MAE tab."""

import json
from pathlib import Path

import numpy as np
import pytest

from demos.core.i18n import InputError
from demos.mae.analysis_ui import on_ensemble, on_open_ensemble, on_open_ratios, on_pick
from demos.mae.masks import BY_HAND, encode_mask
from demos.mae.session import WEIGHTS, MAESession

MASK = np.zeros((16, 16), bool)
MASK[3:6, 2:12] = True


def test_picked_patch_shows_its_influence(session: MAESession, path: str):
    controls = (path, 75, BY_HAND, 1, encode_mask(~MASK), WEIGHTS)
    *steps, (_, canvas, image, numbers, says) = on_pick(session, 2 * 16 + 5, *controls)
    assert len(steps) == 4 and "8 of 30" in steps[0][-1]
    drawn = json.loads(canvas)
    assert drawn["target"] == 37 and len(drawn["heat"]) > 256
    assert Path(image).is_file() and "Row 3, column 6" in says
    assert json.loads(Path(numbers).read_text())["row"] == 2
    with pytest.raises(InputError, match="visible"):
        list(on_pick(session, 3 * 16 + 5, *controls))


def test_std_is_undefined_when_no_patch_is_hidden_twice(session: MAESession, path: str):
    *_, (_, _, _, _, numbers, says, _) = on_ensemble(session, 2, path, 1, "random", 1, "", WEIGHTS)
    assert json.loads(Path(numbers).read_text())["mean_spread"] is None
    assert "differ by – (standard deviation" in says


def test_a_card_shows_its_result_when_it_is_opened_once(session: MAESession, path: str):
    controls = (75, "random", 1, "", WEIGHTS)
    *_, (_, strip, _, says, _) = on_open_ratios(session, "", path, *controls)
    assert Path(strip).is_file() and "dB" in says
    *_, (_, mean, *_, text, _) = on_open_ensemble(session, "", 2, path, *controls)
    assert Path(mean).is_file()
    assert not list(on_open_ratios(session, says, path, *controls)), "it is shown"
    assert not list(on_open_ensemble(session, text, 2, path, *controls))
    assert not list(on_open_ratios(session, "", None, *controls)), "there is no photo"
