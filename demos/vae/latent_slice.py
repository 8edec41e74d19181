"""Flat pieces of a latent space that the page moves in, and the function that paints a point of one.

A flat is a point with K directions: a plane through three images, a few numbers of one image, or the one
direction from apples to oranges. The page knows a flat by a key and sends K coordinates; a drag asks far too often
for an event of the queue, so this is a function that the component's script calls (`gr.HTML(server_functions=...)`).
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import ref

import torch
from PIL import Image
from torch import Tensor

from demos.ui.images import data_url
from demos.vae.interpolation import SMALL_SIDE, GlobalAutoencoder, images_of
from demos.vae.networks import Networks
from models.analysis.latents import LatentStatistics
from models.data.images import square_crop

REMEMBERED = 256  # flats; a page whose own was forgotten asks for it anew
FARTHEST = 1e3  # of a coordinate
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
        """A name that equal flats share."""
        digest = hashlib.sha256(self.model.encode())
        for part in (self.origin, self.directions):
            digest.update(part.contiguous().numpy().tobytes())
        return digest.hexdigest()[:24]


class Known(NamedTuple):
    """A flat with what paints it: the network as long as it is loaded, and what is known of its latents."""

    flat: LatentSlice
    network: ref[GlobalAutoencoder]
    statistics: LatentStatistics


class Flats:
    """The flats that pages move in at the moment; safe to use from many threads."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._guard = threading.Lock()

    def add(self, flat: LatentSlice) -> str:
        """Remember a flat of a model with one vector an image, and returns its key.

        The model is looked up here, in an event: when a script asks for a point later, Gradio does not tell whose page
        it is, and a visitor's own model is handed to its owner only.
        """
        network = self._networks.vector(flat.model)
        assert network is not None
        known = Known(flat, ref(network), self._networks.statistics(flat.model))
        with self._guard:
            self._known[flat.key] = known
            self._known.move_to_end(flat.key)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return flat.key

    def look(self) -> Callable[[Any], dict[str, Any]]:
        """Return the function for a component's script: ``look([key, coordinates])``."""

        def look(asked: Any) -> dict[str, Any]:
            return self.paint(asked)

        return look

    def paint(self, asked: Any) -> dict[str, Any]:
        """Paint a point.

        Args:
            asked: ``[key, coordinates]`` as a browser sent it.

        Returns:
            ``image`` (data URL), ``share`` of the measured images that lies nearer to the centre, and ``place``
            ("near", "usual" or "far"); or ``{"gone": True}`` where no such flat is known, its network was let go, or
            the point is none of it.
        """
        found = self._find(asked)
        if found is None:
            return {"gone": True}
        (flat, model, statistics), coordinates = found
        network = model()
        if network is None:
            return {"gone": True}
        z = flat.at(coordinates)
        share = statistics.share_nearer(float(statistics.distance(z)))
        place = "near" if share < USUAL[0] else "far" if share > USUAL[1] else "usual"
        return {"picture": data_url(images_of(network, z[None])[0]), "share": round(share, 3), "place": place}

    def _find(self, asked: Any) -> tuple[Known, list[float]] | None:
        if not isinstance(asked, list) or len(asked) != 2:
            return None
        key, coordinates = asked
        with self._guard:
            known = self._known.get(key) if isinstance(key, str) else None
        if known is None or not isinstance(coordinates, list) or len(coordinates) != len(known.flat.directions):
            return None
        numbers = [float(number) for number in coordinates if isinstance(number, int | float)]
        fits = len(numbers) == len(coordinates) and all(math.isfinite(n) and abs(n) <= FARTHEST for n in numbers)
        return (known, numbers) if fits else None


def thumbnail_url(photo: Image.Image) -> str:
    """Return the centre square of a photo, small, as an address that holds it."""
    return data_url(square_crop(photo, SMALL_SIDE), quality=85)
