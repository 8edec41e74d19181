"""What the MAE tab offers to programs."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demos.mae.analysis import MAX_MASKS, by_ratio, guess_often, influence, ratio_strip, relative_influence
from demos.mae.analysis_ui import influence_numbers, ratio_numbers
from demos.mae.inpainting import DAMAGES, draw_damage
from demos.mae.inpainting_ui import PhotoHandlers, Spoilt
from demos.mae.masks import BY_HAND, MASK_KINDS, MAX_RATIO, MAX_SEED, pack, unpack
from demos.mae.reconstruction import heat_image
from demos.mae.session import WEIGHTS, MAESession, MaskRequest
from demos.ui import widgets
from demos.ui.api_endpoint import endpoint, photo_parameter


class Programs:
    """The functions behind the endpoints, over our own model; an empty `mask` means one drawn by `mask_kind`."""

    def __init__(self, work: MAESession) -> None:
        self._work, self._ctx = work, work.ctx

    def reconstruct(
        self, image: str | None, mask_ratio: float, mask_kind: str, seed: int | None, mask: str, request: gr.Request
    ) -> tuple[str, str, str, dict[str, Any]]:
        """Hide patches of a photo and fill them in; scores are measured on the hidden patches alone.

        Each score is null where nothing is hidden; psnr is in dB, mean_abs_error in levels of 0 to 255. Give mask to
        hide patches of your own choice: "16." and the bits of 16 x 16 patches, row by row from the top left, 1 hidden,
        as URL-safe base64. mask_ratio, mask_kind and seed play no part then.
        """
        with self._work.user_error(request):
            done = self._work.result(self._ask(image, mask_ratio, mask_kind, seed, mask, request))
        masked, raw, pasted = (self._ctx.save_image(picture) for picture in (done.masked, done.raw, done.pasted))
        return masked, raw, pasted, {**done.scores, "mask": pack(done.cells)}

    def reconstruct_ratios(
        self, image: str | None, mask_kind: str, seed: int | None, request: gr.Request
    ) -> tuple[str, dict[str, Any]]:
        """Hide 25, 35 and so on to 95 % of a photo and fill it in each time; one image, and the scores of each."""
        ask = self._ask(image, 0.0, mask_kind, seed, "", request)
        with self._work.user_error(request):
            found = list(by_ratio(self._work.model(WEIGHTS), self._work.photo(ask), mask_kind, ask.seed))
        strip = ratio_strip(found, WEIGHTS, mask_kind, ask.seed)
        return self._ctx.save_image(strip), ratio_numbers(ask, found)

    def reconstruct_often(
        self, image: str | None, mask_ratio: float, count: float, seed: int | None, request: gr.Request
    ) -> tuple[str, str, str, dict[str, Any]]:
        """Fill a photo in from many random masks: the mean guess, their spread, and the error of the mean.

        mean_spread and mean_abs_error are in levels of 0 to 255; the spread says where the guesses differ.
        """
        ask = self._ask(image, mask_ratio, "random", seed, "", request)
        with self._work.user_error(request):
            model, photo = self._work.model(WEIGHTS), self._work.photo(ask)
            *_, last = guess_often(model, photo, mask_ratio, "random", ask.seed, round(count))
        mean, spread, error = (self._ctx.save_image(picture) for picture in (last.mean, last.spread, last.error))
        return mean, spread, error, last.scores

    def patch_influence(
        self,
        image: str | None,
        mask_ratio: float,
        mask_kind: str,
        seed: int | None,
        mask: str,
        row: float,
        column: float,
        request: gr.Request,
    ) -> tuple[str, dict[str, Any]]:
        """Measure how the guess of a hidden patch changes when each visible one is left out, in levels of 0 to 255.

        Rows and columns of patches count from 0 at the top left.
        """
        ask = self._ask(image, mask_ratio, mask_kind, seed, mask, request)
        with self._work.user_error(request):
            cells, photo = self._work.cells(ask), self._work.photo(ask)
            target = min(int(row), len(cells) - 1) * len(cells) + min(int(column), len(cells) - 1)
            *_, changes = influence(self._work.model(WEIGHTS), photo, cells, target)
        heat = heat_image(photo, relative_influence(changes), 1.0)
        return self._ctx.save_image(heat), influence_numbers(ask, cells, target, changes)

    def mix_photos(
        self,
        image_a: str | None,
        image_b: str | None,
        mask_ratio: float,
        mask_kind: str,
        seed: int | None,
        mask: str,
        mix_ratio: float,
        request: gr.Request,
    ) -> tuple[str, str, str, dict[str, Any]]:
        """Put the second photo's patches where the first one's mask is, hide mix_ratio of that, and fill it in."""
        ask = self._ask(image_a, mask_ratio, mask_kind, seed, mask, request)
        if not image_b:
            raise widgets.user_error(self._ctx, request, "error.no_photo")
        with self._work.user_error(request):
            done = PhotoHandlers(self._work).mixed(ask, image_b, mix_ratio)
        images = (self._ctx.save_image(picture) for picture in (done.original, done.masked, done.pasted))
        mixture, masked, pasted = images
        return mixture, masked, pasted, done.scores

    def mend_photo(
        self, image: str | None, damage: str, seed: int | None, scratches: str, request: gr.Request
    ) -> tuple[str, str, str, dict[str, Any]]:
        """Mend a photo: hide every patch with a spoilt pixel, and paste the guess on the spoilt pixels alone.

        damage "scratches" or "text" first spoils the photo, so that there are scores; with "none", scratches says which
        pixels are spoilt: "128." and the bits of 128 x 128 pixels, row by row, as URL-safe base64.
        """
        if not image:
            raise widgets.user_error(self._ctx, request, "error.no_photo")
        with self._work.user_error(request):
            side = self._work.model(WEIGHTS).img_size
            now = Spoilt("" if damage == "none" else damage, seed or 0)
            spoilt = draw_damage(side, now.damage, now.seed) if now.damage else unpack(scratches, side)
            done = PhotoHandlers(self._work).mend(image, WEIGHTS, now, spoilt)
        images = (self._ctx.save_image(picture) for picture in (done.damaged, done.mended, done.smooth))
        damaged, mended, smooth = images
        return damaged, mended, smooth, done.scores

    def _ask(
        self, image: str | None, ratio: float, kind: str, seed: int | None, mask: str, request: gr.Request
    ) -> MaskRequest:
        if not image:
            raise widgets.user_error(self._ctx, request, "error.no_photo")
        return MaskRequest(image, ratio, BY_HAND if mask else kind, seed or 0, mask or "")


def _ratio(value: float = 0.75, label: str = "mask_ratio") -> gr.Slider:
    return gr.Slider(0, MAX_RATIO, value, step=0.01, label=label, render=False)


def _kind() -> gr.Radio:
    return gr.Radio(list(MASK_KINDS), value="random", label="mask_kind", render=False)


def _whole(label: str, value: int, most: int) -> gr.Number:
    return gr.Number(value, precision=0, minimum=0, maximum=most, label=label, render=False)


def _text(label: str) -> gr.Textbox:
    return gr.Textbox("", label=label, render=False)


def _answers(*names: str, numbers: str = "scores") -> list[gr.components.Component]:
    images = [gr.Image(label=name, format="png", render=False) for name in names]
    return [*images, gr.JSON(label=numbers, render=False)]


def offer_endpoints(work: MAESession) -> None:
    """Offer the endpoints of the tab."""
    programs = Programs(work)
    photo, seed = lambda: photo_parameter("image"), lambda: _whole("seed", 1, MAX_SEED)
    endpoint(
        programs.reconstruct,
        [photo(), _ratio(), _kind(), seed(), _text("mask")],
        _answers("masked", "reconstruction", "pasted"),
        "reconstruct",
    )
    endpoint(
        programs.reconstruct_ratios,
        [photo(), _kind(), seed()],
        _answers("strip"),
        "reconstruct_ratios",
    )
    endpoint(
        programs.reconstruct_often,
        [photo(), _ratio(), gr.Slider(2, MAX_MASKS, 16, step=1, label="count", render=False), seed()],
        _answers("mean", "spread", "error"),
        "reconstruct_often",
    )
    endpoint(
        programs.patch_influence,
        [photo(), _ratio(), _kind(), seed(), _text("mask"), _whole("row", 0, 511), _whole("column", 0, 511)],
        _answers("heat", numbers="influence"),
        "patch_influence",
    )
    endpoint(
        programs.mix_photos,
        [photo_parameter("image_a"), photo_parameter("image_b"), _ratio(), _kind(), seed(), _text("mask"),
         _ratio(0.5, "mix_ratio")],
        _answers("mixture", "masked", "pasted"),
        "mix_photos",
    )  # fmt: skip
    endpoint(
        programs.mend_photo,
        [photo(), gr.Radio(["none", *DAMAGES], value="scratches", label="damage", render=False), seed(),
         _text("scratches")],
        _answers("damaged", "mended", "smooth"),
        "mend_photo",
    )  # fmt: skip
