"""The page where hosts put it: below a prefix behind a proxy, and inside a page of another site."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Response, expect
from proxy import running_proxy
from running_app import running_app
from visits import PATIENCE, another_image_in, image_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PREFIX = "/apps/unlabeled"
DENY = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('denied', 'SecurityError'); }})"


def test_the_app_lives_below_a_prefix(browser: Browser, tmp_path: Path) -> None:
    failed: list[str] = []

    def note(answer: Response) -> None:
        if answer.status >= 400:
            failed.append(f"{answer.status} {answer.url}")

    with (
        running_app(tmp_path, GRADIO_ROOT_PATH=PREFIX) as app,
        running_proxy(app.url, PREFIX) as url,
        browser.new_context() as context,
    ):
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("response", note)
        page.goto(f"{url}/")
        translated = image_in(page, "#cyclegan-translated")
        page.locator("#cyclegan-examples .gallery-item").nth(2).click()
        another_image_in(page, "#cyclegan-translated", translated)
        for tab, result in (("mae", "#mae-result-slider"), ("vae", "#vae-result-strip")):
            page.locator(f"#tab-{tab}-button").click()
            image_in(page, result)
        page.locator("#tab-train-button").click()
        expect(page.locator("#train-view")).to_be_visible()
        assert urlopen(f"{url}/health").status == 200
    assert not failed


def test_a_page_without_storage_works_and_says_that_it_forgets(browser: Browser, app_url: str) -> None:
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(f"{app_url}/?tab=train")
        expect(page.locator("#train-limits")).to_be_visible()
        expect(page.locator("#train-forgets")).to_be_hidden()
        context.add_init_script(DENY)
        page.reload()
        expect(page.locator("#train-view")).to_be_visible()
        expect(page.locator("#train-forgets")).to_contain_text("will not be found again")
        page.locator("#tab-cyclegan-button").click()
        translated = image_in(page, "#cyclegan-translated")
        page.locator("#cyclegan-examples .gallery-item").nth(1).click()
        another_image_in(page, "#cyclegan-translated", translated)


@pytest.fixture
def outer(app_url: str) -> Iterator[str]:
    """Address of a page of another site that shows the app inside itself, as the Hub shows Spaces."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<iframe src="{app_url}/?tab=train" width="1200" height="700"></iframe>'.encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"  # another site than 127.0.0.1
        server.shutdown()


def test_inside_another_site_a_visitor_is_found_again_or_told(browser: Browser, outer: str) -> None:
    """A browser gives a frame of another site a storage of its own, or denies it any, as Chromium does here."""
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(outer)
        inside = page.frame_locator("iframe")
        expect(inside.locator("#train-view")).to_be_visible()
        page.frames[1].evaluate("localStorage.setItem('unlabeled-probe', 'kept')")
        page.reload()
        expect(inside.locator("#train-view")).to_be_visible()
        kept = page.frames[1].evaluate("localStorage.getItem('unlabeled-probe')") == "kept"
        told = inside.locator("#train-forgets")
        expect(told).to_be_hidden() if kept else expect(told).to_be_visible()
