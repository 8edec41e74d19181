"""What the map tab answers: settings, files, clicks and lassos in, everything a map fills out."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from demos.core.context import Context
from demos.core.files import file_url
from demos.embeddings import view
from demos.embeddings.collection import Settings, guest_jpeg, images_zip, neighbours_of, table_csv
from demos.embeddings.session import Atlas, Job, MapSession
from demos.ui import widgets
from demos.ui.progress import report_progress
from demos.ui.scatter.scatter import QueryPoint, lassoed_ids, picked_id, scatter_marks, scatter_update, scatter_value
from models.analysis import projection
from models.analysis.embedding import Floats
from models.analysis.neighbours import Metric, Placement, place
from models.analysis.projection import Method, clamp_neighbours
from models.encoders import ENCODERS
from models.networks.feature_extractors import as_encoder

NUM_NEAR = 12  # images shown beside the picked one
MAX_LABEL = 40  # letters of a label that a visitor gives


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


NOTHING = Shown(*[gr.skip()] * len(Shown._fields))


class Handlers:
    """What the page asks for."""

    def __init__(self, ctx: Context, kinds: Path) -> None:
        self._ctx = ctx
        self.atlas = Atlas(ctx, kinds)

    def on_ready(self, *state: Any) -> list[Any]:
        """Show the first map; whoever looks at it may soon want UMAP, so that its slow start begins now."""
        projection.warm_up()
        return self.on_settings(*state)

    def on_settings(self, visit: MapSession | None, *wishes: Any) -> list[Any]:
        """Show the wished map if it exists, else asks for it to be made."""
        return self._show_or_ask(visit or MapSession(), settings_of(*wishes))

    def on_slide(self, visit: MapSession | None, *wishes: Any) -> Shown:
        """Show the ready-made map that is nearest to where a slider is being dragged, if there is one."""
        visit, wanted = visit or MapSession(), settings_of(*wishes)
        near = wanted.on_grid()
        known = near and self.atlas.recall(visit, near)
        return self.shown(known) if known and known.shown != visit.shown else NOTHING

    def on_files(
        self,
        paths: list[str] | None,
        encoder: str,
        dims: str,
        n_neighbors: int,
        min_dist: float,
        seed: int | None,
        metric: Metric,
        method: Method,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> list[Any]:
        """Take in a visitor's images, or goes back to the built-in set when they are taken away."""
        visit = self.atlas.take_in(paths, request, progress) if paths else MapSession()
        return self._show_or_ask(visit, settings_of(encoder, dims, n_neighbors, min_dist, seed, metric, method))

    def on_job(
        self,
        visit: MapSession | None,
        job: Job | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Generator[Any, None, None]:
        """Make a map, for `on_made` to show; the page may cancel it after each sign of life."""
        if job is None:
            yield gr.skip()
            return
        work = self.atlas.draw(visit or MapSession(), job.settings, request)
        yield (yield from report_progress(work, self._ctx, request, progress, gr.skip()))

    def on_made(self, visit: MapSession | None, made: MapSession | None) -> Shown:
        """Show a map that was made, beside what the visitor has picked, lassoed and labelled meanwhile."""
        visit = visit or MapSession()
        if made is None or made.uploaded is not visit.uploaded:
            return NOTHING
        return self.shown(self.atlas.adopt(visit, made))

    def on_pick(self, report: object, visit: MapSession | None, request: gr.Request) -> list[Any]:
        """Show the neighbours of the image that was clicked."""
        visit = self.current(visit, request)
        try:
            picked = picked_id(report, len(self.atlas.collection(visit)))
        except ValueError as error:
            raise widgets.user_error(self._ctx, request, "embeddings.unknown_point") from error
        visit = replace(visit, picked=picked, guest=None)
        html, marks = self.near(visit)
        return [visit, html, *(scatter_update(marks=marks) for _ in range(3))]

    def on_lasso(self, report: object, visit: MapSession | None, request: gr.Request) -> list[Any]:
        """Show the images inside a lasso, and what can be done with them."""
        visit = self.current(visit, request)
        try:
            chosen = lassoed_ids(report, len(self.atlas.collection(visit)))
        except ValueError as error:
            raise widgets.user_error(self._ctx, request, "embeddings.unknown_point") from error
        visit = replace(visit, chosen=tuple(chosen))
        table, images = (gr.DownloadButton(interactive=False) for _ in range(2))  # until `on_export` has written them
        train = gr.Button(interactive=False)
        return [visit, self._chosen(visit), gr.Row(visible=bool(chosen)), table, images, None, train]

    def on_export(self, visit: MapSession | None, request: gr.Request) -> list[Any]:
        """Write the table and the images of a lasso for download, the images for the trainer as well."""
        visit = self.current(visit, request)
        if not visit.chosen:
            return [gr.skip()] * 4
        collection, coordinates = self.atlas.collection(visit), visit.maps[visit.shown].coordinates
        table = self._ctx.save_bytes(table_csv(collection, coordinates, visit.chosen), ".csv")
        images = self._ctx.save_bytes(images_zip(collection, visit.chosen), ".zip")
        files = [gr.update(value=path, interactive=True) for path in (table, images)]
        return [*files, images, gr.Button(interactive=True)]

    def on_label(self, visit: MapSession | None, label: str | None, request: gr.Request) -> list[Any]:
        """Give the images of a lasso a label, and scores the map by it."""
        visit = self.current(visit, request)
        words = " ".join((label or "").split())
        if not visit.chosen:
            raise widgets.user_error(self._ctx, request, "embeddings.nothing_chosen")
        if len(words) > MAX_LABEL:
            raise widgets.user_error(self._ctx, request, "embeddings.label_too_long", limit=MAX_LABEL)
        visit = self.atlas.relabel(visit, visit.chosen, words or None)
        return [*self.shown(visit), self._chosen(visit)]

    def on_guest(self, visit: MapSession | None, path: str | None, request: gr.Request) -> MapSession:
        """Take in a new image, for `on_placed` to show, or lets it go."""
        visit = self.current(visit, request)
        guest = guest_jpeg(widgets.open_photo(self._ctx, request, path)) if path else None
        return replace(visit, guest=guest)

    def on_placed(self, visit: MapSession | None, request: gr.Request) -> list[Any]:
        """Place the new image on the map as it is, or takes it away again."""
        html, marks = self.near(self.current(visit, request))
        return [html, scatter_update(marks=marks)]

    def shown(self, visit: MapSession) -> Shown:
        """Return everything the map of a visit fills."""
        ctx, settings, drawn = self._ctx, visit.shown, visit.maps[visit.shown]
        collection = self.atlas.collection(visit)
        html, marks = self.near(visit)
        used = clamp_neighbours(settings.n_neighbors, len(collection))
        clamped = used if used != settings.n_neighbors and settings.method == "umap" else None
        everything = range(len(collection))
        return Shown(
            visit=visit,
            plot=scatter_update(self.plot_value(visit, drawn.coordinates), marks),
            near=html,
            scores=view.scores_html(ctx, drawn.scores, collection.num_kinds),
            facts=self._facts(settings, visit.features[settings.encoder][1], drawn.seconds),
            told=view.told_html(ctx, collection, visit.uploaded is not None, clamped),
            about=self._about(settings.encoder),
            table=ctx.save_bytes(table_csv(collection, drawn.coordinates, everything), ".csv"),
        )

    def _about(self, encoder: str) -> str:
        """Return what the encoder learned from, as far as it is known."""
        if encoder in ENCODERS:
            return self._ctx.localize_html(f"embeddings.about_{encoder}")
        return self._ctx.localize_html(f"embeddings.about_other_{self._ctx.library.record(encoder).family}")

    def plot_value(self, visit: MapSession, coordinates: Floats) -> str:
        """Return the value of a plot of a visit's images at some coordinates."""
        collection = self.atlas.collection(visit)
        kinds = None if visit.uploaded else view.kinds_html(self._ctx, collection.labels)
        urls = self.atlas.sprite_urls(collection)
        return scatter_value(coordinates, collection.labels, collection.names, collection.sprite, urls, kinds)

    def _show_or_ask(self, visit: MapSession, settings: Settings) -> list[Any]:
        """Return the values of a map that exists and no job, or the visit alone and a job."""
        if known := self.atlas.recall(visit, settings):
            return [*self.shown(known), gr.skip()]
        return [visit, *NOTHING[1:], Job(settings, time.monotonic_ns())]

    def current(self, visit: MapSession | None, request: gr.Request) -> MapSession:
        """Return the visit.

        Raises:
            gr.Error: If the page was left for so long that it is forgotten, or shows no map yet.
        """
        if visit is None or visit.shown not in visit.maps:
            raise widgets.user_error(self._ctx, request, "embeddings.expired")
        return visit

    def placement(self, visit: MapSession) -> Placement:
        """Return where the new image of a visit belongs."""
        assert visit.guest is not None
        encoder = visit.shown.encoder
        features, _ = visit.features[encoder]
        feature = self.atlas.feature_of(visit.guest, encoder)
        return place(feature, features, visit.maps[visit.shown].coordinates, show=NUM_NEAR)

    def near(self, visit: MapSession) -> tuple[str, str]:
        """Return the panel beside the map (the picked image, or the guest), and the marks on the map."""
        collection = self.atlas.collection(visit)
        urls = self.atlas.sprite_urls(collection)
        ours = visit.uploaded is None
        if visit.guest is not None:
            placed = self.placement(visit)
            url = file_url(self._ctx.save_bytes(visit.guest, ".jpg"))
            html = view.guest_html(self._ctx, collection, urls, url, placed, translated=ours)
            query = QueryPoint(tuple(placed.at.tolist()), url, placed.near)
            return html, scatter_marks(query=query)
        features, _ = visit.features[visit.shown.encoder]
        near = neighbours_of(features, visit.picked, NUM_NEAR)
        html = view.neighbours_html(self._ctx, collection, urls, visit.picked, near, translated=ours)
        return html, scatter_marks([visit.picked, *(index for index, _ in near)])

    def _chosen(self, visit: MapSession) -> str:
        collection = self.atlas.collection(visit)
        urls = self.atlas.sprite_urls(collection)
        return view.chosen_html(self._ctx, collection, urls, visit.chosen, translated=visit.uploaded is None)

    def _facts(self, settings: Settings, seconds: float, map_seconds: float | None) -> str:
        ctx, spec = self._ctx, ENCODERS.get(settings.encoder)
        prepared = map_seconds is None
        if spec is None:
            size = as_encoder(ctx.load_model(settings.encoder))[1]
            line = widgets.facts_line(ctx, [settings.encoder], (size, size), seconds)
        elif spec.checkpoint:
            size = spec.image_size(ctx.weights_info)
            line = widgets.facts_line(ctx, [spec.checkpoint], (size, size), seconds, prepared)
        else:
            line = ctx.localize_html("embeddings.untrained", size=spec.image_size(), time=f"{seconds:.1f} s")
        if map_seconds is None:
            return line
        return f"{line} · {ctx.localize_html('embeddings.facts', dims=settings.dims, time=f'{map_seconds:.1f} s')}"


def settings_of(
    encoder: str,
    dims: str,
    n_neighbors: float,
    min_dist: float,
    seed: float | None,
    metric: Metric,
    method: Method,
) -> Settings:
    """Return the settings that the controls of the page stand for."""
    return Settings(encoder, int(dims), int(n_neighbors), float(min_dist), int(seed or 0), metric, method)
