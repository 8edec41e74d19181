"""The map for programs: ``/embed``, ``/place`` and ``/neighbours``."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import gradio as gr

from demos.core.context import Context
from demos.embeddings.collection import MAX_NEIGHBOURS, MAX_SEED, MIN_NEIGHBOURS, Settings, guest_jpeg, table_rows
from demos.embeddings.handlers import Handlers
from demos.embeddings.session import MapSession
from demos.ui import widgets
from demos.ui.api_endpoint import endpoint, photo_parameter
from demos.ui.progress import run_to_completion
from demos.ui.scatter.scatter import scatter_figure
from models.analysis.neighbours import nearest_to
from models.analysis.projection import clamp_neighbours
from models.encoders import ENCODERS


class Programs:
    """What programs ask for."""

    def __init__(self, ctx: Context, handlers: Handlers) -> None:
        self._ctx, self._handlers, self._atlas = ctx, handlers, handlers.atlas

    def embed(
        self,
        files: list[str] | None,
        encoder: str,
        n_neighbors: int,
        min_dist: float,
        seed: int | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[dict[str, Any], dict[str, Any], list[list[Any]]]:
        """Map images (files or zips; none for the built-in set) with UMAP in 2-D.

        Returns the map as a Plotly figure, its scores (knn_accuracy and chance are null without labels), and
        a table of file, label, x and y.
        """
        settings = Settings(encoder, 2, int(n_neighbors), float(min_dist), int(seed or 0))
        visit = self._atlas.take_in(files, request, progress) if files else MapSession()
        visit = self._atlas.recall(visit, settings) or run_to_completion(self._atlas.draw(visit, settings, request))
        collection = self._atlas.collection(visit)
        drawn = visit.maps[settings]
        scores = {
            "encoder": encoder,
            "pictures": len(collection),
            "skipped": dict(collection.skipped),
            "n_neighbors": clamp_neighbours(settings.n_neighbors, len(collection)),
            **asdict(drawn.scores),
            "seconds": round(visit.features[encoder][1], 3),
        }
        figure = scatter_figure(drawn.coordinates, collection.labels, collection.names)
        return figure, scores, table_rows(collection, drawn.coordinates)

    def place(self, image: str, encoder: str, request: gr.Request) -> dict[str, Any]:
        """Place an image on the map of the built-in set, deterministically and without moving anything.

        Returns its place (x, y), the percentile of its distance among the set, and its nearest neighbours with
        their cosine similarities.
        """
        picture = widgets.open_photo(self._ctx, request, image)
        settings = Settings(encoder)
        visit = self._atlas.recall(MapSession(), settings) or run_to_completion(
            self._atlas.draw(MapSession(), settings, request)
        )
        placed = self._handlers.placement(replace(visit, guest=guest_jpeg(picture)))
        x, y = placed.at.tolist()
        names = self._atlas.collection(visit).names
        near = zip(placed.near, placed.similarities, strict=True)
        neighbours = [{"file": names[index], "similarity": round(cosine, 4)} for index, cosine in near]
        return {"x": x, "y": y, "percentile": round(placed.percentile, 1), "neighbours": neighbours}

    def neighbours(
        self,
        image: str,
        files: list[str] | None,
        encoder: str,
        count: int,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> list[dict[str, Any]]:
        """Find the images of a set (files or zips; none for the built-in set) that are most like one image.

        Returns, nearest first, the id of each (its place in the set), its file, its label or null, and its cosine
        similarity, taken around the mean of the set.
        """
        picture = guest_jpeg(widgets.open_photo(self._ctx, request, image))
        visit = self._atlas.take_in(files, request, progress) if files else MapSession()
        features, _ = run_to_completion(self._atlas.features(visit, encoder))
        collection = self._atlas.collection(visit)
        near = nearest_to(self._atlas.feature_of(picture, encoder), features, int(count))
        return [
            {
                "id": index,
                "file": collection.names[index],
                "label": collection.labels[index],
                "similarity": round(cosine, 4),
            }
            for index, cosine in near
        ]


def offer(ctx: Context, handlers: Handlers) -> None:
    """Offer the endpoints."""
    programs, usual = Programs(ctx, handlers), Settings()

    def files() -> gr.File:
        return gr.File(label="files", file_count="multiple", file_types=["image", ".zip"], render=False)

    def encoder() -> gr.Dropdown:
        return gr.Dropdown(list(ENCODERS), value=usual.encoder, label="encoder", render=False)

    endpoint(
        programs.embed,
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
    )
    endpoint(programs.place, [photo_parameter("image"), encoder()], [gr.JSON(label="place", render=False)], "place")
    endpoint(
        programs.neighbours,
        [photo_parameter("image"), files(), encoder(), gr.Slider(1, 100, 12, step=1, label="count", render=False)],
        [gr.JSON(label="neighbours", render=False)],
        "neighbours",
    )
