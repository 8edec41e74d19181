"""The texts and images around the map, as HTML in every language."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from demos.core.context import Context
from demos.embeddings.collection import KNN, Collection, Scores
from demos.embeddings.precomputed import load_rows
from demos.embeddings.session import NAME
from demos.ui import layout
from demos.ui.left_out import left_out_html
from demos.ui.sprites import tile_style
from models.analysis.neighbours import Placement
from models.encoders import ENCODERS

MAX_TILES = 60  # images shown of a lasso; all of them are exported
LIST_ITEM = '<div role="listitem" style="display: contents">{}</div>'


def label_html(ctx: Context, label: str | None, translated: bool) -> str:
    """Return the HTML of a label, translated if asked for and the texts have it; empty without a label."""
    if label is None:
        return ""
    plain = html.escape(label.replace("_", " "))
    try:
        return ctx.localize_html(f"embeddings.kind.{label}") if translated else plain
    except KeyError:
        return plain


@dataclass(frozen=True)
class Tiles:
    """The thumbnails of a collection as HTML."""

    ctx: Context
    collection: Collection
    urls: Sequence[str]  # of the sprite sheets
    translated: bool  # whether the labels are those of the built-in set, for which there are texts

    def label(self, index: int) -> str:
        """Return the label of an image; empty without one."""
        return label_html(self.ctx, self.collection.labels[index], self.translated)

    def thumbnail(self, index: int) -> str:
        """Return the thumbnail of an image."""
        name = html.escape(self.collection.names[index])
        style = html.escape(tile_style(self.collection.sprite, self.urls, index))
        return f'<span class="near-picture" role="img" aria-label="{name}" style="{style}"></span>'

    def button(self, index: int, content: str = "", attributes: str = "") -> str:
        """Return a thumbnail that `NEIGHBOURS_SCRIPT` reports a click on."""
        return (
            f'<button type="button" class="near-tile" data-id="{index}" {attributes} '
            f'title="{html.escape(self.collection.names[index])}">{self.thumbnail(index)}{content}</button>'
        )

    def neighbours(self, picked: int, near: Sequence[tuple[int, float]]) -> str:
        """Return an image and its neighbours with their similarities."""
        label = self.label(picked)
        name = html.escape(self.collection.names[picked])
        return (
            f'<div class="near-picked" data-picked="{picked}">{self.thumbnail(picked)}'
            f"<div><b>{label or name}</b><small>{name if label else ''}</small>"
            f"<p>{self.ctx.localize_html('embeddings.neighbours')}</p></div></div>"
            + self._near(near, self.collection.labels[picked])
        )

    def query(self, url: str, placed: Placement) -> str:
        """Return a query image, how unusual it is for the collection, and its neighbours."""
        key = "embeddings.guest_odd" if placed.percentile >= 95 else "embeddings.guest_far"
        return (
            f'<div class="near-picked" data-guest="yes"><span class="near-picture" aria-hidden="true" '
            f"style=\"background:center/cover url('{html.escape(url)}')\"></span>"
            f"<div><b>{self.ctx.localize_html('embeddings.guest_title')}</b>"
            f"<p>{self.ctx.localize_html(key, percentile=f'{placed.percentile:.0f}')}</p></div></div>"
            + self._near(list(zip(placed.near, placed.similarities, strict=True)), None)
        )

    def selected(self, ids: Sequence[int]) -> str:
        """Return the images of a lasso, at most `MAX_TILES` of them; empty without any."""
        if not ids:
            return ""
        common = Counter(self.label(index) for index in ids).most_common(3)
        counted = (f"{count} × {label}" for label, count in common if label)
        labels = self.ctx.localize_html("common.list_separator").join(counted)
        title = self.ctx.localize_html("embeddings.chosen", count=len(ids))
        buttons = "".join(LIST_ITEM.format(self.button(index)) for index in ids[:MAX_TILES])
        rest = LIST_ITEM.format(f"<small>+ {len(ids) - MAX_TILES}</small>") if len(ids) > MAX_TILES else ""
        return (
            f'<p class="chosen-head"><b>{title}</b> <span>{labels}</span></p>'
            f'<div class="chosen-tiles" role="list" data-chosen="{len(ids)}">{buttons}{rest}</div>'
        )

    def _near(self, near: Sequence[tuple[int, float]], label: str | None) -> str:
        buttons = "".join(
            LIST_ITEM.format(
                self.button(
                    index,
                    f"<b>{similarity:.2f}</b><small>{self.label(index)}</small>",
                    f'data-same="{str(label is not None and self.collection.labels[index] == label).lower()}"',
                )
            )
            for index, similarity in near
        )
        return f'<div class="near-tiles" role="list">{buttons}</div>'


def scores_html(ctx: Context, scores: Scores, num_labels: int) -> str:
    """Return the scores of features and map, each with its meaning."""
    cells = []
    if scores.knn_accuracy is not None and scores.chance is not None:
        text = ctx.localize_html("embeddings.knn", k=KNN, chance=f"{scores.chance:.0%}", kinds=num_labels)
        cells.append((f"{scores.knn_accuracy:.0%}", text))
    cells.append((f"{scores.trustworthiness:.2f}", ctx.localize_html("embeddings.trust")))
    cells.append((f"{scores.continuity:.2f}", ctx.localize_html("embeddings.continuity")))
    cells.append((f"{scores.collapse:.2f}", f"{ctx.localize_html('embeddings.collapse')} {_usual_spread(ctx)}"))
    return "".join(f'<div class="score-cell"><b>{value}</b><span>{text}</span></div>' for value, text in cells)


def verdict_html(ctx: Context, encoder: str, accuracy: float | None, built_in: bool) -> str:
    """Say how often neighbours are of one kind, and how often before training, or after it; empty without labels."""
    if accuracy is None:
        return layout.verdict(ctx, [])
    sentences = [ctx.localize_html("embeddings.alike", knn=accuracy, k=KNN)]
    other = "simclr" if encoder == "random" else "random"
    row = load_rows(ctx.first_paint / NAME).get(other)
    if built_in and row is not None and row.scores.knn_accuracy is not None:
        text = ctx.localize_html(f"embeddings.alike_{other}", knn=row.scores.knn_accuracy)
        show = ctx.localize_html(f"embeddings.show_{other}")
        sentences.append(f'{text} <button type="button" data-encoder="{other}">{show}</button>')
    return layout.verdict(ctx, sentences)


def _usual_spread(ctx: Context) -> str:
    """Return which spreads the built-in encoders reach on the built-in set; empty without their table."""
    spreads: dict[bool, list[float]] = {True: [], False: []}  # whether the encoder is trained
    for encoder, row in load_rows(ctx.first_paint / NAME).items():
        spreads[ENCODERS[encoder].checkpoint is not None].append(row.scores.collapse)
    if not all(spreads.values()):
        return ""
    low, high, untrained = min(spreads[True]), max(spreads[True]), spreads[False][0]
    return ctx.localize_html("embeddings.collapse_usual", low=low, high=high, untrained=untrained)


def description_html(ctx: Context, collection: Collection, uploaded: bool, clamped: int | None) -> str:
    """Return what is on the map, the number of neighbours if it was reduced, and what was left out and why."""
    which = "embeddings.own_set" if uploaded else "embeddings.built_in_set"
    sentences = [ctx.localize_html(which, count=len(collection), kinds=collection.num_labels)]
    if clamped is not None:
        sentences.append(ctx.localize_html("embeddings.clamped", count=clamped))
    if collection.skipped:
        sentences.append(left_out_html(ctx, collection.skipped))
    return " ".join(f"<span>{sentence}</span>" for sentence in sentences)


# Shows the same pictures through the other network, by the switch of all networks.
VERDICT_SCRIPT = """
element.addEventListener("click", (event) => {
  const name = event.target.closest("[data-encoder]")?.dataset.encoder;
  if (name) document.querySelector(`#embeddings-encoder input[value="${name}"]`)?.click();
});
"""
VERDICT_STYLE = """
display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 28px;
button[data-encoder] { padding: 4px 12px; border: 1px solid var(--line); border-radius: 999px; background: none;
  color: var(--accent); font: inherit; font-size: 14px; font-weight: 500; cursor: pointer; }
