"""The markup of a room on the screen everybody looks at: how to join, a question, its answer, and the results."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import Generic

import segno

from demos.core.context import Context
from demos.ui.live_session.room import QuestionT, Room

STYLE = Path(__file__).with_name("room.css").read_text("utf-8")


@dataclass(frozen=True)
class Activity(Generic[QuestionT]):
    """What an audience is asked, and how a tab shows it; the functions return HTML."""

    texts: str  # first part of the keys of the texts, before ".room_" on the screen and ".phone_" on phones
    path: str  # first part of the addresses of rooms, relative to the root of the app; another for each activity
    choices: Sequence[str]  # the possible answers, in the order of their buttons and bars
    picture: Callable[[QuestionT], str]  # the image of a question
    prompt: Callable[[QuestionT], str]  # the question itself
    answer: Callable[[QuestionT], str]  # one sentence with the correct answer
    details: Callable[[QuestionT], str]  # what else is known of a question, shown under the votes
    tallies: Callable[[Room[QuestionT]], Sequence[str]]  # cells that compare the audience with others
    summary: Callable[[Room[QuestionT]], str]  # all questions with what was answered, under the results
    style: str = ""  # CSS of all these


def room_html(ctx: Context, activity: Activity[QuestionT], room: Room[QuestionT]) -> str:
    """Return what the screen shows, with the key of the room; no answer before it is revealed."""

    def text(name: str, **values: int) -> str:
        return ctx.localize_html(f"{activity.texts}.room_{name}", **values)

    bodies = {"lobby": _lobby, "question": _question, "reveal": _reveal, "end": _end}
    button = {"lobby": "start", "question": "reveal", "reveal": "next", "end": ""}[room.phase]
    if room.phase == "reveal" and room.index + 1 == len(room.questions):
        button = "finish"
    buttons = _button("close", text("close"))
    if button:
        buttons = f"{_button('advance', text(button), 'on')}{buttons}<span>{text('keys')}</span>"
    return (
        f'<section class="room" data-room="{room.code}" data-key="{room.key}" data-phase="{room.phase}" '
        f'data-number="{room.index}">{_header(ctx, activity, room, text)}{bodies[room.phase](activity, room, text)}'
        f'<div class="foot">{buttons}</div></section>'
    )


def notice_html(ctx: Context, texts: str, phase: str) -> str:
    """Return why no room is shown: it is in the "making", or "gone"."""
    message, back = (ctx.localize_html(f"{texts}.room_{name}") for name in (phase, "back"))
    return (
        f'<section class="room" data-phase="{phase}"><main class="all" role="status"><p class="big">{message}</p>'
        f'</main><div class="foot">{_button("close", back)}</div></section>'
    )


def qr_svg(address: str) -> str:
    """Draw an address as a QR code (ISO/IEC 18004, error correction M), black on white as cameras expect."""
    code: str = segno.make(address, error="m", micro=False).svg_inline(omitsize=True, border=3, light="#fff")
    return code


def guessing_distribution(scores: Sequence[tuple[int, int]], count: int, choices: int) -> list[float]:
    """Return the expected number of phones with 0, 1, ... `count` correct answers under guessing (binomial)."""
    p = 1 / choices
    return [sum(comb(n, k) * p**k * (1 - p) ** (n - k) for _, n in scores) for k in range(count + 1)]


Text = Callable[..., str]


def _button(action: str, label: str, style: str = "") -> str:
    return f'<button type="button" data-do="{action}" class="{style}">{label}</button>'


def _header(ctx: Context, activity: Activity[QuestionT], room: Room[QuestionT], text: Text) -> str:
    """Return the line at the top, with the address for those who come late."""
    title = ctx.localize_html(f"{activity.texts}.phone_title")
    place = address = phones = ""
    if room.phase in ("question", "reveal"):
        address = f'<span class="code">{html.escape(room.address.partition("://")[2])}</span>'
        place = text("place", number=room.index + 1, count=len(room.questions))
    if room.phase != "end":
        phones = f'<span class="count">{text("here", count=0)}</span>'
    return f"<header><b>{title}</b><span>{place}</span>{phones}{address}</header>"


def _lobby(activity: Activity[QuestionT], room: Room[QuestionT], text: Text) -> str:
    address = f'<p class="address">{html.escape(room.address)}</p>'
    if room.missing:
        return f'<main class="all"><p class="warn">{text(f"missing_{room.missing}")}</p>{address}</main>'
    return (
        f'<main><div class="qr">{qr_svg(room.address)}</div><div><p class="big">{text("scan")}</p>'
        f"<p>{text('type')}</p>{address}<p>{text('reach')}</p></div></main>"
    )


def _question(activity: Activity[QuestionT], room: Room[QuestionT], text: Text) -> str:
    return (
        f'<main><div class="shown">{activity.picture(room.question)}</div>'
        f'<div><p class="big">{activity.prompt(room.question)}</p>'
        f'<p class="big answered">{text("answered", count=0)}</p>'
        '<div class="bar live" style="--share: 0%"><i></i></div></div></main>'
    )


def _reveal(activity: Activity[QuestionT], room: Room[QuestionT], text: Text) -> str:
    question, counts = room.question, room.counts(room.index)
    bars = ""
    for choice in activity.choices:
        share = counts[choice] / (counts.total() or 1)
        bars += (
            f'<div class="bar {"true" if choice == question.answer else ""}" style="--share: {share:.1%}">'
            f"<span>{text(f'said_{choice}')}</span><i></i><span>{counts[choice]} · {share:.0%}</span></div>"
        )
    return (
        f'<main><div class="shown">{activity.picture(question)}</div>'
        f'<div><p class="big">{activity.answer(question)}</p>'
        f"{bars}{activity.details(question)}{_tallies(activity, room)}</div></main>"
    )


def _tallies(activity: Activity[QuestionT], room: Room[QuestionT]) -> str:
    return '<div class="tallies">' + "".join(f"<div>{cell}</div>" for cell in activity.tallies(room)) + "</div>"


def _end(activity: Activity[QuestionT], room: Room[QuestionT], text: Text) -> str:
    scores = room.scores()
    chart = _score_chart(scores, len(room.questions), len(activity.choices), text) if scores else ""
    return f'<main class="all">{_tallies(activity, room)}{chart}{activity.summary(room)}</main>'


def _score_chart(scores: Sequence[tuple[int, int]], count: int, choices: int, text: Text) -> str:
    """Draw how many phones have how many correct answers, and the distribution under guessing."""
    counts, guessed = Counter(correct for correct, _ in scores), guessing_distribution(scores, count, choices)
    top = max(*counts.values(), *guessed)
    bars = "".join(
        f'<div><i style="--height: {counts[correct] / top:.1%}"></i>'
        f'<s style="--height: {guessed[correct] / top:.1%}"></s><span>{correct}</span></div>'
        for correct in range(count + 1)
    )
    best = max(counts)
    message = text("best", best=best, count=counts[best], of=count, phones=len(scores))
    return f'<p>{message} {text("spread")}</p><div class="scores">{bars}</div>'
