"""The page by keyboard, by screen reader and for weak eyes: axe-core, names, stops of the Tab key, handles, the map."""

import re

import pytest
from accessibility import grave_findings
from playwright.sync_api import Page, expect
from visits import OPENING, OpenPage, image_in

pytestmark = pytest.mark.browser

NAMED = """() => [...document.querySelectorAll("img")].filter((image) => image.checkVisibility())
  .every((image) => image.alt || image.hasAttribute("aria-labelledby") || image.closest("button, li")?.innerText)"""


def opened(visit: OpenPage, tab: str, locale: str = "en-US", size: tuple[int, int] = (1280, 720)) -> Page:
    """A page on one tab, once it shows its first result."""
    page = visit(f"/?tab={tab}", locale=locale, size=size)
    expect(page.locator(OPENING[tab]).first).to_be_visible()
    page.wait_for_load_state("load")
    return page


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("tab", OPENING)
def test_axe_finds_nothing_serious(visit: OpenPage, tab: str, locale: str) -> None:
    page = opened(visit, tab, locale)
    page.emulate_media(reduced_motion="reduce")  # colours on their way to others are no findings
    assert grave_findings(page) == []
    page.evaluate("document.body.classList.add('dark')")  # as Gradio does for a visitor who prefers it
    assert grave_findings(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert grave_findings(page) == []
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.evaluate("document.body.classList.remove('dark')")
    page.locator(".tools [data-do=present]").click()
    expect(page.locator("html.present")).to_have_count(1)
    assert grave_findings(page) == []


@pytest.mark.parametrize(
    "tab", ["cyclegan", *(pytest.param(t, marks=pytest.mark.slow) for t in OPENING if t != "cyclegan")]
)
def test_every_visible_image_has_a_name(visit: OpenPage, tab: str) -> None:
    page = opened(visit, tab)
    page.wait_for_function(NAMED)
    if tab == "cyclegan":
        expect(page.locator("#cyclegan-back img")).to_have_attribute("alt", "And back again")
        expect(page.get_by_role("button", name="Example 2 of 10")).to_have_count(1)


def test_folds_say_whether_they_are_open(visit: OpenPage) -> None:
    page = opened(visit, "train")
    fold = page.locator(".label-wrap:visible").first
    expect(fold).to_have_attribute("aria-expanded", "false")
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "true")


def test_the_skip_link_leads_past_the_head_of_the_page(visit: OpenPage) -> None:
    page = opened(visit, "cyclegan")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#tab-cyclegan")).to_be_focused()
    assert "#" not in page.url
    page.keyboard.press("Tab")
    expect(page.locator("#tab-cyclegan :focus")).to_have_count(1)


def test_a_handle_over_two_images_moves_by_key(visit: OpenPage) -> None:
    page = opened(visit, "cyclegan")
    image_in(page, "#cyclegan-translated")
    handle = page.locator("#cyclegan-translated").get_by_role("slider")
    expect(handle).to_have_attribute("aria-valuenow", re.compile("^(9[0-9]|100)$"))
    translated = page.locator("#cyclegan-translated img").first.get_attribute("src") or ""
    handle.focus()
    keys = {"ArrowLeft": "8[5-9]|9[0-6]", "Home": "[0-9]", "PageUp": "[23][0-9]", "End": "9[0-9]|100"}
    for key, percent in keys.items():
        handle.press(key)
        expect(handle).to_have_attribute("aria-valuenow", re.compile(f"^({percent})$"))
    cut = re.search(r"([\d.]+)%\)", page.locator("#cyclegan-translated img.fixed").get_attribute("style") or "")
    assert cut and float(cut[1]) > 89
    expect(page.locator("#cyclegan-translated img").first).to_have_attribute("src", translated)  # no other example


def test_a_strip_of_examples_is_one_stop_and_its_arrows_go_on(visit: OpenPage) -> None:
    page = opened(visit, "cyclegan")
    strip = page.locator("#cyclegan-examples")
    expect(strip.locator("[tabindex='0']")).to_have_count(1)
    strip.locator(".gallery-item").first.focus()
    page.keyboard.press("ArrowRight")
    expect(strip.locator(".gallery-item").nth(1)).to_be_focused()
    expect(strip.locator("[tabindex='0']")).to_have_count(1)
    expect(strip.locator(".gallery-item").nth(1)).to_have_attribute("tabindex", "0")


def test_the_points_of_the_map_are_reached_by_arrow_keys(visit: OpenPage) -> None:
    page = opened(visit, "embeddings")
    plot = page.get_by_role("application", name="Map of the pictures").first
    plot.focus()
    plot.press("ArrowRight")  # begins at the picked point
    root, said = page.locator("#embeddings-plot .scatter"), page.locator("#embeddings-plot .scatter-said")
    first = root.get_attribute("data-cursor") or ""
    expect(said).to_contain_text("apple-001")
    place = "([key, id]) => document.querySelector(key).placeOf(Number(id))"
    before = page.evaluate(place, ["#embeddings-plot .scatter", first])
    plot.press("ArrowLeft")
    expect(root).not_to_have_attribute("data-cursor", first)
    second = root.get_attribute("data-cursor") or ""
    after = page.evaluate(place, ["#embeddings-plot .scatter", second])
    assert (
        after[0] < before[0]
        or page.evaluate("document.querySelector('#embeddings-plot .scatter').dataset.paints") != "1"
    )
    expect(said).not_to_contain_text("apple-001")
    plot.press("Enter")
    expect(page.locator(f"#embeddings-neighbours [data-picked='{second}']")).to_be_visible()
    expect(page.locator("#embeddings-neighbours").get_by_role("listitem")).to_have_count(12)


MOVES = """() => [...document.querySelectorAll("*")].filter((node) => {
  const { transitionProperty, transitionDuration, animationName, animationDuration } = getComputedStyle(node);
  const lasts = (durations) => durations.split(", ").some((duration) => parseFloat(duration) > 0.001);
  return (transitionProperty !== "none" && lasts(transitionDuration)) ||
    (animationName !== "none" && lasts(animationDuration));
}).map((node) => node.outerHTML.slice(0, 80))"""


def test_nothing_moves_by_itself_where_motion_is_not_wanted(visit: OpenPage) -> None:
    page = visit("/?tab=vae")
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    expect(page.locator(OPENING["vae"]).first).to_be_visible()
    play = page.locator("#tab-vae .key-again")
    expect(play).to_have_attribute("aria-pressed", "false")
    assert page.evaluate(MOVES) == []
    page.locator("#tab-train-button").click()
    expect(page.locator(OPENING["train"]).first).to_be_visible()
    replay, step = page.locator("#tab-train .run-play"), page.locator("#tab-train .run-step")
    replay.click()  # from the end to the first frame
    expect(step).not_to_have_text("600 / 600")
    first = step.inner_text()
    expect(replay).to_have_attribute("data-playing", "false")
    replay.click()
    expect(step).not_to_have_text(first)
    expect(replay).to_have_attribute("data-playing", "false")


def test_gradio_says_done_in_the_visitors_language(visit: OpenPage) -> None:
    page = opened(visit, "cyclegan", "zh-CN")
    page.locator("#cyclegan-examples .gallery-item").nth(1).click()
    expect(page.locator(".sr-only[role=status]").first).to_have_text("已完成")
