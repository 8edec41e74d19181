"""The map tab: how an encoder arranges images, who their true neighbours are, how far to trust the map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from torch import nn

from demos.core.context import Context, Demo
from demos.core.events import PRIVATE_MODEL_EVENT, PROMPT_EVENT
from demos.core.paths import EXAMPLES
from demos.core.tab_interface import Photo, TabInterface
from demos.embeddings import components, view
from demos.embeddings.api import offer
from demos.embeddings.augmented_views import views_section
from demos.embeddings.collection import GRID_DISTANCES, GRID_NEIGHBOURS, Settings
from demos.embeddings.components import Controls, Lasso
from demos.embeddings.encoder_comparison import Twin, atlas_row, compare_section, save_rows
from demos.embeddings.handlers import Handlers, Shown
from demos.embeddings.precomputed import Prepared, save_set
from demos.embeddings.session import NAME, Atlas, MapSession
from demos.embeddings.similarity_explanation import WhyNear
from demos.embeddings.training_timeline import learning_section, precompute_learning
from demos.ui import widgets
from demos.ui.latest_event import on_latest, on_report
from demos.ui.model_menu.menu import Menu, model_menu
from demos.ui.progress import run_to_completion
from demos.ui.scatter.scatter import scatter
from models.analysis.embedding import Floats
from models.analysis.projection import align
from models.encoders import ENCODERS
from models.networks.feature_extractors import as_encoder

KINDS = EXAMPLES / "kinds.zip"


def gives_features(model: nn.Module) -> str:
    """Return the key of the sentence that refuses a network which is no encoder."""
    try:
        as_encoder(model)
    except ValueError:
        return "menu.wrong_kind"
    return ""


def encoder_of(weights: str) -> str:
    """Return the name in `ENCODERS` of some weights of ours, or the name of the weights itself."""
    return next((name for name, spec in ENCODERS.items() if spec.checkpoint == weights), weights)


def build(ctx: Context, kinds: Path = KINDS) -> TabInterface:
    """Create the components of the tab and connects them.

    Args:
        ctx: The context of the tab.
        kinds: A zip whose folders are the labels of the built-in set.
    """
    usual = Settings()
    widgets.lead(ctx, "embeddings.lead")
    with gr.Row(elem_id="embeddings-bar"):
        eyes = {name: f"embeddings.encoder_{name}" for name in ENCODERS}
        pills = widgets.pills(ctx, "embeddings.encoder", eyes, usual.encoder, "embeddings-encoder")
        flatness = {"2": "embeddings.dims_2", "3": "embeddings.dims_3"}
        dims = widgets.pills(ctx, "embeddings.dims", flatness, str(usual.dims), "embeddings-dims")
        stop = gr.Button(ctx.t("embeddings.stop"), elem_id="embeddings-stop", elem_classes="quiet", visible=False)
    about = widgets.html_line("", "facts", "embeddings-about")
    handlers, visit = Handlers(ctx, kinds), gr.State(None)
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=3):
            plot = scatter(ctx, "embeddings-plot", link=NAME)
            lasso = components.lasso(ctx)
        with gr.Column(scale=2, min_width=300):
            upload, guest = components.uploads(ctx)
            near = components.neighbours(ctx)
            WhyNear(ctx, handlers, visit, near)
    scores = gr.HTML(
        css_template=view.SCORES_STYLE, apply_default_css=False, elem_id="embeddings-scores", elem_classes="score"
    )
    told = widgets.html_line("", "facts", "embeddings-told")
    facts = widgets.html_line("", "facts", "embeddings-facts")
    widgets.note(ctx, "embeddings.note")
    with widgets.options(ctx, "embeddings.options"):
        how, table = components.settings(ctx, usual)
    ours = [encoder.checkpoint or "" for encoder in ENCODERS.values()]
    menu = model_menu(ctx, NAME, ENCODERS[usual.encoder].checkpoint or "", gives_features, ours)
    shown = Shown(visit, plot, near, scores, facts, told, about, table)
    encoder = gr.State(usual.encoder)
    choose = _connect_encoder(encoder, pills, menu)
    twin = compare_section(ctx, handlers, visit)
    learning_section(ctx, handlers, visit)
    views_section(ctx, handlers, visit)
    widgets.aside(ctx, "embeddings.how_title", "embeddings.how")
    controls = Controls(encoder, dims, *how)
    redraw = _connect_map(handlers, controls, upload, shown, stop, lasso, twin)
    _connect_images(handlers, shown, lasso, guest, twin)
    offer(ctx, handlers)
    named = {"encoder": pills, **{name: part for name, part in controls._asdict().items() if part is not encoder}}
    named["weights"] = menu.linked
    photos = {"guest": Photo(guest, shows_itself=True)}
    return TabInterface(photos, named, (choose, menu.open_linked, redraw), gives=(lasso.train, lasso.train_zip))


def _connect_encoder(encoder: gr.State, pills: gr.Radio, menu: Menu) -> dict[str, Any]:
    """Let the switch and the menu choose the same thing, each showing what the other chose; returns the former's."""

    def on_menu(weights: str) -> tuple[str, Any]:
        name = encoder_of(weights)
        return name, gr.update(value=name if name in ENCODERS else None)

    def on_pills(name: str | None) -> tuple[Any, Any]:
        if name is None:  # the menu has chosen what no switch is for
            return gr.skip(), gr.skip()
        return name, ENCODERS[name].checkpoint or ""

    choose: dict[str, Any] = {"fn": on_pills, "inputs": pills, "outputs": [encoder, menu.used], **PROMPT_EVENT}
    pills.input(**choose, trigger_mode="always_last")
    menu.switched.change(on_menu, menu.used, [encoder, pills], trigger_mode="always_last", **PROMPT_EVENT)
    return choose


