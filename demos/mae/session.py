"""What every part of the MAE tab asks for: a photo, a mask and a model, and what came of them, kept for a while."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import gradio as gr
import numpy as np
from PIL import Image

from demos.core.cache import public_lru_cache
from demos.core.context import Context
from demos.mae.masks import BY_HAND, Cells, MaskError, draw_mask, refit, unpack
from demos.mae.reconstruction import Reconstruction, grid_of, reconstruct
from demos.ui import widgets
from models.data.images import ImageError, read_image, square_crop
from models.networks.mae import MaskedAutoencoderViT

WEIGHTS = "mae-photos"


@dataclass(frozen=True)
class MaskRequest:
    """One photo with one mask.

    Attributes:
        path: File of the photo; empty where there is none. That of an upload holds the hash of its content, so it can
            stand for the photo.
        mask_ratio: Share of patches to hide, 0 to 0.95.
        mask_kind: One of `MASK_KINDS`, or `BY_HAND`.
        seed: Of the mask.
        mask: The mask as text, where it was drawn by hand.
        weights: Name of the model.
    """

    path: str
    mask_ratio: float
    mask_kind: str
    seed: int
    mask: str = ""
    weights: str = WEIGHTS

    @classmethod
    def of(cls, path: str | None, percent: float, kind: str, seed: int | None, mask: str, weights: str) -> MaskRequest:
        """Return what the tab's controls say, in the order in which its handlers are given them."""
        return cls(path or "", percent / 100, kind, seed or 0, mask, weights)

    @property
    def settings(self) -> dict[str, Any]:
        """What made a result, for its numbers; no path of a file."""
        made = {"weights": self.weights, "mask_kind": self.mask_kind, "seed": self.seed}
        return {**made, "mask": self.mask} if self.mask_kind == BY_HAND else made


class MAESession:
    """Does the work of the tab; equal questions get equal answers, from memory where they were asked lately."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.cropped = public_lru_cache()(self._cropped)
        self._remembered = public_lru_cache()(self._reconstructed)

    def model(self, weights: str) -> MaskedAutoencoderViT:
        """Return a model by its name."""
        return cast(MaskedAutoencoderViT, self.ctx.load_model(weights))

    def photo(self, ask: MaskRequest) -> Image.Image:
        """Return the square of a photo that its model sees."""
        return self.cropped(ask.path, self.model(ask.weights).img_size)

    def cells(self, ask: MaskRequest) -> Cells:
        """Return the mask that is asked for; one drawn by hand on another grid is fitted to the model's.

        Raises:
            MaskError: If it was drawn by hand and is none.
        """
        grid = grid_of(self.model(ask.weights))
        if ask.mask_kind == BY_HAND:
            return refit(unpack(ask.mask), grid) if ask.mask else np.zeros((grid, grid), bool)
        return draw_mask(self.photo(ask), grid, ask.mask_ratio, ask.mask_kind, ask.seed)

    def result(self, ask: MaskRequest) -> Reconstruction:
        """Return what the model and the plain fill-ins make of a photo."""
        # What plays no part is made equal, so that it is not worked out twice.
        plain = replace(ask, mask="") if ask.mask_kind != BY_HAND else replace(ask, mask_ratio=0.0, seed=0)
        return self._remembered(plain)

    @contextmanager
    def user_error(self, request: gr.Request | None) -> Iterator[None]:
        """Turn what is wrong with a photo or a mask into one sentence in the visitor's language."""
        try:
            yield
        except ImageError as error:
            raise widgets.image_error(self.ctx, request, error) from error
        except MaskError as error:
            raise widgets.user_error(self.ctx, request, f"error.mask.{error.code}", **error.values) from error

    def save_json(self, numbers: dict[str, Any]) -> str:
        """Save numbers where the browser can fetch them, and returns the path."""
        return self.ctx.save_bytes((json.dumps(numbers, indent=2) + "\n").encode(), ".json")

    def _cropped(self, path: str, side: int) -> Image.Image:
        return square_crop(read_image(path), side)

    def _reconstructed(self, ask: MaskRequest) -> Reconstruction:
        return reconstruct(self.model(ask.weights), self.photo(ask), self.cells(ask))
