"""The values of a scatter plot, and the ids that come back from the page."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from map_images import (
    packed,
)
from PIL import Image

from demos.ui.scatter.scatter import lassoed_ids, picked_id, scatter_value
from demos.ui.sprites import make_sprite


def test_the_value_holds_every_point_once() -> None:
    coordinates = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    labels, names = ["b", "a", None] * 3, [f"{index}.png" for index in range(9)]
    sprite = make_sprite([Image.new("RGB", (8, 8))] * 9)
    value = json.loads(scatter_value(coordinates, labels, names, sprite, ["x.jpg"], {"a": "<i>A</i>"}))
    points = np.frombuffer(base64.b64decode(value["points"]), "<f4").reshape(9, 2)
    np.testing.assert_array_equal(points, coordinates)
    indices = np.frombuffer(base64.b64decode(value["label"]), "<u2")
    assert [value["classes"][index]["name"] for index in indices] == ["b", "a", "–"] * 3
    assert [entry["html"] for entry in value["classes"]] == ["<i>A</i>", "", ""]
    assert value["names"] == names


@pytest.mark.parametrize("id", [-1, 15, 1.0, "3", None, True, [1]])
def test_invalid_ids_are_refused(id: Any) -> None:
    with pytest.raises(ValueError, match="not one of the 15 points"):
        picked_id(dict(id=id), 15)
    assert picked_id(dict(id=14), 15) == 14


@pytest.mark.parametrize(
    "ids",
    [None, [1, 2], "no base64!", packed(1)[:-4] + "A===", packed(15), packed(3, 3), packed(*range(16)), "AAAA" * 90],
)
def test_invalid_lassos_are_refused(ids: Any) -> None:
    with pytest.raises(ValueError, match="lasso|points"):
        lassoed_ids(dict(ids=ids), 15)
    assert lassoed_ids(dict(ids=packed(14, 0)), 15) == [0, 14]
    assert lassoed_ids(dict(ids=""), 15) == []
