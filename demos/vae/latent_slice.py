"""Slices of a latent space that the page moves in, and the function that decodes a point of one.

A slice is a point with K directions: a plane through three images, a few dimensions of one image, or the one
direction from apples to oranges. The page knows a slice by a key and sends K coordinates; a drag asks far too often
for an event of the queue, so this is a function that the component's script calls (`gr.HTML(server_functions=...)`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import ref

import torch
from torch import Tensor

from demos.core.cache import LRUCache
from demos.ui.images import data_url
from demos.vae.interpolation import GlobalAutoencoder, images_of
from demos.vae.networks import Networks
from models.analysis.latents import LatentStatistics

CAPACITY = 256  # slices; a page whose own was forgotten asks for it anew
LARGEST_COORDINATE = 1e3
USUAL = (0.02, 0.98)  # share of the measured images that lies nearer to the centre, between which a point is usual


@dataclass(frozen=True)
class LatentSlice:
    """A point (D,) of a model's latent space with K directions (K, D)."""

    model: str
    origin: Tensor
    directions: Tensor

    def at(self, coordinates: Sequence[float]) -> Tensor:
        """Return the latent (D,) at K coordinates."""
        return self.origin + torch.tensor(coordinates) @ self.directions

    @property
    def key(self) -> str:
        """A name that equal slices share."""
        digest = hashlib.sha256(self.model.encode())
        for part in (self.origin, self.directions):
            digest.update(part.contiguous().numpy().tobytes())
        return digest.hexdigest()[:24]


class _Entry(NamedTuple):
    """A slice, its network as long as that is loaded, and the statistics of its model's latents."""

    slice: LatentSlice
    network: ref[GlobalAutoencoder]
    statistics: LatentStatistics


class LatentSlices:
    """The slices that pages move in at the moment; safe to use from many threads."""

    def __init__(self, networks: Networks) -> None:
        self.networks = networks
        self._entries: LRUCache[str, _Entry] = LRUCache(CAPACITY, lambda key, entry: 1)

    def add(self, latent_slice: LatentSlice) -> str:
        """Remember a slice of a model with one vector an image, and return its key.

        The model is looked up here, in an event: when a script asks for a point later, Gradio does not tell whose page
        it is, and a visitor's own model is handed to its owner only.
        """
        network = self.networks.vector(latent_slice.model)
        entry = _Entry(latent_slice, ref(network), self.networks.statistics(latent_slice.model))
        self._entries.put(latent_slice.key, entry)
        return latent_slice.key

    def decode(self, query: Any) -> dict[str, Any]:
        """Decode a point, which a browser asks for as ``[key, coordinates]``.

        Return ``image`` (data URL), ``share`` of the measured images that lies nearer to the centre, and ``place``
        ("near", "usual" or "far"); or ``{"gone": True}`` where no such slice is known, its network was released, or
        the coordinates are not a point of it.
        """
        found = self._find(query)
        network = found[0].network() if found else None
        if found is None or network is None:
            return {"gone": True}
        (latent_slice, _, statistics), coordinates = found
        z = latent_slice.at(coordinates)
        share = statistics.share_nearer(float(statistics.distance(z)))
        place = "near" if share < USUAL[0] else "far" if share > USUAL[1] else "usual"
        return {"image": data_url(images_of(network, z[None])[0]), "share": round(share, 3), "place": place}

    def _find(self, query: Any) -> tuple[_Entry, list[float]] | None:
        if not isinstance(query, list) or len(query) != 2:
            return None
        key, coordinates = query
        entry = self._entries.get(key) if isinstance(key, str) else None
        if entry is None or not isinstance(coordinates, list) or len(coordinates) != len(entry.slice.directions):
            return None
        numbers = [float(number) for number in coordinates if isinstance(number, int | float)]
        fits = all(math.isfinite(number) and abs(number) <= LARGEST_COORDINATE for number in numbers)
        return (entry, numbers) if fits and len(numbers) == len(coordinates) else None
