"""A room for "spot the fake": its rules, what phones are told over HTTP, what the screen shows."""

import re
from collections.abc import Iterator

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import app as app_module
from demos.core.context import Context
from demos.core.i18n import LANGUAGES, Texts
from demos.cyclegan.quiz import room as room_module
from demos.cyclegan.quiz import room_markup
from demos.cyclegan.quiz.network_address import Reach, reach
from demos.cyclegan.quiz.quiz import Card
from demos.cyclegan.quiz.room import Room, RoomError, Rooms, new_token
from demos.cyclegan.quiz.room_http import COOKIE, Phones
from demos.cyclegan.quiz.room_stage import Stage

TEXTS = Texts.load()
FOUND = Reach("http://192.0.2.7:7860/")
FAKES = (True, False, True)
JUDGED = (True, True, True)
CARDS = [
    Card("apple", fake, b"shown %d" % place, (b"photo", b"made", b"back"), judged)
    for place, (fake, judged) in enumerate(zip(FAKES, JUDGED, strict=True))
]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(clock: Clock) -> Rooms:
    return Rooms(clock)


@pytest.fixture
def room(rooms: Rooms) -> Room:
    return rooms.open(CARDS, FOUND)


def step(room: Room, times: int = 1) -> None:
    for _ in range(times):
        room.advance(room.phase, room.number)


@pytest.fixture
def phone(context: Context, rooms: Rooms) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=Phones(context, rooms).routes())) as client:
        yield client


def test_a_deck_is_played_to_its_end(room: Room) -> None:
    ann, ben = new_token(), new_token()
    room.state(ann)
    step(room)
    for number, fake in enumerate(FAKES):
        assert (room.phase, room.number) == ("question", number)
        room.answer(ann, number, fake)
        room.answer(ben, number, True)
        step(room)
        assert room.phase == "reveal" and room.state()["fake"] is fake
        step(room)
    assert room.phase == "end"
    assert room.scores() == [(3, 3), (2, 3)]
    counted = room.tally()
    assert counted is not None and (counted.right, counted.count) == (5, 6) and counted.sensitivity > 0
    step(room)
    assert room.phase == "end"


def test_a_phone_has_one_vote_which_it_may_change_until_the_reveal(room: Room) -> None:
    token = new_token()
    step(room)
    room.answer(token, 0, True)
    room.answer(token, 0, False)
    assert (room.split(0).fake, room.split(0).real) == (0, 1)
    step(room)
    for number in (0, 1, -1):
        with pytest.raises(RoomError, match="late"):
            room.answer(token, number, True)
    assert (room.split(0).fake, room.split(0).real) == (0, 1)


def test_a_click_that_comes_twice_goes_on_once(room: Room) -> None:
    step(room)
    room.advance("lobby", 0)
    assert room.phase == "question"


def test_nothing_is_told_before_the_reveal(room: Room) -> None:
    token = new_token()
    step(room)
    states = []
    for said in (True, False):
        room.answer(token, 0, said)
        states.append({name: value for name, value in room.state(token).items() if name != "mine"})
    assert states[0] == states[1], "whether a vote is right does not show"
    assert "fake" not in states[0] and states[0]["of"] == 0


def test_a_room_is_closed_by_age_by_silence_and_by_its_key(rooms: Rooms, clock: Clock) -> None:
    silent = rooms.open(CARDS, FOUND)
    asked = rooms.open(CARDS, FOUND)
    while clock.now < 100 + room_module.LIFETIME - room_module.IDLE:
        clock.now += room_module.IDLE / 2 + 1
        asked.state()
    assert rooms.find(silent.code) is None
    assert rooms.find(asked.code.lower()) is asked is rooms.of(asked.key)
    clock.now = 101 + room_module.LIFETIME
    asked.state()
    assert rooms.of(asked.key) is None
    mine, other = rooms.open(CARDS, FOUND), rooms.open(CARDS, FOUND)
    rooms.close(other.key)
    assert rooms.find(mine.code) is mine
    rooms.close(mine.key)
    assert rooms.find(mine.code) is None


