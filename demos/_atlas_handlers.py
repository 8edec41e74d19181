"""What the map tab and ``/embed`` answer: settings, files and clicks in, everything a map fills out."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from demos import _atlas_view as view
from demos import _look as look
from demos._atlas import Settings, neighbours_of, table_csv, table_rows
from demos._atlas_visit import Atlas, Job, Visit
from demos._base import Context
from demos._scatter import picked_id, scatter_figure, scatter_update, scatter_value
from models import projection
from models.encoders import ENCODERS, as_encoder
from models.projection import clamp_neighbours

NUM_NEAR = 12  # pictures shown beside the picked one


class Shown(NamedTuple):
    """The values, and in the same order the components, of everything a map fills."""

    visit: Any
    plot: Any
    near: Any
    scores: Any
    facts: Any
    told: Any
    about: Any
    table: Any


class Handlers:
    """What the page and the endpoint ask for."""

    def __init__(self, ctx: Context, kinds: Path) -> None:
        self._ctx = ctx
        self._atlas = Atlas(ctx, kinds)

    def on_ready(self, *state: Any) -> list[Any]:
        """Shows the first map; whoever looks at it may soon want UMAP, so that its slow start begins now."""
        projection.warm_up()
        return self.on_settings(*state)

    def on_settings(
        self,
        visit: Visit | None,
        encoder: str,
        dims: str,
        n_neighbors: int,
        min_dist: float,
        seed: int | None,
    ) -> list[Any]:
        """Shows the wished map if it exists, else asks for it to be made."""
        settings = Settings(encoder, int(dims), int(n_neighbors), float(min_dist), int(seed or 0))
        return self._show_or_ask(visit or Visit(), settings)

    def on_files(
        self,
        paths: list[str] | None,
        encoder: str,
        dims: str,
        n_neighbors: int,
        min_dist: float,
        seed: int | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> list[Any]:
        """Takes in a visitor's pictures, or goes back to the built-in set when they are taken away."""
        visit = self._atlas.take_in(paths, request, progress) if paths else Visit()
        settings = Settings(encoder, int(dims), int(n_neighbors), float(min_dist), int(seed or 0))
        return self._show_or_ask(visit, settings)

    def on_job(
        self,
        visit: Visit | None,
        job: Job | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Shown:
        """Makes a map and shows it."""
        if job is None:
            return Shown(*[gr.skip()] * len(Shown._fields))
        return self._shown(self._atlas.draw(visit or Visit(), job.settings, request, progress))

    def on_pick(self, visit: Visit | None, event: gr.EventData, request: gr.Request) -> list[Any]:
        """Shows the neighbours of the picture that was clicked."""
        if visit is None:
            raise look.sorry(self._ctx, request, "embeddings.expired")
        count = len(self._atlas.collection(visit))
        try:
            picked = picked_id(event, count)
        except ValueError as error:
            raise look.sorry(self._ctx, request, "embeddings.unknown_point") from error
        visit = replace(visit, picked=picked)
        html, marks = self._near(visit)
        return [visit, html, scatter_update(marks=marks)]

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
        """Map pictures (files or zips; none for the built-in set) with UMAP in 2-D.

        Returns the map as a Plotly figure, its scores (knn_accuracy and chance are null without labels), and
        a table of file, label, x and y.
        """
        settings = Settings(encoder, 2, int(n_neighbors), float(min_dist), int(seed or 0))
        visit = self._atlas.take_in(files, request, progress) if files else Visit()
        visit = self._atlas.recall(visit, settings) or self._atlas.draw(visit, settings, request, progress)
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

    def _show_or_ask(self, visit: Visit, settings: Settings) -> list[Any]:
        """Returns the values of a map that exists and no job, or the visit alone and a job."""
        if known := self._atlas.recall(visit, settings):
            return [*self._shown(known), gr.skip()]
        rest = [gr.skip()] * (len(Shown._fields) - 1)
        return [visit, *rest, Job(settings, time.monotonic_ns())]

    def _shown(self, visit: Visit) -> Shown:
        ctx, settings, drawn = self._ctx, visit.shown, visit.maps[visit.shown]
        collection = self._atlas.collection(visit)
        url = self._atlas.sprite_url(collection)
        figure = scatter_figure(drawn.coordinates, collection.labels, collection.names, f"{url} {settings}")
        kinds = None if visit.uploaded else view.kinds_html(ctx, collection.labels)
        html, marks = self._near(visit)
        used = clamp_neighbours(settings.n_neighbors, len(collection))
        clamped = used if used != settings.n_neighbors else None
        return Shown(
            visit=visit,
            plot=scatter_update(scatter_value(figure, collection.sprite, url, kinds), marks),
            near=html,
            scores=view.scores_html(ctx, drawn.scores, collection.num_kinds),
            facts=self._facts(settings, visit.features[settings.encoder][1], drawn.seconds),
            told=view.told_html(ctx, collection, visit.uploaded is not None, clamped),
            about=self._about(settings.encoder),
            table=ctx.save_bytes(table_csv(table_rows(collection, drawn.coordinates)), ".csv"),
        )

    def _about(self, encoder: str) -> str:
        """Returns what the encoder learned from, as far as it is known."""
        if encoder in ENCODERS:
            return self._ctx.both(f"embeddings.about_{encoder}")
        return self._ctx.both(f"embeddings.about_other_{self._ctx.library.record(encoder).family}")

    def _near(self, visit: Visit) -> tuple[str, list[int]]:
        """Returns the panel of the picked picture, and the ids to ring on the map."""
        collection = self._atlas.collection(visit)
        features, _ = visit.features[visit.shown.encoder]
        near = neighbours_of(features, visit.picked, NUM_NEAR)
        url = self._atlas.sprite_url(collection)
        html = view.neighbours_html(self._ctx, collection, url, visit.picked, near, translated=visit.uploaded is None)
        return html, [visit.picked, *(index for index, _ in near)]

    def _facts(self, settings: Settings, seconds: float, map_seconds: float | None) -> str:
        ctx, spec = self._ctx, ENCODERS.get(settings.encoder)
        prepared = map_seconds is None
        if spec is None:
            size = as_encoder(ctx.load_model(settings.encoder))[1]
            line = look.facts_line(ctx, [settings.encoder], (size, size), seconds)
        elif spec.checkpoint:
            line = look.facts_line(ctx, [spec.checkpoint], (spec.image_size,) * 2, seconds, prepared)
        else:
            line = ctx.both("embeddings.untrained", size=spec.image_size, time=f"{seconds:.1f} s")
        if map_seconds is None:
            return line
        return f"{line} · {ctx.both('embeddings.facts', dims=settings.dims, time=f'{map_seconds:.1f} s')}"
