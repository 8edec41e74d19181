"""The words and images around the map, as HTML in every language."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Sequence

from demos.core.context import Context
from demos.embeddings.collection import KNN, Collection, Scores
from demos.ui.sprites import tile_style
from models.analysis.neighbours import Placement

MAX_TILES = 60  # images of a lasso that are shown; all of them are exported


def kind_html(ctx: Context, collection: Collection, index: int, translated: bool) -> str:
    """Return the label of an image as HTML, in every language if it is one of ours; empty without a label."""
    label = collection.labels[index]
    if label is None:
        return ""
    return kinds_html(ctx, [label])[label] if translated else html.escape(label.replace("_", " "))


def kinds_html(ctx: Context, labels: Iterable[str | None]) -> dict[str, str]:
    """Return the HTML of our labels; those that the texts do not translate are shown as they are."""
    known = {}
    for label in {label for label in labels if label is not None}:
        try:
            known[label] = ctx.localize_html(f"embeddings.kind.{label}")
        except KeyError:
            known[label] = html.escape(label.replace("_", " "))
    return known


def neighbours_html(
    ctx: Context,
    collection: Collection,
    urls: Sequence[str],
    picked: int,
    near: Sequence[tuple[int, float]],
    translated: bool,
) -> str:
    """Show an image and those most like it; a click on one of them picks it."""
    label = collection.labels[picked]
    kind = kind_html(ctx, collection, picked, translated)
    name = html.escape(collection.names[picked])
    return (
        f'<div class="near-picked" data-picked="{picked}">{thumbnail(collection, urls, picked)}'
        f"<div><b>{kind or name}</b><small>{name if kind else ''}</small>"
        f"<p>{ctx.localize_html('embeddings.neighbours')}</p></div></div>"
        f'<div class="near-tiles">{_tiles(ctx, collection, urls, near, label, translated)}</div>'
    )


def guest_html(
    ctx: Context, collection: Collection, urls: Sequence[str], image_url: str, placed: Placement, translated: bool
) -> str:
    """Show a new image, how far it is from everything, and its neighbours."""
    near = list(zip(placed.near, placed.similarities, strict=True))
    far = "embeddings.guest_odd" if placed.percentile >= 95 else "embeddings.guest_far"
    return (
        f'<div class="near-picked" data-guest="yes"><span class="near-picture" role="img" '
        f"style=\"background:center/cover url('{html.escape(image_url)}')\"></span>"
        f"<div><b>{ctx.localize_html('embeddings.guest_title')}</b>"
        f"<p>{ctx.localize_html(far, percentile=f'{placed.percentile:.0f}')}</p></div></div>"
        f'<div class="near-tiles">{_tiles(ctx, collection, urls, near, None, translated)}</div>'
    )


def chosen_html(ctx: Context, collection: Collection, urls: Sequence[str], ids: Sequence[int], translated: bool) -> str:
    """Show the images of a lasso, the first `MAX_TILES` of them; empty without any."""
    if not ids:
        return ""
    common = Counter(kind_html(ctx, collection, index, translated) for index in ids).most_common(3)
    kinds = ", ".join(f"{count} × {kind}" for kind, count in common if kind)
    tiles = "".join(
        f'<button type="button" class="near-tile" data-id="{index}" title="{html.escape(collection.names[index])}">'
        f"{thumbnail(collection, urls, index)}</button>"
        for index in ids[:MAX_TILES]
    )
    rest = f"<small>+ {len(ids) - MAX_TILES}</small>" if len(ids) > MAX_TILES else ""
    head = f'<p class="chosen-head"><b>{ctx.localize_html("embeddings.chosen", count=len(ids))}</b> <span>{kinds}</span></p>'  # noqa: E501
    return f'{head}<div class="chosen-tiles" data-chosen="{len(ids)}">{tiles}{rest}</div>'


def _tiles(
    ctx: Context,
    collection: Collection,
    urls: Sequence[str],
    near: Sequence[tuple[int, float]],
    label: str | None,
    translated: bool,
) -> str:
    return "".join(
        f'<button type="button" class="near-tile" data-id="{index}" title="{html.escape(collection.names[index])}"'
        f' data-same="{str(label is not None and collection.labels[index] == label).lower()}">'
        f"{thumbnail(collection, urls, index)}<b>{similarity:.2f}</b>"
        f"<small>{kind_html(ctx, collection, index, translated)}</small></button>"
        for index, similarity in near
    )


def thumbnail(collection: Collection, urls: Sequence[str], index: int) -> str:
    """Return the HTML of an image's thumbnail."""
    name, style = html.escape(collection.names[index]), html.escape(tile_style(collection.sprite, urls, index))
    return f'<span class="near-picture" role="img" aria-label="{name}" style="{style}"></span>'


