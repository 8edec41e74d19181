"""What can be taken away from the map: coordinates as a table, pictures as a labelled set."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from demos._atlas import Collection
from models.embedding import Floats


def table_rows(collection: Collection, coordinates: Floats) -> list[list[Any]]:
    """Returns file, label (empty without one) and coordinates of every picture."""
    points = np.round(coordinates.astype(np.float64), 4).tolist()
    rows = zip(collection.names, collection.labels, points, strict=True)
    return [[name, label or "", *point] for name, label, point in rows]


def table_csv(collection: Collection, coordinates: Floats, ids: Sequence[int]) -> bytes:
    """Writes id, file, label and coordinates of some pictures as CSV that spreadsheets open in the right encoding."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["id", "file", "label", *"xyz"[: coordinates.shape[1]]])
    rows = table_rows(collection, coordinates)
    writer.writerows([index, *rows[index]] for index in ids)
    return buffer.getvalue().encode("utf-8-sig")


def pictures_zip(collection: Collection, ids: Sequence[int]) -> bytes:
    """Packs some pictures, centre squares of `KEPT_SIDE` pixels, into a zip with one folder a label.

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
    """Returns a label as the name of a folder that every system takes."""
    safe = "".join("_" if letter in '<>:"/\\|?*' or ord(letter) < 32 else letter for letter in label)
    return safe.strip(" .") or "_"
