"""Samples from the prior, and genetic operators on them."""

import json
import re
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch

from demos.core.context import Context
from demos.core.i18n import InputError
from demos.vae.networks import Networks
from demos.vae.sampling import SAMPLES, generation_html, next_generation, prior_generation, read_choice

MODEL = "vae-fruit"


@pytest.mark.parametrize(
    ("operator", "indices"), [("mutate", [3]), ("mutate", [0, 7]), ("cross", [2, 9]), ("average", [2, 9])]
)
def test_children_follow_their_parents_and_are_reproducible(
    context: Context, networks: Networks, operator: str, indices: list[int]
) -> None:
    first = prior_generation(networks, MODEL, 5, 0.8)
    assert len(first.latents) == SAMPLES == generation_html(context, networks, first).count("<img")
    children, again = (next_generation(first, operator, indices, 0.5, 1) for _ in range(2))
    html = generation_html(context, networks, children)
    assert torch.equal(children.latents[: len(indices)], first.latents[indices])
    assert len(children.latents) == SAMPLES and html.count('class="parent"') == len(indices)
    assert generation_html(context, networks, again) == html
    (numbers,) = re.findall(r'gradio_api/file=([^"]+\.json)"', html)
    origin = json.loads(Path(numbers).read_text())
    assert (origin["from"], origin["of"], origin["parents"]["seed"]) == (operator, indices, 5)


@pytest.mark.parametrize(
    ("operator", "indices"), [("mutate", []), ("cross", [1]), ("graft", [1, 2]), ("average", [0, 12])]
)
def test_an_impossible_operation_is_refused(networks: Networks, operator: str, indices: list[int]) -> None:
    with pytest.raises(ValueError, match="no crossover or mutation"):
        next_generation(prior_generation(networks, MODEL, 5, 0.8), operator, indices, 0.5, 1)


def test_a_spatial_latent_has_no_prior_to_draw_from(networks: Networks) -> None:
    with pytest.raises(InputError, match="spatial_samples"):
        prior_generation(networks, "taesd", 0, 1.0)


@pytest.mark.parametrize("data", [None, {}, {"how": "cross", "ids": "12"}, {"how": "cross", "ids": [1, 1]}])
def test_a_choice_from_the_page_is_checked(data: Any) -> None:
    with pytest.raises(ValueError, match="The choice"):
        read_choice(gr.EventData(None, data))
