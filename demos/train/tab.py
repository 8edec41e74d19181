"""The trainer tab: fine-tune a network on images of one's own, watch it learn, and replay runs that are finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component

from demos.core.context import Context, Demo
from demos.core.events import PROMPT_EVENT, QUICK_EVENT
from demos.core.tab_interface import TabInterface
from demos.core.user_models import selected_model
from demos.core.visitor import has_login, remembered_id
from demos.train.presets import PRESETS
from demos.train.remote import connect_remote, remote_section
from demos.train.results import Results
from demos.train.run_view import run_view
from demos.train.runs import Runs, Shown
from demos.train.submit import OPENING_PRESET, OPENING_RECIPE, Selection, Starter
from demos.train.text import limits_html
from demos.ui import widgets
from demos.ui.latest_event import on_latest, on_report, reporter
from models.training.recipes import RECIPES

NAME = "train"
POLL_SECONDS = 3.0
OPEN_TAB = "(name) => document.getElementById(`tab-${name}-button`).click()"
SHOW_RUN = "() => document.getElementById('train-runs').scrollIntoView({ block: 'start' })"
STYLE = Path(__file__).with_name("tab.css")
RUNS = "train-runs"
PICK_SCRIPT = f"""{reporter(RUNS)}element.addEventListener("click", (event) => {{
  const button = event.target.closest("button[data-run]");
  if (button) report("pick", {{ run: button.dataset.run }});
}});"""
# Without the queue an event costs half as much, but a sentence for the visitor does not arrive: for polling only.
QUIET_EVENT: dict[str, Any] = {"show_progress": "hidden", **QUICK_EVENT}
SLOW_EVENT: dict[str, Any] = {"api_visibility": "private", "concurrency_limit": 1}
MEASURE_EVENT: dict[str, Any] = {**SLOW_EVENT, "show_progress": "hidden", "concurrency_id": "measure"}


class Steps(NamedTuple):
    """The controls of the three steps to a job."""

    files_a: gr.File
    files_b: gr.File
    second: gr.Column
    audit: gr.HTML
    recipe: gr.Radio
    about: gr.HTML
    start: gr.Dropdown
    preset: gr.Radio
    broken: gr.Checkbox
    options: list[gr.Number | gr.Checkbox | gr.Dropdown]
    title: gr.Textbox
    estimate: gr.HTML
    go: gr.Button


def build(ctx: Context) -> TabInterface:
    """Create the components of the tab and connect them."""
    runs = Runs(ctx)
    starter, results = Starter(ctx, runs), Results(ctx, runs)
    visitor = remembered_id()
    widgets.lead(ctx, "train.lead")
    shown, compare = _watching(ctx, runs, results, visitor)
    off = "disabled" if ctx.jobs is None else (ctx.jobs.off or "").removeprefix("off_")
    gr.Markdown(ctx.t("train.own"), elem_classes="train-own")
    for code, values in ctx.jobs.notices().items() if ctx.jobs else ():
        widgets.html_line(ctx.localize_html(f"error.job.{code}", **values), "score")
    if off:
        widgets.html_line(ctx.localize_html(f"error.job.off_{off}"), "score", "train-off")
    else:
        steps = _steps(ctx, starter)
        upload = gr.State(None)
        _connect_steps(starter, visitor, upload, steps, shown)
        if not ctx.library.hub.offline:
            remote, place = remote_section(ctx, starter, runs)
            job: list[Component] = [visitor, upload, steps.recipe, steps.start, steps.title]
            connect_remote(remote, place, visitor, job, steps.options, shown, PROMPT_EVENT)
    widgets.aside(ctx, "train.how_title", "train.how")
    _connect_runs(runs, visitor, shown)
    if off or ctx.library.hub.offline:
        shown.resume.click(runs.on_resume, [visitor, shown.watched], list(shown), **PROMPT_EVENT)
    _connect_result(results, visitor, shown, compare)
    return TabInterface(takes=None if off else steps.files_a)


def _watching(ctx: Context, runs: Runs, results: Results, visitor: gr.BrowserState) -> tuple[Shown, gr.Button]:
    """Place the list of runs, the view of one, and what its owner can do with it."""
    view_value, list_value = runs.opening()
    style = f"<style>{STYLE.read_text('utf-8')}</style>"
    listed = gr.HTML(list_value, js_on_load=PICK_SCRIPT, head=style, apply_default_css=False, elem_id=RUNS)
    view = run_view(ctx, "train-view", view_value)
    with gr.Row(elem_id="train-bar", elem_classes="toolbar"):
        pause = _button(ctx, "pause")
        resume = _button(ctx, "resume", "primary")
        stop = _button(ctx, "stop")
        delete = _button(ctx, "delete")
        sure = _button(ctx, "sure", "stop")
    with gr.Column(visible=False, elem_id="train-use") as use:
        with gr.Row(elem_id="train-use-bar", elem_classes="toolbar"):
            take = _button(ctx, "take", "primary")
            compare = gr.Button(ctx.t("train.compare"), size="md", elem_id="train-compare")
        sheet = gr.Image(
            visible=False, type="filepath", format="png", interactive=False, show_label=False,
            buttons=["download", "fullscreen"], elem_id="train-sheet",
        )  # fmt: skip
        caption = widgets.html_line("", "facts", "train-caption")
        download = gr.DownloadButton(ctx.t("train.download"), visible=False, elem_id="train-download")  # type: ignore[arg-type]
        watched = gr.State(None)
        if has_login():
            _push(ctx, results, visitor, watched)
    timer = gr.Timer(POLL_SECONDS, active=False)
    made = (sheet, caption, download)
    return Shown(watched, listed, view, timer, pause, resume, stop, delete, sure, use, take, *made), compare


def _button(ctx: Context, name: str, variant: Any = "secondary") -> gr.Button:
    label: Any = "" if name == "take" else ctx.t(f"train.{name}")
    return gr.Button(label, variant=variant, visible=False, size="md", elem_id=f"train-{name}")


def _push(ctx: Context, results: Results, visitor: gr.BrowserState, watched: gr.State) -> None:
    """Place what sends the weights to the visitor's own account; only where they can log in."""
    with widgets.options(ctx, "train.push.title"):
        gr.LoginButton()
        name = gr.Textbox("", label=ctx.t("train.push.name"), max_length=96)
        send = gr.Button(ctx.t("train.push.send"))
        result = widgets.html_line("", "facts", "train-pushed")
    send.click(results.on_push, [visitor, watched, name], result, **SLOW_EVENT)


