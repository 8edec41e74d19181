"""In a browser: of several quick events the last one is answered, also where an earlier one fails."""

import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from playwright.sync_api import Browser, Page, expect

from demos.page.mended_scripts import mended_scripts
from demos.ui.latest_event import on_report, reporter

pytestmark = pytest.mark.browser

WORDS = ["bad", "one", "two", "three"]
SCRIPT = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) report("pick", { word: button.textContent });
});
"""


class Slow:
    """A handler that is busy until the page has sent what comes meanwhile, and that may fail at first."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.go_on = threading.Event()

    def answer(self, word: str) -> str:
        self.calls.append(word)
        self.go_on.wait(30)
        if word == "bad":
            raise gr.Error("this one fails")
        return word


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def is_mended() -> bool:
    return True


@pytest.fixture
def page(browser: Browser, slow: Slow, is_mended: bool) -> Iterator[Page]:
    def on_pick(report: Any) -> str:
        return slow.answer(report["word"])

    def on_words(words: str) -> str:
        return slow.answer(words)

    with gr.Blocks() as app:
        words = "".join(f"<button>{word}</button>" for word in WORDS)
        source = gr.HTML(words, js_on_load=reporter("words") + SCRIPT, elem_id="words")
        field = gr.Radio(WORDS, elem_id="field")
        picked, typed = gr.Textbox(elem_id="picked"), gr.Textbox(elem_id="typed")
        on_report(source, "words", "pick", on_pick, [], [picked])
        field.input(on_words, field, typed, trigger_mode="always_last")
    routes = {"routes": mended_scripts() if is_mended else []}
    _, url, _ = app.queue().launch(prevent_thread_lock=True, quiet=True, app_kwargs=routes)
    page = browser.new_page()
    page.goto(url)
    page.locator("#words button").first.wait_for()
    yield page
    page.close()
    app.close()


@pytest.mark.parametrize("first", ["one", "bad"])
def test_the_last_report_wins(page: Page, slow: Slow, first: str) -> None:
    for word in (first, "two", "three"):
        page.locator("#words button", has_text=word).click()
        while not slow.calls:
            page.wait_for_timeout(20)
    slow.go_on.set()
    expect(page.locator("#picked textarea, #picked input").first).to_have_value("three")
    assert slow.calls == [first, "three"]


@pytest.mark.parametrize("first", ["one", "bad"])
def test_the_last_value_wins(page: Page, slow: Slow, first: str) -> None:
    for word in (first, "two", "three"):
        page.locator(f"#field input[value={word}]").check()
        while not slow.calls:
            page.wait_for_timeout(20)
    slow.go_on.set()
    expect(page.locator("#typed textarea, #typed input").first).to_have_value("three")
    assert slow.calls == [first, "three"]


def test_a_failure_after_which_nothing_came_is_not_tried_again(page: Page, slow: Slow) -> None:
    slow.go_on.set()
    page.locator("#words button", has_text="bad").click()
    expect(page.get_by_text("this one fails")).to_have_count(1)
    page.locator("#words button", has_text="one").click()
    expect(page.locator("#picked textarea, #picked input").first).to_have_value("one")
    assert slow.calls == ["bad", "one"]


@pytest.mark.parametrize("is_mended", [False])
def test_gradio_by_itself_loses_what_came_before_a_failure(page: Page, slow: Slow) -> None:
    """Once this fails, `demos.page.mended_scripts` can go."""
    page.locator("#field input[value=bad]").check()
    while not slow.calls:
        page.wait_for_timeout(20)
    page.locator("#field input[value=two]").check()
    slow.go_on.set()
    expect(page.get_by_text("this one fails")).to_have_count(1)
    page.wait_for_timeout(500)
    assert slow.calls == ["bad"]
