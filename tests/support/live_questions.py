"""Questions about real and fake images for a room, whose clock is set by the test."""

from collections import Counter
from dataclasses import dataclass

from demos.ui.live_session.markup import Activity
from demos.ui.live_session.network_address import ReachableAddress
from demos.ui.live_session.room import Room

ANSWERS = ("fake", "real", "fake")
APP = ReachableAddress("http://192.0.2.7:7860/")


@dataclass(frozen=True)
class Item:
    """A question that names its answer, and its place."""

    answer: str
    place: int


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


QUESTIONS = [Item(answer, place) for place, answer in enumerate(ANSWERS)]


def advance(room: Room[Item], times: int = 1) -> None:
    for _ in range(times):
        room.advance(room.phase, room.index)


def activity() -> Activity[Item]:
    def votes_of(room: Room[Item]) -> list[str]:
        return [f"{Counter(choice for _, choice in room.revealed_votes())}"]

    return Activity(
        "cyclegan", "room", ("real", "fake"),
        picture=lambda item: f"<img alt='{item.place}'>", prompt=lambda item: f"prompt {item.place}",
        answer=lambda item: f"answer {item.answer}", details=lambda item: f"details {item.answer}",
        tallies=votes_of, summary=lambda room: f"<p>summary of {len(room.questions)}</p>",
    )  # fmt: skip
