"""What the map of images is made of, free of Gradio: images, maps, scores, tables and neighbours."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from PIL import Image

from demos.embeddings.originals import KEPT_SIDE, Originals, read_images, square_jpeg
from demos.ui.sprites import Sprite, make_sprite
from models.analysis.embedding import Floats, Progress
from models.analysis.metrics import centred_directions, knn_accuracy, nearest_neighbours, std_of_l2_normalized
from models.analysis.neighbours import Metric
from models.analysis.projection import Method, clamp_neighbours, continuity, trustworthiness

MIN_NEIGHBOURS, MAX_NEIGHBOURS = 2, 100
MAX_SEED = 2**31 - 1

GUEST_SIDE = 1024  # pixels: a single image may be kept larger than those of a set
KNN = 5
GRID_NEIGHBOURS = (5, 15, 30, 60)
GRID_DISTANCES = (0.0, 0.1, 0.25, 0.5, 0.8)


@dataclass(frozen=True)
class Settings:
    """One map: which encoder, and how its features are laid out (see `models.analysis.projection.project`)."""

    encoder: str = "simclr"
    dims: int = 2
    n_neighbors: int = 15
    min_dist: float = 0.1
    seed: int = 0
    metric: Metric = "cosine"
    method: Method = "umap"

    def is_usual(self) -> bool:
        """Return whether UMAP runs with the usual numbers, as in the ready-made maps of the built-in set."""
        return self == Settings(encoder=self.encoder, dims=self.dims)

    def on_grid(self) -> Settings | None:
        """Return the nearest settings of the ready-made grid, or None where these differ in more than its axes."""
        if self != Settings(self.encoder, n_neighbors=self.n_neighbors, min_dist=self.min_dist):
            return None
        near = min(GRID_NEIGHBOURS, key=lambda value: abs(np.log(value / self.n_neighbors)))
        return replace(self, n_neighbors=near, min_dist=min(GRID_DISTANCES, key=lambda d: abs(d - self.min_dist)))

    def layout(self) -> dict[str, Any]:
        """Return the arguments of `models.analysis.projection.project`."""
        return {name: value for name, value in asdict(self).items() if name != "encoder"}


@dataclass(frozen=True, eq=False)
class Collection:
    """N images as the map keeps them.

    Attributes:
        names: File names, unique.
        labels: Folder names, or None for images in no folder.
        read_jpegs: Gives the centre squares, `KEPT_SIDE` pixels wide, for the page and for small encoders.
        originals: Cuts larger squares, for encoders that take larger ones.
        skipped: Reason code of `models.data.archives` -> number of files left out.
        ready_sprite: The thumbnails, if they were drawn before.
    """

    names: tuple[str, ...]
    labels: tuple[str | None, ...]
    read_jpegs: Callable[[], tuple[bytes, ...]]
    originals: Originals
    skipped: Mapping[str, int] = field(default_factory=dict)
    ready_sprite: Sprite | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def num_kinds(self) -> int:
        """How many different labels there are."""
        return len({label for label in self.labels if label is not None})

    @cached_property
    def jpegs(self) -> tuple[bytes, ...]:
        """The images as files."""
        return self.read_jpegs()

    @cached_property
    def hashes(self) -> tuple[bytes, ...]:
        """What tells the images apart by their content."""
        return tuple(hashlib.sha256(data).digest() for data in self.jpegs)

    def image(self, index: int) -> Image.Image:
        """Return one image, decoded."""
        return opened(self.jpegs[index])

    def images(self) -> list[Image.Image]:
        """Return all images, decoded."""
        return [self.image(index) for index in range(len(self))]

    def relabelled(self, ids: Sequence[int], label: str | None) -> Collection:
        """Return the same images, some of them with another label."""
        changed = set(ids)
        labels = tuple(label if index in changed else old for index, old in enumerate(self.labels))
        # By way of a function, so that ready-made sets are still decoded only when needed.
        return replace(self, labels=labels, read_jpegs=lambda: self.jpegs, ready_sprite=self.sprite)

    @cached_property
    def sprite(self) -> Sprite:
        """The thumbnails of all images."""
        return self.ready_sprite or make_sprite(self.images())


def collect(paths: Sequence[Path], max_images: int, progress: Progress | None = None) -> Collection:
    """Read images from files and zips, keeping small copies only."""
    skipped: Counter[str] = Counter()
    names, labels, jpegs = [], [], []
    for picture in read_images(paths, max_images, KEPT_SIDE, skipped):
        names.append(picture.name)
        labels.append(picture.label)
        jpegs.append(square_jpeg(picture.image, KEPT_SIDE))
        if progress is not None:
            progress(len(names), max_images)
    files = tuple(jpegs)
    return Collection(tuple(names), tuple(labels), lambda: files, Originals(paths, max_images), dict(skipped))


def guest_jpeg(image: Image.Image) -> bytes:
    """Return the centre square of a single image as a JPEG, large enough for any encoder that may see it."""
    return square_jpeg(image, max(KEPT_SIDE, min(GUEST_SIDE, *image.size)))


def opened(picture: bytes) -> Image.Image:
    """Return a JPEG that the map keeps as an image again."""
    return Image.open(io.BytesIO(picture)).convert("RGB")


@dataclass(frozen=True)
class Scores:
    """How good the features and the map are.

    Attributes:
        knn_accuracy: Share of labelled images whose `KNN` nearest neighbours vote for their label, or None.
        chance: Share one would get by always naming the commonest label, or None without labels.
        trustworthiness: Of the map, 0 to 1.
        continuity: Of the map, 0 to 1.
        collapse: Standard deviation of the normalised features times sqrt(D): 0 collapsed, 1 evenly spread.
    """

    knn_accuracy: float | None
    chance: float | None
    trustworthiness: float
    continuity: float
    collapse: float


def numbered(labels: Sequence[str | None]) -> tuple[list[int], torch.Tensor]:
    """Return the places of the images that have a label, and their labels as numbers from 0, both of one length."""
    kinds = sorted({label for label in labels if label is not None})
    known = [(place, kinds.index(label)) for place, label in enumerate(labels) if label is not None]
    return [place for place, _ in known], torch.tensor([kind for _, kind in known], dtype=torch.long)


def score(features: Floats, coordinates: Floats, labels: Sequence[str | None], n_neighbors: int) -> Scores:
    """Measure features (N, D) and their map (N, dims)."""
    labelled, numbers = numbered(labels)
    accuracy = chance = None
    if len(numbers.unique()) > 1:
        accuracy = knn_accuracy(torch.from_numpy(features[labelled]), numbers, k=min(KNN, len(labelled) - 1))
        chance = float(numbers.bincount().max()) / len(labelled)
    counted = clamp_neighbours(n_neighbors, len(features))
    return Scores(
        knn_accuracy=accuracy,
        chance=chance,
        trustworthiness=trustworthiness(features, coordinates, counted),
        continuity=continuity(features, coordinates, counted),
        collapse=std_of_l2_normalized(torch.from_numpy(features)),
    )


@dataclass(frozen=True, eq=False)
class ImageMap:
    """One map: coordinates (N, dims), its scores, and the seconds UMAP took (None if made in advance)."""

    coordinates: Floats
    scores: Scores
    seconds: float | None = None


def neighbours_of(features: Floats, index: int, k: int) -> list[tuple[int, float]]:
    """Return the k images most like one, with their cosine similarities in the original feature space."""
    directions = centred_directions(torch.from_numpy(features))
    others = torch.cat([directions[:index], directions[index + 1 :]])
    ids, similarities = nearest_neighbours(directions[index : index + 1], others, k)
    pairs = zip(ids[0].tolist(), similarities[0].tolist(), strict=True)
    return [(i + (i >= index), similarity) for i, similarity in pairs]


def table_rows(collection: Collection, coordinates: Floats) -> list[list[Any]]:
    """Return file, label (empty without one) and coordinates of every image."""
    points = np.round(coordinates.astype(np.float64), 4).tolist()
    rows = zip(collection.names, collection.labels, points, strict=True)
    return [[name, label or "", *point] for name, label, point in rows]


def table_csv(collection: Collection, coordinates: Floats, ids: Sequence[int]) -> bytes:
    """Write id, file, label and coordinates of some images as CSV that spreadsheets open in the right encoding."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["id", "file", "label", *"xyz"[: coordinates.shape[1]]])
    rows = table_rows(collection, coordinates)
    writer.writerows([index, *rows[index]] for index in ids)
    return buffer.getvalue().encode("utf-8-sig")


def images_zip(collection: Collection, ids: Sequence[int]) -> bytes:
    """Pack some images, centre squares of `KEPT_SIDE` pixels, into a zip with one folder a label.

    That is what the map and the trainer read: whoever wants to go on with a lasso gives them this file.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for index in ids:
            label = collection.labels[index]
            folder = PurePosixPath(*(() if label is None else (_folder(label),)))
            stem = PurePosixPath(collection.names[index]).stem
            archive.writestr(str(folder / f"{index:05d}-{stem}.jpg"), collection.jpegs[index])
    return buffer.getvalue()


def _folder(label: str) -> str:
    """Return a label as the name of a folder that every system takes."""
    safe = "".join("_" if letter in '<>:"/\\|?*' or ord(letter) < 32 else letter for letter in label)
    return safe.strip(" .") or "_"
