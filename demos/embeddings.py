"""The map tab: how an encoder arranges pictures, who their true neighbours are, how far to trust the map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component
from torch import nn

from demos import _atlas_view as view
from demos import _look as look
from demos._api import endpoint, photo_parameter
from demos._atlas import GRID_DISTANCES, GRID_NEIGHBOURS, Prepared, Settings, save_set
from demos._atlas_compare import Twin, atlas_row, compare_section, save_rows
from demos._atlas_handlers import Handlers, Shown
from demos._atlas_learning import learning_section, precompute_learning
from demos._atlas_views import views_section
from demos._atlas_visit import NAME, Atlas, Visit
from demos._atlas_work import finished
from demos._base import EXAMPLES, PRIVATE_MODEL_EVENT, Context, Demo
from demos._menu import Menu, model_menu
from demos._scatter import scatter
from models.embedding import Floats
from models.encoders import ENCODERS, as_encoder
from models.neighbours import METRICS
from models.projection import METHODS, align

KINDS = EXAMPLES / "kinds.zip"
MAX_SEED = 2**31 - 1
MIN_NEIGHBOURS, MAX_NEIGHBOURS = 2, 100
QUICK_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": 8}


class Controls(NamedTuple):
    """What decides which map is drawn, in the order of the handlers' parameters."""

    encoder: gr.State
    dims: gr.Radio
    n_neighbors: gr.Slider
    min_dist: gr.Slider
    seed: gr.Number
    metric: gr.Radio
    method: gr.Radio


class Lasso(NamedTuple):
    """What appears when pictures are lassoed."""

    panel: gr.HTML
    tools: gr.Row
    label: gr.Textbox
    give: gr.Button
    table: gr.DownloadButton
    pictures: gr.DownloadButton


def gives_features(model: nn.Module) -> str:
    """Returns the key of the sentence that refuses a network which is no encoder."""
    try:
        as_encoder(model)
    except ValueError:
        return "menu.wrong_kind"
    return ""


def encoder_of(weights: str) -> str:
    """Returns the name in `ENCODERS` of some weights of ours, or the name of the weights itself."""
    return next((name for name, spec in ENCODERS.items() if spec.checkpoint == weights), weights)


def build(ctx: Context, kinds: Path = KINDS) -> None:
    """Creates the components of the tab and connects them.

    Args:
        ctx: The context of the tab.
        kinds: A zip whose folders are the labels of the built-in set.
    """
    usual = Settings()
    look.lead(ctx, "embeddings.lead")
    with gr.Row(elem_id="embeddings-bar"):
        eyes = {name: f"embeddings.encoder_{name}" for name in ENCODERS}
        pills = look.pills(ctx, "embeddings.encoder", eyes, usual.encoder, "embeddings-encoder")
        flatness = {"2": "embeddings.dims_2", "3": "embeddings.dims_3"}
        dims = look.pills(ctx, "embeddings.dims", flatness, str(usual.dims), "embeddings-dims")
    about = look.html_line("", "facts", "embeddings-about")
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=3):
            plot = scatter(ctx, "embeddings-plot", link=NAME)
            stop = gr.Button(
                ctx.t("embeddings.stop"),
                elem_id="embeddings-stop",
                elem_classes="quiet",
                visible=False,
            )
            lasso = _lasso(ctx)
        with gr.Column(scale=2, min_width=300):
            look.html_line(ctx.both("embeddings.upload_hint"))
            upload = gr.File(
                label=ctx.t("embeddings.upload"),
                show_label=False,
                file_count="multiple",
                file_types=["image", ".zip"],
                height=64,
                elem_id="embeddings-upload",
            )
            look.html_line(ctx.both("embeddings.guest_hint"))
            guest = gr.File(
                label=ctx.t("embeddings.guest"),
                show_label=False,
                file_types=["image"],
                height=64,
                elem_id="embeddings-guest",
            )
            near = gr.HTML(
                js_on_load=view.NEIGHBOURS_SCRIPT,
                css_template=view.NEIGHBOURS_STYLE,
                head=f"<style>{view.BAR_STYLE}</style>",
                apply_default_css=False,
                elem_id="embeddings-neighbours",
            )
    scores = gr.HTML(
        css_template=view.SCORES_STYLE,
        apply_default_css=False,
        elem_id="embeddings-scores",
        elem_classes="score",
    )
    told = look.html_line("", "facts", "embeddings-told")
    facts = look.html_line("", "facts", "embeddings-facts")
    look.note(ctx, "embeddings.note")
    with look.options(ctx, "embeddings.options"):
        with gr.Row(elem_classes="toolbar"):
            methods: dict[str, str] = {name: f"embeddings.method_{name}" for name in METHODS}
            method = look.pills(ctx, "embeddings.method", methods, usual.method, "embeddings-method")
            metrics: dict[str, str] = {name: f"embeddings.metric_{name}" for name in METRICS}
            metric = look.pills(ctx, "embeddings.metric", metrics, usual.metric, "embeddings-metric")
        look.html_line(ctx.both("embeddings.method_info"))
        with gr.Row(elem_id="embeddings-settings"):
            n_neighbors = gr.Slider(
                MIN_NEIGHBOURS,
                MAX_NEIGHBOURS,
                usual.n_neighbors,
                step=1,
                label=ctx.t("embeddings.n_neighbors"),
                info=ctx.t("embeddings.n_neighbors_info"),
                elem_id="embeddings-n-neighbors",
            )
            min_dist = gr.Slider(
                0,
                1,
                usual.min_dist,
                step=0.05,
                label=ctx.t("embeddings.min_dist"),
                info=ctx.t("embeddings.min_dist_info"),
                elem_id="embeddings-min-dist",
            )
            seed = gr.Number(
                usual.seed,
                precision=0,
                minimum=0,
                maximum=MAX_SEED,
                label=ctx.t("embeddings.seed"),
                info=ctx.t("embeddings.seed_info"),
                elem_id="embeddings-seed",
            )
        table = gr.DownloadButton(
            ctx.t("embeddings.table"),  # type: ignore[arg-type]
            elem_id="embeddings-table",
            elem_classes="quiet",
        )
    opening = ENCODERS[usual.encoder].checkpoint or ""
    menu = model_menu(ctx, NAME, opening, gives_features)
    shown = Shown(gr.State(None), plot, near, scores, facts, told, about, table)
    encoder = gr.State(usual.encoder)
    _connect_encoder(encoder, pills, menu)
    controls = Controls(encoder, dims, n_neighbors, min_dist, seed, metric, method)
    handlers = Handlers(ctx, kinds)
    twin = compare_section(ctx, handlers, shown.visit)
    learning_section(ctx, handlers, shown.visit)
    views_section(ctx, handlers, shown.visit)
    look.aside(ctx, "embeddings.how_title", "embeddings.how")
    _connect_map(handlers, controls, upload, shown, stop, twin)
    _connect_pictures(handlers, shown, lasso, guest, twin)
    _offer(handlers)


