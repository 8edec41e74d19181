"""Sessions that cost little: without a copy of the page, and gone once nobody can come back to them.

Every new visitor, and every call of a program, begins a session. Gradio 6.31 keeps with each of up to 10,000 the
configuration of every component of the page, which only `gr.DeepLinkButton` reads, and the last values of all that was
used: more than a megabyte for a page like ours. Here a session keeps the values of `gr.State` alone.
"""

from __future__ import annotations

import datetime
import importlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from types import SimpleNamespace
from typing import Any

from gradio import routes
from gradio.state_holder import SessionState, StateHolder
from starlette.types import ASGIApp, Receive, Scope, Send

from demos.core.memory import FreedMemory
from demos.page.deferred_parts import DeferredConfig

KEPT = datetime.timedelta(hours=1)  # after a page was closed, in case that its visitor comes back
ANSWERS = ("call", "queue")  # what the addresses of events begin with that may run a network
# The modules of Gradio that name the class of a session; `gradio.mcp` is loaded at launch, and takes the first one's.
MODULES = ("gradio.state_holder", "gradio.blocks", "gradio.route_utils")


class LightSession(SessionState):
    """A session without the configuration of the components."""

    def __init__(self, blocks: Any) -> None:
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks={}))  # type: ignore[arg-type]
        if isinstance(self.blocks_config, DeferredConfig):
            self.blocks_config.values = self.state_data

    def __setitem__(self, key: int, value: Any) -> None:
        """Keep a value of `gr.State`, or a component as an event changed it."""
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None:
        """Keep nothing of what a component was changed to."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Keep nothing of what a component was given or showed last."""


class Sessions(StateHolder):
    """All sessions: at most `capacity` beside those of open pages, the least recently used dropped first."""

    def __init__(self) -> None:
        super().__init__()
        self.open = Counter[str]()  # pages and clients that are connected, by session

    def __getitem__(self, session_id: str) -> SessionState:
        with self.lock:
            if session_id not in self.session_data:
                self.session_data[session_id] = LightSession(self.blocks)
        return super().__getitem__(session_id)

    def update(self, session_id: str) -> None:
        """Note that a session was used, and drop the oldest above the capacity; an open page is never dropped."""
        with self.lock:
            if session_id in self.session_data:
                self.session_data.move_to_end(session_id)
            excess = max(0, len(self.session_data) - self.capacity)
            idle = (each for each in self.session_data if each not in self.open and each != session_id)
            for each in list(islice(idle, excess)):
                self._forget(each)

    @contextmanager
    def connected(self, session_id: str) -> Iterator[None]:
        """Count a page or client as open meanwhile."""
        self.open[session_id] += 1
        try:
            yield
        finally:
            self.open[session_id] -= 1
            self.open += Counter()  # without those at zero

    def drop(self, session_id: str) -> None:
        """Forget a session unless a page of it is open."""
        with self.lock:
            if session_id not in self.open:
                self._forget(session_id)

    def delete_all_expired_state(self) -> None:
        """Delete values that have expired, and sessions that were closed an hour ago."""
        super().delete_all_expired_state()
        long_ago = datetime.datetime.now() - KEPT
        for session_id, last_used in list(self.time_last_used.items()):
            session = self.session_data.get(session_id)
            if session is None or (session.is_closed and last_used < long_ago):
                self.drop(session_id)

    def _forget(self, session_id: str) -> None:
        self.session_data.pop(session_id, None)
        self.time_last_used.pop(session_id, None)


class SessionTracker:
    """ASGI middleware that knows which pages are open, and drops a program's call once its answer is delivered.

    What answers took is given back to the system soon after they were delivered.
    """

    def __init__(self, app: ASGIApp, freed: FreedMemory | None = None) -> None:
        self._app, self._freed = app, freed or FreedMemory()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; note a heartbeat while it lasts, and the end of an answer."""
        kind, *rest = scope["path"].split("/gradio_api/", 1)[-1].split("/") if scope["type"] == "http" else [""]
        if kind == "heartbeat" and rest:
            with scope["app"].state_holder.connected(rest[0]):
                await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            if kind == "call" and rest and scope["method"] == "GET":
                scope["app"].state_holder.drop(rest[-1])  # without a session of its own, a call has its event's id
            if kind in ANSWERS:
                self._freed.give_back_soon()


def install() -> None:
    """Let Gradio make these sessions, from the next app that is launched on."""
    routes.StateHolder = Sessions  # type: ignore[misc]
    for name in MODULES:
        importlib.import_module(name).SessionState = LightSession  # type: ignore[attr-defined]
