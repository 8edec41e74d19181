"""The page under fingers: what scrolls, what paints, how large targets are; real touches of a real browser."""

import pytest
from accessibility import small_targets, swipe
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from visits import OpenPage, image_in

pytestmark = pytest.mark.browser

PHONE = (390, 844)
OPENING = {
    "cyclegan": "#cyclegan-translated img",
    "mae": "#mae-result-slider img",
    "vae": "#vae-result-strip img",
    "embeddings": "#embeddings-plot .scatter[data-state=drawn] canvas",
    "train": "#train-view .run-sheet img",
}


def phone(visit: OpenPage, tab: str) -> Page:
    """A page on one tab under fingers, once it shows its first result."""
    page = visit(f"/?tab={tab}", size=PHONE, touch=True)
    expect(page.locator(OPENING[tab]).first).to_be_visible()
    page.wait_for_load_state("load")
    return page


AT_REST = """() => new Promise((answer) => {
  const before = scrollY;
  setTimeout(() => answer(scrollY === before), 200); // a swipe goes on after the finger is gone
})"""


def middle(page: Page, selector: str) -> tuple[float, float]:
    """The middle of an element, which is brought to the middle of the window once the page is at rest."""
    page.wait_for_function(AT_REST)
    page.locator(selector).first.evaluate("element => element.scrollIntoView({ block: 'center', behavior: 'instant' })")
    box = page.locator(selector).first.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def scrolls_when_swiped_up(page: Page, selector: str) -> bool:
    """Swipe up over an element, from its middle; whether the page follows."""
    x, y = middle(page, selector)
    before = page.evaluate("scrollY")
    swipe(page, (x, y), (x, y - 150))
    try:
        page.wait_for_function("before => scrollY > before + 60", arg=before, timeout=3000)
    except PlaywrightTimeout:
        return False
    return True


def test_a_finger_scrolls_from_the_canvas_until_paint_is_pressed(visit: OpenPage) -> None:
    page = phone(visit, "mae")
    root, canvas = page.locator("#mae-canvas .mask-canvas"), "#mae-canvas canvas"
    hidden = root.get_attribute("data-hidden") or ""
    assert scrolls_when_swiped_up(page, canvas)
    expect(root).to_have_attribute("data-hidden", hidden)
    page.wait_for_function(AT_REST)  # a tap on a page that moves only stops it
    paint = page.get_by_role("button", name="Paint", exact=True)
    paint.tap()
    expect(paint).to_have_attribute("aria-pressed", "true")
    x, y = middle(page, canvas)
    before = page.evaluate("scrollY")
    swipe(page, (x, y), (x, y - 100))
    expect(root).not_to_have_attribute("data-hidden", hidden)
    assert page.evaluate("scrollY") == before


def test_a_finger_moves_a_handle_sideways_and_scrolls_from_it(visit: OpenPage) -> None:
    page = phone(visit, "cyclegan")
    image_in(page, "#cyclegan-translated")
    handle = page.locator("#cyclegan-translated [role=slider]")
    x, y = middle(page, "#cyclegan-translated [role=slider]")
    before = page.evaluate("scrollY")
    swipe(page, (x, y), (x - 120, y + 4))
    box = handle.bounding_box()
    assert box and box["x"] + box["width"] / 2 < x - 60
    assert page.evaluate("scrollY") == before
    assert scrolls_when_swiped_up(page, "#cyclegan-translated [role=slider]")


@pytest.mark.slow
def test_a_finger_scrolls_from_the_map_in_two_and_three_dimensions(visit: OpenPage) -> None:
    page = phone(visit, "embeddings")
    assert scrolls_when_swiped_up(page, "#embeddings-plot .scatter-plot")
    page.locator("#embeddings-dims label").nth(1).tap()
    expect(page.locator("#embeddings-plot .scatter[data-dims='3']")).to_be_visible()
    assert scrolls_when_swiped_up(page, "#embeddings-plot .scatter-plot")


@pytest.mark.parametrize("tab", ["mae", *(pytest.param(t, marks=pytest.mark.slow) for t in OPENING if t != "mae")])
def test_targets_are_large_enough(visit: OpenPage, tab: str) -> None:
    assert small_targets(phone(visit, tab), 44) == []
    page = visit(f"/?tab={tab}")
    expect(page.locator(OPENING[tab]).first).to_be_visible()
    assert small_targets(page, 24) == []


def test_the_tools_stand_behind_one_button(visit: OpenPage) -> None:
    page = phone(visit, "cyclegan")
    more, link = page.get_by_role("button", name="More", exact=True), page.locator(".tools [data-do=link]")
    expect(link).to_be_hidden()
    more.tap()
    expect(more).to_have_attribute("aria-expanded", "true")
    link.tap()
    expect(page.locator(".tools-told")).to_be_visible()
    expect(link).to_be_hidden()
