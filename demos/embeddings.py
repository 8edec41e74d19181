"""The map tab: how an encoder arranges pictures, who their true neighbours are, how far to trust the map."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component
from torch import nn

from demos import _atlas_view as view
from demos import _look as look
from demos._api import endpoint
from demos._atlas import Prepared, Settings, save_set
from demos._atlas_handlers import Handlers, Shown
from demos._atlas_visit import NAME, Atlas, Visit
from demos._base import EXAMPLES, PRIVATE_MODEL_EVENT, Context, Demo
from demos._menu import Menu, model_menu
from demos._scatter import scatter
from models.encoders import ENCODERS, as_encoder

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
            plot = scatter(ctx, "embeddings-plot")
        with gr.Column(scale=2, min_width=300):
            upload = gr.File(
                label=ctx.t("embeddings.upload"),
                show_label=False,
                file_count="multiple",
                file_types=["image", ".zip"],
                height=64,
                elem_id="embeddings-upload",
            )
            look.html_line(ctx.both("embeddings.upload_hint"))
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
    look.aside(ctx, "embeddings.how_title", "embeddings.how")
    shown = Shown(gr.State(None), plot, near, scores, facts, told, about, table)
    encoder = gr.State(usual.encoder)
    _connect_encoder(encoder, pills, menu)
    _connect(Handlers(ctx, kinds), Controls(encoder, dims, n_neighbors, min_dist, seed), upload, shown)


def _connect_encoder(encoder: gr.State, pills: gr.Radio, menu: Menu) -> None:
    """Lets the switch and the menu choose the same thing, each showing what the other chose."""

    def on_menu(weights: str) -> tuple[str, Any]:
        name = encoder_of(weights)
        return name, gr.update(value=name if name in ENCODERS else None)

    pills.input(lambda name: (name, ENCODERS[name].checkpoint or ""), pills, [encoder, menu.used], **QUICK_EVENT)
    menu.switched.change(on_menu, menu.used, [encoder, pills], **QUICK_EVENT)


def _connect(handlers: Handlers, controls: Controls, upload: gr.File, shown: Shown) -> None:
    """Draws the first map when the plot appears and a new one after every change; offers ``/embed``."""
    # Ready-made maps are shown at once; what needs an encoder or UMAP becomes a job that waits for the model's slot.
    # Events with queue=False would be quicker still, but Gradio does not report changes of a State from those.
    job = gr.State(None)
    asked: list[Component] = [*shown, job]
    settings = [shown.visit, *controls]
    work = job.change(
        handlers.on_job, [shown.visit, job], list(shown), show_progress_on=shown.plot, **PRIVATE_MODEL_EVENT
    )
    shown.plot.ready(handlers.on_ready, settings, asked, **QUICK_EVENT)
    gr.on(
        [
            controls.encoder.change,
            controls.dims.input,
            controls.n_neighbors.release,
            controls.min_dist.release,
            controls.seed.submit,
            controls.seed.blur,
        ],
        handlers.on_settings,
        settings,
        asked,
        cancels=work,
        trigger_mode="always_last",
        **QUICK_EVENT,
    )
    upload.change(
        handlers.on_files,
        [upload, *controls],
        asked,
        show_progress_on=shown.plot,
        cancels=work,
        concurrency_limit=2,
        api_visibility="private",
    )
    for source in (shown.plot, shown.near):
        source.pick(handlers.on_pick, shown.visit, [shown.visit, shown.near, shown.plot], **QUICK_EVENT)
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


def precompute(ctx: Context, folder: Path, kinds: Path = KINDS) -> None:
    """Writes the thumbnails of the built-in set, and its features and maps for every encoder."""
    atlas = Atlas(ctx, kinds, use_prepared=False)
    for encoder in ENCODERS:
        visit = Visit()
        for dims in (2, 3):
            visit = atlas.draw(visit, Settings(encoder, dims), None, gr.Progress())
        maps = {settings.dims: drawn for settings, drawn in visit.maps.items()}
        Prepared(*visit.features[encoder], maps).save(folder / f"{encoder}.npz")
    save_set(atlas.collection(Visit()), folder)


DEMO = Demo(NAME, 40, build, precompute)
