"""What an event leaves as it is is neither made anew nor kept for the visitor."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradio as gr
import pytest
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState

import app as app_module
from demos.core.context import Context
from demos.page.unchanged_outputs import LightBlocks

SKIP = gr.skip()


def page_of(kind: type[gr.Blocks]) -> tuple[gr.Blocks, BlockFunction]:
    """A page with one event that has four outputs, and that event."""
    with kind(analytics_enabled=False) as page:
        button = gr.Button("Go", render=False)
        outputs = [gr.HTML(), gr.Textbox(), gr.State(1), button.render()]
        button.click(lambda: None, None, outputs)
    (event,) = page.fns.values()
    return page, event


def sent(page: gr.Blocks, event: BlockFunction, values: Any, session: SessionState) -> list[Any]:
    with ThreadPoolExecutor(1) as pool:  # Playwright keeps a loop running in the thread of the tests
        return pool.submit(asyncio.run, page.postprocess_data(event, values, session)).result()


@pytest.mark.parametrize(
    "values",
    [
        [SKIP, SKIP, SKIP, SKIP],
        [SKIP, "text", 2, SKIP],
        ["<b>new</b>", SKIP, SKIP, gr.update(visible=False)],
        (SKIP, SKIP, 3, SKIP),
        ["<b>new</b>", "text", 2, "Stop"],
        SKIP,
    ],
)
def test_the_page_is_sent_what_gradio_sends(values: Sequence[Any]) -> None:
    answers, states = [], []
    for kind in (gr.Blocks, LightBlocks):
        page, event = page_of(kind)
        session = SessionState(page)
        answer = sent(page, event, values, session)
        answers.append([{k: v for k, v in each.items() if k != "props"} if isinstance(each, dict) else each
                        for each in answer])  # fmt: skip
        states.append(list(session.state_data.values()))
    assert answers[0] == answers[1] and states[0] == states[1]


def test_what_stays_as_it_is_is_not_made_anew() -> None:
    page, event = page_of(LightBlocks)
    session = SessionState(page)
    before = dict(session.blocks_config.blocks)
    sent(page, event, [SKIP, SKIP, 5, gr.update(visible=False)], session)
    changed = [block for key, block in before.items() if session.blocks_config.blocks[key] is not block]
    assert changed == [event.outputs[3]]


def test_a_wrong_number_of_values_is_still_a_mistake() -> None:
    page, event = page_of(LightBlocks)
    with pytest.raises(ValueError, match="output values"):
        sent(page, event, [SKIP, SKIP], SessionState(page))


def test_the_app_is_such_a_page(context: Context) -> None:
    assert isinstance(app_module.build_app(context), LightBlocks)
