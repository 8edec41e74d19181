"""A room with three questions, and a phone that asks for it."""

from collections.abc import Iterator

import pytest
from live_questions import APP, QUESTIONS, Clock, Item, activity
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demos.core.context import Context
from demos.ui.live_session.http import phone_routes
from demos.ui.live_session.room import Room, Rooms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(clock: Clock) -> Rooms[Item]:
    return Rooms("room", clock)


@pytest.fixture
def room(rooms: Rooms[Item]) -> Room[Item]:
    return rooms.open(QUESTIONS, APP)


@pytest.fixture
def phone(context: Context, rooms: Rooms[Item]) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=phone_routes(context, rooms, activity()))) as client:
        yield client
