"""What the map of embeddings costs in Chromium: frames, hovers, and the way from a hand to an answer."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from benches.measuring import CALLS, WARM_UP
from running_app import running_app

POINTS = (10_000, 100_000)
FRAME_COLUMNS = ("points", "frames a second", "median frame, ms", "95 % of frames, ms", "hover to card, ms")
PAN = """async ([selector, frames]) => {
  const root = document.querySelector(selector), times = [];
  let before = null;
  await new Promise((done) => {
    const step = (now) => {
      if (before !== null) times.push(now - before);
      before = now;
      root.setView({ x: Math.sin(times.length / 20) / 5, zoom: 1 + Math.sin(times.length / 30) / 3 });
      if (times.length < frames) requestAnimationFrame(step); else done();
    };
    requestAnimationFrame(step);
  });
  return times;
}"""


def plot_page(count: int) -> Any:
    """Return a page with nothing but a plot of `count` points."""
    import gradio as gr

    from app import real_context
    from demos.ui.scatter.scatter import scatter, scatter_update, scatter_value
    from demos.ui.sprites import Sprite, sprite_layout

    random = np.random.default_rng(0)
    points = random.normal(size=(count, 2)).astype(np.float32)
    labels = [f"kind {number % 12}" for number in range(count)]
    sprite = Sprite((), count, *sprite_layout(count))
    value = scatter_value(points, labels, [f"{number}.jpg" for number in range(count)], sprite, [])
    with gr.Blocks() as page:
        plot = scatter(real_context(), "plot")
        plot.ready(lambda: scatter_update(value), None, plot)
        plot.lasso(lambda: gr.skip(), None, plot)
    return page


def frame_rows() -> Iterator[tuple[str, ...]]:
    """Time frames while the map pans and zooms, and hovers, in headless Chromium without a graphics card."""
    from chromium import FLAGS, find_chromium
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        for count in POINTS:
            blocks = plot_page(count)
            blocks.launch(prevent_thread_lock=True, quiet=True)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(blocks.local_url)
            page.locator("#plot .scatter[data-state=drawn]").wait_for(timeout=120_000)
            times = page.evaluate(PAN, ["#plot .scatter", 120])
            page.evaluate("document.querySelector('#plot .scatter').setView({x: 0, zoom: 1})")
            hovers = [hover_ms(page, point) for point in range(1, 8)]
            yield (
                f"{count}", f"{1000 * len(times) / sum(times):.0f}", f"{statistics.median(times):.1f}",
                f"{sorted(times)[int(0.95 * len(times))]:.1f}", f"{statistics.median(hovers):.0f}",
            )  # fmt: skip
            page.close()
            blocks.close()
        browser.close()


def hover_ms(page: Any, point: int) -> float:
    """Return the milliseconds from the pointer's arrival at a point to its card."""
    x, y = page.evaluate("id => document.querySelector('#plot .scatter').placeOf(id)", point)
    page.mouse.move(5, 5)
    page.evaluate(
        """() => { window.shown = new Promise((done) => {
          let start = null;
          const plot = document.querySelector('#plot .scatter-plot');
          const card = document.querySelector('#plot .scatter-card');
          plot.addEventListener('pointermove', () => { start ??= performance.now(); }, true);
          const there = () => start !== null && !card.hidden;
          const look = () => (there() ? done(performance.now() - start) : requestAnimationFrame(look));
          look();
        }); }"""
    )
    page.mouse.move(x, y)
    return float(page.evaluate("window.shown"))


TRIPS = {
    "a hover's card (in the page alone)": ("hover", "#embeddings-plot .scatter-card:not([hidden])"),
    "a click's neighbours": ("click", "#embeddings-neighbours [data-picked]"),
    "why two are near": ("why", "#embeddings-why-shown .why-pairs"),
    "a lasso's gallery": ("lasso", "#embeddings-chosen .chosen-tiles"),
}
# Returns null if nothing changed in five seconds: a random point may lie under the image that is picked already.
ANSWERED = """async ([selector, act]) => {
  const root = document.querySelector("#embeddings-plot .scatter"), plot = root.querySelector(".scatter-plot");
  const old = document.querySelector(selector)?.outerHTML;
  const id = 1 + Math.floor(Math.random() * (Number(root.dataset.count) - 1)), [x, y] = root.placeOf(id);
  const at = (type, x, y, more) => plot.dispatchEvent(new PointerEvent(type,
    { clientX: x, clientY: y, pointerId: 1, bubbles: true, cancelable: true, ...more }));
  plot.setPointerCapture = () => {};
  at("pointermove", -9, -9);
  const start = performance.now();
  if (act === "hover") at("pointermove", x, y);
  if (act === "click") { at("pointerdown", x, y); at("pointerup", x, y); }
  if (act === "why") document.querySelector("#embeddings-why").click();
  if (act === "lasso") {
    const half = 30 + 60 * Math.random(), corners = [[-half, -half], [half, -half], [half, half], [-half, half]];
    at("pointerdown", x - half, y - half, { shiftKey: true });
    for (const [dx, dy] of corners) at("pointermove", x + dx, y + dy);
    at("pointerup", x - half, y + half);
  }
  while (performance.now() - start < 5000) {
    const now = document.querySelector(selector);
    if (now && now.outerHTML !== old) return performance.now() - start;
    await new Promise(requestAnimationFrame);
  }
  return null;
}"""


def trip_ms(page: Any, act: str, selector: str) -> float:
    """Return the milliseconds from an act on the map to its answer; it is done again where it changed nothing."""
    for _ in range(20):
        if (passed := page.evaluate(ANSWERED, [selector, act])) is not None:
            return float(passed)
    raise RuntimeError(f"The map does not answer: {act}.")


def trip_rows(folder: Path) -> Iterator[tuple[str, str]]:
    """Time from the visitor's hand to what they see, over HTTP, in headless Chromium."""
    from chromium import FLAGS, find_chromium
    from playwright.sync_api import sync_playwright

    with running_app(folder) as app, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{app.url}/?tab=embeddings")
        page.locator("#embeddings-neighbours .near-tile").first.wait_for(timeout=120_000)
        for name, (act, selector) in TRIPS.items():
            times = []
            for _ in range(WARM_UP + CALLS):
                times.append(trip_ms(page, act, selector))
                if act == "why":  # another image, so that there is another answer the next time
                    trip_ms(page, *TRIPS["a click's neighbours"])
            yield name, f"{statistics.median(times[WARM_UP:]):.0f}"
        browser.close()
