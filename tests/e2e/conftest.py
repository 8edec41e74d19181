"""A browser that notices what a visitor must never see: errors in the console, requests to other hosts."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from chromium import FLAGS, HELP, find_chromium
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from visits import PATIENCE, Hosts, OpenPage, stop_other_hosts


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; without one they are skipped, but not where CI is set."""
    path = find_chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(HELP)
        pytest.skip(HELP)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, app_url: str) -> Iterator[OpenPage]:
    """Visits to the running app; at the end none may have met an error or asked another host."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def open_page(
        path: str = "/",
        *,
        locale: str = "en-US",
        size: tuple[int, int] = (1280, 720),
        dark: bool = False,
        touch: bool = False,
        other_hosts: Hosts = "fail",
        ready: str = "#tabs",
    ) -> Page:
        context = browser.new_context(
            locale=locale,
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            has_touch=touch,
            is_mobile=touch,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        stop_other_hosts(context, urlsplit(app_url).netloc, other_hosts, troubles.append)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"uncaught: {error}"))
        page.on(
            "console",
            lambda message: troubles.append(f"console: {message.text}") if message.type == "error" else None,
        )
        page.goto(app_url + path, wait_until="domcontentloaded")
        page.locator(ready).wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not troubles, "\n".join(troubles)
