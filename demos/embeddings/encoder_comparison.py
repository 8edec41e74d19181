"""Encoders side by side: a second map linked to the first, and a table of the scores of all encoders."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import gradio as gr
import torch
from gradio.events import Dependency

from demos.core.context import Context
from demos.core.events import LATEST_MODEL_EVENT, PRIVATE_MODEL_EVENT, bind
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import Collection, Scores, Settings, label_indices
from demos.embeddings.components import quiet_button
from demos.embeddings.outputs import neighbours_panel, plot_value
from demos.embeddings.precomputed import Row, load_rows
from demos.embeddings.session import NAME, MapSession
from demos.ui import widgets
from demos.ui.progress import report_progress
from demos.ui.scatter.scatter import scatter, scatter_update
from models.analysis.embedding import Floats
from models.analysis.metrics import effective_rank, linear_probe_accuracy
from models.analysis.projection import align
from models.encoders import ENCODERS

OTHER = "mae"  # encoder of the second map at first
COLUMNS = ("knn", "probe", "trust", "continuity", "rank", "spread", "speed")


def measure(features: Floats, scores: Scores, labels: Sequence[str | None], seconds: float) -> Row:
    """Return the row of features (N, D) and the scores of their map."""
    labelled, classes = label_indices(labels)
    probe = None
    if int((classes.bincount() >= 3).sum()) > 1:
        probe = linear_probe_accuracy(torch.from_numpy(features[labelled]), classes)
    rank = effective_rank(torch.from_numpy(features))
    return Row(scores, probe, rank, features.shape[1], 1000 * seconds / len(features))


def rows_html(ctx: Context, rows: Mapping[str, Row]) -> str:
    """Return the table; where more is better, the best value of a column is bold, and what prints like it."""
    if not rows:
        return ""
    head = "".join(f"<th>{ctx.localize_html(f'embeddings.column_{name}')}</th>" for name in COLUMNS)
    cells = {encoder: _cells(row) for encoder, row in rows.items()}
    columns = zip(*cells.values(), strict=True)
    compared = [[(value, text) for value, text in column if value is not None] for column in columns]
    best = [max(column)[1] if column else None for column in compared]
    body = ""
    for encoder, row in cells.items():
        data = "".join(
            f"<td>{f'<b>{text}</b>' if text == highest else text}</td>"
            for (_, text), highest in zip(row, best, strict=True)
        )
        body += f'<tr data-encoder="{encoder}"><th>{ctx.localize_html(f"embeddings.encoder_{encoder}")}</th>{data}</tr>'
    return f'<div class="rows-frame"><table><tr><th></th>{head}</tr>{body}</table></div>'


def _cells(row: Row) -> list[tuple[float | None, str]]:
    """Return the value, None where more is not better, and the text of each of `COLUMNS`."""
    scores = row.scores
    shares = [(share, "–" if share is None else f"{share:.0%}") for share in (scores.knn_accuracy, row.probe)]
    qualities = [(value, f"{value:.3f}") for value in (scores.trustworthiness, scores.continuity)]
    others = (f"{row.rank:.0f} / {row.width}", f"{scores.collapse:.2f}", f"{row.milliseconds:.1f} ms")
    return [*shares, *qualities, *((None, text) for text in others)]


class Comparison(NamedTuple):
    """The second map, opposite a copy of the first."""

    copy: gr.HTML
    plot: gr.HTML
    measuring: Dependency  # fills the table; to be cancelled when the images change
    draw: Mapping[str, Any]  # arguments of an event that draws both maps anew

    def follow(self, event: Dependency) -> None:
        """Draw the maps anew after an event that changed the first."""
        event.then(**self.draw, show_progress="hidden")


def add_comparison(builder: MapBuilder, session: gr.State) -> Comparison:
    """Place the second map and the table."""
    ctx, is_open, measured = builder.ctx, gr.State(False), gr.State(None)
    others = {name: f"embeddings.encoder_{name}" for name in ENCODERS}
    encoder = widgets.pills(ctx, "embeddings.compare_with", others, OTHER, "embeddings-twin-encoder")
    with gr.Row(elem_classes="columns"):
        with gr.Column(min_width=300):
            copy = scatter(ctx, "embeddings-mirror", link=NAME)
        with gr.Column(min_width=300):
            plot = scatter(ctx, "embeddings-twin", link=NAME)
    about = widgets.html_line("", "facts", "embeddings-twin-about")
    table = widgets.panel(None, "embeddings-rows", TABLE_STYLE)
    measure_all = quiet_button(ctx, "measure", "measure")
    widgets.note(ctx, "embeddings.compare_note")
    draw: dict[str, Any] = {
        "fn": bind(on_compare, builder),
        "inputs": [session, encoder, is_open, measured],
        "outputs": [copy, plot, about, table],
        **LATEST_MODEL_EVENT,
    }
    encoder.input(**draw, show_progress_on=plot)
    opened = plot.ready(lambda: True, None, is_open, api_visibility="private", show_progress="hidden")
    opened.then(**draw, show_progress_on=plot)
    measuring = measure_all.click(bind(on_measure, builder), session, [table, measured], **PRIVATE_MODEL_EVENT)
    return Comparison(copy, plot, measuring, draw)


def on_compare(
    builder: MapBuilder,
    session: MapSession | None,
    encoder: str,
    is_open: bool,
    measured: Collection | None,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Generator[list[Any], None, None]:
    """Show the map of another encoder for the same images, aligned to the first."""
    if not is_open or session is None:
        yield [gr.skip()] * 4
        return
    yield [*[gr.skip()] * 3, _table(builder, session, measured)]
    if session.shown not in session.maps:
        return
    work = builder.find_or_build(session, replace(session.shown, encoder=encoder), request)
    other = yield from report_progress(work, builder.ctx, request, progress, [gr.skip()] * 4)
    coordinates = session.shown_map.coordinates
    aligned = align(other.shown_map.coordinates, coordinates)
    _, marks = neighbours_panel(builder, replace(session, query=None))
    plots = (scatter_update(plot_value(builder, session, points), marks) for points in (coordinates, aligned))
    yield [*plots, builder.ctx.localize_html(f"embeddings.about_{encoder}"), gr.skip()]


def _table(builder: MapBuilder, session: MapSession, measured: Collection | None) -> Any:
    """Return the table of the built-in set, or an empty one in place of that of other images or labels."""
    if measured is builder.collection(session):
        return gr.skip()
    if session.uploaded or session.relabelled:
        return ""
    return rows_html(builder.ctx, load_rows(builder.ctx.first_paint / NAME))


def on_measure(
    builder: MapBuilder,
    session: MapSession | None,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Generator[Any, None, None]:
    """Measure every encoder on the images of the session, one row after another."""
    session, rows = session or MapSession(), dict[str, Row]()
    for encoder in ENCODERS:
        work = builder.find_or_build(session, Settings(encoder), request)
        built = yield from report_progress(work, builder.ctx, request, progress, [gr.skip()] * 2)
        features, seconds = built.features[encoder]
        collection = builder.collection(session)
        rows[encoder] = measure(features, built.shown_map.scores, collection.labels, seconds)
        yield [rows_html(builder.ctx, rows), collection]


TABLE_STYLE = """
.rows-frame { overflow-x: auto; }
@media (max-width: 760px) {
  .rows-frame { padding-right: 40px; mask-image: linear-gradient(to left, transparent, #000 40px); }
}
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; color: var(--ink); }
th { padding: 6px 14px 6px 0; font-weight: 500; text-align: left; color: var(--ink-soft); vertical-align: bottom; }
td { padding: 6px 14px 6px 0; border-top: 1px solid var(--line); white-space: nowrap; }
small { display: block; max-width: 11em; font-size: 12px; line-height: 1.3; }
tr th:first-child { border-top: 1px solid var(--line); color: var(--ink); white-space: nowrap; }
tr:first-child th:first-child { border: 0; }
b { color: var(--accent); }
"""
