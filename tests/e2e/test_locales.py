"""Every Chinese browser gets Chinese, from Gradio's own locales or others, in fixed texts and in ones with numbers."""

import pytest
from playwright.sync_api import expect
from visits import OpenPage

from demos.core.i18n import Texts

pytestmark = pytest.mark.browser

TABLES = Texts.load().tables


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        *(pytest.param(locale, "zh", marks=pytest.mark.slow) for locale in ("zh", "zh-CN", "zh-HK", "zh-Hans-SG")),
        ("zh-TW", "zh"),
        ("fr-FR", "en"),
    ],
)
def test_a_browser_of_this_locale_reads(visit: OpenPage, locale: str, language: str) -> None:
    page = visit("/", locale=locale)
    expect(page.locator("#tab-cyclegan .lead.block")).to_have_text(TABLES[language]["cyclegan.lead"])
    score = page.locator("#cyclegan-verdict p:first-child > span:visible")
    expect(score).to_have_count(1)
    expect(score).to_have_attribute("lang", language)
