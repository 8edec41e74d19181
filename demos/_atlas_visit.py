"""The map as one visitor meets it: their pictures and maps (`Visit`), and how new ones are made (`Atlas`)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import gradio as gr
import numpy as np
from torch import nn

from demos import _look as look
from demos._atlas import Collection, PictureMap, Prepared, Settings, collect, load_set, score
from demos._base import Context
from demos._scatter import file_url
from models import projection
from models.encoders import ENCODERS, as_encoder, load_encoder
from models.projection import MIN_PICTURES, Floats

NAME = "embeddings"
MAX_PICTURES = 2000
OPENING_PICK = 0


@dataclass(frozen=True, eq=False)
class Visit:
    """What one visitor's page is about; it lives in their `gr.State` only.

    Attributes:
        uploaded: Their pictures, or None for the built-in set.
        features: Encoder -> features (N, D) and the seconds they took.
        maps: What was drawn so far.
        shown: The map on the page.
        picked: Id of the picture whose neighbours are shown.
    """

    uploaded: Collection | None = None
    features: Mapping[str, tuple[Floats, float]] = field(default_factory=dict)
    maps: Mapping[Settings, PictureMap] = field(default_factory=dict)
    shown: Settings = Settings()
    picked: int = OPENING_PICK


@dataclass(frozen=True)
class Job:
    """A map that has to be made; `ticket` tells two equal wishes apart."""

    settings: Settings
    ticket: int


class Atlas:
    """What the page and the endpoint ask for."""

    def __init__(self, ctx: Context, kinds: Path, use_prepared: bool = True) -> None:
        self.ctx = ctx
        self._kinds = kinds
        self._folder = ctx.first_paint / NAME if use_prepared else None
        self._built_in = lru_cache(maxsize=1)(self._read_built_in)
        self._prepared = lru_cache(maxsize=None)(self._read_prepared)

    def _read_built_in(self) -> Collection:
        if self._folder and (self._folder / "set.json").is_file():
            return load_set(self._folder, self._kinds, MAX_PICTURES)
        return collect([self._kinds], MAX_PICTURES)

    def _read_prepared(self, encoder: str) -> Prepared | None:
        if self._folder and (path := self._folder / f"{encoder}.npz").is_file():
            return Prepared.load(path, len(self._built_in()))
        return None

    def collection(self, visit: Visit) -> Collection:
        """Returns the pictures a visit is about."""
        return visit.uploaded or self._built_in()

    def recall(self, visit: Visit, settings: Settings) -> Visit | None:
        """Returns the visit with the map in it if it exists already, ready-made or from before."""
        if settings in visit.maps:
            return replace(visit, shown=settings)
        prepared = None if visit.uploaded else self._prepared(settings.encoder)
        if prepared is None or not settings.is_usual():
            return None
        features = {**visit.features, settings.encoder: (prepared.features, prepared.seconds)}
        maps = {**visit.maps, settings: prepared.maps[settings.dims]}
        return replace(visit, features=features, maps=maps, shown=settings)

    def features(self, visit: Visit, encoder: str, progress: projection.Progress) -> tuple[Floats, float]:
        """Returns features (N, D) of the pictures of a visit and the seconds they took."""
        if encoder in visit.features:
            return visit.features[encoder]
        if not visit.uploaded and (prepared := self._prepared(encoder)):
            return prepared.features, prepared.seconds
        network, size = self._network(encoder)
        pictures = self.collection(visit).pictures()
        started = time.perf_counter()
        features = projection.embed_pictures(network, pictures, size, progress=progress)
        return features, time.perf_counter() - started

    def _network(self, encoder: str) -> tuple[nn.Module, int]:
        """Returns an encoder, one of ours or of other weights, and the side of the pictures it takes."""
        if encoder in ENCODERS:
            return load_encoder(encoder, self.ctx.load_model), ENCODERS[encoder].image_size
        return as_encoder(self.ctx.load_model(encoder))

    def draw(self, visit: Visit, settings: Settings, request: gr.Request | None, progress: gr.Progress) -> Visit:
        """Returns the visit with a new map in it; runs the encoder and UMAP as far as they are needed.

        Raises:
            gr.Error: If the pictures cannot be mapped.
        """
        say = self.ctx.say
        embedding = say(request, "embeddings.embedding")
        found = self.features(
            visit, settings.encoder, lambda done, total: progress((done, total), desc=embedding, unit="")
        )
        if not np.ptp(found[0], axis=0).any():
            raise look.sorry(self.ctx, request, "embeddings.all_alike")
        # Gradio shows a description only beside a number, even where there is none to tell.
        if not projection.is_ready():
            projection.warm_up()
            progress(0, desc=say(request, "embeddings.compiling"))
            projection.wait_until_ready()
        progress(0, desc=say(request, "embeddings.fitting"))
        started = time.perf_counter()
        layout = {key: value for key, value in asdict(settings).items() if key != "encoder"}
        coordinates = projection.project(found[0], **layout)
        seconds = time.perf_counter() - started
        scores = score(found[0], coordinates, self.collection(visit).labels, settings.n_neighbors)
        maps = {**visit.maps, settings: PictureMap(coordinates, scores, seconds)}
        return replace(visit, features={**visit.features, settings.encoder: found}, maps=maps, shown=settings)

    def take_in(self, paths: Sequence[str], request: gr.Request | None, progress: gr.Progress) -> Visit:
        """Returns a visit about the pictures of a visitor.

        Raises:
            gr.Error: If there are too few of them for a map.
        """
        reading = self.ctx.say(request, "embeddings.reading")
        uploaded = collect(
            [Path(path) for path in paths],
            MAX_PICTURES,
            lambda done, _: progress((done, None), desc=reading, unit="") if done % 20 == 0 else None,
        )
        if len(uploaded) < MIN_PICTURES:
            raise look.sorry(self.ctx, request, "embeddings.too_few", least=MIN_PICTURES, count=len(uploaded))
        return Visit(uploaded=uploaded)

    def sprite_url(self, collection: Collection) -> str:
        """Puts the thumbnails where the browser finds them and returns their address."""
        return file_url(self.ctx.save_bytes(collection.sprite.data, ".jpg"))
