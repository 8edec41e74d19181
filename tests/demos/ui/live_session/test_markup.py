"""What the screen of a room shows."""

import re
from dataclasses import replace

import pytest
from live_questions import ANSWERS, APP, QUESTIONS, Item, activity, advance

from demos.core.context import Context
from demos.ui.live_session import room as room_module
from demos.ui.live_session.markup import guessing_distribution, room_html
from demos.ui.live_session.network_address import ReachableAddress
from demos.ui.live_session.room import Room, Rooms, new_token


def test_the_screen_shows_the_answer_only_at_the_reveal(context: Context, rooms: Rooms[Item]) -> None:
    pages = {}
    for answer in ("real", "fake"):
        room = rooms.open([Item(answer, 0)], APP)
        advance(room)
        room.vote(new_token(), 0, "fake")
        pages[answer] = room_html(context, activity(), room).replace(room.code, "").replace(room.key, "")
        advance(room)
        shown = room_html(context, activity(), room)
        assert f"answer {answer}" in shown and f"details {answer}" in shown
        assert "1 · 100%" in shown and "0 · 0%" in shown and shown.count('class="bar true"') == 1
    assert pages["real"] == pages["fake"] and "prompt 0" in pages["real"]


def test_the_end_shows_scores_and_the_summary(context: Context, room: Room[Item]) -> None:
    advance(room)
    for index, answer in enumerate(ANSWERS):
        for place in range(4):
            wrong = "real" if answer == "fake" else "fake"
            room.vote(f"{place:022d}", index, answer if place < 3 else wrong)
        advance(room, 2)
    page = room_html(context, activity(), room)
    assert "summary of 3" in page
    assert re.search(r"Best score: 3 of 3, on 3 of 4 phones\.", page)
    assert re.findall(r'<i style="--height: ([\d.]+)%">', page) == ["33.3", "0.0", "0.0", "100.0"]


def test_guessing_is_binomial_over_the_answers_of_each_phone() -> None:
    assert guessing_distribution([(2, 2), (0, 1)], 3, choices=2) == [0.25 + 0.5, 0.5 + 0.5, 0.25, 0]
    assert guessing_distribution([(0, 2)], 2, choices=4) == pytest.approx([9 / 16, 6 / 16, 1 / 16])


def test_the_lobby_shows_a_code_and_an_address_or_what_is_missing(context: Context, rooms: Rooms[Item]) -> None:
    room = rooms.open(QUESTIONS, APP)
    page = room_html(context, activity(), room)
    assert f"http://192.0.2.7:7860/room/{room.code}</p>" in page and page.count("<svg") == 1
    assert set(room.code) <= set(room_module.LETTERS) and len(room.code) == 6
    unreachable = rooms.open(QUESTIONS, ReachableAddress("http://127.0.0.1:7860/", "host"))
    page = room_html(context, activity(), unreachable)
    assert "--host 0.0.0.0" in page and "<svg" not in page


def test_choices_are_those_of_the_activity(context: Context, room: Room[Item]) -> None:
    advance(room, 2)
    single = replace(activity(), choices=("fake",))
    assert room_html(context, single, room).count('class="bar') == 1
