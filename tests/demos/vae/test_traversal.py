"""The sliders on latent dimensions."""

import json

import pytest
import torch

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
    assert value["bars"].count("<rect") == 16 and "drew itself" in value["bars"]
