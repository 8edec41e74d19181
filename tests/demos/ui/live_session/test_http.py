"""The requests of phones to a room."""

import gradio as gr
import pytest
from live_questions import Item, advance
from starlette.testclient import TestClient

import app as app_module
from demos.core.context import Context
from demos.core.i18n import LANGUAGES, Texts
from demos.ui.live_session.http import COOKIE
from demos.ui.live_session.room import Room, new_token

TEXTS = Texts.load()


def test_a_phone_answers_over_http(phone: TestClient, room: Room[Item]) -> None:
    address = f"/room/{room.code}"
    page = phone.get(address, headers={"accept-language": "zh-HK,zh;q=0.9"})
    assert page.status_code == 200 and '<html lang="zh">' in page.text
    assert TEXTS.tables["zh"]["cyclegan.phone_lobby"] in page.text
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path" not in cookie
    phone.cookies.set(COOKIE, page.cookies[COOKIE])
    assert phone.get(f"{address}/state").json() == {
        "phase": "lobby", "number": 0, "count": 3, "here": 1, "answered": 0, "mine": None, "right": 0, "of": 0,
    }  # fmt: skip
    assert phone.post(f"{address}/answer", json={"number": 0, "choice": "fake"}).status_code == 409
    advance(room)
    assert phone.post(f"{address}/answer", json={"number": 0, "choice": "fake"}).json()["mine"] == "fake"
    advance(room)
    state = phone.get(f"{address}/state").json()
    assert (state["answer"], state["right"], state["of"]) == ("fake", 1, 1)
    assert "set-cookie" not in phone.get(address).headers, "one phone, one token"


def test_the_screen_is_no_phone(phone: TestClient, room: Room[Item]) -> None:
    state = phone.get(f"/room/{room.code}/state").json()
    assert state["here"] == 0 and "mine" not in state


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wrong_code_gets_one_sentence(phone: TestClient, room: Room[Item], language: str) -> None:
    page = phone.get("/room/<script>x", headers={"accept-language": language})
    assert page.status_code == 404 and "set-cookie" not in page.headers
    assert TEXTS.tables[language]["cyclegan.phone_wrong"].split("{code}")[1] in page.text
    assert "<SCRIPT>X" not in page.text and page.text.count("<script>") == 1
    assert phone.get("/room/AAAAAA/state").status_code == 404
    assert phone.post("/room/AAAAAA/answer", json={"number": 0, "choice": "fake"}).json() == {"error": "gone"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"number": "0", "choice": "fake"}',
        b'{"number": 0, "choice": "orange"}',
        b'{"number": 0, "choice": []}',
        b"[" * 150,
        b" " * 999,
    ],
)
def test_a_vote_that_makes_no_sense_is_refused(phone: TestClient, room: Room[Item], body: bytes) -> None:
    advance(room)
    json_type = {"content-type": "application/json"}
    address = f"/room/{room.code}/answer"
    assert phone.post(address, content=body, headers=json_type).status_code == 403, "no token"
    phone.cookies.set(COOKIE, new_token())
    assert phone.post(address, content=body, headers=json_type).status_code == 400
    assert phone.post(address, content=b'{"number": 0, "choice": "fake"}').status_code == 400, "as a form sends it"
    assert not room.counts(0)


def test_the_app_serves_the_routes_of_tabs(context: Context) -> None:
    blocks = app_module.build_app(context)
    options = app_module.launch_options(TEXTS, context.routes)
    served = gr.routes.App.create_app(blocks, app_kwargs=options["app_kwargs"])
    with TestClient(served) as client:
        answer = client.get("/room/AAAAAA/state")
    assert (answer.status_code, answer.json()) == (404, {"error": "gone"})
