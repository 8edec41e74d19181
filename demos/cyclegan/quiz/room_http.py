"""What phones ask of a room, over plain HTTP beside Gradio: a small page, its state, and a vote."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from demos.core.context import Context
from demos.core.i18n import preferred_language
from demos.cyclegan.quiz.room import LIFETIME, RoomError, Rooms, is_token, new_token

PAGE = Path(__file__).with_name("room.html").read_text("utf-8")
COOKIE = "unlabeled-phone"
MOST_BYTES = 200  # of a vote
STATUS = {"phones": 503, "hurry": 429, "late": 409}
TEXTS = (
    "title", "lobby", "asked", "real", "fake", "taken", "look_up", "right_fake", "right_real", "wrong_fake",
    "wrong_real", "missed_fake", "missed_real", "score", "end", "gone", "full", "lost", "cookies",
)  # fmt: skip
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'",
}


class Phones:
    """Answers the phones of all rooms.

    Args:
        ctx: The context of the tabs, for its texts.
        rooms: The rooms.
    """

    def __init__(self, ctx: Context, rooms: Rooms) -> None:
        self._ctx, self._rooms = ctx, rooms

    def routes(self) -> list[BaseRoute]:
        """Return the routes; their addresses are relative to the root of the app."""
        return [
            Route("/room/{code}", self.page, methods=["GET"]),
            Route("/room/{code}/state", self.state, methods=["GET"]),
            Route("/room/{code}/answer", self.answer, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """Send the page of a phone in its language, and the token that it is known by; 404 for a wrong code."""
        code = request.path_params["code"].upper()
        found = self._rooms.find(code) is not None
        texts = {
            name: self._localize(request, name, right="[right]", of="[of]") for name in TEXTS
        }  # the page fills them in
        texts["wrong"] = "" if found else self._localize(request, "wrong", code=code[:12])
        shown = PAGE.replace("{{language}}", preferred_language(request.headers.get("accept-language")))
        shown = shown.replace("{{title}}", html.escape(texts["title"]))
        shown = shown.replace("{{texts}}", json.dumps(texts, ensure_ascii=False).replace("<", "\\u003c"))
        response = HTMLResponse(shown, 200 if found else 404, HEADERS)
        if found and not is_token(request.cookies.get(COOKIE)):
            # without a path: the folder of this page, as the browser sees it, also behind a proxy
            response.set_cookie(COOKIE, new_token(), max_age=int(LIFETIME), path=None, httponly=True, samesite="lax")
        return response

    async def state(self, request: Request) -> Response:
        """Send what the screen, or the phone with a token, may know."""
        room = self._rooms.find(request.path_params["code"])
        if room is None:
            return _refusal("gone", 404)
        token = request.cookies.get(COOKIE)
        try:
            return JSONResponse(room.state(token if is_token(token) else None), headers=HEADERS)
        except RoomError as error:
            return _refusal(error.code, STATUS[error.code])

    async def answer(self, request: Request) -> Response:
        """Take a vote, ``{"number": 3, "fake": true}``, and sends the state with it."""
        room = self._rooms.find(request.path_params["code"])
        if room is None:
            return _refusal("gone", 404)
        token = request.cookies.get(COOKIE)
        if not is_token(token):
            return _refusal("cookies", 403)
        vote = await _vote(request)
        if vote is None:
            return _refusal("vote", 400)
        try:
            room.answer(token, *vote)
            return JSONResponse(room.state(token), headers=HEADERS)
        except RoomError as error:
            return _refusal(error.code, STATUS[error.code])

    def _localize(self, request: Request, name: str, **values: Any) -> str:
        return self._ctx.localize(gr.Request(request), f"cyclegan.phone_{name}", **values)


async def _vote(request: Request) -> tuple[int, bool] | None:
    """Return the number of the card and whether it is called a fake, or None where a request says nothing like it."""
    if request.headers.get("content-type") != "application/json":
        return None  # what a form of another site can send
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    try:
        vote = json.loads(body)
        number, fake = vote["number"], vote["fake"]
    except (ValueError, TypeError, KeyError):
        return None
    return (number, fake) if type(number) is int and type(fake) is bool else None


def _refusal(error: str, status: int) -> JSONResponse:
    return JSONResponse({"error": error}, status, HEADERS)
