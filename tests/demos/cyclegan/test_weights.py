"""Which weights the CycleGAN tab uses, and what it says of translators whose domains it does not know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from demos.core.context import Context
from demos.core.i18n import Texts
from demos.cyclegan import ablation, tab
from models.checkpoints import Checkpoint, Library
from models.hub.client import Hub
from models.model_cache import ModelCache

NOBODY: Any = None  # the request of no visitor
ENGLISH = Texts.load().tables["en"]
HORSES = {
    "zebra-maker": Checkpoint("zebra-maker", "cyclegan", "x", "", direction="a2b", partner="horse-maker"),
    "horse-maker": Checkpoint("horse-maker", "cyclegan", "x", "", direction="b2a", partner="zebra-maker"),
    "alone": Checkpoint("alone", "cyclegan", "x", ""),
}


class Shifted(nn.Module):
    """Rolls the colours, so that two networks of different numbers give different images."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.roll(self.number, 1) * (1 - self.number / 10)).clamp(-1, 1)


class HorseLibrary(Library):
    """Knows a pair whose domains have no name, and a generator that stands alone."""

    def record(self, name: str) -> Checkpoint:
        return HORSES.get(name) or super().record(name)


@pytest.fixture
def horses(context: Context, tmp_path: Path) -> Context:
    networks = {name: Shifted(number) for number, name in enumerate(HORSES, 1)}
    library = HorseLibrary(Hub(cache=tmp_path / "hub", assets=tmp_path / "assets", offline=True), ModelCache())
    info = context.weights_info("apple2orange")
    return replace(
        context,
        library=library,
        load_model=lambda name: networks[name] if name in HORSES else context.load_model(name),
        weights_info=lambda name: replace(info, name=name) if name in HORSES else context.weights_info(name),
    )


@pytest.fixture
def path(photo: Image.Image, tmp_path: Path) -> str:
    photo.save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


