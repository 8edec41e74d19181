"""Spot the fake: a deck of real and translated images, and what the answers say (no page in here).

Every image is used once, either as it is or translated, so no two cards show the same fruit. Both kinds are brought
to one size and written by one encoder. Cards go to the page without a name, and what they are stays on the server.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO

import torch
from PIL import Image

from demos.cyclegan.translation import BACK, LoadModel, kinds_of
from models.analysis.cyclegan_calibration import DIRECTIONS, FRUITS, Calibration, judge
from models.analysis.signal_detection import d_prime, wilson_interval
from models.data.images import square_crop, to_images, to_tensor

CARD_SIDE = 256  # pixels
QUALITY = 90  # of the JPEG that every card is
MOST = 40  # images of a deck


@dataclass(frozen=True)
class Card:
    """One question.

    Attributes:
        fruit: What it shows or claims to show.
        fake: Whether it is a translation.
        jpeg: The image as it is asked about.
        chain: For afterwards, JPEG files: the image it was made from, its translation, the way back.
        judged_fake: What the discriminator of `fruit` takes it for.
    """

    fruit: str
    fake: bool
    jpeg: bytes
    chain: tuple[bytes, bytes, bytes]
    judged_fake: bool


@dataclass
class Quiz:
    """A visitor's deck and answers so far; it stays on the server.

    Attributes:
        cards: In the order they are shown.
        answers: For each card shown, whether the visitor called it a fake.
    """

    cards: list[Card]
    answers: list[bool] = field(default_factory=list)

    @property
    def current(self) -> Card | None:
        """The card that waits for an answer; None at the end."""
        return self.cards[len(self.answers)] if len(self.answers) < len(self.cards) else None

    @property
    def last(self) -> Card | None:
        """The card that was answered last."""
        return self.cards[len(self.answers) - 1] if self.answers else None


@dataclass(frozen=True)
class Tally:
    """How well somebody tells fakes.

    Attributes:
        right, count: Right answers and all answers.
        low, high: The 95 % interval of the rate (Wilson).
        sensitivity: d' with the log-linear correction; 0 is guessing.
    """

    right: int
    count: int
    low: float
    high: float
    sensitivity: float


def tally(cards: Sequence[Card], answers: Sequence[bool]) -> Tally:
    """Count answers ("it is a fake") against what the first cards are."""
    asked = list(zip(cards, answers, strict=False))
    right = sum(card.fake == answer for card, answer in asked)
    fakes, reals = ([answer for card, answer in asked if card.fake is kind] for kind in (True, False))
    sensitivity = d_prime(sum(fakes), len(fakes), sum(reals), len(reals))
    return Tally(right, len(asked), *wilson_interval(right, len(asked)), sensitivity)


def encoded(image: Image.Image) -> bytes:
    """Return an image as a JPEG file, all of them alike."""
    file = BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def data_url(jpeg: bytes) -> str:
    """Return an image as an address that holds it, so that no file name can tell anything."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def fruit_of(photo: Image.Image, load_model: LoadModel, known: Calibration) -> str:
    """Return which of `FRUITS` a photo shows, by the classifier of photos."""
    kinds = kinds_of(photo, load_model, known)
    return max(FRUITS, key=kinds.__getitem__)


def threshold(fruit: str, known: Calibration) -> float:
    """Return the score under which a discriminator calls an image a fake: midway between the two medians."""
    real, fake = known.real[fruit], known.translated[fruit]
    return (real[len(real) // 2] + fake[len(fake) // 2]) / 2


@torch.inference_mode()
def make_card(photo: Image.Image, fruit: str, fake: bool, load_model: LoadModel, known: Calibration) -> Card:
    """Make a card of a photo of one of `FRUITS`: the photo itself, or its translation into the other fruit."""
    direction = next(way for way, (source, _) in DIRECTIONS.items() if source == fruit)
    square = square_crop(photo, CARD_SIDE)
    made = load_model(direction)(to_tensor(square))
    back = load_model(BACK[direction])(made)
    translated, returned = to_images(torch.cat([made, back]))
    shown, shows = (translated, DIRECTIONS[direction][1]) if fake else (square, fruit)
    score = float(judge(load_model(f"{shows}-discriminator"), to_tensor(shown)).mean())
    chain = (encoded(square), encoded(translated), encoded(returned))
    return Card(shows, fake, encoded(shown), chain, score < threshold(shows, known))


def make_quiz(
    photos: Sequence[tuple[Image.Image, str]], load_model: LoadModel, known: Calibration, seed: int | None = None
) -> Quiz:
    """Make a shuffled deck in which half the photos of each fruit are translated."""
    draw = random.Random(seed) if seed is not None else random.SystemRandom()
    chosen = draw.sample(list(photos), min(len(photos), MOST))
    chosen.sort(key=lambda item: item[1])  # so that every second of each fruit is translated
    start = draw.randrange(2)
    cards = [
        make_card(photo, fruit, (place + start) % 2 == 0, load_model, known)
        for place, (photo, fruit) in enumerate(chosen)
    ]
    draw.shuffle(cards)
    return Quiz(cards)
