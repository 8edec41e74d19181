"""The quiz in a room whose audience answers by phone."""

import gradio as gr

from demos.core.context import Context
from demos.core.i18n import Texts
from demos.cyclegan.quiz import audience
from demos.cyclegan.quiz.quiz import Card
from demos.ui.live_session.markup import room_html
from demos.ui.live_session.network_address import ReachableAddress
from demos.ui.live_session.room import Room, Rooms, new_token

ENGLISH = Texts.load().tables["en"]
APP = ReachableAddress("http://192.0.2.7:7860/")
ANSWERS = ("fake", "real", "fake")


def card(answer: str, discriminator_answer: str = "fake") -> Card:
    return Card("apple", answer, b"shown", (b"photo", b"made", b"back"), discriminator_answer)


def advance(room: Room[Card], times: int = 1) -> None:
    for _ in range(times):
        room.advance(room.phase, room.index)


def test_the_screen_reveals_what_a_card_is_and_its_cycle(context: Context) -> None:
    rooms: Rooms[Card] = Rooms("room")
    pages = {}
    for answer in ("real", "fake"):
        room = rooms.open([card(answer, discriminator_answer=answer)], APP)
        advance(room)
        room.vote(new_token(), 0, "fake")
        activity = audience.quiz_activity(context)
        pages[answer] = room_html(context, activity, room).replace(room.code, "").replace(room.key, "")
        advance(room)
        shown = room_html(context, activity, room)
        assert ENGLISH[f"cyclegan.room_was_{answer}_apple"] in shown
        assert ENGLISH[f"cyclegan.room_judged_{answer}"] in shown and shown.count("<figure>") == 3
    assert pages["real"] == pages["fake"]


def test_the_end_shows_all_tallies_and_every_card(context: Context) -> None:
    room = Rooms[Card]("room").open([card(answer) for answer in ANSWERS], APP)
    advance(room)
    for index, answer in enumerate(ANSWERS):
        wrong = "real" if answer == "fake" else "fake"
        for place in range(4):
            room.vote(f"{place:022d}", index, answer if place < 3 else wrong)
        advance(room, 2)
    page = room_html(context, audience.quiz_activity(context), room)
    assert "9 of 12 answers" in page and "3 of 4 phones were right" in page and page.count("<figure>") == 9
    assert "2 of 3, 95%" in page, "the discriminator, which calls every card fake"


def test_a_room_has_the_built_in_fruit_by_default(context: Context) -> None:
    assert len(audience.make_cards(context, None, gr.Request(headers={}))) == 18
