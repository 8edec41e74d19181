"""Of several quick events the last one is answered: which listeners of the whole app say so, and which need not."""

import re
from collections.abc import Iterable

import gradio as gr
import pytest
from fakes import ShallowModels

import app as app_module
from demos.core.context import make_context
from demos.page.discovery import discover
from models.checkpoints import Library
from models.hub.client import Hub
from models.model_cache import ModelCache
from models.training.jobs import JobManager

# Listeners that may skip an event while an earlier one is answered, and why.
START = "a button that starts something: pressed twice, it starts it once"
CONSTANT = "answers the same whenever it is asked"
OPENS = "comes once, when a part of the page appears or opens"
ASKS_AGAIN = "the page asks again by itself"
PROGRAM = "programs call it as often as they like"
TABS = [demo.name for demo in discover()]
MENUS = [name for name in TABS if name != "train"]
PROGRAMS = (
    "embed", "place", "neighbours", "translate", "judge_translation", "reconstruct", "reconstruct_often",
    "reconstruct_ratios", "patch_influence", "mend_photo", "mix_photos", "interpolate", "grid", "sample", "shift",
)  # fmt: skip
PART = re.compile(r"fn part_\d+")  # what a part of the page consists of: the same whenever it is asked
ONCE = {
    "cyclegan-quiz-start click": START,
    "cyclegan-quiz-real click": START,  # answers the card that is shown, once
    "cyclegan-quiz-fake click": START,
    "cyclegan-room-open click": CONSTANT,
    "cyclegan-room advance": START,
    "cyclegan-room-reach check": OPENS,
    "cyclegan-room close": START,
    "cyclegan-room refresh": ASKS_AGAIN,
    "mae-mend-scratches click": START,
    "mae-mend-text click": START,
    "mae-often-go click": START,
    "mae-often-stop click": CONSTANT,
    "mae-ratios-go click": START,
    "mae-ratios-stop click": CONSTANT,
    "mae-result-sheet click": START,
    "vae-film-make click": START,
    "vae-more click": START,
    "vae-samples breed": START,  # from the samples that are shown, which it replaces
    "embeddings-why click": START,
    "embeddings-measure click": START,
    "embeddings-stop click": START,
    "embeddings-home click": START,
    "embeddings-views-again click": START,
    "embeddings-twin ready": OPENS,
    "embeddings-learning ready": OPENS,
    "embeddings-plot ready": OPENS,
    "<lambda> take_train": CONSTANT,  # hands on what the page has
    "<lambda> then": CONSTANT,  # takes the button away that stops a map
    "<lambda> success": CONSTANT,  # empties what is about other images or about a job that has begun
    "<lambda> failure": CONSTANT,
    "on_open then": START,
    **{f"{tab}-panel-models expand": OPENS for tab in MENUS},
    "train-view ready": OPENS,
    "train-view stale": ASKS_AGAIN,
    "train-view unlisted": ASKS_AGAIN,
    "on_tick tick": ASKS_AGAIN,
    "train-remote-ask click": START,
    "train-remote-go click": START,
    **{f"train-remote-{event}": CONSTANT for event in ("flavor input", "hours release", "token input")},
    **{f"{tab}-model-{name} click": START for tab in MENUS for name in ("fetch", "go", "cancel")},
    **{f"{tab}-model-id submit": START for tab in MENUS},
    **{f"on_link link_{tab}": OPENS for tab in MENUS},
    **{f"train-{name} click": START for name in ("go", "pause", "resume", "stop", "delete", "sure", "compare", "take")},
    **{f"{name} click": PROGRAM for name in PROGRAMS},
}


@pytest.fixture(scope="module")
def app(shallow_models: ShallowModels, tmp_path_factory: pytest.TempPathFactory) -> gr.Blocks:
    folder = tmp_path_factory.mktemp("app")
    load, about, jobs = shallow_models.load_model, shallow_models.weights_info, JobManager(folder / "trainer")
    online = Library(Hub("http://127.0.0.1:9", folder / "cache", folder / "assets"), ModelCache())  # shows all sections
    return app_module.build_app(
        make_context(load, about, folder / "files", first_paint=folder, library=online, jobs=jobs)
    )


def events_of(app: gr.Blocks, fn: gr.blocks.BlockFunction) -> list[str]:
    """What a listener listens to: the id in the page, or the name of the handler where there is none, and the event."""
    ids = [(getattr(app.blocks.get(target or -1), "elem_id", None), event) for target, event in fn.targets]
    return [f"{elem_id or fn.name} {event}" for elem_id, event in ids]


def listeners_of(app: gr.Blocks) -> list[gr.blocks.BlockFunction]:
    return [fn for fn in app.fns.values() if fn.fn is not None]


def losing(app: gr.Blocks, allowed: Iterable[str] = ONCE) -> set[str]:
    """The events that are lost while an earlier one of the same listener is answered."""
    skipping = [fn for fn in listeners_of(app) if fn.trigger_mode == "once"]
    events = {event for fn in skipping for event in events_of(app, fn)} - set(allowed)
    return {event for event in events if not PART.fullmatch(event)}


def test_the_last_of_several_quick_events_is_answered_in_every_tab(app: gr.Blocks) -> None:
    answered = {event for fn in listeners_of(app) if fn.trigger_mode == "always_last" for event in events_of(app, fn)}
    choices = {
        "cyclegan-photo upload", "cyclegan-direction input", "cyclegan-models pick", "mae-input upload",
        "mae-canvas stroke", "mae-mend-canvas stroke", "mae-models pick", "vae-a upload", "vae-model input",
        "embeddings-plot lasso", "embeddings-give click", "embeddings-encoder input", "embeddings-guest change",
        "embeddings-models pick", "train-recipe input", "train-files-a change",
    }  # fmt: skip
    assert choices <= answered
    assert not losing(app)
    unknown = set(ONCE) - {event for fn in listeners_of(app) for event in events_of(app, fn)}
    assert not unknown, "nobody listens to these"


def test_an_event_left_at_once_is_found() -> None:
    with gr.Blocks() as planted:
        for elem_id in ("lasso", "label", "encoder", "photo", "stroke", "free"):
            field = gr.Radio(["a", "b"], elem_id=elem_id)
            field.input(lambda choice: None, field, trigger_mode="always_last" if elem_id == "free" else None)
    assert losing(planted) == {f"{elem_id} input" for elem_id in ("lasso", "label", "encoder", "photo", "stroke")}


def test_what_a_script_sends_is_that_of_the_last_event(app: gr.Blocks) -> None:
    """Gradio sends the data of the first event again, so that such a handler must not take them from the event."""
    last = [fn for fn in listeners_of(app) if fn.trigger_mode == "always_last"]
    assert not [fn.name for fn in last if "EventData" in str(getattr(fn.fn, "__annotations__", {}).values())]
    reported = [fn for fn in last if fn.name in ("on_pick", "on_lasso", "on_choose", "on_explain_other")]
    assert reported and all("unlabeledReports" in str(fn.js) for fn in reported)
