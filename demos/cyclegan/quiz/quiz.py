"""Spot the fake: a deck of real and translated images, and the statistics of the answers (no page in here).

Every image is used once, either as it is or translated, so no two cards show the same fruit. Both kinds are brought
to one size and written by one encoder. Cards go to the page without a name, and their answers stay on the server.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from PIL import Image

from demos.cyclegan.translation import BACK, LoadModel, classify
from demos.ui.sprites import encoded
from models.analysis.cyclegan_calibration import DIRECTIONS, FRUITS, Calibration, discriminator_scores
from models.analysis.signal_detection import d_prime, wilson_interval
from models.data.images import square_crop, to_images, to_tensor

CARD_SIDE = 256  # pixels
QUALITY = 90  # of the JPEG that every card is
MAX_CARDS = 40
CHOICES = ("real", "fake")


@dataclass(frozen=True)
class Card:
    """One question; images are JPEG files."""

    fruit: str  # that it shows or claims to show
    answer: str  # one of `CHOICES`
    jpeg: bytes
    cycle: tuple[bytes, bytes, bytes]  # photo, translation and reconstruction, for afterwards
    discriminator_answer: str


@dataclass
class Quiz:
    """A visitor's deck, in the order it is shown, and the answers so far; it stays on the server."""

    cards: list[Card]
    answers: list[str] = field(default_factory=list)

    @property
    def current(self) -> Card | None:
        """The card that waits for an answer; None at the end."""
        return self.cards[len(self.answers)] if len(self.answers) < len(self.cards) else None

    @property
    def answered(self) -> list[tuple[Card, str]]:
        """The answered cards with their answers."""
        return list(zip(self.cards, self.answers, strict=False))

    def with_answer(self, number: object, answer: str) -> Quiz | None:
        """Return the quiz after an answer to a card, counted from 1; None unless that card waits for one."""
        if self.current is None or number != len(self.answers) + 1:
            return None
        return Quiz(self.cards, [*self.answers, answer])


@dataclass(frozen=True)
class Tally:
    """How well an observer tells fakes from real images."""

    right: int
    count: int
    low: float  # of the 95 % interval of the rate (Wilson)
    high: float
    sensitivity: float  # d' with the log-linear correction; 0 is guessing


def tally(answered: Sequence[tuple[Card, str]]) -> Tally:
    """Compare answers with what the cards are."""
    right = sum(card.answer == answer for card, answer in answered)
    said_fake = {kind: [answer == "fake" for card, answer in answered if card.answer == kind] for kind in CHOICES}
    fakes, reals = said_fake["fake"], said_fake["real"]
    sensitivity = d_prime(sum(fakes), len(fakes), sum(reals), len(reals))
    return Tally(right, len(answered), *wilson_interval(right, len(answered)), sensitivity)


def card_image(card: Card) -> str:
    """Return the image of a card as HTML that holds the file itself, so that no file name reveals the answer."""
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(card.jpeg).decode()}" alt="">'


def fruit_of(photo: Image.Image, load_model: LoadModel, known: Calibration) -> str:
    """Return which of `FRUITS` a photo shows, by the classifier of photos."""
    kinds = classify(photo, load_model, known)
    return max(FRUITS, key=kinds.__getitem__)


@torch.inference_mode()
def make_card(photo: Image.Image, fruit: str, fake: bool, load_model: LoadModel, known: Calibration) -> Card:
    """Return a card of a photo of one of `FRUITS`: the photo itself, or its translation into the other fruit."""
    direction = next(name for name, (source, _) in DIRECTIONS.items() if source == fruit)
    square = square_crop(photo, CARD_SIDE)
    fake_image = load_model(direction)(to_tensor(square))
    reconstruction = load_model(BACK[direction])(fake_image)
    translated, reconstructed = to_images(torch.cat([fake_image, reconstruction]))
    shown, shows = (translated, DIRECTIONS[direction][1]) if fake else (square, fruit)
    score = float(discriminator_scores(load_model(f"{shows}-discriminator"), to_tensor(shown)).mean())
    real, translations = known.real[shows], known.translated[shows]
    middle = (real[len(real) // 2] + translations[len(translations) // 2]) / 2  # between the medians of the two
    cycle = (encoded(square, QUALITY), encoded(translated, QUALITY), encoded(reconstructed, QUALITY))
    return Card(shows, CHOICES[fake], encoded(shown, QUALITY), cycle, CHOICES[score < middle])


def make_quiz(
    photos: Sequence[tuple[Image.Image, str]], load_model: LoadModel, known: Calibration, seed: int | None = None
) -> Quiz:
    """Return a shuffled deck in which half the photos of each fruit are translated."""
    rng = random.Random(seed) if seed is not None else random.SystemRandom()
    chosen = rng.sample(list(photos), min(len(photos), MAX_CARDS))
    chosen.sort(key=lambda item: item[1])  # so that every second of each fruit is translated
    start = rng.randrange(2)
    cards = [
        make_card(photo, fruit, (index + start) % 2 == 0, load_model, known)
        for index, (photo, fruit) in enumerate(chosen)
    ]
    rng.shuffle(cards)
    return Quiz(cards)
