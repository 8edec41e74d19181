"""Links and stored visitors of version c456177 in a real browser; the rest is in `tests/test_compatibility.py`."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect
from recorded import old_data_folder, recorded
from running_app import running_app
from visits import PATIENCE, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LINKS = recorded("links")
OPENED = [  # what is in sight at once; folded settings are asked over HTTP
    ("cyclegan", {"direction": "orange2apple", "example": "orange-03"}),
    ("mae", {"kind": "block", "ratio": "50", "example": "sea-sun"}),
    ("vae", {"model": "vae-portraits", "a": "portrait-04", "b": "portrait-42"}),
    ("embeddings", {"encoder": "moco", "dims": "3"}),
]


def expect_value(page: Page, component: str, value: str) -> None:
    """Wait until a component holds a value: a radio button, a number, or an example by its stem."""
    part = page.locator(f"#{component}")
    expect(part.locator("input").first).to_be_attached()
    if part.locator("input[type=radio]").count():
        expect(part.locator(f"input[value='{value}']")).to_be_checked()
    elif part.locator("input[type=number]").count():
        expect(part.locator("input[type=number]")).to_have_value(value)
    else:
        expect(part.locator("img")).to_have_attribute("src", re.compile(rf"/{value}\.\w+$"))


@pytest.mark.parametrize(("tab", "state"), OPENED, ids=[tab for tab, _ in OPENED])
def test_an_old_link_opens_the_same_view_whatever_its_order(visit: OpenPage, tab: str, state: dict[str, str]) -> None:
    page = visit(f"/?{urlencode([*state.items(), ('tab', tab)])}")
    expect(page.locator(f"#tab-{tab}")).to_be_visible()
    for name, value in state.items():
        expect_value(page, LINKS["parameters"][tab][name], value)


def test_a_browser_finds_the_jobs_of_its_stored_visitor(browser: Browser, tmp_path: Path) -> None:
    jobs: dict[str, Any] = recorded("jobs")
    stored = json.dumps(jobs["stored_visitor"])
    data = old_data_folder(tmp_path / "data")
    with running_app(tmp_path, "--no-training", UNLABELED_DATA=str(data)) as app:
        context = browser.new_context()
        context.set_default_timeout(PATIENCE)
        context.add_init_script(f"localStorage.setItem('unlabeled-visitor', {stored})")
        page = context.new_page()
        page.goto(f"{app.url}/?tab=train")
        for job in jobs["jobs"]:
            expect(page.locator("#train-runs")).to_contain_text(job["title"])
        expect(page.locator("#train-runs")).not_to_contain_text("somebody else")
        context.close()
