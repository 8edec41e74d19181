"""A visitor's own results in the other tabs: theirs to use, nobody else's, and gone with their training."""

from __future__ import annotations

import re
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from clients import call_event
from fakes import ShallowModels
from gradio.context import LocalContext
from PIL import Image
from small import SMALL

from demos.core.context import Context, make_context
from demos.core.environment import files_folder
from demos.core.visitor import new_id, owner_of
from demos.cyclegan import tab as cyclegan
from demos.cyclegan import translation
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import Settings
from demos.embeddings.outputs import map_outputs
from demos.embeddings.session import MapSession
from demos.mae import tab as mae
from demos.ui.progress import run_to_completion as finished_work
from demos.vae import networks
from demos.vae import tab as vae
from models.analysis.latents import measure_latents, write_statistics
from models.checkpoints import Library, build_model
from models.hub.client import Hub
from models.model_cache import ModelCache
from models.training.evaluation.export import write_weights
from models.training.jobs import JobError, Snapshot
from models.training.recipes import RECIPES
from models.training.recipes._base import Export

ADA, EVE = new_id(), new_id()
TITLE = "ada's <holiday>"
NAMES_ADA = re.compile(r"ada('|&#x27;)s|holiday")  # more than a hexadecimal id can hold by chance
TABS = {"cyclegan": cyclegan, "mae": mae, "vae": vae}


def run_to_completion(recipe: str, number: int, owner: str = ADA) -> Snapshot:
    return Snapshot(
        id=f"{number:032x}", owner=owner_of(owner, None) or "", title=TITLE, recipe=recipe, state="done", step=9,
        total=9, created=0.0, started=0.0, finished=1.0, queue_place=None, seconds_left=None, metrics=(), previews=(),
        error=None, error_values={}, start=None, config=SMALL[recipe],
    )  # fmt: skip


class Trainer:
    """A trainer with finished jobs, whose weights are untrained and small."""

    def __init__(self, folder: Path, jobs: list[Snapshot]) -> None:
        self._folder, self.all = folder, jobs

    def jobs(self, owner: str) -> list[Snapshot]:
        return [job for job in self.all if job.owner == owner]

    def exists(self, job_id: str) -> bool:
        return any(job.id == job_id for job in self.all)

    def snapshot(self, owner: str, job_id: str, after_step: int = 0) -> Snapshot:
        for job in self.jobs(owner):
            if job.id == job_id:
                return job
        raise JobError("unknown")

    def weights(self, owner: str, job_id: str, part: str = "") -> Path:
        job = self.snapshot(owner, job_id)
        config = RECIPES[job.recipe].Config(**job.config)
        parts = RECIPES[job.recipe].parts_of(config)
        chosen = parts[part or next(iter(parts))]
        folder = self._folder / job_id / (part or "main")
        if not folder.is_dir():
            torch.manual_seed(len(part))
            model = build_model(chosen.arch, chosen.args)
            facts = {"recipe": job.recipe, "data": ["mine.zip"], "command": "none"}
            write_weights(folder, Export(chosen.arch, chosen.args, model), config, facts, {}, None)
        return folder


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    return Trainer(
        tmp_path / "weights", [run_to_completion(recipe, number) for number, recipe in enumerate(RECIPES, 1)]
    )


