"""The screen of a room: the events that open it, advance it and close it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT, QUICK_EVENT
from demos.ui import widgets
from demos.ui.live_session.http import phone_routes
from demos.ui.live_session.markup import STYLE, Activity, notice_html, room_html
from demos.ui.live_session.network_address import reachable_address
from demos.ui.live_session.room import QuestionT, RoomError, Rooms

SCRIPT = Path(__file__).with_name("room.js")
# The page knows best under which address it was reached: behind a proxy the server does not.
ADD_ADDRESS = "(source) => [source, window.location.origin + window.location.pathname]"


# Runs when the line appears, which is when its fold or card is opened.
CHECK = 'trigger("check", {page: window.location.origin + window.location.pathname});'


def reachability_line(ctx: Context, texts: str, elem_id: str) -> gr.HTML:
    """Place a line that says, before a room is opened, whether phones can come in.

    Args:
        ctx: The context of the tab.
        texts: First part of the keys of the texts, as of an `Activity`.
        elem_id: Id of the line in the page.
    """

    def on_check(event: gr.EventData) -> str:
        try:
            address = reachable_address(str(_data(event).get("page")))
        except ValueError:
            return ctx.localize_html(f"{texts}.room_address")
        found = f"offline_{address.missing}" if address.missing else "reachable"
        return ctx.localize_html(f"{texts}.room_{found}", address=address.base)

    line = gr.HTML(elem_id=elem_id, elem_classes="facts", apply_default_css=False, js_on_load=CHECK)
    line.check(on_check, None, line, show_progress="hidden", **QUICK_EVENT)
    return line


def room_stage(
    ctx: Context,
    activity: Activity[QuestionT],
    start: gr.Button,
    make_questions: Callable[[Any, gr.Request], Sequence[QuestionT]],
    source: Component,
    elem_id: str,
) -> None:
    """Place the screen of a room, which covers the page while one is open, and serve its phones.

    A room obeys whoever has its key, which the page holds and no URL.

    Args:
        ctx: The context of the tab.
        activity: What the audience is asked.
        start: The button that opens a room.
        make_questions: Value of `source` and the request -> the questions.
        source: Component that holds what the questions are made from.
        elem_id: Id of the screen in the page.
    """
    rooms: Rooms[QuestionT] = Rooms(activity.path)
    ctx.routes.extend(phone_routes(ctx, rooms, activity))

    def on_open(source: Any, page: str, request: gr.Request) -> str:
        try:
            address = reachable_address(page)
        except ValueError as error:
            raise widgets.user_error(ctx, request, f"{activity.texts}.room_address") from error
        try:
            rooms.check_capacity()
            room = rooms.open(make_questions(source, request), address)
        except RoomError as error:
            raise widgets.user_error(ctx, request, f"{activity.texts}.room_full") from error
        return room_html(ctx, activity, room)

    def on_refresh(event: gr.EventData) -> str:
        """Show a window its room after a reload or once another window has advanced it."""
        room = rooms.by_key(_data(event).get("key"))
        return room_html(ctx, activity, room) if room else notice_html(ctx, activity.texts, "gone")

    def on_advance(event: gr.EventData) -> str:
        data = _data(event)
        if room := rooms.by_key(data.get("key")):
            room.advance(str(data.get("phase")), data.get("number", -1))
        return on_refresh(event)

    def on_close(event: gr.EventData) -> str:
        rooms.close(_data(event).get("key"))
        return ""

    page = gr.Textbox(visible=False)
    script = SCRIPT.read_text("utf-8").replace("{{path}}", activity.path)
    board = widgets.panel("", elem_id, activity.style + STYLE, js_on_load=script)
    waiting = start.click(
        lambda: notice_html(ctx, activity.texts, "making"), None, board, trigger_mode="once", **QUICK_EVENT
    )
    opened = waiting.then(on_open, [source, page], board, js=ADD_ADDRESS, show_progress="hidden", **PRIVATE_MODEL_EVENT)
    opened.failure(lambda: "", None, board, **QUICK_EVENT)  # the message says why
    board.refresh(on_refresh, None, board, **QUICK_EVENT)
    board.advance(on_advance, None, board, **QUICK_EVENT)
    board.close(on_close, None, board, **QUICK_EVENT)


def _data(event: gr.EventData) -> dict[str, Any]:
    """Return what a page sent with an event, or nothing where it is no object."""
    return event._data if isinstance(event._data, dict) else {}
