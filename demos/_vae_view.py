"""The HTML that the folds of the VAE tab share: style, links that save, and a sentence in the place of a result."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from demos.core.context import Context

STYLE = """
.lesson { display: grid; gap: 6px; max-width: 960px; }
.lesson h4 { margin: 12px 0 0; font-size: 16px; font-weight: 650; color: var(--ink); }
.lesson-row { display: grid; grid-template-columns: 2fr 3fr; gap: 8px 20px; }
figure { margin: 0; min-width: 0; }
figure img { display: block; width: 100%; border-radius: 6px; }
figcaption { margin-top: 4px; color: var(--ink-soft); font-size: 14px; line-height: 1.35; }
.how { margin: 0; color: var(--ink-soft); font-size: 14px; line-height: 1.5; font-variant-numeric: tabular-nums; }
.saves { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0 0; font-size: 14px; }
.saves a { color: var(--accent); font-weight: 500; text-decoration: none; }
.saves a:hover { text-decoration: underline; }
.square { display: block; width: 100%; max-width: 460px; border-radius: 8px; }
.empty { display: grid; place-items: center; min-height: 120px; padding: 20px; text-align: center;
  border: 1px dashed var(--line); border-radius: 8px; color: var(--ink-soft); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 620px) { .lesson-row { grid-template-columns: 1fr; } }
"""


def file_url(path: str) -> str:
    """Returns the address of a file, relative to the page, wherever the app is mounted."""
    return "gradio_api/file=" + quote(path)


def saves(ctx: Context, files: Mapping[str, str]) -> str:
    """Writes links that save files: name to save under -> path."""
    links = (
        f'<a href="{file_url(path)}" download="{html.escape(name, quote=True)}">'
        f"{ctx.both('vae.save', name=name.rpartition('.')[2].upper())}</a>"
        for name, path in files.items()
    )
    return f'<p class="saves">{"".join(links)}</p>'


def sorry_html(ctx: Context, key: str, **words: Any) -> str:
    """Writes what stands in the place of a result that needs something first."""
    return f'<div class="empty"><p>{ctx.both(key, **words)}</p></div>'
