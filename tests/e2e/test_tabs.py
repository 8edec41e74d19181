"""Somebody brings images of their own to each tab and sees a result that was not there before."""

import json
import re
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Locator, Page, expect
from visits import (
    MAP,
    OpenPage,
    another_image_in,
    choose,
    image_in,
    images_of_examples,
    lasso_all,
    open_card,
    upload,
)

from demos.core.i18n import Texts

pytestmark = pytest.mark.browser

TEXTS = Texts.load().tables
EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
SLOW = 180_000  # milliseconds for what may have to wait until UMAP is compiled


@pytest.fixture
def own_photo(photo: Image.Image, tmp_path: Path) -> Path:
    """A photo that is none of the examples."""
    path = tmp_path / "mine.jpg"
    photo.save(path, quality=90)
    return path


def test_cyclegan_translates_a_photo_there_and_back(visit: OpenPage, own_photo: Path) -> None:
    page = visit("/?tab=cyclegan")
    translated, back = image_in(page, "#cyclegan-translated"), image_in(page, "#cyclegan-back")
    verdict = page.locator("#cyclegan-verdict").inner_text()
    upload(page, "#cyclegan-photo", own_photo)
    translated = another_image_in(page, "#cyclegan-translated", translated)
    another_image_in(page, "#cyclegan-back", back)
    expect(page.locator("#cyclegan-verdict")).not_to_have_text(verdict)
    choose(page, "#tab-cyclegan", "orange2apple")
    another_image_in(page, "#cyclegan-translated", translated)


def test_cyclegan_checks_warns_and_compares_on_request(visit: OpenPage, own_photo: Path, tmp_path: Path) -> None:
    page = visit("/?tab=cyclegan")
    realism = page.locator("#cyclegan-verdict").get_by_text("Fools the discriminator")
    expect(page.locator("#cyclegan-warning")).to_have_text("")
    expect(realism).to_be_visible()
    open_card(page, "cyclegan", "details")
    judged = image_in(page, "#cyclegan-judged")
    expect(page.locator("#cyclegan-convincing")).to_contain_text("Is it a convincing orange?")
    upload(page, "#cyclegan-photo", own_photo)
    another_image_in(page, "#cyclegan-judged", judged)
    expect(page.locator("#cyclegan-warning")).to_contain_text("does not look like")
    expect(realism).to_have_count(0)  # what is no fruit is not graded as one
    expect(page.locator("#cyclegan-convincing")).to_have_text("")
    expect(page.locator("#cyclegan-score")).not_to_contain_text("apple")
    with page.expect_download() as download:
        page.locator("#cyclegan-numbers").click()
    assert json.loads(download.value.path().read_text())["size"] == [160, 120]

    open_card(page, "cyclegan", "halves")
    halves = page.locator("#cyclegan-halves")
    expect(halves.locator("img")).to_have_count(9)
    before = halves.inner_text()
    page.locator("#cyclegan-halves-run").click()
    expect(halves).not_to_have_text(before)

    open_card(page, "cyclegan", "message")
    strength = page.locator("#cyclegan-message-strength input[type=number]")
    strength.fill("5")
    strength.press("Enter")
    expect(page.locator("#cyclegan-message-result img")).to_have_count(3)
    ring = page.locator("#cyclegan-message-curve .chart-key[data-style=points]")
    expect(ring).to_contain_text(TEXTS["en"]["cyclegan.message_ring"])


@pytest.mark.slow
def test_the_last_of_two_quick_choices_is_translated(visit: OpenPage) -> None:
    page = visit("/?tab=cyclegan")
    examples = page.locator("#cyclegan-examples button")
    last = images_of_examples(page, "#cyclegan-examples", "#cyclegan-translated", (3, 1))
    examples.nth(2).click()
    expect(page.locator("#cyclegan-photo img").first).not_to_have_attribute("src", "")
    page.wait_for_timeout(100)  # the first choice has been taken, and its translation is under way
    examples.nth(3).click()
    expect(page.locator("#cyclegan-translated img").first).to_have_attribute("src", last[3])


