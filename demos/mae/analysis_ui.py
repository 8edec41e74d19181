"""Cards of the MAE tab with analyses: mask ratios, many masks, and the influence of visible patches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component
from gradio.events import Dependency

from demos.core.context import Context
from demos.core.events import LATEST_MODEL_EVENT, PRIVATE_MODEL_EVENT
from demos.mae import analysis
from demos.mae.mask_canvas import canvas_value, latest_report, mask_canvas, parse_cell
from demos.mae.masks import SEEDED_KINDS, encode_mask
from demos.mae.reconstruction import heat_image
from demos.mae.results import with_nulls
from demos.mae.session import MAESession, MaskRequest
from demos.ui import widgets
from demos.ui.shelf.shelf import Shelf

OPENING_MASKS = 16
PARTS = ("mean", "spread", "mean_error")
SHOW, HIDE = gr.update(visible=True), gr.update(visible=False)

Connect = Callable[[list[Component]], list[Dependency]]


def on_ratios(session: MAESession, *controls: Any) -> Iterator[list[Any]]:
    """Yield progress after each ratio, and at the end the strip, its numbers and a sentence."""
    ctx, request = session.ctx, session.from_controls(*controls)
    weights, kind, seed = request.weights, request.mask_kind, request.seed
    results = []
    for result in analysis.by_ratio(session.model(weights), session.photo(request), kind, seed):
        results.append(result)
        text = ctx.localize_html("mae.step_ratios", done=len(results), all=len(analysis.RATIOS))
        yield [gr.skip(), gr.skip(), gr.skip(), text, SHOW]
    gains = [each.scores["model"]["psnr"] - each.scores["smooth_fill"]["psnr"] for each in results]
    text = ctx.localize_html("mae.ratios_say", first=f"{gains[0]:+.1f}", last=f"{gains[-1]:+.1f}")
    strip = ctx.save_image(analysis.ratio_strip(results, weights, kind, seed))
    numbers = session.save_json(analysis.ratio_numbers(weights, kind, seed, results))
    yield [SHOW, strip, numbers, text, HIDE]


def on_ensemble(session: MAESession, count: float, *controls: Any) -> Iterator[list[Any]]:
    """Yield the mean, the standard deviation and the error of the mean after each batch of masks."""
    request, count = session.from_controls(*controls), round(count)
    model, ratio, kind = session.model(request.weights), request.mask_ratio, request.mask_kind
    for ensemble in analysis.predict_ensemble(model, session.photo(request), ratio, kind, request.seed, count):
        images = [session.ctx.save_image(each) for each in (ensemble.mean, ensemble.std, ensemble.error)]
        rule = {"mask_kind": analysis.rule_of(kind, SEEDED_KINDS), "mask_ratio": ratio}
        numbers = {**request.settings, **rule, **ensemble.scores}
        text = _ensemble_text(session.ctx, ensemble.scores, count)
        yield [SHOW, *images, session.save_json(numbers), text, SHOW if ensemble.count < count else HIDE]


def on_open_ratios(session: MAESession, shown: str, path: str | None, *controls: Any) -> Iterator[list[Any]]:
    """Show the ratios when their card is opened, unless they are shown or there is no photo."""
    if path and not shown:
        yield from on_ratios(session, path, *controls)


def on_open_ensemble(
    session: MAESession, shown: str, count: float, path: str | None, *controls: Any
) -> Iterator[list[Any]]:
    """Show the ensemble when its card is opened, unless it is shown or there is no photo."""
    if path and not shown:
        yield from on_ensemble(session, count, path, *controls)


def on_pick(session: MAESession, cell: object, *controls: Any) -> Iterator[list[Any]]:
    """Yield progress, and at the end the canvas, the image, the numbers and a sentence on the picked patch."""
    ctx, request = session.ctx, session.from_controls(*controls)
    mask, photo, visible = request.mask, session.photo(request), int((~request.mask).sum())
    target = parse_cell(cell, mask.size)
    changes = np.full(mask.shape, np.nan)
    for changes in analysis.influence(session.model(request.weights), photo, mask, target):
        text = ctx.localize_html("mae.step_influence", done=int((~np.isnan(changes)).sum()), all=visible)
        yield [gr.skip(), gr.skip(), gr.skip(), gr.skip(), text]
    strength = analysis.relative_influence(changes)
    original = ctx.save_image(session.result(request).original)
    canvas = canvas_value(original, mask, len(mask), heat=strength, target=target)
    image = ctx.save_image(heat_image(photo, strength, 1.0))
    row, column = divmod(target, len(mask))
    values = {"row": row + 1, "column": column + 1, "all": visible, "top": f"{np.nanmax(changes):.1f}"}
    text = ctx.localize_html("mae.influence_says", half=analysis.patches_for_half(changes), **values)
    yield [SHOW, canvas, image, session.save_json(influence_numbers(request, target, changes)), text]


def influence_numbers(request: MaskRequest, target: int, changes: Any) -> dict[str, Any]:
    """Return the settings, and the change for each visible patch left out, null where hidden."""
    mask = request.mask
    row, column = divmod(target, len(mask))
    settings = {**request.settings, "mask": encode_mask(mask), "row": row, "column": column}
    return {**settings, "method": "leave one visible patch out", "change_in_levels": with_nulls(changes, 3)}


def _ensemble_text(ctx: Context, scores: dict[str, Any], count: int) -> str:
    if scores["masks"] < count:
        return ctx.localize_html("mae.step_often", done=scores["masks"], all=count)
    gain = scores["psnr_of_mean"] - scores["psnr_of_one"]
    # Few masks at a low ratio may hide no patch twice.
    std = "–" if scores["mean_spread"] is None else f"{scores['mean_spread']:.1f}"
    text = ctx.localize_html("mae.often_says", masks=count, gain=f"{gain:+.1f}", spread=std)
    if scores["rank_correlation"] is not None:
        text += " " + ctx.localize_html("mae.often_correlation", correlation=f"{scores['rank_correlation']:.2f}")
    return text


def build_analyses(session: MAESession, shelf: Shelf, canvas: str) -> tuple[gr.HTML, dict[Component, Any], Connect]:
    """Fill the cards; `canvas` is the canvas value of the opening result, or empty."""
    ctx = session.ctx
    with shelf.card("ratios") as ratios_panel:
        widgets.note(ctx, "mae.ratios_why")
        ratios_go, ratios_stop = _go_and_stop(ctx, "ratios")
        with gr.Column(visible=False) as ratios_column:
            strip = widgets.image(ctx.t("mae.ratios"), None, "mae-ratios")
            ratios_file = widgets.download(ctx, "mae.numbers", "mae-ratios-numbers")
        ratios_text = widgets.html_line(elem_id="mae-ratios-says")
    with shelf.card("often") as ensemble_panel:
        widgets.note(ctx, "mae.often_why")
        with gr.Row(elem_classes="toolbar"):
            label = ctx.t("mae.often_count")
            count = gr.Slider(2, analysis.MAX_MASKS, OPENING_MASKS, step=1, label=label, elem_id="mae-often-count")
            ensemble_go, ensemble_stop = _go_and_stop(ctx, "often")
        with gr.Column(visible=False) as ensemble_column:
            with gr.Row(elem_classes="row-of-pictures"):
                parts = [widgets.image(ctx.t(f"mae.{part}"), None, f"mae-often-{part}") for part in PARTS]
            ensemble_file = widgets.download(ctx, "mae.numbers", "mae-often-numbers")
        ensemble_text = widgets.html_line(elem_id="mae-often-says")
    with shelf.card("influence"):
        widgets.note(ctx, "mae.influence_why")
        with gr.Row(elem_classes="row-of-pictures"):
            picker = mask_canvas(ctx, "mae.picker", "pick", "mae-picker", canvas)
            with gr.Column(visible=False) as influence_column:
                heat = widgets.image(ctx.t("mae.influence"), None, "mae-influence")
                influence_file = widgets.download(ctx, "mae.numbers", "mae-influence-numbers")
        influence_text = widgets.html_line(elem_id="mae-influence-says")

    def connect(controls: list[Component]) -> list[Dependency]:
        quiet: dict[str, Any] = {"show_progress": "hidden", **PRIVATE_MODEL_EVENT}
        on_opening: dict[str, Any] = {"show_progress": "hidden", **LATEST_MODEL_EVENT}
        outputs = [ratios_column, strip, ratios_file, ratios_text, ratios_stop]
        ratios_running = ratios_go.click(session.handler(on_ratios), controls, outputs, **quiet)
        inputs: list[Component] = [ratios_text, *controls]
        ratios_opening = ratios_panel.expand(session.handler(on_open_ratios), inputs, outputs, **on_opening)
        _connect_stop(ctx, ratios_stop, [ratios_running, ratios_opening], ratios_text)
        outputs = [ensemble_column, *parts, ensemble_file, ensemble_text, ensemble_stop]
        ensemble_running = ensemble_go.click(session.handler(on_ensemble), [count, *controls], outputs, **quiet)
        inputs = [ensemble_text, count, *controls]
        ensemble_opening = ensemble_panel.expand(session.handler(on_open_ensemble), inputs, outputs, **on_opening)
        _connect_stop(ctx, ensemble_stop, [ensemble_running, ensemble_opening], ensemble_text)
        outputs = [influence_column, picker, heat, influence_file, influence_text]
        latest = {"js": latest_report(picker, "pick"), "show_progress": "hidden", **LATEST_MODEL_EVENT}
        picking = picker.pick(session.handler(on_pick), [picker, *controls], outputs, **latest)
        return [ratios_running, ratios_opening, ensemble_running, ensemble_opening, picking]

    outdated: dict[Component, Any] = dict.fromkeys((ratios_stop, ensemble_stop), HIDE)
    outdated |= dict.fromkeys((ratios_text, ensemble_text, influence_text), "")
    outdated |= dict.fromkeys((ratios_column, ensemble_column, influence_column), HIDE)
    return picker, outdated, connect


def _go_and_stop(ctx: Context, name: str) -> tuple[gr.Button, gr.Button]:
    with gr.Row(elem_classes="toolbar"):
        go = gr.Button(ctx.t(f"mae.{name}_go"), variant="primary", elem_id=f"mae-{name}-go")
        stop = gr.Button(ctx.t("mae.stop"), visible=False, elem_id=f"mae-{name}-stop")
    return go, stop


def _connect_stop(ctx: Context, stop: gr.Button, running: list[Any], text: gr.HTML) -> None:
    """Let a button cancel what is running and say so."""

    def on_stop() -> list[Any]:
        return [ctx.localize_html("mae.stopped"), HIDE]

    stop.click(on_stop, None, [text, stop], cancels=running, queue=False, api_visibility="private")
