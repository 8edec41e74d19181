"""Models, photos, masks and reconstructions that all parts of the MAE tab use, the latest of them cached."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr
import numpy as np
from PIL import Image

from demos.core.cache import public_lru_cache
from demos.core.context import Context
from demos.core.i18n import InputError
from demos.mae.masks import BY_HAND, Mask, decode_mask, draw_mask, encode_mask, resize_mask
from demos.mae.reconstruction import Reconstruction, grid_of, reconstruct
from demos.ui.widgets import user_errors, warn
from models.data.images import ImageError, read_image, square_crop
from models.networks.mae import MaskedAutoencoderViT
from models.strict_json import json_text

WEIGHTS = "mae-photos"


@dataclass(frozen=True, eq=False)
class MaskRequest:
    """A photo with a mask, for one model."""

    path: str  # file of the photo. That of an upload holds the hash of its content, so it can stand for the photo
    mask_ratio: float  # share of patches to hide, 0 to 0.95; of no effect on a mask drawn by hand
    mask_kind: str  # one of `MASK_KINDS`, or `BY_HAND`
    seed: int  # seed of the mask
    mask: Mask  # (grid, grid) of bool, True where hidden
    weights: str = WEIGHTS  # name of the model

    @property
    def settings(self) -> dict[str, Any]:
        """Settings to save with the numbers of a result; no path of a file."""
        settings = {"weights": self.weights, "mask_kind": self.mask_kind, "seed": self.seed}
        return {**settings, "mask": encode_mask(self.mask)} if self.mask_kind == BY_HAND else settings


class MAESession:
    """Cached models, photos and reconstructions."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.crop = public_lru_cache()(_crop)
        self._reconstruct = public_lru_cache()(self._reconstruct_uncached)

    def model(self, weights: str) -> MaskedAutoencoderViT:
        """Return a model by its name."""
        return cast(MaskedAutoencoderViT, self.ctx.load_model(weights))

    def photo(self, request: MaskRequest) -> Image.Image:
        """Return the square crop of the photo at the size of its model."""
        return self.crop(request.path, self.model(request.weights).img_size)

    def request(
        self, path: str | None, ratio: float, kind: str, seed: int | None, mask: str = "", weights: str = WEIGHTS
    ) -> MaskRequest:
        """Decode a mask drawn by hand and resize it to the model's grid, or draw one by its rule."""
        if not path:
            raise InputError("error.no_photo")
        model, seed = self.model(weights), seed or 0
        grid = grid_of(model)
        if kind != BY_HAND:
            hidden = draw_mask(self.crop(path, model.img_size), grid, ratio, kind, seed)
        else:
            hidden = resize_mask(decode_mask(mask), grid) if mask else np.zeros((grid, grid), bool)
        return MaskRequest(path, ratio, kind, seed, hidden, weights)

    def from_controls(self, path: str | None, percent: float, *controls: Any) -> MaskRequest:
        """Return the request of the page's controls: photo, percent, kind, seed, mask and weights."""
        return self.request(path, percent / 100, *controls)

    def result(self, request: MaskRequest) -> Reconstruction:
        """Return what the model and the baselines fill in."""
        return self._reconstruct(request.path, request.weights, request.mask.tobytes())

    def handler(
        self, fn: Callable[..., Any], *further: Any, refused: Callable[[], list[Any]] | None = None
    ) -> Callable[..., Any]:
        """Return the event handler of a (generator) function; `further` values follow those that `fn` returns.

        With `refused`, a picture that cannot be used is told of, and its values are shown instead.
        """

        def handle(request: gr.Request, *inputs: Any) -> Any:
            try:
                with user_errors(self.ctx, request):
                    values = fn(self, *inputs)
            except gr.Error as error:
                if refused is None or not isinstance(error.__cause__, ImageError):
                    raise
                warn(error)
                values = refused()
            return [*values, *further] if further else values

        def stream(request: gr.Request, *inputs: Any) -> Iterator[Any]:
            with user_errors(self.ctx, request):
                yield from fn(self, *inputs)

        return stream if inspect.isgeneratorfunction(fn) else handle

    def save_json(self, numbers: dict[str, Any]) -> str:
        """Save numbers where the browser can fetch them, and return the path."""
        return self.ctx.save_bytes((json_text(numbers) + "\n").encode(), ".json")

    def _reconstruct_uncached(self, path: str, weights: str, mask: bytes) -> Reconstruction:
        model = self.model(weights)
        hidden = np.frombuffer(mask, bool).reshape(grid_of(model), -1).copy()  # writable, for torch
        return reconstruct(model, self.crop(path, model.img_size), hidden)


def _crop(path: str, side: int) -> Image.Image:
    return square_crop(read_image(path), side)