@pytest.mark.slow
def test_only_where_cyclegan_was_brushed_the_photo_changes(visit: OpenPage, own_photo: Path) -> None:
    page = visit("/?tab=cyclegan")
    translated = image_in(page, "#cyclegan-translated")
    open_card(page, "cyclegan", "own")
    choose(page, "#cyclegan-own-side", "512")
    canvas = page.locator("#cyclegan-own-editor canvas").first
    expect(canvas).to_be_visible()  # the photo is there at once
    page.locator("#cyclegan-own-take").click()
    expect(canvas).to_be_visible()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 30, middle[1] + 20, steps=5)
    page.mouse.up()
    upload(page, "#cyclegan-photo", own_photo)  # another photo above, and the brushed one is translated
    another_image_in(page, "#cyclegan-translated", translated)
    page.locator("#cyclegan-own-run").click()
    with page.context.expect_event("response", lambda r: "file=" in r.url and r.url.endswith(".png")) as fetched:
        image_in(page, "#cyclegan-own-result")
    made = np.asarray(Image.open(BytesIO(fetched.value.body())).convert("RGB")).astype(int)
    with Image.open(EXAMPLES / "fruit" / "apple-01.jpg") as photo:
        changed = np.abs(made - np.asarray(photo.convert("RGB"))).max(axis=2) > 0
    assert made.shape == (512, 512, 3)
    assert 0.001 < changed.mean() < 0.5, "a part of the photo, not all of it"


@pytest.mark.slow
def test_cyclegan_quiz_is_played_with_the_arrow_keys(visit: OpenPage) -> None:
    page = visit("/?tab=cyclegan", size=(390, 844))
    open_card(page, "cyclegan", "quiz")
    choose(page, "#cyclegan-quiz-exposure", "250")
    opened = image_in(page, "#cyclegan-photo")
    page.evaluate("document.querySelector('#cyclegan-quiz-start').scrollIntoView({block: 'end'})")  # cards lie below
    page.locator("#cyclegan-quiz-start").click()
    page.keyboard.press("ArrowRight")  # while the deck is made
    card, score = page.locator("#cyclegan-quiz-board [data-card]"), page.locator("#cyclegan-quiz-score")
    expect(card).to_be_focused()
    for setup in ("exposure", "own", "start"):
        expect(page.locator(f"#cyclegan-quiz-{setup}")).to_be_hidden()
    expect(card.locator("img")).to_be_hidden()  # after a quarter of a second
    for number in range(1, 19):
        expect(card).to_contain_text(f"{number} of 18")
        assert (card.locator("img").get_attribute("src") or "").startswith("data:image/jpeg;base64,")
        if number == 2:
            page.evaluate("scrollTo(0, 0)")
            page.keyboard.press("ArrowRight")  # brings the card back, unanswered
        expect(card).to_be_in_viewport(ratio=1)
        page.keyboard.press("ArrowLeft" if number % 2 else "ArrowRight")
        expect(score).to_contain_text(f"of {number} right")
    board = page.locator("#cyclegan-quiz-board")
    expect(board.locator("figure")).to_have_count(54)
    expect(board).to_contain_text(TEXTS["en"]["cyclegan.quiz_chance"].split("<b>")[0])
    expect(page.locator("#cyclegan-quiz-real")).to_be_hidden()
    expect(page.locator("#cyclegan-quiz-start")).to_be_visible()
    assert image_in(page, "#cyclegan-photo") == opened, "no key chose another example"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_mae_fills_in_a_photo(visit: OpenPage, own_photo: Path) -> None:
    page = visit("/?tab=mae")
    open_card(page, "mae", "details")
    error, pasted = image_in(page, "#mae-result-error"), image_in(page, "#mae-result-slider")
    upload(page, "#mae-input", own_photo)
    error = another_image_in(page, "#mae-result-error", error)
    pasted = another_image_in(page, "#mae-result-slider", pasted)
    page.locator("#mae-another").click()
    error = another_image_in(page, "#mae-result-error", error)
    pasted = another_image_in(page, "#mae-result-slider", pasted)
    choose(page, "#mae-kind", "block")
    another_image_in(page, "#mae-result-error", error)
    another_image_in(page, "#mae-result-slider", pasted)


def test_vae_interpolates_between_two_photos(visit: OpenPage, own_photo: Path) -> None:
    page = visit("/?tab=vae")
    strip = image_in(page, "#vae-result-strip")
    open_card(page, "vae", "details")
    ends = image_in(page, "#vae-result-ends")
    upload(page, "#vae-a", own_photo)
    strip = another_image_in(page, "#vae-result-strip", strip)
    another_image_in(page, "#vae-result-ends", ends)
    mirrored = own_photo.with_name("mirrored.png")
    with Image.open(own_photo) as image:
        ImageOps.invert(image).save(mirrored)
    upload(page, "#vae-b", mirrored)
    another_image_in(page, "#vae-result-strip", strip)