def _connect_map(
    handlers: Handlers,
    controls: Controls,
    upload: gr.File,
    shown: Shown,
    stop: gr.Button,
    lasso: Lasso,
    twin: Twin,
) -> dict[str, Any]:
    """Draw the first map when the plot appears and a new one after every change; returns what draws it."""
    # Ready-made maps are shown at once; what needs an encoder or UMAP becomes a job that waits for the model's slot.
    # Events with queue=False would be quicker still, but Gradio does not report changes of a State from those.
    job, made = gr.State(None), gr.State(None)
    asked: list[Component] = [*shown, job]
    settings = [shown.visit, *controls]
    show_stop = job.change(lambda: gr.Button(visible=True), None, stop, **PROMPT_EVENT)
    work = job.change(handlers.on_job, [shown.visit, job], made, show_progress_on=shown.plot, **PRIVATE_MODEL_EVENT)
    # A job knows the visit as it began; only what is answered at once may write it, or it undoes what came meanwhile.
    merge = work.success(handlers.on_made, [shown.visit, made], list(shown), trigger_mode="always_last", **PROMPT_EVENT)
    # Gradio takes no step after an event that failed but those for failures.
    hide: dict[str, Any] = {"fn": lambda: gr.Button(visible=False), "outputs": stop, **PROMPT_EVENT}
    hide_stop = [work.then(**hide), work.failure(**hide)]
    stop.click(cancels=[work, show_stop, *hide_stop], **hide)
    ready = shown.plot.ready(handlers.on_ready, settings, asked, **PROMPT_EVENT)
    pending = [work, merge]
    redraw = {"fn": handlers.on_settings, "inputs": settings, "outputs": asked, "cancels": pending, **PROMPT_EVENT}
    changed = on_latest(
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
        **redraw,
    )
    gr.on(
        [controls.n_neighbors.input, controls.min_dist.input],
        handlers.on_slide,
        settings,
        list(shown),
        trigger_mode="always_last",
        **PROMPT_EVENT,
    )
    read = on_latest(
        [upload.change],
        handlers.on_files,
        [upload, *controls],
        asked,
        show_progress_on=shown.plot,
        cancels=[*pending, twin.measuring],
        concurrency_limit=2,
        api_visibility="private",
    )
    # The gallery shows images by their places in the old set.
    read.success(lambda: ("", gr.Row(visible=False)), None, [lasso.panel, lasso.tools], **PROMPT_EVENT)
    for event in (ready, changed, read, merge):
        twin.follow(event)
    return redraw


def _connect_images(handlers: Handlers, shown: Shown, lasso: Lasso, guest: gr.File, twin: Twin) -> None:
    """Answer clicks on images, lassos, labels, and a new image."""
    state = shown.visit
    plots = [shown.plot, twin.mirror, twin.plot]
    files = [lasso.table, lasso.images, lasso.train_zip, lasso.train]
    export: dict[str, Any] = {
        "fn": handlers.on_export,
        "inputs": state,
        "outputs": files,
        "trigger_mode": "always_last",
        **PROMPT_EVENT,
    }
    for source in (*plots, shown.near, lasso.panel):
        on_report(source, NAME, "pick", handlers.on_pick, [state], [state, shown.near, *plots], **PROMPT_EVENT)
    chosen = [state, lasso.panel, lasso.tools, *files]
    for plot in plots:
        for caught in on_report(plot, NAME, "lasso", handlers.on_lasso, [state], chosen, **PROMPT_EVENT):
            caught.then(**export)
    labelled = on_latest(
        [lasso.give.click, lasso.label.submit],
        handlers.on_label,
        [state, lasso.label],
        [*shown, lasso.panel],
        cancels=twin.measuring,
        **PROMPT_EVENT,
    )
    labelled.then(**export)
    twin.follow(labelled)
    on_latest([guest.change], handlers.on_guest, [state, guest], [state], **PROMPT_EVENT).success(
        handlers.on_placed, state, [shown.near, shown.plot], trigger_mode="always_last", **PRIVATE_MODEL_EVENT
    )


def precompute(ctx: Context, folder: Path, kinds: Path = KINDS) -> None:
    """Write the thumbnails of the built-in set, and its features and maps for every encoder."""
    atlas = Atlas(ctx, kinds, use_prepared=False)
    usual = run_to_completion(atlas.draw(MapSession(), Settings(), None)).maps[Settings()].coordinates
    rows = {}
    for encoder in ENCODERS:
        prepared = _prepare(atlas, encoder, usual)
        prepared.save(folder / f"{encoder}.npz")
        rows[encoder] = atlas_row(prepared, atlas.collection(MapSession()).labels, encoder)
    save_rows(rows, folder)
    save_set(atlas.collection(MapSession()), folder)
    precompute_learning(atlas, folder, usual)


def _prepare(atlas: Atlas, encoder: str, fixed: Floats) -> Prepared:
    """Make the usual maps in 2-D and 3-D and the grid of an encoder, all flat ones aligned to `fixed`."""
    visit = MapSession()
    grid = [Settings(encoder, n_neighbors=k, min_dist=d) for k in GRID_NEIGHBOURS for d in GRID_DISTANCES]
    for settings in (Settings(encoder), Settings(encoder, dims=3), *grid):
        if settings not in visit.maps:
            visit = run_to_completion(atlas.draw(visit, settings, None))
    maps = {
        settings: replace(drawn, coordinates=align(drawn.coordinates, fixed)) if settings.dims == 2 else drawn
        for settings, drawn in visit.maps.items()
    }
    return Prepared(*visit.features[encoder], maps)


DEMO = Demo(NAME, build, precompute)
