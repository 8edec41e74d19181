"""What one visitor may have waiting and upload, over HTTP; a classroom behind one address is no single visitor."""

import logging
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.datastructures import Headers
from starlette.middleware import Middleware

from demos.core.i18n import Texts
from demos.page import visitor_limits
from demos.page.visitor_limits import HOUR, LastHour, UploadLimits, address_of, limit_waiting

MB = 2**20
OTHERS = [f"other_{index}" for index in range(9)]  # listeners beside that of most tests
TEXTS = Texts.load()


class Host:
    """A running app whose event ends when it is allowed to, and whose disk and allowances are as told."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.free, self.uploads = 2**40, LastHour()
        with gr.Blocks() as self.blocks:
            number, button = gr.Number(), gr.Button()
            for name in ("wait", *OTHERS):
                button.click(self._wait, number, number, api_name=name, concurrency_id="model", concurrency_limit=1)
        self.blocks.queue(max_size=256)
        limit_waiting(self.blocks, TEXTS.localize)
        limits = Middleware(UploadLimits, localize=TEXTS.localize, uploads=self.uploads, free=lambda _: self.free)
        self.blocks.launch(prevent_thread_lock=True, quiet=True, app_kwargs={"middleware": [limits]})
        self.url = f"{self.blocks.local_url}gradio_api"
        self.client = httpx.Client(timeout=30)

    def _wait(self, number: float) -> float:
        self.begun.set()
        self.go.wait(60)
        return number

    def ask(
        self, session: str | None = "ann", address: str = "20.1.2.3", language: str = "en", name: str = "wait"
    ) -> httpx.Response:
        body = {"data": [1], "session_hash": session} if session else {"data": [1]}
        headers = {"x-forwarded-for": address, "accept-language": language}
        return self.client.post(f"{self.url}/call/{name}", json=body, headers=headers)

    def send(self, size: int, page: str = "ann", address: str = "20.1.2.3", stream: bool = False) -> httpx.Response:
        """Upload a file of some size; with `stream`, without telling the size first."""
        headers = {"x-forwarded-for": address, **({"x-unlabeled-page": page} if page else {})}
        file = ("files", ("photo.bin", b"\0" * size))
        if not stream:
            return self.client.post(f"{self.url}/upload", files=[file], headers=headers)
        request = httpx.Request("POST", f"{self.url}/upload", files=[file], headers=headers)
        headers["content-type"] = request.headers["content-type"]
        parts = (request.read()[i : i + MB] for i in range(0, size + 1000, MB))
        return self.client.post(f"{self.url}/upload", content=parts, headers=headers)


@pytest.fixture
def host() -> Iterator[Host]:
    running = Host()
    yield running
    running.go.set()
    running.blocks.close()


def test_a_visitor_has_four_events_waiting_and_others_are_not_hindered(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.ask()
    assert host.begun.wait(30), "what runs does not wait"
    assert [host.ask().status_code for _ in range(4)] == [200] * 4
    with caplog.at_level(logging.WARNING):
        refused = host.ask()
    assert refused.status_code == 429
    assert refused.json()["detail"] == "4 of your requests are waiting already: try again when one of them is done."
    assert len(caplog.messages) == 1 and "limit.waiting" in caplog.messages[0]
    assert "20.1.2.3" not in caplog.text and "ann" not in caplog.text, "a log tells nothing of a visitor"
    assert "4 个请求" in host.ask(language="zh-CN").json()["detail"]
    assert host.ask("ben").status_code == 200, "who stands behind the same address"
    assert host.ask(address="20.1.2.4").status_code == 200, "who has guessed the session of another"
    assert [host.ask(None).status_code for _ in range(6)] == [200] * 6, "programs without a session are many"
    host.go.set()
    deadline = time.monotonic() + 30
    while len(host.blocks._queue) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert host.ask().status_code == 200


def test_a_classroom_fits_behind_one_address_and_leaves_others_a_place(host: Host) -> None:
    host.ask("first")
    assert host.begun.wait(30)
    answers = [host.ask(f"pupil {number % 50}").status_code for number in range(200)]
    assert answers == [200] * 200, "fifty visitors with four events each"
    assert host.ask("pupil 51").status_code == 429
    assert host.ask("ann", address="20.9.9.9").status_code == 200


def test_a_visitor_uploads_a_gigabyte_an_hour(
    host: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [1200.0]  # the beginning of a minute
    host.uploads.clock = lambda: now[0]
    monkeypatch.setattr(visitor_limits, "UPLOADED", 8 * MB)
    assert host.send(5 * MB).status_code == 200
    with caplog.at_level(logging.WARNING):
        refused = host.send(4 * MB)
    assert (refused.status_code, len(caplog.messages)) == (429, 1)
    assert "an hour" in refused.text and "60 minutes" in refused.text
    assert host.send(2 * MB).status_code == 200, "what is refused before it was sent is not counted"
    assert host.send(5 * MB, page="ben").status_code == 200
    assert host.send(5 * MB, page="").status_code == 200
    now[0] += HOUR
    assert host.send(5 * MB).status_code == 200


def test_an_upload_that_hides_its_size_is_broken_off(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor_limits, "UPLOADED", 3 * MB)
    assert host.send(2 * MB, stream=True).status_code == 200
    assert host.send(2 * MB, stream=True).status_code == 429
    assert host.send(MB // 2, page="ben").status_code == 200


def test_a_classroom_uploads_fifty_times_as_much(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor_limits, "UPLOADED", MB)
    sent = [host.send(MB - 1000, page=f"pupil {number}").status_code for number in range(50)]
    assert sent == [200] * 50
    refused = host.send(MB - 1000, page="one who takes a new name each time")
    assert refused.status_code == 429 and "Your network" in refused.text
    assert host.send(MB - 1000, address="20.9.9.9").status_code == 200


def test_a_full_disk_takes_no_upload(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    host.free = 2**30 + MB
    assert host.send(1000).status_code == 200
    with caplog.at_level(logging.WARNING):
        refused = host.send(2 * MB)
    assert refused.status_code == 507 and "disk" in refused.text
    assert len(caplog.messages) == 1


def request_from(peer: str, *forwarded: str) -> Any:
    raw = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    return SimpleNamespace(client=SimpleNamespace(host=peer), headers=Headers(raw=raw))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("20.1.2.3", [], "20.1.2.3"),
        ("20.1.2.3", ["8.8.8.8"], "20.1.2.3"),  # no proxy has a public address here
        ("10.0.0.7", ["8.8.8.8"], "8.8.8.8"),
        ("10.0.0.7", ["1.1.1.1, 8.8.8.8, 10.20.0.1"], "8.8.8.8"),  # what a visitor wrote stands before it
        ("10.0.0.7", ["1.1.1.1", "8.8.8.8"], "8.8.8.8"),
        ("10.0.0.7", ["unknown, [2a00:1450:4001:81b::200e]"], "2a00:1450:4001:81b::/64"),
        ("::ffff:10.0.0.7", ["::ffff:8.8.8.8"], "8.8.8.8"),
        ("192.168.1.5", [], "192.168.1.5"),
        ("testclient", [], "unknown"),
    ],
)
def test_the_address_is_that_which_the_nearest_proxy_saw(peer: str, forwarded: list[str], address: str) -> None:
    assert address_of(request_from(peer, *forwarded)) == address


def test_only_so_many_visitors_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor_limits, "MOST_KNOWN", 3)
    uploads = LastHour()
    for who in ("ann", "ben", "cem", "ann", "dee"):
        uploads.add(who, 5)
    assert [uploads.of(who) for who in ("ann", "ben", "cem", "dee")] == [10, 0, 5, 5]


def test_a_page_whose_listeners_ask_at_once_is_answered_and_one_that_asks_for_ever_is_not(host: Host) -> None:
    host.ask()
    assert host.begun.wait(30)
    asked = [host.ask(name=name).status_code for name in OTHERS for _ in range(4)]
    assert asked == [200] * 32 + [429] * 4
