"""The trainer tab: fine-tune a network on images of one's own, watch it learn, and replay runs that are finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component
from PIL import Image

from demos.core.context import Context, Demo
from demos.core.events import LATEST_PROMPT_EVENT, PROMPT_EVENT, QUICK_EVENT
from demos.core.storage import outlives_restart
from demos.core.tab_interface import TabInterface
from demos.core.user_models import selected_model
from demos.core.visitor import has_login, has_right, remembered_id
from demos.train.presets import PRESETS
from demos.train.remote import can_use_login, remote_section
from demos.train.results import Results
from demos.train.run_view import run_view
from demos.train.runs import Runs, Shown
from demos.train.submit import OPENING_PRESET, OPENING_RECIPE, Selection, Starter
from demos.train.text import limits_html
from demos.ui import widgets
from demos.ui.latest_event import on_report, reporter
from models.training.recipes import RECIPES

NAME = "train"
PREVIEW = "vae-kinds"  # recording whose samples change most
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
MEASURE_EVENT: dict[str, Any] = {
    "trigger_mode": "always_last", "show_progress": "hidden", "concurrency_id": "measure", **SLOW_EVENT,
}  # fmt: skip


def build(ctx: Context) -> TabInterface:
    """Create the components of the tab and connect them."""
    runs, visitor = Runs(ctx), remembered_id()
    widgets.lead(ctx, "train.lead")
    shown = _watching(ctx, runs, visitor)
    off = "disabled" if ctx.jobs is None else (ctx.jobs.off or "").removeprefix("off_")
    gr.Markdown(ctx.t("train.own"), elem_classes="train-own")
    for code, values in ctx.jobs.notices().items() if ctx.jobs else ():
        widgets.html_line(ctx.localize_html(f"error.job.{code}", **values), "score")
    files = None
    if off:
        widgets.html_line(ctx.localize_html(f"error.job.off_{off}"), "score", "train-off")
        if off == "zerogpu":
            gr.DuplicateButton(ctx.t("train.duplicate"), elem_id="train-duplicate")  # type: ignore[arg-type]
    else:
        files = _steps(ctx, runs, visitor, shown)
    if off or ctx.library.hub.offline:
        shown.resume.click(runs.on_resume, [visitor, shown.watched], list(shown), **PROMPT_EVENT)
    if has_login():
        _login(ctx, off=bool(off))
    widgets.aside(ctx, "train.how_title", "train.how")
    return TabInterface(takes=files, opening=runs.opening)


def _watching(ctx: Context, runs: Runs, visitor: gr.BrowserState) -> Shown:
    """Place and connect the list of runs, the view of one, and what its owner can do with it."""
    view_value, list_value = runs.opening()
    style = f"<style>{STYLE.read_text('utf-8')}</style>"
    listed = gr.HTML(list_value, js_on_load=PICK_SCRIPT, head=style, apply_default_css=False, elem_id=RUNS)
    view = run_view(ctx, "train-view", view_value)
    with gr.Row(elem_id="train-bar", elem_classes="toolbar"):
        pause = _button(ctx, "pause")
        resume = _button(ctx, "resume", "primary")
        stop = _button(ctx, "stop")
    watched = gr.State(None)
    use = _use(ctx, Results(ctx, runs), visitor, watched)
    with gr.Row(elem_id="train-end", elem_classes=["toolbar", "to-start"]):
        delete = _button(ctx, "delete")
        sure = _button(ctx, "sure", "stop")
    timer = gr.Timer(POLL_SECONDS, active=False)
    shown = Shown(watched, listed, view, timer, pause, resume, stop, delete, sure, *use)

    here, everything = [visitor, watched], list(shown)
    view.ready(runs.on_ready, visitor, everything, **QUIET_EVENT)
    # The browser may tell who the visitor is only after the view was there.
    visitor.change(runs.on_visitor, here, everything, trigger_mode="always_last", **QUIET_EVENT)
    view.stale(runs.on_stale, here, everything, **QUIET_EVENT)
    view.unlisted(runs.on_unlisted, here, [watched, listed, timer], **QUIET_EVENT)
    on_report(listed, RUNS, "pick", runs.on_pick, [visitor], everything, **PROMPT_EVENT)
    timer.tick(runs.on_tick, here, [watched, view], **QUIET_EVENT)
    pause.click(runs.on_pause, here, everything, **PROMPT_EVENT)
    stop.click(runs.on_stop, here, everything, **PROMPT_EVENT)
    delete.click(lambda: gr.update(visible=True), None, sure, **QUIET_EVENT)
    sure.click(runs.on_delete, here, everything, **PROMPT_EVENT)
    return shown


def _button(ctx: Context, name: str, variant: Any = "secondary") -> gr.Button:
    label: Any = "" if name == "take" else ctx.t(f"train.{name}")
    return gr.Button(label, variant=variant, visible=False, size="md", elem_id=f"train-{name}")


def _use(ctx: Context, results: Results, visitor: gr.BrowserState, watched: gr.State) -> tuple[Block, ...]:
    """Place and connect what hands on the weights and compares them; return what `Shown` has of it."""
    here, made, ready = [visitor, watched], gr.State(None), gr.State(None)
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
        if has_right("push"):
            with widgets.options(ctx, "train.push.title"):
                name = gr.Textbox("", label=ctx.t("train.push.name"), max_length=96)
                send = gr.Button(ctx.t("train.push.send"), elem_id="train-push")
                pushed = widgets.html_line("", "facts", "train-pushed")
            send.click(results.on_push, [*here, name], pushed, **SLOW_EVENT)
    compared = compare.click(results.on_compare, here, made, show_progress_on=[caption], **SLOW_EVENT)
    parts: list[Component] = [sheet, caption, download]
    compared.success(results.on_made, [watched, made], parts, trigger_mode="always_last", **QUIET_EVENT)
    tab = gr.Textbox(visible=False)
    taken = take.click(results.on_take, here, [ready, tab], **SLOW_EVENT)
    opened = taken.success(fn=None, inputs=tab, js=OPEN_TAB, api_visibility="private")
    opened.then(lambda it: it, ready, selected_model(), api_visibility="private", show_progress="hidden")
    return use, take, *parts


def _login(ctx: Context, off: bool) -> None:
    """Place the button to log in, and say what that gives here."""
    remote = can_use_login() and not off and not ctx.library.hub.offline
    gives = {"runs": True, "push": has_right("push"), "jobs": remote, "without": True}
    lines = "".join(f"<li>{ctx.localize_html(f'train.login.{what}')}</li>" for what, is_so in gives.items() if is_so)
    with widgets.options(ctx, "train.login.title"):
        widgets.html_line(f"<ul>{lines}</ul>", "facts", "train-login-gives")
        gr.LoginButton()


def _steps(ctx: Context, runs: Runs, visitor: gr.BrowserState, shown: Shown) -> gr.File:
    """Place and connect the three steps to a job (images, method, start); return what takes the images."""
    starter = Starter(ctx, runs)
    choices = starter.start_choices(OPENING_RECIPE)
    opening = Selection(OPENING_RECIPE, choices[0][1], OPENING_PRESET, False)
    upload, previous = gr.State(None), gr.State(opening)
    gr.Markdown(ctx.t("train.step_1"), elem_classes="train-step")
    widgets.html_line(limits_html(ctx, runs.manager.limits, runs.manager.classroom), "facts", "train-limits")
    kept = outlives_restart(runs.manager.supervisor.volume is not None)
    widgets.html_line(ctx.localize_html(f"train.keeps_{kept}"), "facts", "train-keeps")
    widgets.html_line(ctx.localize_html("train.forgets"), "score", "train-forgets")  # seen where it is so
    with gr.Row(elem_classes="columns"):
        _, files_a = _files(ctx, "train.files", "train-files-a")
        second, files_b = _files(ctx, "train.files_b", "train-files-b", visible=False)
    audit = widgets.html_line("", "train-audit", "train-audit")
    gr.Markdown(ctx.t("train.step_2"), elem_classes="train-step")
    methods = {name: f"train.recipe.{name}" for name in RECIPES}
    recipe = widgets.pills(ctx, "train.recipe", methods, OPENING_RECIPE, "train-recipe")
    about = widgets.html_line(ctx.localize_html(f"train.about.{OPENING_RECIPE}"), "facts", "train-about")
    presets = {name: f"train.preset.{name}" for name in PRESETS}
    with gr.Row(elem_classes="train-choices"):
        label, info = ctx.t("train.start"), ctx.t("train.start_info")
        start = gr.Dropdown(choices, value=opening.start, label=label, info=info, elem_id="train-start")
        preset = widgets.pills(ctx, "train.preset", presets, OPENING_PRESET, "train-preset")
    broken = gr.Checkbox(False, label=ctx.t("train.break"), info=ctx.t("train.break_info"), elem_id="train-break")
    with widgets.options(ctx, "train.options"), gr.Row(elem_id="train-options"):
        options = starter.options.build(ctx, OPENING_RECIPE, starter.config(None, opening))
    gr.Markdown(ctx.t("train.step_3"), elem_classes="train-step")
    with gr.Row(elem_classes="train-choices"):
        title = gr.Textbox("", label=ctx.t("train.name"), max_length=80, elem_id="train-name")
        go = gr.Button(ctx.t("train.go"), variant="primary", interactive=False, elem_id="train-go")
    estimate = widgets.html_line("", "score", "train-estimate")
    if not ctx.library.hub.offline:
        remote_section(ctx, starter, runs, shown, visitor, [upload, recipe, start, title], options)

    asked: list[Component] = [visitor, upload, recipe, start]
    measured = [*asked, *options]
    selection: list[Component] = [visitor, previous, recipe, start, preset, broken]
    # One event for images and choices, so that a page reads once at a time: what is read next knows what was before,
    # its folder and the id that a new visitor was given with it.
    taken = gr.on(
        [files_a.change, files_b.change, previous.change],
        starter.on_files,
        [visitor, upload, files_a, files_b, recipe, start],
        [visitor, upload, audit, estimate, go],
        show_progress_on=[audit],
        trigger_mode="always_last",
        concurrency_limit=2,
        api_visibility="private",
    )
    taken.success(starter.on_estimate, measured, estimate, **MEASURE_EVENT)
    updated = [previous, start, broken, second, about, *options]
    recipe.input(starter.on_recipe, [visitor, recipe, preset, broken], updated, **LATEST_PROMPT_EVENT)
    changes = [start.input, preset.input, broken.input]
    gr.on(changes, starter.on_selection, selection, [previous, *options], **LATEST_PROMPT_EVENT)
    listed = shown.runs.change(starter.on_listed, [visitor, recipe, start], start, **LATEST_PROMPT_EVENT)
    listed.success(starter.on_selection, selection, [previous, *options], **LATEST_PROMPT_EVENT)
    edits = [option.input if isinstance(option, gr.Checkbox) else option.blur for option in options]
    gr.on(edits, starter.on_estimate, measured, estimate, **MEASURE_EVENT)
    started = go.click(starter.on_start, [*asked, title, *options], list(shown), **PROMPT_EVENT)
    started.success(fn=None, js=SHOW_RUN, api_visibility="private")
    started.success(lambda: "", None, estimate, **QUIET_EVENT)  # the run shows its own time from here on
    return files_a


def _files(ctx: Context, key: str, elem_id: str, visible: bool = True) -> tuple[gr.Column, gr.File]:
    """Place what takes images and zips, or a whole folder."""
    label: Any = ctx.t(key)
    choose: Any = ctx.t("train.folder")
    with gr.Column(visible=visible, elem_id=f"{elem_id}-set") as whole:
        files = gr.File(label=label, file_count="multiple", file_types=["image", ".zip"], height=140, elem_id=elem_id)
        folder = gr.UploadButton(
            choose, file_count="directory", size="sm", elem_classes="quiet", elem_id=f"{elem_id}-folder"
        )
    folder.upload(lambda paths: paths, folder, files, **LATEST_PROMPT_EVENT)
    return whole, files


def precompute(ctx: Context, folder: Path) -> None:
    """The tab opens on a recording, which `python -m models.training record` writes; nothing else is needed."""


def preview(ctx: Context) -> list[Image.Image]:
    """Return the first and the last samples of a recorded run."""
    shown = next(one for one in Runs(ctx).recorded if one.name == PREVIEW)
    with Image.open(shown.strip) as strip:
        height = strip.height // len(shown.preview_steps)
        tops = (0, strip.height - height)
        return [strip.crop((0, top, strip.width, top + height)).convert("RGB") for top in tops]


DEMO = Demo(NAME, build, precompute, preview)
