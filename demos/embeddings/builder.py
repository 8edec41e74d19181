"""Features and maps of a session's images: looked up where they exist, computed otherwise."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.context import LocalContext
from torch import nn

from demos.core.cache import LRUCache
from demos.core.context import Context
from demos.core.lent_gpu import BATCH_SIZE as LENT_BATCH_SIZE
from demos.core.lent_gpu import OnLentGPU
from demos.embeddings.collection import Collection, ImageMap, Settings, collect, decode_jpeg, score
from demos.embeddings.originals import KEPT_SIDE, JpegFiles, OriginalsGoneError, Subset, square_jpeg
from demos.embeddings.precomputed import Precomputed, load_set
from demos.embeddings.session import NAME, FeaturesAndSeconds, MapSession
from demos.ui import widgets
from demos.ui.left_out import too_few_error
from demos.ui.progress import Step, Work, in_background
from models.analysis import projection
from models.analysis.embedding import BATCH_SIZE, PREPROCESSING_VERSION, Floats, embed_batches, embed_images
from models.encoders import ENCODERS, load_encoder
from models.hub.records import is_private
from models.networks.feature_extractors import as_encoder

MAX_BYTES = 128 * 2**20  # of cached features
MAX_IMAGES = 10_000
# Seconds a layout takes for each image on a slow laptop; replaced by what was measured here.
EXPECTED = {"umap": 0.002, "tsne": 0.01, "pca": 0.0002}

CacheKey = tuple[str, bytes, int]  # hashes of the weights and of the image, version of the preprocessing


def squares_of(collection: Collection, side: int) -> Work[JpegFiles]:
    """Return the images of a set for an encoder of a side: those in memory, or larger ones read from the files."""
    if side <= KEPT_SIDE:
        return collection.jpegs
    return (yield from collection.originals.squares(side, collection.names))


class MapBuilder:
    """Makes features and maps for all sessions of one process; `archive` is the built-in set, as for `collect`."""

    def __init__(self, ctx: Context, archive: Path, use_precomputed: bool = True) -> None:
        self.ctx = ctx
        self._archive = archive
        self._folder = ctx.first_paint / NAME if use_precomputed else None
        self._features: LRUCache[CacheKey, Floats] = LRUCache(MAX_BYTES, lambda _, row: row.nbytes)
        self._precomputed = cache(self._read_precomputed)
        self._layout_seconds = dict(EXPECTED)  # method -> seconds an image, when it was last measured
        self._encoder_seconds: dict[str, float] = {}  # hash of weights -> seconds an image

    @cached_property
    def _built_in(self) -> Collection:
        if self._folder and (self._folder / "set.json").is_file():
            return load_set(self._folder, self._archive, MAX_IMAGES)
        return collect([self._archive], MAX_IMAGES)

    def _read_precomputed(self, encoder: str) -> Precomputed | None:
        if self._folder and (path := self._folder / f"{encoder}.npz").is_file():
            return Precomputed.load(path, len(self._built_in))
        return None

    def collection(self, session: MapSession) -> Collection:
        """Return the images of a session, with the visitor's labels."""
        return session.relabelled or session.uploaded or self._built_in

    def find_map(self, session: MapSession, settings: Settings) -> MapSession | None:
        """Return the session with the map shown if it was made before, here or in advance; None otherwise."""
        if settings in session.maps:
            return replace(session, shown=settings)
        ready = None if session.uploaded else self._precomputed(settings.encoder)
        if ready is None or settings not in ready.maps:
            return None
        found = ready.maps[settings]
        if session.relabelled:
            found = _scored_again(found, ready.features, session.relabelled, settings)
        return session.with_map(settings, (ready.features, ready.seconds), found)

    def known_features(self, session: MapSession, encoder: str) -> FeaturesAndSeconds | None:
        """Return features (N, D) that exist already, and the seconds they took; None if there are none."""
        if encoder in session.features:
            return session.features[encoder]
        if not session.uploaded and (ready := self._precomputed(encoder)):
            return ready.features, ready.seconds
        return None

    def features(self, session: MapSession, encoder: str) -> Work[FeaturesAndSeconds]:
        """Return the features (N, D) of a session, and the seconds the network takes for all images, cached or not."""
        if known := self.known_features(session, encoder):
            return known
        collection = self.collection(session)
        weights = self._weights_hash(encoder)
        keys = [(weights, image, PREPROCESSING_VERSION) for image in collection.hashes]
        rows = [self._features.get(key) for key in keys]
        missing = [index for index, row in enumerate(rows) if row is None]
        network, size = self.network(encoder)
        images = Subset((yield from self.squares(collection, size)) if missing else (), missing)
        batch_size = BATCH_SIZE
        if missing and self.ctx.profile == "zerogpu" and encoder not in ENCODERS:  # our own are small
            network, batch_size = OnLentGPU(network, self._say_gpu_failed), LENT_BATCH_SIZE
        started, done = time.perf_counter(), 0
        for batch in embed_batches(network, images, size, batch_size) if missing else ():
            ids = missing[done : done + len(batch)]
            done += len(ids)
            # Before the cache holds the last image: this work may end at any `yield`, and another page may ask.
            self._encoder_seconds[weights] = (time.perf_counter() - started) / done
            for index, row in zip(ids, batch, strict=True):
                rows[index] = row
                if not is_private(encoder):
                    self._features.put(keys[index], row.copy())  # a view would keep the whole batch in memory
            yield Step("embeddings.embedding", done / len(missing), started)
        return np.stack([row for row in rows if row is not None]), self._encoder_seconds[weights] * len(rows)

    def squares(self, collection: Collection, side: int) -> Work[JpegFiles]:
        """Return `squares_of` a set; a gr.Error if the files have to be read again and are gone."""
        try:
            return (yield from squares_of(collection, side))
        except OriginalsGoneError as error:
            raise widgets.user_error(self.ctx, LocalContext.request.get(None), "embeddings.files_gone") from error

    def network(self, encoder: str) -> tuple[nn.Module, int]:
        """Return an encoder, one of ours or of other weights, and the side of the images it takes."""
        if encoder in ENCODERS:
            return load_encoder(encoder, self.ctx.load_model), ENCODERS[encoder].image_size(self.ctx.weights_info)
        return as_encoder(self.ctx.load_model(encoder))

    def _say_gpu_failed(self) -> None:
        gr.Warning(self.ctx.localize(LocalContext.request.get(None), "embeddings.gpu_failed"))

    def _weights_hash(self, encoder: str) -> str:
        """Return a text that changes whenever the weights of an encoder do."""
        if encoder not in ENCODERS:
            record = self.ctx.library.record(encoder)
            return f"{encoder} {record.revision} {record.sha256}"
        checkpoint = ENCODERS[encoder].checkpoint
        return f"{encoder} {self.ctx.weights_info(checkpoint).sha256 if checkpoint else 'untrained'}"

    def query_features(self, jpeg: bytes, encoder: str) -> Floats:
        """Return the features (D,) of one image, preprocessed as those of a set are."""
        network, size = self.network(encoder)
        image, side = decode_jpeg(jpeg), max(KEPT_SIDE, size)
        square = jpeg if image.size == (side, side) else square_jpeg(image, side)
        features: Floats = embed_images(network, [square], size)[0]
        return features

    def build_map(self, session: MapSession, settings: Settings, request: gr.Request | None) -> Work[MapSession]:
        """Return the session with a new map, running the encoder only if needed; a gr.Error if all images are alike."""
        found = yield from self.features(session, settings.encoder)
        features, count = found[0], len(found[0])
        if not np.ptp(features, axis=0).any():
            raise widgets.user_error(self.ctx, request, "embeddings.all_alike")
        if settings.method == "umap" and not projection.is_ready():
            projection.warm_up()
            yield from in_background("embeddings.compiling", projection.wait_until_ready, expected=15)
        started = time.perf_counter()
        coordinates = yield from in_background(
            "embeddings.fitting",
            lambda: projection.project(features, **settings.layout()),
            expected=0.5 + self._layout_seconds[settings.method] * count,
        )
        seconds = time.perf_counter() - started
        self._layout_seconds[settings.method] = seconds / count
        scores = yield from in_background(
            "embeddings.scoring",
            lambda: score(features, coordinates, self.collection(session).labels, settings.n_neighbors),
            expected=0.2 + 0.0005 * count,
        )
        return session.with_map(settings, found, ImageMap(coordinates, scores, seconds))

    def find_or_build(self, session: MapSession, settings: Settings, request: gr.Request | None) -> Work[MapSession]:
        """Return the session with a map, computing it if it does not exist."""
        return self.find_map(session, settings) or (yield from self.build_map(session, settings, request))

    def merge(self, session: MapSession, built: MapSession) -> MapSession:
        """Return the current session with a map that was built for an earlier one, scored by the current labels."""
        settings, image_map = built.shown, built.shown_map
        if session.relabelled is not built.relabelled:
            image_map = _scored_again(image_map, built.shown_features, self.collection(session), settings)
        return session.with_map(settings, built.features[settings.encoder], image_map)

    def read_upload(self, paths: Sequence[str], request: gr.Request | None, progress: gr.Progress) -> MapSession:
        """Return a session with the images of a visitor; a gr.Error if they are too few for a map."""
        reading = self.ctx.localize(request, "embeddings.reading")
        uploaded = collect(
            [Path(path) for path in paths],
            MAX_IMAGES,
            lambda done, _: progress((done, None), desc=reading, unit="") if done % 20 == 0 else None,
        )
        if len(uploaded) < projection.MIN_IMAGES:
            values = {"least": projection.MIN_IMAGES, "count": len(uploaded)}
            sentence = self.ctx.localize(request, "embeddings.too_few", **values)
            raise too_few_error(self.ctx, request, sentence, uploaded.skipped)
        return MapSession(uploaded=uploaded)

    def relabel(self, session: MapSession, ids: Sequence[int], label: str | None) -> MapSession:
        """Return the session with another label on some images, and its map scored by it."""
        collection, settings = self.collection(session).with_label(ids, label), session.shown
        image_map = _scored_again(session.shown_map, session.shown_features, collection, settings)
        return replace(session, relabelled=collection, maps={settings: image_map})


def _scored_again(image_map: ImageMap, features: Floats, collection: Collection, settings: Settings) -> ImageMap:
    scores = score(features, image_map.coordinates, collection.labels, settings.n_neighbors)
    return replace(image_map, scores=scores)
