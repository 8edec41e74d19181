"""The tools around the tabs: links to a state, images that travel, keys, the large view, the tour."""

import json
import re
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Page, expect
from visits import OpenPage, another_image_in, choose, image_in, open_card, press_tool

from demos.page.markup import STOPS

pytestmark = pytest.mark.browser


def open_tab(page: Page, tab: str) -> None:
    expect(page.locator(f"#tab-{tab}")).to_be_visible()


def test_a_link_opens_the_same_view(visit: OpenPage) -> None:
    page = visit("/?tab=mae")
    pasted = image_in(page, "#mae-result-slider")
    choose(page, "#mae-kind", "block")
    pasted = another_image_in(page, "#mae-result-slider", pasted)
    page.locator("#mae-examples .gallery-item").nth(2).click()
    expect(page).to_have_url(re.compile(r"\?tab=mae&.*\bexample="))
    expect(page).to_have_url(re.compile("kind=block"))
    pasted = another_image_in(page, "#mae-result-slider", pasted)
    guest = visit(page.url.partition("127.0.0.1")[2].partition("/")[2].join(("/", "")))
    expect(guest.locator("#mae-kind input[value=block]")).to_be_checked()
    expect(guest.locator("#mae-result-slider img").first).to_have_attribute("src", pasted)
    page.get_by_role("tab").nth(0).click()
    expect(page).to_have_url(re.compile(r"\?tab=cyclegan$"))


@pytest.mark.slow
def test_a_link_that_asks_too_much_says_so_and_opens(visit: OpenPage) -> None:
    page = visit("/?tab=mae&ratio=5000&kind=block")
    expect(page.locator(".toast-body")).to_contain_text("ratio=5000")
    expect(page.locator("#mae-kind input[value=block]")).to_be_checked()
    expect(page.locator("#mae-ratio input[type=number]")).to_have_value("75")


@pytest.mark.slow
def test_weights_of_the_menu_are_in_the_link(visit: OpenPage) -> None:
    page = visit("/?tab=embeddings&weights=mae-photos")
    expect(page).to_have_url(re.compile(r"encoder=mae$"))
    page = visit("/?tab=embeddings&weights=taesd")
    expect(page.locator(".toast-body")).to_contain_text("taesd")
    expect(page).to_have_url(re.compile(r"\?tab=embeddings$"))


def test_an_image_travels_to_another_tab(visit: OpenPage) -> None:
    page = visit("/?tab=cyclegan")
    image_in(page, "#cyclegan-translated")
    page.locator("#cyclegan-translated img").first.hover()
    page.locator(".send").click()
    page.locator("[data-to=mae_example]").click()
    open_tab(page, "mae")
    expect(page.locator("#mae-input img")).to_have_attribute("src", re.compile("translated"))
    page.wait_for_function("() => document.querySelector('#mae-result-facts').innerText.includes('mae-photos')")
    expect(page).not_to_have_url(re.compile("example="))


def test_a_path_of_ones_own_does_not_travel(app_url: str) -> None:
    config = json.load(urllib.request.urlopen(f"{app_url}/config"))
    events = {event: each["id"] for each in config["dependencies"] for _, event in each["targets"]}
    for path in ("/etc/hostname", "app.py", "../app.py"):
        picture = {"path": path, "url": "", "orig_name": "x.png", "meta": {"_type": "gradio.FileData"}}
        body = {"data": [picture], "fn_index": events["send_mae_example"], "session_hash": "stranger"}
        request = urllib.request.Request(f"{app_url}/gradio_api/run/predict", json.dumps(body).encode())
        request.add_header("content-type", "application/json")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code in (403, 500) and path not in refused.value.read().decode()


def test_keys_do_what_the_list_says(visit: OpenPage) -> None:
    page = visit("/")
    translated = image_in(page, "#cyclegan-translated")
    page.keyboard.press("ArrowRight")
    another_image_in(page, "#cyclegan-translated", translated)
    page.keyboard.press("2")
    open_tab(page, "mae")
    pasted = image_in(page, "#mae-result-slider")
    page.keyboard.press("Space")
    another_image_in(page, "#mae-result-slider", pasted)
    page.locator("#mae-ratio input[type=number]").focus()
    page.keyboard.press("1")  # somebody types a number
    open_tab(page, "mae")
    page.locator("#mae-ratio input[type=number]").blur()
    page.keyboard.press("?")
    expect(page.locator("dialog.keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog.keys")).to_be_hidden()