def _connect_encoder(encoder: gr.State, pills: gr.Radio, menu: Menu) -> None:
    """Lets the switch and the menu choose the same thing, each showing what the other chose."""

    def on_menu(weights: str) -> tuple[str, Any]:
        name = encoder_of(weights)
        return name, gr.update(value=name if name in ENCODERS else None)

    pills.input(lambda name: (name, ENCODERS[name].checkpoint or ""), pills, [encoder, menu.used], **QUICK_EVENT)
    menu.switched.change(on_menu, menu.used, [encoder, pills], **QUICK_EVENT)


def _lasso(ctx: Context) -> Lasso:
    """Places what can be done with the pictures inside a lasso, hidden until there are some."""
    panel = gr.HTML(
        js_on_load=view.NEIGHBOURS_SCRIPT,
        css_template=view.NEIGHBOURS_STYLE,
        apply_default_css=False,
        elem_id="embeddings-chosen",
    )
    with gr.Row(visible=False, elem_id="embeddings-chosen-tools") as tools:
        label = gr.Textbox(
            show_label=False,
            container=False,
            placeholder=ctx.t("embeddings.label"),
            max_lines=1,
            elem_id="embeddings-label",
        )
        give = gr.Button(ctx.t("embeddings.give_label"), size="sm", elem_id="embeddings-give")
        table, pictures = (
            gr.DownloadButton(
                ctx.t(f"embeddings.chosen_{name}"),  # type: ignore[arg-type]
                size="sm",
                elem_id=f"embeddings-chosen-{name}",
                elem_classes="quiet",
            )
            for name in ("table", "pictures")
        )
    return Lasso(panel, tools, label, give, table, pictures)


def _connect_map(
    handlers: Handlers, controls: Controls, upload: gr.File, shown: Shown, stop: gr.Button, twin: Twin
) -> None:
    """Draws the first map when the plot appears and a new one after every change."""
    # Ready-made maps are shown at once; what needs an encoder or UMAP becomes a job that waits for the model's slot.
    # Events with queue=False would be quicker still, but Gradio does not report changes of a State from those.
    job = gr.State(None)
    asked: list[Component] = [*shown, job]
    settings = [shown.visit, *controls]
    show_stop = job.change(lambda: gr.Button(visible=True), None, stop, **QUICK_EVENT)
    work = job.change(
        handlers.on_job, [shown.visit, job], list(shown), show_progress_on=shown.plot, **PRIVATE_MODEL_EVENT
    )
    hide_stop = work.then(lambda: gr.Button(visible=False), None, stop, **QUICK_EVENT)
    stop.click(lambda: gr.Button(visible=False), None, stop, cancels=[work, show_stop, hide_stop], **QUICK_EVENT)
    ready = shown.plot.ready(handlers.on_ready, settings, asked, **QUICK_EVENT)
    changed = gr.on(
        [
            controls.encoder.change,
            controls.dims.input,
            controls.n_neighbors.release,
            controls.min_dist.release,
            controls.seed.submit,
            controls.seed.blur,
            controls.metric.input,
            controls.method.input,
        ],
        handlers.on_settings,
        settings,
        asked,
        cancels=work,
        trigger_mode="always_last",
        **QUICK_EVENT,
    )
    gr.on(
        [controls.n_neighbors.input, controls.min_dist.input],
        handlers.on_slide,
        settings,
        list(shown),
        trigger_mode="always_last",
        **QUICK_EVENT,
    )
    read = upload.change(
        handlers.on_files,
        [upload, *controls],
        asked,
        show_progress_on=shown.plot,
        cancels=work,
        concurrency_limit=2,
        api_visibility="private",
    )
    for event in (ready, changed, read, work):
        twin.follow(event)


