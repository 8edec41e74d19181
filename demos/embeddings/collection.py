"""Collections of images and their maps, independent of Gradio: settings, scores, neighbours, exports."""

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
from models.analysis.metrics import knn_accuracy, std_of_l2_normalized
from models.analysis.neighbours import Metric, nearest_to
from models.analysis.projection import Method, clamp_neighbours, continuity, trustworthiness

MIN_NEIGHBOURS, MAX_NEIGHBOURS = 2, 100
MAX_SEED = 2**31 - 1

QUERY_SIDE = 1024  # pixels: a single image may be kept larger than those of a set
KNN = 5
GRID_NEIGHBOURS = (5, 15, 30, 60)
GRID_DISTANCES = (0.0, 0.1, 0.25, 0.5, 0.8)


@dataclass(frozen=True)
class Settings:
    """The encoder of a map and the parameters of its layout (see `models.analysis.projection.project`)."""

    encoder: str = "simclr"
    dims: int = 2
    n_neighbors: int = 15
    min_dist: float = 0.1
    seed: int = 0
    metric: Metric = "cosine"
    method: Method = "umap"

    def nearest_on_grid(self) -> Settings | None:
        """Return the nearest settings of the precomputed grid, or None if other fields than its axes are changed."""
        if self != Settings(self.encoder, n_neighbors=self.n_neighbors, min_dist=self.min_dist):
            return None
        near = min(GRID_NEIGHBOURS, key=lambda value: abs(np.log(value / self.n_neighbors)))
        return replace(self, n_neighbors=near, min_dist=min(GRID_DISTANCES, key=lambda d: abs(d - self.min_dist)))

    def layout(self) -> dict[str, Any]:
        """Return the arguments of `models.analysis.projection.project`."""
        return {name: value for name, value in asdict(self).items() if name != "encoder"}


@dataclass(frozen=True, eq=False)
class Collection:
    """N images with names and labels."""

    names: tuple[str, ...]  # of the files, unique
    labels: tuple[str | None, ...]  # names of the folders; None for images in no folder
    read_jpegs: Callable[[], tuple[bytes, ...]]  # centre squares of `KEPT_SIDE`, for the page and for small encoders
    originals: Originals  # of larger squares
    skipped: Mapping[str, int] = field(default_factory=dict)  # reason code of `models.data.archives` -> files left out
    saved_sprite: Sprite | None = None  # the thumbnails, if they were made in advance

    def __len__(self) -> int:
        return len(self.names)

    @property
    def num_labels(self) -> int:
        """Number of different labels."""
        return len(set(self.labels) - {None})

    @cached_property
    def jpegs(self) -> tuple[bytes, ...]:
        """The images as JPEG files."""
        return self.read_jpegs()

    @cached_property
    def hashes(self) -> tuple[bytes, ...]:
        """SHA-256 of each image, the key of cached features."""
        return tuple(hashlib.sha256(data).digest() for data in self.jpegs)

    def image(self, index: int) -> Image.Image:
        """Return one image, decoded."""
        return decode_jpeg(self.jpegs[index])

    def with_label(self, ids: Sequence[int], label: str | None) -> Collection:
        """Return the same images, some of them with another label."""
        changed = set(ids)
        labels = tuple(label if index in changed else old for index, old in enumerate(self.labels))
        # A lambda, so that a precomputed set is still decoded only when needed.
        return replace(self, labels=labels, read_jpegs=lambda: self.jpegs, saved_sprite=self.sprite)

    @cached_property
    def sprite(self) -> Sprite:
        """The thumbnails of all images."""
        return self.saved_sprite or make_sprite([decode_jpeg(jpeg) for jpeg in self.jpegs])


def collect(paths: Sequence[Path], max_images: int, progress: Progress | None = None) -> Collection:
    """Return the images of files and zips, with small copies in memory only."""
    skipped: Counter[str] = Counter()
    names, labels, jpegs = [], [], []
    for image in read_images(paths, max_images, KEPT_SIDE, skipped):
        names.append(image.name)
        labels.append(image.label)
        jpegs.append(square_jpeg(image.image, KEPT_SIDE))
        if progress is not None:
            progress(len(names), max_images)
    files = tuple(jpegs)
    return Collection(tuple(names), tuple(labels), lambda: files, Originals(paths, max_images), dict(skipped))


