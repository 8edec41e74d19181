"""In a browser: of two choices made before the first is answered, the last one is shown.

Those of the tab for CycleGAN are in `test_tabs.py`, strokes on the photo of the masked autoencoder in `test_mae.py`.
"""

import pytest
from playwright.sync_api import Page, expect
from visits import OpenPage, answers_held_back, asks, choose, images_of_examples

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def choose_two(page: Page, component: str, first: str, last: str) -> None:
    with answers_held_back(page):
        with asks(page):
            choose(page, component, first)
        choose(page, component, last)


def test_the_last_of_two_photos_is_interpolated(visit: OpenPage) -> None:
    page = visit("/?tab=vae")
    examples = page.locator("#vae-examples-a-fruit button")
    last = images_of_examples(page, "#vae-examples-a-fruit", "#vae-result-strip", (3, 1))
    with answers_held_back(page):
        with asks(page):
            examples.nth(2).click()
        examples.nth(3).click()
    expect(page.locator("#vae-result-strip img").first).to_have_attribute("src", last[3])


def test_the_map_of_the_last_of_two_encoders_is_shown(visit: OpenPage) -> None:
    page = visit("/?tab=embeddings")
    expect(page.locator("#embeddings-plot .scatter[data-state=drawn]")).to_be_visible()
    choose_two(page, "#embeddings-encoder", "supervised", "mae")
    expect(page.locator("#embeddings-facts")).to_contain_text("mae-photos")


def test_the_last_of_two_methods_is_offered(visit: OpenPage) -> None:
    page = visit("/?tab=train")
    choose_two(page, "#train-recipe", "mae", "cyclegan")
    expect(page.locator("#train-files-b")).to_be_visible()
    choose_two(page, "#train-recipe", "vae", "mae")
    expect(page.locator("#train-start input")).to_have_value("mae-photos")
    expect(page.locator("#train-files-b")).not_to_be_visible()
