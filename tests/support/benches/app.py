"""What the app costs: its start, its endpoints in process and over HTTP, and a stroke of the brush in Chromium."""

import inspect
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
from benches.measuring import CALLS, WARM_UP, Arguments, median_ms, requests, sent
from clients import connect
from running_app import ROOT, running_app

IMPORTS = ("torch", "gradio", "models.checkpoints", "app", "umap")


def handlers() -> Mapping[str, Callable[..., object]]:
    """Return the functions behind the public endpoints, which take the same arguments."""
    from demos.core import environment

    environment.prepare()  # before gradio is imported
    import app

    blocks = app.build_app(app.real_context())
    return {str(fn.api_name): fn.fn for fn in blocks.fns.values() if fn.fn and fn.api_visibility == "public"}


def call_handler(handler: Callable[..., object], arguments: Arguments) -> object:
    """Call a handler as Gradio does, every value in its place, from nobody's browser."""
    signature = inspect.signature(handler)
    nobody = {"request": None} if "request" in signature.parameters else {}
    given = signature.bind(**arguments, **nobody)
    given.apply_defaults()
    return handler(*given.args)


def endpoint_rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Time each endpoint in this process and over HTTP, and the app's memory after it was used."""
    functions, arguments = handlers(), requests(folder)
    half = WARM_UP + CALLS
    with running_app(folder) as app:
        server = psutil.Process(app.pid)
        client = connect(app.url, folder / "downloads")
        yield "(start)", "", "", f"{server.memory_info().rss / 2**20:.0f}"
        for name, request in arguments.items():
            calls = CALLS if name != "embed" else 2
            inside = median_ms(lambda n: call_handler(functions[name], request(n)), calls)  # noqa: B023
            outside = median_ms(
                lambda n: client.predict(**sent(request(half + n)), api_name=f"/{name}"),  # noqa: B023
                calls,
            )
            memory = server.memory_info().rss / 2**20
            yield f"/{name}", f"{inside:.0f}", f"{outside:.0f}", f"{memory:.0f}"
        client.close()


STROKE_COLUMNS = ("what", "median, ms", "at most", "longest, ms", "sent, kB", "at most")


def stroke_rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """Time the masked autoencoder's tab in Chromium from the end of a stroke to the new image, loaded.

    What is sent is the mean of the strokes: all answers and images.
    """
    from chromium import FLAGS, find_chromium
    from playwright.sync_api import sync_playwright
    from traffic import Traffic

    with running_app(folder) as app, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(f"{app.url}/?tab=mae")
        page.locator("#mae-canvas .mask-canvas[data-state=drawn]").wait_for(timeout=120_000)
        page.locator("#mae-canvas [data-tool=clear]").click()
        page.locator("#mae-kind input[value=hand]:checked").wait_for(state="attached", timeout=120_000)
        for number in range(WARM_UP):
            stroke_ms(page, number)
        page.wait_for_timeout(1000)
        traffic = Traffic(page)
        times = [stroke_ms(page, number) for number in range(WARM_UP, WARM_UP + CALLS)]
        page.wait_for_timeout(1000)
        sent = sum(traffic.received().values()) / CALLS / 1000
        yield "a stroke", f"{statistics.median(times):.0f}", "200", f"{max(times):.0f}", f"{sent:.0f}", "120"
        browser.close()


def stroke_ms(page: Any, number: int) -> float:
    """Return the milliseconds from letting go of the brush until the before-and-after image is another."""
    place = "cell => document.querySelector('#mae-canvas .mask-canvas').placeOf(cell)"
    page.mouse.move(*page.evaluate(place, 16 * number + 2))
    page.mouse.down()
    page.mouse.move(*page.evaluate(place, 16 * number + 9), steps=4)
    page.evaluate(
        """() => { window.shown = new Promise((done) => {
          const pictures = () => [...document.querySelectorAll('#mae-result-slider img')];
          const before = pictures().map((picture) => picture.src).join();
          const canvas = document.querySelector('#mae-canvas canvas');
          let start = null;
          canvas.addEventListener('pointerup', () => { start = performance.now(); }, { capture: true, once: true });
          const there = () => start !== null && pictures().map((picture) => picture.src).join() !== before
            && pictures().every((picture) => picture.complete && picture.naturalWidth);
          const look = () => (there() ? done(performance.now() - start) : requestAnimationFrame(look));
          look();
        }); }"""
    )
    page.mouse.up()
    return float(page.evaluate("window.shown"))


def seconds_of(code: str) -> float:
    """Return how long a fresh interpreter takes over some code, the faster of two runs."""

    def once() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        return time.perf_counter() - start

    return min(once(), once())


def start_rows(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Time imports beyond a bare interpreter, and the app's start until its page arrives.

    The last row is the app's start beside the import of what it cannot do without, which took turns: a ratio that tells
    a slow machine from a slow start.
    """
    bare = seconds_of("pass")
    for module in IMPORTS:
        yield f"import {module}", f"{seconds_of(f'import {module}') - bare:.1f}", ""

    def start() -> float:
        with running_app(folder) as app:
            return app.seconds_to_first_byte

    pairs = [(start(), seconds_of("import torch, gradio")) for _ in range(2)]
    started, imported = (min(each) for each in zip(*pairs, strict=True))
    yield "app.py, until the first byte of the page", f"{started:.1f}", "6"
    yield "times as long as importing torch and gradio", f"{started / imported:.1f}", ""
