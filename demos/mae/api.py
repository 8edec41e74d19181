"""Public endpoints of the MAE tab: plain functions over a session, and the components that describe them.

They use our own model; an empty `mask` means one drawn by `mask_kind`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components import Component
from PIL import Image

from demos.core.i18n import InputError
from demos.mae import analysis
from demos.mae.analysis_ui import influence_numbers
from demos.mae.inpainting import DAMAGES, draw_damage
from demos.mae.inpainting_ui import Damage, reconstruct_composite, repair
from demos.mae.masks import BY_HAND, MASK_KINDS, MAX_RATIO, MAX_SEED, decode_mask, encode_mask
from demos.mae.reconstruction import heat_image
from demos.mae.session import WEIGHTS, MAESession
from demos.ui import widgets
from demos.ui.api_endpoint import endpoint, photo_parameter

Answer = tuple[Any, ...]  # images, then a dict of numbers


def reconstruct(
    session: MAESession, image: str | None, mask_ratio: float, mask_kind: str, seed: int | None, mask: str
) -> Answer:
    """Hide patches of a photo and fill them in; scores are measured on the hidden patches alone.

    Each score is null where nothing is hidden; psnr is in dB, mean_abs_error in levels of 0 to 255. Give mask to
    hide patches of your own choice: "16." and the bits of 16 x 16 patches, row by row from the top left, 1 hidden,
    as URL-safe base64. mask_ratio, mask_kind and seed play no part then.
    """
    result = session.result(session.request(image, mask_ratio, BY_HAND if mask else mask_kind, seed, mask))
    return result.masked, result.raw, result.pasted, {**result.scores, "mask": encode_mask(result.mask)}


def reconstruct_ratios(session: MAESession, image: str | None, mask_kind: str, seed: int | None) -> Answer:
    """Hide 25, 35 and so on to 95 % of a photo and fill it in each time; one image, and the scores of each."""
    request = session.request(image, 0.0, mask_kind, seed)
    results = list(analysis.by_ratio(session.model(WEIGHTS), session.photo(request), mask_kind, request.seed))
    strip = analysis.ratio_strip(results, WEIGHTS, mask_kind, request.seed)
    return strip, analysis.ratio_numbers(WEIGHTS, mask_kind, request.seed, results)


def reconstruct_often(
    session: MAESession, image: str | None, mask_ratio: float, count: float, seed: int | None
) -> Answer:
    """Reconstruct a photo from many random masks: mean and standard deviation of the predictions, error of the mean.

    mean_spread, the mean standard deviation, and mean_abs_error are in levels of 0 to 255.
    """
    request = session.request(image, mask_ratio, "random", seed)
    model, photo = session.model(WEIGHTS), session.photo(request)
    *_, last = analysis.predict_ensemble(model, photo, mask_ratio, "random", request.seed, round(count))
    return last.mean, last.std, last.error, last.scores


def patch_influence(
    session: MAESession,
    image: str | None,
    mask_ratio: float,
    mask_kind: str,
    seed: int | None,
    mask: str,
    row: float,
    column: float,
) -> Answer:
    """Measure how the prediction of a hidden patch changes without each visible one, in levels of 0 to 255.

    Rows and columns of patches count from 0 at the top left.
    """
    request = session.request(image, mask_ratio, BY_HAND if mask else mask_kind, seed, mask)
    photo, grid = session.photo(request), len(request.mask)
    target = min(int(row), grid - 1) * grid + min(int(column), grid - 1)
    *_, changes = analysis.influence(session.model(WEIGHTS), photo, request.mask, target)
    return heat_image(photo, analysis.relative_influence(changes), 1.0), influence_numbers(request, target, changes)


def mix_photos(
    session: MAESession,
    image_a: str | None,
    image_b: str | None,
    mask_ratio: float,
    mask_kind: str,
    seed: int | None,
    mask: str,
    mix_ratio: float,
) -> Answer:
    """Put the second photo's patches where the first one's mask is, hide mix_ratio of that, and fill it in."""
    if not image_b:
        raise InputError("error.no_photo")
    first = session.request(image_a, mask_ratio, BY_HAND if mask else mask_kind, seed, mask)
    result = reconstruct_composite(session, first, image_b, mix_ratio)
    return result.original, result.masked, result.pasted, result.scores


def mend_photo(session: MAESession, image: str | None, damage: str, seed: int | None, scratches: str) -> Answer:
    """Inpaint a photo: hide every patch with a damaged pixel, and replace the damaged pixels by the prediction.

    damage "scratches" or "text" first damages the photo, so that there are scores; with "none", scratches says which
    pixels are damaged: "128." and the bits of 128 x 128 pixels, row by row, as URL-safe base64.
    """
    if not image:
        raise InputError("error.no_photo")
    side, seed = session.model(WEIGHTS).img_size, seed or 0
    drawn = Damage("" if damage == "none" else damage, seed)
    damaged = draw_damage(side, damage, seed) if drawn.damage else decode_mask(scratches, side)
    result = repair(session, image, WEIGHTS, drawn, damaged)
    return result.damaged, result.mended, result.smooth, result.scores


OUTPUTS: dict[Callable[..., Answer], tuple[str, ...]] = {
    reconstruct: ("masked", "reconstruction", "pasted", "scores"),
    reconstruct_ratios: ("strip", "scores"),
    reconstruct_often: ("mean", "spread", "error", "scores"),
    patch_influence: ("heat", "influence"),
    mix_photos: ("mixture", "masked", "pasted", "scores"),
    mend_photo: ("damaged", "mended", "smooth", "scores"),
}


def offer_endpoints(session: MAESession) -> None:
    """Offer the endpoints of the tab."""
    for compute, (*images, numbers) in OUTPUTS.items():
        _, *names = inspect.signature(compute).parameters
        outputs: list[Component] = [gr.Image(label=name, format="png", render=False) for name in images]
        outputs.append(gr.JSON(label=numbers, render=False))
        endpoint(_handler(session, compute), [_parameter(name) for name in names], outputs, compute.__name__)


def _handler(session: MAESession, compute: Callable[..., Answer]) -> Callable[..., list[Any]]:
    """Return the handler of an endpoint, with the parameters of `compute` after the session: Gradio reads them."""

    def handle(request: gr.Request, *inputs: Any) -> list[Any]:
        with widgets.user_errors(session.ctx, request):
            answer = compute(session, *inputs)
        return [session.ctx.save_image(each) if isinstance(each, Image.Image) else each for each in answer]

    _, *parameters = inspect.signature(compute).parameters.values()
    request = inspect.signature(handle).parameters["request"]
    handle.__signature__ = inspect.Signature([request, *parameters])  # type: ignore[attr-defined]
    handle.__doc__ = compute.__doc__
    return handle


def _parameter(name: str) -> Component:
    """Return the component that describes and checks a parameter."""
    ratios = {"mask_ratio": 0.75, "mix_ratio": 0.5}
    numbers = {"seed": (1, MAX_SEED), "row": (0, 511), "column": (0, 511)}
    choices = {"mask_kind": ("random", MASK_KINDS), "damage": ("scratches", ("none", *DAMAGES))}
    if name.startswith("image"):
        return photo_parameter(name)
    if name in ratios:
        return gr.Slider(0, MAX_RATIO, ratios[name], step=0.01, label=name, render=False)
    if name in numbers:
        value, most = numbers[name]
        return gr.Number(value, precision=0, minimum=0, maximum=most, label=name, render=False)
    if name in choices:
        default, kinds = choices[name]
        return gr.Radio(list(kinds), value=default, label=name, render=False)
    if name == "count":
        return gr.Slider(2, analysis.MAX_MASKS, 16, step=1, label=name, render=False)
    return gr.Textbox("", label=name, render=False)
