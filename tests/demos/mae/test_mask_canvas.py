"""Values and events of the mask canvas."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demos.core.i18n import InputError
from demos.mae.mask_canvas import canvas_value, parse_cell, parse_percent

MASK = np.zeros((16, 16), bool)
MASK[3:6, 2:12] = True


@pytest.mark.parametrize("cell", [-1, 256, 1.0, "3", None, True, float("nan")])
def test_invalid_cell_is_refused(cell: Any):
    with pytest.raises(InputError):
        parse_cell(cell, 256)
    assert parse_cell(255, 256) == 255


@pytest.mark.parametrize("percent", [None, "50", True, float("nan"), float("inf"), [5]])
def test_invalid_percentage_is_refused(percent: Any):
    with pytest.raises(InputError):
        parse_percent(percent)
    assert (parse_percent(-3), parse_percent(40)) == (0, 40)


def test_canvas_value_is_small(tmp_path: Path):
    assert len(canvas_value(str(tmp_path / "a.png"), MASK, 16, 75)) < 400
