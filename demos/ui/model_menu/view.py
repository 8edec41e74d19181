"""The menu of models as HTML: a row for each with name, size, licence and state, what is known of one, progress."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from demos.core.context import Context
from models.formats.registry import WeightsError
from models.hub.client import HubError
from models.hub.downloads import Download
from models.hub.records import Checkpoint, is_private, size_text

STYLE = """
.models { display: grid; gap: 2px; max-width: 940px; }
.model {
  display: grid; grid-template-columns: minmax(0, 1fr) 72px 262px 96px; gap: 4px 14px; align-items: baseline;
  padding: 8px 10px; border: 0; border-radius: 8px; background: none; text-align: left; cursor: pointer;
  font-size: 14px; line-height: 1.35; color: var(--ink-soft);
}
.model b { font-size: 15px; font-weight: 500; color: var(--ink); overflow-wrap: anywhere; }
.model:hover { background: var(--mat); }
.model[aria-pressed="true"] { background: var(--accent-soft); }
.model[data-used="true"] b { font-weight: 650; color: var(--accent); }
.model .size { text-align: right; font-variant-numeric: tabular-nums; }
.about { max-width: 52em; margin: 10px 10px 0; font-size: 14px; line-height: 1.5; color: var(--ink-soft); }
.about a { color: var(--accent); overflow-wrap: anywhere; }
.way { max-width: 52em; margin: 10px 10px 0; font-size: 14px; line-height: 1.5; color: var(--ink); }
.arrived { max-width: 420px; height: 8px; margin-bottom: 6px; border-radius: 4px; background: var(--line); }
.arrived i { display: block; height: 100%; border-radius: 4px; background: var(--accent); transition: width 0.2s; }
@media (max-width: 760px) {
  .model { grid-template-columns: minmax(0, 1fr) auto; }
  .model .licence { grid-column: 1; }
}
"""
SCRIPT = """
element.addEventListener("click", (event) => {
  const row = event.target.closest("[data-name]");
  if (row) report("pick", {name: row.dataset.name});
});
"""


@dataclass(frozen=True)
class Row:
    """One model of the menu, which may be a pair of files, and whether everything of it is on disk."""

    record: Checkpoint
    size: int
    on_disk: bool


def title_html(ctx: Context, record: Checkpoint) -> str:
    """Write what a model is called, translated where it is more than a name."""
    try:
        return ctx.localize_html(f"menu.name.{record.name}")
    except KeyError:
        return html.escape(record.summary)


def licence_html(ctx: Context, record: Checkpoint) -> str:
    """Write a licence, with "non-commercial" in plain words where it applies; of the visitor's own, whose it is."""
    if is_private(record.name):
        return ctx.localize_html("menu.own")
    name = ctx.localize_html("menu.licence_unknown") if record.license == "not stated" else html.escape(record.license)
    return f"{ctx.localize_html('menu.non_commercial')} ({name})" if record.non_commercial else name


def rows_html(ctx: Context, rows: Sequence[Row], used: str, picked: str) -> str:
    """Write the list of models; the one in use and the one picked stand out."""
    buttons = []
    for row in rows:
        record = row.record
        name = html.escape(record.name, quote=True)
        is_used = record.name == used
        size = size_text(row.size) if row.size else ""  # a visitor's own weights may not have been written yet
        ready = "menu.own_ready" if is_private(record.name) else "menu.on_disk"
        state = "menu.in_use" if is_used else ready if row.on_disk else "menu.to_download"
        buttons.append(
            f'<button type="button" class="model" data-name="{name}" data-used="{str(is_used).lower()}"'
            f' aria-pressed="{str(record.name == picked).lower()}"><b>{title_html(ctx, record)}</b>'
            f'<span class="size">{size}</span><span class="licence">{licence_html(ctx, record)}</span>'
            f'<span class="state">{ctx.localize_html(state)}</span></button>'
        )
    return f'<div class="models">{"".join(buttons)}</div>'


def about_html(ctx: Context, record: Checkpoint) -> str:
    """Write what is known of one model: its paper, its page, what was not verified, which kind of latent it has."""
    lines = [html.escape(part) for part in (record.paper,) if part and not part.startswith("https://")]
    if is_private(record.name):
        lines.append(ctx.localize_html("menu.own_about" if not record.partner else "menu.own_about_pair"))
    if record.page:
        address = html.escape(record.page, quote=True)
        lines.insert(0, f'<a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a>')
    if not record.is_verified:
        lines.append(ctx.localize_html("menu.not_verified"))
    if record.assumed:
        lines.append(ctx.localize_html("menu.assumed", assumed=record.assumed))
    if record.latent:
        lines.append(ctx.localize_html(f"menu.latent_{record.latent}"))
    return f'<p class="about">{" · ".join(lines)}</p>'


def progress_html(ctx: Context, download: Download) -> str:
    """Write how many megabytes of a file have arrived."""
    done, total = download.done / 1e6, download.total / 1e6
    share = min(100.0, 100 * done / total) if total else 0.0
    bar = f'<div class="arrived"><i style="width: {share:.0f}%"></i></div>'
    words = ctx.localize_html("menu.progress", title=download.record.summary, done=f"{done:.1f}", total=f"{total:.1f}")
    return f'<div class="way" role="status">{bar}{words}</div>'


def sentence_html(ctx: Context, key: str, **values: object) -> str:
    """Write one sentence in the place of the progress."""
    return f'<p class="way" role="status">{ctx.localize_html(key, **values)}</p>'


def said_html(sentence: str) -> str:
    """Write a finished sentence in that place."""
    return f'<p class="way" role="status">{html.escape(sentence)}</p>'


def error_html(ctx: Context, error: HubError | WeightsError) -> str:
    """Write why a model could not be had, in both languages."""
    kind = "hub" if isinstance(error, HubError) else "weights"
    names = [html.escape(name, quote=True) for name in error.values.get("files", ())]
    buttons = "".join(f'<button type="button" class="model" data-name="{n}"><b>{n}</b></button>' for n in names)
    sentence = sentence_html(ctx, f"error.{kind}.{error.code}", **error.values)
    return sentence + (buttons and f'<div class="models">{buttons}</div>')
