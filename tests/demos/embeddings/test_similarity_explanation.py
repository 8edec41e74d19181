"""Why two images are similar."""

from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
import torch
from map_images import NO_REQUEST
from PIL import Image

from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import (
    Settings,
)
from demos.embeddings.outputs import NUM_NEIGHBOURS
from demos.embeddings.session import MapSession
from demos.embeddings.similarity_explanation import TRANSFORMS, explain, on_explain, on_explain_other, transformed
from demos.ui.progress import run_to_completion


class MeanColour(torch.nn.Module):
    """Sees nothing but the mean of each colour."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))


def test_the_same_transform_of_both_images_shows_what_their_similarity_depends_on() -> None:
    left, right = (Image.new("RGB", (40, 40), colour) for colour in ((200, 60, 60), (190, 70, 60)))
    right.paste((60, 60, 200), (0, 0, 14, 14))
    assert transformed(left, 32).shape == (len(TRANSFORMS), 3, 32, 32)
    features = np.zeros((2, 3), np.float32)
    explanation = explain(MeanColour(), 32, (left, right), features)
    together = explanation.same_transform()
    assert set(together) == set(TRANSFORMS) - {"same", "mirrored"}
    assert list(together.values()) == sorted(together.values())
    assert min(together, key=together.__getitem__) == "top_left", "where the blue patch is"
    names, pairs = list(TRANSFORMS), explanation.best_pairs()
    assert len({one for one, _, _ in pairs}) == len({other for _, other, _ in pairs}) == len(pairs)
    for one, other, cosine in pairs:
        left_one = MeanColour()(explanation.first)[names.index(one)]
        right_one = MeanColour()(explanation.second)[names.index(other)]
        assert cosine == pytest.approx(float(torch.cosine_similarity(left_one, right_one, dim=0)), abs=1e-5)
    assert pairs[0][2] == pytest.approx(float(explanation.similarities.max()))
    same = explain(MeanColour(), 32, (left, left), features)
    assert same.untransformed() == pytest.approx(1, abs=1e-5)


@pytest.mark.usefixtures("umap_ready")
def test_neighbours_and_a_query_image_are_explained(builder: MapBuilder) -> None:
    session = run_to_completion(builder.build_map(MapSession(), Settings("random", method="pca"), NO_REQUEST))
    first = on_explain(builder, session, NO_REQUEST)
    assert first.count("near-tile") == NUM_NEIGHBOURS and first.count('why-pair"') == 4
    assert "without colour" in first and "去掉颜色" in first
    nearest = int(first.split('data-id="')[1].split('"')[0])
    other = next(index for index in range(1, 15) if index != nearest)
    assert (
        on_explain_other(builder, dict(id=nearest), session, NO_REQUEST)
        == first
        != on_explain_other(builder, dict(id=other), session, NO_REQUEST)
    )
    query = replace(session, query=builder.collection(session).jpegs[other])
    assert "1.00" in on_explain(builder, query, NO_REQUEST), "the query image equals one of the set"
    with pytest.raises(gr.Error, match="not on this map"):
        on_explain_other(builder, dict(id=15), session, NO_REQUEST)
    with pytest.raises(gr.Error, match="Reload"):
        on_explain(builder, None, NO_REQUEST)
