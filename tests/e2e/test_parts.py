"""What is sent when a tab is opened: once, with everything in it, and never what somebody has entered already."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from visits import OpenPage, another_image_in, choose, image_in

pytestmark = pytest.mark.browser


def note_arrivals(page: Page) -> list[int]:
    """Return a list in which the ids of the containers are noted whose content arrives."""
    found: list[int] = []

    def note(response: object) -> None:
        if "/run/predict" in response.url and (rendered := response.json().get("render_config")):  # type: ignore[attr-defined]
            found.append(rendered["render_id"])

    page.on("response", note)
    return found


def open_tab(page: Page, tab: str) -> None:
    page.locator(f"#tab-{tab}-button").click()
    expect(page.locator(f"#tab-{tab} .lead").first).to_be_visible()


def tab_id(page: Page, tab: str) -> int:
    one: int = page.evaluate(
        "tab => gradio_config.components.find((each) => each.type === 'tabitem' && each.props.id === tab).id", tab
    )
    return one


def test_a_tab_arrives_once_and_keeps_what_was_entered(visit: OpenPage) -> None:
    page = visit("/")
    image_in(page, "#cyclegan-translated")
    arrivals = note_arrivals(page)
    open_tab(page, "mae")
    pasted = image_in(page, "#mae-result-slider")
    choose(page, "#mae-kind", "block")
    another_image_in(page, "#mae-result-slider", pasted)
    for tab in ("cyclegan", "vae", "mae", "vae", "mae"):
        open_tab(page, tab)
    expect(page.locator("#mae-kind input[value=block]")).to_be_checked()
    assert sorted(arrivals) == sorted([tab_id(page, "mae"), tab_id(page, "vae")])


def test_a_linked_tab_is_there_at_once_and_the_first_one_comes_later(visit: OpenPage) -> None:
    page = visit("/?tab=vae")
    expect(page.locator("#vae-result-strip img").first).to_be_visible()
    arrivals = note_arrivals(page)
    open_tab(page, "cyclegan")
    image_in(page, "#cyclegan-translated")
    expect(page).to_have_url(re.compile("tab=cyclegan"))
    assert arrivals == [tab_id(page, "cyclegan")]


def test_a_tab_that_could_not_be_fetched_comes_at_the_next_try(browser: Browser, app_url: str) -> None:
    page = browser.new_page()  # in which an error is expected
    page.goto(app_url)
    image_in(page, "#cyclegan-translated")
    page.route("**/run/predict*", lambda route: route.fulfill(status=500, json={"error": None}))
    with page.expect_response("**/run/predict*"):
        page.locator("#tab-mae-button").click()
    page.unroute("**/run/predict*")
    open_tab(page, "cyclegan")
    open_tab(page, "mae")
    image_in(page, "#mae-result-slider")
    page.close()
