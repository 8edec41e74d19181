"""A room for "spot the fake": one screen shows the deck, phones answer (no page in here).

Rooms live in memory, in one `Rooms`. A room belongs to the window that opened it, which alone has its key; a phone is
known by a random token and has one vote for each card. What a card is leaves the room only once it is revealed.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeGuard

from demos.cyclegan.quiz.network_address import Reach
from demos.cyclegan.quiz.quiz import Card, Tally, tally

Phase = Literal["lobby", "question", "reveal", "end"]
LETTERS = "ACDEFGHJKLMNPQRTUVWXY"  # none that looks like another letter or a digit
CODE_LENGTH = 6
MOST_ROOMS = 20
MOST_PHONES = 300  # of a room
LIFETIME = 6 * 3600.0  # seconds that a room lasts at most
IDLE = 3600.0  # seconds after which a room that nobody asks for is gone
AWAY = 15.0  # seconds of silence after which a phone is not counted as here; they ask every 1.5
LEFT = 120.0  # seconds of silence after which a phone that never answered makes place for another
PER_SECOND = 8  # requests of one phone
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


class RoomError(Exception):
    """Why a room does not do what was asked.

    Attributes:
        code: "rooms" and "phones" when there are as many as may be, "hurry" for too many requests, "late" for a vote
            on a card that is not open.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def new_token() -> str:
    """Return a token of 128 random bits."""
    return secrets.token_urlsafe(16)


