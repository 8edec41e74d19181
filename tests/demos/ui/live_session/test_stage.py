"""The events of a room."""

import re

import gradio as gr
import pytest
from live_questions import QUESTIONS, activity
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demos.core.context import Context
from demos.ui.live_session.markup import notice_html
from demos.ui.live_session.room import new_token
from demos.ui.live_session.stage import room_stage


def event(data: object) -> gr.EventData:
    return gr.EventData(None, data)


def test_only_the_key_of_a_room_controls_it(context: Context) -> None:
    with gr.Blocks(analytics_enabled=False) as app:
        source, start = gr.File(), gr.Button()
        room_stage(context, activity(), start, lambda source, request: QUESTIONS, source, "stage")
    handlers = {fn.name: fn.fn for fn in app.fns.values()}
    on_open, on_refresh, on_advance, on_close = (
        handlers[name] for name in ("on_open", "on_refresh", "on_advance", "on_close")
    )
    assert on_open and on_refresh and on_advance and on_close
    request = gr.Request(headers={})
    page = on_open(None, "https://fruit.example/", request)
    code, key = (re.search(rf'data-{name}="([\w-]+)"', page)[1] for name in ("room", "key"))  # type: ignore[index]
    assert f"https://fruit.example/room/{code}<" in page
    begin = {"phase": "lobby", "number": 0}
    strangers: list[object] = [begin, begin | {"key": code}, begin | {"key": new_token()}, begin | {"key": []}, None]
    for stranger in strangers:
        gone = notice_html(context, "cyclegan", "gone")
        assert on_advance(event(stranger)) == on_refresh(event(stranger)) == gone
        assert on_close(event(stranger)) == ""
    with TestClient(Starlette(routes=context.routes)) as client:
        assert client.get(f"/room/{code}/state").json()["phase"] == "lobby"
        assert 'data-phase="question"' in on_advance(event(begin | {"key": key}))
        assert 'data-phase="question"' in on_advance(event({"key": key, "phase": [], "number": {}}))
        assert 'data-phase="question"' in on_refresh(event({"key": key})), "after a reload"
        assert on_close(event({"key": key})) == ""
        assert client.get(f"/room/{code}/state").status_code == 404
    with pytest.raises(gr.Error, match="address of this page"):
        on_open(None, "file:///etc/passwd", request)
