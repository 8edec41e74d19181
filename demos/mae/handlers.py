"""Event handlers of the main part of the MAE tab: a photo, a rule or a brush, and the result.

`controls` are the values of the photo, the percentage, the kind, the seed, the mask and the weights. The answers hold
the values of `NAMES`, the canvas to pick a patch in, and the request that is shown.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from demos.core.i18n import InputError
from demos.mae.mask_canvas import parse_percent
from demos.mae.masks import BY_HAND, MAX_RATIO, decode_mask
from demos.mae.reconstruction import grid_of, summary
from demos.mae.results import FOLDED, NAMES, empty_values, show
from demos.mae.session import MAESession, MaskRequest

DEFAULT_RULE = "random"  # replaces a mask drawn by hand when a ratio or a seed is asked for


def on_change(session: MAESession, path: str | None, *controls: Any) -> list[Any]:
    """Show the result of the controls."""
    return _answer(session, session.from_controls(path, *controls)) if path else on_clear(session)


def on_redraw(session: MAESession, path: str | None, percent: float, kind: str, *controls: Any) -> list[Any]:
    """Draw the mask by a rule, since only a rule has a ratio and a seed; adds the rule."""
    rule = DEFAULT_RULE if kind == BY_HAND else kind
    return [*on_change(session, path, percent, rule, *controls), rule]


def on_ratio(session: MAESession, wanted: object, path: str | None, _: float, *controls: Any) -> list[Any]:
    """Hide as much as the wheel or a key asks for; adds the rule and the percentage."""
    percent = parse_percent(wanted)
    return [*on_redraw(session, path, percent, *controls), percent]


def on_stroke(session: MAESession, text: Any, path: str | None, seed: int | None, weights: str) -> list[Any]:
    """Fill in what was brushed; adds the kind, the percentage and the mask. The page keeps its own canvas."""
    if not path:
        return [*on_clear(session), BY_HAND, 0, ""]
    mask = decode_mask(text, grid_of(session.model(weights)))
    answer = _answer(session, MaskRequest(path, 0.0, BY_HAND, seed or 0, mask, weights))
    answer[NAMES.index("canvas")] = gr.skip()
    return [*answer, BY_HAND, round(100 * min(float(mask.mean()), MAX_RATIO)), text]


def on_clear(session: MAESession) -> list[Any]:
    """Show nothing, where there is no photo."""
    values = empty_values(session.ctx)
    return [*(values[name] for name in NAMES), "", None]


def on_summary(session: MAESession, request: MaskRequest | None) -> str:
    """Draw all images of the shown result in one, and return its path."""
    if request is None:
        raise InputError("error.no_photo")
    info, result = session.ctx.weights_info(request.weights), session.result(request)
    image = summary(result, info.name, info.steps, request.mask_kind, request.seed)
    return session.ctx.save_image(image)


def on_unfold(session: MAESession, request: MaskRequest | None) -> list[str | None]:
    """Return the images of `FOLDED` of the shown result, or nothing where there is none."""
    if request is None:
        return [None] * len(FOLDED)
    result = session.result(request)
    return [session.ctx.save_image(getattr(result, name)) for name in FOLDED]


def _answer(session: MAESession, request: MaskRequest) -> list[Any]:
    values = show(session, request)
    return [*(values[name] for name in NAMES), values["canvas"], request]