@pytest.mark.slow
def test_vae_draws_new_images(visit: OpenPage) -> None:
    page = visit("/?tab=vae")
    open_card(page, "vae", "samples")
    before = image_in(page, "#vae-samples")
    page.locator("#vae-more").click()
    another_image_in(page, "#vae-samples", before)


@pytest.mark.slow
def test_vae_applies_crossover_to_selected_samples(visit: OpenPage) -> None:
    page = visit("/?tab=vae&open=samples")
    image_in(page, "#vae-samples")
    cross = page.locator("#vae-samples [data-breed=cross]")
    for number in (2, 5):
        expect(cross).to_be_disabled()
        page.locator(f"#vae-samples [data-number='{number}']").click()
    cross.click()
    expect(page.locator("#vae-samples .parent")).to_have_count(2)


def opened_slice(page: Page, card: str, panel: str) -> Locator:
    """Open a card of the VAE tab; return its component once it shows an image."""
    open_card(page, "vae", card)
    flat = page.locator(f"{panel} .flat")
    expect(flat).to_have_attribute("data-seen", re.compile(r"\d"))
    return flat


@pytest.mark.slow
def test_vae_moves_on_a_plane_by_pointer_and_keys(visit: OpenPage) -> None:
    page = visit("/?tab=vae", size=(1280, 1000))
    flat = opened_slice(page, "grid", "#vae-plane")
    start = flat.get_attribute("data-seen") or ""
    drawing = flat.locator(".plane-map")
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4, steps=4)
    page.mouse.up()
    expect(flat).not_to_have_attribute("data-seen", start)
    drawing.press("Home")
    expect(flat).to_have_attribute("data-seen", start)
    drawing.press("ArrowRight")
    expect(flat).not_to_have_attribute("data-seen", start)
    with page.expect_download() as download:
        flat.locator("[data-save=numbers]").click()
    assert len(json.loads(download.value.path().read_text())["coordinates"]) == 2
    expect(page.locator("#vae-grid img")).to_be_visible()


@pytest.mark.slow
def test_vae_traverses_a_dimension_and_adds_a_difference(visit: OpenPage) -> None:
    page = visit("/?tab=vae", size=(1280, 1000))
    for card, panel in (("sliders", "#vae-knobs"), ("arithmetic", "#vae-arithmetic")):
        flat = opened_slice(page, card, panel)
        start = flat.get_attribute("data-seen") or ""
        flat.locator(".knob input").first.press("End")
        expect(flat).not_to_have_attribute("data-seen", start)
        flat.locator(".key-reset").click()
        expect(flat).to_have_attribute("data-seen", start)
        with page.expect_download() as download:
            flat.locator(".knob-head button").first.click()
        assert re.match(r"vae-(number-\d+|arithmetic)\.png", download.value.suggested_filename)
        with Image.open(download.value.path()) as strip:
            assert strip.size == (7 * 128, 128), "seven pictures"


@pytest.mark.slow
def test_vae_shows_the_model_of_a_link_in_every_part_and_forgets_a_removed_photo(visit: OpenPage) -> None:
    page = visit("/?tab=vae&model=vae-portraits", size=(1280, 1000))
    expect(page.locator("#vae-facts")).to_contain_text("vae-portraits")
    open_card(page, "vae", "samples")
    numbers = page.locator("#vae-samples a[download='vae-samples.json']")
    expect(numbers).to_be_attached()
    asked = page.request.get(page.evaluate("link => link.href", numbers.element_handle()))
    assert asked.json()["model"] == "vae-portraits"
    opened_slice(page, "grid", "#vae-plane")
    opened_slice(page, "arithmetic", "#vae-arithmetic")
    for part in ("#vae-a", "#vae-b", "#vae-c", "#vae-d", "#vae-group-minus", "#vae-group-plus"):
        expect(page.locator(f"{part} img").first).to_have_attribute("src", re.compile("portrait-"))
    flat = opened_slice(page, "sliders", "#vae-knobs")
    with page.expect_download() as download:
        flat.locator("[data-save=numbers]").click()
    assert json.loads(download.value.path().read_text())["model"] == "vae-portraits"
    open_card(page, "vae", "film")
    page.locator("#vae-film-make").click()
    expect(page.locator("#vae-film-save")).to_be_enabled()
    page.locator("#vae-a").get_by_role("button", name="Remove Image").click()
    expect(page.locator("#vae-film-save")).to_be_disabled()
    open_card(page, "vae", "sliders")
    expect(flat).to_have_attribute("data-state", "sorry")
    open_card(page, "vae", "details")
    expect(page.locator("#vae-save-numbers")).to_be_disabled()


