"""Event handlers of the map tab; each takes the `MapBuilder` first, which `demos.core.events.bind` fills in."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any, TypeVar

import gradio as gr

from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import Settings, images_zip, query_jpeg, table_csv
from demos.embeddings.outputs import NO_CHANGE, MapOutputs, map_outputs, neighbours_panel, require_map, tiles
from demos.embeddings.session import Job, MapSession
from demos.ui import widgets
from demos.ui.progress import report_progress
from demos.ui.scatter.scatter import lassoed_ids, picked_id, scatter_update
from models.analysis import projection

MAX_LABEL = 40  # characters of a label that a visitor assigns

Ids = TypeVar("Ids")


def settings_from(
    encoder: str, dims: str, n_neighbors: float, min_dist: float, seed: float | None, *layout: Any
) -> Settings:
    """Return the settings that the controls of the page stand for; `layout` is the metric and the method."""
    return Settings(encoder, int(dims), int(n_neighbors), float(min_dist), int(seed or 0), *layout)


def read_ids(
    builder: MapBuilder,
    session: MapSession,
    request: gr.Request | None,
    read: Callable[[object, int], Ids],
    report: object,
) -> Ids:
    """Return the ids in what the page reports, by `picked_id` or `lassoed_ids`; a gr.Error if they are invalid."""
    try:
        return read(report, len(builder.collection(session)))
    except ValueError as error:
        raise widgets.user_error(builder.ctx, request, "embeddings.unknown_point") from error


def on_ready(builder: MapBuilder, *values: Any) -> list[Any]:
    """Show the first map, and start to import UMAP in the background."""
    projection.warm_up()
    return on_settings(builder, *values)


def on_settings(builder: MapBuilder, session: MapSession | None, *controls: Any) -> list[Any]:
    """Show the map of the settings if it exists, or start a job that makes it."""
    return _show_or_start(builder, session or MapSession(), settings_from(*controls))


def on_slide(builder: MapBuilder, session: MapSession | None, *controls: Any) -> MapOutputs:
    """Show the precomputed map nearest to where a slider is being dragged, if there is one."""
    session, nearest = session or MapSession(), settings_from(*controls).nearest_on_grid()
    found = nearest and builder.find_map(session, nearest)
    return map_outputs(builder, found) if found and found.shown != session.shown else NO_CHANGE


def on_files(
    builder: MapBuilder,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
    paths: list[str] | None = None,
    *controls: Any,
) -> list[Any]:
    """Read a visitor's images, or return to the built-in set when they are removed."""
    session = builder.read_upload(paths, request, progress) if paths else MapSession()
    return _show_or_start(builder, session, settings_from(*controls))


def on_job(
    builder: MapBuilder,
    session: MapSession | None,
    job: Job | None,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Generator[Any, None, None]:
    """Make a map for `on_built`; the page may cancel it between two steps."""
    if job is None:
        yield gr.skip()
        return
    work = builder.build_map(session or MapSession(), job.settings, request)
    yield (yield from report_progress(work, builder.ctx, request, progress, gr.skip()))


def on_built(builder: MapBuilder, session: MapSession | None, built: MapSession | None) -> MapOutputs:
    """Show a map that a job made, with what the visitor picked, selected and labelled meanwhile."""
    session = session or MapSession()
    if built is None or built.uploaded is not session.uploaded:
        return NO_CHANGE
    return map_outputs(builder, builder.merge(session, built))


def on_pick(builder: MapBuilder, report: object, session: MapSession | None, request: gr.Request) -> list[Any]:
    """Show the neighbours of the image that was clicked."""
    session = require_map(builder, session, request)
    session = replace(session, picked=read_ids(builder, session, request, picked_id, report), query=None)
    html, marks = neighbours_panel(builder, session)
    return [session, html, *(scatter_update(marks=marks) for _ in range(3))]


def on_lasso(builder: MapBuilder, report: object, session: MapSession | None, request: gr.Request) -> list[Any]:
    """Show the images inside a lasso and the tools for them."""
    session = require_map(builder, session, request)
    ids = read_ids(builder, session, request, lassoed_ids, report)
    table, images = (gr.DownloadButton(interactive=False) for _ in range(2))  # until `on_export` has written them
    train = gr.Button(interactive=False)
    panel = tiles(builder, session).selected(ids)
    return [replace(session, selected=tuple(ids)), panel, gr.Row(visible=bool(ids)), table, images, None, train]


def on_export(builder: MapBuilder, session: MapSession | None, request: gr.Request) -> list[Any]:
    """Write the table and the images of a lasso, for download and for the trainer."""
    session = require_map(builder, session, request)
    if not session.selected:
        return [gr.skip()] * 4
    collection, save = builder.collection(session), builder.ctx.save_bytes
    table = save(table_csv(collection, session.shown_map.coordinates, session.selected), ".csv")
    images = save(images_zip(collection, session.selected), ".zip")
    files = [gr.update(value=path, interactive=True) for path in (table, images)]
    return [*files, images, gr.Button(interactive=True)]


def on_label(builder: MapBuilder, session: MapSession | None, label: str | None, request: gr.Request) -> list[Any]:
    """Assign a label to the images of a lasso, and score the map by it."""
    session = require_map(builder, session, request)
    label = " ".join((label or "").split())
    if not session.selected:
        raise widgets.user_error(builder.ctx, request, "embeddings.nothing_chosen")
    if len(label) > MAX_LABEL:
        raise widgets.user_error(builder.ctx, request, "embeddings.label_too_long", limit=MAX_LABEL)
    session = builder.relabel(session, session.selected, label or None)
    return [*map_outputs(builder, session), tiles(builder, session).selected(session.selected)]


def on_query(builder: MapBuilder, session: MapSession | None, path: str | None, request: gr.Request) -> MapSession:
    """Read a query image for `on_placed`, or remove it; one that cannot be used is told of and removes the last."""
    session = require_map(builder, session, request)
    try:
        return replace(session, query=query_jpeg(widgets.open_photo(builder.ctx, request, path)) if path else None)
    except gr.Error as error:
        widgets.warn(error)
        return replace(session, query=None)


def on_placed(builder: MapBuilder, session: MapSession | None, request: gr.Request) -> list[Any]:
    """Place the query image on the map as it is, or remove it."""
    html, marks = neighbours_panel(builder, require_map(builder, session, request))
    return [html, scatter_update(marks=marks)]


def _show_or_start(builder: MapBuilder, session: MapSession, settings: Settings) -> list[Any]:
    """Return the values of a map that exists and no job, or the session alone and a job."""
    if found := builder.find_map(session, settings):
        return [*map_outputs(builder, found), gr.skip()]
    return [session, *NO_CHANGE[1:], Job(settings, time.monotonic_ns())]
