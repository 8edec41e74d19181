"""How much one visitor may ask for: events that wait at once, and bytes uploaded within an hour.

A visitor is a page (its session, or for uploads the id that its script sends) at a network address. A classroom stands
behind one address, so the address alone is limited to what `CLASSROOM` visitors may do; that is also the limit of
programs that name no session, and of those that take a new one for each call.
"""

from __future__ import annotations

import ipaddress
import logging
import shutil
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demos.core import environment
from demos.core.i18n import Localize

CLASSROOM = 50  # visitors behind one address who may do as much as visitors of their own
WAITING = 4  # events of one listener of a visitor that wait for others
WAITING_IN_ALL = 32  # of all listeners: another photo alone makes several of them ask
HOUR = 3600.0  # seconds
UPLOADED = 2**30  # bytes of a visitor within an hour
MIN_FREE = 2**30  # bytes on the disk, below which nothing is uploaded
PAGE_HEADER = "x-unlabeled-page"  # with an upload: the random id of the page, made anew by each
MOST_KNOWN = 10_000  # visitors whose uploads are remembered; the longest silent are forgotten first

log = logging.getLogger(__name__)


def address_of(request: HTTPConnection) -> str:
    """Return the network address a request comes from, of IPv6 the network of 64 bits that one customer has.

    Behind proxies it is the last public address that they noted: a visitor can write others only before it. Where the
    request itself comes from a public address, there is no proxy, and what it says of others counts for nothing.
    """
    direct = _parsed(request.client.host if request.client else "")
    if direct is not None and direct.is_global:
        return _network(direct)
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    public = [each for each in map(_parsed, forwarded) if each is not None and each.is_global]
    nearest = public[-1] if public else direct
    return _network(nearest) if nearest is not None else "unknown"


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _network(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((int(address), 64), strict=False))


@dataclass
class LastHour:
    """Bytes by whom they came from, of the last hour, by the minute."""

    clock: Callable[[], float] = time.monotonic
    minutes: dict[str, deque[tuple[float, int]]] = field(default_factory=dict)  # the longest silent first

    def add(self, who: str, count: int) -> None:
        """Count bytes that have come."""
        known = self.minutes.pop(who, deque())
        minute = self.clock() // 60 * 60
        if known and known[-1][0] == minute:
            count += known.pop()[1]
        known.append((minute, count))
        self.minutes[who] = known
        while len(self.minutes) > MOST_KNOWN:
            del self.minutes[next(iter(self.minutes))]

    def of(self, who: str) -> int:
        """Return the bytes that came within the last hour."""
        known = self.minutes.get(who, deque())
        while known and known[0][0] <= self.clock() - HOUR:
            known.popleft()
        return sum(count for _, count in known)

    def minutes_to_wait(self, who: str) -> int:
        """Return in how many minutes the oldest of these bytes count no more."""
        known = self.minutes.get(who)
        return max(1, round((known[0][0] + HOUR - self.clock()) / 60)) if known else 1


class UploadLimits:
    """ASGI middleware that refuses uploads beyond the allowance of a visitor, and those for which the disk is too full.

    Args:
        app: What follows.
        localize: Makes the sentences.
        uploads: What was uploaded so far.
        free: Free bytes of the disk of a folder.
    """

    def __init__(
        self,
        app: ASGIApp,
        localize: Localize,
        uploads: LastHour | None = None,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._app, self._localize, self._free = app, localize, free
        self._uploads = uploads or LastHour()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; of an upload, count what comes and break it off where it becomes too much."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith("/gradio_api/upload"):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refusal = self._refusal(request, int(request.headers.get("content-length") or 0))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        address, page = _uploader(request)

        async def counted() -> Message:
            nonlocal refusal
            message = await receive()
            for who in filter(None, (address, page)):
                self._uploads.add(who, len(message.get("body", b"")))
            refusal = refusal or self._refusal(request, 0)
            return message if refusal is None else {"type": "http.disconnect"}

        try:
            await self._app(scope, counted, send)
        except Exception:
            if refusal is None:
                raise
            await refusal(scope, receive, send)

    def _refusal(self, request: Request, more: int) -> PlainTextResponse | None:
        """Return the answer to an upload that is refused, given how many bytes it is about to send."""
        if self._free(environment.files_folder().parent) - more < MIN_FREE:
            return self._answer(request, 507, "limit.disk")
        address, page = _uploader(request)
        for who, most, key in ((page, UPLOADED, "limit.uploads"), (address, CLASSROOM * UPLOADED, "limit.all_uploads")):
            if who and self._uploads.of(who) + more > most:
                minutes = self._uploads.minutes_to_wait(who)
                return self._answer(request, 429, key, limit=most // 2**30, minutes=minutes)
        return None

    def _answer(self, request: Request, status: int, key: str, **values: int) -> PlainTextResponse:
        log.warning("Refused an upload (%s %s).", key, values)
        return PlainTextResponse(self._localize(gr.Request(request), key, **values), status)


def _uploader(request: Request) -> tuple[str, str]:
    """Return the address an upload comes from, and the page at that address; no page for a program."""
    address, page = address_of(request), request.headers.get(PAGE_HEADER, "")[:64]
    return address, f"{address} {page}" if page else ""


def limit_waiting(app: gr.Blocks, localize: Localize) -> None:
    """Let the queue of an app refuse an event of a visitor, or a classroom, of whom too many wait already."""
    queue, push = app._queue, app._queue.push

    async def limited(body: Any, request: Any, username: str | None) -> Any:
        waiting = [event for each in queue.event_queue_per_concurrency_id.values() for event in each.queue]
        address = address_of(request)
        near = [event for event in waiting if address_of(event.request) == address]
        own = [event for event in near if event.session_hash == body.session_hash]
        same = [event for event in own if event.fn._id == body.fn_index]
        for found, most, key in (
            (same, WAITING, "limit.waiting"),
            (own, WAITING_IN_ALL, "limit.waiting"),
            (near, CLASSROOM * WAITING, "limit.all_waiting"),
        ):
            if len(found) >= most:
                log.warning("Refused an event (%s %s).", key, most)
                raise HTTPException(429, localize(gr.Request(request), key, count=most))
        return await push(body, request, username)

    queue.push = limited  # type: ignore[method-assign]
