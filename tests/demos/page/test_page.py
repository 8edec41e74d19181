"""What a link may say, and what a tab hands to the page."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from demos.core.context import Context, Demo
from demos.core.i18n import LANGUAGES, Texts
from demos.core.tab_interface import Photo, SummaryCell, TabInterface
from demos.page import deep_links
from demos.page.markup import KEYS, STOPS
from demos.page.page import build_page, receivers

TEXTS = Texts.load()


@pytest.fixture(scope="module")
def handles() -> TabInterface:
    with gr.Blocks():
        photo = Photo(gr.Image(), [(gr.Dataset(components=["image"], samples=[]), [Path("pictures/lake.jpg")])])
        settings = {
            "kind": gr.Radio([("One", "one"), ("Two", "two")], value="one"),
            "ratio": gr.Slider(0, 95, 75),
            "seed": gr.Number(1, minimum=0, maximum=99),
            "raw": gr.Checkbox(False),
        }
    return TabInterface({"example": photo}, settings)


@pytest.mark.parametrize(
    ("state", "values"),
    [
        ({"kind": "two", "ratio": "12.5"}, {"kind": "two", "ratio": 12.5}),
        ({"seed": "7", "raw": "1", "example": "lake"}, {"seed": 7, "raw": True, "example": "pictures/lake.jpg"}),
        ({"ratio": "0", "raw": "0"}, {"ratio": 0, "raw": False}),
        ({"unknown": "x"}, {}),
        ({}, {}),
    ],
)
def test_a_link_sets_what_it_names(handles: TabInterface, state: dict[str, str], values: dict[str, Any]) -> None:
    found, refused = deep_links.read(handles, state)
    names = [*handles.photos, *handles.settings]
    assert not refused
    changed = {name: value for name, value in zip(names, found, strict=True) if value != gr.skip()}
    assert changed == values


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("kind", "three"), ("kind", "One"), ("ratio", "96"), ("ratio", "-1"), ("ratio", "nan"), ("ratio", "inf"),
        ("ratio", "much"), ("seed", "100"), ("raw", "yes"), ("raw", ""), ("example", "../secret"),
        ("example", "pictures/lake.jpg"),
    ],
)  # fmt: skip
def test_a_link_cannot_set_what_the_page_could_not(handles: TabInterface, name: str, text: str) -> None:
    found, refused = deep_links.read(handles, {name: text})
    assert refused == [f"{name}={text}"] and found == [gr.skip()] * 5


def tab_of(name: str, *photos: str) -> Demo:
    """A tab that takes nothing but photos."""
    return Demo(
        name, lambda ctx: TabInterface({photo: Photo(gr.Image()) for photo in photos}), lambda ctx, folder: None
    )


def test_an_image_reaches_the_photo_of_a_tab_with_underscores_in_its_name(context: Context) -> None:
    plain = replace(context, localize_html=lambda key, **values: key, t=lambda key: key)  # type: ignore[arg-type, return-value]
    demos = [tab_of("content_style", "style_photo"), tab_of("vae", "a")]
    with gr.Blocks() as app:
        build_page(app, plain, demos)
    (script,) = (
        block.js_on_load for block in app.blocks.values() if "send_vae_a" in (getattr(block, "js_on_load", "") or "")
    )
    (line,) = (line for line in script.splitlines() if line.startswith("const RECEIVERS = "))
    known = json.loads(line.removeprefix("const RECEIVERS = ").removesuffix(";"))
    assert known == {"content_style_style_photo": ["content_style", "style_photo"], "vae_a": ["vae", "a"]}
    assert script.count("RECEIVERS[target]") == 1 and '.split("_"' not in script


def test_the_page_hands_the_summaries_of_its_tabs_to_handlers(context: Context, photo: Image.Image) -> None:
    plain = replace(context, localize_html=lambda key, **values: key, t=lambda key: key)  # type: ignore[arg-type, return-value]
    silent, cell = tab_of("mae", "example"), SummaryCell(photo, "42 dB", "tab=vae")
    speaking = Demo("vae", lambda ctx: TabInterface(summary=lambda image: cell), lambda ctx, folder: None)
    with gr.Blocks() as app:
        build_page(app, plain, [silent, speaking])
    summaries = {name: tab.summary for name, tab in plain.tabs.items()}
    assert summaries["mae"] is None and summaries["vae"] is not None and summaries["vae"](photo) is cell


def test_photos_that_the_page_could_not_tell_apart_are_loud(context: Context) -> None:
    one, other = TabInterface({"style_photo": Photo(gr.Image())}), TabInterface({"photo": Photo(gr.Image())})
    with pytest.raises(ValueError, match="have one id, content_style_photo"):
        receivers({"content": one, "content_style": other})


@pytest.mark.parametrize("state", [None, 3, "kind=two", ["kind"], {"kind": 2}, {"ratio": None}])
def test_a_state_of_another_shape_is_no_state(handles: TabInterface, state: Any) -> None:
    assert deep_links.read(handles, state) == ([gr.skip()] * 5, [])


@pytest.mark.parametrize(("value", "text"), [(75, "75"), (0.5, "0.5"), (1.0, "1"), (True, "1"), ("lerp", "lerp")])
def test_values_are_written_as_the_browser_writes_them(value: Any, text: str) -> None:
    assert deep_links.text_of(value) == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tools_have_their_texts(language: str) -> None:
    wanted = [f"page.key_{what}" for _, what in KEYS]
    wanted += [f"tour.{tab}.{number}" for tab, stops in STOPS.items() for number in range(1, len(stops) + 1)]
    assert not set(wanted) - TEXTS.tables[language].keys()
    assert all(len(stops) == 5 for stops in STOPS.values())


def test_the_tour_of_the_trainer_shows_where_pictures_go() -> None:
    assert TEXTS.tables["en"]["tour.train.3"].startswith("For your own: bring pictures")
    assert STOPS["train"][2] == "#train-files-a"
