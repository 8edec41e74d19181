"""The sliders on latent dimensions."""

import json

import pytest
import torch
from charts import charts_in

from demos.core.context import Context
from demos.vae.interpolation import encode
from demos.vae.latent_slice import LatentSlices
from demos.vae.networks import Networks, read_photos
from demos.vae.traversal import SLIDERS, traversal_value

MODEL = "vae-fruit"


def test_sliders_start_at_the_photo_and_move_one_dimension_each(
    context: Context, networks: Networks, slices: LatentSlices, images: list[str]
) -> None:
    value = json.loads(traversal_value(context, slices, images[1], MODEL))
    (mu,), statistics = encode(networks.vector(MODEL), read_photos(images[1:2])), networks.statistics(MODEL)
    assert len(value["knobs"]) == SLIDERS
    entry = slices._entries.get(value["key"])
    assert entry is not None
    found = entry.slice
    at = [slider["at"] for slider in value["knobs"]]
    assert torch.allclose(found.at(at), mu, atol=2e-3)
    for place, dimension in enumerate(statistics.by_kl[:SLIDERS]):
        moved = found.at([*at[:place], at[place] + 1, *at[place + 1 :]]) - found.at(at)
        assert moved.nonzero().flatten().tolist() == [dimension]
        assert float(moved[dimension]) == pytest.approx(statistics.std[dimension], rel=1e-3)
    (bars,) = charts_in(value["bars"])
    values = [each["values"] for each in bars["series"]]
    drawn = [next(one for one in column if one is not None) for column in zip(*values, strict=True)]
    assert drawn == pytest.approx(sorted(statistics.kl, reverse=True), rel=1e-4), "one bar for each dimension"
    assert sum(one is not None for one in bars["series"][0]["values"]) == SLIDERS
    assert bars["xLabels"] == [f"z{index + 1}" for index in statistics.by_kl] and "drew itself" in bars["hint"]
