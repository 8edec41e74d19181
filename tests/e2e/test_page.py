"""The page around the tabs: languages, links, sizes, and what happens where no other host can be reached."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from visits import OPENING, Hosts, OpenPage, image_in, upload

from demos.core.i18n import Texts

pytestmark = pytest.mark.browser

TEXTS = Texts.load().tables
IMAGES = "[...document.querySelectorAll(`#tab-${tab} img`)]"
LOAD_ALL = f"tab => {IMAGES}.forEach(image => {{ image.loading = 'eager'; }})"
ALL_COMPLETE = f"tab => {IMAGES}.every(image => image.complete)"
BROKEN = f"tab => {IMAGES}.filter(image => image.src && !image.naturalWidth).map(image => image.src)"
TABS = pytest.mark.parametrize("tab", OPENING)


def plain(key: str, language: str) -> str:
    """The beginning of a text, as far as it has no markup."""
    return re.split(r"[*_`\[<]", TEXTS[language][key])[0].strip()


def expect_open(page: Page, tab: str) -> None:
    expect(page.locator(OPENING[tab]).first).to_be_visible()
    for other in OPENING.keys() - {tab}:
        expect(page.locator(f"#tab-{other}")).to_be_hidden()


def expect_on_a_phone(page: Page, tab: str, language: str) -> None:
    """An open tab speaks its language alone, and needs no sideways scrolling."""
    expect_open(page, tab)
    expect(page.get_by_role("tab", name=TEXTS[language][f"{tab}.title"])).to_be_visible()
    shown = page.locator(f"#tab-{tab}")
    expect(shown).to_contain_text(plain(f"{tab}.lead", language))
    other = "zh" if language == "en" else "en"
    expect(shown).not_to_contain_text(plain(f"{tab}.lead", other))
    visible = shown.inner_text()
    chinese = re.findall(r"[\u4e00-\u9fff]", visible)
    assert bool(chinese) == (language == "zh"), visible
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


LANGUAGES = pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("zh-CN", "zh")])


@LANGUAGES
def test_a_phone_shows_every_tab_in_its_language(visit: OpenPage, locale: str, language: str) -> None:
    page = visit("/", locale=locale)
    for tab in OPENING:
        page.set_viewport_size({"width": 1280, "height": 720})  # where no tab is folded away
        page.get_by_role("tab", name=TEXTS[language][f"{tab}.title"]).click()
        page.set_viewport_size({"width": 390, "height": 844})
        expect_on_a_phone(page, tab, language)


@pytest.mark.slow
@LANGUAGES
@TABS
def test_a_phone_opens_a_tab_in_its_language(visit: OpenPage, tab: str, locale: str, language: str) -> None:
    expect_on_a_phone(visit(f"/?tab={tab}", size=(390, 844), locale=locale), tab, language)


def brightness(page: Page, selector: str, what: str) -> float:
    """Mean of red, green and blue, 0 to 255, of a computed colour."""
    colour = page.locator(selector).first.evaluate("(element, what) => getComputedStyle(element)[what]", what)
    channels = [float(value) for value in re.findall(r"[\d.]+", colour)[:3]]
    return sum(channels) / 3


@pytest.mark.parametrize(("dark", "other_hosts"), [pytest.param(False, "fail", marks=pytest.mark.slow), (True, "hang")])
@pytest.mark.parametrize(
    "tab", ["embeddings", *(pytest.param(t, marks=pytest.mark.slow) for t in OPENING if t != "embeddings")]
)
def test_a_tab_opens_finished_and_legible_with_no_other_host(
    visit: OpenPage, tab: str, dark: bool, other_hosts: Hosts
) -> None:
    page = visit(f"/?tab={tab}", dark=dark, other_hosts=other_hosts)
    expect_open(page, tab)
    paper, ink = brightness(page, "body", "backgroundColor"), brightness(page, f"#tab-{tab} .lead p", "color")
    assert (paper < 60 and ink > 180) if dark else (paper > 200 and ink < 90), (paper, ink)
    page.wait_for_load_state("load")
    page.evaluate(LOAD_ALL, tab)
    page.wait_for_function(ALL_COMPLETE, arg=tab)
    assert page.evaluate(BROKEN, tab) == []


@pytest.mark.slow
def test_the_page_opens_on_the_first_tab(visit: OpenPage) -> None:
    expect_open(visit("/"), "cyclegan")
    expect_open(visit("/?tab=nonsense"), "cyclegan")


def test_choosing_a_tab_makes_a_link_to_it(visit: OpenPage) -> None:
    page = visit("/")
    page.get_by_role("tab", name=TEXTS["en"]["vae.title"]).click()
    expect_open(page, "vae")
    expect(page).to_have_url(re.compile(r"[?&]tab=vae\b"))
    page.reload()
    expect_open(page, "vae")


@pytest.mark.slow
def test_all_tabs_can_be_visited_in_one_go(visit: OpenPage) -> None:
    page = visit("/")
    for tab in [*OPENING, "cyclegan"]:
        page.get_by_role("tab", name=TEXTS["en"][f"{tab}.title"]).click()
        expect_open(page, tab)
    assert image_in(page, "#cyclegan-translated")


@LANGUAGES
def test_gradios_own_messages_about_uploads_speak_the_visitors_language(
    visit: OpenPage, locale: str, language: str, tmp_path: Path
) -> None:
    page = visit("/?tab=train", locale=locale)
    expect_open(page, "train")
    large = tmp_path / "large.zip"
    with large.open("wb") as file:
        file.truncate(210_000_000)  # takes no room
    upload(page, "#train-files-a", large)
    toast = page.get_by_test_id("toast-body")
    said = TEXTS[language]["page.toast_too_large"].format(limit="200 MB", name='"large.zip"')
    expect(toast.get_by_test_id("toast-text")).to_have_text(said, use_inner_text=True)
    expect(toast.locator(".toast-title-row > span")).to_contain_text(TEXTS[language]["page.toast_error"])
    for message, key in {
        "Invalid file type: notes.txt. Only image, .zip allowed.": "no_picture_or_zip",
        "Invalid file types: notes.txt. Only image/* allowed.": "no_picture",
        "HTTP 413: too much": "too_large_sent",
        "Connection errored out. Failed to fetch": "failed",
    }.items():  # as Gradio would show them
        page.evaluate(
            """text => document.querySelector(".gradio-container > .main").insertAdjacentHTML(
                "beforeend", `<div class="toast-wrap"><p data-testid="toast-text">${text}</p></div>`)""",
            message,
        )
        said = TEXTS[language][f"page.toast_{key}"].format(name="notes.txt")
        expect(page.get_by_test_id("toast-text").last).to_have_text(said, use_inner_text=True)
