"""The map as one HTML file that opens without a network: Plotly, the points, and a thumbnail of the one pointed at."""

from __future__ import annotations

import base64
import html
import json
from contextlib import suppress
from typing import TYPE_CHECKING

import gradio as gr

from demos.core.context import Context
from demos.core.events import bind
from demos.core.files import file_url
from demos.core.i18n import preferred_language
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import Collection
from demos.embeddings.outputs import require_map
from demos.embeddings.session import MapSession
from demos.ui.scatter.figure import scatter_figure
from demos.ui.sprites import Sprite
from models.encoders import ENCODERS

if TYPE_CHECKING:
    import plotly.graph_objects as go

WEBGL_FROM = 3000  # points; fewer are drawn without, which works in every browser
STYLE = """
body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: #1f1d1b; background: #fff;
  display: flex; flex-direction: column; height: 100vh; }
header { padding: 14px 20px 0; } h1 { margin: 0; font-size: 20px; } p { margin: 2px 0 0; color: #6b6660; }
main { flex: 1; min-height: 0; position: relative; }
#card { position: absolute; z-index: 1; left: 20px; bottom: 20px; width: 132px; margin: 0; padding: 6px;
  border-radius: 8px; background: #fffd; box-shadow: 0 1px 6px #0004; pointer-events: none; font-size: 13px;
  overflow-wrap: anywhere; }
#card span { display: block; aspect-ratio: 1; border-radius: 5px; }
"""
# Runs after Plotly has drawn, which fills in {plot_id}.
SCRIPT = """
const plot = document.getElementById("{plot_id}"), card = document.getElementById("card");
const sprite = SPRITE;
plot.on("plotly_hover", ({ points: [point] }) => {
  const sheet = Math.floor(point.customdata / sprite.capacity), place = point.customdata % sprite.capacity;
  const column = place % sprite.columns, row = Math.floor(place / sprite.columns), rows = sprite.rows[sheet];
  const image = card.firstElementChild.style;
  image.backgroundImage = `url("${sprite.sheets[sheet]}")`;
  image.backgroundSize = `${100 * sprite.columns}% ${100 * rows}%`;
  const share = (place, all) => `${(100 * place) / Math.max(1, all - 1)}%`;
  image.backgroundPosition = `${share(column, sprite.columns)} ${share(row, rows)}`;
  card.lastElementChild.textContent = point.text;
  card.dataset.id = point.customdata;
  card.hidden = false;
});
"""
# Saves the file as soon as its link arrives.
SAVE = """watch("value", () => requestAnimationFrame(() => element.querySelector("a")?.click()));"""


def map_page(figure: go.Figure, sprite: Sprite, title: str, facts: str, language: str) -> str:
    """Return a page with a figure that needs no network; title and facts are plain text."""
    kind = {".jpg": "jpeg", ".webp": "webp"}[sprite.suffix]
    sheets = [f"data:image/{kind};base64,{base64.b64encode(sheet).decode()}" for sheet in sprite.sheets]
    shown = {
        "sheets": sheets, "columns": sprite.columns, "capacity": sprite.capacity,
        "rows": [sprite.rows(number) for number in range(len(sheets))],
    }  # fmt: skip
    figure.update_layout(
        margin={"l": 10, "r": 10, "t": 34, "b": 10}, plot_bgcolor="#fff", legend={"itemsizing": "constant"}
    )
    plot = figure.to_html(
        full_html=False, include_plotlyjs=True, div_id="map", default_height="100%",
        config={"displaylogo": False, "scrollZoom": True, "responsive": True},
        post_script=SCRIPT.replace("SPRITE", json.dumps(shown)),
    )  # fmt: skip
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><header><h1>{html.escape(title)}</h1><p>{html.escape(facts)}</p></header>"
        f'<main><figure id="card" hidden><span></span><figcaption></figcaption></figure>{plot}</main></body></html>\n'
    )


def on_take_home(builder: MapBuilder, session: MapSession | None, request: gr.Request) -> str:
    """Write the map of the page as one file; return a link to it that tells its size."""
    session, ctx = require_map(builder, session, request), builder.ctx
    collection, shown = builder.collection(session), session.shown_map
    titles = _titles(ctx, collection, session, request)
    webgl = len(collection) >= WEBGL_FROM
    figure = scatter_figure(shown.coordinates, collection.labels, collection.names, titles, webgl)
    language = preferred_language(request.headers.get("accept-language") if request else None)
    title = ctx.localize(request, "embeddings.home_page", count=len(collection))
    page = map_page(figure, collection.sprite, title, _facts(ctx, session, request), language).encode()
    link = file_url(ctx.save_bytes(page, ".html"))
    text = ctx.localize_html("embeddings.home_saved", megabytes=len(page) / 1e6)
    return f'<a href="{link}" download>{text}</a>'


def _titles(
    ctx: Context, collection: Collection, session: MapSession, request: gr.Request | None
) -> dict[str | None, str]:
    """Return how the legend names labels: those of the built-in set in the visitor's language."""
    titles: dict[str | None, str] = {}
    for label in filter(None, set(collection.labels)):
        titles[label] = label.replace("_", " ")
        if session.uploaded is None:
            with suppress(KeyError):  # a label that the visitor gave
                titles[label] = ctx.localize(request, f"embeddings.kind.{label}")
    return titles


def _facts(ctx: Context, session: MapSession, request: gr.Request | None) -> str:
    """Return with which encoder and settings the map was made, and how far it can be trusted."""
    settings = session.shown
    encoder = settings.encoder
    if encoder in ENCODERS:
        encoder = ctx.localize(request, f"embeddings.encoder_{encoder}")
    method = ctx.localize(request, f"embeddings.method_{settings.method}")
    if settings.method == "umap":
        method += f" (n_neighbors {settings.n_neighbors}, min_dist {settings.min_dist:g}, seed {settings.seed})"
    trust = session.shown_map.scores.trustworthiness
    return ctx.localize(request, "embeddings.home_facts", encoder=encoder, method=method, trust=trust)


def add_take_home(builder: MapBuilder, session: gr.State) -> None:
    """Place the button, and the line in which the link appears."""
    button = gr.Button(builder.ctx.t("embeddings.home"), size="sm", elem_id="embeddings-home", elem_classes="quiet")
    saved = gr.HTML("", elem_id="embeddings-home-saved", elem_classes="facts", js_on_load=SAVE)
    button.click(
        bind(on_take_home, builder), session, saved, trigger_mode="once", api_visibility="private", concurrency_limit=2
    )
