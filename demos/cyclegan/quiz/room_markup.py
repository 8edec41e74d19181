"""The markup of a room on the screen everybody looks at: the way in, a card, what it was, and the end."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from math import comb
from pathlib import Path

import segno

from demos.core.context import Context
from demos.cyclegan.quiz.quiz import Card, Tally, data_url, tally
from demos.cyclegan.quiz.quiz_ui import STYLE as QUIZ_STYLE
from demos.cyclegan.quiz.quiz_ui import words_of
from demos.cyclegan.quiz.room import Room
from demos.cyclegan.results import STYLE as GRID_STYLE
from demos.cyclegan.results import figure, grid, said

STYLE = GRID_STYLE + QUIZ_STYLE + Path(__file__).with_name("room.css").read_text("utf-8")


def stage_html(ctx: Context, room: Room) -> str:
    """Write what the screen shows, the key of the room in it; nothing tells what a card is before it is revealed."""
    bodies = {"lobby": _lobby, "question": _question, "reveal": _reveal, "end": _end}
    body = bodies[room.phase](ctx, room)
    on = {"lobby": "start", "question": "reveal", "reveal": "next", "end": ""}[room.phase]
    if room.phase == "reveal" and room.number + 1 == len(room.cards):
        on = "finish"
    forward = _button(ctx, "on", on, "on") if on else ""
    keys = f"<span>{ctx.localize_html('cyclegan.room_keys')}</span>" if on else ""
    return (
        f'<section class="room" data-room="{room.code}" data-key="{room.key}" data-phase="{room.phase}" '
        f'data-number="{room.number}">'
        f"{_head(ctx, room)}{body}"
        f'<div class="foot">{forward}{_button(ctx, "close", "close")}{keys}</div></section>'
    )


def notice_html(ctx: Context, phase: str) -> str:
    """Return why there is no room to see: it is in the "making", or "gone"."""
    return (
        f'<section class="room" data-phase="{phase}"><main class="all" role="status">'
        f'<p class="big">{ctx.localize_html(f"cyclegan.room_{phase}")}</p></main>'
        f'<div class="foot">{_button(ctx, "close", "back")}</div></section>'
    )


def qr_svg(address: str) -> str:
    """Draw an address as a QR code (ISO/IEC 18004, error correction M), black on white as cameras expect."""
    code: str = segno.make(address, error="m", micro=False).svg_inline(omitsize=True, border=3, light="#fff")
    return code


def _button(ctx: Context, do: str, key: str, style: str = "") -> str:
    return f'<button type="button" data-do="{do}" class="{style}">{ctx.localize_html(f"cyclegan.room_{key}")}</button>'


def _head(ctx: Context, room: Room) -> str:
    """Write the line at the top, with the way in for those who come late."""
    asking = room.phase in ("question", "reveal")
    way = f'<span class="code">{html.escape(room.address.partition("://")[2])}</span>' if asking else ""
    place = ctx.localize_html("cyclegan.room_place", number=room.number + 1, count=len(room.cards)) if asking else ""
    here = (
        f'<span class="count">{ctx.localize_html("cyclegan.room_here", count=0)}</span>' if room.phase != "end" else ""
    )
    return f"<header><b>{ctx.localize_html('cyclegan.quiz')}</b><span>{place}</span>{here}{way}</header>"


def _lobby(ctx: Context, room: Room) -> str:
    address = f'<p class="address">{html.escape(room.address)}</p>'
    if room.missing:
        return f'<main class="all"><p class="warn">{ctx.localize_html(f"cyclegan.room_missing_{room.missing}")}</p>{address}</main>'  # noqa: E501
    words = (
        f'<p class="big">{ctx.localize_html("cyclegan.room_scan")}</p><p>{ctx.localize_html("cyclegan.room_type")}</p>{address}'  # noqa: E501
        f"<p>{ctx.localize_html('cyclegan.room_reach')}</p>"
    )
    return f'<main><div class="qr">{qr_svg(room.address)}</div><div>{words}</div></main>'


def _question(ctx: Context, room: Room) -> str:
    asked = ctx.localize_html(f"cyclegan.room_asked_{room.card.fruit}")
    answered = ctx.localize_html("cyclegan.room_answered", count=0)
    return (
        f"<main>{_shown(room.card)}<div><p class='big'>{asked}</p>"
        f'<p class="big answered">{answered}</p><div class="bar live" style="--share: 0%"><i></i></div></div></main>'
    )


def _shown(card: Card) -> str:
    return f'<div class="shown"><img src="{data_url(card.jpeg)}" alt=""></div>'


def _reveal(ctx: Context, room: Room) -> str:
    card, split = room.card, room.split(room.number)
    kind = "fake" if card.fake else "real"
    told = f'<p class="big">{ctx.localize_html(f"cyclegan.room_was_{kind}_{card.fruit}")}</p>'
    bars = "".join(
        _bar(ctx.localize_html(f"cyclegan.room_said_{name}"), count, split.count, name == kind)
        for name, count in (("real", split.real), ("fake", split.fake))
    )
    judged = ctx.localize_html(f"cyclegan.room_judged_{'fake' if card.judged_fake else 'real'}")
    chain = grid([figure(ctx.save_bytes(jpeg, ".jpg")) for jpeg in card.chain], 3, plain=True)
    return f"<main>{_shown(card)}<div>{told}{bars}<p>{judged}</p>{chain}{_tallies(ctx, room)}</div></main>"


def _bar(name: str, count: int, of: int, true: bool) -> str:
    share = count / of if of else 0.0
    return (
        f'<div class="bar {"true" if true else ""}" style="--share: {share:.1%}">'
        f"<span>{name}</span><i></i><span>{count} · {share:.0%}</span></div>"
    )


def _tallies(ctx: Context, room: Room) -> str:
    """Write the room, the discriminator and chance side by side, over what is revealed."""
    mine = room.tally()
    judge = tally(room.cards[: room.revealed], [card.judged_fake for card in room.cards[: room.revealed]])
    ours = _everybody(ctx, mine) if mine else ctx.localize_html("cyclegan.room_nobody")
    judged = ctx.localize_html("cyclegan.quiz_judge", **words_of(judge))
    return f'<div class="tallies"><div>{ours}</div><div>{judged}</div><div>{ctx.localize_html("cyclegan.quiz_chance")}</div></div>'  # noqa: E501


def _everybody(ctx: Context, counted: Tally) -> str:
    return ctx.localize_html("cyclegan.room_everybody", **words_of(counted))


def _end(ctx: Context, room: Room) -> str:
    scores = room.scores()
    rows = "".join(_row(ctx, room, number) for number in range(len(room.cards)))
    spread = _spread(ctx, scores, len(room.cards)) if scores else ""
    heading = ctx.localize_html("cyclegan.quiz_afterwards")
    return f'<main class="all">{_tallies(ctx, room)}{spread}<p>{heading}</p>{rows}</main>'


def _row(ctx: Context, room: Room, number: int) -> str:
    card, split = room.cards[number], room.split(number)
    kind = "fake" if card.fake else "real"
    right = split.fake if card.fake else split.real
    judged = ctx.localize_html(f"cyclegan.quiz_judged_{'fake' if card.judged_fake else 'real'}")
    words = f"{ctx.localize_html(f'cyclegan.quiz_was_{kind}')} {ctx.localize_html('cyclegan.room_right', right=right, count=split.count)}"  # noqa: E501
    return grid([*(figure(ctx.save_bytes(jpeg, ".jpg")) for jpeg in card.chain), said(f"{words} {judged}")], 3)


def guessing(scores: Sequence[tuple[int, int]], most: int) -> list[float]:
    """Return how many phones would have 0, 1, ... `most` right answers if all had guessed (binomial, one half)."""
    return [sum(comb(answered, right) / 2**answered for _, answered in scores) for right in range(most + 1)]


def _spread(ctx: Context, scores: Sequence[tuple[int, int]], most: int) -> str:
    """Draw how many phones had how many right, and where guessing would have put them."""
    counts, guessed = Counter(right for right, _ in scores), guessing(scores, most)
    top = max(*counts.values(), *guessed)
    bars = "".join(
        f'<div><i style="--height: {counts[right] / top:.1%}"></i><s style="--height: {guessed[right] / top:.1%}"></s>'
        f"<span>{right}</span></div>"
        for right in range(most + 1)
    )
    best = max(right for right, _ in scores)
    told = ctx.localize_html("cyclegan.room_best", best=best, count=counts[best], of=most, phones=len(scores))
    return f'<p>{told} {ctx.localize_html("cyclegan.room_spread")}</p><div class="scores">{bars}</div>'
