"""The app as a whole: what it offers to programs, how it is launched, and that its first results are fresh."""

import asyncio
import gzip
import json
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from starlette.types import Message, Receive, Scope, Send

import app as app_module
from demos.core.command_line import default_data_folder
from demos.core.context import Context
from demos.core.i18n import Texts
from demos.core.paths import FIRST_PAINT
from demos.page.discovery import discover
from demos.page.middleware import ChangedPage, SmallPage, add_chinese_locales
from demos.ui.chart.chart import FILES
from demos.ui.theme import CSS_FILES
from models.checkpoints import OWN, weights_info

ROOT = Path(__file__).resolve().parent.parent
SHOWS = re.compile(r"(on_change|on_redraw|on_settings|on_twin|on_views|show)(_\d+)?")  # handlers of a tab's result
Answer = tuple[dict[bytes, bytes], list[bytes]]


@pytest.fixture(scope="module")
def config(shallow_models: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("app")
    context = app_module.make_context(
        shallow_models.load_model, shallow_models.weights_info, folder / "files", first_paint=folder
    )
    return dict(app_module.build_app(context).get_config_file())


def in_a_thread(coroutine: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine where no loop runs yet; Playwright keeps one running in the thread of the tests."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def test_model_events_share_one_slot(context: Context) -> None:
    app = app_module.build_app(context)
    public = [fn for fn in app.fns.values() if fn.api_visibility == "public"]
    assert {fn.concurrency_id for fn in public} == {"model"}
    assert {fn.concurrency_limit for fn in app.fns.values() if fn.concurrency_id == "model"} == {1}
    assert app._queue.max_size == 256, "a classroom of 50 who have 4 waiting each, and others beside it"


def test_no_event_has_two_listeners_that_catch_up(config: dict[str, Any]) -> None:
    states = {part["id"] for part in config["components"] if part["type"] == "state"}
    seen: set[tuple[int, str]] = set()
    for call in config["dependencies"]:
        if call["trigger_mode"] == "always_last" and call["trigger_after"] is None:  # what follows is called by itself
            events = {(part, event) for part, event in call["targets"] if part not in states}
            assert not events & seen, "Gradio starts them all anew whenever one was late, for ever"
            seen |= events


def test_what_shows_a_choice_catches_up_with_the_last_one(config: dict[str, Any]) -> None:
    for call in config["dependencies"]:
        if call["trigger_after"] is not None and SHOWS.fullmatch(call["api_name"]):
            assert call["trigger_mode"] == "always_last", (
                f"{call['api_name']}: a choice made meanwhile stays unanswered"
            )


def test_a_state_that_is_listened_to_is_changed_through_the_queue(config: dict[str, Any]) -> None:
    states = {part["id"] for part in config["components"] if part["type"] == "state"}
    heard = {part for call in config["dependencies"] for part, event in call["targets"] if event == "change"} & states
    for call in config["dependencies"]:
        assert call["queue"] is not False or not heard & set(call["outputs"]), "its listeners would not be told"


def test_every_tab_is_there_and_can_be_linked_to(config: dict[str, Any]) -> None:
    tabs = [block["props"]["id"] for block in config["components"] if block["type"] == "tabitem"]
    assert [name for name in tabs if name in {demo.name for demo in discover()}] == [demo.name for demo in discover()]


def test_nothing_in_the_page_refers_to_another_host(config: dict[str, Any]) -> None:
    page = json.dumps(config, default=str) + "".join(file.read_text("utf-8") for file in CSS_FILES)
    for remote in ("fonts.googleapis", "cdn.", "unpkg", "@import", "<script src"):
        assert remote not in page, remote
    assert "url(" not in " ".join(app_module.theme()._stylesheets)


@pytest.mark.parametrize("installed", [True, False])
def test_endpoints_are_tools_where_the_protocol_is_installed(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "find_spec", lambda name: object() if installed else None)
    assert app_module.launch_options(Texts.load())["mcp_server"] is installed


def test_launch_options_are_those_of_a_public_place() -> None:
    options = app_module.launch_options(Texts.load())
    assert options["run_history"] is options["enable_monitoring"] is options["show_error"] is False
    assert options["strict_cors"] is True
    assert options["allowed_paths"] == []
    assert set(options["i18n"].translations) == {"en", "zh"}
    assert gr.Blocks(analytics_enabled=False).analytics_enabled is False


async def answer(path: str, *chunks: bytes, takes: bytes = b"") -> Answer:
    """What a browser that takes such compression gets for `path` when the app answers with these chunks."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/html"), (b"content-length", str(len(b"".join(chunks))).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for i, chunk in enumerate(chunks):
            await send({"type": "http.response.body", "body": chunk, "more_body": i + 1 < len(chunks)})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "path": path, "root_path": "", "headers": [(b"accept-encoding", takes)]}
    await SmallPage(ChangedPage(app, add_chinese_locales))(scope, receive, send)
    return dict(sent[0]["headers"]), [message["body"] for message in sent[1:]]


def test_the_script_for_chinese_browsers_stands_first_in_the_page() -> None:
    headers, bodies = in_a_thread(answer("/", b"<html><he", b"ad><script src=gradio></script></head></html>"))
    assert len(bodies) == 1
    assert bodies[0].index(b"navigator.language") < bodies[0].index(b"src=gradio")
    assert headers[b"content-length"] == str(len(bodies[0])).encode()


def test_the_page_is_compressed_for_browsers_that_take_it() -> None:
    page = b"<html><head>" + b"<p>one of many settings</p>" * 1000 + b"</head></html>"
    plain = in_a_thread(answer("/", page))[1][0]
    headers, bodies = in_a_thread(answer("/", page, takes=b"gzip, br"))
    assert headers[b"content-encoding"] == b"gzip" and headers[b"vary"] == b"Accept-Encoding"
    assert int(headers[b"content-length"]) == len(bodies[0]) < len(plain) / 10
    assert gzip.decompress(bodies[0]) == plain and b"navigator.language" in plain
    headers, bodies = in_a_thread(answer("/gradio_api/queue/data", page, takes=b"gzip, br"))
    assert bodies == [page] and b"content-encoding" not in headers, "events are sent at once"


@pytest.mark.parametrize(("path", "chunks"), [("/gradio_api/file=a.html", [b"<head>", b"</head>"]), ("/", [b"{}"])])
def test_other_answers_stay_as_they_are(path: str, chunks: list[bytes]) -> None:
    headers, bodies = in_a_thread(answer(path, *chunks))
    assert bodies == chunks
    assert headers[b"content-length"] == str(len(b"".join(chunks))).encode()


def test_only_files_meant_for_everyone_are_static(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradio.data_classes import _StaticFiles

    # Those of this app alone: Gradio keeps one list a process, to which other tests' buttons add its own icons.
    monkeypatch.setattr(_StaticFiles, "all_paths", [])
    app_module.build_app(context)
    assert _StaticFiles.all_paths
    assets = ROOT / "assets"
    for path in map(Path, _StaticFiles.all_paths):
        meant = (assets / "examples", assets / "recordings", context.first_paint, *FILES.values())
        assert path in meant or ROOT not in path.parents


@pytest.mark.parametrize("demo", discover(), ids=lambda demo: demo.name)
def test_first_results_are_in_the_repository_and_fresh(demo: Any) -> None:
    opens_on = ROOT / "assets" / "recordings" if demo.name == "train" else FIRST_PAINT / demo.name
    assert list(opens_on.glob("*")), "run: python app.py --precompute"
    made_with = json.loads((FIRST_PAINT / "weights.json").read_text("utf-8"))
    assert made_with == {name: weights_info(name).sha256 for name in OWN}, (
        "the weights changed; run: python app.py --precompute"
    )


@pytest.mark.slow
def test_the_command_explains_itself() -> None:
    shown = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for option in ("--host", "--port", "--precompute", "--data-dir", "--classroom", "--no-training"):
        assert option in shown


def test_trainings_are_kept_out_of_what_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = app_module.environment.files_folder().parent
    with pytest.raises(ValueError, match="choose another --data-dir"):
        app_module.job_manager(served / "jobs", training=True, classroom=False)
    monkeypatch.setenv("UNLABELED_DATA", str(tmp_path / "mine"))
    assert default_data_folder() == tmp_path / "mine"


@pytest.mark.parametrize(
    ("training", "zero_gpu", "off"),
    [
        (True, "", None),
        (True, "0", None),
        (False, "", "off_disabled"),
        (True, "1", "off_zerogpu"),
        (True, "true", "off_zerogpu"),
    ],
)
def test_training_is_off_where_it_was_asked_or_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, training: bool, zero_gpu: str, off: str | None
) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", zero_gpu)
    manager = app_module.job_manager(tmp_path, training, classroom=True)
    assert (manager.off, manager.classroom) == (off, True)
    manager.close()


def ends_with(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What the app says where it cannot start: one line, with status 2."""
    monkeypatch.setattr(sys, "argv", ["app.py", *arguments])
    monkeypatch.setattr(app_module, "build_app", lambda ctx: pytest.fail("it started"))
    with pytest.raises(SystemExit) as ended:
        app_module.main()
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1), said
    return said


def test_what_cannot_start_ends_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data-dir", str(tmp_path / "data")]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for host in ("127.0.0.1", "0.0.0.0", "localhost"):
            said = ends_with(["--host", host, "--port", port, *data], monkeypatch, capsys)
            assert said.startswith(f"Port {port} is taken") and "--port" in said
    for port in ("0", "-1", "70000"):
        assert "1 to 65535" in ends_with([f"--port={port}", *data], monkeypatch, capsys)
    for host in ("192.0.2.1", "no such host", "a" * 70 + ".example"):
        assert "no address of this machine" in ends_with(["--host", host, *data], monkeypatch, capsys)
    assert not (tmp_path / "data").exists(), "nothing was begun"


@pytest.mark.parametrize("bad", ["file", "below a file", "served", "a folder in place of the database", "no database"])
def test_a_data_folder_that_cannot_be_used_is_named(
    bad: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    if bad in ("file", "below a file"):
        folder.write_text("x")
        folder = folder / "data" if bad == "below a file" else folder
    elif bad == "served":
        folder = app_module.environment.files_folder().parent / "jobs"
    else:
        (folder / "jobs.sqlite").mkdir(parents=True) if bad.startswith("a folder") else folder.mkdir()
    if bad == "no database":

        def fail(*args: object, **options: object) -> None:
            raise sqlite3.OperationalError("attempt to write a readonly database")

        monkeypatch.setattr(app_module, "JobManager", fail)
    monkeypatch.setattr(app_module, "check_address", lambda host, port: None)
    said = ends_with(["--data-dir", str(folder)], monkeypatch, capsys)
    assert str(folder) in said and "choose another" in said


@pytest.mark.parametrize(("host", "written"), [("::1", "[::1]"), ("[::1]", "[::1]"), ("localhost", "localhost")])
def test_an_ipv6_host_is_written_as_in_an_address(
    host: str, written: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launched: dict[str, Any] = {}
    app = SimpleNamespace(launch=lambda **options: launched.update(options), block_thread=lambda: None)
    monkeypatch.setattr(sys, "argv", ["app.py", "--host", host])
    for name, fake in (("check_address", None), ("signal", SimpleNamespace(signal=lambda *_: None, SIGTERM=0))):
        monkeypatch.setattr(app_module, name, fake or (lambda *_: None))
    monkeypatch.setattr(app_module, "open_jobs", lambda *_: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(app_module, "real_context", lambda jobs: SimpleNamespace(routes=()))
    monkeypatch.setattr(app_module, "build_app", lambda ctx: app)
    app_module.main()
    assert launched["server_name"] == written
    assert f"http://{written}:7860" in capsys.readouterr().out
