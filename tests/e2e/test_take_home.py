"""The map that a visitor takes home opens in a browser without any network."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect
from visits import OpenPage

from demos.core.i18n import Texts

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TEXTS = Texts.load().tables["zh"]


def test_the_map_opens_offline_with_its_points_labels_and_thumbnails(
    visit: OpenPage, browser: Browser, tmp_path: Path
) -> None:
    page = visit("/?tab=embeddings", locale="zh-CN")
    expect(page.locator("#embeddings-neighbours .near-tile").first).to_be_visible()
    with page.expect_download() as download:
        page.locator("#embeddings-home").click()
    assert download.value.suggested_filename.endswith(".html")
    path = tmp_path / "map.html"
    download.value.save_as(path)
    told = page.locator("#embeddings-home-saved").inner_text()
    assert f"{path.stat().st_size / 1e6:.1f} MB" in told
    shown = page.locator("#embeddings-plot .scatter").evaluate(
        "root => [...root.querySelectorAll('.scatter-chip')].map((chip) => chip.querySelector('[lang=zh]').textContent)"
    )
    count = int(page.locator("#embeddings-plot .scatter").get_attribute("data-count") or 0)

    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 720})
    troubles: list[str] = []
    home = context.new_page()
    home.on("pageerror", lambda error: troubles.append(str(error)))
    home.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
    home.on("request", lambda request: troubles.append(request.url) if request.url.startswith("http") else None)
    home.goto(path.as_uri())
    expect(home.locator("#map .main-svg").first).to_be_visible()
    traces = home.evaluate(
        "document.getElementById('map').data.map(({ name, customdata, x }) => [name, customdata, x])"
    )
    assert [name for name, _, _ in traces] == shown
    assert sorted(id for _, ids, _ in traces for id in ids) == list(range(count))
    assert np.ptp([x for _, _, places in traces for x in places]) > 0
    home.locator("#map .points path").first.hover(force=True)
    card = home.locator("#card")
    expect(card).to_be_visible()
    expect(card.locator("figcaption")).to_have_text(re.compile(r"\.webp$"))
    assert "data:image/webp" in card.locator("span").evaluate("node => node.style.backgroundImage")
    assert not troubles
    context.close()
