"""All tabs that are planned, on one page: each can be seen and opened on a phone, by touch and by its key."""

from collections.abc import Iterator

import gradio as gr
import pytest
from fakes import ShallowModels
from playwright.sync_api import Browser, expect

from app import launch_options
from demos.core.context import Context, Demo, make_context
from demos.core.i18n import Texts
from demos.core.tabs import TAB_IDS
from demos.page.page import build_page

pytestmark = pytest.mark.browser
TEXTS = Texts.load()


def empty_tab(name: str) -> Demo:
    def build(ctx: Context) -> None:
        gr.Markdown(name, elem_id=f"shown-{name}")

    return Demo(name, build, lambda ctx, folder: None)


@pytest.fixture(scope="module")
def ten_tabs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a page with an empty tab at each place."""
    models = ShallowModels()
    context = make_context(models.load_model, models.weights_info, tmp_path_factory.mktemp("files"))
    with gr.Blocks(analytics_enabled=False) as page:
        build_page(page, context, [empty_tab(name) for name in TAB_IDS])
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **launch_options(TEXTS))
    yield url
    page.close()


@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("zh-CN", "zh")])
def test_ten_tabs_are_reached_on_a_phone_without_a_menu(
    browser: Browser, ten_tabs: str, locale: str, language: str
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, locale=locale)
    page.goto(ten_tabs)
    expect(page.locator("#shown-overview")).to_be_visible()
    expect(page.locator("#tabs .overflow-menu")).to_be_hidden()
    for place, name in enumerate(TAB_IDS, 1):
        tab = page.get_by_role("tab", name=TEXTS.tables[language][f"{name}.title"], exact=True)
        tab.click()
        expect(page.locator(f"#shown-{name}")).to_be_visible()
        box = tab.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] >= 40
        page.locator("body").press("1" if place > 1 else "0")
        page.locator("body").press(str(place % 10))
        expect(page.locator(f"#shown-{name}")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
