"""What a host learns at `/health`: status 200, or 503 with the reason, and nothing of a visitor."""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demos.core.context import Context
from demos.page import health
from models.training.jobs import JobManager

QUIET = {"queued": 1, "running": 0, "paused": 0, "interrupted": 0, "stopped": 0, "failed": 0, "done": 0}


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[JobManager]:
    """A trainer in whose queue one visitor's job waits."""
    manager = JobManager(tmp_path / "data")
    values = {"id": "0" * 32, "owner": "visitor-1", "title": "Grandma's garden", "recipe": "vae"}
    manager._store.add(**values, config={}, dataset=str(tmp_path / "garden"), total=10)
    yield manager
    manager.close()


@pytest.fixture
def host(context: Context, jobs: JobManager) -> Context:
    return replace(context, jobs=jobs)


def ask(context: Context) -> tuple[int, dict[str, Any]]:
    """Return status and content of the answer of an app over a context."""
    with gr.Blocks(analytics_enabled=False) as app:
        pass
    app.queue(max_size=64)
    with TestClient(Starlette(routes=[health.health_route(context, app)])) as client:
        answer = client.get("/health")
    assert answer.headers["cache-control"] == "no-store", "an answer kept by a proxy is no answer"
    return answer.status_code, answer.json()


def test_a_healthy_app_says_what_it_has(host: Context) -> None:
    status, told = ask(host)
    assert (status, told["status"], told["problems"]) == (200, "ok", [])
    assert told["version"] and told["disk_free_bytes"] > health.MIN_FREE
    assert told["weights"] == {"present": len(health.OWN), "missing": []}
    assert told["queue"] == {"waiting": 0, "limit": 64}
    assert (told["jobs"], told["training"]) == (QUIET, "on")


def test_nothing_of_a_visitor_or_of_the_machine_is_told(
    host: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    said = json.dumps(ask(host)[1])
    for private in ("visitor-1", "Grandma", "garden", "0" * 32, "hf_secret", str(tmp_path), str(Path.home())):
        assert private not in said


def test_an_app_without_trainer_is_healthy(context: Context) -> None:
    status, told = ask(context)
    assert (status, told["jobs"], told["training"]) == (200, None, "off")


@pytest.mark.parametrize("lacking", ["model.safetensors", "config.json"])
def test_weights_that_are_not_there_are_named(
    lacking: str, host: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def folder(name: str) -> Path | None:
        if name != "mae-photos":
            return found(name)
        (tmp_path / "config.json").unlink(missing_ok=True)
        return None if lacking == "model.safetensors" else tmp_path

    found = host.library.folder
    monkeypatch.setattr(host.library, "folder", folder)
    status, told = ask(host)
    assert (status, told["status"]) == (503, "failing")
    assert told["problems"] == ["Weights are not on disk: mae-photos."]
    assert told["weights"] == {"present": len(health.OWN) - 1, "missing": ["mae-photos"]}


def test_the_fuller_of_two_disks_counts(host: Context, jobs: JobManager, monkeypatch: pytest.MonkeyPatch) -> None:
    free = {jobs.folder: 7 * 2**20}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free.get(path, 2**40)))
    status, told = ask(host)
    assert (status, told["problems"]) == (503, ["Only 7 MiB are free on the disk; 200 are needed."])


def test_a_full_queue_is_told(host: Context) -> None:
    assert health.health(host, 63, 64)["problems"] == []
    assert health.health(host, 64, 64)["problems"] == ["The queue is full: 64 events wait."]


def test_jobs_that_cannot_be_read_are_told(host: Context, jobs: JobManager, monkeypatch: pytest.MonkeyPatch) -> None:
    def counts() -> dict[str, int]:
        raise sqlite3.OperationalError("disk I/O error in /home/somebody")

    monkeypatch.setattr(jobs, "counts", counts)
    status, told = ask(host)
    assert (status, told["jobs"]) == (503, None)
    assert told["problems"] == ["The database of jobs cannot be read (OperationalError)."]


def test_the_version_is_a_commit_or_that_of_the_changelog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch(r"[0-9a-f]{7,}|Unreleased|[\w. -]+", health.version())
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.4\n\n- A\n\n## 1.3\n", "utf-8")
    monkeypatch.setattr(health, "ASSETS", tmp_path / "assets")
    assert health.version() == "1.4"
