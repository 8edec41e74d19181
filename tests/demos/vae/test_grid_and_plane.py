"""The plane through images, and its map."""

import json
import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demos.core.context import Context
from demos.core.i18n import InputError
from demos.vae.grid_and_plane import grid_html, plane_value
from demos.vae.interpolation import encode, images_of
from demos.vae.latent_slice import LatentSlices
from demos.vae.networks import Networks, read_photos

MODEL = "vae-fruit"


def test_a_point_of_the_plane_is_the_image_of_its_latent(
    context: Context, networks: Networks, slices: LatentSlices, images: list[str]
) -> None:
    value = json.loads(plane_value(context, slices, images[:3], "photos", MODEL))
    network = networks.vector(MODEL)
    for point, z in zip(value["points"], encode(network, read_photos(images[:3])), strict=True):
        url = slices.decode([value["key"], [share * value["half"] for share in point["at"]]])["image"]
        seen = np.asarray(Image.open(BytesIO(b64decode(url.split(",", 1)[1])))).astype(int)
        expected = np.asarray(images_of(network, z[None])[0]).astype(int)
        assert np.abs(seen - expected).max() <= 3, "the map places the pictures where their latents are"
    (ax, ay), (bx, by), (_, cy) = (point["at"] for point in value["points"])
    assert bx > ax and by == pytest.approx(ay, abs=1e-3) and cy < ay, "B right of A and C below, as in the grid"
    here, far = (slices.decode([value["key"], [x, 0.0]]) for x in (0.0, 50.0))
    assert far["place"] == "far" and far["share"] == 1 and here["share"] < 1


def test_the_plane_of_equal_missing_or_bad_images_is_refused(
    context: Context, slices: LatentSlices, images: list[str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"nothing")
    for paths, model, words in (
        ([images[0], images[0], images[1]], MODEL, "two of these are the same"),
        ([images[0], images[1], None], MODEL, "Three pictures make a plane"),
        ([images[0], images[1], str(bad)], MODEL, "bad.png is not a picture"),
        (images[:3], "taesd", "keeps a map of each picture"),
    ):
        with pytest.raises(InputError) as refused:
            plane_value(context, slices, paths, "photos", model)
        assert words in context.localize_html(refused.value.key, **refused.value.values)


def test_the_corners_of_the_grid_are_named() -> None:
    assert re.findall("<b>(.*?)</b>", grid_html("grid.png", ["a", "b", "c", "d"])) == ["A", "B", "C", "D"]
    assert re.findall("<b>(.*?)</b>", grid_html("grid.png", ["a", None, "c", "d"])) == ["A", "C", "D", "C + D − A"]
    assert re.findall("<b>(.*?)</b>", grid_html("grid.png", ["a", "b", None, None])) == ["A", "B"]
