"""How many bytes a page is sent, headers included, as they travel: compressed where they are."""

from __future__ import annotations

from playwright.sync_api import Page, Request


class Traffic:
    """The requests of a page that were answered since its creation or the last `start`.

    Args:
        page: It may be anywhere.
    """

    def __init__(self, page: Page) -> None:
        self._finished: list[Request] = []
        page.on("requestfinished", lambda request: self._finished.append(request))

    def start(self) -> None:
        """Forget what was received before."""
        self._finished.clear()

    def received(self) -> dict[str, int]:
        """Return the bytes of each address, the last part of which names it; equal names are summed up."""
        sizes: dict[str, int] = {}
        for request in list(self._finished):
            name, size = request.url.partition("?")[0].rsplit("/", 1)[-1], request.sizes()
            sizes[name] = sizes.get(name, 0) + size["responseBodySize"] + size["responseHeadersSize"]
        return sizes
