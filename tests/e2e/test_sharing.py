"""What a visitor hands on: a picture of the result, and the result itself to the next tab."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from visits import OpenPage

from demos.core.paths import EXAMPLES
from demos.page.markup import NEXT

pytestmark = pytest.mark.browser

SHOWN = {  # what a tab must show before it can be shared
    "cyclegan": "#cyclegan-back img",
    "mae": "#mae-canvas [data-state=drawn]",
    "vae": "#vae-result-strip .film-lerp",
    "embeddings": "#embeddings-plot [data-state=drawn]",
}
# Keeps what is handed to the system's sheet, as on a phone, and says that there is such a sheet.
SHEET = """
window.handedOn = [];
navigator.canShare = () => true;
navigator.share = async (data) => { window.handedOn.push([data.title, data.files[0].name, data.files[0].size]); };
const ask = window.matchMedia;
window.matchMedia = (query) => (query === "(pointer: coarse)" ? { matches: true } : ask.call(window, query));
"""


# Whether all images of the button to share are there, and something is painted on its canvases.
PAINTED = """(tab) => {
  const button = document.querySelector(`#tab-${tab} [data-share]`);
  return JSON.parse(button.dataset.share).flat().map((each) => document.querySelector(each)).every((shown) =>
    shown instanceof HTMLImageElement ? shown.complete && shown.naturalWidth > 0
      : shown && shown.getContext("2d").getImageData(0, 0, shown.width, shown.height).data.some(Boolean));
}"""


def saved(page: Page, tab: str) -> Image.Image:
    page.wait_for_function(PAINTED, arg=tab)
    with page.expect_download() as download:
        page.locator(f"#tab-{tab} .share-row button:visible").first.click()
    assert download.value.suggested_filename == f"unlabeled-{tab}.png"
    return Image.open(io.BytesIO(Path(download.value.path()).read_bytes())).convert("RGB")


def colours_in(image: Image.Image, box: tuple[int, int, int, int]) -> int:
    return len(image.crop(box).getcolors(1 << 20) or [])


@pytest.mark.parametrize("tab", [pytest.param(tab, marks=pytest.mark.slow if tab != "mae" else ()) for tab in SHOWN])
def test_the_picture_holds_title_result_and_number(visit: OpenPage, tab: str) -> None:
    page = visit(f"/?tab={tab}", ready=SHOWN[tab])
    picture = saved(page, tab)
    assert picture.size == (1200, 600)
    for part in ((40, 30, 640, 90), (100, 104, 1100, 424), (40, 450, 640, 565)):
        assert colours_in(picture, part) > 20, f"nothing is drawn in {part}"
    expect(page.locator(f"#tab-{tab} .share-told:visible").first).to_have_text("Saved as a picture.")


def test_where_nothing_is_shown_nothing_is_saved(visit: OpenPage) -> None:
    page = visit("/?tab=mae", ready=SHOWN["mae"])
    page.locator("#mae-result-slider").wait_for()
    page.evaluate("for (const id of ['mae-result-slider', 'mae-canvas']) document.getElementById(id).remove()")
    page.locator("#tab-mae .share-row button:visible").first.click()
    expect(page.locator("#tab-mae .share-told:visible").first).to_have_text("There is no result to share yet.")


def test_a_phone_hands_the_picture_to_its_own_sheet(visit: OpenPage) -> None:
    page = visit("/?tab=mae", ready=SHOWN["mae"])
    page.evaluate(SHEET)
    page.locator("#tab-mae .share-row button:visible").first.click()
    page.wait_for_function("() => window.handedOn.length === 1")
    (title, name, size), *_ = page.evaluate("window.handedOn")
    assert (title, name) == ("Mostly hidden, and guessed by a network", "unlabeled-mae.png") and size > 10_000


@pytest.mark.slow
def test_a_link_never_holds_the_photo(visit: OpenPage) -> None:
    page = visit("/?tab=mae", ready=SHOWN["mae"])
    own = next((EXAMPLES / "fruit").glob("*.jpg"))
    page.locator("#mae-input input[type=file]").first.set_input_files(own)
    expect(page.locator("#mae-input img")).to_have_attribute("src", re.compile(own.stem))
    page.locator("#mae-ratio input[type=number]").fill("60")
    page.locator("#mae-ratio input[type=number]").press("Enter")
    page.wait_for_function("() => location.search.includes('ratio=60')")
    saved(page, "mae")
    assert own.stem not in page.url and "example" not in page.url


def test_the_next_tab_gets_the_picture(visit: OpenPage) -> None:
    page = visit("/?tab=cyclegan", ready=SHOWN["cyclegan"])
    page.locator("#tab-cyclegan .next-step button").click()
    expect(page.locator("#tab-vae .lead").first).to_be_visible()
    page.wait_for_function("() => document.querySelector('#vae-a img')?.src.includes('translated')")
    expect(page.locator("#tab-vae .next-step button")).to_be_visible()


@pytest.mark.slow
def test_every_step_leads_on(visit: OpenPage) -> None:
    page = visit("/?tab=cyclegan", ready=SHOWN["cyclegan"])
    tab = "cyclegan"
    while tab in NEXT:
        page.locator(f"#tab-{tab} .next-step button").click()
        tab = NEXT[tab][0]
        expect(page.locator(f"#tab-{tab} .lead").first).to_be_visible()
        if tab in SHOWN:
            page.locator(SHOWN[tab]).first.wait_for()
    assert tab == "train"
