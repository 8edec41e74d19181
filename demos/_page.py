"""The page around the tabs: header, tabs that can be linked to, and the small print."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from demos._base import Context, Demo

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

_NOTE_TAB_IN_ADDRESS = """() => {
  window.unlabeledChosen = NAME;
  if (!window.unlabeledIsOpen) return;
  const address = new URL(window.location);
  address.searchParams.set("tab", NAME);
  window.history.replaceState(window.history.state, "", address);
}"""


def header(ctx: Context) -> None:
    """Places the name of the app and its one line."""
    with gr.Row(elem_id="masthead"):
        gr.HTML('<h1>Unlabeled <span lang="zh" translate="no">无标签</span></h1>', elem_classes="wordmark")
        gr.Markdown(ctx.t("app.lead"), elem_classes="tagline")


def colophon(ctx: Context) -> None:
    """Places the small print at the foot of the page."""
    gr.Markdown(ctx.t("app.footer"), elem_id="colophon")


def place_tabs(app: gr.Blocks, ctx: Context, demos: Sequence[Demo]) -> None:
    """Builds each tab in its place; ``?tab=<name>`` opens one, and choosing one notes it in the address."""
    with gr.Tabs(elem_id="tabs") as tabs:
        for demo in demos:
            with gr.Tab(ctx.t(f"{demo.name}.title"), id=demo.name, elem_id=f"tab-{demo.name}") as tab:
                demo.build(ctx)
            tab.select(fn=None, js=_NOTE_TAB_IN_ADDRESS.replace("NAME", repr(demo.name)), api_visibility="private")
    names = str([demo.name for demo in demos])
    app.load(fn=None, js=_OPEN_LINKED_TAB.replace("NAMES", names), outputs=tabs, api_visibility="private")