def test_vae_compares_kl_weights_and_saves_a_video(visit: OpenPage) -> None:
    page = visit("/?tab=vae")
    open_card(page, "vae", "kl")
    expect(page.locator("#vae-lesson [data-model] img")).to_have_count(6)
    open_card(page, "vae", "film")
    page.locator("#vae-film-make").click()
    expect(page.locator("#vae-film-save")).to_be_enabled()
    with page.expect_download() as download:
        page.locator("#vae-film-save").click()
    assert download.value.path().read_bytes()[4:8] == b"ftyp"


@pytest.fixture
def own_images(tmp_path: Path) -> Path:
    """A zip with two folders of ten images each: dark squares and bright stripes."""
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


def drawn_map(visit: OpenPage, **how: Any) -> Page:
    page = visit("/?tab=embeddings", **how)
    expect(page.locator(f"{MAP}[data-state=drawn]")).to_be_visible()
    page.wait_for_function("map => Number(document.querySelector(map).dataset.paints) > 0", arg=MAP)
    return page


def place_of(page: Page, point: int, plot: str = MAP) -> tuple[float, float]:
    """Where a point of a map is in the window."""
    page.locator(plot).scroll_into_view_if_needed()
    x, y = page.evaluate("([map, id]) => document.querySelector(map).placeOf(id)", [plot, point])
    return x, y


def test_embeddings_maps_images_of_ones_own(visit: OpenPage, own_images: Path) -> None:
    page = drawn_map(visit)
    plot = page.locator(MAP)
    assert int(plot.get_attribute("data-count") or 0) > 100, "the built-in set is there at once"
    open_card(page, "embeddings", "own")
    upload(page, "#embeddings-upload", own_images)
    expect(plot).to_have_attribute("data-count", "20", timeout=SLOW)
    legend = page.locator("#embeddings-plot .scatter-legend")
    expect(legend).to_contain_text("squares")
    expect(legend).to_contain_text("stripes")
    choose(page, "#embeddings-encoder", "supervised")
    expect(page.locator("#embeddings-facts")).to_contain_text("supervised-photos", timeout=SLOW)
    expect(plot).to_have_attribute("data-count", "20")


def test_embeddings_shows_the_neighbours_of_an_image(visit: OpenPage) -> None:
    page = drawn_map(visit)
    neighbours = page.locator("#embeddings-neighbours")
    tile = neighbours.locator(".near-tile").first
    name = tile.get_attribute("title") or ""
    expect(neighbours.locator(f".near-tile[title='{name}']")).to_have_count(1)
    tile.click()
    expect(neighbours.locator(f".near-tile[title='{name}']")).to_have_count(0)
    expect(neighbours).to_contain_text(Path(name).name)


@pytest.mark.slow
def test_pointing_at_an_image_names_it_and_a_click_picks_it(visit: OpenPage) -> None:
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


def test_a_lasso_becomes_a_gallery_a_label_and_files(visit: OpenPage) -> None:
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
    expect(page.locator("#map-to-train")).to_be_enabled()
    page.locator("#map-to-train").click()
    expect(page.locator("#tab-train")).to_be_visible()
    expect(page.locator("#train-audit")).to_contain_text(re.compile(rf"\b{chosen:,}\b|\b{chosen}\b"), timeout=SLOW)


@pytest.mark.slow
def test_search_and_legend_leave_only_what_is_asked_for(visit: OpenPage) -> None:
    page = drawn_map(visit)
    page.locator(f"{MAP} .scatter-search").fill("chess")
    expect(page.locator(MAP)).to_have_attribute("data-found", "102")
    page.locator(f"{MAP} .scatter-search").fill("")
    chip = page.locator(f"{MAP} .scatter-chip", has_text="mountain")
    chip.click()
    expect(page.locator(f"{MAP} .scatter-chip[aria-pressed=true]")).to_have_count(1)
    assert page.locator(f"{MAP} .scatter-chip[data-faded=true]").count() == 19


@pytest.mark.slow
def test_two_maps_are_linked(visit: OpenPage) -> None:
    page = drawn_map(visit, size=(1280, 1400))
    open_card(page, "embeddings", "twins")
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


