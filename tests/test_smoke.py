"""`make smoke` says what works and what fails of an app at an address, and ends with status 1 if anything does."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from demos.page.discovery import discover

ROOT = Path(__file__).resolve().parent.parent


def smoke(url: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "tests/smoke.py", url], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout


CONFIG = {
    "components": [{"id": 1, "type": "tabitem", "props": {"id": "vae", "elem_id": "tab-vae"}}],
    "dependencies": [
        {"id": 0, "targets": [[2, "link_vae"]], "inputs": [], "backend_fn": True, "trigger_after": None},
        {"id": 1, "targets": [[None, "then"]], "inputs": [1], "backend_fn": True, "trigger_after": 0},
    ],
}
BROKEN: dict[str, Any] = {
    "/health": {"status": "failing", "problems": ["Weights are not on disk: vae-fruit."]},
    "/config": CONFIG,
    "/gradio_api/queue/join": {"event_id": "1"},
}


class BrokenApp(BaseHTTPRequestHandler):
    """An app without weights: its page is there, and its events fail."""

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/gradio_api/queue/data":
            message = {"msg": "process_completed", "success": False, "output": {"error": "There is no vae-fruit."}}
            self.answer(200, f"data: {json.dumps(message)}\n\n".encode())
        else:
            status = 404 if path not in BROKEN else 503 if path == "/health" else 200
            self.answer(status, json.dumps(BROKEN.get(path)).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def broken() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), BrokenApp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_fails_is_said_with_its_reason(broken: str) -> None:
    status, said = smoke(broken)
    assert status == 1
    lines = {line[:28].strip(): line for line in said.splitlines()}
    assert "FAILED: Weights are not on disk: vae-fruit." in lines["/health"]
    assert lines["the page"].endswith("ok")
    assert "FAILED: There is no vae-fruit." in lines["tab: vae"]
    assert "FAILED" in lines["README: /translate"], "the page of no Gradio app answers no program"


def test_nothing_at_the_address_is_a_failure() -> None:
    status, said = smoke("http://127.0.0.1:9")
    assert status == 1 and said.count("FAILED") == 2 and "2 failed" in said


def test_all_of_the_app_is_well(app_url: str) -> None:
    status, said = smoke(app_url)
    assert status == 0, said
    assert [line.split()[1] for line in said.splitlines() if line.startswith("tab: ")] == [
        demo.name for demo in discover()
    ]
    assert said.count("README: /") == 7
