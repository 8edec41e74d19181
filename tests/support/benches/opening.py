"""What it costs to open the page, beside a page of Gradio with one picture, and to switch to another tab."""

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benches.measuring import EXAMPLES
from running_app import free_port, running_app, wait_until_it_answers

ROUNDS = 7
VISITORS = 10
TABS = ("cyclegan", "mae", "vae", "embeddings", "train")  # the first one opens by itself
SWITCH_COLUMNS = ("what", "first time, ms", "again, ms")
OPEN_COLUMNS = ("page", "first picture, ms", "of a bare page", "sent until then, kB", "sent in all, kB")
ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
# Notes when the first picture was seen: loaded, drawn, and at least 100 pixels wide and high in the window.
WATCH = """(() => {
  const isDrawn = (node) =>
    node.tagName === "CANVAS" ? node.closest("[data-state=drawn]") : node.complete && node.naturalWidth;
  const isSeen = (node) => {
    const frame = node.getBoundingClientRect();
    const inside = frame.top < innerHeight && frame.bottom > 0 && frame.left < innerWidth && frame.right > 0;
    return frame.width >= 100 && frame.height >= 100 && inside && node.checkVisibility() && isDrawn(node);
  };
  const sent = () => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .reduce((sum, entry) => sum + entry.transferSize, 0);
  window.sentSoFar = sent;
  window.switchTo = async (tab) => {
    const start = performance.now();
    document.getElementById(`tab-${tab}-button`).click();
    while (![...document.querySelectorAll(`#tab-${tab} img, #tab-${tab} canvas`)].some(isSeen))
      await new Promise(requestAnimationFrame);
    return performance.now() - start;
  };
  performance.setResourceTimingBufferSize(2000);
  const look = () => {
    if (![...document.querySelectorAll("img, canvas")].some(isSeen)) return requestAnimationFrame(look);
    window.firstPicture = [performance.now(), sent()];
  };
  look();
})()"""

# Returns what was sent in all once nothing more came for a second; one answer, the heartbeat, never ends.
SETTLED = """async () => {
  for (let before = -1; before !== sentSoFar(); ) {
    before = sentSoFar();
    await new Promise((done) => setTimeout(done, 1000));
  }
  return sentSoFar();
}"""


@contextmanager
def bare_page(folder: Path) -> Iterator[str]:
    """Serve a page of Gradio with one picture from a process of its own; give its address."""
    port = free_port()
    with (folder / "bare.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, __file__, str(port)], stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_it_answers(url, process, folder / "bare.log")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def serve_bare_page(port: int) -> None:
    """Serve a page with nothing but a picture."""
    import gradio as gr

    with gr.Blocks(analytics_enabled=False) as page:
        gr.Image(str(EXAMPLES / "fruit" / "apple-01.jpg"))
    page.launch(server_port=port, quiet=True, ssr_mode=False)


@contextmanager
def chromium() -> Iterator[Any]:
    """Start a browser that reaches nothing but this machine."""
    from chromium import FLAGS, find_chromium
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, ONLY_HERE])
        yield browser
        browser.close()


def first_visit(browser: Any, url: str) -> Any:
    """Open a page with an empty cache and wait for its first picture."""
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    page.add_init_script(WATCH)
    page.goto(url, wait_until="commit")
    page.wait_for_function("window.firstPicture", timeout=120_000)
    return page


def opened(browser: Any, url: str) -> tuple[float, float, float]:
    """Return the ms until the first picture is seen, and the bytes sent until then and in all, with an empty cache."""
    page = first_visit(browser, url)
    ms, sent = page.evaluate("window.firstPicture")
    in_all = page.evaluate(SETTLED)
    page.context.close()
    return ms, sent, in_all


def open_rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """Open each tab by its link and a bare page in turns, each time as a first visitor."""
    with running_app(folder) as app, bare_page(folder) as bare, chromium() as browser:
        pages = {"a bare picture": bare, "the app": app.url, **{f"?tab={tab}": f"{app.url}/?tab={tab}" for tab in TABS}}
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in pages}
        for _ in range(ROUNDS + 1):
            for name, url in pages.items():
                found[name].append(opened(browser, url))
    medians = {
        name: [statistics.median(column) for column in zip(*times[1:], strict=True)] for name, times in found.items()
    }
    usual = medians["a bare picture"][0]
    for name, (ms, sent, in_all) in medians.items():
        yield name, f"{ms:.0f}", f"{ms / usual:.2f}", f"{sent / 1000:.0f}", f"{in_all / 1000:.0f}"


def switch_rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """Switch to each tab for the first time and again, and with ten visitors at once."""
    first, *others = TABS
    with running_app(folder) as app, chromium() as browser:
        times: dict[str, list[tuple[float, float]]] = {tab: [] for tab in others}
        for _ in range(ROUNDS):
            page = first_visit(browser, app.url)
            for tab, found in times.items():
                new = page.evaluate("tab => switchTo(tab)", tab)
                page.evaluate("tab => switchTo(tab)", first)
                found.append((new, page.evaluate("tab => switchTo(tab)", tab)))
            page.context.close()
        for tab, found in times.items():
            new, again = (statistics.median(column) for column in zip(*found, strict=True))
            yield f"to {tab}", f"{new:.0f}", f"{again:.0f}"
        pages = [first_visit(browser, app.url) for _ in range(VISITORS)]
        for page in pages:
            page.evaluate("tab => { window.switched = switchTo(tab); }", others[0])
        waited = [page.evaluate("window.switched") for page in pages]
        yield f"to {others[0]}, {VISITORS} visitors at once", f"{statistics.median(waited):.0f}", ""


if __name__ == "__main__":
    serve_bare_page(int(sys.argv[1]))
