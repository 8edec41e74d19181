"""The requests of phones to a room, over plain HTTP beside Gradio: a small page, the state of the room, and a vote."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from demos.core.context import Context
from demos.core.i18n import preferred_language
from demos.ui.live_session.markup import Activity
from demos.ui.live_session.room import LIFETIME, QuestionT, RoomError, Rooms, is_token, new_token

PAGE = Path(__file__).with_name("room.html").read_text("utf-8")
COOKIE = "unlabeled-phone"
MAX_BYTES = 200  # of a vote
STATUS = {"phones": 503, "hurry": 429, "late": 409, "gone": 404, "cookies": 403, "vote": 400}
TEXTS = ("title", "lobby", "asked", "taken", "look_up", "score", "end", "gone", "full", "lost", "cookies")
CHOICE_TEXTS = ("", "right_", "wrong_", "missed_")
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'",
}


def phone_routes(ctx: Context, rooms: Rooms[QuestionT], activity: Activity[QuestionT]) -> list[BaseRoute]:
    """Return the routes that serve the phones of all rooms of an activity, relative to the root of the app."""
    names = [*TEXTS, *(f"{prefix}{choice}" for choice in activity.choices for prefix in CHOICE_TEXTS)]

    async def page(request: Request) -> Response:
        """Send the page of a phone in its language, and the token that identifies it; 404 for a wrong code."""

        def localize(name: str, **values: str) -> str:
            return ctx.localize(gr.Request(request), f"{activity.texts}.phone_{name}", **values)

        code = request.path_params["code"].upper()
        found = rooms.by_code(code) is not None
        # The script fills in what stands in brackets.
        texts: dict[str, object] = {name: localize(name, right="[right]", of="[of]") for name in names}
        texts |= {"choices": activity.choices, "wrong": "" if found else localize("wrong", code=code[:12])}
        content = PAGE.replace("{{language}}", preferred_language(request.headers.get("accept-language")))
        content = content.replace("{{title}}", html.escape(localize("title")))
        content = content.replace("{{texts}}", json.dumps(texts, ensure_ascii=False).replace("<", "\\u003c"))
        response = HTMLResponse(content, 200 if found else 404, HEADERS)
        if found and not is_token(request.cookies.get(COOKIE)):
            # without a path: the folder of this page, as the browser sees it, also behind a proxy
            response.set_cookie(COOKIE, new_token(), max_age=int(LIFETIME), path=None, httponly=True, samesite="lax")
        return response

    async def respond(request: Request) -> Response:
        """Send what the screen, or the phone with a token, may know; of a POST first record its vote."""
        try:
            room = rooms.by_code(request.path_params["code"])
            if room is None:
                raise RoomError("gone")
            cookie = request.cookies.get(COOKIE)
            token = cookie if is_token(cookie) else None
            if request.method == "POST":
                if token is None:
                    raise RoomError("cookies")
                room.vote(token, *await _read_vote(request, activity.choices))
            return JSONResponse(room.state(token), headers=HEADERS)
        except RoomError as error:
            return JSONResponse({"error": error.code}, STATUS[error.code], HEADERS)

    return [
        Route(f"/{rooms.path}/{{code}}", page, methods=["GET"]),
        Route(f"/{rooms.path}/{{code}}/state", respond, methods=["GET"]),
        Route(f"/{rooms.path}/{{code}}/answer", respond, methods=["POST"]),
    ]


async def _read_vote(request: Request, choices: Sequence[str]) -> tuple[int, str]:
    """Return the index of the question and the choice of ``{"number": 3, "choice": "fake"}``, or raise RoomError."""
    # Any other type is what a form of another site can send.
    if request.headers.get("content-type") == "application/json":
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BYTES:
                raise RoomError("vote")
        try:
            vote = json.loads(body)
            index, choice = vote["number"], vote["choice"]
        except (ValueError, TypeError, KeyError):
            raise RoomError("vote") from None
        if type(index) is int and choice in choices:
            return index, choice
    raise RoomError("vote")
