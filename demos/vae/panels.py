"""What the results of the VAE tab have in common: their style, links that save files, and sentences of refusal."""

from __future__ import annotations

import html
from collections.abc import Mapping

import gradio as gr

from demos.core.context import Context
from demos.core.files import file_url
from demos.core.i18n import InputError
from demos.ui import widgets

STYLE = """
figure { margin: 0; min-width: 0; }
figure img { display: block; width: 100%; border-radius: 6px; }
figcaption { margin-top: 4px; color: var(--ink-soft); font-size: 14px; line-height: 1.35; }
.how { margin: 0; color: var(--ink-soft); font-size: 14px; line-height: 1.5; font-variant-numeric: tabular-nums; }
.saves { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0 0; font-size: 14px; }
.saves a { color: var(--accent); font-weight: 500; text-decoration: none; }
.saves a:hover { text-decoration: underline; }
.empty { display: grid; place-items: center; min-height: 120px; padding: 20px; text-align: center;
  border: 1px dashed var(--line); border-radius: 8px; color: var(--ink-soft); }
"""


def panel(elem_id: str, value: str = "", style: str = "", script: str | None = None) -> gr.HTML:
    """Place a result in `STYLE` and rules of its own."""
    return widgets.panel(value, elem_id, STYLE + style, js_on_load=script)


def download_links(ctx: Context, files: Mapping[str, str]) -> str:
    """Write links that save files: name to save under -> path."""
    links = (
        f'<a href="{file_url(path)}" download="{html.escape(name, quote=True)}">'
        f"{ctx.localize_html('vae.save', name=name.rpartition('.')[2].upper())}</a>"
        for name, path in files.items()
    )
    return f'<p class="saves">{"".join(links)}</p>'


def message_html(ctx: Context, error: InputError) -> str:
    """Write why there is no result, in its place."""
    return f'<div class="empty"><p>{ctx.localize_html(error.key, **error.values)}</p></div>'
