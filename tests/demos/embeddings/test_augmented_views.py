"""Augmented views and their roles in each method."""

import base64
import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from demos.core.context import Context
from demos.embeddings.augmented_views import on_views
from demos.embeddings.builder import MapBuilder
from models.checkpoints import weights_info


@pytest.mark.parametrize(("method", "pairs"), [("simclr", (10, 80)), ("simsiam", (5, 0)), ("moco", (5, 50))])
def test_each_method_has_its_positives_and_negatives(
    context: Context, archive: Path, method: str, pairs: tuple[int, int]
) -> None:
    builder = MapBuilder(context, archive)
    html = on_views(builder, None, method, 0)
    assert (html.count('class="positive"'), html.count('class="negative"')) == pairs
    assert html == on_views(builder, None, method, 0) and html != on_views(builder, None, method, 1)


@pytest.mark.parametrize("method", ["simclr", "simsiam", "moco"])
def test_views_have_the_side_that_the_method_was_trained_on(context: Context, archive: Path, method: str) -> None:
    ctx = replace(context, weights_info=weights_info)  # those that are shipped
    first = on_views(MapBuilder(ctx, archive), None, method, 0).split("base64,")[1].split('"')[0]
    trained_on = weights_info(f"{method}-photos").image_size
    assert Image.open(io.BytesIO(base64.b64decode(first))).size == (trained_on, trained_on)
