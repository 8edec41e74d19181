"""The quiz "Spot the fake": its deck, its cards, and the statistics of answers."""

import re
from io import BytesIO

import gradio as gr
import pytest
from fakes import ShallowModels
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from demos.core.context import Context
from demos.cyclegan.quiz import quiz, quiz_ui
from demos.cyclegan.translation import FRUITS
from models.analysis.cyclegan_calibration import calibration


@pytest.fixture(scope="module")
def deck(shallow_models: ShallowModels) -> quiz.Quiz:
    photos = [(Image.open(path).convert("RGB"), path.name.split("-")[0]) for path in sorted(FRUITS.glob("*.jpg"))]
    return quiz.make_quiz(photos, shallow_models.load_model, calibration(), seed=3)


def test_a_deck_is_balanced_and_uses_every_image_once(deck: quiz.Quiz) -> None:
    fakes = [card for card in deck.cards if card.answer == "fake"]
    assert len(deck.cards) == len(list(FRUITS.glob("*.jpg")))
    assert abs(2 * len(fakes) - len(deck.cards)) <= 1
    assert {(card.fruit, card.answer) for card in deck.cards} == {
        (fruit, answer) for fruit in ("apple", "orange") for answer in quiz.CHOICES
    }
    assert len({card.cycle[0] for card in deck.cards}) == len(deck.cards)
    for card in deck.cards:
        assert card.jpeg == card.cycle[card.answer == "fake"]


def test_decks_differ(shallow_models: ShallowModels) -> None:
    photos = [(Image.new("RGB", (64, 64), (0, 9 * n, 90)), "apple") for n in range(12)]
    orders = [
        tuple(card.cycle[0] for card in quiz.make_quiz(photos, shallow_models.load_model, calibration()).cards)
        for _ in range(2)
    ]
    assert orders[0] != orders[1], "one in 12! is the same"


def test_both_kinds_are_files_of_one_kind(deck: quiz.Quiz) -> None:
    def described(card: quiz.Card) -> tuple[object, ...]:
        with Image.open(BytesIO(card.jpeg)) as image:
            assert isinstance(image, JpegImageFile)
            return image.format, image.size, image.mode, image.info, tuple(image.quantization[0])

    first = described(deck.cards[0])
    assert all(described(card) == first for card in deck.cards)


def test_a_card_says_nothing_before_the_answer(context: Context, deck: quiz.Quiz) -> None:
    pages = {}
    for answer in quiz.CHOICES:
        card = next(card for card in deck.cards if card.answer == answer and card.fruit == "apple")
        page = quiz_ui.card_html(context, quiz.Quiz([card]), "250")
        assert card.fruit in page and 'data-exposure="250"' in page
        pages[answer] = re.sub(r'data-card="[0-9a-f]{16}"', "", page.replace(quiz.card_image(card), ""))
    assert pages["real"] == pages["fake"], "real and translated pages differ in nothing but the picture"
    assert "/" not in re.sub(r"</?\w+", "", pages["fake"]).replace("/>", ""), "no path"


def test_answers_are_counted_and_the_end_shows_everybody(context: Context, deck: quiz.Quiz) -> None:
    played = deck
    for number, card in enumerate(deck.cards, start=1):
        wrong = "real" if card.answer == "fake" else "fake"
        assert played.with_answer(number - 1, card.answer) is None, "about the card before"
        after = played.with_answer(number, card.answer if number % 3 else wrong)  # two of three are right
        assert after is not None
        played = after
        assert f"of {number} right" in quiz_ui.score_html(context, played)
    assert played.current is None
    counted = quiz.tally(played.answered)
    assert (counted.right, counted.count) == (len(deck.cards) - len(deck.cards) // 3, len(deck.cards))
    assert counted.low < counted.right / counted.count < counted.high and counted.sensitivity > 0
    board = quiz_ui.end_html(context, played)
    assert board.count("<figure>") == 3 * len(deck.cards) and "d′" in board
    assert played.with_answer(len(deck.cards) + 1, "fake") is None, "an answer after the end changes nothing"


def test_the_answer_events_pass_their_choice(context: Context, deck: quiz.Quiz) -> None:
    with gr.Blocks(analytics_enabled=False) as app:
        quiz_ui.quiz_section(context)
    events = [fn for fn in app.fns.values() if fn.name == "on_answer"]
    assert [fn.inputs[-1].value for fn in events] == list(quiz.CHOICES)
    assert events[0].fn is not None
    assert events[0].fn(None, "0", 1, "real")[0] == events[0].fn(deck, "0", 2, "real")[0] == gr.skip()
    state, board, _, score = events[0].fn(deck, "0", 1, "fake")
    assert state.answers == ["fake"] and 'data-number="2"' in board and "of 1 right" in score
