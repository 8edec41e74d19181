"""The page of "spot the fake": the card, two buttons, the running score, and everything afterwards."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.cyclegan.quiz.quiz import (
    CARD_SIDE,
    CHOICES,
    MAX_CARDS,
    Card,
    Quiz,
    Tally,
    card_image,
    fruit_of,
    make_quiz,
    tally,
)
from demos.cyclegan.results import STYLE as GRID_STYLE
from demos.cyclegan.results import figure, fixed_weights_line, grid, text_cell
from demos.cyclegan.translation import FRUITS as FOLDER
from demos.ui import widgets
from demos.ui.left_out import too_few_error
from demos.ui.live_session.stage import reachability_line
from demos.ui.share_picture import share_html
from models.analysis.cyclegan_calibration import DIRECTIONS, FRUITS, calibration
from models.data.archives import iter_images

SCRIPT = Path(__file__).with_name("quiz.js").read_text("utf-8")
EXPOSURES = {"0": "cyclegan.quiz_no_limit", "1000": "cyclegan.quiz_1000", "250": "cyclegan.quiz_250"}  # milliseconds
# The number of the card that the page shows goes with an answer.
ADD_NUMBER = """(quiz, exposure, seen, answer) => {
  const card = document.querySelector("#cyclegan-quiz-board .card");
  return [quiz, exposure, card ? Number(card.dataset.number) : null, answer];
}"""
WAITING = "(...all) => { document.querySelector('#cyclegan-quiz-start').dataset.waiting = 1; return all; }"
FAILED = "() => { delete document.querySelector('#cyclegan-quiz-start').dataset.waiting; }"
MIN_IMAGES = 4  # of one's own
SHARED = [  # photo, translation and reconstruction of the first two cards
    [f"#cyclegan-quiz-board p + {card} figure:nth-of-type({number}) img"]
    for card in (".grid", ".grid + .grid") for number in (1, 2, 3)
]  # fmt: skip
STYLE = """
.card { max-width: 340px; margin: 4px auto; text-align: center; }
.card .frame { aspect-ratio: 1; border-radius: 10px; overflow: hidden; background: var(--mat); }
.card img { display: block; width: 100%; height: 100%; }
.card p { margin: 8px 0 0; font-size: 17px; color: var(--ink); }
.tallies { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 12px; max-width: 760px; }
.tallies div { font-size: 14px; line-height: 1.45; color: var(--ink-soft); }
.tallies b { display: block; font-size: 26px; color: var(--accent); font-variant-numeric: tabular-nums; }
"""


def quiz_section(ctx: Context) -> tuple[gr.File, gr.Button]:
    """Place the quiz; return the input of images to play with, and the button that opens a room."""

    def on_start(own: list[str] | None, exposure: str, request: gr.Request) -> list[Any]:
        quiz = make_quiz(photos_of(ctx, own, request), ctx.load_model, calibration())
        return [quiz, card_html(ctx, quiz, exposure), gr.update(visible=True), ""]

    def on_answer(quiz: Quiz | None, exposure: str, seen: object, answer: str) -> list[Any]:
        # An answer that was sent before the last one arrived is about a card that is answered.
        quiz = quiz and quiz.with_answer(seen, answer)
        if quiz is None:
            return [gr.skip()] * 4
        if quiz.current is None:
            return [quiz, end_html(ctx, quiz), gr.update(visible=False), score_html(ctx, quiz)]
        return [quiz, card_html(ctx, quiz, exposure), gr.skip(), score_html(ctx, quiz)]

    def button(name: str, **options: Any) -> gr.Button:
        label: Any = ctx.t(f"cyclegan.{name}")
        return gr.Button(label, elem_id=f"cyclegan-{name.replace('_', '-')}", **options)

    widgets.note(ctx, "cyclegan.quiz_lead")
    fixed_weights_line(ctx, [*DIRECTIONS, *(f"{fruit}-discriminator" for fruit in FRUITS)])
    exposure = widgets.pills(ctx, "cyclegan.quiz_exposure", EXPOSURES, "0", "cyclegan-quiz-exposure")
    own_label = ctx.t("cyclegan.quiz_own")
    own = gr.File(
        label=own_label, file_count="multiple", height=120, elem_id="cyclegan-quiz-own", elem_classes="off-stage"
    )
    start = button("quiz_start", variant="primary")
    widgets.note(ctx, "cyclegan.room_lead")
    reachability_line(ctx, "cyclegan", "cyclegan-room-reach")
    room = button("room_open")
    state, seen = gr.State(None), gr.JSON(visible=False)
    board = widgets.panel("", "cyclegan-quiz-board", GRID_STYLE + STYLE, js_on_load=SCRIPT)
    with gr.Row(visible=False) as answers:
        buttons = {choice: button(f"quiz_{choice}", min_width=120) for choice in CHOICES}
    score = widgets.html_line("", "score", "cyclegan-quiz-score")
    outputs = [state, board, answers, score]
    started = start.click(on_start, [own, exposure], outputs, js=WAITING, **PRIVATE_MODEL_EVENT)
    started.failure(fn=None, js=FAILED, api_visibility="private")
    once: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "once"}
    for choice, each in buttons.items():
        each.click(on_answer, [state, exposure, seen, gr.State(choice)], outputs, js=ADD_NUMBER, **once)
    return own, room


def photos_of(ctx: Context, own: list[str] | None, request: gr.Request) -> list[tuple[Image.Image, str]]:
    """Return the built-in fruit, or a visitor's own images, each with what it shows."""
    if not own:
        return [(Image.open(path).convert("RGB"), path.name.split("-")[0]) for path in sorted(FOLDER.glob("*.jpg"))]
    paths = [Path(path) for path in own]
    skipped = Counter[str]()
    images = [one.image for one in iter_images(paths, max_images=MAX_CARDS, max_side=2 * CARD_SIDE, skipped=skipped)]
    if len(images) < MIN_IMAGES:
        sentence = ctx.localize(request, "cyclegan.quiz_too_few", count=len(images), fewest=MIN_IMAGES)
        raise too_few_error(ctx, request, sentence, skipped)
    known = calibration()
    return [(image, fruit_of(image, ctx.load_model, known)) for image in images]


