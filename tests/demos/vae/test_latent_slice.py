"""Points of latent slices that a browser asks for."""

import gc
import json
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest
import torch
from lively import lively_vae

from demos.core.context import Context
from demos.vae.latent_slice import LatentSlice, LatentSlices
from demos.vae.networks import Networks
from demos.vae.traversal import SLIDERS, traversal_value

MODEL = "vae-fruit"


@pytest.mark.parametrize(
    "query",
    [None, [], ["x", [0.0, 0.0]], ["KEY", [0.0]], ["KEY", [float("nan"), 0.0]], ["KEY", [1e9, 0.0]], [["KEY"], 1]],
)
def test_only_points_of_known_slices_are_decoded(slices: LatentSlices, query: Any) -> None:
    key = slices.add(LatentSlice(MODEL, torch.zeros(16), torch.eye(16)[:2]))
    if query and query[0] == "KEY":
        query[0] = key
    assert slices.decode(query) == {"gone": True}
    assert "image" in slices.decode([key, [0.0, 0]])


def test_a_slice_is_decoded_outside_of_events_until_its_model_is_released(context: Context, images: list[str]) -> None:
    own = {MODEL: lively_vae(64, 16, 4, 9)}

    def load_model(name: str) -> Any:
        if not in_an_event:
            raise gr.Error("A visitor's own model is for its owner.")
        return own[name]

    in_an_event = True
    ctx = replace(context, load_model=load_model)
    slices = LatentSlices(Networks(ctx))
    key = json.loads(traversal_value(ctx, slices, images[0], MODEL))["key"]
    in_an_event = False
    assert "image" in slices.decode([key, [0.0] * SLIDERS])
    del own[MODEL]
    gc.collect()
    assert slices.decode([key, [0.0] * SLIDERS]) == {"gone": True}, "the page asks for the slice anew"
