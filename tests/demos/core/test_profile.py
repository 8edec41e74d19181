"""Profiles of hosts, and the app as it starts on ZeroGPU, with a stand-in for the package `spaces` and, if it can be
imported, with the real one."""

import json
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import gradio as gr
import pytest
import torch
from running_app import running_app

from demos.core import profile
from demos.core.context import Context
from demos.page.discovery import discover
from models.training.execution.backends import TrainingOff
from models.training.jobs import JobManager

STAND_IN = """
import json, os, sys

order = [name for name in ("gradio", "torch", "numba") if name in sys.modules]
decorated = []

def GPU(duration):
    def decorate(function):
        decorated.append([function.__module__, function.__name__, duration])
        return function
    return decorate

import gradio

launch = gradio.Blocks.launch

def first_launch(*args, **kwargs):  # as the real package does, which ends an app without a decorated function
    loaded = {"before": order, "decorated": decorated, "numba": os.environ.get("NUMBA_DISABLE_CUDA")}
    open(os.environ["STAND_IN_LOG"], "w").write(json.dumps(loaded))
    assert decorated, "No @spaces.GPU function detected during startup"
    return launch(*args, **kwargs)

gradio.Blocks.launch = first_launch
"""


@pytest.mark.parametrize(
    ("zero_gpu", "cuda", "expected"),
    [
        ("", False, "cpu-basic"),
        ("", True, "gpu"),
        ("0", False, "cpu-basic"),
        ("false", True, "gpu"),
        ("1", True, "zerogpu"),  # there, torch claims a GPU before one is lent
        ("true", False, "zerogpu"),
        ("T", True, "zerogpu"),
    ],
)
def test_the_profile_is_that_of_the_host(
    monkeypatch: pytest.MonkeyPatch, zero_gpu: str, cuda: bool, expected: str
) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", zero_gpu)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert profile.detect() == expected


def test_spaces_is_imported_on_zerogpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", "")
    monkeypatch.setitem(sys.modules, "spaces", None)  # an import of it fails
    profile.import_spaces()
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setenv("NUMBA_DISABLE_CUDA", "1")
    with pytest.raises(ImportError):
        profile.import_spaces()


def test_the_app_starts_on_zerogpu_with_spaces_before_torch(tmp_path: Path) -> None:
    (tmp_path / "stand-in").mkdir()
    (tmp_path / "stand-in" / "spaces.py").write_text(STAND_IN)
    seen = tmp_path / "seen.json"
    space: Any = {"SPACES_ZERO_GPU": "true", "PYTHONPATH": str(tmp_path / "stand-in"), "STAND_IN_LOG": str(seen)}
    with running_app(tmp_path, **space) as app:
        with urlopen(f"{app.url}/health") as answer:
            health = json.load(answer)
        with urlopen(f"{app.url}/config") as answer:
            page = answer.read()
    assert b"app.profile_zerogpu" in page and b"train-duplicate" in page
    assert (health["profile"], health["training"]) == ("zerogpu", "off")
    loaded = json.loads(seen.read_text())
    assert loaded == {"before": [], "decorated": [["demos.core.lent_gpu", "forward", 30]], "numba": "1"}


def test_the_trainer_that_is_off_there_offers_to_duplicate_the_space(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradio.components.duplicate_button.get_space", lambda: "ada/unlabeled")
    jobs = JobManager(tmp_path / "data", backend=TrainingOff("zerogpu"))
    (tab,) = (demo for demo in discover() if demo.name == "train")
    with gr.Blocks() as blocks:
        tab.build(replace(context, jobs=jobs))
    jobs.close()
    assert "train-duplicate" in {getattr(block, "elem_id", None) for block in blocks.blocks.values()}
    scripts = [call["js"] or "" for call in blocks.get_config_file()["dependencies"]]
    assert any("huggingface.co/spaces/ada/unlabeled?duplicate=true" in str(script) for script in scripts)


@pytest.mark.skipif(find_spec("spaces") is None, reason="the package spaces is not installed; Spaces bring it along")
@pytest.mark.skipif(torch.version.cuda is None, reason="spaces cannot be imported with a CPU build of torch")
def test_the_app_starts_with_the_real_package_and_reports_itself(tmp_path: Path) -> None:
    asked: list[str] = []

    class Platform(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Platform) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        platform = f"http://127.0.0.1:{server.server_port}"
        with (
            running_app(tmp_path, SPACES_ZERO_GPU="true", SPACES_ZERO_DEVICE_API_URL=platform) as app,
            urlopen(f"{app.url}/health") as answer,
        ):
            assert json.load(answer)["profile"] == "zerogpu"
        server.shutdown()
    assert asked == ["/startup-report"], "without a decorated function it reports nothing, and the platform ends it"
