"""The stage of a room: what opens it, moves it on and closes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT, QUICK_EVENT
from demos.cyclegan.quiz import room_markup
from demos.cyclegan.quiz.network_address import Reach, reach
from demos.cyclegan.quiz.quiz import make_quiz
from demos.cyclegan.quiz.quiz_ui import photos_of
from demos.cyclegan.quiz.room import RoomError, Rooms
from demos.cyclegan.quiz.room_http import Phones
from demos.ui import widgets
from models.analysis.cyclegan_calibration import calibration

SCRIPT = Path(__file__).with_name("room.js")
# The page knows best under which address it was reached: behind a proxy the server does not.
OPENING = "(own) => [own, window.location.origin + window.location.pathname]"


def room_stage(ctx: Context, own: gr.File, start: gr.Button) -> None:
    """Place the stage, which covers the page while a room is open, and lets phones in.

    Args:
        ctx: The context of the tabs.
        own: Images to play with, or none.
        start: The button that opens a room.
    """
    rooms = Rooms()
    ctx.routes.extend(Phones(ctx, rooms).routes())
    page = gr.Textbox(visible=False)
    board = gr.HTML(
        "",
        css_template=room_markup.STYLE,
        js_on_load=SCRIPT.read_text("utf-8"),
        apply_default_css=False,
        elem_id="cyclegan-room",
    )
    stage = Stage(ctx, rooms)
    waiting = start.click(
        lambda: room_markup.notice_html(ctx, "making"), None, board, trigger_mode="once", **QUICK_EVENT
    )
    opened = waiting.then(stage.on_open, [own, page], board, js=OPENING, show_progress="hidden", **PRIVATE_MODEL_EVENT)
    opened.failure(lambda: "", None, board, **QUICK_EVENT)  # the message says why
    board.look(stage.on_look, None, board, **QUICK_EVENT)
    board.forward(stage.on_forward, None, board, **QUICK_EVENT)
    board.shut(stage.on_shut, None, board, **QUICK_EVENT)


class Stage:
    """What the stage answers, to whoever has the key of a room; windows keep it, and no address holds it.

    Args:
        ctx: The context of the tabs.
        rooms: The rooms.
    """

    def __init__(self, ctx: Context, rooms: Rooms) -> None:
        self._ctx, self._rooms = ctx, rooms

    def on_open(self, own: list[str] | None, page: str, request: gr.Request) -> str:
        """Make a deck and opens a room with it."""
        found = self._reach(page, request)
        try:
            self._rooms.check()
            deck = make_quiz(photos_of(self._ctx, own, request), self._ctx.load_model, calibration())
            room = self._rooms.open(deck.cards, found)
        except RoomError as error:
            raise widgets.user_error(self._ctx, request, "cyclegan.room_full") from error
        return room_markup.stage_html(self._ctx, room)

    def on_look(self, event: gr.EventData) -> str:
        """Show a window its room, after it was loaded anew or another one went on, or says that it is no more."""
        room = self._rooms.of(_told(event).get("key"))
        return room_markup.notice_html(self._ctx, "gone") if room is None else room_markup.stage_html(self._ctx, room)

    def on_forward(self, event: gr.EventData) -> str:
        """Go on by one step from where the screen stands."""
        told = _told(event)
        room = self._rooms.of(told.get("key"))
        if room is None:
            return room_markup.notice_html(self._ctx, "gone")
        room.advance(str(told.get("phase")), told.get("number", -1))
        return room_markup.stage_html(self._ctx, room)

    def on_shut(self, event: gr.EventData) -> str:
        """Close the room."""
        self._rooms.close(_told(event).get("key"))
        return ""

    def _reach(self, page: str, request: gr.Request) -> Reach:
        try:
            return reach(page)
        except ValueError as error:
            raise widgets.user_error(self._ctx, request, "cyclegan.room_address") from error


def _told(event: gr.EventData) -> dict[str, Any]:
    """Return what a page sent with an event, if it is anything with names."""
    return event._data if isinstance(event._data, dict) else {}
