"""Cards of the MAE tab: reconstruct a composite of two photos, and repair a damaged photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
from gradio.components import Component

from demos.core.events import LATEST_MODEL_EVENT, PRIVATE_MODEL_EVENT
from demos.core.i18n import InputError
from demos.mae.analysis_ui import HIDE, SHOW
from demos.mae.inpainting import DAMAGES, Inpainting, apply_damage, composite, draw_damage, inpaint
from demos.mae.mask_canvas import canvas_value, latest_report, mask_canvas
from demos.mae.masks import Mask, decode_mask, draw_mask, encode_mask
from demos.mae.reconstruction import Reconstruction, grid_of, reconstruct
from demos.mae.session import MAESession, MaskRequest
from demos.ui import widgets
from demos.ui.shelf.shelf import Shelf

OPENING_MIX = 50  # percent of the composite that is hidden
MIX_PARTS = ("original", "masked", "pasted", "raw")  # of the reconstruction of the composite
MEND_PARTS = ("damaged", "masked", "mended", "smooth")


class Damage(NamedTuple):
    """Damage drawn on the photo of one visitor; it lives in their `gr.State` only."""

    damage: str = ""  # one of `DAMAGES`, or "" where the photo is as it was given
    seed: int = 0  # seed of the damage


def reconstruct_composite(session: MAESession, first: MaskRequest, second: str, mix_ratio: float) -> Reconstruction:
    """Replace the hidden patches of a photo by those of a second one, and reconstruct a random share of that."""
    model = session.model(first.weights)
    image = composite(session.photo(first), session.crop(second, model.img_size), first.mask)
    return reconstruct(model, image, draw_mask(image, grid_of(model), mix_ratio, "random", first.seed))


def repair(session: MAESession, path: str, weights: str, damage: Damage, damaged: Mask) -> Inpainting:
    """Inpaint a photo; its scores are known only for damage that was drawn here."""
    model = session.model(weights)
    intact = session.crop(path, model.img_size)
    if not damage.damage:
        return inpaint(model, intact, damaged)
    photo = apply_damage(intact, draw_damage(model.img_size, damage.damage, damage.seed), damage.damage)
    return inpaint(model, photo, damaged, intact)


def on_mix(session: MAESession, second: str | None, mix_percent: float, path: str | None, *controls: Any) -> list[Any]:
    """Return the images of the reconstructed composite and its numbers."""
    if not path or not second:
        raise InputError("mae.mix_two")
    first, ratio = session.from_controls(path, *controls), mix_percent / 100
    result = reconstruct_composite(session, first, second, ratio)
    images = [session.ctx.save_image(getattr(result, part)) for part in MIX_PARTS]
    return [SHOW, *images, session.save_json({**first.settings, "mix_ratio": ratio, **result.scores})]


def on_open_mix(session: MAESession, second: str | None, mix_percent: float, path: str | None, *controls: Any) -> Any:
    """Show the composite when its card is opened, if there are two photos."""
    if not path or not second:
        return [gr.skip()] * (len(MIX_PARTS) + 2)
    return on_mix(session, second, mix_percent, path, *controls)


def on_photo(session: MAESession, path: str | None, weights: str) -> list[Any]:
    """Show another photo without any mark, and hide what was repaired before."""
    canvas = _damage_canvas(session, path, weights) if path else ""
    return [canvas, Damage(), HIDE, ""]


def on_open(session: MAESession, path: str | None, weights: str, shown: str | None) -> list[Any]:
    """Show the photo when the card is opened for the first time."""
    return [gr.skip()] * 4 if shown else on_photo(session, path, weights)


def on_damage(session: MAESession, path: str | None, weights: str, before: Damage | None, kind: str) -> list[Any]:
    """Damage the photo, with another seed each time, and repair it."""
    if not path:
        raise InputError("error.no_photo")
    damage = Damage(kind, before.seed + 1 if before else 1)
    damaged = draw_damage(session.model(weights).img_size, kind, damage.seed)
    answer = _answer(session, path, weights, damage, damaged)
    return [_damage_canvas(session, path, weights, kind, damaged), damage, *answer]


def on_mark(session: MAESession, text: object, path: str | None, weights: str, damage: Damage | None) -> list[Any]:
    """Repair what was brushed over."""
    if not path:
        raise InputError("error.no_photo")
    damaged = decode_mask(text, session.model(weights).img_size)
    if not damaged.any():
        return [HIDE, *[gr.skip()] * (len(MEND_PARTS) + 1), ""]
    return _answer(session, path, weights, damage or Damage(), damaged)


def _answer(session: MAESession, path: str, weights: str, damage: Damage, damaged: Mask) -> list[Any]:
    """Return the values of the column, the images, the numbers and the sentence."""
    ctx, result = session.ctx, repair(session, path, weights, damage, damaged)
    images = [ctx.save_image(getattr(result, part)) for part in MEND_PARTS]
    numbers = {"weights": weights, **damage._asdict(), "spoilt": encode_mask(damaged), **result.scores}
    share, patches = f"{damaged.mean():.0%}", result.scores["hidden_patches"]
    text = ctx.localize_html("mae.mend_says", pixels=share, patches=patches)
    if result.scores["model"]:
        psnrs = {name: f"{result.scores[name]['psnr']:.1f}" for name in ("model", "smooth_fill")}
        text += " " + ctx.localize_html("mae.mend_scores", **psnrs)
    return [SHOW, *images, session.save_json(numbers), text]


def _damage_canvas(session: MAESession, path: str, weights: str, kind: str = "", damaged: Mask | None = None) -> str:
    model = session.model(weights)
    photo = session.crop(path, model.img_size)
    if damaged is None:
        damaged = np.zeros((model.img_size, model.img_size), bool)
    else:
        photo = apply_damage(photo, damaged, kind)
    return canvas_value(session.ctx.save_image(photo), damaged, grid_of(model))


Connect = Callable[[gr.Image, gr.State, list[Component], list[Any]], None]


def build_inpaintings(session: MAESession, shelf: Shelf, photos: Sequence[Path]) -> tuple[Component, Connect]:
    """Fill the cards; the second of the built-in photos is the second of the composite at first."""
    ctx = session.ctx
    with shelf.card("mix") as mix_panel:
        widgets.note(ctx, "mae.mix_why")
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=1):
                second = widgets.photo(ctx, "mae.mix_photo", photos[1] if len(photos) > 1 else None, "mae-mix-photo")
                label = ctx.t("mae.mix_ratio")
                mix_percent = gr.Slider(0, 90, OPENING_MIX, step=5, label=label, elem_id="mae-mix-ratio")
                mix_go = gr.Button(ctx.t("mae.mix_go"), variant="primary", elem_id="mae-mix-go")
            with gr.Column(scale=2, visible=False) as mix_column:
                with gr.Row(elem_classes="row-of-pictures"):
                    mix = [widgets.image(ctx.t(f"mae.mix_{part}"), None, f"mae-mix-{part}") for part in MIX_PARTS]
                mix_file = widgets.download(ctx, "mae.numbers", "mae-mix-numbers")
    with shelf.card("mend", deferred=True) as mend_panel:
        widgets.note(ctx, "mae.mend_why")
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=1):
                canvas = mask_canvas(ctx, "mae.mend_canvas", "pixels", "mae-mend-canvas")
                with gr.Row(elem_classes="toolbar"):
                    buttons = {
                        kind: gr.Button(ctx.t(f"mae.mend_{kind}"), elem_id=f"mae-mend-{kind}") for kind in DAMAGES
                    }
            with gr.Column(scale=2, visible=False) as mend_column:
                with gr.Row(elem_classes="row-of-pictures"):
                    mended = [widgets.image(ctx.t(f"mae.mend_{part}"), None, f"mae-mend-{part}") for part in MEND_PARTS]
                mend_file = widgets.download(ctx, "mae.numbers", "mae-mend-numbers")
        mend_text = widgets.html_line(elem_id="mae-mend-says")
    damage = gr.State(Damage())

    def connect(photo: gr.Image, used: gr.State, controls: list[Component], renewals: list[Any]) -> None:
        quiet: dict[str, Any] = {"show_progress": "hidden", **PRIVATE_MODEL_EVENT}
        outputs: list[Component] = [mix_column, *mix, mix_file]
        inputs: list[Any] = [second, mix_percent, *controls]
        mix_go.click(session.handler(on_mix), inputs, outputs, **LATEST_MODEL_EVENT)
        mix_panel.expand(session.handler(on_open_mix), inputs, outputs, **LATEST_MODEL_EVENT)
        latest: dict[str, Any] = {"show_progress": "hidden", **LATEST_MODEL_EVENT}
        opened = [canvas, damage, mend_column, mend_text]
        mend_panel.expand(session.handler(on_open), [photo, used, canvas], opened, **latest)
        gr.on(renewals, session.handler(on_photo), [photo, used], opened, **latest)
        outputs = [mend_column, *mended, mend_file, mend_text]
        inputs, js = [canvas, photo, used, damage], latest_report(canvas, "stroke")
        canvas.stroke(session.handler(on_mark), inputs, outputs, js=js, **latest)
        for kind, button in buttons.items():
            inputs = [photo, used, damage, gr.State(kind)]
            button.click(session.handler(on_damage), inputs, [canvas, damage, *outputs], **quiet)

    return mix_column, connect
