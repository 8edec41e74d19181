"""Files for the first paint: the built-in set, and each encoder's features and maps of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from demos.embeddings.collection import Collection, ImageMap, Scores, Settings, collect, decode_jpeg
from demos.embeddings.originals import Originals
from demos.ui.sprites import Form, Sprite, make_sprite, sprite_layout
from models.analysis.embedding import Floats

SHEETS: Form = "WEBP"
ROWS_FILE = "rows.json"
LEVELS = 16  # quantisation steps per standard deviation of the features


def save_set(collection: Collection, folder: Path) -> None:
    """Write names, labels and thumbnails, which is what the page needs of a collection at first."""
    facts = {"names": collection.names, "labels": collection.labels}
    (folder / "set.json").write_text(json.dumps(facts, ensure_ascii=False) + "\n", "utf-8")
    sprite = make_sprite([decode_jpeg(jpeg) for jpeg in collection.jpegs], SHEETS)
    for number, sheet in enumerate(sprite.sheets):
        (folder / f"sprite-{number}{sprite.suffix}").write_bytes(sheet)


def load_set(folder: Path, source: Path, max_images: int) -> Collection:
    """Return the collection that `save_set` wrote; the images are read from `source` when they are first needed."""
    facts = json.loads((folder / "set.json").read_text("utf-8"))
    names, labels = tuple(facts["names"]), tuple(facts["labels"])

    def read_jpegs() -> tuple[bytes, ...]:
        found = collect([source], max_images)
        if (found.names, found.labels) != (names, labels):
            raise ValueError(f"{source.name} has other pictures than {folder.name} lists: precompute it again.")
        return found.jpegs

    sprite = Sprite((), len(names), *sprite_layout(len(names)), SHEETS)
    files = (folder / f"sprite-{sheet}{sprite.suffix}" for sheet in range(math.ceil(len(names) / sprite.capacity)))
    sprite = replace(sprite, sheets=tuple(file.read_bytes() for file in files))
    return Collection(names, labels, read_jpegs, Originals([source], max_images), saved_sprite=sprite)


@dataclass(frozen=True, eq=False)
class Precomputed:
    """Features (N, D) of the built-in set, the seconds its encoder took, and its maps."""

    features: Floats
    seconds: float
    maps: Mapping[Settings, ImageMap]

    def save(self, path: Path) -> None:
        """Write a compressed npz: features in 8 bits, every map in 16 bits scaled to its own range.

        This changes cosines around the mean by about 0.001.
        """
        packed = [quantised(image_map.coordinates) for image_map in self.maps.values()]
        known = [
            {"settings": asdict(settings), "scores": asdict(image_map.scores), "range": span}
            for (settings, image_map), (_, span) in zip(self.maps.items(), packed, strict=True)
        ]
        levels, mean, step = quantised_features(self.features)
        facts = {"seconds": self.seconds, "maps": known, "step": step}
        arrays: dict[str, NDArray[Any]] = {f"map{place}": numbers for place, (numbers, _) in enumerate(packed)}
        arrays |= {"features": levels, "mean": mean, "facts": np.array(json.dumps(facts))}
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path, count: int) -> Precomputed:
        """Return what `save` wrote; raises a ValueError if it is of another number of images than `count`."""
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            features = file["mean"] + file["features"].astype(np.float32) * np.float32(facts["step"])
            whole = [file[f"map{place}"] for place in range(len(facts["maps"]))]
        if len(features) != count:
            raise ValueError(f"{path.name} is of {len(features)} pictures, not {count}: precompute it again.")
        maps = {}
        for known, numbers in zip(facts["maps"], whole, strict=True):
            coordinates = dequantised(numbers, known["range"])
            maps[Settings(**known["settings"])] = ImageMap(coordinates, Scores(**known["scores"]))
        return cls(features, facts["seconds"], maps)


@dataclass(frozen=True)
class Row:
    """Scores of one encoder on a set of images."""

    scores: Scores
    probe: float | None  # accuracy of a linear probe; None without labels
    rank: float  # effective rank of the features
    width: int  # dimension of the features
    milliseconds: float  # for one image


ROWS = TypeAdapter(dict[str, Row])


def save_rows(rows: dict[str, Row], folder: Path) -> None:
    """Write the table of the built-in set."""
    (folder / ROWS_FILE).write_bytes(ROWS.dump_json(rows, indent=1))


def load_rows(folder: Path) -> dict[str, Row]:
    """Return what `save_rows` wrote; empty if there is no table."""
    path = folder / ROWS_FILE
    return ROWS.validate_json(path.read_bytes()) if path.is_file() else {}


def quantised_features(features: Floats) -> tuple[NDArray[np.int8], Floats, float]:
    """Return features (N, D) as steps from their mean in 8 bits, the mean (D,), and the size of a step."""
    mean = features.mean(axis=0)
    centred = features - mean
    step = max(float(np.sqrt((centred**2).mean())) / LEVELS, float(np.abs(centred).max()) / 127, 1e-12)
    return np.round(centred / step).astype(np.int8), mean, step


def quantised(coordinates: Floats) -> tuple[NDArray[np.int16], tuple[float, float]]:
    """Return coordinates in 16 bits, and the values that the smallest and the largest number stand for."""
    low, high = float(coordinates.min()), float(coordinates.max())
    scale = 65535 / max(high - low, 1e-12)
    return np.round((coordinates - low) * scale - 32768).astype(np.int16), (low, high)


def dequantised(numbers: NDArray[np.int16], span: Sequence[float]) -> Floats:
    """Return the coordinates from the output of `quantised`."""
    low, high = span
    return np.asarray(low + (numbers.astype(np.float32) + 32768) * ((high - low) / 65535), dtype=np.float32)
