"""The state of one visitor's page on the map tab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from demos.embeddings.collection import Collection, ImageMap, Settings
from models.analysis.embedding import Floats

NAME = "embeddings"

FeaturesAndSeconds = tuple[Floats, float]


@dataclass(frozen=True, eq=False)
class MapSession:
    """Images, maps and selections of one page; kept in its `gr.State` only."""

    uploaded: Collection | None = None  # the visitor's images; None for the built-in set
    relabelled: Collection | None = None  # the images with labels that the visitor assigned
    features: Mapping[str, FeaturesAndSeconds] = field(default_factory=dict)  # by encoder
    maps: Mapping[Settings, ImageMap] = field(default_factory=dict)
    shown: Settings = Settings()  # of the map on the page
    picked: int = 0  # id of the image whose neighbours are shown
    selected: tuple[int, ...] = ()  # ids in the lasso
    query: bytes | None = None  # an image (as a JPEG) to place on the map without adding it

    def with_map(self, settings: Settings, features: FeaturesAndSeconds, image_map: ImageMap) -> MapSession:
        """Return the session with a map, and the features it was made of, on the page."""
        known = {**self.features, settings.encoder: features}
        return replace(self, features=known, maps={**self.maps, settings: image_map}, shown=settings)

    @property
    def shown_map(self) -> ImageMap:
        """The map on the page."""
        return self.maps[self.shown]

    @property
    def shown_features(self) -> Floats:
        """The features (N, D) that the map on the page was made of."""
        return self.features[self.shown.encoder][0]


@dataclass(frozen=True)
class Job:
    """A map that has to be made; `ticket` makes two requests for the same settings unequal."""

    settings: Settings
    ticket: int