def test_rooms_and_phones_have_limits(rooms: Rooms, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "MOST_ROOMS", 2)
    monkeypatch.setattr(room_module, "MOST_PHONES", 2)
    rooms.open(CARDS, FOUND)
    two = rooms.open(CARDS, FOUND)
    with pytest.raises(RoomError, match="rooms"):
        rooms.open(CARDS, FOUND)
    step(two)
    voter, looker = new_token(), new_token()
    two.answer(voter, 0, True)
    two.state(looker)
    with pytest.raises(RoomError, match="phones"):
        two.state(new_token())
    clock.now += room_module.LEFT
    assert two.state(new_token())["here"] == 1, "whoever never answered made place"
    with pytest.raises(RoomError, match="hurry"):
        for _ in range(room_module.PER_SECOND + 1):
            two.state(voter)
    clock.now += 1
    assert two.state(voter)["mine"] is True


def test_a_phone_answers_over_http(phone: TestClient, room: Room) -> None:
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
    assert phone.post(f"{address}/answer", json={"number": 0, "fake": True}).status_code == 409
    step(room)
    assert phone.post(f"{address}/answer", json={"number": 0, "fake": True}).json()["mine"] is True
    step(room)
    state = phone.get(f"{address}/state").json()
    assert (state["fake"], state["right"], state["of"]) == (True, 1, 1)
    assert "set-cookie" not in phone.get(address).headers, "one phone, one token"


def test_the_screen_is_no_phone(phone: TestClient, room: Room) -> None:
    state = phone.get(f"/room/{room.code}/state").json()
    assert state["here"] == 0 and "mine" not in state


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wrong_code_gets_one_sentence(phone: TestClient, room: Room, language: str) -> None:
    page = phone.get("/room/<script>x", headers={"accept-language": language})
    assert page.status_code == 404 and "set-cookie" not in page.headers
    assert TEXTS.tables[language]["cyclegan.phone_wrong"].split("{code}")[1] in page.text
    assert "<SCRIPT>X" not in page.text and page.text.count("<script>") == 1
    assert phone.get("/room/AAAAAA/state").status_code == 404
    assert phone.post("/room/AAAAAA/answer", json={"number": 0, "fake": True}).json() == {"error": "gone"}


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"\xff", b'{"number": "0", "fake": true}', b'{"number": 0, "fake": 1}', b"[" * 150, b" " * 999],
)
def test_a_vote_that_makes_no_sense_is_refused(phone: TestClient, room: Room, body: bytes) -> None:
    step(room)
    json_type = {"content-type": "application/json"}
    address = f"/room/{room.code}/answer"
    assert phone.post(address, content=body, headers=json_type).status_code == 403, "no token"
    phone.cookies.set(COOKIE, new_token())
    assert phone.post(address, content=body, headers=json_type).status_code == 400
    assert phone.post(address, content=b'{"number": 0, "fake": true}').status_code == 400, "as a form sends it"
    assert room.split(0).count == 0


def test_the_screen_says_what_a_card_is_only_at_the_reveal(context: Context, rooms: Rooms) -> None:
    pages = {}
    for fake in (False, True):
        card = Card("apple", fake, b"the same", (b"photo", b"made", b"back"), judged_fake=fake)
        room = rooms.open([card], FOUND)
        step(room)
        room.answer(new_token(), 0, True)
        pages[fake] = room_markup.stage_html(context, room).replace(room.code, "").replace(room.key, "")
        step(room)
        shown = room_markup.stage_html(context, room)
        assert TEXTS.tables["en"][f"cyclegan.room_was_{'fake' if fake else 'real'}_apple"] in shown
        assert "1 · 100%" in shown and "0 · 0%" in shown and shown.count("<figure>") == 3
    assert pages[False] == pages[True]


def test_the_end_shows_everybody_and_every_card(context: Context, room: Room) -> None:
    step(room)
    for number, fake in enumerate(FAKES):
        for place in range(4):
            room.answer(f"{place:022d}", number, fake if place < 3 else not fake)
        step(room, 2)
    page = room_markup.stage_html(context, room)
    assert "9 of 12 answers" in page and "3 of 4 phones were right" in page
    assert page.count("<figure>") == 9
    assert re.search(r"Best: 3 of 3 right, phones with that score: 3 of 4\.", page)
    heights = re.findall(r'<i style="--height: ([\d.]+)%">', page)
    assert heights == ["33.3", "0.0", "0.0", "100.0"]


