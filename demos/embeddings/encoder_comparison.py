"""Two encoders side by side: a second map linked to the first, and a table of what all of them are worth."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from gradio.events import Dependency

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.embeddings.collection import Collection, Scores, Settings, numbered
from demos.embeddings.handlers import Handlers
from demos.embeddings.precomputed import Prepared
from demos.embeddings.session import NAME, MapSession
from demos.ui import widgets
from demos.ui.latest_event import on_latest
from demos.ui.progress import report_progress
from demos.ui.scatter.scatter import scatter, scatter_update
from models.analysis.embedding import Floats
from models.analysis.metrics import effective_rank, linear_probe_accuracy
from models.analysis.projection import align
from models.encoders import ENCODERS

ROWS_FILE = "rows.json"
OTHER = "mae"  # the encoder opposite the usual one when the section is opened
COLUMNS = ("knn", "probe", "trust", "continuity", "rank", "spread", "speed")


@dataclass(frozen=True)
class Row:
    """What one encoder is worth on a set of images.

    Attributes:
        scores: Of its features and its map.
        probe: Accuracy of a linear probe, None without labels.
        rank: Effective rank of its features.
        width: Numbers a feature has.
        milliseconds: Time for one image.
    """

    scores: Scores
    probe: float | None
    rank: float
    width: int
    milliseconds: float


def measure(features: Floats, scores: Scores, labels: Sequence[str | None], seconds: float) -> Row:
    """Measure features (N, D) beyond the scores of their map."""
    labelled, numbers = numbered(labels)
    probe = None
    if int((numbers.bincount() >= 3).sum()) > 1:
        probe = linear_probe_accuracy(torch.from_numpy(features[labelled]), numbers)
    rank = effective_rank(torch.from_numpy(features))
    return Row(scores, probe, rank, features.shape[1], 1000 * seconds / len(features))


def atlas_row(prepared: Prepared, labels: Sequence[str | None], encoder: str) -> Row:
    """Measure an encoder on the built-in set."""
    return measure(prepared.features, prepared.maps[Settings(encoder)].scores, labels, prepared.seconds)


def save_rows(rows: Mapping[str, Row], folder: Path) -> None:
    """Write the table of the built-in set."""
    (folder / ROWS_FILE).write_text(json.dumps({name: asdict(row) for name, row in rows.items()}, indent=1), "utf-8")


def load_rows(folder: Path) -> dict[str, Row]:
    """Read what `save_rows` wrote; nothing where there is no table."""
    path = folder / ROWS_FILE
    if not path.is_file():
        return {}
    rows = json.loads(path.read_text("utf-8"))
    return {name: Row(**{**row, "scores": Scores(**row["scores"])}) for name, row in rows.items()}


def rows_html(ctx: Context, rows: Mapping[str, Row]) -> str:
    """Show the table; the best of each column is set in bold where more is better."""
    if not rows:
        return ""
    head = "".join(f'<th title="">{ctx.localize_html(f"embeddings.column_{name}")}</th>' for name in COLUMNS)
    best = {
        name: max((value for row in rows.values() if (value := _sortable(row)[name]) is not None), default=None)
        for name in COLUMNS[:4]
    }
    body = ""
    for encoder, row in rows.items():
        cells = ""
        for name, text in _cells(row).items():
            value = _sortable(row).get(name)
            strong = value is not None and value == best.get(name)
            cells += f"<td>{f'<b>{text}</b>' if strong else text}</td>"
        body += (
            f'<tr data-encoder="{encoder}"><th>{ctx.localize_html(f"embeddings.encoder_{encoder}")}</th>{cells}</tr>'
        )
    return f'<div class="rows-frame"><table><tr><th></th>{head}</tr>{body}</table></div>'


def _sortable(row: Row) -> dict[str, float | None]:
    scores = row.scores
    return {
        "knn": scores.knn_accuracy,
        "probe": row.probe,
        "trust": scores.trustworthiness,
        "continuity": scores.continuity,
    }


def _cells(row: Row) -> dict[str, str]:
    percent = lambda share: "–" if share is None else f"{share:.0%}"  # noqa: E731
    return {
        "knn": percent(row.scores.knn_accuracy),
        "probe": percent(row.probe),
        "trust": f"{row.scores.trustworthiness:.3f}",
        "continuity": f"{row.scores.continuity:.3f}",
        "rank": f"{row.rank:.0f} / {row.width}",
        "spread": f"{row.scores.collapse:.2f}",
        "speed": f"{row.milliseconds:.1f} ms",
    }


class Twin:
    """The map opposite another encoder's map of the same images, and the table of all encoders."""

    def __init__(self, ctx: Context, handlers: Handlers, visit: gr.State) -> None:
        self._ctx, self._handlers, self._visit = ctx, handlers, visit
        self._open, self._measured = gr.State(False), gr.State(None)
        others = {name: f"embeddings.encoder_{name}" for name in ENCODERS}
        self.encoder = widgets.pills(ctx, "embeddings.compare_with", others, OTHER, "embeddings-twin-encoder")
        with gr.Row(elem_classes="columns"):
            with gr.Column(min_width=300):
                self.mirror = scatter(ctx, "embeddings-mirror", link=NAME)
            with gr.Column(min_width=300):
                self.plot = scatter(ctx, "embeddings-twin", link=NAME)
        self._about = widgets.html_line("", "facts", "embeddings-twin-about")
        self._table = gr.HTML(css_template=TABLE_STYLE, apply_default_css=False, elem_id="embeddings-rows")
        self._measure = gr.Button(
            ctx.t("embeddings.measure"),
            size="sm",
            elem_id="embeddings-measure",
            elem_classes="quiet",
        )
        widgets.note(ctx, "embeddings.compare_note")
        # A choice made while the map is drawn must not be lost: always_last.
        self._draw: dict[str, Any] = {
            "fn": self.on_twin,
            "inputs": [self._visit, self.encoder, self._open, self._measured],
            "outputs": [self.mirror, self.plot, self._about, self._table],
            "trigger_mode": "always_last",
            **PRIVATE_MODEL_EVENT,
        }
        opened = self.plot.ready(lambda: True, None, self._open, api_visibility="private", show_progress="hidden")
        opened.then(**self._draw, show_progress_on=self.plot)
        asked = {name: value for name, value in self._draw.items() if name != "trigger_mode"}
        on_latest([self.encoder.input], **asked, show_progress_on=self.plot)
        self.measuring: Dependency = self._measure.click(
            self.on_measure, self._visit, [self._table, self._measured], **PRIVATE_MODEL_EVENT
        )

    def follow(self, event: Dependency) -> None:
        """Draw the second map anew after an event that changed the first."""
        event.then(**self._draw, show_progress="hidden")

    def on_twin(
        self,
        visit: MapSession | None,
        encoder: str,
        is_open: bool,
        measured: Collection | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Generator[list[Any], None, None]:
        """Show the images of the first map through the eyes of another encoder, turned to lie as the first does."""
        if not is_open or visit is None:
            yield [gr.skip()] * 4
            return
        yield [*[gr.skip()] * 3, self._rows(visit, measured)]
        if visit.shown not in visit.maps:
            return
        atlas = self._handlers.atlas
        settings = replace(visit.shown, encoder=encoder)
        other = atlas.recall(visit, settings)
        if other is None:
            other = yield from report_progress(
                atlas.draw(visit, settings, request), self._ctx, request, progress, [gr.skip()] * 4
            )
        coordinates = align(other.maps[settings].coordinates, visit.maps[visit.shown].coordinates)
        _, marks = self._handlers.near(replace(visit, guest=None))
        value = self._handlers.plot_value(visit, coordinates)
        first = self._handlers.plot_value(visit, visit.maps[visit.shown].coordinates)
        yield [
            scatter_update(first, marks),
            scatter_update(value, marks),
            self._ctx.localize_html(f"embeddings.about_{encoder}"),
            gr.skip(),
        ]

    def _rows(self, visit: MapSession, measured: Collection | None) -> Any:
        """Return the table of the built-in set, or nothing in place of one of other images or labels."""
        if measured is self._handlers.atlas.collection(visit):
            return gr.skip()
        if visit.uploaded or visit.relabelled:
            return ""
        return rows_html(self._ctx, load_rows(self._ctx.first_paint / NAME))

    def on_measure(
        self,
        visit: MapSession | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Generator[Any, None, None]:
        """Measure every encoder on the images of the visit, one row after another."""
        visit = visit or MapSession()
        atlas, rows = self._handlers.atlas, dict[str, Row]()
        for encoder in ENCODERS:
            settings = Settings(encoder)
            drawn = atlas.recall(visit, settings) or (
                yield from report_progress(
                    atlas.draw(visit, settings, request), self._ctx, request, progress, [gr.skip()] * 2
                )
            )
            features, seconds = drawn.features[encoder]
            collection = atlas.collection(visit)
            rows[encoder] = measure(features, drawn.maps[settings].scores, collection.labels, seconds)
            yield [rows_html(self._ctx, rows), collection]


def compare_section(ctx: Context, handlers: Handlers, visit: gr.State) -> Twin:
    """Place the fold with the second map and the table."""
    with widgets.options(ctx, "embeddings.compare"):
        return Twin(ctx, handlers, visit)


TABLE_STYLE = """
.rows-frame { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; color: var(--ink); }
th { padding: 6px 14px 6px 0; font-weight: 500; text-align: left; color: var(--ink-soft); vertical-align: bottom; }
td { padding: 6px 14px 6px 0; border-top: 1px solid var(--line); white-space: nowrap; }
tr th:first-child { border-top: 1px solid var(--line); color: var(--ink); white-space: nowrap; }
tr:first-child th:first-child { border: 0; }
b { color: var(--accent); }
"""
