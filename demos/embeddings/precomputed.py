"""What the map tab opens on, made in advance: the built-in set, and each encoder's features and maps of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demos.embeddings.collection import Collection, ImageMap, Scores, Settings, collect
from demos.embeddings.originals import Originals
from demos.ui.sprites import Form, Sprite, make_sprite, sprite_layout
from models.analysis.embedding import Floats

SHEETS: Form = "WEBP"
LEVELS = 16  # steps that features are told apart by, for their usual distance from the mean


def save_set(collection: Collection, folder: Path) -> None:
    """Write names, labels and thumbnails, which is all of a collection that the page opens with."""
    words = {"names": collection.names, "labels": collection.labels}
    (folder / "set.json").write_text(json.dumps(words, ensure_ascii=False) + "\n", "utf-8")
    sprite = make_sprite(collection.images(), SHEETS)
    for number, sheet in enumerate(sprite.sheets):
        (folder / f"sprite-{number}{sprite.suffix}").write_bytes(sheet)


def load_set(folder: Path, source: Path, max_images: int) -> Collection:
    """Read what `save_set` wrote of the images in `source`; these are decoded when they are first needed."""
    words = json.loads((folder / "set.json").read_text("utf-8"))
    names, labels = tuple(words["names"]), tuple(words["labels"])

    def read_jpegs() -> tuple[bytes, ...]:
        found = collect([source], max_images)
        if (found.names, found.labels) != (names, labels):
            raise ValueError(f"{source.name} has other pictures than {folder.name} tells of: precompute it again.")
        return found.jpegs

    sprite = Sprite((), len(names), *sprite_layout(len(names)), SHEETS)
    files = (folder / f"sprite-{sheet}{sprite.suffix}" for sheet in range(math.ceil(len(names) / sprite.capacity)))
    sprite = replace(sprite, sheets=tuple(file.read_bytes() for file in files))
    return Collection(names, labels, read_jpegs, Originals([source], max_images), ready_sprite=sprite)


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is ready-made for one encoder on the built-in set.

    Attributes:
        features: (N, D).
        seconds: Time the encoder took.
        maps: Settings -> map.
    """

    features: Floats
    seconds: float
    maps: Mapping[Settings, ImageMap]

    def save(self, path: Path) -> None:
        """Write a compressed npz: features as 8-bit numbers, every map as 16-bit numbers in its own range.

        Cosines around the mean move by about 0.001 thereby.
        """
        packed = [quantised(drawn.coordinates) for drawn in self.maps.values()]
        known = [
            {"settings": asdict(settings), "scores": asdict(drawn.scores), "range": span}
            for (settings, drawn), (_, span) in zip(self.maps.items(), packed, strict=True)
        ]
        levels, mean, step = rounded(self.features)
        facts = {"seconds": self.seconds, "maps": known, "step": step}
        arrays: dict[str, NDArray[Any]] = {f"map{place}": numbers for place, (numbers, _) in enumerate(packed)}
        arrays |= {"features": levels, "mean": mean, "facts": np.array(json.dumps(facts))}
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path, count: int) -> Prepared:
        """Read what `save` wrote.

        Raises:
            ValueError: If it was made for another number of images than `count`.
        """
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


def rounded(features: Floats) -> tuple[NDArray[np.int8], Floats, float]:
    """Return features (N, D) as whole steps from their mean, the mean (D,), and the size of a step."""
    mean = features.mean(axis=0)
    centred = features - mean
    step = max(float(np.sqrt((centred**2).mean())) / LEVELS, float(np.abs(centred).max()) / 127, 1e-12)
    return np.round(centred / step).astype(np.int8), mean, step


def quantised(coordinates: Floats) -> tuple[NDArray[np.int16], tuple[float, float]]:
    """Return coordinates as 16-bit numbers, and the lowest and the highest value they stand for."""
    low, high = float(coordinates.min()), float(coordinates.max())
    scale = 65535 / max(high - low, 1e-12)
    return np.round((coordinates - low) * scale - 32768).astype(np.int16), (low, high)


def dequantised(numbers: NDArray[np.int16], span: Sequence[float]) -> Floats:
    """Return the coordinates of which `quantised` made these numbers and this range."""
    low, high = span
    return np.asarray(low + (numbers.astype(np.float32) + 32768) * ((high - low) / 65535), dtype=np.float32)
