"""Endpoints of the map for programs: ``/embed``, ``/place`` and ``/neighbours``."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import gradio as gr

from demos.core.events import bind
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import MAX_NEIGHBOURS, MAX_SEED, MIN_NEIGHBOURS, Settings, query_jpeg, table_rows
from demos.embeddings.outputs import placement
from demos.embeddings.session import MapSession
from demos.ui import widgets
from demos.ui.api_endpoint import endpoint, photo_parameter
from demos.ui.progress import run_to_completion
from demos.ui.scatter.figure import scatter_figure
from models.analysis.neighbours import nearest_to
from models.analysis.projection import clamp_neighbours
from models.encoders import ENCODERS


def embed(
    builder: MapBuilder,
    files: list[str] | None,
    encoder: str,
    n_neighbors: int,
    min_dist: float,
    seed: int | None,
    request: gr.Request | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[dict[str, Any], dict[str, Any], list[list[Any]]]:
    """Map images (files or zips; none for the built-in set) with UMAP in 2-D.

    Returns the map as a Plotly figure, its scores (knn_accuracy and chance are null without labels), and
    a table of file, label, x and y.
    """
    settings = Settings(encoder, 2, int(n_neighbors), float(min_dist), int(seed or 0))
    session = builder.read_upload(files, request, progress) if files else MapSession()
    session = run_to_completion(builder.find_or_build(session, settings, request))
    collection, image_map = builder.collection(session), session.shown_map
    scores = {
        "encoder": encoder,
        "pictures": len(collection),
        "skipped": dict(collection.skipped),
        "n_neighbors": clamp_neighbours(settings.n_neighbors, len(collection)),
        **asdict(image_map.scores),
        "seconds": round(session.features[encoder][1], 3),
    }
    figure = scatter_figure(image_map.coordinates, collection.labels, collection.names)
    return figure.to_plotly_json(), scores, table_rows(collection, image_map.coordinates)


def place(builder: MapBuilder, image: str, encoder: str, request: gr.Request | None = None) -> dict[str, Any]:
    """Place an image on the map of the built-in set, deterministically and without moving anything.

    Returns its place (x, y), the percentile of its distance among the set, and its nearest neighbours with
    their cosine similarities.
    """
    query = query_jpeg(widgets.open_photo(builder.ctx, request, image))
    session = run_to_completion(builder.find_or_build(MapSession(), Settings(encoder), request))
    placed = placement(builder, replace(session, query=query))
    x, y = placed.at.tolist()
    names = builder.collection(session).names
    near = zip(placed.near, placed.similarities, strict=True)
    neighbours = [{"file": names[index], "similarity": round(cosine, 4)} for index, cosine in near]
    return {"x": x, "y": y, "percentile": round(placed.percentile, 1), "neighbours": neighbours}


def neighbours(
    builder: MapBuilder,
    image: str,
    files: list[str] | None,
    encoder: str,
    count: int,
    request: gr.Request | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> list[dict[str, Any]]:
    """Find the images of a set (files or zips; none for the built-in set) that are most like one image.

    Returns, nearest first, the id of each (its place in the set), its file, its label or null, and its cosine
    similarity, taken around the mean of the set.
    """
    query = query_jpeg(widgets.open_photo(builder.ctx, request, image))
    session = builder.read_upload(files, request, progress) if files else MapSession()
    features, _ = run_to_completion(builder.features(session, encoder))
    collection = builder.collection(session)
    near = nearest_to(builder.query_features(query, encoder), features, int(count))
    names, labels = collection.names, collection.labels
    return [{"id": id, "file": names[id], "label": labels[id], "similarity": round(cosine, 4)} for id, cosine in near]


def add_endpoints(builder: MapBuilder) -> None:
    """Add the endpoints to the page."""
    usual = Settings()

    def files() -> gr.File:
        return gr.File(label="files", file_count="multiple", file_types=["image", ".zip"], render=False)

    def encoder() -> gr.Dropdown:
        return gr.Dropdown(list(ENCODERS), value=usual.encoder, label="encoder", render=False)

    endpoint(
        bind(embed, builder),
        [
            files(),
            encoder(),
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
        optional=["files"],
    )
    place_outputs = [gr.JSON(label="place", render=False)]
    endpoint(bind(place, builder), [photo_parameter("image"), encoder()], place_outputs, "place")
    count = gr.Slider(1, 100, 12, step=1, label="count", render=False)
    endpoint(
        bind(neighbours, builder),
        [photo_parameter("image"), files(), encoder(), count],
        [gr.JSON(label="neighbours", render=False)],
        "neighbours",
        optional=["files"],
    )
