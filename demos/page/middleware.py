"""What happens to the page on its way to the browser: its head is changed, and it is compressed."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demos.page.deferred_parts import opening

# Of the Chinese locales Gradio knows zh-CN and zh-TW only; zh, zh-HK, zh-Hans-SG and the like would get English. It
# asks the browser for its language once, while its scripts start, and adds `head` of `launch` only after that; so this
# has to stand in the page as it is sent.
_SCRIPT = b"""<head>
<script>
if (/^zh\\b/i.test(navigator.language) && !["zh-CN", "zh-TW"].includes(navigator.language)) {
  const known = /hant|hk|mo/i.test(navigator.language) ? "zh-TW" : "zh-CN";
  Object.defineProperty(navigator, "language", { get: () => known });
}
</script>"""

# Where a page stands inside another one, a browser may deny it its storage; Gradio's scripts would fail at their first
# look at it, and show nothing. What is kept in its place lasts until the page is left, and the page says so.
_MEMORY = b"""<head>
<script>
for (const name of ["localStorage", "sessionStorage"]) {
  try {
    window[name].getItem("");
  } catch {
    const kept = new Map();
    const value = {
      getItem: (key) => kept.get(String(key)) ?? null,
      setItem: (key, text) => void kept.set(String(key), String(text)),
      removeItem: (key) => void kept.delete(String(key)),
      key: (place) => [...kept.keys()][place] ?? null,
      clear: () => kept.clear(),
      get length() { return kept.size; },
    };
    Object.defineProperty(window, name, { value });
    document.documentElement.classList.add("forgets");
  }
}
</script>"""

PageChange = Callable[[Request, bytes], bytes]  # the request for a page and the page -> the page to send


def is_page(scope: Scope) -> bool:
    """Return whether a request asks for the page itself."""
    return scope["type"] == "http" and scope["path"].removeprefix(scope.get("root_path", "")) in ("", "/")


def add_chinese_locales(request: Request, page: bytes) -> bytes:
    """Put a short script at the beginning of the page, by which every Chinese browser gets Chinese."""
    return page.replace(b"<head>", _SCRIPT, 1)


def do_without_storage(request: Request, page: bytes) -> bytes:
    """Put a script at the beginning of the page that keeps in memory what a browser does not let it store."""
    return page.replace(b"<head>", _MEMORY, 1)


class SmallPage(GZipMiddleware):
    """ASGI middleware that compresses the page and touches nothing else.

    All settings of all tabs stand in it: more than half of what a first visit fetches, and seven times less as gzip.
    Gradio compresses its scripts by itself and sends answers as events, which must not wait to be compressed.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and compress the answer if it is the page itself and the browser takes gzip."""
        await (super().__call__(scope, receive, send) if is_page(scope) else self.app(scope, receive, send))


class OpeningTab:
    """ASGI middleware that notes which tab a request for the page names; the page is sent with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with the name of the tab noted if it is for the page."""
        if not is_page(scope):
            return await self._app(scope, receive, send)
        named = parse_qs(scope["query_string"].decode("latin-1")).get("tab", [""])
        token = opening.set(named[0])
        try:
            await self._app(scope, receive, send)
        finally:
            opening.reset(token)


class ChangedPage:
    """ASGI middleware that changes the page by functions, one after the other, and touches nothing else."""

    def __init__(self, app: ASGIApp, *changes: PageChange) -> None:
        self._app, self._changes = app, changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and change the answer if it is the page itself."""
        start: Message = {}
        body = b""

        async def send_changed(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            if b"<head>" in body:
                for change in self._changes:
                    body = change(Request(scope), body)
                length = (b"content-length", str(len(body)).encode())
                start["headers"] = [h for h in start["headers"] if h[0] != b"content-length"] + [length]
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, send_changed if is_page(scope) else send)