def card_html(ctx: Context, quiz: Quiz, exposure: str) -> str:
    """Return the card that waits for an answer; nothing in it tells the answer."""
    card = quiz.current
    if card is None:
        return ""
    number = len(quiz.answers) + 1
    prompt = ctx.localize_html(f"cyclegan.quiz_asked_{card.fruit}", number=number, count=len(quiz.cards))
    time = exposure if exposure in EXPOSURES else "0"
    return (
        f'<div class="card" data-card="{secrets.token_hex(8)}" data-exposure="{time}" data-number="{number}">'
        f'<div class="frame">{card_image(card)}</div><p>{prompt}</p></div>'
    )


def score_html(ctx: Context, quiz: Quiz) -> str:
    """Return whether the last answer was right, and the running score with its interval."""
    card, answer = quiz.answered[-1]
    verdict = "right" if card.answer == answer else "wrong"
    result = ctx.localize_html(f"cyclegan.quiz_{verdict}_{card.answer}")
    return f"{result} {tally_html(ctx, 'quiz_running', tally(quiz.answered))}"


def end_html(ctx: Context, quiz: Quiz) -> str:
    """Return the visitor, the discriminator and chance side by side, and the cycle of every card."""
    cells = [tally_html(ctx, "quiz_you", tally(quiz.answered)), *baselines(ctx, quiz.cards)]
    columns = "".join(f"<div>{cell}</div>" for cell in cells)
    rows = ""
    for card, answer in quiz.answered:
        verdict = "right" if card.answer == answer else "wrong"
        rows += cycle_html(ctx, card, ctx.localize_html(f"cyclegan.quiz_you_{verdict}"))
    share, title = share_score_html(ctx, quiz), ctx.localize_html("cyclegan.quiz_afterwards")
    return f'<div class="tallies">{columns}</div>{share}<p>{title}</p>{rows}'


def share_score_html(ctx: Context, quiz: Quiz) -> str:
    """Return the button that shares a finished quiz."""
    right, judged = tally(quiz.answered).right, tally(discriminator_answers(quiz.cards)).right
    fact = ctx.localize_html("cyclegan.quiz_share", right=right, count=len(quiz.cards), discriminator=judged)
    return share_html(ctx, "cyclegan.quiz", SHARED, fact_html=fact)


def discriminator_answers(cards: Sequence[Card]) -> list[tuple[Card, str]]:
    """Return the cards with the answers of the discriminators."""
    return [(card, card.discriminator_answer) for card in cards]


def tally_html(ctx: Context, key: str, counted: Tally) -> str:
    """Return a tally as the text with a key."""
    sensitivity = f"{counted.sensitivity:.2f}".replace("-", "−")
    values = {**vars(counted), "rate": counted.right / counted.count, "sensitivity": sensitivity}
    return ctx.localize_html(f"cyclegan.{key}", **values)


def baselines(ctx: Context, cards: Sequence[Card]) -> list[str]:
    """Return the tallies to compare with: of the discriminators, and of guessing."""
    discriminator = tally(discriminator_answers(cards))
    return [tally_html(ctx, "quiz_judge", discriminator), ctx.localize_html("cyclegan.quiz_chance")]


def cycle_html(ctx: Context, card: Card, result: str) -> str:
    """Return photo, translation and reconstruction of a card, with its answer, a result and the discriminator's."""
    images = [figure(ctx.save_bytes(jpeg, ".jpg")) for jpeg in card.cycle]
    answer = ctx.localize_html(f"cyclegan.quiz_was_{card.answer}")
    discriminator = ctx.localize_html(f"cyclegan.quiz_judged_{card.discriminator_answer}")
    return grid([*images, text_cell(f"{answer} {result} {discriminator}")], 3)