"""
NEIGHBOURS_SCRIPT = """
element.addEventListener("click", (event) => {
  const tile = event.target.closest("[data-id]");
  if (tile) report("pick", {id: Number(tile.dataset.id)});
});
"""
NEIGHBOURS_STYLE = """
.near-picture { display: block; aspect-ratio: 1; border-radius: 8px; }
.near-picked { display: flex; gap: 14px; align-items: center; margin-bottom: 14px; }
.near-picked .near-picture { width: 112px; flex: none; border-radius: 10px; }
.near-picked b { display: block; font-size: 18px; color: var(--ink); }
.near-picked small { display: block; font-size: 12.5px; color: var(--ink-soft); overflow-wrap: anywhere; }
.near-picked p { margin: 6px 0 0; font-size: 14px; line-height: 1.4; color: var(--ink-soft); }
.near-picked p b { display: inline; font-size: inherit; }
.near-tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 10px; }
.near-tile {
  display: flex; flex-direction: column; min-width: 0; padding: 0; border: 0; background: none;
  cursor: pointer; text-align: left; font-size: 12.5px; line-height: 1.3; color: var(--ink-soft);
}
.near-tile .near-picture { margin-bottom: 3px; }
.near-tile:hover .near-picture { box-shadow: 0 0 0 2px var(--accent); }
.near-tile b { font-weight: 600; font-variant-numeric: tabular-nums; color: var(--ink); }
.near-tile small { font-size: inherit; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.near-tile[data-same="true"] small { color: var(--accent); }
.chosen-head { margin: 4px 0 8px; font-size: 15px; color: var(--ink-soft); }
.chosen-head b { color: var(--ink); }
.chosen-tiles {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(56px, 1fr)); gap: 6px; align-items: center;
  max-height: 220px; overflow-y: auto;
}
.chosen-tiles .near-picture { margin: 0; }
@media (min-width: 1000px) {
  .near-tiles { grid-template-columns: repeat(6, 1fr); gap: 10px 8px; }
}
@media (max-width: 760px) {
  .near-tiles { display: flex; overflow-x: auto; }
  .near-tiles .near-tile { flex: none; width: 84px; }
}
"""
SCORES_STYLE = """
display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 12px 28px;
.score-cell { display: flex; gap: 12px; align-items: baseline; }
.score-cell b { min-width: 2.6em; text-align: right; }
.score-cell span { font-size: 14px; line-height: 1.4; color: var(--ink-soft); }
"""
# For Gradio's own components, which no `css_template` reaches.
BAR_STYLE = """
#embeddings-bar { align-items: center; gap: 8px 20px; }
#embeddings-bar > * { flex: 0 1 auto; width: auto; min-width: 0 !important; }
#embeddings-bar .pills .wrap { border-radius: 22px; }
#embeddings-upload, #embeddings-guest { border: 1px dashed var(--line); border-radius: 12px; }
#embeddings-upload .wrap, #embeddings-guest .wrap {
  flex-direction: row; gap: 10px; min-height: 0; padding: 0; font-size: 14px; line-height: 1.4;
}
#embeddings-upload .icon-wrap, #embeddings-guest .icon-wrap { width: 20px; margin: 0; }
#embeddings-chosen-tools { align-items: center; gap: 8px 12px; }
#embeddings-chosen-tools > * { flex: 0 1 auto; width: auto; min-width: 0 !important; margin: 0; }
#embeddings-chosen-tools .form { flex: 0 1 220px; }
#embeddings-stop { max-width: 160px; }
#embeddings-why, #embeddings-home { align-self: flex-start; width: auto; }
#embeddings-learning-bar { align-items: center; gap: 8px 16px; }
#embeddings-learning-bar > button { flex: 0 0 auto; width: auto; min-width: 0; }
#embeddings-play::before { content: "▶"; margin-right: 7px; font-size: 0.8em; }
#embeddings-play[data-playing="true"]::before { content: "❚❚"; }
#embeddings-settings .form { gap: 20px 32px; border: 0; background: none; }
"""
