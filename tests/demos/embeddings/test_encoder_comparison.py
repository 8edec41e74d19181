"""The second map and the table of all encoders."""

from typing import Any

import gradio as gr
import pytest
from map_images import NO_REQUEST, last

from demos.core.context import Context
from demos.embeddings import encoder_comparison, tab
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import (
    Collection,
    Scores,
    Settings,
)
from demos.embeddings.encoder_comparison import on_compare, on_measure
from demos.embeddings.precomputed import Row, save_rows
from demos.embeddings.session import MapSession
from demos.ui.progress import run_to_completion


@pytest.mark.usefixtures("umap_ready")
def test_the_table_of_encoders_is_cleared_for_other_images_and_labels(
    builder: MapBuilder, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder_comparison, "ENCODERS", {"random": tab.ENCODERS["random"]})
    built_in = run_to_completion(builder.build_map(MapSession(), Settings("random", method="pca"), NO_REQUEST))
    own = MapSession(uploaded=builder.collection(built_in).with_label([0], None))

    def table(session: MapSession, measured: Collection | None) -> Any:
        return next(on_compare(builder, session, "random", True, measured, NO_REQUEST))[3]

    _, measured = last(on_measure(builder, built_in, NO_REQUEST))
    assert table(built_in, measured) == gr.skip()
    assert table(builder.relabel(built_in, [0], "mine"), measured) == ""
    assert table(own, measured) == "", "also while their map is built"
    rows, measured = last(on_measure(builder, own, NO_REQUEST))
    assert 'data-encoder="random"' in rows and table(own, measured) == gr.skip()
    folder = context.first_paint / "embeddings"
    folder.mkdir(parents=True)
    save_rows({"random": Row(Scores(0.5, 0.1, 0.9, 0.85, 0.8), None, 3.0, 8, 1.0)}, folder)
    assert 'data-encoder="random"' in table(built_in, measured), "the precomputed table comes back with its images"
