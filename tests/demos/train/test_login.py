"""What the trainer offers to those who log in: what the host asked for, and no button that would be refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from demos.core.context import Context
from demos.core.i18n import Texts
from demos.core.visitor import has_right
from demos.page.discovery import discover
from demos.train.remote import _login_token
from models.checkpoints import Library
from models.hub.client import Hub
from models.model_cache import ModelCache
from models.training.jobs import JobManager

TEXTS = Texts.load()
NEEDED = "openid profile contribute-repos jobs"


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[JobManager]:
    manager = JobManager(tmp_path / "data")
    yield manager
    manager.close()


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("SYSTEM", "spaces")
    monkeypatch.setenv("OAUTH_CLIENT_ID", "client")
    monkeypatch.setattr("gradio.routes.attach_oauth", lambda app: None)  # needs packages that every Space installs
    return monkeypatch


def parts(context: Context, jobs: JobManager) -> dict[str, Any]:
    """Return the components of the tab that have an id, and the button to log in as `login`."""
    online = Library(Hub("https://huggingface.co", offline=False), ModelCache())
    (tab,) = (demo for demo in discover() if demo.name == "train")
    with gr.Blocks() as blocks:
        tab.build(replace(context, jobs=jobs, library=online))
    named = {part.elem_id: part for part in blocks.blocks.values() if getattr(part, "elem_id", "")}
    named.update(("login", part) for part in blocks.blocks.values() if isinstance(part, gr.LoginButton))
    return named


def said(key: str) -> str:
    return TEXTS.localize_html(f"train.login.{key}")


def test_without_a_login_nothing_speaks_of_one(context: Context, jobs: JobManager) -> None:
    assert not {"login", "train-push", "train-login-gives"} & set(parts(context, jobs))


@pytest.mark.parametrize(
    ("scopes", "push", "remote"),
    [
        ("openid profile", False, False),
        ("openid profile contribute-repos", True, False),
        ("openid profile jobs", False, False),  # a job needs a repository for its pictures, too
        (NEEDED, True, True),
        ("openid profile write-repos jobs", True, True),
    ],
)
def test_what_shows_is_what_the_host_asked_for(
    context: Context, jobs: JobManager, space: pytest.MonkeyPatch, scopes: str, push: bool, remote: bool
) -> None:
    space.setenv("OAUTH_SCOPES", scopes)
    found = parts(context, jobs)
    gives = found["train-login-gives"].value
    assert "login" in found and said("runs") in gives and said("without") in gives
    assert ("train-push" in found, said("push") in gives) == (push, push)
    token = found["train-remote-token"].label.key
    assert (token, said("jobs") in gives) == (f"train.remote.token{'_or_login' if remote else ''}", remote)


def test_a_login_without_the_right_is_not_used_for_a_job(space: pytest.MonkeyPatch) -> None:
    request = gr.Request()
    login = {"userinfo": {"preferred_username": "ada"}, "access_token": "secret"}
    request.request = SimpleNamespace(scope={"session": {"oauth_info": login}})  # type: ignore[assignment]
    assert _login_token(request) is None
    space.setenv("OAUTH_SCOPES", NEEDED)
    assert _login_token(request) == "secret"
    space.delenv("SYSTEM")
    assert not has_right("push")


def test_the_readme_names_the_scopes() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    head = readme.partition("hf_oauth: true\nhf_oauth_scopes:\n")[2].partition("```")[0]
    assert {line.strip("- ") for line in head.split("\n") if line.strip()} == set(NEEDED.split()) - {
        "openid",
        "profile",
    }
