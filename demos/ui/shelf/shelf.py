"""A shelf of cards under a tab's main result: each opens in one shared panel, one at a time.

The content of a card is an accordion without its own header: its events ``expand`` and ``collapse`` say that the card
was opened and closed, and nothing in it is drawn before. The browser opens and closes (`shelf.js`); the open card is
``&open=NAME`` in the address. Whatever else has ``data-open="NAME"`` in the tab opens that panel too, such as a
`drawer`, which has no card.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import gradio as gr

from demos.core.context import Context
from demos.core.files import file_url
from demos.ui import widgets
from demos.ui.deferred import DEFERRED
from demos.ui.shelf.thumbnails import FOLDER

SCRIPT = Path(__file__).with_suffix(".js")
STYLE = Path(__file__).with_suffix(".css")

Group = Literal["play", "inside", "further"]


@dataclass(frozen=True)
class Card:
    """One card of a shelf."""

    name: str  # in the address: ``?tab=TAB&open=NAME``
    title: str  # key of the finding that the card shows
    thumbnail: Path | None = None  # image under a static path; a card whose image does not exist shows its title alone


@dataclass(frozen=True)
class Shelf:
    """The shelf of a tab, to be filled card by card."""

    ctx: Context
    tab: str
    titles: Mapping[str, str]  # of the cards, by their names
    column: gr.Column

    def card(self, name: str, deferred: bool = False) -> gr.Accordion:
        """Place the content of a card; use it as a context manager.

        Args:
            name: of the card.
            deferred: whether its content is sent to a browser only when it is first opened. Until then nothing can be
                put into it, and what reads it or fills it must do nothing else; where it does, the page is refused.

        Raises:
            KeyError: If the shelf has no such card.
        """
        return self.drawer(name, self.titles[name], deferred)

    def drawer(self, name: str, title_key: str, deferred: bool = False) -> gr.Accordion:
        """Place a panel that no card opens, but something else with ``data-open``; use it as a context manager."""
        with self.column:
            classes = ["card-panel", DEFERRED] if deferred else ["card-panel"]
            return gr.Accordion(
                self.ctx.t(title_key), open=False, elem_id=f"{self.tab}-panel-{name}", elem_classes=classes
            )


def cards(ctx: Context, tab: str, titles: Mapping[Group, Mapping[str, str]]) -> Mapping[Group, Sequence[Card]]:
    """Return the cards of a tab with their prepared thumbnails; `titles` has the keys of their texts by their names."""
    folder = ctx.first_paint / tab / FOLDER
    return {
        group: [Card(name, f"{tab}.{title}", folder / f"{name}.webp") for name, title in members.items()]
        for group, members in titles.items()
    }


def shelf(ctx: Context, tab: str, groups: Mapping[Group, Sequence[Card]]) -> Shelf:
    """Place the shelf of a tab; fill every card by `Shelf.card`."""
    titles = {card.name: card.title for cards in groups.values() for card in cards}
    with gr.Column(elem_id=f"{tab}-shelf", elem_classes="shelf-block") as column:
        script = SCRIPT.read_text("utf-8")
        widgets.panel(shelf_html(ctx, tab, groups), f"{tab}-cards", STYLE.read_text("utf-8"), js_on_load=script)
    return Shelf(ctx, tab, titles, column)


def shelf_html(ctx: Context, tab: str, groups: Mapping[Group, Sequence[Card]]) -> str:
    """Return the cards in their groups, and the head of the panel, which is hidden while no card is open."""
    parts = []
    for group, cards in groups.items():
        shown = "".join(card_html(ctx, tab, card) for card in cards)
        title = ctx.localize_html(f"shelf.{group}")
        parts.append(f'<section style="--cards: {len(cards)}"><h3>{title}</h3><div>{shown}</div></section>')
    close = f'<button type="button" data-close>{ctx.localize_html("page.close")} <i aria-hidden="true">✕</i></button>'
    head = f'<div class="panel-head" hidden><h2 id="{tab}-panel-title" tabindex="-1"></h2>{close}</div>'
    return f'<div class="shelf" data-tab="{tab}">{"".join(parts)}</div>{head}'


def card_html(ctx: Context, tab: str, card: Card) -> str:
    """Return the button that opens a card."""
    image = ""
    if card.thumbnail and card.thumbnail.is_file():
        image = f'<img src="{file_url(str(card.thumbnail))}" alt="" loading="lazy">'
    return (
        f'<button type="button" class="card" data-open="{card.name}" aria-expanded="false"'
        f' aria-controls="{tab}-panel-{card.name}">{image}<b>{ctx.localize_html(card.title)}</b></button>'
    )
