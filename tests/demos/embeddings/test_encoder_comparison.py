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


def test_values_that_print_alike_are_bold_alike(context: Context) -> None:
    shares = {"simclr": 0.9961, "mae": 0.9963, "simsiam": 0.9964, "random": 0.5}
    rows = {name: Row(Scores(share, 0.1, 0.9, 0.85, 0.8), None, 3.0, 8, 1.0) for name, share in shares.items()}
    html = encoder_comparison.rows_html(context, rows)
    assert html.count("<b>100%</b>") == 3 and "<b>50%</b>" not in html
    assert "<b>–</b>" not in html and "<b>3 / 8</b>" not in html, "no best value of what is missing or not compared"
    assert html.count("<b>0.900</b>") == len(rows)


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