def scores_html(ctx: Context, scores: Scores, num_labels: int) -> str:
    """Show what the features and the map are worth, each number with its meaning."""
    parts = []
    if scores.knn_accuracy is not None and scores.chance is not None:
        words = ctx.localize_html("embeddings.knn", k=KNN, chance=f"{scores.chance:.0%}", kinds=num_labels)
        parts.append((f"{scores.knn_accuracy:.0%}", words))
    parts.append((f"{scores.trustworthiness:.2f}", ctx.localize_html("embeddings.trust")))
    parts.append((f"{scores.continuity:.2f}", ctx.localize_html("embeddings.continuity")))
    parts.append((f"{scores.collapse:.2f}", ctx.localize_html("embeddings.collapse")))
    cell = '<div class="score-cell"><b>{}</b><span>{}</span></div>'
    return "".join(cell.format(number, words) for number, words in parts)


def told_html(ctx: Context, collection: Collection, uploaded: bool, clamped: int | None) -> str:
    """Return what is on the map, what was left out and why, and whether fewer neighbours had to do."""
    which = "embeddings.own_set" if uploaded else "embeddings.built_in_set"
    said = [ctx.localize_html(which, count=len(collection), kinds=collection.num_kinds)]
    if collection.skipped:
        reasons = ", ".join(
            f"{count} × {ctx.localize_html(f'embeddings.skipped.{reason}')}"
            for reason, count in sorted(collection.skipped.items())
        )
        said.append(f"{ctx.localize_html('embeddings.skipped', count=sum(collection.skipped.values()))} {reasons}.")
    if clamped is not None:
        said.append(ctx.localize_html("embeddings.clamped", count=clamped))
    return " ".join(f"<span>{sentence}</span>" for sentence in said)


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
#embeddings-upload, #embeddings-guest { border: 1px dashed var(--line); border-radius: 12px; }
#embeddings-upload .wrap, #embeddings-guest .wrap {
  flex-direction: row; gap: 10px; min-height: 0; padding: 0; font-size: 14px; line-height: 1.4;
}
#embeddings-upload .icon-wrap, #embeddings-guest .icon-wrap { width: 20px; margin: 0; }
#embeddings-chosen-tools { align-items: center; gap: 8px 12px; }
#embeddings-chosen-tools > * { flex: 0 1 auto; width: auto; min-width: 0 !important; margin: 0; }
#embeddings-chosen-tools .form { flex: 0 1 220px; }
#embeddings-stop { max-width: 160px; }
#embeddings-why { align-self: flex-start; width: auto; }
#embeddings-learning-bar { align-items: center; gap: 8px 16px; }
#embeddings-learning-bar > button { flex: 0 0 auto; width: auto; min-width: 0; }
#embeddings-play::before { content: "▶"; margin-right: 7px; font-size: 0.8em; }
#embeddings-play[data-playing="true"]::before { content: "❚❚"; }
#embeddings-settings .form { gap: 20px 32px; border: 0; background: none; }
"""
