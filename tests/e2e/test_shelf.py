"""A shelf in a browser: one panel at a time, by mouse and keyboard, in the address and in the history."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import gradio as gr
import pytest
from playwright.sync_api import Browser, Page, expect
from visits import PATIENCE, open_card

import app as app_module
from demos.core.context import Context, Demo
from demos.core.i18n import Texts
from demos.page.page import build_page
from demos.ui.shelf.shelf import Card, Group, shelf

pytestmark = pytest.mark.browser

TEXTS = Texts.load()
CARDS: Mapping[Group, Sequence[Card]] = {
    "play": [Card("quiz", "cyclegan.quiz")],
    "inside": [Card("halves", "cyclegan.halves")],
}


@dataclass
class ShelfApp:
    """A page with a shelf in each of two tabs."""

    url: str = ""
    events: list[str] = field(default_factory=list)  # what was opened and closed, as the server was told


def build_tab(tab: str, app: ShelfApp, ctx: Context) -> None:
    """Place a shelf whose cards tell the server when they open and close."""
    cards = shelf(ctx, tab, CARDS)
    gr.HTML('<button data-open="more">more</button>', elem_id=f"{tab}-more")
    with cards.drawer("more", "mae.options"):
        gr.Number(label="inside")
    for name in ("quiz", "halves"):
        with cards.card(name) as panel:
            gr.Textbox(elem_id=f"{tab}-{name}-field")
        panel.expand(lambda name=name: app.events.append(f"{name} opened"))
        panel.collapse(lambda name=name: app.events.append(f"{name} closed"))


@pytest.fixture
def shelves(context: Context) -> Iterator[ShelfApp]:
    shelves = ShelfApp()
    demos = [Demo(tab, partial(build_tab, tab, shelves), lambda *_: None) for tab in ("cyclegan", "mae")]
    with gr.Blocks() as app:
        build_page(app, context, demos)
    options = app_module.launch_options(TEXTS)
    _, shelves.url, _ = app.queue().launch(prevent_thread_lock=True, quiet=True, **options)
    yield shelves
    app.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 720})
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def expect_open(page: Page, name: str, tab: str = "cyclegan") -> None:
    """One panel is open, and so say the cards and the address; "" for none."""
    for each in ("quiz", "halves"):
        expect(page.locator(f"#{tab}-{each}-field")).to_be_visible(visible=each == name)
        card = page.locator(f"#{tab}-cards [data-open={each}]")
        expect(card).to_have_attribute("aria-expanded", str(each == name).lower())
        expect(card).to_have_attribute("aria-controls", f"{tab}-panel-{each}")
    expect(page).to_have_url(re.compile(rf"[?&]open={name}\b" if name else r"^(?!.*[?&]open=)"))


def test_one_card_is_open_at_a_time_and_the_server_is_told(shelves: ShelfApp, page: Page) -> None:
    page.goto(f"{shelves.url}?tab=cyclegan")
    open_card(page, "cyclegan", "quiz")
    expect_open(page, "quiz")
    expect(page.locator("#cyclegan-panel-title")).to_be_focused()
    expect(page.locator("#cyclegan-panel-title")).to_have_text(TEXTS.tables["en"]["cyclegan.quiz"])
    card = page.locator("#cyclegan-cards [data-open=halves]")
    card.focus()
    page.keyboard.press("Enter")
    expect_open(page, "halves")
    expect(page.locator("#cyclegan-panel-title")).to_have_text(TEXTS.tables["en"]["cyclegan.halves"])
    page.keyboard.press("Escape")
    expect_open(page, "")
    expect(card).to_be_focused()
    while len(shelves.events) < 4:
        page.wait_for_timeout(20)
    assert sorted(shelves.events) == ["halves closed", "halves opened", "quiz closed", "quiz opened"]


@pytest.mark.slow
def test_back_and_forward_go_through_the_cards(shelves: ShelfApp, page: Page) -> None:
    page.goto(f"{shelves.url}?tab=cyclegan")
    open_card(page, "cyclegan", "quiz")
    expect_open(page, "quiz")
    open_card(page, "cyclegan", "halves")
    expect_open(page, "halves")
    page.go_back()
    expect_open(page, "quiz")
    page.go_back()
    expect_open(page, "")
    page.go_forward()
    expect_open(page, "quiz")
    page.get_by_role("tab").nth(1).click()
    expect(page).to_have_url(re.compile("tab=mae"))
    expect_open(page, "", "mae")
    page.get_by_role("tab").nth(0).click()  # where it was left
    expect_open(page, "quiz")
    page.get_by_role("tab").nth(1).click()
    open_card(page, "mae", "halves")
    expect_open(page, "halves", "mae")
    page.get_by_role("tab").nth(0).click()
    expect_open(page, "quiz")
    page.go_back()
    expect_open(page, "", "mae")


def test_a_link_opens_a_card_and_only_its_tabs(shelves: ShelfApp, page: Page) -> None:
    page.goto(f"{shelves.url}?tab=mae&open=halves")
    expect_open(page, "halves", "mae")
    expect(page.locator("#mae-panel-title")).to_be_in_viewport()
    page.get_by_role("tab").nth(0).click()
    expect_open(page, "")
    page.goto(f"{shelves.url}?tab=mae&open=nothing")
    open_card(page, "mae", "quiz")
    expect_open(page, "quiz", "mae")


@pytest.mark.slow
def test_anything_in_the_tab_may_open_a_panel_without_a_card(shelves: ShelfApp, page: Page) -> None:
    page.goto(f"{shelves.url}?tab=cyclegan")
    open_card(page, "cyclegan", "quiz")
    more = page.locator("#cyclegan-more [data-open]")
    more.click()
    expect(page.locator("#cyclegan-panel-more input")).to_be_visible()
    expect(page.locator("#cyclegan-quiz-field")).to_be_hidden()
    expect(page.locator("#cyclegan-panel-title")).to_have_text(TEXTS.tables["en"]["mae.options"])
    expect(more).to_have_attribute("aria-expanded", "true")
    page.locator("#cyclegan-cards [data-close]").click()
    expect(page.locator("#cyclegan-panel-more input")).to_be_hidden()
    expect(more).to_be_focused()


@pytest.mark.slow
def test_on_a_phone_the_cards_are_swiped_and_nothing_else_moves_sideways(shelves: ShelfApp, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{shelves.url}?tab=cyclegan")
    open_card(page, "cyclegan", "halves")
    expect_open(page, "halves")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#cyclegan-cards .shelf").evaluate("shelf => shelf.scrollWidth > shelf.clientWidth")
