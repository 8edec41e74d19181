"""Attribute arithmetic with two groups of images."""

import json

import pytest
import torch

from demos.core.context import Context
from demos.core.i18n import InputError
from demos.vae.arithmetic import arithmetic_value
from demos.vae.interpolation import encode
from demos.vae.latent_slice import LatentSlices
from demos.vae.networks import Networks, read_photos

MODEL = "vae-fruit"


def test_the_slider_adds_the_difference_of_the_mean_latents(
    context: Context, networks: Networks, slices: LatentSlices, images: list[str]
) -> None:
    value = json.loads(arithmetic_value(context, slices, images[0], (images[:2], images[2:]), MODEL))
    mu = encode(networks.vector(MODEL), read_photos(images))
    entry = slices._entries.get(value["key"])
    assert entry is not None
    moved = entry.slice.at([1.0])
    assert torch.allclose(moved, mu[0] + mu[2:].mean(dim=0) - mu[:2].mean(dim=0), atol=1e-4)


@pytest.mark.parametrize(("copies", "words"), [(0, "each group"), (25, "24 pictures at most")])
def test_an_empty_or_too_large_group_is_refused(
    context: Context, slices: LatentSlices, images: list[str], copies: int, words: str
) -> None:
    with pytest.raises(InputError) as refused:
        arithmetic_value(context, slices, images[0], (images[:1] * copies, images[2:]), MODEL)
    assert words in context.localize_html(refused.value.key, **refused.value.values)