@pytest.fixture
def ctx(trainer: Trainer, shallow_models: ShallowModels, tmp_path: Path) -> Context:
    library = Library(Hub(cache=tmp_path / "cache", assets=tmp_path / "assets", offline=True), ModelCache())
    return make_context(
        shallow_models.load_model, shallow_models.weights_info, files_folder(), first_paint=tmp_path / "first",
        library=library, jobs=trainer,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture
def as_visitor(ctx: Context) -> Iterator[Callable[[str], gr.Request]]:
    """Makes this test the page of a visitor, as Gradio does while a handler runs."""

    def become(visitor: str) -> gr.Request:
        request = gr.Request(headers={"accept-language": "en"}, session_hash=f"page of {visitor}")
        LocalContext.request.set(request)
        ctx.user_models.introduce(visitor, request)
        return request

    yield become
    LocalContext.request.set(None)


def private(trainer: Trainer, recipe: str) -> str:
    return f"own/{next(job.id for job in trainer.all if job.recipe == recipe)}"


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_kind_of_result_is_offered_to_its_owner_alone(
    ctx: Context, trainer: Trainer, as_visitor: Callable[[str], gr.Request], recipe: str
) -> None:
    name, family = private(trainer, recipe), RECIPES[recipe].family
    as_visitor(ADA)
    assert name in {record.name for record in ctx.user_models.records([family])}
    model = ctx.load_model(name)
    assert ctx.load_model(name) is model, "loaded once"
    info = ctx.weights_info(name)
    assert (info.name, info.num_parameters) == (TITLE, sum(p.numel() for p in model.parameters()))
    if recipe == "cyclegan":
        partner = ctx.library.record(name).partner
        assert not translation.translates_fruit(ctx.library.record(name)), "whatever it was trained on"
        assert translation.generators(ctx.library.record(name), "orange2apple") == (partner, name)
        assert translation.generators(ctx.library.record(partner), "orange2apple") == (partner, name)
        assert not torch.equal(next(model.parameters()), next(ctx.load_model(partner).parameters()))
    for somebody in (EVE, ""):
        as_visitor(somebody)
        assert ctx.user_models.records([family]) == []
        for use in (ctx.load_model, ctx.weights_info, ctx.library.record):
            with pytest.raises(gr.Error, match="is not yours"):
                use(name)


@pytest.mark.parametrize("name", ["own/", "own/../..", "own/x", "own/" + "0" * 32, "own/" + "0" * 32 + "/b2a/.."])
def test_an_invented_name_is_refused(ctx: Context, as_visitor: Callable[[str], gr.Request], name: str) -> None:
    as_visitor(ADA)
    with pytest.raises(gr.Error, match="not here any more"):
        ctx.load_model(name)


def test_outside_of_any_page_nothing_private_is_given(ctx: Context, trainer: Trainer) -> None:
    with pytest.raises(gr.Error):
        ctx.load_model(private(trainer, "vae"))


def test_a_deleted_job_takes_its_network_along(
    ctx: Context, trainer: Trainer, as_visitor: Callable[[str], gr.Request]
) -> None:
    as_visitor(ADA)
    ctx.load_model(private(trainer, "vae"))
    kept = ctx.load_model(private(trainer, "mae"))
    name = private(trainer, "vae")
    trainer.all = [job for job in trainer.all if job.recipe != "vae"]
    ctx.user_models.let_go()
    loaded = ctx.library.store.keys()
    assert [key[0].name for key in loaded] == [private(trainer, "mae")]  # type: ignore[index]
    assert ctx.load_model(private(trainer, "mae")) is kept
    with pytest.raises(gr.Error, match="not here any more"):
        ctx.load_model(name)


def test_more_training_is_another_network(
    ctx: Context, trainer: Trainer, as_visitor: Callable[[str], gr.Request]
) -> None:
    as_visitor(ADA)
    name = private(trainer, "vae")
    before = ctx.load_model(name)
    trainer.all = [replace(job, step=20) for job in trainer.all]
    assert ctx.load_model(name) is not before


def test_the_map_draws_images_through_the_eyes_of_a_result(
    ctx: Context, trainer: Trainer, as_visitor: Callable[[str], gr.Request], tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "kinds.zip", "w") as archive:
        for number in range(12):
            pixels = np.random.default_rng(number).integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "one.png")
            archive.write(tmp_path / "one.png", f"{number % 2}/{number}.png")
    builder = MapBuilder(ctx, tmp_path / "kinds.zip")
    request = as_visitor(ADA)
    settings = Settings(encoder=private(trainer, "simsiam"), method="pca")
    session = finished_work(builder.build_map(MapSession(), settings, request))
    assert "ada&#x27;s" in map_outputs(builder, session).facts
    assert not len(builder._features), "features of a user's model are in its owner's session alone"
    as_visitor(EVE)
    for use in (
        lambda: map_outputs(builder, session),
        lambda: finished_work(builder.build_map(MapSession(), settings, request)),
    ):
        with pytest.raises(gr.Error, match="is not yours"):
            use()


