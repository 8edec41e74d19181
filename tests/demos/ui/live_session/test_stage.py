"""The events of a room."""

import re

import gradio as gr
import pytest
from live_questions import QUESTIONS, Item, activity

from demos.core.context import Context
from demos.ui.live_session.markup import notice_html
from demos.ui.live_session.room import Rooms, new_token
from demos.ui.live_session.stage import room_handlers


def event(data: object) -> gr.EventData:
    return gr.EventData(None, data)


def test_only_the_key_of_a_room_controls_it(context: Context) -> None:
    rooms: Rooms[Item] = Rooms("room")
    on_open, on_refresh, on_advance, on_close = room_handlers(
        context, activity(), rooms, lambda source, request: QUESTIONS
    )
    request = gr.Request(headers={})
    page = on_open(None, "https://fruit.example/", request)
    code, key = (re.search(rf'data-{name}="([\w-]+)"', page)[1] for name in ("room", "key"))  # type: ignore[index]
    room = rooms.by_code(code)
    assert room is not None and room.address == f"https://fruit.example/room/{code}"
    begin = {"phase": "lobby", "number": 0}
    strangers: list[object] = [begin, begin | {"key": code}, begin | {"key": new_token()}, begin | {"key": []}, None]
    for stranger in strangers:
        gone = notice_html(context, "cyclegan", "gone")
        assert on_advance(event(stranger)) == on_refresh(event(stranger)) == gone
        assert on_close(event(stranger)) == ""
    assert rooms.by_code(code) is room and room.phase == "lobby"
    assert 'data-phase="question"' in on_advance(event(begin | {"key": key}))
    assert 'data-phase="question"' in on_advance(event({"key": key, "phase": [], "number": {}}))
    assert 'data-phase="question"' in on_refresh(event({"key": key})), "after a reload"
    assert on_close(event({"key": key})) == ""
    assert rooms.by_key(key) is None
    with pytest.raises(gr.Error, match="address of this page"):
        on_open(None, "file:///etc/passwd", request)