def test_guessing_is_binomial_for_each_phones_own_answers() -> None:
    assert room_markup.guessing([(2, 2), (0, 1)], 3) == [0.25 + 0.5, 0.5 + 0.5, 0.25, 0]


def test_the_way_in_is_a_code_and_a_text_or_a_sentence(context: Context, rooms: Rooms) -> None:
    room = rooms.open(CARDS, FOUND)
    page = room_markup.stage_html(context, room)
    assert f"http://192.0.2.7:7860/room/{room.code}</p>" in page and page.count("<svg") == 1
    assert set(room.code) <= set(room_module.LETTERS) and len(room.code) == 6
    shut = rooms.open(CARDS, Reach("http://127.0.0.1:7860/", "host"))
    page = room_markup.stage_html(context, shut)
    assert "--host 0.0.0.0" in page and "<svg" not in page


def told(data: object) -> gr.EventData:
    return gr.EventData(None, data)


def test_a_room_obeys_whoever_has_its_key(context: Context) -> None:
    rooms = Rooms()
    stage, request = Stage(context, rooms), gr.Request(headers={})
    page = stage.on_open(None, "https://fruit.example/", request)
    code, key = (re.search(rf'data-{name}="([\w-]+)"', page)[1] for name in ("room", "key"))  # type: ignore[index]
    room = rooms.find(code)
    assert room is not None and len(room.cards) == 18 and room.address == f"https://fruit.example/room/{code}"
    begin = {"phase": "lobby", "number": 0}
    strangers: list[object] = [begin, begin | {"key": code}, begin | {"key": new_token()}, begin | {"key": []}, None]
    for stranger in strangers:
        assert (
            stage.on_forward(told(stranger))
            == stage.on_look(told(stranger))
            == room_markup.notice_html(context, "gone")
        )
        assert stage.on_shut(told(stranger)) == ""
    assert rooms.find(code) is room and room.phase == "lobby"
    assert 'data-phase="question"' in stage.on_forward(told(begin | {"key": key}))
    assert 'data-phase="question"' in stage.on_forward(told({"key": key, "phase": [], "number": {}}))
    assert 'data-phase="question"' in stage.on_look(told({"key": key})), "after a reload"
    assert stage.on_shut(told({"key": key})) == ""
    assert rooms.of(key) is None
    with pytest.raises(gr.Error, match="address of this page"):
        stage.on_open(None, "file:///etc/passwd", request)


def test_the_app_serves_what_tabs_ask_for(context: Context) -> None:
    blocks = app_module.build_app(context)
    options = app_module.launch_options(TEXTS, context.routes)
    served = gr.routes.App.create_app(blocks, app_kwargs=options["app_kwargs"])
    with TestClient(served) as client:
        answer = client.get("/room/AAAAAA/state")
    assert (answer.status_code, answer.json()) == (404, {"error": "gone"})


@pytest.mark.parametrize(
    ("page", "base"),
    [
        ("http://192.168.1.5:7860/", "http://192.168.1.5:7860/"),
        ("https://someone-unlabeled.hf.space/", "https://someone-unlabeled.hf.space/"),
        ("https://1234.gradio.live", "https://1234.gradio.live/"),
        ("https://proxy.example/apps/fruit/", "https://proxy.example/apps/fruit/"),
        ("http://127.0.0.1:7860/", "http://10.1.2.3:7860/"),
        ("http://localhost/", "http://10.1.2.3:80/"),
        ("http://[::1]:7860/", "http://10.1.2.3:7860/"),
        ("http://0.0.0.0:7860/", "http://10.1.2.3:7860/"),
    ],
)
def test_phones_are_led_where_the_page_was_opened_or_to_this_machine(page: str, base: str) -> None:
    assert reach(page, lambda: "10.1.2.3", lambda address, port: True) == Reach(base)


def test_what_keeps_phones_out_is_found() -> None:
    page = "http://127.0.0.1:7860/"
    assert reach(page, lambda: None).missing == "network"
    assert reach(page, lambda: "10.1.2.3", lambda address, port: False).missing == "host"


@pytest.mark.parametrize(
    "page", ["", "ftp://a/", "javascript:alert(1)", "http://a b/", "http://u:p@h/", "http://h/?x=<"]
)
def test_what_is_no_address_of_a_page_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="no address of a page"):
        reach(page)
