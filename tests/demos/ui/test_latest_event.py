"""Of several quick events the last one is answered: which listeners say so, and which need not."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr
import pytest
from fakes import ShallowModels

from demos.core.context import Context, make_context
from demos.embeddings import tab as embeddings
from demos.train import tab as train
from demos.ui.model_menu.menu import model_menu
from models.training.jobs import JobManager

# Listeners that may skip an event while an earlier one is answered, and why.
START = "a button that starts something: pressed twice, it starts it once"
CONSTANT = "answers the same whenever it is asked"
OPENS = "comes once, when a part of the page appears or opens"
ASKS_AGAIN = "the page asks again by itself"
PROGRAM = "programs call it as often as they like"
ONCE = {
    "embeddings-why click": START,
    "embeddings-measure click": START,
    "embeddings-stop click": START,
    "embeddings-views-again click": START,
    "embeddings-twin ready": OPENS,
    "embeddings-learning ready": OPENS,
    "embeddings-plot ready": OPENS,
    "<lambda> then": CONSTANT,  # takes the button away that stops a map
    "<lambda> success": CONSTANT,  # empties what is about other images or about a job that has begun
    "<lambda> failure": CONSTANT,
    "on_open expand": OPENS,
    "train-view ready": OPENS,
    "train-view stale": ASKS_AGAIN,
    "train-view unlisted": ASKS_AGAIN,
    "on_tick tick": ASKS_AGAIN,
    **{f"{tab}-model-{name} click": START for tab in ("embeddings", "mae") for name in ("fetch", "go", "cancel")},
    **{f"{tab}-model-id submit": START for tab in ("embeddings", "mae")},
    **{f"train-{name} click": START for name in ("go", "pause", "resume", "stop", "delete", "sure", "compare", "take")},
    **{f"{name} click": PROGRAM for name in ("embed", "place", "neighbours")},
}


def menu(ctx: Context) -> None:
    """The menu of models as a tab places it."""
    model_menu(ctx, "mae", "mae-photos")


@pytest.fixture
def ctx(shallow_models: ShallowModels, tmp_path: Path) -> Context:
    jobs = JobManager(tmp_path / "trainer")
    return make_context(
        shallow_models.load_model, shallow_models.weights_info, tmp_path / "files", first_paint=tmp_path, jobs=jobs
    )


def events_of(app: gr.Blocks, fn: gr.blocks.BlockFunction) -> list[str]:
    """What a listener listens to: the id in the page, or the name of the handler where there is none, and the event."""
    ids = [(getattr(app.blocks.get(target or -1), "elem_id", None), event) for target, event in fn.targets]
    return [f"{elem_id or fn.name} {event}" for elem_id, event in ids]


@pytest.mark.parametrize("build", [embeddings.build, menu, train.build])
def test_the_last_of_several_quick_events_is_answered(ctx: Context, build: Callable[[Context], object]) -> None:
    with gr.Blocks() as app:
        build(ctx)
    listeners = [fn for fn in app.fns.values() if fn.fn is not None]
    assert len(listeners) > 5
    skipping = {event for fn in listeners if fn.trigger_mode == "once" for event in events_of(app, fn)}
    assert skipping <= set(ONCE), "these events are lost while an earlier one is answered"


@pytest.mark.parametrize("build", [embeddings.build, menu, train.build])
def test_what_a_script_sends_is_that_of_the_last_event(ctx: Context, build: Callable[[Context], object]) -> None:
    """Gradio sends the data of the first event again, so that a handler must not take them from the event."""
    with gr.Blocks() as app:
        build(ctx)
    taking = [fn.name for fn in app.fns.values() if fn.fn and "EventData" in str(fn.fn.__annotations__.values())]
    reported = [fn for fn in app.fns.values() if fn.name in ("on_pick", "on_lasso", "on_choose")]
    assert not taking
    assert reported and all("unlabeledReports" in str(fn.js) for fn in reported)
