"""The page around the tabs: the head with its tools, tabs that can be linked to, and the small print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import gradio as gr

from demos.core.context import Context, Demo
from demos.core.events import QUICK_EVENT
from demos.core.tab_interface import TabInterface
from demos.page import deep_links, deferred_parts, markup
from demos.ui import share_picture, widgets
from demos.ui.chart.chart import element_script
from demos.ui.deferred import DEFERRED

# One after the other, in one scope.
SCRIPTS = [
    *(Path(__file__).with_name(f"{name}.js") for name in ("parts", "page", "toasts", "next_step", "access")),
    share_picture.SCRIPT,
]

# Opens the tab named in the address, if there is such a tab. The page selects its first tab by itself while it is
# built, which must not be noted in the address before the address has been read.
# A visitor who was quicker than that has chosen, and what they chose is noted then.
_OPEN_LINKED_TAB = """() => {
  const address = new URL(window.location), chosen = window.unlabeledChosen, name = address.searchParams.get("tab");
  window.unlabeledIsOpen = true;
  if (chosen && chosen !== NAMES[0]) {
    address.searchParams.set("tab", chosen);
    window.history.replaceState(window.history.state, "", address);
    return {"__type__": "update"};
  }
  return NAMES.includes(name) ? {"__type__": "update", "selected": name} : {"__type__": "update"};
}"""

# Brings the tab, if it was not sent yet, and notes in the address that it is open.
_OPEN_TAB = """() => {
  window.unlabeledChosen = NAME;
  window.unlabeled?.bringTab(NAME);
  if (!window.unlabeledIsOpen) return;
  const address = new URL(window.location);
  address.searchParams.set("tab", NAME);
  window.history.replaceState(window.history.state, "", address);
  window.unlabeled?.write();
}"""


def receivers(handles: Mapping[str, TabInterface]) -> dict[str, tuple[str, str]]:
    """Return what an image can be sent to: an id in the page -> tab and name of its photo.

    The id cannot be taken apart again: names of tabs and of photos may have underscores themselves.
    """
    found: dict[str, tuple[str, str]] = {}
    for tab, each in handles.items():
        for name in each.photos:
            place = found.setdefault(f"{tab}_{name}", (tab, name))
            if place != (tab, name):
                raise ValueError(f"The photos {place} and {(tab, name)} have one id, {tab}_{name}: rename one of them.")
    return found


def build_page(app: gr.Blocks, ctx: Context, demos: Sequence[Demo]) -> None:
    """Build the whole page: head, tabs, what connects them, and the small print."""
    with gr.Row(elem_id="masthead"):
        gr.HTML('<h1>Unlabeled <span lang="zh" translate="no">无标签</span></h1>', elem_classes="wordmark")
        gr.Markdown(ctx.t("app.lead"), elem_classes="tagline")
        page = gr.HTML(elem_classes="tools-block", apply_default_css=False, js_on_load="")
    with gr.Tabs(elem_id="tabs") as tabs:
        steps: dict[str, gr.HTML] = {}
        handles = {demo.name: _tab(ctx, demo, steps) for demo in demos}
    ctx.tabs.update(handles)
    targets = receivers(handles)
    events = [f"{does}_{name}" for does in ("link", "take") for name in handles]
    events += [*(f"send_{target}" for target in targets), *deferred_parts.events(app)]
    parts = {tab.id: tab._id for tab in tabs.children}
    values = {"EVENTS": events, "RECEIVERS": targets, "PARTS": parts}
    known = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in values.items())
    page.js_on_load = known + "\n".join([element_script(), *(script.read_text("utf-8") for script in SCRIPTS)])
    page.value = markup.tools_html(ctx, list(handles), list(targets))
    for name, step in steps.items():
        step.value = markup.next_html(ctx, name, list(handles), list(targets))
        step.visible = bool(step.value)
    names = str([demo.name for demo in demos])
    app.load(fn=None, js=_OPEN_LINKED_TAB.replace("NAMES", names), outputs=tabs, api_visibility="private")
    for name, each in handles.items():
        if each.photos or each.settings:
            deep_links.connect(ctx, page, name, each)
    sent = gr.Image(type="filepath", visible=False)
    for target, (name, photo) in targets.items():
        _connect_send(page, sent, tabs, target, name, handles[name], photo)
    _connect_sets(page, tabs, handles)
    widgets.aside(ctx, "page.wrong_title", "page.wrong")
    with gr.Column(elem_id="colophon"):
        gr.Markdown(ctx.t("app.footer"))
        gr.Markdown(ctx.t(f"app.profile_{ctx.profile.replace('-', '_')}"), elem_id="profile")
    deferred_parts.connect(app, page)


def _tab(ctx: Context, demo: Demo, steps: dict[str, gr.HTML]) -> TabInterface:
    """Build a tab in its place, at its end room for the step to the next one; choosing it notes it in the address."""
    with gr.Tab(ctx.t(f"{demo.name}.title"), id=demo.name, elem_id=f"tab-{demo.name}", elem_classes=DEFERRED) as tab:
        handles = demo.build(ctx)
        steps[demo.name] = gr.HTML(elem_classes="next-step", apply_default_css=False)
    tab.select(fn=None, js=_OPEN_TAB.replace("NAME", repr(demo.name)), api_visibility="private")
    return handles or TabInterface()


def _connect_sets(page: gr.HTML, tabs: gr.Tabs, handles: Mapping[str, TabInterface]) -> None:
    """Let the tab that takes many images have what other tabs give; without one, the buttons to it are gone."""
    takers = [(name, each.takes) for name, each in handles.items() if each.takes is not None]
    givers = [each.gives for each in handles.values() if each.gives is not None]
    carried = gr.File(visible=False)  # in no tab, as the tab that takes it may not be in the browser yet
    for name, taker in takers:
        take = getattr(page, f"take_{name}")
        take(lambda path, tab=name: ([path], gr.Tabs(selected=tab)), carried, [taker, tabs], **QUICK_EVENT)
    for button, file in givers:
        button.visible = bool(takers)
        for name, _ in takers:
            told = button.click(None, file, carried, js="(file) => [file]", **QUICK_EVENT)
            told.then(None, js=f"() => void window.unlabeled.take({json.dumps(name)})", **QUICK_EVENT)


def _connect_send(
    page: gr.HTML, sent: gr.Image, tabs: gr.Tabs, target: str, name: str, handles: TabInterface, photo: str
) -> None:
    """Let an image of any tab become the photo of this one; Gradio checks that it may be read."""

    def on_send(path: str | None) -> tuple[str | None, gr.Tabs]:
        return path, gr.Tabs(selected=name)

    outputs = [handles.photos[photo].component, tabs]
    latest = {"js": "() => [window.unlabeled.sent]", "trigger_mode": "always_last", **QUICK_EVENT}
    event = getattr(page, f"send_{target}")(on_send, sent, outputs, **latest)
    deep_links.follow(event, () if handles.photos[photo].shows_itself else handles.show)
