"""The menu of models in a browser: folded away, opened without asking anybody, and put to use."""

import re

import pytest
from playwright.sync_api import Page, expect
from visits import OpenPage, another_image_in, image_in, open_card

from demos.core.i18n import Texts

pytestmark = pytest.mark.browser

TEXTS = Texts.load().tables["en"]
TABS = ("cyclegan", "mae", "vae", "embeddings")


def open_menu(page: Page, tab: str) -> None:
    open_card(page, tab, "models")  # by the name of the weights
    expect(page.locator(f"#{tab}-models .model").first).to_be_visible()


@pytest.mark.parametrize("tab", ["cyclegan", *(pytest.param(tab, marks=pytest.mark.slow) for tab in TABS[1:])])
def test_it_is_folded_away_and_opening_it_asks_no_other_host(visit: OpenPage, tab: str) -> None:
    page = visit(f"/?tab={tab}", other_hosts="hang")
    expect(page.locator(f"#tab-{tab} .lead").first).to_be_visible()
    expect(page.locator(f"#{tab}-models .model")).to_have_count(0)
    open_menu(page, tab)
    used = page.locator(f"#{tab}-models .model[data-used=true]")
    expect(used).to_have_count(1)
    expect(used).to_contain_text(TEXTS["menu.in_use"])


def test_another_model_is_put_to_use(visit: OpenPage) -> None:
    page = visit("/?tab=vae")
    strip = image_in(page, "#vae-result-strip")
    open_menu(page, "vae")
    page.locator("#vae-models .model[data-name=vae-portraits]").click()
    another_image_in(page, "#vae-result-strip", strip)
    expect(page.locator("#vae-facts")).to_contain_text("vae-portraits")
    expect(page.locator("#vae-model input[value=vae-portraits]")).to_be_checked()


def test_the_app_of_these_tests_is_offline_and_says_so(visit: OpenPage) -> None:
    page = visit("/?tab=mae")
    open_menu(page, "mae")
    expect(page.locator("#tab-mae")).to_contain_text(TEXTS["menu.note_offline"])
    expect(page.locator("#mae-model-go")).to_be_hidden()
    names = [row.get_attribute("data-name") for row in page.locator("#mae-models .model").all()]
    assert "mae-photos" in names
    assert not re.search(TEXTS["menu.to_download"], page.locator("#mae-models").inner_text())
