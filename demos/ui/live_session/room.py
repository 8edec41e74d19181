"""The state of a room: questions on one screen, answered by phones (no page in here).

Rooms live in memory, in one `Rooms`. Only the window that opened a room has its key; a phone is identified by a random
token and has one vote for each question. The correct answer leaves the room only once it is revealed.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeGuard, TypeVar

from demos.ui.live_session.network_address import ReachableAddress

Phase = Literal["lobby", "question", "reveal", "end"]
LETTERS = "ACDEFGHJKLMNPQRTUVWXY"  # none that looks like another letter or a digit
CODE_LENGTH = 6
MAX_ROOMS = 20
MAX_PHONES = 300  # of a room
LIFETIME = 6 * 3600.0  # seconds that a room lasts at most
IDLE_TIMEOUT = 3600.0  # seconds without a request after which a room is removed
PRESENT_FOR = 15.0  # seconds since its last request that a phone counts as present; phones ask every 1.5
EVICT_AFTER = 120.0  # seconds without a request after which a phone that never answered may be removed for another
MAX_REQUESTS = 8  # of one phone in a second
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


class Question(Protocol):
    """A question with a correct answer, one of the choices of its `markup.Activity`."""

    @property
    def answer(self) -> str:
        """The correct answer."""


QuestionT = TypeVar("QuestionT", bound=Question)


class RoomError(Exception):
    """Why a request is refused, by a code such as "phones": too many of them; see `http.STATUS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def new_token() -> str:
    """Return a token of 128 random bits."""
    return secrets.token_urlsafe(16)


def is_token(text: object) -> TypeGuard[str]:
    """Return whether something has the form of a token."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


@dataclass
class Phone:
    """The votes of a phone by the index of the question, and its requests: the last one, and how many in a second."""

    last_request: float
    votes: dict[int, str] = field(default_factory=dict)
    second: int = 0
    requests: int = 0


class Room(Generic[QuestionT]):
    """Questions, the position among them, and the votes of phones; thread-safe.

    Phones join by its code at its address; the key is a token that lets its holder advance and close the room.
    """

    def __init__(
        self,
        code: str,
        key: str,
        questions: Sequence[QuestionT],
        address: str,
        missing: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.code, self.key, self.questions = code, key, tuple(questions)
        self.address, self.missing = address, missing
        self.phase: Phase = "lobby"
        self.index = 0  # of the question that is shown, or was shown last
        self._clock, self._opened = clock, clock()
        self._last_request = self._opened
        self._phones: dict[str, Phone] = {}
        self._lock = threading.RLock()

    @property
    def question(self) -> QuestionT:
        """The question that is shown, or was shown last."""
        return self.questions[self.index]

    @property
    def is_over(self) -> bool:
        """Whether the room is too old or has been idle for too long."""
        now = self._clock()
        return now - self._opened > LIFETIME or now - self._last_request > IDLE_TIMEOUT

    @property
    def revealed(self) -> Sequence[QuestionT]:
        """The questions whose answers have been shown."""
        return self.questions[: self.index + (self.phase in ("reveal", "end"))]

    def advance(self, phase: str, index: int) -> None:
        """Advance by one step, unless the room has left the given phase and question: a click that came twice."""
        with self._lock:
            if (phase, index) != (self.phase, self.index):
                return
            if self.phase == "lobby":
                self.phase = "question"
            elif self.phase == "question":
                self.phase = "reveal"
            elif self.index + 1 < len(self.questions):
                self.phase, self.index = "question", self.index + 1
            else:
                self.phase = "end"

    def state(self, token: str | None = None) -> dict[str, object]:
        """Return what the screen, or the phone with a token, may know; the first request of a phone lets it join."""
        with self._lock:
            self._last_request = now = self._clock()
            phone = self._phone(token, now) if token else None
            state: dict[str, object] = {
                "phase": self.phase,
                "number": self.index,
                "count": len(self.questions),
                "here": sum(now - each.last_request < PRESENT_FOR for each in self._phones.values()),
                "answered": self.counts(self.index).total(),
            }
            if self.phase == "reveal":
                state["answer"] = self.question.answer
            if phone is not None:
                correct = self._correct(phone)
                state |= {"mine": phone.votes.get(self.index), "right": sum(correct), "of": len(correct)}
            return state

    def vote(self, token: str, index: int, choice: str) -> None:
        """Record the vote of a phone, in the place of its earlier one, or raise `RoomError`."""
        with self._lock:
            phone = self._phone(token, self._clock())
            if self.phase != "question" or index != self.index:
                raise RoomError("late")
            phone.votes[index] = choice

    def counts(self, index: int) -> Counter[str]:
        """Return the number of votes for each choice of a question."""
        with self._lock:
            return Counter(phone.votes[index] for phone in self._phones.values() if index in phone.votes)

    def revealed_votes(self) -> list[tuple[QuestionT, str]]:
        """Return all votes on revealed questions, each with its question."""
        with self._lock:
            revealed = len(self.revealed)
            votes = [vote for phone in self._phones.values() for vote in phone.votes.items() if vote[0] < revealed]
        return [(self.questions[index], choice) for index, choice in votes]

    def scores(self) -> list[tuple[int, int]]:
        """Return for each phone with revealed votes how many of them are correct, and how many they are."""
        with self._lock:
            correct = [self._correct(phone) for phone in self._phones.values()]
        return [(sum(each), len(each)) for each in correct if each]

    def _correct(self, phone: Phone) -> list[bool]:
        """Return for each revealed vote of a phone whether it is correct."""
        revealed = self.revealed
        return [revealed[index].answer == vote for index, vote in phone.votes.items() if index < len(revealed)]

    def _phone(self, token: str, now: float) -> Phone:
        phone = self._phones.get(token)
        if phone is None:
            if len(self._phones) >= MAX_PHONES:
                self._phones = {t: p for t, p in self._phones.items() if p.votes or now - p.last_request < EVICT_AFTER}
            if len(self._phones) >= MAX_PHONES:
                raise RoomError("phones")
            phone = self._phones[token] = Phone(now)
        phone.last_request = now
        if int(now) != phone.second:
            phone.second, phone.requests = int(now), 0
        phone.requests += 1
        if phone.requests > MAX_REQUESTS:
            raise RoomError("hurry")
        return phone


class Rooms(Generic[QuestionT]):
    """The open rooms of an activity, under a path relative to the root of the app; those that are over are removed."""

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.path, self._clock = path, clock
        self._rooms: dict[str, Room[QuestionT]] = {}  # by code
        self._lock = threading.RLock()

    def check_capacity(self) -> None:
        """Raise RoomError "rooms" if no room can be opened, before its questions are made."""
        with self._lock:
            self._remove_finished()
            if len(self._rooms) >= MAX_ROOMS:
                raise RoomError("rooms")

    def open(self, questions: Sequence[QuestionT], app: ReachableAddress) -> Room[QuestionT]:
        """Open a room with questions, for phones that reach the app at an address, or raise RoomError "rooms"."""
        with self._lock:
            self.check_capacity()
            while (code := "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))) in self._rooms:
                pass
            address = f"{app.base}{self.path}/{code}"
            room = self._rooms[code] = Room(code, new_token(), questions, address, app.missing, self._clock)
            return room

    def by_code(self, code: str) -> Room[QuestionT] | None:
        """Return the room with a code in upper or lower case, or None."""
        with self._lock:
            self._remove_finished()
            return self._rooms.get(code.upper())

    def by_key(self, key: object) -> Room[QuestionT] | None:
        """Return the room with a key, or None."""
        with self._lock:
            self._remove_finished()
            return next((room for room in self._rooms.values() if room.key == key), None)

    def close(self, key: object) -> None:
        """Close the room with a key."""
        with self._lock:
            self._rooms = {code: room for code, room in self._rooms.items() if room.key != key}

    def _remove_finished(self) -> None:
        self._rooms = {code: room for code, room in self._rooms.items() if not room.is_over}
