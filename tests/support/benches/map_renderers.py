"""Frames a second of a map of dots by several renderers, in headless Chromium without a graphics card.

Our own canvas and Plotly's scattergl are there anyway. ECharts is not: who wants it in the table fetches its npm
package (`FETCH`), and names the file in the variable `ECHARTS`. Nothing here fetches anything by itself.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from benches.map_page import plot_page

POINTS = (2000, 10_000, 100_000)
COLUMNS = ("renderer", "points", "frames a second, overview", "zoomed in")
ECHARTS = "UNLABELED_ECHARTS"
FETCH = f"npm pack echarts@6.1.0 && tar xzf echarts-6.1.0.tgz && export {ECHARTS}=$PWD/package/dist/echarts.min.js"
ZOOMS = (1, 6)
# Pans and zooms by `moveTo(x, zoom)`, at most one move a frame, for 60 frames or 8 seconds.
PAN = """async (zoom) => {
  const start = performance.now();
  let frames = 0;
  await window.moveTo(0, zoom);
  while (frames < 60 && performance.now() - start < 8000) {
    await window.moveTo(Math.sin(frames / 20) / 5, zoom * (1 + Math.sin(frames / 30) / 3));
    await new Promise(requestAnimationFrame);
    frames++;
  }
  return (1000 * frames) / (performance.now() - start);
}"""
OWN = "const root = document.querySelector('#plot .scatter'); window.moveTo = (x, zoom) => root.setView({ x, zoom });"
RANGE = "const range = (x, zoom) => [x - 4 / zoom, x + 4 / zoom];"
ECHARTS_SCRIPT = """
const chart = echarts.init(document.getElementById("map"));
const axis = { type: "value", show: false, min: -4, max: 4 };
chart.setOption({ animation: false, xAxis: axis, yAxis: axis,
  series: [{ type: "scatter", symbolSize: 6, progressive: 0, itemStyle: { color: "#47c" }, data: POINTS }] });
window.moveTo = (x, zoom) => {
  const [min, max] = range(x, zoom), upright = range(0, zoom);
  chart.setOption({ xAxis: { min, max }, yAxis: { min: upright[0], max: upright[1] } });
};
"""
PLOTLY_SCRIPT = """
const x = POINTS.map((one) => one[0]), y = POINTS.map((one) => one[1]);
const hidden = { visible: false, range: [-4, 4] };
window.drawn = Plotly.newPlot("map", [{ type: "scattergl", mode: "markers", x, y, marker: { size: 6 } }],
  { xaxis: hidden, yaxis: { ...hidden }, margin: { l: 0, r: 0, t: 0, b: 0 } });
window.moveTo = (x, zoom) => Plotly.relayout("map", { "xaxis.range": range(x, zoom), "yaxis.range": range(0, zoom) });
"""


def own_canvas(page: Any, count: int, stack: ExitStack) -> None:
    """Open a page with our own map."""
    blocks = plot_page(count)
    blocks.launch(prevent_thread_lock=True, quiet=True)
    stack.callback(blocks.close)
    page.goto(blocks.local_url)
    page.locator("#plot .scatter[data-state=drawn]").wait_for(timeout=120_000)
    page.evaluate(f"() => {{ {OWN} }}")


def library(read: Callable[[], str], script: str) -> Callable[[Any, int, ExitStack], None]:
    """Return what opens a page with the map of another library."""

    def open_page(page: Any, count: int, _: ExitStack) -> None:
        points = np.random.default_rng(0).normal(size=(count, 2)).round(4).tolist()
        page.set_content('<div id="map" style="width: 1000px; height: 700px"></div>')
        page.add_script_tag(content=read())
        page.evaluate(f"async () => {{ {RANGE} const POINTS = {points}; {script} await window.drawn; }}")

    return open_page


def renderers() -> dict[str, Callable[[Any, int, ExitStack], None]]:
    """Return what opens a page, by the renderer's name."""
    from plotly.offline import get_plotlyjs

    found = {"own canvas": own_canvas, "Plotly scattergl": library(get_plotlyjs, PLOTLY_SCRIPT)}
    if path := os.environ.get(ECHARTS):
        found["ECharts canvas"] = library(Path(path).read_text, ECHARTS_SCRIPT)
    return found


def rows() -> Iterator[tuple[str, ...]]:
    """Measure each renderer at each number of points."""
    from chromium import FLAGS, find_chromium
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        for name, open_page in renderers().items():
            for count in POINTS:
                with ExitStack() as stack:
                    page = browser.new_page(viewport={"width": 1280, "height": 800})
                    open_page(page, count, stack)
                    yield name, f"{count}", *(f"{page.evaluate(PAN, zoom):.0f}" for zoom in ZOOMS)
                    page.close()
        browser.close()
    if ECHARTS not in os.environ:
        yield "ECharts canvas", "not given", f"`{FETCH}`", ""
