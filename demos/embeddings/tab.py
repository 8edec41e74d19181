"""The map tab: how an encoder arranges images, their neighbours in feature space, and the quality of the map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from PIL import Image
from torch import nn

from demos.core.context import Context, Demo
from demos.core.events import LATEST_MODEL_EVENT, LATEST_PROMPT_EVENT, PRIVATE_MODEL_EVENT, PROMPT_EVENT, bind
from demos.core.paths import EXAMPLES
from demos.core.tab_interface import Photo, TabInterface
from demos.embeddings import components, handlers, view
from demos.embeddings.api import add_endpoints
from demos.embeddings.augmented_views import add_views
from demos.embeddings.builder import MapBuilder
from demos.embeddings.cards import TITLES, precompute_thumbnails
from demos.embeddings.collection import GRID_DISTANCES, GRID_NEIGHBOURS, Settings
from demos.embeddings.components import Lasso
from demos.embeddings.encoder_comparison import Comparison, add_comparison, measure
from demos.embeddings.map_image import opening_map_image
from demos.embeddings.outputs import MapOutputs, summary
from demos.embeddings.precomputed import Precomputed, load_rows, save_rows, save_set
from demos.embeddings.session import NAME, MapSession
from demos.embeddings.similarity_explanation import add_explanation
from demos.embeddings.take_home import add_take_home
from demos.embeddings.training_timeline import add_timeline, precompute_timeline
from demos.ui import layout, widgets
from demos.ui.latest_event import on_report
from demos.ui.model_menu.menu import Menu, model_menu
from demos.ui.progress import run_to_completion
from demos.ui.scatter.scatter import scatter
from demos.ui.share_picture import share_button
from demos.ui.shelf.shelf import Shelf, cards
from demos.ui.shelf.shelf import shelf as place_shelf
from models.analysis.embedding import Floats
from models.analysis.projection import align
from models.encoders import ENCODERS
from models.networks.feature_extractors import as_encoder

BUILT_IN_SET = EXAMPLES / "kinds.zip"
PREVIEW_SIZE = (1152, 510)
SHARED = [[f"#embeddings-plot .scatter-{layer}" for layer in ("plot", "pictures")]]


def refuse_other_networks(model: nn.Module) -> str:
    """Return the key of the sentence that refuses a network which is no encoder; empty for an encoder."""
    try:
        as_encoder(model)
    except ValueError:
        return "menu.wrong_kind"
    return ""


def build(ctx: Context, archive: Path = BUILT_IN_SET) -> TabInterface:
    """Create the components of the tab and connect them."""
    usual, builder, session = Settings(), MapBuilder(ctx, archive), gr.State(None)
    with layout.hero(ctx, NAME):
        pills, dims, stop = _bar(ctx, usual)
        with layout.stage():
            verdict = _verdict(ctx, usual.encoder)
            with gr.Row(elem_classes="columns"):
                with gr.Column(scale=3):
                    plot = scatter(ctx, "embeddings-plot", link=NAME)
                with gr.Column(scale=1, min_width=290, elem_classes="off-stage"):
                    query = components.query_image(ctx)
                    neighbours = components.tiles(
                        NAME, "embeddings-neighbours", head=f"<style>{view.BAR_STYLE}</style>"
                    )
                    add_explanation(builder, session, neighbours)
        lasso = components.lasso(ctx)
    shelf = place_shelf(ctx, NAME, cards(ctx, NAME, TITLES))
    with gr.Row(elem_classes=["toolbar", "to-start"]):
        share_button(ctx, "embeddings.share", SHARED, "#embeddings-verdict p")
        add_take_home(builder, session)
        facts = widgets.html_line("", "facts", "embeddings-facts")
    about = widgets.html_line("", "facts", "embeddings-about")
    with shelf.drawer("details", "common.details"):
        scores = widgets.panel(None, "embeddings-scores", view.SCORES_STYLE, elem_classes="score")
        widgets.note(ctx, "embeddings.note")
    with shelf.drawer("settings", "embeddings.options"):
        settings, table = components.settings(ctx, usual)
    ours = [encoder.checkpoint or "" for encoder in ENCODERS.values()]
    menu = model_menu(ctx, NAME, ENCODERS[usual.encoder].checkpoint or "", refuse_other_networks, ours, shelf)
    encoder = gr.State(usual.encoder)
    choose = _connect_encoder(encoder, pills, menu)
    upload, description, comparison = _fill_shelf(shelf, builder, session)
    outputs = MapOutputs(session, plot, neighbours, scores, facts, description, about, table, verdict)
    layout.how_it_works(ctx, NAME)
    widgets.aside(ctx, "embeddings.how_title", "embeddings.how")
    controls = {"encoder": encoder, "dims": dims, **settings}
    redraw = _connect_map(builder, controls, upload, outputs, stop, lasso, comparison)
    _connect_images(builder, outputs, lasso, query, comparison)
    add_endpoints(builder)
    linked = {**controls, "encoder": pills, "weights": menu.linked}
    photos = {"guest": Photo(query, shows_itself=True)}
    show, gives = (choose, menu.open_linked, redraw), (lasso.train, lasso.train_zip)
    return TabInterface(photos, linked, show, gives=gives, summary=partial(summary, builder))


def _bar(ctx: Context, usual: Settings) -> tuple[gr.Radio, gr.Radio, gr.Button]:
    """Place the switches of the encoder and of the dimensions, and the button that stops a map in the making."""
    with gr.Row(elem_id="embeddings-bar"):
        encoders = {name: f"embeddings.encoder_{name}" for name in ENCODERS}
        pills = widgets.pills(ctx, "embeddings.encoder", encoders, usual.encoder, "embeddings-encoder")
        choices = {"2": "embeddings.dims_2", "3": "embeddings.dims_3"}
        dims = widgets.pills(ctx, "embeddings.dims", choices, str(usual.dims), "embeddings-dims")
        gear = ctx.localize_html("embeddings.options")
        widgets.html_line(f'<button type="button" data-open="settings">{gear}</button>', "opener")
        stop = gr.Button(ctx.t("embeddings.stop"), elem_id="embeddings-stop", elem_classes="quiet", visible=False)
    return pills, dims, stop


def _verdict(ctx: Context, encoder: str) -> gr.HTML:
    """Place the numbers of the map, at first those of the one that the tab opens on."""
    row = load_rows(ctx.first_paint / NAME).get(encoder)
    opening = view.verdict_html(ctx, encoder, row.scores.knn_accuracy if row else None, True)
    style, script = view.VERDICT_STYLE, view.VERDICT_SCRIPT
    return widgets.panel(opening, "embeddings-verdict", style, elem_classes="verdict", js_on_load=script)


def _fill_shelf(shelf: Shelf, builder: MapBuilder, session: gr.State) -> tuple[gr.File, gr.HTML, Comparison]:
    """Fill the cards; return the input for a set of images, the line that says what it held, and the comparison."""
    with shelf.card("own"):
        upload = components.image_set(shelf.ctx)
        description = widgets.html_line("", "facts", "embeddings-told")
    with shelf.card("twins"):
        comparison = add_comparison(builder, session)
    with shelf.card("learning", deferred=True):
        add_timeline(builder, session)
    with shelf.card("pairs", deferred=True):
        add_views(builder, session)
    return upload, description, comparison


def _connect_encoder(encoder: gr.State, pills: gr.Radio, menu: Menu) -> dict[str, Any]:
    """Keep the pills and the menu in step, each showing what the other chose; return the event of the pills."""

    def on_menu(weights: str) -> tuple[str, Any]:
        name = next((name for name, spec in ENCODERS.items() if spec.checkpoint == weights), weights)
        return name, gr.update(value=name if name in ENCODERS else None)

    def on_pills(name: str | None) -> tuple[Any, Any]:
        if name is None:  # the menu has chosen weights that have no pill
            return gr.skip(), gr.skip()
        return name, ENCODERS[name].checkpoint or ""

    choose: dict[str, Any] = {"fn": on_pills, "inputs": pills, "outputs": [encoder, menu.used], **PROMPT_EVENT}
    pills.input(**choose, trigger_mode="always_last")
    menu.switched.change(on_menu, menu.used, [encoder, pills], **LATEST_PROMPT_EVENT)
    return choose


def _connect_map(
    builder: MapBuilder,
    controls: Mapping[str, Any],
    upload: gr.File,
    shown: MapOutputs,
    stop: gr.Button,
    lasso: Lasso,
    comparison: Comparison,
) -> dict[str, Any]:
    """Draw the first map when the plot appears and a new one after every change; return the event that draws it."""
    # Existing maps are shown at once; what needs an encoder or a layout becomes a job that waits for the model's slot.
    # Events with queue=False would be quicker still, but Gradio does not report changes of a State from those.
    job, built = gr.State(None), gr.State(None)
    outputs: list[Component] = [*shown, job]
    settings = [shown.session, *controls.values()]
    show_stop = job.change(lambda: gr.Button(visible=True), None, stop, **PROMPT_EVENT)
    on_job = bind(handlers.on_job, builder)
    work = job.change(on_job, [shown.session, job], built, show_progress_on=shown.plot, **PRIVATE_MODEL_EVENT)
    # A job knows the session as it began: if it wrote the session, it would undo what was done meanwhile.
    merge = work.success(bind(handlers.on_built, builder), [shown.session, built], list(shown), **LATEST_PROMPT_EVENT)
    # After an event that failed, Gradio runs only what follows its `failure`.
    hide: dict[str, Any] = {"fn": lambda: gr.Button(visible=False), "outputs": stop, **PROMPT_EVENT}
    hide_stop = [work.then(**hide), work.failure(**hide)]
    stop.click(cancels=[work, show_stop, *hide_stop], **hide)
    ready = shown.plot.ready(bind(handlers.on_ready, builder), settings, outputs, **PROMPT_EVENT)
    pending = [work, merge]
    on_settings = bind(handlers.on_settings, builder)
    redraw = {"fn": on_settings, "inputs": settings, "outputs": outputs, "cancels": pending, **PROMPT_EVENT}
    sliders, seed = [controls["n_neighbors"], controls["min_dist"]], controls["seed"]
    switches = [controls[name].input for name in ("dims", "metric", "method")]
    changes = [controls["encoder"].change, *switches, *(slider.release for slider in sliders), seed.submit, seed.blur]
    changed = gr.on(changes, trigger_mode="always_last", **redraw)
    on_slide = bind(handlers.on_slide, builder)
    gr.on([slider.input for slider in sliders], on_slide, settings, list(shown), **LATEST_PROMPT_EVENT)
    read = upload.change(
        bind(handlers.on_files, builder),
        [upload, *controls.values()],
        outputs,
        show_progress_on=shown.plot,
        cancels=[*pending, comparison.measuring],
        trigger_mode="always_last",
        concurrency_limit=2,
        api_visibility="private",
    )
    # The gallery shows images by their ids in the old set.
    read.success(lambda: ("", gr.Row(visible=False)), None, [lasso.panel, lasso.tools], **PROMPT_EVENT)
    for event in (ready, changed, read, merge):
        comparison.follow(event)
    return redraw


def _connect_images(
    builder: MapBuilder, shown: MapOutputs, lasso: Lasso, query: gr.File, comparison: Comparison
) -> None:
    """Connect clicks on images, lassos, labels, and the query image."""
    session = shown.session
    plots = [shown.plot, comparison.copy, comparison.plot]
    files = [lasso.table, lasso.images, lasso.train_zip, lasso.train]
    export: dict[str, Any] = {"fn": bind(handlers.on_export, builder), "inputs": session, "outputs": files}
    export |= LATEST_PROMPT_EVENT
    on_pick, picked = bind(handlers.on_pick, builder), [session, shown.neighbours, *plots]
    for source in (*plots, shown.neighbours, lasso.panel):
        on_report(source, NAME, "pick", on_pick, [session], picked, **PROMPT_EVENT)
    on_lasso, selected = bind(handlers.on_lasso, builder), [session, lasso.panel, lasso.tools, *files]
    for plot in plots:
        on_report(plot, NAME, "lasso", on_lasso, [session], selected, **PROMPT_EVENT).then(**export)
    labelled = gr.on(
        [lasso.assign.click, lasso.label.submit],
        bind(handlers.on_label, builder),
        [session, lasso.label],
        [*shown, lasso.panel],
        cancels=comparison.measuring,
        **LATEST_PROMPT_EVENT,
    )
    labelled.then(**export)
    comparison.follow(labelled)
    read = query.change(bind(handlers.on_query, builder), [session, query], session, **LATEST_PROMPT_EVENT)
    on_placed, placed = bind(handlers.on_placed, builder), [shown.neighbours, shown.plot]
    read.success(on_placed, session, placed, **LATEST_MODEL_EVENT)


def precompute(ctx: Context, folder: Path, archive: Path = BUILT_IN_SET) -> None:
    """Write the thumbnails of the built-in set, and its features and maps for every encoder."""
    builder, session = MapBuilder(ctx, archive, use_precomputed=False), MapSession()
    fixed = run_to_completion(builder.build_map(session, Settings(), None)).shown_map.coordinates
    collection, rows = builder.collection(session), {}
    for encoder in ENCODERS:
        precomputed = _precompute_encoder(builder, encoder, fixed)
        precomputed.save(folder / f"{encoder}.npz")
        scores = precomputed.maps[Settings(encoder)].scores
        rows[encoder] = measure(precomputed.features, scores, collection.labels, precomputed.seconds)
    save_rows(rows, folder)
    save_set(collection, folder)
    precompute_timeline(builder, folder, fixed)
    precompute_thumbnails(folder, archive)


def _precompute_encoder(builder: MapBuilder, encoder: str, fixed: Floats) -> Precomputed:
    """Return the default maps in 2-D and 3-D and the grid of an encoder, those in 2-D aligned to `fixed`."""
    session = MapSession()
    grid = [Settings(encoder, n_neighbors=k, min_dist=d) for k in GRID_NEIGHBOURS for d in GRID_DISTANCES]
    for settings in (Settings(encoder), Settings(encoder, dims=3), *grid):
        if settings not in session.maps:
            session = run_to_completion(builder.build_map(session, settings, None))
    maps = dict(session.maps)
    for settings, image_map in session.maps.items():
        if settings.dims == 2:
            maps[settings] = replace(image_map, coordinates=align(image_map.coordinates, fixed))
    return Precomputed(*session.features[encoder], maps)


def preview(ctx: Context) -> list[Image.Image]:
    """Return the map that the tab opens on."""
    return [opening_map_image(ctx.first_paint / NAME, BUILT_IN_SET, PREVIEW_SIZE)]


DEMO = Demo(NAME, build, precompute, preview)
