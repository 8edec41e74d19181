"""Components of the map tab: uploads, settings of the map, and tools for the images of a lasso."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component

from demos.core.context import Context
from demos.embeddings import view
from demos.embeddings.collection import MAX_NEIGHBOURS, MAX_SEED, MIN_NEIGHBOURS, Settings
from demos.embeddings.session import NAME
from demos.ui import widgets
from demos.ui.latest_event import reporter
from models.analysis.neighbours import METRICS
from models.analysis.projection import METHODS


class Lasso(NamedTuple):
    """The tools for the images of a lasso; `train` sends `train_zip`, a zip of them, to the trainer."""

    panel: gr.HTML
    tools: gr.Row
    label: gr.Textbox
    assign: gr.Button
    table: gr.DownloadButton
    images: gr.DownloadButton
    train_zip: gr.File
    train: gr.Button


def image_set(ctx: Context) -> gr.File:
    """Place the input for a set of images."""
    return _upload(ctx, "upload", file_count="multiple", file_types=["image", ".zip"])


def query_image(ctx: Context) -> gr.File:
    """Place the input for one more image."""
    return _upload(ctx, "guest", file_types=["image"])


def _upload(ctx: Context, name: str, **kwargs: Any) -> gr.File:
    widgets.html_line(ctx.localize_html(f"embeddings.{name}_hint"), "upload-hint")
    label, elem_id = ctx.t(f"embeddings.{name}"), f"embeddings-{name}"
    return gr.File(label=label, show_label=False, height=64, elem_id=elem_id, **kwargs)


def tiles(group: str, elem_id: str, style: str = "", head: str = "") -> gr.HTML:
    """Place an empty panel for thumbnails that reports a click on one as ``pick`` of a group (see `on_report`)."""
    script = reporter(group) + view.NEIGHBOURS_SCRIPT
    return widgets.panel(None, elem_id, view.NEIGHBOURS_STYLE + style, js_on_load=script, head=head)


def quiet_button(ctx: Context, name: str, elem_id: str) -> gr.Button:
    """Place a small button with the text of a key of the tab."""
    return gr.Button(ctx.t(f"embeddings.{name}"), size="sm", elem_id=f"embeddings-{elem_id}", elem_classes="quiet")


def settings(ctx: Context, usual: Settings) -> tuple[dict[str, Component], gr.DownloadButton]:
    """Place the settings of the layout, returned in the order of the fields of `Settings`, and the table's download."""
    with gr.Row(elem_classes="toolbar"):
        methods: dict[str, str] = {name: f"embeddings.method_{name}" for name in METHODS}
        method = widgets.pills(ctx, "embeddings.method", methods, usual.method, "embeddings-method")
        metrics: dict[str, str] = {name: f"embeddings.metric_{name}" for name in METRICS}
        metric = widgets.pills(ctx, "embeddings.metric", metrics, usual.metric, "embeddings-metric")
    widgets.html_line(ctx.localize_html("embeddings.method_info"))

    def texts(name: str) -> dict[str, Any]:
        elem_id = f"embeddings-{name.replace('_', '-')}"
        return {"label": ctx.t(f"embeddings.{name}"), "info": ctx.t(f"embeddings.{name}_info"), "elem_id": elem_id}

    with gr.Row(elem_id="embeddings-settings"):
        n_neighbors = gr.Slider(MIN_NEIGHBOURS, MAX_NEIGHBOURS, usual.n_neighbors, step=1, **texts("n_neighbors"))
        min_dist = gr.Slider(0, 1, usual.min_dist, step=0.05, **texts("min_dist"))
        seed = gr.Number(usual.seed, precision=0, minimum=0, maximum=MAX_SEED, **texts("seed"))
    table = widgets.download(ctx, "embeddings.table", "embeddings-table")
    layout = {"n_neighbors": n_neighbors, "min_dist": min_dist, "seed": seed, "metric": metric, "method": method}
    return dict(layout), table


def lasso(ctx: Context) -> Lasso:
    """Place the tools for the images inside a lasso, hidden until there are some."""
    panel = tiles(NAME, "embeddings-chosen")
    with gr.Row(visible=False, elem_id="embeddings-chosen-tools") as tools:
        hint = ctx.t("embeddings.label")
        label = gr.Textbox(show_label=False, container=False, placeholder=hint, max_lines=1, elem_id="embeddings-label")
        assign = gr.Button(ctx.t("embeddings.give_label"), size="sm", elem_id="embeddings-give")
        table, images = (
            widgets.download(ctx, f"embeddings.chosen_{name}", f"embeddings-chosen-{name}", size="sm")
            for name in ("table", "pictures")
        )
        train = gr.Button(ctx.t("embeddings.train"), size="sm", elem_id="map-to-train", interactive=False)
        train_zip = gr.File(visible=False, elem_id="map-to-train-zip")
    return Lasso(panel, tools, label, assign, table, images, train_zip, train)
