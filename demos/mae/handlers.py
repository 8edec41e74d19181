"""What the main part of the MAE tab answers: a photo, a rule or a brush, and the image that comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from demos.mae.mask_canvas import asked_percent
from demos.mae.masks import BY_HAND, MAX_RATIO, pack, unpack
from demos.mae.reconstruction import grid_of
from demos.mae.results import NAMES, folded, nothing, sheet, show
from demos.mae.session import MAESession, MaskRequest
from demos.ui import widgets

RULE = "random"  # that takes over where a mask by hand is drawn anew


class Handlers:
    """Each answers with the values of `NAMES`, the canvas for picking and what was asked, and empties the closer looks.

    `controls` are the values that `MaskRequest.of` takes.

    Args:
        work: The workshop of the tab.
        outdated: Values that empty the closer looks.
    """

    def __init__(self, work: MAESession, outdated: Sequence[Any]) -> None:
        self._work, self._outdated = work, outdated

    def on_change(self, request: gr.Request, *controls: Any) -> list[Any]:
        """Show what the controls say."""
        return self._answer(MaskRequest.of(*controls), request)

    def on_redraw(self, request: gr.Request, *controls: Any) -> list[Any]:
        """Draw the mask by a rule, since only a rule has a ratio and a seed; adds the rule."""
        return self._by_rule(MaskRequest.of(*controls), request)

    def on_ratio(self, request: gr.Request, wanted: object, *controls: Any) -> list[Any]:
        """Hide as much as the wheel or a key asks for; adds the rule and the percentage."""
        with self._work.user_error(request):
            percent = asked_percent(wanted)
        ask = replace(MaskRequest.of(*controls), mask_ratio=percent / 100)
        return [*self._by_rule(ask, request), percent]

    def on_stroke(
        self, mask: object, path: str | None, seed: int | None, weights: str, request: gr.Request
    ) -> list[Any]:
        """Fill in what was brushed; adds the kind, the percentage and the mask. The page keeps its own canvas."""
        if not path:
            return [*self.on_clear(), BY_HAND, 0, ""]
        with self._work.user_error(request):
            cells = unpack(mask, grid_of(self._work.model(weights)))
        ask = MaskRequest(path, 0.0, BY_HAND, seed or 0, pack(cells), weights)
        answer = self._answer(ask, request)
        answer[NAMES.index("canvas")] = gr.skip()
        return [*answer, BY_HAND, round(100 * min(float(cells.mean()), MAX_RATIO)), ask.mask]

    def on_sheet(self, ask: MaskRequest | None, request: gr.Request) -> str:
        """Draw all images of the result that is shown on one."""
        if ask is None:
            raise widgets.user_error(self._work.ctx, request, "error.no_photo")
        with self._work.user_error(request):
            return sheet(self._work, ask)

    def on_unfold(self, ask: MaskRequest | None) -> list[str | None]:
        """Show the images of the result that are folded away."""
        with self._work.user_error(None):
            return folded(self._work, ask)

    def on_clear(self) -> list[Any]:
        """Show nothing, where there is no photo."""
        values = nothing(self._work.ctx)
        return [*(values[name] for name in NAMES), "", None, *self._outdated]

    def _by_rule(self, ask: MaskRequest, request: gr.Request) -> list[Any]:
        rule = RULE if ask.mask_kind == BY_HAND else ask.mask_kind
        return [*self._answer(replace(ask, mask_kind=rule), request), rule]

    def _answer(self, ask: MaskRequest, request: gr.Request | None) -> list[Any]:
        if not ask.path:
            return self.on_clear()
        with self._work.user_error(request):
            values = show(self._work, ask, self._work.result(ask)).values(self._work.ctx)
        return [*(values[name] for name in NAMES), values["canvas"], ask, *self._outdated]