def _steps(ctx: Context, starter: Starter) -> Steps:
    """Place the three steps: images, method, start."""
    assert ctx.jobs is not None
    gr.Markdown(ctx.t("train.step_1"), elem_classes="train-step")
    widgets.html_line(limits_html(ctx, ctx.jobs.limits), "facts", "train-limits")
    with gr.Row(elem_classes="columns"):
        _, files_a = _files(ctx, "train.files", "train-files-a")
        second, files_b = _files(ctx, "train.files_b", "train-files-b", visible=False)
    audit = widgets.html_line("", "train-audit", "train-audit")
    gr.Markdown(ctx.t("train.step_2"), elem_classes="train-step")
    recipe = widgets.pills(
        ctx, "train.recipe", {name: f"train.recipe.{name}" for name in RECIPES}, OPENING_RECIPE, "train-recipe"
    )
    about = widgets.html_line(ctx.localize_html(f"train.about.{OPENING_RECIPE}"), "facts", "train-about")
    choices = starter.start_choices(OPENING_RECIPE, [])
    config = starter.config(None, Selection(OPENING_RECIPE, choices[0][1], OPENING_PRESET, False))
    with gr.Row(elem_classes="train-choices"):
        start = gr.Dropdown(
            choices,
            value=choices[0][1],
            label=ctx.t("train.start"),
            info=ctx.t("train.start_info"),
            elem_id="train-start",
        )
        preset = widgets.pills(
            ctx, "train.preset", {name: f"train.preset.{name}" for name in PRESETS}, OPENING_PRESET, "train-preset"
        )
    broken = gr.Checkbox(False, label=ctx.t("train.break"), info=ctx.t("train.break_info"), elem_id="train-break")
    with widgets.options(ctx, "train.options"), gr.Row(elem_id="train-options"):
        options = starter.options.build(ctx, OPENING_RECIPE, config)
    gr.Markdown(ctx.t("train.step_3"), elem_classes="train-step")
    with gr.Row(elem_classes="train-choices"):
        title = gr.Textbox("", label=ctx.t("train.name"), max_length=80, elem_id="train-name")
        go = gr.Button(ctx.t("train.go"), variant="primary", interactive=False, elem_id="train-go")
    estimate = widgets.html_line("", "score", "train-estimate")
    return Steps(files_a, files_b, second, audit, recipe, about, start, preset, broken, options, title, estimate, go)


def _files(ctx: Context, key: str, elem_id: str, visible: bool = True) -> tuple[gr.Column, gr.File]:
    """Place what takes images and zips, or a whole folder."""
    label: Any = ctx.t(key)
    choose: Any = ctx.t("train.folder")
    with gr.Column(visible=visible, elem_id=f"{elem_id}-set") as whole:
        files = gr.File(label=label, file_count="multiple", file_types=["image", ".zip"], height=140, elem_id=elem_id)
        folder = gr.UploadButton(
            choose, file_count="directory", size="sm", elem_classes="quiet", elem_id=f"{elem_id}-folder"
        )
    folder.upload(lambda paths: paths, folder, files, trigger_mode="always_last", **PROMPT_EVENT)
    return whole, files


