"""The closer looks of the MAE tab, folded away: other ratios, many masks, and what a guess rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
from gradio.components import Component
from gradio.events import Dependency

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.mae.analysis import (
    MAX_MASKS,
    RATIOS,
    by_ratio,
    guess_often,
    half_of_it,
    influence,
    ratio_strip,
    relative_influence,
    rule_of,
)
from demos.mae.mask_canvas import canvas_value, mask_canvas, newest, picked
from demos.mae.masks import SEEDED_KINDS, pack
from demos.mae.reconstruction import heat_image
from demos.mae.session import MAESession, MaskRequest
from demos.ui import widgets

OPENING_MASKS = 16
PARTS = ("mean", "spread", "mean_error")


RUNNING, ENDED = gr.update(visible=True), gr.update(visible=False)  # of a button to stop


class Looks(NamedTuple):
    """What the rest of the tab needs of the closer looks.

    Attributes:
        picker: The canvas that shows the mask, to choose a hidden patch.
        outdated: What to hide or empty when the photo or the mask is another, with the values that do it.
        connect: Takes the inputs that make up an `MaskRequest`, connects everything, and returns what may be running.
    """

    picker: gr.HTML
    outdated: dict[Component, Any]
    connect: Callable[[list[Component]], list[Dependency]]


class LookHandlers:
    """What the closer looks answer; `controls` are the values that `MaskRequest.of` takes."""

    def __init__(self, work: MAESession) -> None:
        self._work, self._ctx = work, work.ctx

    def on_ratios(self, request: gr.Request, *controls: Any) -> Iterator[list[Any]]:
        """Give how far it is after each ratio, and at the end the strip, what it says, and its numbers."""
        ask = self._ask(request, controls)
        with self._work.user_error(request):
            found = []
            for result in by_ratio(self._work.model(ask.weights), self._work.photo(ask), ask.mask_kind, ask.seed):
                found.append(result)
                says = self._ctx.localize_html("mae.step_ratios", done=len(found), all=len(RATIOS))
                yield [gr.skip(), gr.skip(), gr.skip(), says, RUNNING]
        leads = [each.scores["model"]["psnr"] - each.scores["smooth_fill"]["psnr"] for each in found]
        says = self._ctx.localize_html("mae.ratios_say", first=f"{leads[0]:+.1f}", last=f"{leads[-1]:+.1f}")
        strip = self._ctx.save_image(ratio_strip(found, ask.weights, rule_of(ask.mask_kind), ask.seed))
        yield [gr.update(visible=True), strip, self._work.save_json(ratio_numbers(ask, found)), says, ENDED]

    def on_often(self, request: gr.Request, count: float, *controls: Any) -> Iterator[list[Any]]:
        """Give the mean, the spread and the error after each handful of masks."""
        ask = self._ask(request, controls)
        model, ratio, kind = self._work.model(ask.weights), ask.mask_ratio, ask.mask_kind
        with self._work.user_error(request):
            for guesses in guess_often(model, self._work.photo(ask), ratio, kind, ask.seed, round(count)):
                images = [self._ctx.save_image(each) for each in (guesses.mean, guesses.spread, guesses.error)]
                numbers = {**ask.settings, "mask_kind": rule_of(kind, SEEDED_KINDS), "mask_ratio": ratio}
                numbers |= guesses.scores
                says = self._often_says(guesses.scores, round(count))
                stop = RUNNING if guesses.count < round(count) else ENDED
                yield [gr.update(visible=True), *images, self._work.save_json(numbers), says, stop]

    def on_pick(self, request: gr.Request, cell: object, *controls: Any) -> Iterator[list[Any]]:
        """Give the influence of each visible patch on the picked one: canvas, image, numbers and a sentence."""
        ask = self._ask(request, controls)
        with self._work.user_error(request):
            cells = self._work.cells(ask)
            target = picked(cell, cells.size)
            photo, result = self._work.photo(ask), self._work.result(ask)
            changes = np.full(cells.shape, np.nan)
            for changes in influence(self._work.model(ask.weights), photo, cells, target):
                done = int((~np.isnan(changes)).sum())
                says = self._ctx.localize_html("mae.step_influence", done=done, all=int((~cells).sum()))
                yield [gr.skip(), gr.skip(), gr.skip(), gr.skip(), says]
        top, strength = float(np.nanmax(changes)), relative_influence(changes)
        original = self._ctx.save_image(result.original)
        canvas = canvas_value(original, cells, len(cells), heat=strength, target=target)
        image = self._ctx.save_image(heat_image(photo, strength, 1.0))
        numbers = self._work.save_json(influence_numbers(ask, cells, target, changes))
        row, column = divmod(target, len(cells))
        words = {"row": row + 1, "column": column + 1, "all": int((~cells).sum()), "top": f"{top:.1f}"}
        says = self._ctx.localize_html("mae.influence_says", half=half_of_it(changes), **words)
        yield [gr.update(visible=True), canvas, image, numbers, says]

    def _ask(self, request: gr.Request, controls: tuple[Any, ...]) -> MaskRequest:
        ask = MaskRequest.of(*controls)
        if not ask.path:
            raise widgets.user_error(self._ctx, request, "error.no_photo")
        return ask

    def _often_says(self, scores: dict[str, Any], count: int) -> str:
        if scores["masks"] < count:
            return self._ctx.localize_html("mae.step_often", done=scores["masks"], all=count)
        gain = scores["psnr_of_mean"] - scores["psnr_of_one"]
        # Few masks at a low share may hide no patch twice.
        spread = "–" if scores["mean_spread"] is None else f"{scores['mean_spread']:.1f}"
        says = self._ctx.localize_html("mae.often_says", masks=count, gain=f"{gain:+.1f}", spread=spread)
        if scores["rank_correlation"] is not None:
            says += " " + self._ctx.localize_html(
                "mae.often_correlation", correlation=f"{scores['rank_correlation']:.2f}"
            )
        return says


def ratio_numbers(ask: MaskRequest, results: list[Any]) -> dict[str, Any]:
    """Return the scores at each ratio, and the settings."""
    return {"weights": ask.weights, "mask_kind": rule_of(ask.mask_kind), "seed": ask.seed, "ratios": [
        {"mask_ratio": ratio, **result.scores} for ratio, result in zip(RATIOS, results, strict=True)
    ]}  # fmt: skip


def influence_numbers(ask: MaskRequest, cells: Any, target: int, changes: Any) -> dict[str, Any]:
    """Return the change of the guess for each visible patch left out, null where hidden; and the settings."""
    row, column = divmod(target, len(cells))
    levels = [[None if np.isnan(each) else round(float(each), 3) for each in line] for line in changes]
    made = {**ask.settings, "mask": pack(cells), "row": row, "column": column}
    return {**made, "method": "leave one visible patch out", "change_in_levels": levels}


def build_looks(ctx: Context, work: MAESession, mask: str) -> Looks:
    """Place the folds; `mask` is the canvas value of the opening result, or empty."""
    handlers = LookHandlers(work)
    with widgets.options(ctx, "mae.ratios_title"):
        widgets.note(ctx, "mae.ratios_why")
        ratios_go, ratios_stop = _go_and_stop(ctx, "ratios")
        with gr.Column(visible=False) as ratios_column:
            strip = widgets.image(ctx.t("mae.ratios"), None, "mae-ratios")
            ratios_file = number_file(ctx, "mae-ratios-numbers")
        ratios_say = widgets.html_line(elem_id="mae-ratios-says")
    with widgets.options(ctx, "mae.often_title"):
        widgets.note(ctx, "mae.often_why")
        with gr.Row(elem_classes="toolbar"):
            label = ctx.t("mae.often_count")
            count = gr.Slider(2, MAX_MASKS, OPENING_MASKS, step=1, label=label, elem_id="mae-often-count")
            often_go, often_stop = _go_and_stop(ctx, "often")
        with gr.Column(visible=False) as often_column:
            with gr.Row(elem_classes="row-of-pictures"):
                parts = [widgets.image(ctx.t(f"mae.{part}"), None, f"mae-often-{part}") for part in PARTS]
            often_file = number_file(ctx, "mae-often-numbers")
        often_says = widgets.html_line(elem_id="mae-often-says")
    with widgets.options(ctx, "mae.influence_title"):
        widgets.note(ctx, "mae.influence_why")
        with gr.Row(elem_classes="row-of-pictures"):
            picker = mask_canvas(ctx, "mae.picker", "pick", "mae-picker", mask)
            with gr.Column(visible=False) as influence_column:
                heat = widgets.image(ctx.t("mae.influence"), None, "mae-influence")
                influence_file = number_file(ctx, "mae-influence-numbers")
        influence_says = widgets.html_line(elem_id="mae-influence-says")

    def connect(asked: list[Component]) -> list[Dependency]:
        quiet: dict[str, Any] = {"show_progress": "hidden", **PRIVATE_MODEL_EVENT}
        outputs = [ratios_column, strip, ratios_file, ratios_say, ratios_stop]
        by_ratio_running = ratios_go.click(handlers.on_ratios, asked, outputs, **quiet)
        _stops(ctx, ratios_stop, by_ratio_running, ratios_say)
        outputs = [often_column, *parts, often_file, often_says, often_stop]
        often_running = often_go.click(handlers.on_often, [count, *asked], outputs, **quiet)
        _stops(ctx, often_stop, often_running, often_says)
        outputs = [influence_column, picker, heat, influence_file, influence_says]
        latest: dict[str, Any] = {"js": newest(picker, "pick"), "trigger_mode": "always_last", **quiet}
        picking = picker.pick(handlers.on_pick, [picker, *asked], outputs, **latest)
        return [by_ratio_running, often_running, picking]

    outdated: dict[Component, Any] = {ratios_stop: ENDED, often_stop: ENDED}
    outdated |= dict.fromkeys((ratios_say, often_says, influence_says), "")
    outdated |= dict.fromkeys((ratios_column, often_column, influence_column), gr.update(visible=False))
    return Looks(picker, outdated, connect)


def number_file(ctx: Context, elem_id: str) -> gr.DownloadButton:
    """Place the button that saves the numbers of a result as JSON."""
    label: Any = ctx.t("mae.numbers")
    return gr.DownloadButton(label, elem_id=elem_id, elem_classes="quiet")


def _go_and_stop(ctx: Context, name: str) -> tuple[gr.Button, gr.Button]:
    with gr.Row(elem_classes="toolbar"):
        go = gr.Button(ctx.t(f"mae.{name}_go"), variant="primary", elem_id=f"mae-{name}-go")
        stop = gr.Button(ctx.t("mae.stop"), visible=False, elem_id=f"mae-{name}-stop")
    return go, stop


def _stops(ctx: Context, stop: gr.Button, running: Dependency, says: gr.HTML) -> None:
    def on_stop() -> list[Any]:
        return [ctx.localize_html("mae.stopped"), ENDED]

    stop.click(on_stop, None, [says, stop], cancels=[running], queue=False, api_visibility="private")
