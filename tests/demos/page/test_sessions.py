"""Sessions are small, never lose an open page, and go when their only answer has been delivered."""

import datetime
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import httpx
import pytest
from starlette.middleware import Middleware

from demos.core.memory import FreedMemory
from demos.page import sessions

CAPACITY = 5


def count(seen: int) -> tuple[int, str]:
    return seen + 1, f"{seen + 1} times"


@pytest.fixture(scope="module")
def app() -> Iterator[gr.Blocks]:
    """An app that counts per session, launched with our sessions."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("StateHolder",):
            patch.setattr(f"gradio.routes.{name}", getattr(gr.routes, name))  # put back afterwards
        for module in sessions.MODULES:
            patch.setattr(f"{module}.SessionState", sessions.SessionState)
        sessions.install()
        with gr.Blocks() as blocks:
            seen, shown, go = gr.State(0), gr.Textbox(), gr.Button()
            for _ in range(50):
                gr.Textbox("long " * 100)
            go.click(count, seen, [seen, shown], api_name="count")
        blocks.launch(
            prevent_thread_lock=True,
            quiet=True,
            state_session_capacity=CAPACITY,
            app_kwargs={"middleware": [Middleware(sessions.SessionTracker)]},
        )
        yield blocks
        blocks.close()


@pytest.fixture
def held(app: gr.Blocks) -> sessions.Sessions:
    holder = app.app.state_holder
    assert isinstance(holder, sessions.Sessions)
    holder.session_data.clear()
    holder.time_last_used.clear()
    return holder


def call(app: gr.Blocks, session: str | None = None) -> str:
    """Call the endpoint as a program does, and return the answer."""
    url = f"{app.local_url}gradio_api/call/count"
    body = {"data": [], **({"session_hash": session} if session else {})}
    event = httpx.post(url, json=body).json()["event_id"]
    answer = httpx.get(f"{url}/{event}", timeout=30).text
    found = re.search(r"event: complete\ndata: (.*)", answer)
    assert found, answer
    return str(json.loads(found[1])[-1])  # before it the value of `gr.State`, which is not sent


def test_a_session_keeps_its_values_and_no_copy_of_the_page(app: gr.Blocks, held: sessions.Sessions) -> None:
    assert [call(app, "ann"), call(app, "ben"), call(app, "ann")] == ["1 times", "1 times", "2 times"]
    session = held.session_data["ann"]
    assert isinstance(session, sessions.LightSession)
    assert session.config_values == {}
    assert list(session.state_data.values()) == [2]


def test_a_call_without_a_session_leaves_nothing(app: gr.Blocks, held: sessions.Sessions) -> None:
    assert [call(app) for _ in range(3)] == ["1 times"] * 3
    deadline = time.monotonic() + 10  # a client has read an answer a moment before the server has ended it
    while held.session_data and time.monotonic() < deadline:
        time.sleep(0.01)
    assert dict(held.session_data) == {}
    assert held.time_last_used == {}


def test_an_open_page_outlives_any_number_of_calls(app: gr.Blocks, held: sessions.Sessions) -> None:
    connected, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with httpx.stream("GET", f"{app.local_url}gradio_api/heartbeat/page", timeout=30) as beats:
            lines = beats.iter_lines()
            next(lines)
            connected.set()
            leave.wait(30)

    page = threading.Thread(target=stay)
    page.start()
    assert connected.wait(30)
    assert call(app, "page") == "1 times"
    for number in range(3 * CAPACITY):
        call(app, f"program {number}")
    assert call(app, "page") == "2 times"
    assert len(held.session_data) <= CAPACITY + 1
    leave.set()
    page.join()


@pytest.mark.parametrize(
    ("path", "told"), [("call/count", 1), ("queue/data", 1), ("run/predict", 0), ("file=a.png", 0)]
)
def test_memory_is_given_back_after_the_answer_of_an_event(path: str, told: int) -> None:
    times: list[str] = []

    class Freed(FreedMemory):
        def give_back_soon(self) -> None:
            times.append(path)

    async def answer(*_: object) -> None:
        assert times == [], "before the answer is delivered"

    scope = {"type": "http", "method": "POST", "path": f"/gradio_api/{path}"}
    with pytest.raises(StopIteration):  # a coroutine that waits for nothing
        sessions.SessionTracker(answer, Freed())(scope, None, None).__await__().send(None)  # type: ignore[arg-type]
    assert len(times) == told


def test_a_closed_session_goes_after_an_hour(held: sessions.Sessions) -> None:
    for name in ("closed long ago", "closed now", "open"):
        held[name].is_closed = name != "open"
    held.time_last_used["closed long ago"] -= 2 * sessions.KEPT
    held.time_last_used["open"] = datetime.datetime.now() - 2 * sessions.KEPT
    held.delete_all_expired_state()
    assert set(held.session_data) == {"closed now", "open"} == set(held.time_last_used)


def test_gradio_reads_the_configuration_of_a_session_for_deep_links_alone() -> None:
    """What `LightSession` leaves out is read nowhere else; a new Gradio that does fails here."""
    package = Path(gr.__file__).parent
    found = {
        file.name: re.findall(r"config_values|state_holder\[session_hash\]\.components", file.read_text("utf-8"))
        for file in package.glob("*.py")
    }
    assert {name for name, hits in found.items() if "config_values" in hits} == {"state_holder.py"}
    assert {name: len(hits) for name, hits in found.items() if hits and name != "state_holder.py"} == {"routes.py": 1}
    made = [file.name for file in package.glob("*.py") if re.search(r"\bSessionState\(", file.read_text("utf-8"))]
    known = {f"{module.rpartition('.')[2]}.py" for module in sessions.MODULES} | {"mcp.py"}
    assert set(made) <= known
