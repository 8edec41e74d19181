"""The map as one visitor meets it: their images and maps (`MapSession`), and how new ones are made (`Atlas`)."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.context import LocalContext
from torch import nn

from demos.core.context import Context
from demos.core.files import file_url
from demos.embeddings.collection import Collection, ImageMap, Settings, collect, opened, score
from demos.embeddings.originals import KEPT_SIDE, Chosen, OriginalsGoneError, square_jpeg
from demos.embeddings.precomputed import Prepared, load_set
from demos.ui import widgets
from demos.ui.progress import Step, Work, in_background
from models.analysis import projection
from models.analysis.embedding import PREPROCESSING_VERSION, Floats, embed_batches, embed_images
from models.analysis.projection import MIN_IMAGES
from models.encoders import ENCODERS, load_encoder
from models.hub.records import is_private
from models.networks.feature_extractors import as_encoder

MAX_BYTES = 128 * 2**20

NAME = "embeddings"
MAX_IMAGES = 10_000
OPENING_PICK = 0
# Seconds a layout takes for each image on a slow laptop; replaced by what was measured here.
EXPECTED = {"umap": 0.002, "tsne": 0.01, "pca": 0.0002}

FeaturesAndSeconds = tuple[Floats, float]


@dataclass(frozen=True, eq=False)
class MapSession:
    """What one visitor's page is about; it lives in their `gr.State` only.

    Attributes:
        uploaded: Their images, or None for the built-in set.
        relabelled: The images with labels that the visitor gave, or None while there are none.
        features: Encoder -> features (N, D) and the seconds they took.
        maps: What was drawn so far.
        shown: The map on the page.
        picked: Id of the image whose neighbours are shown.
        chosen: Ids in the lasso.
        guest: An image (as a JPEG) to place on the map without adding it.
    """

    uploaded: Collection | None = None
    relabelled: Collection | None = None
    features: Mapping[str, FeaturesAndSeconds] = field(default_factory=dict)
    maps: Mapping[Settings, ImageMap] = field(default_factory=dict)
    shown: Settings = Settings()
    picked: int = OPENING_PICK
    chosen: tuple[int, ...] = ()
    guest: bytes | None = None

    def showing(self, settings: Settings, found: FeaturesAndSeconds, drawn: ImageMap) -> MapSession:
        """Return the visit with a map, and the features it was made of, on the page."""
        features = {**self.features, settings.encoder: found}
        return replace(self, features=features, maps={**self.maps, settings: drawn}, shown=settings)


@dataclass(frozen=True)
class Job:
    """A map that has to be made; `ticket` tells two equal wishes apart."""

    settings: Settings
    ticket: int


def squares_of(collection: Collection, side: int) -> Work[Sequence[bytes]]:
    """Give the images of a set as JPEGs for an encoder of a side: those in memory, or larger ones cut for it."""
    if side <= KEPT_SIDE:
        return collection.jpegs
    started = time.perf_counter()
    if (squares := collection.originals.squares(side)) is None:
        for done in collection.originals.cut(side, collection.names):
            yield Step("embeddings.reading_larger", done / len(collection), started)
        squares = collection.originals.squares(side)
    assert squares is not None
    return squares


class Atlas:
    """What the page and the endpoints ask for."""

    def __init__(self, ctx: Context, kinds: Path, use_prepared: bool = True) -> None:
        self.ctx = ctx
        self.cache = FeatureCache()
        self._kinds = kinds
        self._folder = ctx.first_paint / NAME if use_prepared else None
        self._built_in = lru_cache(maxsize=1)(self._read_built_in)
        self._prepared = lru_cache(maxsize=None)(self._read_prepared)
        self._expected = dict(EXPECTED)
        self._pace: dict[str, float] = {}  # hash of weights -> seconds an image, when it was last measured

    def _read_built_in(self) -> Collection:
        if self._folder and (self._folder / "set.json").is_file():
            return load_set(self._folder, self._kinds, MAX_IMAGES)
        return collect([self._kinds], MAX_IMAGES)

    def _read_prepared(self, encoder: str) -> Prepared | None:
        if self._folder and (path := self._folder / f"{encoder}.npz").is_file():
            return Prepared.load(path, len(self._built_in()))
        return None

    def collection(self, visit: MapSession) -> Collection:
        """Return the images a visit is about, with the visitor's labels."""
        return visit.relabelled or visit.uploaded or self._built_in()

    def recall(self, visit: MapSession, settings: Settings) -> MapSession | None:
        """Return the visit with the map in it if it exists already, ready-made or from before."""
        if settings in visit.maps:
            return replace(visit, shown=settings)
        prepared = None if visit.uploaded else self._prepared(settings.encoder)
        if prepared is None or settings not in prepared.maps:
            return None
        drawn = prepared.maps[settings]
        if visit.relabelled:
            scores = score(prepared.features, drawn.coordinates, visit.relabelled.labels, settings.n_neighbors)
            drawn = replace(drawn, scores=scores)
        return visit.showing(settings, (prepared.features, prepared.seconds), drawn)

    def known_features(self, visit: MapSession, encoder: str) -> FeaturesAndSeconds | None:
        """Return features (N, D) that need no network any more, and the seconds they took; None if there are none."""
        if encoder in visit.features:
            return visit.features[encoder]
        if not visit.uploaded and (prepared := self._prepared(encoder)):
            return prepared.features, prepared.seconds
        return None

    def features(self, visit: MapSession, encoder: str) -> Work[FeaturesAndSeconds]:
        """Make the features (N, D) of the images of a visit, as far as they are not known.

        Gives them with the seconds the network takes for all of them, also where some were remembered.
        """
        if known := self.known_features(visit, encoder):
            return known
        collection = self.collection(visit)
        weights = self.weights_hash(encoder)
        rows = self.cache.get(weights, collection.hashes)
        missing = [index for index, row in enumerate(rows) if row is None]
        network, size = self.network(encoder)
        wanted = Chosen((yield from self.squares(collection, size)) if missing else (), missing)
        started, done = time.perf_counter(), 0
        for batch in embed_batches(network, wanted, size) if wanted else ():
            ids = missing[done : done + len(batch)]
            done += len(ids)
            # Before the cache knows the last image: this work may end at any `yield`, and another page may ask.
            self._pace[weights] = (time.perf_counter() - started) / done
            if not is_private(encoder):
                self.cache.put(weights, [collection.hashes[index] for index in ids], batch)
            for index, row in zip(ids, batch, strict=True):
                rows[index] = row
            yield Step("embeddings.embedding", done / len(missing), started)
        return np.stack([row for row in rows if row is not None]), self._pace[weights] * len(rows)

    def squares(self, collection: Collection, side: int) -> Work[Sequence[bytes]]:
        """Give the images of a set as an encoder of a side should see them; errors of `squares_of` are said.

        Raises:
            gr.Error: If they have to be read again, and the files are gone.
        """
        try:
            return (yield from squares_of(collection, side))
        except OriginalsGoneError as error:
            raise widgets.user_error(self.ctx, LocalContext.request.get(None), "embeddings.files_gone") from error

    def network(self, encoder: str) -> tuple[nn.Module, int]:
        """Return an encoder, one of ours or of other weights, and the side of the images it takes."""
        if encoder in ENCODERS:
            return load_encoder(encoder, self.ctx.load_model), ENCODERS[encoder].image_size(self.ctx.weights_info)
        return as_encoder(self.ctx.load_model(encoder))

    def weights_hash(self, encoder: str) -> str:
        """Return what changes whenever an encoder's weights do."""
        if encoder not in ENCODERS:
            record = self.ctx.library.record(encoder)
            return f"{encoder} {record.revision} {record.sha256}"
        checkpoint = ENCODERS[encoder].checkpoint
        return f"{encoder} {self.ctx.weights_info(checkpoint).sha256 if checkpoint else 'untrained'}"

    def feature_of(self, picture: bytes, encoder: str) -> Floats:
        """Return the features (D,) of one image."""
        network, size = self.network(encoder)
        image, side = opened(picture), max(KEPT_SIDE, size)  # as those of a set are seen
        square = picture if image.size == (side, side) else square_jpeg(image, side)
        features: Floats = embed_images(network, [square], size)[0]
        return features

    def draw(self, visit: MapSession, settings: Settings, request: gr.Request | None) -> Work[MapSession]:
        """Make a new map, running the encoder and the layout as far as they are needed; gives the visit with it.

        Raises:
            gr.Error: If the images cannot be mapped.
        """
        found = yield from self.features(visit, settings.encoder)
        if not np.ptp(found[0], axis=0).any():
            raise widgets.user_error(self.ctx, request, "embeddings.all_alike")
        if settings.method == "umap" and not projection.is_ready():
            projection.warm_up()
            yield from in_background("embeddings.compiling", projection.wait_until_ready, expected=15)
        started, count = time.perf_counter(), len(found[0])
        coordinates = yield from in_background(
            "embeddings.fitting",
            lambda: projection.project(found[0], **settings.layout()),
            expected=0.5 + self._expected[settings.method] * count,
        )
        seconds = time.perf_counter() - started
        self._expected[settings.method] = seconds / count
        scores = yield from in_background(
            "embeddings.scoring",
            lambda: score(found[0], coordinates, self.collection(visit).labels, settings.n_neighbors),
            expected=0.2 + 0.0005 * count,
        )
        return visit.showing(settings, found, ImageMap(coordinates, scores, seconds))

    def adopt(self, visit: MapSession, made: MapSession) -> MapSession:
        """Return a visit as it is now with the map that was made for it before, scored by the labels of now."""
        settings = made.shown
        found, drawn = made.features[settings.encoder], made.maps[settings]
        if visit.relabelled is not made.relabelled:
            scores = score(found[0], drawn.coordinates, self.collection(visit).labels, settings.n_neighbors)
            drawn = replace(drawn, scores=scores)
        return visit.showing(settings, found, drawn)

    def take_in(self, paths: Sequence[str], request: gr.Request | None, progress: gr.Progress) -> MapSession:
        """Return a visit about the images of a visitor.

        Raises:
            gr.Error: If there are too few of them for a map.
        """
        reading = self.ctx.localize(request, "embeddings.reading")
        uploaded = collect(
            [Path(path) for path in paths],
            MAX_IMAGES,
            lambda done, _: progress((done, None), desc=reading, unit="") if done % 20 == 0 else None,
        )
        if len(uploaded) < MIN_IMAGES:
            raise widgets.user_error(self.ctx, request, "embeddings.too_few", least=MIN_IMAGES, count=len(uploaded))
        return MapSession(uploaded=uploaded)

    def relabel(self, visit: MapSession, ids: Sequence[int], label: str | None) -> MapSession:
        """Return the visit with another label on some images, and its maps scored anew."""
        collection = self.collection(visit).relabelled(ids, label)
        drawn = visit.maps[visit.shown]
        features, _ = visit.features[visit.shown.encoder]
        scores = score(features, drawn.coordinates, collection.labels, visit.shown.n_neighbors)
        return replace(visit, relabelled=collection, maps={visit.shown: replace(drawn, scores=scores)})

    def sprite_urls(self, collection: Collection) -> list[str]:
        """Put the thumbnails where the browser finds them and returns their addresses."""
        sprite = collection.sprite
        return [file_url(self.ctx.save_bytes(sheet, sprite.suffix)) for sheet in sprite.sheets]


class FeatureCache:
    """Features by the hash of the image, the hash of the weights and the version of the preprocessing.

    Args:
        max_bytes: What features may take; the longest unused go first.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rows: OrderedDict[tuple[str, bytes, int], Floats] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, weights: str, images: Sequence[bytes]) -> list[Floats | None]:
        """Return the features (D,) of each image, None where they are not known.

        Args:
            weights: Hash of the weights.
            images: Hashes of the images.
        """
        with self._lock:
            found = []
            for picture in images:
                key = (weights, picture, PREPROCESSING_VERSION)
                row = self._rows.get(key)
                if row is not None:
                    self._rows.move_to_end(key)
                found.append(row)
            return found

    def put(self, weights: str, images: Sequence[bytes], features: Floats) -> None:
        """Remember features (N, D) of N images."""
        with self._lock:
            for picture, row in zip(images, features, strict=True):
                key = (weights, picture, PREPROCESSING_VERSION)
                if key not in self._rows:
                    self._rows[key] = np.array(row)
                    self._bytes += row.nbytes
            while self._bytes > self._max_bytes:
                _, oldest = self._rows.popitem(last=False)
                self._bytes -= oldest.nbytes
