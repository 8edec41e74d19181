"""Somebody brings pictures of their own to each tab and sees a result that was not there before."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Page, expect
from visits import Visit, another_picture_in, picture_in, upload

from demos._i18n import Texts

pytestmark = pytest.mark.browser

TEXTS = Texts.load().tables
SLOW = 180_000  # milliseconds for what may have to wait until UMAP is compiled


@pytest.fixture
def own_photo(photo: Image.Image, tmp_path: Path) -> Path:
    """A photo that is none of the examples."""
    path = tmp_path / "mine.jpg"
    photo.save(path, quality=90)
    return path


def test_cyclegan_translates_a_photo_there_and_back(visit: Visit, own_photo: Path) -> None:
    page = visit("/?tab=cyclegan")
    translated, back = picture_in(page, "#cyclegan-translated"), picture_in(page, "#cyclegan-back")
    score = page.locator("#cyclegan-score").inner_text()
    upload(page, "#cyclegan-photo", own_photo)
    translated = another_picture_in(page, "#cyclegan-translated", translated)
    another_picture_in(page, "#cyclegan-back", back)
    expect(page.locator("#cyclegan-score")).not_to_have_text(score)
    page.locator("#tab-cyclegan input[value=orange2apple]").check(force=True)
    another_picture_in(page, "#cyclegan-translated", translated)


def test_mae_fills_in_a_photo(visit: Visit, own_photo: Path) -> None:
    page = visit("/?tab=mae")
    masked, pasted = picture_in(page, "#mae-result-masked"), picture_in(page, "#mae-result-pasted")
    upload(page, "#mae-input", own_photo)
    masked = another_picture_in(page, "#mae-result-masked", masked)
    pasted = another_picture_in(page, "#mae-result-pasted", pasted)
    page.locator("#mae-another").click()
    masked = another_picture_in(page, "#mae-result-masked", masked)
    pasted = another_picture_in(page, "#mae-result-pasted", pasted)
    page.locator("#mae-kind input[value=block]").check(force=True)
    another_picture_in(page, "#mae-result-masked", masked)
    another_picture_in(page, "#mae-result-pasted", pasted)


def test_vae_morphs_one_photo_into_another(visit: Visit, own_photo: Path) -> None:
    page = visit("/?tab=vae")
    strip, ends = picture_in(page, "#vae-result-strip"), picture_in(page, "#vae-result-ends")
    upload(page, "#vae-a", own_photo)
    strip = another_picture_in(page, "#vae-result-strip", strip)
    another_picture_in(page, "#vae-result-ends", ends)
    mirrored = own_photo.with_name("mirrored.png")
    with Image.open(own_photo) as image:
        ImageOps.invert(image).save(mirrored)
    upload(page, "#vae-b", mirrored)
    another_picture_in(page, "#vae-result-strip", strip)


def test_vae_draws_new_pictures(visit: Visit) -> None:
    page = visit("/?tab=vae")
    before = picture_in(page, "#vae-samples")
    page.locator("#vae-more").click()
    another_picture_in(page, "#vae-samples", before)


@pytest.fixture
def own_pictures(tmp_path: Path) -> Path:
    """A zip with two folders of ten pictures each: dark squares and bright stripes."""
    random = np.random.default_rng(1)
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20):
            pixels = random.integers(0, 60, (64, 64, 3), dtype=np.uint8)
            folder = ("squares", "stripes")[number % 2]
            place = int(random.integers(8, 32))
            if folder == "squares":
                pixels[place : place + 16, place : place + 16] += 60
            else:
                pixels[:, :: 8 + place % 4] += 190
            with archive.open(f"{folder}/{number}.png", "w") as file:
                Image.fromarray(pixels).save(file, "PNG")
    return path


MAP = "#embeddings-plot .scatter"


def drawn_map(visit: Visit, **how: Any) -> Page:
    page = visit("/?tab=embeddings", **how)
    expect(page.locator(f"{MAP}[data-state=drawn]")).to_be_visible()
    page.wait_for_function("map => Number(document.querySelector(map).dataset.paints) > 0", arg=MAP)
    return page


def place_of(page: Page, point: int, plot: str = MAP) -> tuple[float, float]:
    """Where a point of a map is in the window."""
    page.locator(plot).scroll_into_view_if_needed()
    x, y = page.evaluate("([map, id]) => document.querySelector(map).placeOf(id)", [plot, point])
    return x, y


def lasso_all(page: Page) -> None:
    page.locator(f"{MAP} [data-action=lasso]").click()
    page.locator(MAP).scroll_into_view_if_needed()
    box = page.locator(f"{MAP} .scatter-plot").bounding_box()
    assert box
    left, top, right, bottom = box["x"] + 3, box["y"] + 60, box["x"] + box["width"] - 3, box["y"] + box["height"] - 3
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom)):
        page.mouse.move(*corner, steps=4)
    page.mouse.up()


def test_embeddings_maps_pictures_of_ones_own(visit: Visit, own_pictures: Path) -> None:
    page = drawn_map(visit)
    plot = page.locator(MAP)
    assert int(plot.get_attribute("data-count") or 0) > 100, "the built-in set is there at once"
    upload(page, "#embeddings-upload", own_pictures)
    expect(plot).to_have_attribute("data-count", "20", timeout=SLOW)
    legend = page.locator("#embeddings-plot .scatter-legend")
    expect(legend).to_contain_text("squares")
    expect(legend).to_contain_text("stripes")
    page.locator("#embeddings-encoder input[value=supervised]").check(force=True)
    expect(page.locator("#embeddings-facts")).to_contain_text("supervised-photos", timeout=SLOW)
    expect(plot).to_have_attribute("data-count", "20")


def test_embeddings_shows_the_neighbours_of_a_picture(visit: Visit) -> None:
    page = drawn_map(visit)
    neighbours = page.locator("#embeddings-neighbours")
    tile = neighbours.locator(".near-tile").first
    name = tile.get_attribute("title") or ""
    expect(neighbours.locator(f".near-tile[title='{name}']")).to_have_count(1)
    tile.click()
    expect(neighbours.locator(f".near-tile[title='{name}']")).to_have_count(0)
    expect(neighbours).to_contain_text(Path(name).name)


def test_pointing_at_a_picture_names_it_and_a_click_picks_it(visit: Visit) -> None:
    page = drawn_map(visit)
    x, y = place_of(page, 37)
    page.evaluate(
        "map => { window.hovered = null; document.querySelector(map).addEventListener('pointermove',"
        " () => { window.hovered = performance.now(); }, true);"
        " new MutationObserver(() => { window.shown = performance.now(); })"
        ".observe(document.querySelector(`${map} .scatter-card`), { attributeFilter: ['hidden'] }); }",
        MAP,
    )
    page.mouse.move(x, y)
    card = page.locator("#embeddings-plot .scatter-card")
    expect(card).to_be_visible()
    assert page.evaluate("window.shown - window.hovered") <= 100, "milliseconds from pointing to the card"
    point = card.get_attribute("data-id")
    page.mouse.click(x, y)
    expect(page.locator(f"#embeddings-neighbours [data-picked='{point}']")).to_be_visible()


def test_a_lasso_becomes_a_gallery_a_label_and_files(visit: Visit) -> None:
    page = drawn_map(visit)
    count = int(page.locator(MAP).get_attribute("data-count") or 0)
    lasso_all(page)
    gallery = page.locator("#embeddings-chosen .chosen-tiles")
    expect(gallery).to_be_visible()
    chosen = int(gallery.get_attribute("data-chosen") or 0)
    assert count * 0.8 < chosen <= count
    files = {}
    for name in ("table", "pictures"):
        expect(page.locator(f"#embeddings-chosen-{name}")).to_be_enabled()
        with page.expect_download() as download:
            page.locator(f"#embeddings-chosen-{name}").click()
        files[name] = download.value.path()
    rows = files["table"].read_text("utf-8-sig").splitlines()
    assert rows[0] == "id,file,label,x,y" and len(rows) == chosen + 1
    with zipfile.ZipFile(files["pictures"]) as archive:
        assert len(archive.namelist()) == chosen
    page.locator("#embeddings-label textarea, #embeddings-label input").fill("everything")
    page.locator("#embeddings-give").click()
    expect(page.locator("#embeddings-plot .scatter-legend")).to_contain_text("everything")


def test_search_and_legend_leave_only_what_is_asked_for(visit: Visit) -> None:
    page = drawn_map(visit)
    page.locator(f"{MAP} .scatter-search").fill("chess")
    expect(page.locator(MAP)).to_have_attribute("data-found", "102")
    page.locator(f"{MAP} .scatter-search").fill("")
    chip = page.locator(f"{MAP} .scatter-chip", has_text="mountain")
    chip.click()
    expect(page.locator(f"{MAP} .scatter-chip[aria-pressed=true]")).to_have_count(1)
    assert page.locator(f"{MAP} .scatter-chip[data-faded=true]").count() == 19


def test_two_maps_are_linked(visit: Visit) -> None:
    page = drawn_map(visit, size=(1280, 1400))
    page.get_by_role("button", name=TEXTS["en"]["embeddings.compare"]).click()
    twin = "#embeddings-twin .scatter"
    expect(page.locator(f"{twin}[data-state=drawn]")).to_be_visible(timeout=SLOW)
    expect(page.locator("#embeddings-rows tr[data-encoder=mae]")).to_be_visible()
    lasso_all(page)
    expect(page.locator(twin)).not_to_have_attribute("data-chosen", "0")
    assert page.locator(twin).get_attribute("data-chosen") == page.locator(MAP).get_attribute("data-chosen")
    page.locator(f"{MAP} [data-action=clear]").click()
    page.wait_for_function("map => document.querySelector(map).dataset.chosen === '0'", arg=twin)
    x, y = place_of(page, 200, twin)
    page.mouse.click(x, y)
    expect(page.locator("#embeddings-neighbours .near-picked")).not_to_have_attribute("data-picked", "0")


def test_a_new_picture_is_placed_among_the_others(visit: Visit, own_photo: Path) -> None:
    page = drawn_map(visit)
    upload(page, "#embeddings-guest", own_photo)
    expect(page.locator("#embeddings-neighbours [data-guest]")).to_be_visible(timeout=SLOW)
    expect(page.locator("#embeddings-neighbours")).to_contain_text("%")
    expect(page.locator(MAP)).to_have_attribute("data-guest", "true")


def test_the_views_of_a_picture_are_shown(visit: Visit) -> None:
    page = drawn_map(visit)
    page.get_by_role("button", name=TEXTS["en"]["embeddings.views"]).click()
    expect(page.locator("#embeddings-views .views-matrix[data-method=simclr] .positive")).to_have_count(10)
    page.locator("#embeddings-views-method input[value=moco]").check(force=True)
    expect(page.locator("#embeddings-views .views-matrix[data-method=moco] .negative")).to_have_count(50)


def test_why_two_pictures_are_near_is_told_until_another_is_picked(visit: Visit) -> None:
    page = drawn_map(visit)
    page.locator("#embeddings-why").click()
    shown = page.locator("#embeddings-why-shown")
    expect(shown.locator(".why-pair")).to_have_count(4)
    shown.locator(".near-tile").nth(3).click()
    expect(shown.locator(".near-tile").nth(3)).to_have_attribute("aria-pressed", "true")
    page.locator("#embeddings-neighbours .near-tile").first.click()
    expect(shown.locator(".why-pair")).to_have_count(0)


def test_learning_plays_to_the_end_and_stops(visit: Visit) -> None:
    page = drawn_map(visit)
    page.get_by_role("button", name=TEXTS["en"]["embeddings.learning"]).click()
    expect(page.locator("#embeddings-learning .scatter[data-state=drawn]")).to_be_visible()
    page.locator("#embeddings-play").click()
    expect(page.locator("#embeddings-play")).to_have_attribute("data-playing", "true")
    expect(page.locator("#embeddings-play")).to_have_attribute("data-playing", "false")
    expect(page.locator("#embeddings-step-score")).to_contain_text("1,500")


def test_the_gallery_of_a_lasso_goes_when_other_pictures_come(visit: Visit, own_pictures: Path) -> None:
    page = drawn_map(visit)
    lasso_all(page)
    expect(page.locator("#embeddings-chosen .chosen-tiles")).to_be_visible()
    upload(page, "#embeddings-upload", own_pictures)
    expect(page.locator("#embeddings-chosen .chosen-tiles")).to_have_count(0)
    expect(page.locator("#embeddings-chosen-tools")).to_be_hidden()
