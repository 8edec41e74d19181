"""The button that makes one picture of what a tab shows, for a visitor to save or hand on.

The picture is drawn in the browser when the button is pressed (`share_picture.js`): a title, the result, one number
and the address of the view with its QR code. A visitor's own photo is in the picture that they save themselves, and
in nothing else: the address never holds it.
"""

from __future__ import annotations

import html
import io
import json
from collections.abc import Sequence
from pathlib import Path

import gradio as gr
import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demos.core.context import Context

SCRIPT = Path(__file__).with_suffix(".js")  # of the page, once for all buttons
MOST_CHARACTERS = 1200  # of an address; a QR code of more is too fine to be read off a screen
CODE_SCALE = 6  # pixels of a module
Slots = Sequence[Sequence[str]]  # for each image side by side, CSS selectors of what lies in it, bottom first


def share_button(ctx: Context, title_key: str, slots: Slots, fact: str) -> gr.HTML:
    """Place the button; `fact` is the CSS selector of the line with the number."""
    return gr.HTML(share_html(ctx, title_key, slots, fact), elem_classes="share-block")


def share_html(ctx: Context, title_key: str, slots: Slots, fact: str = "", fact_html: str = "") -> str:
    """Write the button for a panel that is HTML itself; the line with the number is found or given."""
    texts = {"title": ctx.localize_html(title_key), "fact": fact_html}
    texts |= {name: ctx.localize_html(f"share.{name}") for name in ("link", "saved", "nothing")}
    return (
        f'<div class="share-row"><button type="button" data-share="{html.escape(json.dumps(slots))}"'
        f' data-fact="{html.escape(fact)}">{ctx.localize_html("share.button")}</button>'
        '<span class="share-told" role="status"></span>'
        + "".join(f'<template data-text="{name}">{text}</template>' for name, text in texts.items())
        + "</div>"
    )


def qr_route() -> Route:
    """Return the route ``/qr.png?text=...``, which draws an address as a QR code with error correction M."""

    def serve(request: Request) -> Response:
        text = request.query_params.get("text", "")
        if not text.startswith(("http://", "https://")) or len(text) > MOST_CHARACTERS:
            return Response(f"Give an address of at most {MOST_CHARACTERS} characters.", 400)
        image = io.BytesIO()
        segno.make(text, error="m", micro=False).save(image, kind="png", scale=CODE_SCALE, border=2)
        return Response(image.getvalue(), media_type="image/png")

    return Route("/qr.png", serve)
