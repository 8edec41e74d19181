"""The page is sent with one tab; everything else comes whole, once, when it is opened."""

import json
import re
from collections.abc import Iterator
from typing import Any

import gradio as gr
import httpx
import pytest

import app as app_module
from demos.core.i18n import Texts
from demos.page import deferred_parts
from demos.page.deferred_parts import DeferredBlocks, Part
from demos.page.page_split import PageSplit
from demos.ui.deferred import DEFERRED

Config = dict[str, Any]


@pytest.fixture(scope="module")
def page(shallow_models: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[gr.Blocks]:
    """The whole app, launched."""
    folder = tmp_path_factory.mktemp("app")
    context = app_module.make_context(
        shallow_models.load_model, shallow_models.weights_info, folder / "files", first_paint=folder
    )
    app = app_module.build_app(context)
    app.launch(prevent_thread_lock=True, quiet=True, **app_module.launch_options(Texts.load(), context.routes))
    yield app
    app.close()


@pytest.fixture(scope="module")
def split(page: DeferredBlocks) -> PageSplit:
    assert page.split is not None
    return page.split


def sent(page: gr.Blocks, query: str = "") -> Config:
    """Return what a browser is sent when it asks for the page."""
    found = re.search(r"window\.gradio_config = (\{.*?\});</script>", httpx.get(f"{page.local_url}{query}").text, re.S)
    assert found
    return dict(json.loads(found[1]))


def ids(config: Config) -> set[int]:
    return {each["id"] for each in config["components"]}


def laid_out(node: Config) -> list[int]:
    return [node["id"], *(one for child in node.get("children", []) for one in laid_out(child))]


def tabs(page: gr.Blocks) -> dict[str, gr.Tab]:
    return {str(each.id): each for each in page.blocks.values() if isinstance(each, gr.Tab) and each.id}


def inside(block: Any) -> set[int]:
    return {one for child in getattr(block, "children", []) for one in (child._id, *inside(child))}


@pytest.mark.parametrize(
    ("query", "opened"), [("", None), ("?tab=vae", "vae"), ("?tab=none", None), ("?tab=train", "train")]
)
def test_nothing_of_a_tab_that_is_not_open_is_sent(page: gr.Blocks, query: str, opened: str | None) -> None:
    config = sent(page, query)
    shown, here = opened or next(iter(tabs(page))), ids(config)
    for name, tab in tabs(page).items():
        assert bool(here & inside(tab)) == (name == shown)
    assert config["arrived"] == [tabs(page)[shown]._id]
    assert set(laid_out(config["layout"])) - {config["layout"]["id"]} == here
    (selected,) = (each["props"].get("selected") for each in config["components"] if each["type"] == "tabs")
    assert selected == opened
    for listener in config["dependencies"]:
        if listener["api_visibility"] != "public":
            assert {*listener["inputs"], *listener["outputs"]} <= here


def test_programs_are_told_of_everything(page: gr.Blocks) -> None:
    config = httpx.get(f"{page.local_url}config").json()
    assert ids(config) == set(page.blocks) - {page._id}
    assert {each["id"] for each in config["dependencies"]} == set(page.fns)
    here = {each["api_name"] for each in sent(page)["dependencies"] if each["api_visibility"] == "public"}
    assert here == {fn.api_name for fn in page.fns.values() if fn.api_visibility == "public"}, "listed in the footer"


def test_every_listener_arrives_once_and_with_all_that_it_touches(page: gr.Blocks, split: PageSplit) -> None:
    root = split.opened("")
    made: list[Any] = [fn.renderable for fn in page.fns.values()]
    parts = {each.container_id for each in made if isinstance(each, Part)}
    arrivals = {part: split.arrival(part) for part in parts}
    assert {tab._id for tab in tabs(page).values()} <= parts
    first = root["arrived"][0]
    listeners = [each["id"] for each in root["dependencies"]]
    listeners += [each["id"] for part in parts - {first} for each in arrivals[part]["dependencies"] if each["id"] >= 0]
    assert sorted(listeners) == sorted(page.fns)
    outer = ids(root) - inside(page.blocks[first])
    for part, arrival in arrivals.items():
        around, block = set(outer), page.blocks[part]
        while block.parent is not None:
            around |= ids(arrivals[block._id]) if block._id in arrivals else set()
            block = block.parent
        for listener in arrival["dependencies"]:
            assert {*listener["inputs"], *listener["outputs"]} <= around
            assert listener["rendered_in"] == part
        assert set(laid_out(arrival["layout"])) == ids(arrival)


def test_what_the_browser_would_derive_from_all_listeners_is_stated(page: gr.Blocks, split: PageSplit) -> None:
    read = {each._id for fn in page.fns.values() for each in fn.inputs}
    filled = {each._id for fn in page.fns.values() for each in fn.outputs}
    arrivals = [split.arrival(tab._id) for tab in tabs(page).values()]
    for each in [each for arrival in arrivals for each in arrival["components"]]:
        given = getattr(page.blocks[each["id"]], "interactive", None)
        if each["id"] in read | filled:
            assert each["props"]["interactive"] == (given if given is not None else each["id"] in read)
        heard = {event for fn in page.fns.values() for one, event in fn.targets if one == each["id"]}
        assert set(each["props"].get("attached_events", [])) == heard or not each["props"]


def test_the_server_answers_for_a_part_with_its_content(page: gr.Blocks, split: PageSplit) -> None:
    vae: Any = Part(tabs(page)["vae"]._id, tabs(page)["vae"]._id)
    (event,) = (fn for fn in page.fns.values() if fn.renderable == vae)
    asked = {"data": [], "fn_index": event._id, "session_hash": "visitor"}
    answer = httpx.post(f"{page.local_url}gradio_api/run/predict", json=asked).json()["render_config"]
    assert answer["render_id"] == tabs(page)["vae"]._id == answer["layout"]["id"]
    assert ids(answer) == {tabs(page)["vae"]._id} | ids(split.opened("vae")) - ids(split.opened("mae"))


def test_a_listener_that_touches_two_tabs_is_refused() -> None:
    def carry(text: str) -> str:
        return text

    with pytest.raises(ValueError, match="carry: given in one; taken in two"), DeferredBlocks():
        with gr.Tab("one", elem_id="one", elem_classes=DEFERRED):
            given = gr.Textbox(label="given")
        with gr.Tab("two", elem_id="two", elem_classes=DEFERRED):
            taken = gr.Textbox(label="taken")
        given.change(carry, given, taken)


def test_a_listener_of_a_fold_that_shows_something_outside_of_it_is_refused() -> None:
    with pytest.raises(ValueError, match="str in fold would fill outside only once that is open"), DeferredBlocks():
        outside = gr.Textbox(label="outside")
        with gr.Accordion("fold", open=False, elem_classes=[DEFERRED]):
            inside = gr.Textbox()
        outside.submit(str, outside, [inside, outside])


def test_what_happened_before_a_part_arrived_is_made_up_for() -> None:
    with DeferredBlocks() as app:
        chosen, own = gr.State(0), gr.Textbox()
        with gr.Tab("one", elem_classes=DEFERRED) as tab:
            shown, inner = gr.Textbox(), gr.State(0)
        missed = [chosen.change(str, chosen, shown), tab.select(str, chosen, shown)]
        heard = [inner.change(str, inner, shown), own.change(str, own, shown)]
    assert app.split is not None
    for used, made_up_for in (([], {missed[1]["id"]}), ([chosen._id, inner._id], {each["id"] for each in missed})):
        targets = {each["id"]: each["targets"] for each in app.split.arrival(tab._id, used)["dependencies"]}
        assert {one for one in targets if (app._id, "load") in targets[one] and one >= 0} == made_up_for
    assert targets.keys() > {each["id"] for each in heard}
    assert not any((app._id, "load") in each["targets"] for each in app.split.opened("")["dependencies"])


def test_gradio_makes_the_page_and_its_parts_as_it_did() -> None:
    """What `DeferredBlocks` relies on; a new Gradio that does otherwise fails here."""
    import inspect

    from gradio import blocks, routes

    source = inspect.getsource(blocks.Blocks.process_api)
    assert re.search(r"state\.blocks_config\.get_config\(\s*block_fn\.renderable\s*\)", source)
    assert source.count("block_fn.renderable._id") == 1
    created = inspect.getsource(routes.App.create_app)
    assert "source_config = blocks.config" in created and "get_page_config(source_config, page, components)" in created
    assert deferred_parts.opening.get() is None
