"""The stage of a room: what opens it, moves it on and closes it, for its owner alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from demos import _cyclegan_room_view as view
from demos import _look as look
from demos._base import PRIVATE_MODEL_EVENT, QUICK_EVENT, Context
from demos._cyclegan_quiz import make_quiz
from demos._cyclegan_quiz_view import photos_of
from demos._cyclegan_room import RoomError, Rooms
from demos._cyclegan_room_http import Phones
from demos._reach import Reach, reach
from demos._visitor import new_id, owner_of, remembered_id
from models.calibration import calibration

SCRIPT = Path(__file__).with_name("_cyclegan_room.js")
# The page knows best under which address it was reached: behind a proxy the server does not.
PAGE_ADDRESS = "(visitor, own) => [visitor, own, window.location.origin + window.location.pathname]"


def room_stage(ctx: Context, own: gr.File, start: gr.Button) -> None:
    """Places the stage, which covers the page while a room is open, and lets phones in.

    Args:
        ctx: The context of the tabs.
        own: Pictures to play with, or none.
        start: The button that opens a room.
    """
    rooms = Rooms()
    ctx.routes.extend(Phones(ctx, rooms).routes())
    visitor, page = remembered_id(), gr.Textbox(visible=False)
    board = gr.HTML(
        "",
        css_template=view.STYLE,
        js_on_load=SCRIPT.read_text("utf-8"),
        apply_default_css=False,
        elem_id="cyclegan-room",
    )
    stage = Stage(ctx, rooms)
    start.click(
        stage.on_open, [visitor, own, page], [visitor, board], js=PAGE_ADDRESS, trigger_mode="once",
        show_progress_on=[start], **PRIVATE_MODEL_EVENT,
    )  # fmt: skip
    board.look(stage.on_look, visitor, board, **QUICK_EVENT)
    board.forward(stage.on_forward, visitor, board, **QUICK_EVENT)
    board.shut(stage.on_shut, visitor, board, **QUICK_EVENT)


class Stage:
    """What the stage answers; whose room it is says the browser's own secret, which no address holds.

    Args:
        ctx: The context of the tabs.
        rooms: The rooms.
    """

    def __init__(self, ctx: Context, rooms: Rooms) -> None:
        self._ctx, self._rooms = ctx, rooms

    def on_open(self, visitor: str, own: list[str] | None, page: str, request: gr.Request) -> tuple[str, str]:
        """Makes a deck and opens a room with it, in the place of the visitor's last one."""
        if owner_of(visitor, request) is None:
            visitor = new_id()
        owner = owner_of(visitor, request) or ""
        found = self._reach(page, request)
        try:
            self._rooms.check(owner)
            deck = make_quiz(photos_of(self._ctx, own, request), self._ctx.load_model, calibration())
            room = self._rooms.open(owner, deck.cards, found)
        except RoomError as error:
            raise look.sorry(self._ctx, request, "cyclegan.room_full") from error
        return visitor, view.stage_html(self._ctx, room)

    def on_look(self, visitor: str, event: gr.EventData, request: gr.Request) -> Any:
        """Shows a visitor who comes back their room, or says that the one which the page remembers is no more."""
        room = self._rooms.of(owner_of(visitor, request))
        if room is not None:
            return view.stage_html(self._ctx, room)
        return view.gone_html(self._ctx) if _told(event).get("room") else gr.skip()

    def on_forward(self, visitor: str, event: gr.EventData, request: gr.Request) -> str:
        """Goes on by one step from where the screen stands."""
        room = self._rooms.of(owner_of(visitor, request))
        if room is None:
            return view.gone_html(self._ctx)
        told = _told(event)
        room.advance(str(told.get("phase")), told.get("number", -1))
        return view.stage_html(self._ctx, room)

    def on_shut(self, visitor: str, request: gr.Request) -> str:
        """Closes the room."""
        self._rooms.close(owner_of(visitor, request))
        return ""

    def _reach(self, page: str, request: gr.Request) -> Reach:
        try:
            return reach(page)
        except ValueError as error:
            raise look.sorry(self._ctx, request, "cyclegan.room_address") from error


def _told(event: gr.EventData) -> dict[str, Any]:
    """Returns what a page sent with an event, if it is anything with names."""
    return event._data if isinstance(event._data, dict) else {}