def test_a_new_image_is_placed_among_the_others(visit: OpenPage, own_photo: Path) -> None:
    page = drawn_map(visit)
    upload(page, "#embeddings-guest", own_photo)
    expect(page.locator("#embeddings-neighbours [data-guest]")).to_be_visible(timeout=SLOW)
    expect(page.locator("#embeddings-neighbours")).to_contain_text("%")
    expect(page.locator(MAP)).to_have_attribute("data-guest", "true")


@pytest.mark.slow
def test_the_views_of_an_image_are_shown(visit: OpenPage) -> None:
    page = drawn_map(visit)
    open_card(page, "embeddings", "pairs")
    expect(page.locator("#embeddings-views .views-matrix[data-method=simclr] .positive")).to_have_count(10)
    choose(page, "#embeddings-views-method", "moco")
    expect(page.locator("#embeddings-views .views-matrix[data-method=moco] .negative")).to_have_count(50)


@pytest.mark.slow
def test_why_two_images_are_near_is_told_until_another_is_picked(visit: OpenPage) -> None:
    page = drawn_map(visit)
    page.locator("#embeddings-why").click()
    shown = page.locator("#embeddings-why-shown")
    expect(shown.locator(".why-pair")).to_have_count(4)
    shown.locator(".near-tile").nth(3).click()
    expect(shown.locator(".near-tile").nth(3)).to_have_attribute("aria-pressed", "true")
    page.locator("#embeddings-neighbours .near-tile").first.click()
    expect(shown.locator(".why-pair")).to_have_count(0)


@pytest.mark.slow
def test_learning_plays_to_the_end_and_stops(visit: OpenPage) -> None:
    page = drawn_map(visit)
    open_card(page, "embeddings", "learning")
    expect(page.locator("#embeddings-learning .scatter[data-state=drawn]")).to_be_visible()
    page.locator("#embeddings-play").click()
    expect(page.locator("#embeddings-play")).to_have_attribute("data-playing", "true")
    expect(page.locator("#embeddings-play")).to_have_attribute("data-playing", "false")
    expect(page.locator("#embeddings-step-score")).to_contain_text("1,500")


@pytest.mark.slow
def test_what_is_told_of_other_images_goes_when_ones_own_come(visit: OpenPage, own_images: Path) -> None:
    page = drawn_map(visit)
    open_card(page, "embeddings", "learning")
    frames = page.locator("#embeddings-learning .scatter")
    expect(frames).to_have_attribute("data-state", "drawn")
    open_card(page, "embeddings", "twins")
    expect(page.locator("#embeddings-rows tr[data-encoder=mae]")).to_be_visible(timeout=SLOW)
    open_card(page, "embeddings", "own")
    upload(page, "#embeddings-upload", own_images)
    expect(page.locator(MAP)).to_have_attribute("data-count", "20", timeout=SLOW)
    open_card(page, "embeddings", "twins")
    expect(page.locator("#embeddings-rows tr")).to_have_count(0)
    expect(page.locator("#embeddings-twin .scatter")).to_have_attribute("data-count", "20", timeout=SLOW)
    open_card(page, "embeddings", "learning")
    page.locator("#embeddings-step input[type=range]").press("End")
    expect(frames).to_have_attribute("data-count", "20", timeout=SLOW)
    expect(page.locator("#embeddings-step-score")).to_contain_text("1,500")
    page.locator("#embeddings-step input[type=range]").press("Home")
    expect(page.locator("#embeddings-step-score")).not_to_contain_text("1,500")
    expect(frames).to_have_attribute("data-count", "20")


def test_the_network_is_compared_with_itself_before_training(visit: OpenPage) -> None:
    page = drawn_map(visit)
    verdict = page.locator("#embeddings-verdict")
    expect(verdict).to_contain_text("name the right kind for 77%")
    verdict.locator("[data-encoder=random]").click()
    expect(page.locator("#embeddings-encoder input[value=random]")).to_be_checked()
    expect(verdict).to_contain_text("After training (SimCLR): 77%")
    expect(verdict.locator("[data-encoder=simclr]")).to_be_visible()


@pytest.mark.slow
def test_the_gallery_of_a_lasso_goes_when_other_images_come(visit: OpenPage, own_images: Path) -> None:
    page = drawn_map(visit)
    lasso_all(page)
    expect(page.locator("#embeddings-chosen .chosen-tiles")).to_be_visible()
    open_card(page, "embeddings", "own")
    upload(page, "#embeddings-upload", own_images)
    expect(page.locator("#embeddings-chosen .chosen-tiles")).to_have_count(0)
    expect(page.locator("#embeddings-chosen-tools")).to_be_hidden()
