"""What the map of pictures is made of, free of Gradio: pictures, maps, scores, tables and neighbours."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from demos._scatter import Sprite, jpeg, make_sprite, sprite_layout
from models.archives import iter_pictures
from models.images import square_crop
from models.metrics import centred_directions, knn_accuracy, nearest_neighbours, std_of_l2_normalized
from models.projection import Floats, Progress, clamp_neighbours, trustworthiness

KEPT_SIDE = 128  # pixels, the largest any encoder takes: pictures are kept as small JPEGs, not as files
KEPT_QUALITY = 92
KNN = 5


@dataclass(frozen=True)
class Settings:
    """One map: which encoder, and how UMAP lays its features out."""

    encoder: str = "simclr"
    dims: int = 2
    n_neighbors: int = 15
    min_dist: float = 0.1
    seed: int = 0

    def is_usual(self) -> bool:
        """Returns whether UMAP runs with the usual numbers, as in the ready-made maps of the built-in set."""
        return self == Settings(encoder=self.encoder, dims=self.dims)


@dataclass(frozen=True, eq=False)
class Collection:
    """N pictures as the map keeps them.

    Attributes:
        names: File names, unique.
        labels: Folder names, or None for pictures in no folder.
        read_jpegs: Gives the centre squares, `KEPT_SIDE` pixels wide.
        skipped: Reason code of `models.archives` -> number of files left out.
        ready_sprite: The thumbnails, if they were drawn before.
    """

    names: tuple[str, ...]
    labels: tuple[str | None, ...]
    read_jpegs: Callable[[], tuple[bytes, ...]]
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
        """The pictures as files."""
        return self.read_jpegs()

    def pictures(self) -> list[Image.Image]:
        """Returns all pictures, decoded."""
        return [Image.open(io.BytesIO(data)).convert("RGB") for data in self.jpegs]

    @cached_property
    def sprite(self) -> Sprite:
        """The thumbnails of all pictures."""
        return self.ready_sprite or make_sprite(self.pictures())


def collect(paths: Sequence[Path], max_pictures: int, progress: Progress | None = None) -> Collection:
    """Reads pictures from files and zips, keeping small copies only.

    Args:
        paths: Files, folders and zips mixed.
        max_pictures: What comes after that many is counted as skipped.
        progress: Called after every picture with the number so far and `max_pictures`.
    """
    skipped: Counter[str] = Counter()
    names, labels, jpegs = [], [], []
    # Twice the side: the centre square of a wide picture is cut from it, and should not have to be enlarged.
    for picture in iter_pictures(paths, max_pictures=max_pictures, max_side=2 * KEPT_SIDE, skipped=skipped):
        names.append(picture.name)
        labels.append(picture.label)
        jpegs.append(jpeg(square_crop(picture.image, KEPT_SIDE), KEPT_QUALITY))
        if progress is not None:
            progress(len(names), max_pictures)
    kept = tuple(jpegs)
    return Collection(tuple(names), tuple(labels), lambda: kept, dict(skipped))


def save_set(collection: Collection, folder: Path) -> None:
    """Writes names, labels and thumbnails, which is all of a collection that the page opens with."""
    words = {"names": collection.names, "labels": collection.labels}
    (folder / "set.json").write_text(json.dumps(words, ensure_ascii=False) + "\n", "utf-8")
    (folder / "sprite.jpg").write_bytes(collection.sprite.data)


def load_set(folder: Path, source: Path, max_pictures: int) -> Collection:
    """Reads what `save_set` wrote of the pictures in `source`; these are decoded when they are first needed.

    Raises:
        ValueError: In `Collection.jpegs`, if `source` holds other pictures than it did.
    """
    words = json.loads((folder / "set.json").read_text("utf-8"))
    names, labels = tuple(words["names"]), tuple(words["labels"])

    def read_jpegs() -> tuple[bytes, ...]:
        found = collect([source], max_pictures)
        if (found.names, found.labels) != (names, labels):
            raise ValueError(f"{source.name} has other pictures than {folder.name} tells of: precompute it again.")
        return found.jpegs

    cell, columns = sprite_layout(len(names))
    sprite = Sprite((folder / "sprite.jpg").read_bytes(), len(names), cell, columns)
    return Collection(names, labels, read_jpegs, ready_sprite=sprite)


@dataclass(frozen=True)
class Scores:
    """How good the features and the map are.

    Attributes:
        knn_accuracy: Share of labelled pictures whose `KNN` nearest neighbours vote for their label, or None.
        chance: Share one would get by always naming the commonest label, or None without labels.
        trustworthiness: Of the map, 0 to 1.
        collapse: Standard deviation of the normalised features times sqrt(D): 0 collapsed, 1 evenly spread.
    """

    knn_accuracy: float | None
    chance: float | None
    trustworthiness: float
    collapse: float


def score(features: Floats, coordinates: Floats, labels: Sequence[str | None], n_neighbors: int) -> Scores:
    """Measures features (N, D) and their map (N, dims)."""
    kinds = sorted({label for label in labels if label is not None})
    labelled = [index for index, label in enumerate(labels) if label is not None]
    accuracy = chance = None
    if len(kinds) > 1:
        numbers = torch.tensor([kinds.index(labels[index] or "") for index in labelled])
        accuracy = knn_accuracy(torch.from_numpy(features[labelled]), numbers, k=min(KNN, len(labelled) - 1))
        chance = float(numbers.bincount().max()) / len(labelled)
    return Scores(
        knn_accuracy=accuracy,
        chance=chance,
        trustworthiness=trustworthiness(features, coordinates, clamp_neighbours(n_neighbors, len(features))),
        collapse=std_of_l2_normalized(torch.from_numpy(features)),
    )


@dataclass(frozen=True, eq=False)
class PictureMap:
    """One map: coordinates (N, dims), its scores, and the seconds UMAP took (None if made in advance)."""

    coordinates: Floats
    scores: Scores
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is ready-made for one encoder on the built-in set.

    Attributes:
        features: (N, D).
        seconds: Time the encoder took.
        maps: Dimensions, 2 and 3 -> map.
    """

    features: Floats
    seconds: float
    maps: Mapping[int, PictureMap]

    def save(self, path: Path) -> None:
        """Writes a compressed npz; coordinates and features in half precision."""
        facts = {"seconds": self.seconds, "scores": {d: asdict(map_.scores) for d, map_ in self.maps.items()}}
        arrays = {f"map{dims}d": map_.coordinates.astype(np.float16) for dims, map_ in self.maps.items()}
        arrays |= {"features": self.features.astype(np.float16), "facts": np.array(json.dumps(facts))}
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path, count: int) -> Prepared:
        """Reads what `save` wrote.

        Raises:
            ValueError: If it was made for another number of pictures than `count`.
        """
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            arrays = {name: file[name].astype(np.float32) for name in file.files if name != "facts"}
        found = len(arrays["features"])
        if found != count:
            raise ValueError(f"{path.name} is of {found} pictures, not {count}: precompute it again.")
        maps = {
            int(dims): PictureMap(arrays[f"map{dims}d"], Scores(**scores)) for dims, scores in facts["scores"].items()
        }
        return cls(arrays["features"], facts["seconds"], maps)


def neighbours_of(features: Floats, index: int, k: int) -> list[tuple[int, float]]:
    """Returns the k pictures most like one, with their cosine similarities in the original feature space."""
    directions = centred_directions(torch.from_numpy(features))
    others = torch.cat([directions[:index], directions[index + 1 :]])
    ids, similarities = nearest_neighbours(directions[index : index + 1], others, k)
    pairs = zip(ids[0].tolist(), similarities[0].tolist(), strict=True)
    return [(i + (i >= index), similarity) for i, similarity in pairs]


def table_rows(collection: Collection, coordinates: Floats) -> list[list[Any]]:
    """Returns file, label (empty without one) and coordinates of every picture."""
    points = np.round(coordinates.astype(np.float64), 4).tolist()
    rows = zip(collection.names, collection.labels, points, strict=True)
    return [[name, label or "", *point] for name, label, point in rows]


def table_csv(rows: Sequence[Sequence[Any]]) -> bytes:
    """Writes rows of `table_rows` as CSV that spreadsheets open in the right encoding."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    width = max((len(row) for row in rows), default=4)
    writer.writerow(["file", "label", *"xyz"[: width - 2]])
    writer.writerows(rows)
    return buffer.getvalue().encode("utf-8-sig")