def _connect_runs(runs: Runs, visitor: gr.BrowserState, shown: Shown) -> None:
    """Show a visitor's job when they come, what it does while it runs, and what they choose to look at."""
    everything = list(shown)
    here = [visitor, shown.watched]
    shown.view.ready(runs.on_ready, visitor, everything, **QUIET_EVENT)
    shown.view.stale(runs.on_stale, here, everything, **QUIET_EVENT)
    shown.view.unlisted(runs.on_unlisted, here, [shown.watched, shown.runs, shown.timer], **QUIET_EVENT)
    on_report(shown.runs, RUNS, "pick", runs.on_pick, [visitor], everything, **PROMPT_EVENT)
    shown.timer.tick(runs.on_tick, here, [shown.watched, shown.view], **QUIET_EVENT)
    for button, handler in ((shown.pause, runs.on_pause), (shown.stop, runs.on_stop)):
        button.click(handler, here, everything, **PROMPT_EVENT)
    shown.delete.click(lambda: gr.update(visible=True), None, shown.sure, **QUIET_EVENT)
    shown.sure.click(runs.on_delete, here, everything, **PROMPT_EVENT)


def _connect_result(results: Results, visitor: gr.BrowserState, shown: Shown, compare: gr.Button) -> None:
    """Show before and after, and hand the weights to the tab where they are at home."""
    made = gr.State(None)
    compared = compare.click(
        results.on_compare, [visitor, shown.watched], made, show_progress_on=[shown.caption], **SLOW_EVENT
    )
    parts: list[Component] = [shown.sheet, shown.caption, shown.download]
    compared.success(results.on_made, [shown.watched, made], parts, trigger_mode="always_last", **QUIET_EVENT)
    tab, selection = gr.Textbox(visible=False), selected_model()
    ready = gr.State(None)
    taken = shown.take.click(results.on_take, [visitor, shown.watched], [ready, tab], **SLOW_EVENT)
    opened = taken.success(fn=None, inputs=tab, js=OPEN_TAB, api_visibility="private")
    opened.then(lambda it: it, ready, selection, api_visibility="private", show_progress="hidden")


def _connect_steps(starter: Starter, visitor: gr.BrowserState, upload: gr.State, steps: Steps, shown: Shown) -> None:
    """Lead from images over the choice of a method to a job."""
    previous = gr.State(Selection(OPENING_RECIPE, str(steps.start.value), OPENING_PRESET, False))
    updated: list[Component] = [previous, *steps.options]
    selection: list[Component] = [visitor, previous, steps.recipe, steps.start, steps.preset, steps.broken]
    images: list[Component] = [visitor, upload, steps.files_a, steps.files_b, steps.recipe, steps.start]
    audited: list[Component] = [visitor, upload, steps.audit, steps.estimate, steps.go]
    asked: list[Component] = [visitor, upload, steps.recipe, steps.start]

    # One event for images and choices, so that a page reads once at a time: what is read next knows what was before,
    # its folder and the id that a new visitor was given with it.
    taken = on_latest(
        [steps.files_a.change, steps.files_b.change, previous.change],
        starter.on_files,
        images,
        audited,
        show_progress_on=[steps.audit],
        concurrency_limit=2,
        api_visibility="private",
    )
    taken.success(
        starter.on_estimate, [*asked, *steps.options], steps.estimate, trigger_mode="always_last", **MEASURE_EVENT
    )
    on_latest(
        [steps.recipe.input],
        starter.on_recipe,
        [visitor, steps.recipe, steps.preset, steps.broken],
        [previous, steps.start, steps.broken, steps.second, steps.about, *steps.options],
        **PROMPT_EVENT,
    )
    changes = [steps.start.input, steps.preset.input, steps.broken.input]
    on_latest(changes, starter.on_selection, selection, updated, **PROMPT_EVENT)
    listed = shown.runs.change(
        starter.on_listed, [visitor, steps.recipe, steps.start], steps.start, trigger_mode="always_last", **PROMPT_EVENT
    )
    listed.success(starter.on_selection, selection, updated, trigger_mode="always_last", **PROMPT_EVENT)
    edits = [option.input if isinstance(option, gr.Checkbox) else option.blur for option in steps.options]
    on_latest(edits, starter.on_estimate, [*asked, *steps.options], [steps.estimate], **MEASURE_EVENT)
    started = steps.go.click(starter.on_start, [*asked, steps.title, *steps.options], list(shown), **PROMPT_EVENT)
    started.success(fn=None, js=SHOW_RUN, api_visibility="private")
    started.success(lambda: "", None, steps.estimate, **QUIET_EVENT)  # the run shows its own time from here on


def precompute(ctx: Context, folder: Path) -> None:
    """The tab opens on a recording, which `python -m models.training record` writes; nothing else is needed."""


DEMO = Demo(NAME, build, precompute)