@pytest.fixture
def asked(horses: Context, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all networks that are loaded through `horses`."""
    names: list[str] = []
    load = horses.load_model

    def note(name: str) -> nn.Module:
        names.append(name)
        return load(name)

    object.__setattr__(horses, "load_model", note)
    return names


def handler(ctx: Context, name: str, output: str) -> Callable[..., Any]:
    """Return the function of an event of the tab, by its name and the id of one of its outputs."""
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(ctx)
    component = next(block for block in app.blocks.values() if block.elem_id == output)
    found = next(fn.fn for fn in app.fns.values() if fn.name == name and component in fn.outputs)
    assert found is not None
    return found


def shown(ctx: Context, path: str, direction: str, used: str) -> dict[str, Any]:
    """Return what the tab shows for a photo, by the ids of its components."""
    values = handler(ctx, "on_change", "cyclegan-facts")(path, direction, used, NOBODY)
    return {part.elem_id: value for part, value in values.items()}


def pixels(file: str) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(("direction", "used"), [("apple2orange", "zebra-maker"), ("orange2apple", "horse-maker")])
def test_a_pair_of_other_domains_is_not_assessed_as_fruit(
    horses: Context, path: str, asked: list[str], direction: str, used: str
) -> None:
    answer = shown(horses, path, direction, used)
    assert set(asked) == {"zebra-maker", "horse-maker"}, "neither discriminators nor the classifier of photos"
    assert answer["cyclegan-judged"] is None and answer["cyclegan-warning"] == ""
    assert ENGLISH["cyclegan.unjudged"] in answer["cyclegan-convincing"]
    assert "on a 0–255 scale" in answer["cyclegan-score"]
    for part in ("score", "facts"):
        assert not re.search(r"apple|orange", answer[f"cyclegan-{part}"])
    numbers = json.loads(Path(answer["cyclegan-numbers"]).read_text())
    assert numbers["direction"] == ("a2b" if direction == "apple2orange" else "b2a")
    assert [numbers[name] for name in ("convincing", "larger_error", "kinds")] == [None] * 3
    assert numbers["weights"][0] == used and numbers["cycle_error"] > 0


def test_a_single_generator_has_no_cycle_reconstruction(horses: Context, path: str, asked: list[str]) -> None:
    answer = shown(horses, path, "orange2apple", "alone")
    assert set(asked) == {"alone"}
    assert ENGLISH["cyclegan.no_way_back"] in answer["cyclegan-score"]
    assert answer["cyclegan-back"] is None and answer["cyclegan-difference"] is None
    assert answer["cyclegan-translated"] and answer["cyclegan-strip"]
    assert tab.direction_choices(horses, "alone")["visible"] is False, "there is one direction alone"


@pytest.mark.parametrize(("used", "keys"), [("zebra-maker", ["a2b", "b2a"]), ("cyclegan-orange2apple", [*tab.BACK])])
def test_directions_are_named_by_the_domains_if_known(horses: Context, used: str, keys: list[str]) -> None:
    update = tab.direction_choices(horses, used)
    assert [value for _, value in update["choices"]] == list(tab.BACK), "links and programs go on working"
    assert [text.key for text, _ in update["choices"]] == [f"cyclegan.{key}" for key in keys]


@pytest.mark.parametrize("used", ["apple2orange", "cyclegan-apple2orange"])
def test_translations_of_generators_of_fruit_are_assessed(
    horses: Context, path: str, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demos.cyclegan.results.domain_warning", lambda *_: "")  # as of a photo of fruit
    answer = shown(horses, path, "apple2orange", used)
    assert answer["cyclegan-judged"] and "convincing orange" in answer["cyclegan-convincing"]
    assert json.loads(Path(answer["cyclegan-numbers"]).read_text())["convincing"] is not None


@pytest.mark.parametrize("name", ["text.jpg", "small.png"])
def test_nothing_old_stands_beside_a_refused_picture(
    horses: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    told: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: told.append(message))
    refused = tmp_path / name
    refused.write_text("no picture")
    if name == "small.png":
        Image.new("RGB", (33, 31)).save(refused)
    answer = shown(horses, str(refused), "apple2orange", "apple2orange")
    assert answer and not any(answer.values())
    assert len(told) == 1 and told[0]


def test_the_translate_endpoint_loads_generators_alone(horses: Context, path: str, asked: list[str]) -> None:
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(horses)
    asked.clear()
    translate = next(fn.fn for fn in app.fns.values() if fn.api_name == "translate")
    assert translate is not None
    translate(path, "apple2orange", NOBODY)
    assert asked == ["apple2orange", "orange2apple"]


Answer = Callable[[Context, str, str, str], str]


def through_steganography(ctx: Context, path: str, direction: str, used: str) -> str:
    on_change = handler(ctx, "on_change", "cyclegan-message-result")
    return on_change(path, direction, used, "noise", 0, NOBODY)[0]


def through_identity(ctx: Context, path: str, direction: str, used: str) -> str:
    return handler(ctx, "on_click", "cyclegan-identity")(path, direction, used, NOBODY)


def through_full_resolution(ctx: Context, path: str, direction: str, used: str) -> str:
    return handler(ctx, "on_run", "cyclegan-own-facts")(path, direction, used, 256, None, NOBODY)[1]


@pytest.mark.parametrize(
    ("section", "networks"),
    [
        (through_steganography, {"zebra-maker", "horse-maker"}),
        (through_identity, {"horse-maker"}),
        (through_full_resolution, {"zebra-maker"}),
    ],
)
@pytest.mark.parametrize("used", ["zebra-maker", "horse-maker"])
def test_sections_use_the_weights_of_the_menu_and_name_them(
    horses: Context, path: str, asked: list[str], section: Answer, networks: set[str], used: str
) -> None:
    text = section(horses, path, "apple2orange", used)
    assert set(asked) == networks
    assert all(name in text for name in networks)
    assert not re.search("apple|orange", text)


def test_steganography_and_the_identity_test_need_both_generators(horses: Context, path: str) -> None:
    for section in (through_steganography, through_identity):
        with pytest.raises(gr.Error, match="no generator of the opposite direction"):
            section(horses, path, "apple2orange", "alone")
    assert "alone" in through_full_resolution(horses, path, "apple2orange", "alone")


def test_only_our_own_weights_are_compared_with_what_was_measured_of_them(horses: Context, path: str) -> None:
    assert "change less" in through_identity(horses, path, "apple2orange", "apple2orange")
    other = through_identity(horses, path, "apple2orange", "cyclegan-apple2orange")
    assert "change less" not in other and "cyclegan-orange2apple" in other


def test_experiments_with_fixed_weights_name_them(horses: Context) -> None:
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(horses)
    lines = [block.value for block in app.blocks.values() if isinstance(block, gr.HTML) and block.value]
    fixed = [line for line in lines if "whatever the menu of models says" in line]
    assert any("apple2orange-no-cycle" in line for line in fixed), "the halves"
    assert any("orange-discriminator" in line for line in fixed), "the quiz"


def test_saved_steps_share_the_memory_of_all_models(horses: Context, photo: Image.Image) -> None:
    ablation.step_html(horses, photo, "apple2orange", 0)
    kept = horses.library.store.keys()
    assert kept == [ablation.steps_of(direction)[0].folder for direction in ("apple2orange", "orange2apple")]
    horses.library.store.budget = 1
    ablation.step_html(horses, photo, "apple2orange", 1)
    assert len(horses.library.store.keys()) == 1, "a model alone may exceed the budget"
