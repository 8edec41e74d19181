"""What the page and the overview show of a map."""

import numpy as np
import pytest
from map_images import noisy_image

from demos.embeddings import outputs
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import Settings


def test_the_summary_shows_the_nearest_images(builder: MapBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "Settings", lambda: Settings("random", method="pca"))
    cell = outputs.summary(builder, noisy_image("green", 2))
    assert cell.image.size == (256, 256) and cell.link == "tab=embeddings"
    assert cell.text.startswith("<b>green</b>") and "<b>1.00</b>" in cell.text
    red, green, blue = np.asarray(cell.image).mean(axis=(0, 1))
    assert green > max(red, blue), "the images nearest to a green one are green"
