"""Charts in a browser: fetched when one is seen, values under the pointer, one moment with the slider, a table."""

import json

import pytest
from playwright.sync_api import Locator, Page, expect
from visits import OpenPage, open_card

from demos.core.i18n import Texts
from demos.core.paths import ASSETS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TEXTS = Texts.load().tables
ROWS = [
    json.loads(line) for line in (ASSETS / "recordings/simsiam-kinds/metrics.jsonl").read_text("utf-8").splitlines()
]


def drawn(page: Page, charts: str, place: int = 0) -> Locator:
    """Wait until the `place`-th chart of some is drawn."""
    chart = page.locator(f"{charts} data-chart").nth(place)
    chart.scroll_into_view_if_needed()
    expect(chart.locator("canvas")).to_be_visible()
    return chart


def point_at(chart: Locator, share: float) -> None:
    """Move the pointer to a share of the width of a chart."""
    over = chart.locator(".u-over")
    box = over.bounding_box()
    assert box
    over.hover(position={"x": share * box["width"], "y": box["height"] / 2})


def test_nothing_of_charts_is_fetched_before_one_is_seen(visit: OpenPage) -> None:
    page = visit("/?tab=cyclegan")
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.reload()
    expect(page.locator("#cyclegan-translated img").first).to_be_visible()
    assert fetched and not [url for url in fetched if "uPlot" in url or "/chart/" in url]
    open_card(page, "cyclegan", "message")
    drawn(page, "#cyclegan-message-curve")
    names = {url.rsplit("/", 1)[-1] for url in fetched}
    assert {"chart.js", "chart.css", "uPlot.iife.min.js", "uPlot.min.css"} <= names


@pytest.mark.parametrize(("locale", "dark", "size"), [("en-US", False, (1280, 720)), ("zh-CN", True, (390, 844))])
def test_a_run_and_its_charts_show_one_moment(visit: OpenPage, locale: str, dark: bool, size: tuple[int, int]) -> None:
    page = visit("/?tab=train", locale=locale, dark=dark, size=size)
    first, second = (drawn(page, "#train-view", place) for place in (0, 1))
    last = ROWS[-1]["std_of_l2_normalized"]
    expect(first.locator(".chart-key output")).to_have_text(f"{last:.3f}")
    point_at(first, 0.5)
    expect(first.locator(".chart-foot output")).to_have_text("300")
    expect(second.locator(".chart-foot output")).to_have_text("300")
    middle = next(row for row in ROWS if row["step"] == 300)
    expect(first.locator(".chart-key output")).to_have_text(f"{middle['std_of_l2_normalized']:.3f}")
    expect(second.locator(".chart-key output")).to_have_text(f"{middle['uniformity']:.2f}")
    first.locator(".u-over").click()
    page.mouse.move(1, 1)
    expect(page.locator("#train-view .run-step")).to_have_text("300 / 600")
    page.locator("#train-view .run-slider").fill("100")
    expect(first.locator(".chart-foot output")).to_have_text("100")
    early = next(row for row in ROWS if row["step"] == 100)
    expect(first.locator(".chart-key output")).to_have_text(f"{early['std_of_l2_normalized']:.3f}")


def test_the_table_beside_a_chart_holds_its_numbers(visit: OpenPage) -> None:
    page = visit("/?tab=train", locale="zh-CN")
    chart = drawn(page, "#train-view")
    title = page.get_by_role("img", name=TEXTS["zh"]["train.chart.spread"])
    expect(title).to_be_visible()
    chart.locator("summary").click()
    expect(chart.locator("summary")).to_contain_text(TEXTS["zh"]["chart.table"])
    cells = chart.locator("tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.cells].map((c) => c.textContent))"
    )
    told = [[row["step"], float(f"{row['std_of_l2_normalized']:.5g}")] for row in ROWS]
    assert [[float(step), float(value)] for step, value in cells] == told


def test_the_timeline_of_the_map_and_its_chart_move_each_other(visit: OpenPage) -> None:
    page = visit("/?tab=embeddings")
    expect(page.locator("#embeddings-neighbours .near-tile").first).to_be_visible()
    open_card(page, "embeddings", "learning")
    chart = drawn(page, "#embeddings-learning-curve")
    steps = [cell.replace(",", "") for cell in chart.evaluate("chart => chart.spec.xLabels")]
    page.locator("#embeddings-step input[type=range]").fill("2")
    expect(chart.locator(".chart-foot output")).to_have_text(steps[2])
    expect(page.locator("#embeddings-step-score")).to_contain_text(f"{steps[2]} steps")
    point_at(chart, 0)
    chart.locator(".u-over").click(position={"x": 1, "y": 40})
    page.mouse.move(1, 1)
    expect(page.locator("#embeddings-step input[type=range]")).to_have_value("0")
    expect(page.locator("#embeddings-step-score")).to_contain_text("After 0 steps")
