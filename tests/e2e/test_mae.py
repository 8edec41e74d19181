"""The masked autoencoder's tab in a browser: brush, wheel, keys and touch, and the analyses."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from traffic import Traffic
from visits import OpenPage, another_image_in, answers_held_back, asks, image_in, open_card

from demos.core.i18n import Texts
from demos.mae.masks import encode_mask

pytestmark = pytest.mark.browser

TEXTS = Texts.load().tables
CANVAS = "#mae-canvas .mask-canvas"


def at(page: Page, cell: int, canvas: str = CANVAS) -> tuple[float, float]:
    """Where a cell is in the window."""
    page.locator(f"{canvas}[data-state=drawn]").scroll_into_view_if_needed()
    x, y = page.evaluate("([canvas, cell]) => document.querySelector(canvas).placeOf(cell)", [canvas, cell])
    return x, y


def stroke(page: Page, first: int, last: int, button: str = "left", canvas: str = CANVAS) -> None:
    page.mouse.move(*at(page, first, canvas))
    page.mouse.down(button=button)  # type: ignore[arg-type]
    page.mouse.move(*at(page, last, canvas), steps=5)
    page.mouse.up(button=button)  # type: ignore[arg-type]


def score_of(count: int) -> str:
    return TEXTS["en"]["mae.score_of"].format(hidden=count, patches=256)


def hidden(page: Page, count: int, canvas: str = CANVAS) -> None:
    expect(page.locator(canvas)).to_have_attribute("data-hidden", str(count))


def test_strokes_hide_and_show_patches(visit: OpenPage) -> None:
    page = visit("/?tab=mae")
    hidden(page, 192)
    pasted = image_in(page, "#mae-result-slider")
    page.locator(f"{CANVAS} [data-tool=clear]").click()
    hidden(page, 0)
    pasted = another_image_in(page, "#mae-result-slider", pasted)
    stroke(page, 5 * 16 + 4, 5 * 16 + 9)
    hidden(page, 6)
    pasted = another_image_in(page, "#mae-result-slider", pasted)
    expect(page.locator("#mae-kind input[value=hand]")).to_be_checked()
    open_card(page, "mae", "details")
    expect(page.locator("#mae-result-table")).to_contain_text(score_of(6))
    stroke(page, 5 * 16 + 8, 5 * 16 + 9, button="right")
    hidden(page, 4)
    pasted = another_image_in(page, "#mae-result-slider", pasted)
    page.locator(f"{CANVAS} [data-tool=undo]").click()
    hidden(page, 6)
    another_image_in(page, "#mae-result-slider", pasted)


@pytest.mark.slow
def test_keys_move_the_cursor_hide_and_change_the_ratio(visit: OpenPage) -> None:
    page = visit("/?tab=mae", locale="zh-CN")
    hidden(page, 192)
    canvas = page.locator(f"{CANVAS} canvas")
    canvas.focus()
    page.keyboard.press("[")
    expect(page.locator("#mae-ratio input[type=number]")).to_have_value("70")
    hidden(page, 179)
    page.mouse.click(*at(page, 0))  # a press inside, after which the wheel counts
    page.mouse.wheel(0, 120)
    page.wait_for_function("canvas => document.querySelector(canvas).dataset.hidden < 179", arg=CANVAS)
    page.locator(f"{CANVAS} [data-tool=clear]").click()
    hidden(page, 0)
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Space"):
        page.keyboard.press(key)
    hidden(page, 1)
    expect(page.locator(f"{CANVAS} .mask-said")).to_contain_text("已遮住")
    page.keyboard.press("Control+z")
    hidden(page, 0)


@pytest.mark.slow
def test_latest_event_wins_while_another_is_answered(visit: OpenPage) -> None:
    page = visit("/?tab=mae")
    hidden(page, 192)
    with answers_held_back(page):
        with asks(page):
            page.locator(f"{CANVAS} canvas").press("[")
        for _ in range(4):
            page.keyboard.press("[")
    hidden(page, 128)  # drawn by the server
    expect(page.locator("#mae-ratio input[type=number]")).to_have_value("50")
    page.locator(f"{CANVAS} [data-tool=clear]").click()
    expect(page.locator("#mae-result-score")).to_contain_text(TEXTS["en"]["mae.nothing_hidden"])
    with answers_held_back(page):
        with asks(page):
            stroke(page, 5 * 16 + 4, 5 * 16 + 9)
        stroke(page, 8 * 16 + 4, 8 * 16 + 6)
    open_card(page, "mae", "details")
    expect(page.locator("#mae-result-table")).to_contain_text(score_of(9))
    expect(page.locator("#mae-result-masked img")).not_to_have_attribute("src", re.compile("first_paint"))
    hidden(page, 9)
    open_card(page, "mae", "influence")
    picker = "#mae-picker .mask-canvas"
    hidden(page, 9, picker)
    with answers_held_back(page):
        with asks(page):
            page.mouse.click(*at(page, 5 * 16 + 4, picker))
        page.mouse.click(*at(page, 8 * 16 + 5, picker))
    expect(page.locator("#mae-influence-says")).to_contain_text("Row 9, column 6")
    expect(page.locator(picker)).to_have_attribute("data-target", str(8 * 16 + 5))


@pytest.mark.slow
def test_marks_made_during_inpainting_are_inpainted(visit: OpenPage) -> None:
    page = visit("/?tab=mae")
    open_card(page, "mae", "mend")
    canvas = "#mae-mend-canvas .mask-canvas"
    hidden(page, 0, canvas)
    with answers_held_back(page):
        with asks(page):
            stroke(page, 20 * 128 + 20, 20 * 128 + 21, canvas=canvas)
        stroke(page, 100 * 128 + 4, 100 * 128 + 124, canvas=canvas)
    expect(page.locator("#mae-mend-says")).to_contain_text("17 patches")


@pytest.mark.slow
def test_touch_paints_on_a_phone(visit: OpenPage) -> None:
    page = visit("/?tab=mae", size=(390, 844), dark=True)
    image = page.locator("#mae-result-slider img").first
    expect(image).to_have_attribute("src", re.compile("webp"))  # images below the window are loaded when scrolled to
    pasted = image.get_attribute("src") or ""
    before = int(page.locator(CANVAS).get_attribute("data-hidden") or 0)
    visible = page.evaluate(
        """canvas => { const root = document.querySelector(canvas), pad = root.querySelector("canvas");
          pad.scrollIntoView({ block: "center" });
          const [x, y] = root.placeOf(0), [toX] = root.placeOf(15);
          const touch = (kind, clientX) => pad.dispatchEvent(new PointerEvent(kind,
            { pointerId: 1, isPrimary: true, pointerType: "touch", clientX, clientY: y, bubbles: true }));
          pad.setPointerCapture = () => {};
          touch("pointerdown", x); touch("pointermove", toX); touch("pointerup", toX);
          return document.documentElement.scrollWidth - window.innerWidth; }""",
        CANVAS,
    )
    assert visible <= 0, "nothing sticks out at 390 pixels"
    assert int(page.locator(CANVAS).get_attribute("data-hidden") or 0) > before
    expect(image).not_to_have_attribute("src", pasted)


def test_analyses_are_hidden_when_the_mask_changes(visit: OpenPage) -> None:
    page = visit("/?tab=mae")
    hidden(page, 192)
    open_card(page, "mae", "ratios")  # shows its result at once
    ratios = image_in(page, "#mae-ratios")
    expect(page.locator("#mae-ratios-says")).to_contain_text("dB")
    open_card(page, "mae", "often")
    expect(page.locator("#mae-often-says")).to_contain_text("dB")
    assert image_in(page, "#mae-often-spread") != image_in(page, "#mae-often-mean")
    with page.expect_download() as download:
        page.locator("#mae-often-numbers").click()
    assert '"masks": 16' in Path(download.value.path()).read_text("utf-8")
    open_card(page, "mae", "influence")
    picker = "#mae-picker .mask-canvas"
    page.mouse.click(*at(page, 4 * 16 + 3, picker))
    image_in(page, "#mae-influence")
    expect(page.locator(picker)).to_have_attribute("data-target", "67")
    page.locator("#mae-another").click()
    expect(page.locator("#mae-influence")).to_be_hidden()
    open_card(page, "mae", "ratios")  # of the new mask
    another_image_in(page, "#mae-ratios", ratios)


def test_composite_and_inpainting(visit: OpenPage) -> None:
    page = visit("/?tab=mae")
    open_card(page, "mae", "mix")  # shows its result at once
    mixed = image_in(page, "#mae-mix-original")
    assert mixed != image_in(page, "#mae-mix-pasted")
    open_card(page, "mae", "mend")
    canvas = "#mae-mend-canvas .mask-canvas"
    hidden(page, 0, canvas)
    page.locator("#mae-mend-scratches").click()
    expect(page.locator("#mae-mend-says")).to_contain_text("dB")
    seen = image_in(page, "#mae-mend-masked")
    stroke(page, 100 * 128 + 20, 100 * 128 + 60, canvas=canvas)
    another_image_in(page, "#mae-mend-masked", seen)
    page.locator("#mae-examples button").nth(2).click()
    hidden(page, 0, canvas)
    # Strokes still to be answered are not for this photo.
    no_marks = json.dumps(encode_mask(np.zeros((128, 128), bool)))
    expect(page.locator(canvas)).to_have_attribute("data-stroke", no_marks)
    expect(page.locator("#mae-mend-mended")).to_be_hidden()


@pytest.mark.slow
def test_details_and_summary_follow_the_brush(visit: OpenPage) -> None:
    page = visit("/?tab=mae")
    image_in(page, "#mae-result-slider")
    open_card(page, "mae", "details")
    masked = image_in(page, "#mae-result-masked")
    page.locator("#mae-canvas [data-tool=clear]").click()
    stroke(page, 34, 38)
    hidden(page, 5)
    masked = another_image_in(page, "#mae-result-masked", masked)
    with page.expect_download() as download:
        page.locator("#mae-result-sheet").click()
    with Image.open(download.value.path()) as sheet:
        assert sheet.width > 6 * 128
    assert download.value.suggested_filename.endswith(".png")


@pytest.mark.slow
def test_a_stroke_is_sent_little(visit: OpenPage) -> None:
    page = visit("/?tab=mae")
    guess = image_in(page, "#mae-result-slider")
    page.locator(f"{CANVAS} [data-tool=clear]").click()
    guess = another_image_in(page, "#mae-result-slider", guess)
    traffic = Traffic(page)
    for row in range(4):
        stroke(page, 16 * row + 4, 16 * row + 12)
        hidden(page, 9 * (row + 1))
        guess = another_image_in(page, "#mae-result-slider", guess)
    sent = traffic.received()
    assert sum(sent.values()) / 4 < 120_000, sent
    assert any(name.endswith(".webp") for name in sent), "the guess under the slider"
