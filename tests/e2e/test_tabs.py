"""Somebody brings pictures of their own to each tab and sees a result that was not there before."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect
from visits import Visit, another_picture_in, picture_in, upload

pytestmark = pytest.mark.browser

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


def test_embeddings_maps_pictures_of_ones_own(visit: Visit, own_pictures: Path) -> None:
    page = visit("/?tab=embeddings")
    points = page.locator("#embeddings-plot .scatter[data-state=drawn] .points path")
    expect(points.first).to_be_visible()
    assert points.count() > 100, "the built-in set is there at once"
    upload(page, "#embeddings-upload", own_pictures)
    expect(points).to_have_count(20, timeout=SLOW)
    legend = page.locator("#embeddings-plot .scatter-legend")
    expect(legend).to_contain_text("squares")
    expect(legend).to_contain_text("stripes")
    expect(page.locator("#embeddings-facts")).to_contain_text("simsiam-photos")
    page.locator("#embeddings-encoder input[value=supervised]").check(force=True)
    expect(page.locator("#embeddings-facts")).to_contain_text("supervised-photos", timeout=SLOW)
    expect(points).to_have_count(20)


def test_embeddings_shows_the_neighbours_of_a_picture(visit: Visit) -> None:
    page = visit("/?tab=embeddings")
    expect(page.locator("#embeddings-plot .scatter[data-state=drawn]")).to_be_visible()
    neighbours = page.locator("#embeddings-neighbours")
    tile = neighbours.locator(".near-tile").first
    name = tile.get_attribute("title") or ""
    expect(neighbours.locator(f".near-tile[title='{name}']")).to_have_count(1)
    tile.click()
    expect(neighbours.locator(f".near-tile[title='{name}']")).to_have_count(0)
    expect(neighbours).to_contain_text(Path(name).name)