def test_the_latents_of_a_result_are_those_that_were_measured_with_its_weights(
    ctx: Context, trainer: Trainer, as_visitor: Callable[[str], gr.Request]
) -> None:
    as_visitor(ADA)
    name = private(trainer, "vae")
    folder = trainer.weights(owner_of(ADA, None) or "", name.removeprefix("own/"))
    sha256 = ctx.weights_info(name).sha256
    noise = torch.Generator().manual_seed(0)
    mu, logvar = (torch.randn(12, SMALL["vae"]["latent_dim"], generator=noise) for _ in range(2))
    measured = replace(measure_latents(mu, logvar), sha256=sha256)
    write_statistics(folder, measured)
    assert networks.Networks(ctx).statistics(name) == measured


# Two visitors over HTTP, one of whom does not use the page.


@pytest.fixture
def pages(ctx: Context) -> Iterator[tuple[gr.Blocks, str]]:
    """The three tabs that show a single image, in a running app."""
    with gr.Blocks(analytics_enabled=False) as app:
        for tab in TABS.values():
            tab.build(ctx)
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, show_error=True, server_port=None)
    yield app, url
    app.close()


class Page:
    """A page of one visitor in one tab: its events, with what they send."""

    def __init__(self, pages: tuple[gr.Blocks, str], tab: str, visitor: str, photo: dict[str, Any]) -> None:
        self.app, self.url = pages
        self.visitor, self.photo, self.session = visitor, photo, uuid.uuid4().hex
        self._rows = next(block._id for block in self.app.blocks.values() if block.elem_id == f"{tab}-models")
        outputs = {"cyclegan": "cyclegan-facts", "mae": "mae-result-facts", "vae": "vae-facts"}[tab]
        self._facts = next(block._id for block in self.app.blocks.values() if block.elem_id == outputs)

    def _event(self, target: int, name: str) -> int:
        return next(i for i, fn in self.app.fns.items() if (target, name) in fn.targets)

    def _showing(self) -> int:
        """The event that shows a result: the first one of these names that writes the line of facts."""
        facts, names = self.app.blocks[self._facts], ("on_change", "show", "handle")
        return next(i for i, fn in self.app.fns.items() if facts in fn.outputs and fn.name in names)

    def send(self, index: int, *reported: Any) -> str:
        """Sends an event with what its inputs hold, but for the first of them what a script reports."""
        values = [self._value(block) for block in self.app.fns[index].inputs]
        return call_event(self.url, index, [*reported, *values[len(reported) :]], None, self.session)

    def _value(self, block: Any) -> Any:
        if isinstance(block, gr.BrowserState):
            return self.visitor
        if isinstance(block, gr.State):
            return f"own/{1:032x}"  # what somebody might hope to smuggle in
        return self.photo if isinstance(block, gr.Image) else block.value

    def pick(self, name: str) -> str:
        return self.send(self._event(self._rows, "pick"), {"name": name})

    def show(self) -> str:
        return self.send(self._showing())


def test_two_visitors_over_http(pages: tuple[gr.Blocks, str], ctx: Context, trainer: Trainer) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = ctx.save_image(Image.fromarray(pixels))
    photo = {"path": path, "meta": {"_type": "gradio.FileData"}}
    for tab in TABS:
        recipe = next(name for name, recipe in RECIPES.items() if recipe.tabs[0] == tab)
        name = private(trainer, recipe)
        ada, eve = (Page(pages, tab, visitor, photo) for visitor in (ADA, EVE))
        taken = ada.pick(name)
        assert "in use" in taken and "ada&#x27;s" in taken, taken
        answer = ada.show()
        assert "ada&#x27;s" in answer, "the result names the weights"
        assert tab != "cyclegan" or not re.search(r"convincing (apple|orange)|still my", answer)
        refused = eve.pick(name)
        assert "not offered here" in refused and not NAMES_ADA.search(refused)
        shown = eve.show()
        assert "process_completed" in shown and not NAMES_ADA.search(shown), (
            "what stands in a page's state comes from no request"
        )
        trainer.all = [job for job in trainer.all if job.recipe != recipe]
        gone = ada.show()
        assert "not here any more" in gone and not NAMES_ADA.search(gone)
        assert "own/" not in str(ctx.library.store.keys())
