"""Who a visitor is: their Hugging Face login on a Space that offers it, else a random id that their browser keeps.

The id is a secret like a password: whoever has it sees the visitor's trainings. It is never shown, logged, or part of
an address.
"""

from __future__ import annotations

import math
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, cast

import gradio as gr
from gradio.blocks import Block
from gradio.context import Context as GradioContext

STORAGE_KEY = "unlabeled-visitor"
# Encrypts what lies in the browser's own storage; it protects nothing, but has to stay the same between two starts.
STORAGE_SECRET = "unlabeled"
Right = Literal["push", "jobs"]
# Scopes of `hf_oauth_scopes` in the head of README.md, any of which gives the right.
RIGHTS: Mapping[Right, frozenset[str]] = {
    "push": frozenset({"contribute-repos", "write-repos", "manage-repos"}),
    "jobs": frozenset({"jobs"}),
}
_ID = re.compile(r"[A-Za-z0-9_-]{43}")
Placed = TypeVar("Placed", bound=Block)


def has_login() -> bool:
    """Return whether this is a Space with Hugging Face login; anywhere else a login button would crash the app."""
    return os.environ.get("SYSTEM") == "spaces" and bool(os.environ.get("OAUTH_CLIENT_ID"))


def has_right(right: Right) -> bool:
    """Return whether the host asks those who log in for a right, so that their token may be used for it."""
    return has_login() and not RIGHTS[right].isdisjoint(os.environ.get("OAUTH_SCOPES", "").split())


def rendered_once(is_it: Callable[[Block], bool], make: Callable[[], Placed]) -> Placed:
    """Return the one component of a page for which `is_it` holds, placed outside the tabs when first asked for."""
    root = GradioContext.root_block
    assert root is not None, "components are placed in a gr.Blocks"
    found = [block for block in root.blocks.values() if is_it(block)]
    if found:
        return cast(Placed, found[0])
    here, GradioContext.block = GradioContext.block, root
    try:
        return make()
    finally:
        GradioContext.block = here


def remembered_id() -> gr.BrowserState:
    """Place, once a page, what keeps the id in the browser, empty until `new_id` is put into it.

    It stands outside the tabs: Gradio reads what a browser remembers only once a component is shown, and a tab that
    was not opened yet would look like a new visitor.
    """
    return rendered_once(
        lambda block: isinstance(block, gr.BrowserState) and block.storage_key == STORAGE_KEY,
        lambda: gr.BrowserState("", storage_key=STORAGE_KEY, secret=STORAGE_SECRET),
    )


def new_id() -> str:
    """Return an id of 256 random bits."""
    return secrets.token_urlsafe(32)


def owner_of(browser_id: Any, request: gr.Request | None) -> str | None:
    """Return whom trainings belong to, or None for a visitor of whom nothing is known yet.

    Args:
        browser_id: What the browser sent; anything that `new_id` cannot have made counts as nothing.
        request: Of the event; its session holds the login, signed by the server.
    """
    login = _login(request)
    if login is not None:
        return f"hf:{login['userinfo']['preferred_username']}"
    if isinstance(browser_id, str) and _ID.fullmatch(browser_id):
        return f"browser:{browser_id}"
    return None


def token_of(request: gr.Request | None) -> str | None:
    """Return the access token of a visitor who is logged in, to be used at once and never kept."""
    login = _login(request)
    return None if login is None else str(login["access_token"])


def _login(request: gr.Request | None) -> dict[str, Any] | None:
    if not has_login() or request is None:
        return None
    scope = getattr(request.request, "scope", {})
    login = scope.get("session", {}).get("oauth_info")
    return login if login and login.get("expires_at", math.inf) > time.time() else None