def query_jpeg(image: Image.Image) -> bytes:
    """Return the centre square of a query image as a JPEG, large enough for any encoder."""
    return square_jpeg(image, max(KEPT_SIDE, min(QUERY_SIDE, *image.size)))


def decode_jpeg(jpeg: bytes) -> Image.Image:
    """Return a JPEG as an RGB image."""
    return Image.open(io.BytesIO(jpeg)).convert("RGB")


@dataclass(frozen=True)
class Scores:
    """Quality of features and their map."""

    knn_accuracy: float | None  # of `KNN` nearest neighbours over the labelled images; None without labels
    chance: float | None  # accuracy of always predicting the most frequent label; None without labels
    trustworthiness: float  # of the map, 0 to 1
    continuity: float  # of the map, 0 to 1
    collapse: float  # std of the L2-normalised features times sqrt(D): 0 if all are alike; an offset keeps it under 1


def label_indices(labels: Sequence[str | None]) -> tuple[list[int], torch.Tensor]:
    """Return the indices of the images that have a label, and their labels as class indices, both of one length."""
    classes = sorted({label for label in labels if label is not None})
    known = [(index, classes.index(label)) for index, label in enumerate(labels) if label is not None]
    return [index for index, _ in known], torch.tensor([label for _, label in known], dtype=torch.long)


def score(features: Floats, coordinates: Floats, labels: Sequence[str | None], n_neighbors: int) -> Scores:
    """Measure features (N, D) and their map (N, dims)."""
    labelled, classes = label_indices(labels)
    accuracy = chance = None
    if len(classes.unique()) > 1:
        accuracy = knn_accuracy(torch.from_numpy(features[labelled]), classes, k=min(KNN, len(labelled) - 1))
        chance = float(classes.bincount().max()) / len(labelled)
    k = clamp_neighbours(n_neighbors, len(features))
    quality = trustworthiness(features, coordinates, k), continuity(features, coordinates, k)
    return Scores(accuracy, chance, *quality, std_of_l2_normalized(torch.from_numpy(features)))


@dataclass(frozen=True, eq=False)
class ImageMap:
    """Coordinates (N, dims), their scores, and the seconds the layout took (None if made in advance)."""

    coordinates: Floats
    scores: Scores
    seconds: float | None = None


def neighbours_of(features: Floats, index: int, k: int) -> list[tuple[int, float]]:
    """Return the k nearest neighbours of one image, with their cosine similarities in the feature space."""
    return [pair for pair in nearest_to(features[index], features, k + 1) if pair[0] != index][:k]


def table_rows(collection: Collection, coordinates: Floats) -> list[list[Any]]:
    """Return file, label (empty without one) and coordinates of every image."""
    points = np.round(coordinates.astype(np.float64), 4).tolist()
    rows = zip(collection.names, collection.labels, points, strict=True)
    return [[name, label or "", *point] for name, label, point in rows]


def table_csv(collection: Collection, coordinates: Floats, ids: Sequence[int]) -> bytes:
    """Return id, file, label and coordinates of some images as CSV, with a byte order mark for spreadsheets."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["id", "file", "label", *"xyz"[: coordinates.shape[1]]])
    rows = table_rows(collection, coordinates)
    writer.writerows([index, *rows[index]] for index in ids)
    return buffer.getvalue().encode("utf-8-sig")


def images_zip(collection: Collection, ids: Sequence[int]) -> bytes:
    """Return a zip of some images, centre squares of `KEPT_SIDE` pixels in one folder a label.

    The map and the trainer read such a file.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for index in ids:
            label = collection.labels[index]
            name = f"{index:05d}-{PurePosixPath(collection.names[index]).stem}.jpg"
            archive.writestr(name if label is None else f"{_folder(label)}/{name}", collection.jpegs[index])
    return buffer.getvalue()


def _folder(label: str) -> str:
    """Return a label as a folder name that is valid on every system."""
    safe = "".join("_" if letter in '<>:"/\\|?*' or ord(letter) < 32 else letter for letter in label)
    return safe.strip(" .") or "_"
