"""The quiz for an audience, which answers by phone."""

from __future__ import annotations

import gradio as gr

from demos.core.context import Context
from demos.cyclegan.quiz.quiz import CHOICES, Card, card_image, make_quiz, tally
from demos.cyclegan.quiz.quiz_ui import STYLE, baselines, cycle_html, photos_of, tally_html
from demos.cyclegan.results import STYLE as GRID_STYLE
from demos.cyclegan.results import figure, grid
from demos.ui.live_session.markup import Activity
from demos.ui.live_session.room import Room
from demos.ui.live_session.stage import room_stage
from models.analysis.cyclegan_calibration import calibration


def quiz_room(ctx: Context, source: gr.File, start: gr.Button) -> None:
    """Place the screen of a room for the quiz, opened by a button, over a visitor's own images or the built-in ones."""
    room_stage(
        ctx, quiz_activity(ctx), start, lambda own, request: make_cards(ctx, own, request), source, "cyclegan-room"
    )


def make_cards(ctx: Context, own: list[str] | None, request: gr.Request) -> list[Card]:
    """Return a deck of a visitor's own images, or of the built-in ones."""
    return make_quiz(photos_of(ctx, own, request), ctx.load_model, calibration()).cards


def quiz_activity(ctx: Context) -> Activity[Card]:
    """Return the quiz as an activity of a room."""

    def prompt(card: Card) -> str:
        return ctx.localize_html(f"cyclegan.room_asked_{card.fruit}")

    def answer(card: Card) -> str:
        return ctx.localize_html(f"cyclegan.room_was_{card.answer}_{card.fruit}")

    def details(card: Card) -> str:
        discriminator = ctx.localize_html(f"cyclegan.room_judged_{card.discriminator_answer}")
        return f"<p>{discriminator}</p>" + grid(
            [figure(ctx.save_bytes(jpeg, ".jpg")) for jpeg in card.cycle], 3, plain=True
        )

    def tallies(room: Room[Card]) -> list[str]:
        votes = room.revealed_votes()
        audience = (
            tally_html(ctx, "room_everybody", tally(votes)) if votes else ctx.localize_html("cyclegan.room_nobody")
        )
        return [audience, *baselines(ctx, room.revealed)]

    def summary(room: Room[Card]) -> str:
        rows = f"<p>{ctx.localize_html('cyclegan.quiz_afterwards')}</p>"
        for index, card in enumerate(room.questions):
            counts = room.counts(index)
            values = {"right": counts[card.answer], "count": counts.total()}
            rows += cycle_html(ctx, card, ctx.localize_html("cyclegan.room_right", **values))
        return rows

    style = GRID_STYLE + STYLE
    return Activity("cyclegan", "room", CHOICES, card_image, prompt, answer, details, tallies, summary, style)
