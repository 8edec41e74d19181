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
TABS = ("cyclegan", "mae", "vae", "embeddings", "train")  # the first one opens by itself
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


def opened(browser: Any, url: str) -> tuple[float, float, float]:
    """Return the ms until the first picture is seen, and the bytes sent until then and in all, with an empty cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(url, wait_until="commit")
    page.wait_for_function("window.firstPicture", timeout=120_000)
    ms, sent = page.evaluate("window.firstPicture")
    in_all = page.evaluate(SETTLED)
    context.close()
    return ms, sent, in_all


def open_rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """Open each tab by its link and a bare page in turns, each time as a first visitor."""
    from chromium import FLAGS, find_chromium
    from playwright.sync_api import sync_playwright

    with running_app(folder) as app, bare_page(folder) as bare, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, ONLY_HERE])
        pages = {"a bare picture": bare, "the app": app.url, **{f"?tab={tab}": f"{app.url}/?tab={tab}" for tab in TABS}}
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in pages}
        for _ in range(ROUNDS + 1):
            for name, url in pages.items():
                found[name].append(opened(browser, url))
        browser.close()
    medians = {
        name: [statistics.median(column) for column in zip(*times[1:], strict=True)] for name, times in found.items()
    }
    usual = medians["a bare picture"][0]
    for name, (ms, sent, in_all) in medians.items():
        yield name, f"{ms:.0f}", f"{ms / usual:.2f}", f"{sent / 1000:.0f}", f"{in_all / 1000:.0f}"


if __name__ == "__main__":
    serve_bare_page(int(sys.argv[1]))
