"""The markup of the tools in the head of the page: buttons, the list of keys, the menu of tabs, the tour."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from demos.core.context import Context

STOPS: Mapping[str, tuple[str, ...]] = {  # tab -> CSS selectors
    "cyclegan": (
        "#cyclegan-examples", "#cyclegan-translated", "#cyclegan-back", "#cyclegan-verdict", "#cyclegan-cards",
    ),
    "mae": ("#mae-examples", "#mae-ratio", "#mae-result-slider", "#mae-result-score", "#mae-cards"),
    "vae": ("#vae-a", "#vae-result-animation", "#vae-verdict", "#vae-result-strip", "#vae-cards"),
    "embeddings": (
        "#embeddings-plot", "#embeddings-encoder", "#embeddings-neighbours", "#embeddings-guest", "#embeddings-verdict",
    ),
    "train": ("#train-runs", "#train-view", "#train-files-a", "#train-recipe", "#train-start"),
}  # fmt: skip

# The tab after a tab, the element whose picture goes along, and the photo of the next tab that takes it.
NEXT: Mapping[str, tuple[str, str, str]] = {
    "cyclegan": ("vae", "#cyclegan-translated", "a"),
    "vae": ("mae", "#vae-b", "example"),
    "mae": ("embeddings", "#mae-input", "guest"),
    "embeddings": ("train", "", ""),
}

TOASTS = ("refused", "too_large", "too_large_sent", "no_picture_or_zip", "no_picture", "failed", "Error", "Warning",
          "Info", "Success")  # fmt: skip

KEYS = (("1 … 9, 0", "tabs"), ("← →", "examples"), ("␣", "again"), ("R", "reset"), ("S", "send"), ("L", "link"),
        ("P", "present"), ("T", "tour"), ("?", "help"))  # fmt: skip


def tools_html(ctx: Context, tabs: Sequence[str], targets: Sequence[str]) -> str:
    """Write the tools of the page in both languages."""
    buttons = "".join(_button(ctx, do) for do in ("tour", "link", "present"))
    buttons += '<button type="button" data-do="help">?</button>'
    more = f'<span class="unseen" id="tools-more">{ctx.localize_html("page.more")}</span>'
    names = json.dumps(list(tabs)).replace('"', "&quot;")
    tours = "".join(_tour(ctx, tab) for tab in tabs if tab in STOPS)
    told = "".join(
        f'<span data-told="{how}" hidden>{ctx.localize_html(f"page.link_{how}")}</span>' for how in ("copied", "shown")
    )
    return (
        f'<nav class="tools" data-tabs="{names}"><button type="button" class="tools-more" data-do="more"'
        f' aria-expanded="false" aria-labelledby="tools-more">•••</button>{more}'
        f'<span class="tools-list">{buttons}</span>'
        f'<span class="tools-told" role="status" hidden>{told}</span>{tours}</nav>'
        f'<div class="floating">{_help(ctx)}{_send(ctx, targets)}{_card(ctx)}</div>{_toasts(ctx)}{_access(ctx)}'
    )


def next_html(ctx: Context, tab: str, tabs: Sequence[str], targets: Sequence[str]) -> str:
    """Write the button that leads from a tab to the next one with its picture; nothing where that cannot be."""
    following, picture, photo = NEXT.get(tab, ("", "", ""))
    receiver = f"{following}_{photo}" if photo else ""
    if following not in tabs or (receiver and receiver not in targets):
        return ""
    return (
        f'<button type="button" data-next="{following}" data-picture="{picture}" data-receiver="{receiver}">'
        f"{ctx.localize_html(f'page.next_{tab}')}</button>"
    )


def _button(ctx: Context, do: str, key: str = "") -> str:
    return f'<button type="button" data-do="{do}">{ctx.localize_html(f"page.{key or do}")}</button>'


def _toasts(ctx: Context) -> str:
    """Return what the page says instead of Gradio's own messages, which exist in English alone."""
    parts = {part: f"{{{part}}}" for part in ("name", "limit", "sentence")}  # filled in by the page
    said = "".join(
        f'<p data-for="{what}">{ctx.localize_html(f"page.toast_{what.lower()}", **parts)}</p>' for what in TOASTS
    )
    return f'<template class="toast-words">{said}</template>'


def _access(ctx: Context) -> str:
    """Return the link over what every tab repeats, and the names that the page's script gives."""
    words = f'<span data-word="example">{ctx.localize_html("page.example", number="{number}", count="{count}")}</span>'
    skip = f'<a class="skip" href="#tabs">{ctx.localize_html("page.skip")}</a>'
    return f'<template class="access-words">{words}</template>{skip}'


def _help(ctx: Context) -> str:
    rows = "".join(f"<dt><kbd>{keys}</kbd></dt><dd>{ctx.localize_html(f'page.key_{what}')}</dd>" for keys, what in KEYS)
    title, close = ctx.localize_html("page.keys"), _button(ctx, "help", "close")
    return f'<dialog class="keys"><h2>{title}</h2><dl>{rows}</dl>{close}</dialog>'


def _send(ctx: Context, targets: Sequence[str]) -> str:
    choices = "".join(
        f'<button type="button" role="menuitem" data-to="{target}">{ctx.localize_html(f"page.send_{target}")}</button>'
        for target in targets
    )
    button = ctx.localize_html("page.send")
    return (
        f'<button type="button" class="send" data-do="send" aria-haspopup="menu" hidden>{button}</button>'
        f'<div class="send-menu" role="menu" hidden><p>{ctx.localize_html("page.send_to")}</p>{choices}</div>'
    )


def _tour(ctx: Context, tab: str) -> str:
    texts = [ctx.localize_html(f"tour.{tab}.{number}") for number, _ in enumerate(STOPS[tab], 1)]
    stops = "".join(f'<div data-at="{at}">{text}</div>' for at, text in zip(STOPS[tab], texts, strict=True))
    return f'<template data-tour="{tab}">{stops}</template>'


def _card(ctx: Context) -> str:
    on = "".join(
        f'<span data-last="{last}"{" hidden" if last else ""}>{ctx.localize_html(f"page.tour_{key}")}</span>'
        for last, key in enumerate(("on", "end"))
    )
    buttons = _button(ctx, "tour-end", "tour_close") + _button(ctx, "tour-back", "tour_back")
    return (
        '<div class="tour-card" role="dialog" hidden><p class="tour-text"></p><div class="tour-foot">'
        f'<span class="tour-count"></span>{buttons}'
        f'<button type="button" data-do="tour-on">{on}</button></div></div>'
    )
