"""What the page shows of a session: values of the map, of the panel beside it and of the lines below it."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr
from PIL import Image

from demos.core.files import file_url
from demos.core.tab_interface import SummaryCell
from demos.embeddings import view
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import Settings, neighbours_of, query_jpeg, table_csv
from demos.embeddings.session import NAME, MapSession
from demos.ui import widgets
from demos.ui.images import image_grid
from demos.ui.progress import run_to_completion
from demos.ui.scatter.scatter import QueryPoint, scatter_marks, scatter_update, scatter_value
from models.analysis.embedding import Floats
from models.analysis.neighbours import Placement, place
from models.analysis.projection import clamp_neighbours
from models.encoders import ENCODERS
from models.networks.feature_extractors import as_encoder

NUM_NEIGHBOURS = 12  # images shown beside the picked one


class MapOutputs(NamedTuple):
    """The values, and in the same order the components, that show a map."""

    session: Any
    plot: Any
    neighbours: Any
    scores: Any
    facts: Any
    description: Any
    about: Any
    table: Any
    verdict: Any


NO_CHANGE = MapOutputs(*[gr.skip()] * len(MapOutputs._fields))


def map_outputs(builder: MapBuilder, session: MapSession) -> MapOutputs:
    """Return all values that show the map of a session."""
    ctx, settings, image_map = builder.ctx, session.shown, session.shown_map
    collection = builder.collection(session)
    html, marks = neighbours_panel(builder, session)
    used = clamp_neighbours(settings.n_neighbors, len(collection))
    clamped = used if used != settings.n_neighbors and settings.method == "umap" else None
    table = table_csv(collection, image_map.coordinates, range(len(collection)))
    encoder = settings.encoder
    built_in = not (session.uploaded or session.relabelled)
    about = encoder if encoder in ENCODERS else f"other_{ctx.library.record(encoder).family}"
    return MapOutputs(
        session=session,
        plot=scatter_update(plot_value(builder, session, image_map.coordinates), marks),
        neighbours=html,
        scores=view.scores_html(ctx, image_map.scores, collection.num_labels),
        facts=_facts(builder, session),
        description=view.description_html(ctx, collection, session.uploaded is not None, clamped),
        about=ctx.localize_html(f"embeddings.about_{about}"),
        table=ctx.save_bytes(table, ".csv"),
        verdict=view.verdict_html(ctx, encoder, image_map.scores.knn_accuracy, built_in),
    )


def _facts(builder: MapBuilder, session: MapSession) -> str:
    """Return the line with the weights, their input size and the time taken."""
    ctx, encoder, map_seconds = builder.ctx, session.shown.encoder, session.shown_map.seconds
    seconds, spec = session.features[encoder][1], ENCODERS.get(encoder)
    if spec is None:
        size = as_encoder(ctx.load_model(encoder))[1]
        line = widgets.facts_line(ctx, [encoder], (size, size), seconds, menu=True)
    elif spec.checkpoint:
        size = spec.image_size(ctx.weights_info)
        line = widgets.facts_line(ctx, [spec.checkpoint], (size, size), seconds, map_seconds is None, menu=True)
    else:
        line = ctx.localize_html("embeddings.untrained", size=spec.image_size(), time=f"{seconds:.1f} s")
    if map_seconds is None:
        return line
    time = f"{map_seconds:.1f} s"
    return f"{line} · {ctx.localize_html('embeddings.facts', dims=session.shown.dims, time=time)}"


def tiles(builder: MapBuilder, session: MapSession) -> view.Tiles:
    """Return the thumbnails of a session's images as HTML, written where the browser finds them."""
    collection = builder.collection(session)
    sprite = collection.sprite
    urls = [file_url(builder.ctx.save_bytes(sheet, sprite.suffix)) for sheet in sprite.sheets]
    return view.Tiles(builder.ctx, collection, urls, translated=session.uploaded is None)


def plot_value(builder: MapBuilder, session: MapSession, coordinates: Floats) -> str:
    """Return the value of a `scatter` of a session's images at some coordinates (N, dims)."""
    html, collection = tiles(builder, session), builder.collection(session)
    labels = {label for label in collection.labels if label} if html.translated else ()
    labels_html = {label: view.label_html(builder.ctx, label, translated=True) for label in labels}
    return scatter_value(coordinates, collection.labels, collection.names, collection.sprite, html.urls, labels_html)


def placement(builder: MapBuilder, session: MapSession) -> Placement:
    """Return the position of the query image of a session on its map, and its neighbours."""
    assert session.query is not None
    features = builder.query_features(session.query, session.shown.encoder)
    return place(features, session.shown_features, session.shown_map.coordinates, show=NUM_NEIGHBOURS)


def neighbours_panel(builder: MapBuilder, session: MapSession) -> tuple[str, str]:
    """Return the HTML of the picked or the query image and its neighbours, and the marks of them on the map."""
    if session.query is not None:
        placed = placement(builder, session)
        url = file_url(builder.ctx.save_bytes(session.query, ".jpg"))
        marks = scatter_marks(query=QueryPoint(tuple(placed.at.tolist()), url, placed.near))
        return tiles(builder, session).query(url, placed), marks
    near = neighbours_of(session.shown_features, session.picked, NUM_NEIGHBOURS)
    marks = scatter_marks([session.picked, *(index for index, _ in near)])
    return tiles(builder, session).neighbours(session.picked, near), marks


def summary(builder: MapBuilder, image: Image.Image) -> SummaryCell:
    """Place an image on the default map of the built-in set; return its four nearest images and the first cosine."""
    session = run_to_completion(builder.find_or_build(MapSession(query=query_jpeg(image)), Settings(), None))
    placed, collection = placement(builder, session), builder.collection(session)
    near = [collection.image(index) for index in placed.near[:4]]
    text = builder.ctx.localize_html("embeddings.summary", similarity=f"{placed.similarities[0]:.2f}")
    label = view.label_html(builder.ctx, collection.labels[placed.near[0]], translated=True)
    return SummaryCell(image_grid([near[:2], near[2:]], side=128), f"<b>{label}</b> {text}", f"tab={NAME}")


def require_map(builder: MapBuilder, session: MapSession | None, request: gr.Request | None) -> MapSession:
    """Return the session; a gr.Error if it is gone, as after a long time, or shows no map yet."""
    if session is None or session.shown not in session.maps:
        raise widgets.user_error(builder.ctx, request, "embeddings.expired")
    return session