def is_token(text: object) -> TypeGuard[str]:
    """Return whether something can be a token."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


@dataclass
class Phone:
    """What is known of a phone.

    Attributes:
        seen: When it asked last, in seconds of the room's clock.
        answers: Number of a card -> whether it called the card a fake.
        second, asked: The running second and how often it asked within it.
    """

    seen: float
    answers: dict[int, bool] = field(default_factory=dict)
    second: int = 0
    asked: int = 0


@dataclass(frozen=True)
class Split:
    """What phones said of one card: how many called it a fake, and how many real."""

    fake: int
    real: int

    @property
    def count(self) -> int:
        """How many answered."""
        return self.fake + self.real


class Room:
    """A deck, where it stands, and the phones; safe to use from several threads.

    Args:
        code: What phones join by.
        key: A token; whoever has it may move on and close the room.
        cards: In the order they are shown.
        found: Where phones find the app.
        clock: Seconds that only grow.
    """

    def __init__(
        self, code: str, key: str, cards: Sequence[Card], found: Reach, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.code, self.key, self.cards = code, key, tuple(cards)
        self.address, self.missing = f"{found.base}room/{code}", found.missing
        self.phase: Phase = "lobby"
        self.number = 0  # of the card, from 0
        self._clock, self.opened = clock, clock()
        self._asked = self.opened
        self._phones: dict[str, Phone] = {}
        self._guard = threading.Lock()

    @property
    def card(self) -> Card:
        """The card that is shown, or was shown last."""
        return self.cards[self.number]

    @property
    def is_over(self) -> bool:
        """Return whether it has lasted too long or been forgotten."""
        now = self._clock()
        return now - self.opened > LIFETIME or now - self._asked > IDLE

    @property
    def revealed(self) -> int:
        """How many cards everybody knows by now."""
        return self.number + (self.phase in ("reveal", "end"))

    def advance(self, phase: str, number: int) -> None:
        """Go on by one step: to the next card, or to what the card is.

        Args:
            phase: Where whoever asks believes the room to be; a click that came twice changes nothing.
            number: Of the card, likewise.
        """
        with self._guard:
            if (phase, number) != (self.phase, self.number):
                return
            if self.phase == "lobby":
                self.phase = "question"
            elif self.phase == "question":
                self.phase = "reveal"
            elif self.phase == "reveal" and self.number + 1 < len(self.cards):
                self.phase, self.number = "question", self.number + 1
            else:
                self.phase = "end"

    def state(self, token: str | None = None) -> dict[str, object]:
        """Return what the screen, or the phone with a token, may know; a phone that is new has joined by asking.

        Raises:
            RoomError: "phones" or "hurry".
        """
        with self._guard:
            self._asked = now = self._clock()
            phone = self._phone(token, now) if token else None
            state: dict[str, object] = {
                "phase": self.phase,
                "number": self.number,
                "count": len(self.cards),
                "here": sum(now - each.seen < AWAY for each in self._phones.values()),
                "answered": self._split(self.number).count,
            }
            if self.phase == "reveal":
                state["fake"] = self.card.fake
            if phone is not None:
                known = {n: said for n, said in phone.answers.items() if n < self.revealed}
                right = sum(self.cards[n].fake == said for n, said in known.items())
                state |= {"mine": phone.answers.get(self.number), "right": right, "of": len(known)}
            return state

    def answer(self, token: str, number: int, fake: bool) -> None:
        """Take the vote of a phone, in the place of its earlier one on this card.

        Raises:
            RoomError: "phones", "hurry", or "late".
        """
        with self._guard:
            phone = self._phone(token, self._clock())
            if self.phase != "question" or number != self.number:
                raise RoomError("late")
            phone.answers[number] = fake

    def split(self, number: int) -> Split:
        """Return what phones said of a card."""
        with self._guard:
            return self._split(number)

    def tally(self) -> Tally | None:
        """Count all answers to the cards that are revealed; None without any."""
        with self._guard:
            answers = [
                (self.cards[number], said)
                for phone in self._phones.values()
                for number, said in phone.answers.items()
                if number < self.revealed
            ]
        return tally([card for card, _ in answers], [said for _, said in answers]) if answers else None

    def scores(self) -> list[tuple[int, int]]:
        """Return for each phone that answered its right answers and all its answers to revealed cards."""
        with self._guard:
            known = [
                [self.cards[number].fake == said for number, said in phone.answers.items() if number < self.revealed]
                for phone in self._phones.values()
            ]
        return [(sum(each), len(each)) for each in known if each]

    def _split(self, number: int) -> Split:
        said = [phone.answers[number] for phone in self._phones.values() if number in phone.answers]
        return Split(sum(said), len(said) - sum(said))

    def _phone(self, token: str, now: float) -> Phone:
        phone = self._phones.get(token)
        if phone is None:
            if len(self._phones) >= MOST_PHONES:
                self._phones = {t: p for t, p in self._phones.items() if p.answers or now - p.seen < LEFT}
            if len(self._phones) >= MOST_PHONES:
                raise RoomError("phones")
            phone = self._phones[token] = Phone(now)
        phone.seen = now
        if int(now) != phone.second:
            phone.second, phone.asked = int(now), 0
        phone.asked += 1
        if phone.asked > PER_SECOND:
            raise RoomError("hurry")
        return phone


class Rooms:
    """All rooms of the app; those that are over are forgotten.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rooms: dict[str, Room] = {}  # by code
        self._guard = threading.Lock()

    def check(self) -> None:
        """Make sure that a room can be opened, before a deck is made for it.

        Raises:
            RoomError: "rooms".
        """
        with self._guard:
            self._check()

    def open(self, cards: Sequence[Card], found: Reach) -> Room:
        """Open a room with a deck, whose phones find the app there.

        Raises:
            RoomError: "rooms".
        """
        with self._guard:
            self._check()
            code = self._new_code()
            room = self._rooms[code] = Room(code, new_token(), cards, found, self._clock)
            return room

    def find(self, code: str) -> Room | None:
        """Return the room with a code, however it is written; None if there is none."""
        with self._guard:
            self._forget()
            return self._rooms.get(code.upper())

    def of(self, key: object) -> Room | None:
        """Return the room that a key opens; None if there is none."""
        with self._guard:
            self._forget()
            return next((room for room in self._rooms.values() if room.key == key), None)

    def close(self, key: object) -> None:
        """Close the room that a key opens."""
        with self._guard:
            self._rooms = {code: room for code, room in self._rooms.items() if room.key != key}

    def _check(self) -> None:
        self._forget()
        if len(self._rooms) >= MOST_ROOMS:
            raise RoomError("rooms")

    def _forget(self) -> None:
        self._rooms = {code: room for code, room in self._rooms.items() if not room.is_over}

    def _new_code(self) -> str:
        while (code := "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))) in self._rooms:
            pass
        return code
