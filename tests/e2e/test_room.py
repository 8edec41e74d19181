"""A room for "spot the fake": one screen shows, two phones answer."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from visits import OpenPage, open_card, upload

from demos.core.i18n import Texts
from demos.cyclegan.translation import FRUITS

pytestmark = pytest.mark.browser

TEXTS = Texts.load().tables


def phone(visit: OpenPage, path: str, locale: str) -> Page:
    return visit(path, locale=locale, size=(390, 844), ready="#said")


def test_two_phones_answer_what_the_screen_shows(visit: OpenPage) -> None:
    screen = visit("/?tab=cyclegan")
    open_card(screen, "cyclegan", "quiz")
    upload(screen, "#cyclegan-quiz-own", *sorted(FRUITS.glob("*.jpg"))[:4])  # a short deck is made sooner
    expect(screen.locator("#cyclegan-quiz-own")).to_contain_text(".jpg")
    screen.locator("#cyclegan-room-open").click()
    room = screen.locator("#cyclegan-room .room")
    expect(room).to_have_attribute("data-phase", "lobby")
    screen.keyboard.press("p")  # for a talk, which hides the folds
    expect(room).to_be_visible()
    way = urlsplit(room.locator(".address").inner_text()).path
    assert re.fullmatch(r"/room/[A-Z]{6}", way)
    phones = {"real": phone(visit, way, "en-US"), "fake": phone(visit, way, "zh-CN")}
    expect(phones["fake"].locator("#said")).to_have_text(TEXTS["zh"]["cyclegan.phone_lobby"])
    expect(room.locator(".count b").first).to_have_text("2")
    screen.keyboard.press("ArrowRight")
    for side, page in phones.items():
        page.locator(f"#{side}").click()
        expect(page.locator(f"#{side}")).to_have_attribute("aria-pressed", "true")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(room.locator(".answered b").first).to_have_text("2")
    assert "%" not in room.inner_text(), "no split before the reveal"
    screen.keyboard.press("PageDown")
    expect(room).to_have_attribute("data-phase", "reveal")
    expect(room.locator(".bar")).to_have_count(2)
    right = (
        "fake" if room.locator(".bar.true").inner_text().startswith(TEXTS["en"]["cyclegan.room_said_fake"]) else "real"
    )
    scores = {"real": TEXTS["en"]["cyclegan.phone_score"], "fake": TEXTS["zh"]["cyclegan.phone_score"]}
    for side, page in phones.items():
        expect(page.locator("#score")).to_have_text(scores[side].format(right=int(side == right), of=1))
        page.close()
    screen.reload()
    expect(room).to_have_attribute("data-phase", "reveal")
    room.locator("[data-do=close]").click()
    expect(room).to_have_count(0)
