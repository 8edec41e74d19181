"""Features remembered by content, so that no picture goes through the same network twice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from models.embedding import PREPROCESSING_VERSION, Floats

MAX_BYTES = 128 * 2**20


class FeatureCache:
    """Features by the hash of the picture, the hash of the weights and the version of the preprocessing.

    Args:
        max_bytes: What features may take; the longest unused go first.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rows: OrderedDict[tuple[str, bytes, int], Floats] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, weights: str, pictures: Sequence[bytes]) -> list[Floats | None]:
        """Returns the features (D,) of each picture, None where they are not known.

        Args:
            weights: Hash of the weights.
            pictures: Hashes of the pictures.
        """
        with self._lock:
            found = []
            for picture in pictures:
                key = (weights, picture, PREPROCESSING_VERSION)
                row = self._rows.get(key)
                if row is not None:
                    self._rows.move_to_end(key)
                found.append(row)
            return found

    def put(self, weights: str, pictures: Sequence[bytes], features: Floats) -> None:
        """Remembers features (N, D) of N pictures."""
        with self._lock:
            for picture, row in zip(pictures, features, strict=True):
                key = (weights, picture, PREPROCESSING_VERSION)
                if key not in self._rows:
                    self._rows[key] = np.array(row)
                    self._bytes += row.nbytes
            while self._bytes > self._max_bytes:
                _, oldest = self._rows.popitem(last=False)
                self._bytes -= oldest.nbytes
