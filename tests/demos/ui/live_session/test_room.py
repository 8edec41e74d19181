"""The state of a room: phases, votes, scores, limits."""

import pytest
from live_questions import ANSWERS, APP, QUESTIONS, Clock, Item, advance

from demos.ui.live_session import room as room_module
from demos.ui.live_session.room import Room, RoomError, Rooms, new_token


def test_questions_are_answered_to_the_end(room: Room[Item]) -> None:
    ann, ben = new_token(), new_token()
    room.state(ann)
    advance(room)
    for index, answer in enumerate(ANSWERS):
        assert (room.phase, room.index) == ("question", index)
        room.vote(ann, index, answer)
        room.vote(ben, index, "fake")
        advance(room)
        assert room.phase == "reveal" and room.state()["answer"] == answer
        advance(room)
    assert room.phase == "end"
    assert room.scores() == [(3, 3), (2, 3)]
    votes = room.revealed_votes()
    assert len(votes) == 6 and sum(item.answer == choice for item, choice in votes) == 5
    advance(room)
    assert room.phase == "end"


def test_a_phone_has_one_vote_which_it_may_change_until_the_reveal(room: Room[Item]) -> None:
    token = new_token()
    advance(room)
    room.vote(token, 0, "fake")
    room.vote(token, 0, "real")
    assert room.counts(0) == {"real": 1}
    advance(room)
    for index in (0, 1, -1):
        with pytest.raises(RoomError, match="late"):
            room.vote(token, index, "fake")
    assert room.counts(0) == {"real": 1}


def test_a_click_that_comes_twice_advances_once(room: Room[Item]) -> None:
    advance(room)
    room.advance("lobby", 0)
    assert room.phase == "question"


def test_the_state_holds_no_answer_before_the_reveal(room: Room[Item]) -> None:
    token = new_token()
    advance(room)
    states = []
    for choice in ("fake", "real"):
        room.vote(token, 0, choice)
        states.append({name: value for name, value in room.state(token).items() if name != "mine"})
    assert states[0] == states[1], "whether a vote is right does not show"
    assert "answer" not in states[0] and states[0]["of"] == 0 and not room.revealed_votes()


def test_a_room_is_closed_by_age_by_silence_and_by_its_key(rooms: Rooms[Item], clock: Clock) -> None:
    silent = rooms.open(QUESTIONS, APP)
    asked = rooms.open(QUESTIONS, APP)
    while clock.now < 100 + room_module.LIFETIME - room_module.IDLE_TIMEOUT:
        clock.now += room_module.IDLE_TIMEOUT / 2 + 1
        asked.state()
    assert rooms.by_code(silent.code) is None
    assert rooms.by_code(asked.code.lower()) is asked is rooms.by_key(asked.key)
    clock.now = 101 + room_module.LIFETIME
    asked.state()
    assert rooms.by_key(asked.key) is None
    mine, other = rooms.open(QUESTIONS, APP), rooms.open(QUESTIONS, APP)
    rooms.close(other.key)
    assert rooms.by_code(mine.code) is mine
    rooms.close(mine.key)
    assert rooms.by_code(mine.code) is None


def test_rooms_and_phones_have_limits(rooms: Rooms[Item], clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "MAX_ROOMS", 2)
    monkeypatch.setattr(room_module, "MAX_PHONES", 2)
    rooms.open(QUESTIONS, APP)
    two = rooms.open(QUESTIONS, APP)
    for refused in (rooms.check_capacity, lambda: rooms.open(QUESTIONS, APP)):
        with pytest.raises(RoomError, match="rooms"):
            refused()
    advance(two)
    voter, looker = new_token(), new_token()
    two.vote(voter, 0, "fake")
    two.state(looker)
    with pytest.raises(RoomError, match="phones"):
        two.state(new_token())
    clock.now += room_module.EVICT_AFTER
    assert two.state(new_token())["here"] == 1, "a phone that never answered is removed for another"
    with pytest.raises(RoomError, match="hurry"):
        for _ in range(room_module.MAX_REQUESTS + 1):
            two.state(voter)
    clock.now += 1
    assert two.state(voter)["mine"] == "fake"
