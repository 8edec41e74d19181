"""What a page shows where the app refuses an upload of its visitor."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect
from visits import PATIENCE, upload

from demos.core.i18n import Texts

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize(
    ("locale", "sentence"), [("en-US", "One visitor may upload 1 GB"), ("zh-CN", "每位访客每小时")]
)
def test_a_page_says_whose_an_upload_is_and_shows_the_refusal(
    browser: Browser, app_url: str, tmp_path: Path, locale: str, sentence: str
) -> None:
    seen = []

    def refuse(route: Route) -> None:
        headers = route.request.headers
        seen.append(headers.get("x-unlabeled-page", ""))
        request: Any = SimpleNamespace(headers=headers)
        route.fulfill(status=429, body=Texts.load().localize(request, "limit.uploads", limit=1, minutes=7))

    (tmp_path / "photo.png").write_bytes(b"\x89PNG")
    with browser.new_context(locale=locale, extra_http_headers={"accept-language": locale}) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.route(re.compile(r"/upload(\?|$)"), refuse)
        page.goto(f"{app_url}/?tab=train")
        upload(page, "#train-files-a", tmp_path / "photo.png")
        expect(page.locator(".toast-body")).to_contain_text(sentence)
        expect(page.locator(".toast-body")).not_to_contain_text("429")
    assert [len(each) > 20 for each in seen] == [True]