def _connect_pictures(handlers: Handlers, shown: Shown, lasso: Lasso, guest: gr.File, twin: Twin) -> None:
    """Answers clicks on pictures, lassos, labels, and a new picture."""
    state = shown.visit
    plots, files = [shown.plot, twin.mirror, twin.plot], [lasso.table, lasso.pictures]
    for source in (*plots, shown.near, lasso.panel):
        source.pick(handlers.on_pick, state, [state, shown.near, *plots], **QUICK_EVENT)
    for plot in plots:
        caught = plot.lasso(handlers.on_lasso, state, [state, lasso.panel, lasso.tools, *files], **QUICK_EVENT)
        caught.then(handlers.on_export, state, files, **QUICK_EVENT)
    gr.on(
        [lasso.give.click, lasso.label.submit],
        handlers.on_label,
        [state, lasso.label],
        [*shown, lasso.panel],
        **QUICK_EVENT,
    ).then(handlers.on_export, state, files, **QUICK_EVENT)
    guest.change(handlers.on_guest, [state, guest], [state, shown.near, shown.plot], **PRIVATE_MODEL_EVENT)


def _offer(handlers: Handlers) -> None:
    """Offers ``/embed`` and ``/place`` to programs."""
    usual = Settings()
    endpoint(
        handlers.embed,
        [
            gr.File(label="files", file_count="multiple", file_types=["image", ".zip"], render=False),
            gr.Dropdown(list(ENCODERS), value=usual.encoder, label="encoder", render=False),
            gr.Slider(MIN_NEIGHBOURS, MAX_NEIGHBOURS, usual.n_neighbors, step=1, label="n_neighbors", render=False),
            gr.Slider(0, 1, usual.min_dist, label="min_dist", step=0.01, render=False),
            gr.Number(usual.seed, precision=0, minimum=0, maximum=MAX_SEED, label="seed", render=False),
        ],
        [
            gr.JSON(label="figure", render=False),
            gr.JSON(label="scores", render=False),
            gr.Dataframe(headers=["file", "label", "x", "y"], label="table", render=False),
        ],
        "embed",
    )
    endpoint(
        handlers.place,
        [photo_parameter("image"), gr.Dropdown(list(ENCODERS), value=usual.encoder, label="encoder", render=False)],
        [gr.JSON(label="place", render=False)],
        "place",
    )


def precompute(ctx: Context, folder: Path, kinds: Path = KINDS) -> None:
    """Writes the thumbnails of the built-in set, and its features and maps for every encoder."""
    atlas = Atlas(ctx, kinds, use_prepared=False)
    usual = finished(atlas.draw(Visit(), Settings(), None)).maps[Settings()].coordinates
    rows = {}
    for encoder in ENCODERS:
        prepared = _prepare(atlas, encoder, usual)
        prepared.save(folder / f"{encoder}.npz")
        rows[encoder] = atlas_row(prepared, atlas.collection(Visit()).labels, encoder)
    save_rows(rows, folder)
    save_set(atlas.collection(Visit()), folder)
    precompute_learning(atlas, folder, usual)


def _prepare(atlas: Atlas, encoder: str, fixed: Floats) -> Prepared:
    """Makes the usual maps in 2-D and 3-D and the grid of an encoder, all flat ones aligned to `fixed`."""
    visit = Visit()
    grid = [Settings(encoder, n_neighbors=k, min_dist=d) for k in GRID_NEIGHBOURS for d in GRID_DISTANCES]
    for settings in (Settings(encoder), Settings(encoder, dims=3), *grid):
        if settings not in visit.maps:
            visit = finished(atlas.draw(visit, settings, None))
    maps = {
        settings: replace(drawn, coordinates=align(drawn.coordinates, fixed)) if settings.dims == 2 else drawn
        for settings, drawn in visit.maps.items()
    }
    return Prepared(*visit.features[encoder], maps)


DEMO = Demo(NAME, 40, build, precompute)