@pytest.mark.slow
def test_the_large_view_is_for_the_images(visit: OpenPage) -> None:
    page = visit("/?tab=cyclegan&present=1")
    image_in(page, "#cyclegan-translated")
    for kept in (".lead", "#cyclegan-translated"):
        expect(page.locator(f"#tab-cyclegan {kept}").first).to_be_visible()
    for gone in (".why", ".facts", ".aside", ".strip", ".verdict p + p", "#cyclegan-how"):
        expect(page.locator(f"#tab-cyclegan {gone}").first).to_be_hidden()
    translated = image_in(page, "#cyclegan-translated")
    page.keyboard.press("ArrowRight")  # the strip is out of sight, its images are not out of reach
    another_image_in(page, "#cyclegan-translated", translated)
    page.keyboard.press("Escape")
    expect(page.locator("#tab-cyclegan .why").first).to_be_visible()
    expect(page).not_to_have_url(re.compile("present"))


@pytest.mark.slow
def test_an_opened_card_fills_the_large_view(visit: OpenPage) -> None:
    page = visit("/?tab=cyclegan&present=1&open=halves")
    halves = page.locator("#cyclegan-halves img").first
    expect(halves).to_be_visible()
    for gone in (".lead", ".hero", "#cyclegan-photo"):
        expect(page.locator(f"#tab-cyclegan {gone}").first).to_be_hidden()
    page.keyboard.press("Escape")
    open_card(page, "cyclegan", "quiz")
    expect(page.locator("#cyclegan-quiz-start")).to_be_visible()
    expect(page.locator("#cyclegan-quiz-own")).to_be_hidden()  # nothing asks for an upload
    page.keyboard.press("Escape")
    expect(page.locator("#cyclegan-translated")).to_be_visible()
    expect(page).to_have_url(re.compile("present=1"))


SIZES = """selectors => selectors.map((selector) => {
  const node = [...document.querySelectorAll(selector)].find((each) => each.checkVisibility());
  return node ? getComputedStyle(node).fontSize : null;
})"""


def test_the_large_view_has_larger_type(visit: OpenPage) -> None:
    page = visit("/?tab=cyclegan")
    image_in(page, "#cyclegan-translated")
    selectors = ["#tab-cyclegan .lead p", "#tab-cyclegan .verdict p", "#tab-cyclegan .verdict b",
                 "#cyclegan-translated [data-testid=block-label]", "#tab-cyclegan-button"]  # fmt: skip
    assert page.evaluate(SIZES, selectors) == ["20px", "16px", "24px", "15px", "16px"]
    page.keyboard.press("p")
    expect(page.locator("html.present")).to_have_count(1)
    assert page.evaluate(SIZES, selectors) == ["30px", "24px", "38px", "22px", "22px"]


@pytest.mark.parametrize("locale", [pytest.param("en-US", marks=pytest.mark.slow), "zh-CN"])
def test_the_tour_of_every_tab_points_at_five_things(visit: OpenPage, locale: str) -> None:
    page = visit("/", locale=locale)
    for tab in STOPS:
        page.set_viewport_size({"width": 1280, "height": 720})
        page.locator(f"#tab-{tab}-button").click()
        page.set_viewport_size({"width": 390, "height": 844})
        open_tab(page, tab)
        seen = texts_of_the_tour(page)
        assert len(set(seen)) == 5, tab
        assert all(bool(re.search("[\u4e00-\u9fff]", text)) == (locale == "zh-CN") for text in seen), tab


def texts_of_the_tour(page: Page) -> list[str]:
    """Take the tour of the open tab on a phone: every card fits, and what it points at is in sight."""
    press_tool(page, "tour")
    seen, places = [], set()
    for number in range(1, 6):
        expect(page.locator(".tour-count")).to_have_text(f"{number} / 5")
        card, target = page.locator(".tour-card").bounding_box(), page.locator(".tour-target")
        assert card and card["x"] >= 0 and card["x"] + card["width"] <= 390 and card["y"] >= 0
        expect(target).to_be_in_viewport()
        assert card["y"] + card["height"] <= page.evaluate("innerHeight")
        places.add(card["y"] + card["height"])
        seen.append(page.locator(".tour-text").inner_text())
        page.locator("[data-do=tour-on]").click()
    expect(page.locator(".tour-card")).to_be_hidden()
    assert len(places) == 1, "the card stays where it is"
    assert page.evaluate("scrollY") == 0, "the tour ends at the top"
    return seen


def test_the_tour_follows_what_it_points_at(visit: OpenPage) -> None:
    page = visit("/?tab=mae", size=(390, 844))
    open_tab(page, "mae")
    press_tool(page, "tour")
    target = page.locator(".tour-target")
    expect(target).to_be_in_viewport()
    page.evaluate("""() => {  // what a result does that arrives above, where the browser keeps another place in sight
        window.scrollTo({ top: document.body.scrollHeight, behavior: "instant" });
        const result = Object.assign(document.createElement("div"), { style: "height: 3000px" });
        document.querySelector("#tab-mae").append(result);
    }""")
    expect(target).to_be_in_viewport()
    page.get_by_role("tab").nth(0).click()
    expect(page.locator(".tour-card")).to_be_hidden()
