"""The folds of the MAE tab in which the gaps come from elsewhere: a second photo, or scratches and writing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
from gradio.components import Component

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.mae.analysis_ui import number_file
from demos.mae.inpainting import DAMAGES, Mended, collage, draw_damage, mend, spoil
from demos.mae.mask_canvas import canvas_value, mask_canvas, newest
from demos.mae.masks import Cells, draw_mask, pack, unpack
from demos.mae.reconstruction import Reconstruction, grid_of, reconstruct
from demos.mae.session import MAESession, MaskRequest
from demos.ui import widgets

OPENING_MIX = 50  # percent of the mixed image that is hidden
MIX_PARTS = ("original", "masked", "pasted", "raw")  # of the reconstruction of the mixed image
MEND_PARTS = ("damaged", "masked", "mended", "smooth")


class Spoilt(NamedTuple):
    """What one visitor did to the photo they mend; it lives in their `gr.State` only.

    Attributes:
        damage: One of `DAMAGES`, or "" where the photo is as it was given.
        seed: Of the damage.
    """

    damage: str = ""
    seed: int = 0


class PhotoHandlers:
    """What the two folds answer."""

    def __init__(self, work: MAESession) -> None:
        self._work, self._ctx = work, work.ctx

    def mixed(self, ask: MaskRequest, other: str, mix_ratio: float) -> Reconstruction:
        """Put the other photo where the mask of the tab is, hides a random share of that, and fills it in."""
        model = self._work.model(ask.weights)
        image = collage(self._work.photo(ask), self._work.cropped(other, model.img_size), self._work.cells(ask))
        return reconstruct(model, image, draw_mask(image, grid_of(model), mix_ratio, "random", ask.seed))

    def on_mix(self, request: gr.Request, other: str | None, mix_percent: float, *controls: Any) -> list[Any]:
        """Give the images of the mixture and its numbers; `controls` are the values that `MaskRequest.of` takes."""
        ask = MaskRequest.of(*controls)
        if not ask.path or not other:
            raise widgets.user_error(self._ctx, request, "mae.mix_two")
        with self._work.user_error(request):
            result = self.mixed(ask, other, mix_percent / 100)
        images = [self._ctx.save_image(getattr(result, part)) for part in MIX_PARTS]
        numbers = self._work.save_json({**ask.settings, "mix_ratio": mix_percent / 100, **result.scores})
        return [gr.update(visible=True), *images, numbers]

    def on_photo(self, path: str | None, weights: str, request: gr.Request) -> list[Any]:
        """Show another photo without any mark, and hides what was mended before."""
        if not path:
            return ["", Spoilt(), gr.update(visible=False), ""]
        with self._work.user_error(request):
            canvas = self._mend_canvas(path, weights, Spoilt(), None)
        return [canvas, Spoilt(), gr.update(visible=False), ""]

    def on_open(self, path: str | None, weights: str, shown: str | None, request: gr.Request) -> list[Any]:
        """Show the photo when the fold is opened for the first time."""
        return [gr.skip()] * 4 if shown else self.on_photo(path, weights, request)

    def on_damage(
        self, path: str | None, weights: str, before: Spoilt | None, damage: str, request: gr.Request
    ) -> list[Any]:
        """Damage the photo, each time otherwise, and mends it."""
        if not path:
            raise widgets.user_error(self._ctx, request, "error.no_photo")
        now = Spoilt(damage, before.seed + 1 if before else 1)
        with self._work.user_error(request):
            side = self._work.model(weights).img_size
            spoilt = draw_damage(side, damage, now.seed)
            answer = self._mended(path, weights, now, spoilt)
            return [self._mend_canvas(path, weights, now, spoilt), now, *answer]

    def on_stroke(
        self, marks: object, path: str | None, weights: str, now: Spoilt | None, request: gr.Request
    ) -> list[Any]:
        """Mend what was brushed over."""
        if not path:
            raise widgets.user_error(self._ctx, request, "error.no_photo")
        with self._work.user_error(request):
            spoilt = unpack(marks, self._work.model(weights).img_size)
            if not spoilt.any():
                return [gr.update(visible=False), *[gr.skip()] * (len(MEND_PARTS) + 1), ""]
            return self._mended(path, weights, now or Spoilt(), spoilt)

    def mend(self, path: str, weights: str, now: Spoilt, spoilt: Cells) -> Mended:
        """Mend a photo; its score is known only where the damage is our own and nothing else is marked."""
        model = self._work.model(weights)
        intact = self._work.cropped(path, model.img_size)
        if not now.damage:
            return mend(model, intact, spoilt)
        damaged = spoil(intact, draw_damage(model.img_size, now.damage, now.seed), now.damage)
        return mend(model, damaged, spoilt, intact)

    def _mended(self, path: str, weights: str, now: Spoilt, spoilt: Cells) -> list[Any]:
        result = self.mend(path, weights, now, spoilt)
        images = [self._ctx.save_image(getattr(result, part)) for part in MEND_PARTS]
        numbers = {"weights": weights, **now._asdict(), "spoilt": pack(spoilt), **result.scores}
        says = self._ctx.localize_html(
            "mae.mend_says", pixels=f"{spoilt.mean():.0%}", patches=result.scores["hidden_patches"]
        )
        if result.scores["model"]:
            psnrs = {name: f"{result.scores[name]['psnr']:.1f}" for name in ("model", "smooth_fill")}
            says += " " + self._ctx.localize_html("mae.mend_scores", **psnrs)
        return [gr.update(visible=True), *images, self._work.save_json(numbers), says]

    def _mend_canvas(self, path: str, weights: str, now: Spoilt, spoilt: Cells | None) -> str:
        model = self._work.model(weights)
        photo = self._work.cropped(path, model.img_size)
        if spoilt is None:
            spoilt = np.zeros((model.img_size, model.img_size), bool)
        shown = spoil(photo, spoilt, now.damage) if now.damage else photo
        return canvas_value(self._ctx.save_image(shown), spoilt, grid_of(model))


class Photos(NamedTuple):
    """What the rest of the tab needs of these folds.

    Attributes:
        outdated: What to hide when the photo or the mask is another, with the values that do it.
        connect: Takes the photo, the state with the model, and the inputs that make up an `MaskRequest`; connects everything.
    """  # noqa: E501

    outdated: dict[Component, Any]
    connect: Callable[[gr.Image, gr.State, list[Component], list[Any]], None]


def build_photos(ctx: Context, work: MAESession, photos: Sequence[Path]) -> Photos:
    """Place the folds; the second of the built-in photos is there to be mixed with."""
    handlers = PhotoHandlers(work)
    with widgets.options(ctx, "mae.mix_title"):
        widgets.note(ctx, "mae.mix_why")
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=1):
                other = widgets.photo(ctx, "mae.mix_photo", photos[1] if len(photos) > 1 else None, "mae-mix-photo")
                label = ctx.t("mae.mix_ratio")
                share = gr.Slider(0, 90, OPENING_MIX, step=5, label=label, elem_id="mae-mix-ratio")
                mix_go = gr.Button(ctx.t("mae.mix_go"), variant="primary", elem_id="mae-mix-go")
            with gr.Column(scale=2, visible=False) as mix_column:
                with gr.Row(elem_classes="row-of-pictures"):
                    mix = [widgets.image(ctx.t(f"mae.mix_{part}"), None, f"mae-mix-{part}") for part in MIX_PARTS]
                mix_file = number_file(ctx, "mae-mix-numbers")
    with widgets.options(ctx, "mae.mend_title") as mend_fold:
        widgets.note(ctx, "mae.mend_why")
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=1):
                canvas = mask_canvas(ctx, "mae.mend_canvas", "pixels", "mae-mend-canvas")
                with gr.Row(elem_classes="toolbar"):
                    damages = {
                        name: gr.Button(ctx.t(f"mae.mend_{name}"), elem_id=f"mae-mend-{name}") for name in DAMAGES
                    }
            with gr.Column(scale=2, visible=False) as mend_column:
                with gr.Row(elem_classes="row-of-pictures"):
                    mended = [widgets.image(ctx.t(f"mae.mend_{part}"), None, f"mae-mend-{part}") for part in MEND_PARTS]
                mend_file = number_file(ctx, "mae-mend-numbers")
        mend_says = widgets.html_line(elem_id="mae-mend-says")
    now = gr.State(Spoilt())

    def connect(photo: gr.Image, used: gr.State, asked: list[Component], renewals: list[Any]) -> None:
        quiet: dict[str, Any] = {"show_progress": "hidden", **PRIVATE_MODEL_EVENT}
        outputs: list[Component] = [mix_column, *mix, mix_file]
        # The photos may be others by a second click.
        mix_go.click(
            handlers.on_mix, [other, share, *asked], outputs, trigger_mode="always_last", **PRIVATE_MODEL_EVENT
        )
        outputs = [mend_column, *mended, mend_file, mend_says]
        opened = [canvas, now, mend_column, mend_says]
        latest: dict[str, Any] = {"trigger_mode": "always_last", **quiet}
        mend_fold.expand(handlers.on_open, [photo, used, canvas], opened, **latest)
        gr.on(renewals, handlers.on_photo, [photo, used], opened, **latest)
        stroked: dict[str, Any] = {"inputs": [canvas, photo, used, now], "js": newest(canvas, "stroke")}
        canvas.stroke(handlers.on_stroke, outputs=outputs, **stroked, **latest)
        for name, button in damages.items():
            damage = gr.State(name)
            button.click(handlers.on_damage, [photo, used, now, damage], [canvas, now, *outputs], **quiet)

    return Photos({mix_column: gr.update(visible=False)}, connect)
