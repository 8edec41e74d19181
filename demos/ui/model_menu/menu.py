"""The menu of models that a tab offers beside its own: folded away, with what is on disk and what can be fetched.

Nothing is asked of the network until somebody presses a button.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import gradio as gr
from torch import nn

from demos.core.context import Context
from demos.core.events import LATEST_PROMPT_EVENT, PROMPT_EVENT
from demos.core.families import families_by_tab
from demos.core.user_models import selected_model
from demos.core.visitor import remembered_id
from demos.ui import widgets
from demos.ui.latest_event import on_report, reporter
from demos.ui.model_menu import view
from demos.ui.model_menu.handlers import Choice, Handlers, fits_always
from demos.ui.shelf.shelf import Shelf


class Menu(NamedTuple):
    """What a tab takes from its menu."""

    used: gr.State  # name of the weights in use, for the inputs of the tab's handlers
    switched: gr.State  # changes when the menu has put other weights in use
    choice: gr.State  # of the menu itself
    rows: gr.HTML  # the list, to be drawn anew when the tab itself changes what is in use
    linked: gr.Textbox  # what a link to the tab says of the weights in use
    open_linked: dict[str, Any]  # arguments of the event that puts those of a link in use


def model_menu(
    ctx: Context,
    tab: str,
    opening: str,
    fits: Callable[[nn.Module], str] = fits_always,
    unlinked: Collection[str] = (),
    shelf: Shelf | None = None,
) -> Menu:
    """Place the menu of a tab, folded away, and connects it.

    Args:
        ctx: The context of the tab.
        tab: Name of the tab, a key of `families_by_tab`, which begins the ids in the page.
        opening: Name of the weights that are in use at first.
        fits: See `Handlers`.
        unlinked: Names of weights that a switch of the tab itself chooses.
        shelf: The shelf of the tab, whose panel "models" the menu becomes; without one it is a fold.
    """
    handlers = Handlers(ctx, families_by_tab()[tab], fits, tab, {opening, *unlinked})
    first = Choice(opening, opening)
    offline = ctx.library.hub.offline
    choice, used, switched = gr.State(first), gr.State(opening), gr.State(0)
    linked = gr.Textbox(visible="hidden", elem_id=f"{tab}-model-linked")
    with shelf.drawer("models", "menu.title") if shelf else widgets.options(ctx, "menu.title") as fold:
        rows = _panel(handlers.rows(first), f"{tab}-models", reporter(f"{tab}-models") + view.SCRIPT)
        about = _panel(handlers.about(first), f"{tab}-model-about")
        sentence = _panel("", f"{tab}-model-way", reporter(f"{tab}-model-way") + view.SCRIPT)
        with gr.Row(elem_classes="toolbar"):
            fetch = gr.Button(ctx.t("menu.fetch"), visible=False, variant="primary", elem_id=f"{tab}-model-fetch")
            cancel = gr.Button(ctx.t("menu.cancel"), visible=False, elem_id=f"{tab}-model-cancel")
        with gr.Row(visible=not offline, elem_classes="paste"):
            pasted = gr.Textbox(
                "",
                label=ctx.t("menu.paste"),
                placeholder="user/name",
                max_length=400,
                scale=4,
                elem_id=f"{tab}-model-id",
            )
            go = gr.Button(ctx.t("menu.fetch_id"), scale=0, min_width=120, size="sm", elem_id=f"{tab}-model-go")
        widgets.note(ctx, "menu.note_offline" if offline else "menu.note")
    outputs = [choice, used, switched, rows, about, sentence, fetch, cancel]
    state, visitor, selection = [choice, used], remembered_id(), selected_model()
    fold.expand(handlers.on_open, [choice, used, visitor], [choice, rows], **PROMPT_EVENT)
    on_report(rows, f"{tab}-models", "pick", handlers.on_pick, [*state, visitor], outputs, **PROMPT_EVENT)
    selection.change(handlers.on_selected_model, [selection, *state, visitor], outputs, **LATEST_PROMPT_EVENT)
    fetching = [
        fetch.click(handlers.on_fetch, state, outputs, **PROMPT_EVENT),
        gr.on([go.click, pasted.submit], handlers.on_paste, [pasted, *state], outputs, **PROMPT_EVENT),
        on_report(sentence, f"{tab}-model-way", "pick", handlers.on_choose, state, outputs, **PROMPT_EVENT),
    ]
    cancel.click(handlers.on_cancel, choice, outputs, cancels=fetching, **PROMPT_EVENT)
    used.change(handlers.linked, used, linked, **LATEST_PROMPT_EVENT)
    open_linked = {
        "fn": handlers.on_linked,
        "inputs": [linked, *state],
        "outputs": [*outputs, linked, fold],
        **PROMPT_EVENT,
    }
    return Menu(used, switched, choice, rows, linked, open_linked)


def _panel(value: str, elem_id: str, script: str = "") -> gr.HTML:
    return widgets.panel(value, elem_id, view.STYLE, js_on_load=script)
