"""The words and pictures around the map, as HTML in every language."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from demos._atlas import KNN, Collection, Scores
from demos._base import Context
from demos._scatter import tile_style


def kind_html(ctx: Context, collection: Collection, index: int, translated: bool) -> str:
    """Returns the label of a picture as HTML, in every language if it is one of ours; empty without a label."""
    label = collection.labels[index]
    if label is None:
        return ""
    return kinds_html(ctx, [label])[label] if translated else html.escape(label.replace("_", " "))


def kinds_html(ctx: Context, labels: Iterable[str | None]) -> dict[str, str]:
    """Returns the HTML of our labels; those that the texts do not translate are shown as they are."""
    known = {}
    for label in {label for label in labels if label is not None}:
        try:
            known[label] = ctx.both(f"embeddings.kind.{label}")
        except KeyError:
            known[label] = html.escape(label.replace("_", " "))
    return known


def neighbours_html(
    ctx: Context,
    collection: Collection,
    url: str,
    picked: int,
    near: Sequence[tuple[int, float]],
    translated: bool,
) -> str:
    """Shows a picture and those most like it; a click on one of them picks it.

    Args:
        ctx: The context of the tab.
        collection: The pictures.
        url: Address of the collection's sprite.
        picked: Id of the picture.
        near: Ids and cosine similarities of its neighbours.
        translated: Whether the labels are ours, and known in every language.
    """
    label = collection.labels[picked]
    kind = kind_html(ctx, collection, picked, translated)
    name = html.escape(collection.names[picked])
    tiles = "".join(
        f'<button type="button" class="near-tile" data-id="{index}" title="{html.escape(collection.names[index])}"'
        f' data-same="{str(label is not None and collection.labels[index] == label).lower()}">'
        f"{_thumbnail(collection, url, index)}<b>{similarity:.2f}</b>"
        f"<small>{kind_html(ctx, collection, index, translated)}</small></button>"
        for index, similarity in near
    )
    return (
        f'<div class="near-picked" data-picked="{picked}">{_thumbnail(collection, url, picked)}'
        f"<div><b>{kind or name}</b><small>{name if kind else ''}</small>"
        f"<p>{ctx.both('embeddings.neighbours')}</p></div></div>"
        f'<div class="near-tiles">{tiles}</div>'
    )


def _thumbnail(collection: Collection, url: str, index: int) -> str:
    name, style = html.escape(collection.names[index]), html.escape(tile_style(collection.sprite, url, index))
    return f'<span class="near-picture" role="img" aria-label="{name}" style="{style}"></span>'


def scores_html(ctx: Context, scores: Scores, num_labels: int) -> str:
    """Shows what the features and the map are worth, each number with its meaning."""
    parts = []
    if scores.knn_accuracy is not None and scores.chance is not None:
        words = ctx.both("embeddings.knn", k=KNN, chance=f"{scores.chance:.0%}", kinds=num_labels)
        parts.append((f"{scores.knn_accuracy:.0%}", words))
    parts.append((f"{scores.trustworthiness:.2f}", ctx.both("embeddings.trust")))
    parts.append((f"{scores.collapse:.2f}", ctx.both("embeddings.collapse")))
    cell = '<div class="score-cell"><b>{}</b><span>{}</span></div>'
    return "".join(cell.format(number, words) for number, words in parts)


def told_html(ctx: Context, collection: Collection, uploaded: bool, clamped: int | None) -> str:
    """Says what is on the map, what was left out and why, and whether fewer neighbours had to do.

    Args:
        ctx: The context of the tab.
        collection: The pictures.
        uploaded: Whether they are the visitor's.
        clamped: The number of neighbours used instead of the wanted one, or None.
    """
    which = "embeddings.own_set" if uploaded else "embeddings.built_in_set"
    said = [ctx.both(which, count=len(collection), kinds=collection.num_kinds)]
    if collection.skipped:
        reasons = ", ".join(
            f"{count} × {ctx.both(f'embeddings.skipped.{reason}')}"
            for reason, count in sorted(collection.skipped.items())
        )
        said.append(f"{ctx.both('embeddings.skipped', count=sum(collection.skipped.values()))} {reasons}.")
    if clamped is not None:
        said.append(ctx.both("embeddings.clamped", count=clamped))
    return " ".join(f"<span>{sentence}</span>" for sentence in said)


NEIGHBOURS_SCRIPT = """
element.addEventListener("click", (event) => {
  const tile = event.target.closest("[data-id]");
  if (tile) trigger("pick", {id: Number(tile.dataset.id)});
});
"""
NEIGHBOURS_STYLE = """
.near-picture { display: block; aspect-ratio: 1; border-radius: 8px; }
.near-picked { display: flex; gap: 14px; align-items: center; margin-bottom: 14px; }
.near-picked .near-picture { width: 112px; flex: none; border-radius: 10px; }
.near-picked b { display: block; font-size: 18px; color: var(--ink); }
.near-picked small { display: block; font-size: 12.5px; color: var(--ink-soft); overflow-wrap: anywhere; }
.near-picked p { margin: 6px 0 0; font-size: 14px; line-height: 1.4; color: var(--ink-soft); }
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
@media (min-width: 1000px) {
  .near-tiles { grid-template-columns: repeat(6, 1fr); gap: 10px 8px; }
}
"""
SCORES_STYLE = """
display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 12px 28px;
.score-cell { display: flex; gap: 12px; align-items: baseline; }
.score-cell b { min-width: 2.6em; text-align: right; }
.score-cell span { font-size: 14px; line-height: 1.4; color: var(--ink-soft); }
"""
# Of Gradio's own components, which no template reaches.
BAR_STYLE = """
#embeddings-bar { align-items: center; gap: 8px 20px; }
#embeddings-bar > * { flex: 0 1 auto; width: auto; min-width: 0 !important; }
#embeddings-bar .pills .wrap { border-radius: 22px; }
#embeddings-upload { border: 1px dashed var(--line); border-radius: 12px; }
#embeddings-upload .wrap {
  flex-direction: row; gap: 10px; min-height: 0; padding: 0; font-size: 14px; line-height: 1.4;
}
#embeddings-upload .icon-wrap { width: 20px; margin: 0; }
#embeddings-settings .form { gap: 20px 32px; border: 0; background: none; }
"""
