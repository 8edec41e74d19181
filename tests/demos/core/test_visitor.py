"""Who a visitor is: ids that only `new_id` makes, and logins that only a Space has."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from demos.core.visitor import has_login, new_id, owner_of, remembered_id, token_of


def request_of(**login: Any) -> gr.Request:
    """A request whose session holds a login."""
    info = {"userinfo": {"preferred_username": "ada"}, "access_token": "secret", **login}
    request = gr.Request()
    request.request = SimpleNamespace(scope={"session": {"oauth_info": info}})  # type: ignore[assignment]
    return request


def test_ids_are_long_and_never_the_same() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(owner_of(one, None) == f"browser:{one}" for one in ids)


@pytest.mark.parametrize(
    "sent", ["", None, 7, "short", "hf:ada", "a" * 42, "a" * 44, "a" * 42 + "/", {"id": "a"}, ["a"]]
)
def test_what_no_browser_was_given_is_nobody(sent: Any) -> None:
    assert owner_of(sent, None) is None


def test_a_login_counts_on_a_space_only(monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = new_id()
    assert not has_login()
    assert owner_of(visitor, request_of()) == f"browser:{visitor}", "elsewhere a session is nobody's word"
    assert token_of(request_of()) is None
    monkeypatch.setenv("SYSTEM", "spaces")
    monkeypatch.setenv("OAUTH_CLIENT_ID", "client")
    assert owner_of(visitor, request_of()) == "hf:ada"
    assert token_of(request_of()) == "secret"
    assert owner_of(visitor, request_of(expires_at=time.time() - 1)) == f"browser:{visitor}"
    assert owner_of(visitor, gr.Request()) == f"browser:{visitor}", "not logged in"


def test_the_id_is_kept_outside_the_tabs_under_a_fixed_name() -> None:
    with gr.Blocks() as app, gr.Tabs(), gr.Tab("one"):
        state = remembered_id()
        gr.Markdown("still inside")
    assert state in app.children
    assert (state.storage_key, bool(state.secret)) == ("unlabeled-visitor", True)
    assert [type(block).__name__ for block in app.children[0].children[0].children] == ["Markdown"]
