"""Public endpoints of the MAE tab: plain functions over a session, and the components that describe them.

They use our own model; an empty `mask` means one drawn by `mask_kind`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component
from PIL import Image

from demos.mae.analysis import (
    MAX_MASKS,
    by_ratio,
    influence,
    predict_ensemble,
    ratio_numbers,
    ratio_strip,
    relative_influence,
)
from demos.mae.analysis_ui import influence_numbers
from demos.mae.inpainting import DAMAGES, draw_damage
from demos.mae.inpainting_ui import Damage, reconstruct_composite, repair
from demos.mae.masks import BY_HAND, MASK_KINDS, MAX_RATIO, MAX_SEED, InputError, decode_mask, encode_mask
from demos.mae.reconstruction import heat_image
from demos.mae.session import WEIGHTS, MAESession
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
    mask_request = session.request(image, 0.0, mask_kind, seed)
    results = list(by_ratio(session.model(WEIGHTS), session.photo(mask_request), mask_kind, mask_request.seed))
    strip = ratio_strip(results, WEIGHTS, mask_kind, mask_request.seed)
    return strip, ratio_numbers(WEIGHTS, mask_kind, mask_request.seed, results)


def reconstruct_often(
    session: MAESession, image: str | None, mask_ratio: float, count: float, seed: int | None
) -> Answer:
    """Fill a photo in from many random masks: the mean guess, their spread, and the error of the mean.

    mean_spread and mean_abs_error are in levels of 0 to 255; the spread says where the guesses differ.
    """
    mask_request = session.request(image, mask_ratio, "random", seed)
    model, photo = session.model(WEIGHTS), session.photo(mask_request)
    *_, last = predict_ensemble(model, photo, mask_ratio, "random", mask_request.seed, round(count))
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
    """Measure how the guess of a hidden patch changes when each visible one is left out, in levels of 0 to 255.

    Rows and columns of patches count from 0 at the top left.
    """
    mask_request = session.request(image, mask_ratio, BY_HAND if mask else mask_kind, seed, mask)
    photo, grid = session.photo(mask_request), len(mask_request.mask)
    target = min(int(row), grid - 1) * grid + min(int(column), grid - 1)
    *_, changes = influence(session.model(WEIGHTS), photo, mask_request.mask, target)
    return heat_image(photo, relative_influence(changes), 1.0), influence_numbers(mask_request, target, changes)


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
    """Mend a photo: hide every patch with a spoilt pixel, and paste the guess on the spoilt pixels alone.

    damage "scratches" or "text" first spoils the photo, so that there are scores; with "none", scratches says which
    pixels are spoilt: "128." and the bits of 128 x 128 pixels, row by row, as URL-safe base64.
    """
    if not image:
        raise InputError("error.no_photo")
    side, seed = session.model(WEIGHTS).img_size, seed or 0
    drawn = Damage("" if damage == "none" else damage, seed)
    damaged = draw_damage(side, damage, seed) if drawn.damage else decode_mask(scratches, side)
    result = repair(session, image, WEIGHTS, drawn, damaged)
    return result.damaged, result.mended, result.smooth, result.scores


def offer_endpoints(session: MAESession) -> None:
    """Offer the endpoints of the tab."""
    photo, seed = lambda: photo_parameter("image"), lambda: _whole("seed", 1, MAX_SEED)
    count = gr.Slider(2, MAX_MASKS, 16, step=1, label="count", render=False)
    damage = gr.Radio(["none", *DAMAGES], value="scratches", label="damage", render=False)

    def masking() -> list[Component]:
        return [_ratio(), _kind(), seed(), _text("mask")]

    offers: list[tuple[Callable[..., Answer], Sequence[Component], Sequence[str]]] = [
        (reconstruct, [photo(), *masking()], ("masked", "reconstruction", "pasted")),
        (reconstruct_ratios, [photo(), _kind(), seed()], ("strip",)),
        (reconstruct_often, [photo(), _ratio(), count, seed()], ("mean", "spread", "error")),
        (patch_influence, [photo(), *masking(), _whole("row", 0, 511), _whole("column", 0, 511)], ("heat",)),
        (
            mix_photos,
            [photo_parameter("image_a"), photo_parameter("image_b"), *masking(), _ratio(0.5, "mix_ratio")],
            ("mixture", "masked", "pasted"),
        ),
        (mend_photo, [photo(), damage, seed(), _text("scratches")], ("damaged", "mended", "smooth")),
    ]
    for compute, inputs, names in offers:
        images = [gr.Image(label=name, format="png", render=False) for name in names]
        numbers = gr.JSON(label="influence" if compute is patch_influence else "scores", render=False)
        endpoint(_handler(session, compute), inputs, [*images, numbers], compute.__name__)


def _handler(session: MAESession, compute: Callable[..., Answer]) -> Callable[..., list[Any]]:
    """Return the handler of an endpoint, with the parameters of `compute` after the session: Gradio reads them."""

    def handle(request: gr.Request, *inputs: Any) -> list[Any]:
        with session.user_error(request):
            answer = compute(session, *inputs)
        return [session.ctx.save_image(each) if isinstance(each, Image.Image) else each for each in answer]

    _, *parameters = inspect.signature(compute).parameters.values()
    request = inspect.signature(handle).parameters["request"]
    handle.__signature__ = inspect.Signature([request, *parameters])  # type: ignore[attr-defined]
    handle.__doc__ = compute.__doc__
    return handle


def _ratio(value: float = 0.75, label: str = "mask_ratio") -> gr.Slider:
    return gr.Slider(0, MAX_RATIO, value, step=0.01, label=label, render=False)


def _kind() -> gr.Radio:
    return gr.Radio(list(MASK_KINDS), value="random", label="mask_kind", render=False)


def _whole(label: str, value: int, most: int) -> gr.Number:
    return gr.Number(value, precision=0, minimum=0, maximum=most, label=label, render=False)


def _text(label: str) -> gr.Textbox:
    return gr.Textbox("", label=label, render=False)
