"""What visitors and programs cost: a call beside its own work, and the memory that is kept of those who left."""

import json
import os
import re
import ssl
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
from benches.app import call_handler, handlers
from benches.measuring import WARM_UP, Arguments, median_ms, requests, sent
from clients import PATIENCE
from gradio_client import Client
from running_app import running_app
from visitors import memory_after, memory_at_rest

OVERHEAD_COLUMNS = (
    "endpoint", "in process, ms", "plain HTTP adds, ms", "at most", "gradio_client adds, ms", "with one context, ms",
)  # fmt: skip
TURNS = 15  # of each way
SESSION_COLUMNS = ("what", "measured", "at most")
MEASURED = ("translate", "reconstruct", "interpolate")
REFUSED: Arguments = {"image": None, "mask_ratio": 0.75, "mask_kind": "random", "seed": 0}
REFUSALS = 150
VISITORS = (50, 50, 50, 50)  # the first fill the caches


def plain_call(client: httpx.Client, name: str, arguments: Arguments) -> str:
    """Call an endpoint over plain HTTP with its files uploaded; fetch the files of the answer, and return its text."""
    paths = [value for value in arguments.values() if isinstance(value, str) and os.path.isfile(value)]
    files = [("files", (Path(path).name, Path(path).read_bytes())) for path in paths]
    uploaded = iter(client.post("/gradio_api/upload", files=files).raise_for_status().json() if files else ())
    data = [
        {"path": next(uploaded), "meta": {"_type": "gradio.FileData"}} if value in paths else value
        for value in arguments.values()
    ]
    address = f"/gradio_api/call/{name}"
    event = client.post(address, json={"data": data}).raise_for_status().json()["event_id"]
    said = client.get(f"{address}/{event}").text
    if found := re.search(r"event: complete\ndata: (.*)", said):
        for path in files_in(json.loads(found[1])):
            client.get(f"/gradio_api/file={path}").raise_for_status()
    return said


def files_in(answer: Any) -> list[str]:
    """Return the paths of all files of an answer."""
    if isinstance(answer, list):
        return [path for part in answer for path in files_in(part)]
    return [answer["path"]] if isinstance(answer, dict) and "path" in answer else []


def overhead_rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """Time what a program's call takes more than the same function in this process, its files included.

    All ask the same again and again, and the answer is remembered: the network's own time, which changes with whatever
    this machine does beside it, is in none of them. The ways take turns. `gradio_client` reads the machine's
    certificates for each request unless it is given a context that knows them.
    """
    arguments, functions = requests(folder), handlers()
    with running_app(folder) as app, httpx.Client(base_url=app.url, timeout=PATIENCE) as http:
        options: dict[str, Any] = {"verbose": False, "httpx_kwargs": {"timeout": PATIENCE}}
        usual = Client(app.url, download_files=str(folder / "usual"), **options)
        context: Any = ssl.create_default_context()
        quick = Client(app.url, download_files=str(folder / "quick"), ssl_verify=context, **options)
        for name in MEASURED:

            def ask(client: Client, asked: Arguments, name: str = name) -> object:
                return client.predict(**sent(asked), api_name=f"/{name}")

            ways: list[Callable[[Arguments], object]] = [
                lambda asked, name=name: call_handler(functions[name], asked),  # type: ignore[misc]
                lambda asked, name=name: plain_call(http, name, asked),  # type: ignore[misc]
                lambda asked: ask(usual, asked),
                lambda asked: ask(quick, asked),
            ]
            inside, *others = medians(ways, arguments[name](0))
            plain, client, context_once = (f"{each - inside:.0f}" for each in others)
            yield f"/{name}", f"{inside:.0f}", plain, "60", client, context_once
        usual.close()
        quick.close()


def medians(ways: list[Callable[[Arguments], object]], asked: Arguments) -> list[float]:
    """Return the median milliseconds of each way to ask the same; they take turns."""
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(WARM_UP + TURNS):
        for way, taken in zip(ways, times, strict=True):
            start = time.perf_counter()
            way(asked)
            taken.append((time.perf_counter() - start) * 1000)
    return [statistics.median(each[WARM_UP:]) for each in times]


def session_rows(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Measure a refused call of a program and what is kept of it, and the memory after visitors who left again."""
    with running_app(folder) as app, httpx.Client(base_url=app.url, timeout=PATIENCE) as http:
        process = psutil.Process(app.pid)
        median_ms(lambda _: plain_call(http, "reconstruct", REFUSED), 20)
        before = memory_at_rest(process)
        took = median_ms(lambda _: plain_call(http, "reconstruct", REFUSED), REFUSALS)
        kept = (memory_at_rest(process) - before) / REFUSALS
        yield "a refused call of a program, ms", f"{took:.0f}", "15"
        yield "kept after it, MiB", f"{max(0, kept):.2f}", "0.1"
        first, *later = memory_after(app, list(VISITORS))
        yield f"memory after {VISITORS[0]} visitors with an answer in each tab, MiB", f"{first:.0f}", ""
        yield f"more after {sum(VISITORS)}, MiB", f"{later[-1] - first:+.0f}", "50"
