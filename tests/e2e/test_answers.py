"""In a browser: a call is answered even if it was made while the stream of answers was being closed."""

from collections.abc import Iterator

import gradio as gr
import pytest
from playwright.sync_api import Browser, Page, expect

from demos.page.mended_scripts import mended_scripts

pytestmark = pytest.mark.browser

# Holds back the message that closes the first stream until `window.release()`; counts the streams.
HOLD = """
window.streams = 0;
const fetched = window.fetch;
window.fetch = async (...given) => {
  const answer = await fetched(...given);
  if (!answer.url.includes("/queue/data")) return answer;
  window.streams += 1;
  const wait = new TransformStream({
    async transform(piece, out) {
      const closes = new TextDecoder().decode(piece).includes('"close_stream"');
      if (closes && !window.release) await new Promise((go) => { window.release = go; });
      out.enqueue(piece);
    },
  });
  return new Response(answer.body.pipeThrough(wait), { status: answer.status, headers: answer.headers });
};
"""


@pytest.fixture
def is_mended() -> bool:
    return True


@pytest.fixture
def page(browser: Browser, is_mended: bool) -> Iterator[Page]:
    with gr.Blocks() as app:
        first, second = gr.Button("first"), gr.Button("second")
        said = gr.Textbox(elem_id="said")
        first.click(lambda: "one", None, said)
        second.click(lambda: "two", None, said)
    routes = {"routes": mended_scripts() if is_mended else []}
    _, url, _ = app.queue().launch(prevent_thread_lock=True, quiet=True, app_kwargs=routes)
    page = browser.new_page()
    page.add_init_script(HOLD)
    page.goto(url)
    yield page
    page.close()
    app.close()


def call_while_the_stream_closes(page: Page) -> None:
    """Click once, and once more while the message that the stream is closed is on its way."""
    page.get_by_role("button", name="first").click()
    page.wait_for_function("Boolean(window.release)")
    with page.expect_response("**/queue/join*"):
        page.get_by_role("button", name="second").click()
    page.evaluate("window.release()")


def test_it_is_answered(page: Page) -> None:
    call_while_the_stream_closes(page)
    expect(page.locator("#said textarea, #said input")).to_have_value("two")
    page.wait_for_function("window.streams === 2")


def test_no_stream_is_opened_where_nothing_is_unanswered(page: Page) -> None:
    page.get_by_role("button", name="first").click()
    page.wait_for_function("Boolean(window.release)")
    page.evaluate("window.release()")
    page.get_by_role("button", name="second").click()
    expect(page.locator("#said textarea, #said input")).to_have_value("two")
    assert page.evaluate("window.streams") == 2


@pytest.mark.parametrize("is_mended", [False])
def test_gradio_by_itself_answers_with_the_next_call_only(page: Page) -> None:
    """Once this fails, the second mend of `demos.page.mended_scripts` can go."""
    call_while_the_stream_closes(page)
    page.wait_for_timeout(500)
    assert page.evaluate("window.streams") == 1
    expect(page.locator("#said textarea, #said input")).to_have_value("one")
