"""The trainer tab: what a visitor finds, what they can do with their jobs, and that nobody else can."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import polling
import pytest
from clients import call_event
from fakes import ShallowModels
from gradio.context import LocalContext
from PIL import Image

from demos.core.context import Context, make_context
from demos.core.visitor import new_id, owner_of
from demos.train import tab
from demos.train.presets import SCRATCH, preset_config
from demos.train.results import Made, Results, compare, push, zip_folder
from demos.train.run_view import run_value
from demos.train.runs import Runs, Shown, Watched
from demos.train.submit import Selection, Starter
from demos.ui.config_form import Options
from models.checkpoints import WEIGHTS
from models.training.jobs import Estimate, JobManager, JobRequest, Limits, Snapshot
from models.training.recipes import RECIPES

ADA, EVE = new_id(), new_id()
OPTIONS = Options({name: recipe.Config for name, recipe in RECIPES.items()})
SECRET = "ada's holiday"
REQUEST = gr.Request(headers={"accept-language": "en"})


def picture(seed: int, side: int = 40) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8))


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[JobManager]:
    """A trainer whose queue nobody works off."""
    manager = JobManager(tmp_path / "trainer", classroom=False)
    yield manager
    manager.close()


@pytest.fixture
def ctx(shallow_models: ShallowModels, manager: JobManager, tmp_path: Path) -> Context:
    files, first_paint = tmp_path / "files", tmp_path / "first_paint"
    return make_context(
        shallow_models.load_model, shallow_models.weights_info, files, first_paint=first_paint, jobs=manager
    )


@pytest.fixture
def runs(ctx: Context) -> Runs:
    return Runs(ctx)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve images in two folders."""
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(12):
            picture(number).save(tmp_path / "one.png")
            archive.write(tmp_path / "one.png", f"{'cat' if number % 2 else 'dog'}/{number}.png")
    return path


def submit(manager: JobManager, visitor: str, title: str = SECRET, **config: Any) -> Snapshot:
    """Put a job of a visitor into the queue."""
    owner = owner_of(visitor, None) or ""
    folder = manager.new_dataset(owner)
    for part, count in (("train", 8), ("test", 2)):
        (folder / part).mkdir()
        for number in range(count):
            picture(number).save(folder / part / f"{number}.webp")
    return manager.submit(owner, JobRequest("vae", {"steps": 40, "image_size": 16, **config}, folder, None, title))


def story(shown: Shown) -> dict[str, Any]:
    """What the page is told of the run it watches."""
    told: dict[str, Any] = json.loads(shown.view)
    return told


def pick(run: Any) -> dict[str, Any]:
    """What the page reports of a click in the list."""
    return {"run": run}


@pytest.mark.parametrize(("language", "words"), [("en", "switched off"), ("zh-CN", "没有开启")])
def test_that_training_is_off_is_said_in_the_visitors_language(ctx: Context, language: str, words: str) -> None:
    request = gr.Request(headers={"accept-language": language})
    LocalContext.request.set(request)  # as Gradio does while a handler runs
    try:
        with pytest.raises(gr.Error, match=words):
            Runs(replace(ctx, jobs=None)).on_pause(ADA, Watched("job:" + "0" * 32), request)
    finally:
        LocalContext.request.set(None)


def test_a_new_visitor_sees_a_recording(runs: Runs) -> None:
    shown = runs.on_ready("", REQUEST)
    told = story(shown)
    assert told["id"] == "recording:simsiam-kinds" and not told["live"]
    assert told["rows"] and told["frames"] and told["charts"] and told["remarks"]
    assert shown.pause["visible"] is shown.delete["visible"] is shown.use["visible"] is False
    assert not shown.timer.active


def test_the_recorded_collapse_is_told_in_the_numbers_of_its_files(runs: Runs) -> None:
    runs_by_name = {one.name: one for one in runs.recorded}
    broken, sound = runs_by_name["simsiam-collapse"], runs_by_name["simsiam-kinds"]
    for measure in ("loss", "std_of_l2_normalized"):
        assert broken.rows[-1][measure] < sound.rows[-1][measure], measure
    assert broken.scores["knn_kinds"] < sound.scores["knn_kinds"]
    head = story(runs.on_pick(pick("recording:simsiam-collapse"), ADA, REQUEST))["head"]
    for one in (broken, sound):
        assert f"{one.rows[-1]['loss']:.2f}" in head and f"{one.rows[-1]['std_of_l2_normalized']:.2f}" in head
        assert f"{one.scores['knn_kinds']:.0%}" in head


def test_recorded_measures_have_names_in_both_languages(runs: Runs) -> None:
    for one in runs.recorded:
        head = story(runs.on_pick(pick(f"recording:{one.name}"), ADA, REQUEST))["head"]
        assert not [name for name in (*one.scores, one.recipe, *one.data) if "_" in name and name in head]
        assert ".zip" not in head and one.recipe not in head


def test_images_seen_very_often_are_remarked_on(runs: Runs, manager: JobManager) -> None:
    job = submit(manager, ADA)
    rows = tuple({"step": float(step), "time": 0.0, "loss": 1 / step, "kl": 40.0, "active_units": 0.5}
                 for step in range(40, 400, 40))  # fmt: skip
    trainer = Job(replace(job, state="running", step=360, metrics=rows, config={**job.config, "kl_warmup": 0}))
    assert job.images == 8
    remarks = story(Runs(replace(runs._ctx, jobs=trainer)).on_ready(ADA, REQUEST))["remarks"]  # type: ignore[arg-type]
    passes = 360 * job.config["batch_size"] / 8
    assert f"Each of the 8 training pictures has been seen about {passes:.0f} times" in remarks[-1]["html"]


def test_a_visitor_who_comes_back_finds_the_job(runs: Runs, manager: JobManager) -> None:
    job = submit(manager, ADA)
    shown = runs.on_ready(ADA, REQUEST)
    assert story(shown)["id"] == f"job:{job.id}" and story(shown)["live"]
    assert "ada&#x27;s holiday" in shown.runs
    assert shown.timer.active
    assert [shown.pause["visible"], shown.resume["visible"], shown.stop["visible"]] == [True, False, True]
    assert SECRET.split()[1] not in runs.on_ready(EVE, REQUEST).runs


def test_pause_resume_stop_and_delete(runs: Runs, manager: JobManager) -> None:
    job = submit(manager, ADA)
    watched = Watched(f"job:{job.id}")
    paused = runs.on_pause(ADA, watched, REQUEST)
    assert [paused.pause["visible"], paused.resume["visible"], paused.timer.active] == [False, True, False]
    assert runs.on_resume(ADA, watched, REQUEST).pause["visible"]
    stopped = runs.on_stop(ADA, watched, REQUEST)
    assert "stopped at step 0" in stopped.view
    gone = runs.on_delete(ADA, watched, REQUEST)
    assert story(gone)["id"].startswith("recording:")
    assert manager.jobs(owner_of(ADA, None) or "") == []


def test_who_deletes_a_job_that_may_go_on_elsewhere_is_told(
    runs: Runs, manager: JobManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(gr, "Warning", warnings.append)
    for goes_on in (False, True):
        job = submit(manager, ADA)
        monkeypatch.setattr(manager, "delete", lambda owner, job_id, goes_on=goes_on: goes_on)
        runs.on_delete(ADA, Watched(f"job:{job.id}"), REQUEST)
        assert bool(warnings) is goes_on
    assert "may still run" in warnings[0]


@pytest.mark.parametrize("action", ["on_pause", "on_resume", "on_stop", "on_delete"])
@pytest.mark.parametrize("visitor", [EVE, "", "x"], ids=["another", "nobody", "nonsense"])
def test_nobody_else_can_do_anything_with_a_job(runs: Runs, manager: JobManager, action: str, visitor: str) -> None:
    job = submit(manager, ADA)
    with pytest.raises(gr.Error, match="no such run"):
        getattr(runs, action)(visitor, Watched(f"job:{job.id}"), REQUEST)
    assert manager.snapshot(job.owner, job.id) == job


@pytest.mark.parametrize("kind", ["job", "public"])
@pytest.mark.parametrize("visitor", [EVE, ""], ids=["another", "nobody"])
def test_nobody_else_can_look_at_a_job(runs: Runs, manager: JobManager, kind: str, visitor: str) -> None:
    job = submit(manager, ADA)
    with pytest.raises(gr.Error, match="no such run"):
        runs.on_pick(pick(f"{kind}:{job.id}"), visitor, REQUEST)


@pytest.mark.parametrize(
    "run", [None, 3, "", "job:", "job:../x", "recording:../../weights", "recording:none", "file:a", "job:" + "a" * 999]
)
def test_an_invented_run_is_refused_with_a_sentence(runs: Runs, run: Any) -> None:
    with pytest.raises(gr.Error, match="no such run"):
        runs.on_pick(pick(run), ADA, REQUEST)


def test_in_a_classroom_everybody_looks_and_nobody_touches(context: Context, tmp_path: Path) -> None:
    manager = JobManager(tmp_path / "class", classroom=True)
    try:
        runs = Runs(replace(context, jobs=manager))
        job = submit(manager, ADA)
        assert f"public:{job.id}" in runs.on_ready(EVE, REQUEST).runs
        shown = runs.on_pick(pick(f"public:{job.id}"), EVE, REQUEST)
        assert story(shown)["total"] == 40
        assert not any(part["visible"] for part in (shown.pause, shown.stop, shown.delete, shown.use))
        assert ADA not in repr(shown)
        for action in (runs.on_pause, runs.on_delete):
            with pytest.raises(gr.Error):
                action(EVE, shown.watched, REQUEST)
    finally:
        manager.close()


def test_the_page_says_who_sees_a_run_before_anything_is_uploaded(context: Context, tmp_path: Path) -> None:
    for classroom in (False, True):
        manager = JobManager(tmp_path / str(classroom), classroom=classroom)
        try:
            with gr.Blocks() as blocks:
                tab.build(replace(context, jobs=manager))
            (said,) = (block.value for block in blocks.blocks.values() if block.elem_id == "train-limits")
        finally:
            manager.close()
        assert ("only you see them" in said) is not classroom
        assert ("everybody can look at your runs" in said) is classroom


class Job:
    """A trainer with one job of Ada's, whose progress the test decides."""

    off, limits = None, Limits()

    def __init__(self, job: Snapshot) -> None:
        self.job, self.asked = job, list[int]()

    def jobs(self, owner: str) -> list[Snapshot]:
        return [self.job] if owner == self.job.owner else []

    def public_jobs(self) -> list[Snapshot]:
        return []

    def states(self, owner: str | None) -> list[tuple[str, str]]:
        return [(job.id, job.state) for job in self.jobs(owner or "")]

    def snapshot(self, owner: str, job_id: str, after_step: int = 0) -> Snapshot:
        self.asked.append(after_step)
        return replace(self.job, metrics=tuple(row for row in self.job.metrics if row["step"] > after_step))


def test_a_tick_tells_only_what_is_new(context: Context, manager: JobManager, tmp_path: Path) -> None:
    rows = tuple({"step": step, "time": float(step), "loss": 1.0, "kl": 2.0} for step in (10, 20, 30))
    job = replace(submit(manager, ADA), state="running", step=20, metrics=rows[:2])
    trainer = Job(job)
    runs = Runs(replace(context, jobs=trainer))  # type: ignore[arg-type]
    first = runs.on_ready(ADA, REQUEST)
    assert [row["step"] for row in story(first)["rows"]] == [10, 20]
    watched = first.watched
    assert runs.on_tick(ADA, watched, REQUEST) == (gr.skip(), gr.skip())
    trainer.asked.clear()
    picture(1).save(tmp_path / "step-000030.png")
    trainer.job = replace(job, step=30, metrics=rows, previews=(tmp_path / "step-000030.png",))
    watched, view = runs.on_tick(ADA, watched, REQUEST)
    assert trainer.asked[0] == 20
    told = json.loads(view)
    assert (told["after"], [row["step"] for row in told["rows"]]) == (20, [30])
    assert [frame["step"] for frame in told["frames"]] == [30]
    assert "charts" not in told
    assert (watched.step, watched.frames) == (30, 1)
    trainer.job = replace(trainer.job, state="done")
    assert "stale" in json.loads(runs.on_tick(ADA, watched, REQUEST)[1]), "buttons and list change: ask for them"
    last = runs.on_stale(ADA, watched, REQUEST)
    assert story(last)["after"] == 0 and not last.timer.active and last.use["visible"]


@pytest.mark.parametrize("read", ["states", "jobs", "snapshot"])
def test_a_job_that_begins_while_it_is_shown_is_no_longer_listed_as_waiting(
    context: Context, manager: JobManager, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    trainer = Job(submit(manager, ADA))
    runs, owner = Runs(replace(context, jobs=trainer)), trainer.job.owner  # type: ignore[arg-type]
    answer = getattr(trainer, read)

    def then_begin(*asked: Any) -> Any:
        answered = answer(*asked)
        trainer.job = replace(trainer.job, state="running")
        return answered

    with monkeypatch.context() as patch:
        patch.setattr(trainer, read, then_begin)
        shown = runs.show(owner, f"job:{trainer.job.id}", REQUEST)
    told = json.loads(runs.on_tick(ADA, shown.watched, REQUEST)[1])
    if "stale" in told:
        shown = runs.on_stale(ADA, shown.watched, REQUEST)
        watched, listed = shown.watched, shown.runs
    else:
        assert "unlisted" in told
        watched, listed, _ = runs.on_unlisted(ADA, shown.watched, REQUEST)
    assert "train-running" in listed and "train-queued" not in listed
    assert runs.on_tick(ADA, watched, REQUEST) == (gr.skip(), gr.skip())


def test_the_list_follows_jobs_that_the_page_does_not_watch(runs: Runs, manager: JobManager) -> None:
    first, second = submit(manager, ADA, "first"), submit(manager, ADA, "second")
    recording = f"recording:{runs.recorded[0].name}"
    for watched in (f"job:{first.id}", recording):
        manager.resume(second.owner, second.id)
        shown = runs.on_pick(pick(watched), ADA, REQUEST)
        assert shown.timer.active and runs.on_tick(ADA, shown.watched, REQUEST) == (gr.skip(), gr.skip())
        manager.pause(second.owner, second.id)
        state, view = runs.on_tick(ADA, shown.watched, REQUEST)
        assert state == gr.skip() and "unlisted" in json.loads(view), "a replay goes on"
        state, listed, _ = runs.on_unlisted(ADA, shown.watched, REQUEST)
        assert listed.count("train-paused") == listed.count("train-queued") == 1
        assert runs.on_tick(ADA, state, REQUEST) == (gr.skip(), gr.skip())
    manager.pause(first.owner, first.id)
    assert not runs.on_unlisted(ADA, state, REQUEST)[2].active, "nothing moves: the page asks no more"


def test_a_page_that_lacks_a_part_gets_the_whole(runs: Runs, manager: JobManager) -> None:
    job = submit(manager, ADA)
    assert story(runs.on_stale(ADA, Watched(f"job:{job.id}", 20), REQUEST))["after"] == 0
    assert story(runs.on_stale(ADA, None, REQUEST))["id"] == f"job:{job.id}"


def test_a_job_deleted_in_another_window_ends_the_watching(runs: Runs, manager: JobManager) -> None:
    job = submit(manager, ADA)
    manager.delete(job.owner, job.id)
    watched, view = runs.on_tick(ADA, Watched(f"job:{job.id}", 20), REQUEST)
    assert "stale" in json.loads(view)
    shown = runs.on_stale(ADA, watched, REQUEST)
    assert story(shown)["id"].startswith("recording:") and not shown.timer.active


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_has_charts_that_the_page_can_read(context: Context, recipe: str) -> None:
    rows = [{"step": 1, "time": 0.0, "loss": float("nan")}]
    value = run_value(context, "r", recipe, {}, rows, [], head="", total=9, live=True)
    told = json.loads(value)
    assert told["rows"] == [{"step": 1.0, "time": 0.0, "loss": None}]
    assert len(told["charts"]) == len(RECIPES[recipe].charts) >= 1


@pytest.mark.parametrize(("share", "draw"), [(0.0, 1 / 4), (0.5, 1 / 6)])
def test_the_dashed_line_is_where_discriminators_cannot_tell(context: Context, share: float, draw: float) -> None:
    told = json.loads(
        run_value(context, "r", "cyclegan", {"reject_source": share}, [], [], head="", total=9, live=True)
    )
    assert told["charts"][0]["guide"] == pytest.approx(draw)


def options(recipe: str, **changed: Any) -> list[Any]:
    config = {**preset_config(recipe, "quick", {}, False, 100), **changed}
    return [config.get(name) for name in OPTIONS.names]


@pytest.fixture
def starter(ctx: Context, runs: Runs) -> Starter:
    return Starter(ctx, runs)


def take_in(starter: Starter, photos: Path, visitor: str = "", recipe: str = "vae", second: Path | None = None) -> Any:
    files_b = [str(second)] if second else None
    progress = lambda *args, **kwargs: None  # noqa: E731
    return starter.on_files(visitor, None, [str(photos)], files_b, recipe, SCRATCH, REQUEST, progress)  # type: ignore[arg-type]


def test_from_images_to_a_job(starter: Starter, runs: Runs, manager: JobManager, photos: Path) -> None:
    visitor, upload, audit, _, go = take_in(starter, photos)
    owner = owner_of(visitor, REQUEST) or ""
    assert owner == upload.owner, "a new visitor got an id"
    assert "12 usable pictures of 12 files" in audit and go["interactive"]
    shown = starter.on_start(visitor, upload, "vae", SCRATCH, "  mine ", REQUEST, *options("vae", steps=30))
    (job,) = manager.jobs(owner)
    assert (job.title, job.recipe, job.total, job.start) == ("mine", "vae", 30, None)
    assert story(shown)["id"] == f"job:{job.id}"
    folders = {path.name for path in manager.images(owner, job.id).iterdir()}
    assert folders == {"train", "test"}


def test_images_of_another_visitor_cannot_be_trained_on(starter: Starter, photos: Path) -> None:
    _, upload, *_ = take_in(starter, photos, ADA)
    with pytest.raises(gr.Error, match="not here any more"):
        starter.on_start(EVE, upload, "vae", SCRATCH, "", REQUEST, *options("vae"))
    with pytest.raises(gr.Error, match="not here any more"):
        starter.on_start(ADA, None, "vae", SCRATCH, "", REQUEST, *options("vae"))


def test_weights_of_another_visitors_job_are_no_start(starter: Starter, manager: JobManager, photos: Path) -> None:
    job = submit(manager, ADA)
    _, upload, *_ = take_in(starter, photos, EVE)
    with pytest.raises(gr.Error, match="no such run"):
        starter.on_start(EVE, upload, "vae", f"job:{job.id}", "", REQUEST, *options("vae"))
    with pytest.raises(gr.Error, match="no such run"):
        starter.on_selection(
            EVE, Selection("vae", SCRATCH, "quick", False), "vae", f"job:{job.id}", "quick", False, REQUEST
        )


def test_cyclegan_wants_two_sets(starter: Starter, photos: Path, tmp_path: Path) -> None:
    alone = take_in(starter, photos, ADA, "cyclegan")
    assert alone[1] is None and not alone[4]["interactive"] and "Two sets" in alone[2]
    shutil.copy(photos, tmp_path / "other.zip")
    both = take_in(starter, photos, ADA, "cyclegan", tmp_path / "other.zip")
    assert len(both[1].audits) == 2 and both[4]["interactive"]
    assert {path.name for path in both[1].folder.iterdir()} == {"trainA", "testA", "trainB", "testB"}


def test_too_few_images_are_refused_and_leave_nothing(starter: Starter, manager: JobManager, tmp_path: Path) -> None:
    picture(0).save(tmp_path / "one.png")
    with pytest.raises(gr.Error, match="1 usable"):
        take_in(starter, tmp_path / "one.png", ADA)
    assert not list((tmp_path / "trainer").rglob("*.webp"))


def test_images_that_cannot_be_taken_in_leave_nothing(
    starter: Starter, manager: JobManager, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_one(paths: Any, folder: Path, *options: Any) -> None:
        (folder / "train").mkdir()
        raise RuntimeError("a picture like no other")

    monkeypatch.setattr("demos.train.submit.take_in", take_one)
    with pytest.raises(RuntimeError, match="like no other"):
        take_in(starter, photos, ADA)
    assert not list((manager.folder / "datasets").glob("*/*"))


def test_new_images_take_the_place_of_the_old(starter: Starter, photos: Path) -> None:
    _, old, *_ = take_in(starter, photos, ADA)
    assert starter.on_files(ADA, old, [str(photos)], None, "vae", SCRATCH, REQUEST)[1] == gr.skip(), "the same files"
    _, gone, *_ = starter.on_files(ADA, old, None, None, "vae", SCRATCH, REQUEST)
    assert gone is None and not old.folder.exists()


def test_new_images_that_are_refused_leave_the_old(starter: Starter, photos: Path, tmp_path: Path) -> None:
    _, old, *_ = take_in(starter, photos, ADA)
    kept = sorted(old.folder.rglob("*"))
    (tmp_path / "none.zip").write_bytes(b"no archive")
    with pytest.raises(gr.Error):
        starter.on_files(ADA, old, [str(tmp_path / "none.zip")], None, "vae", SCRATCH, REQUEST)
    assert kept and sorted(old.folder.rglob("*")) == kept
    _, new, *_ = starter.on_files(ADA, old, [str(photos), str(photos)], None, "vae", SCRATCH, REQUEST)
    assert new.folder.exists() and not old.folder.exists()


def test_an_option_outside_its_bounds_is_named(starter: Starter, photos: Path) -> None:
    _, upload, *_ = take_in(starter, photos, ADA)
    with pytest.raises(gr.Error, match="beta is -1"):
        starter.on_start(ADA, upload, "vae", SCRATCH, "", REQUEST, *options("vae", beta=-1))


def test_one_zip_may_bring_both_sets(starter: Starter, photos: Path, tmp_path: Path) -> None:
    _, upload, told, _, go = take_in(starter, photos, recipe="cyclegan")
    assert upload is None and "trainA" in told and not go["interactive"]
    pair = tmp_path / "pair.zip"
    with zipfile.ZipFile(photos) as source, zipfile.ZipFile(pair, "w") as target:
        for number, name in enumerate(source.namelist()):
            target.writestr(f"train{'AB'[number % 2]}/{number}.png", source.read(name))
    _, upload, _, _, go = take_in(starter, pair, recipe="cyclegan")
    assert [audit.count for audit in upload.audits] == [6, 6] and go["interactive"]
    _, upload, *_ = take_in(starter, pair, recipe="vae")
    assert [audit.count for audit in upload.audits] == [12]


def test_a_choice_leaves_alone_what_it_does_not_change(starter: Starter) -> None:
    opening = Selection("vae", "vae-portraits", "quick", False)
    selection, *updates = starter.on_selection(ADA, opening, "vae", SCRATCH, "quick", False, REQUEST)
    changed = [name for name, update in zip(OPTIONS.names, updates, strict=True) if update != gr.skip()]
    assert set(changed) == {"learning_rate", "num_filters"}, "the whole rate, any shape; all else is as it was"
    again = starter.on_selection(ADA, selection, "vae", SCRATCH, "quick", False, REQUEST)
    assert again == [selection, *[gr.skip()] * len(updates)]
    _, *other = starter.on_selection(ADA, selection, "mae", SCRATCH, "quick", False, REQUEST)
    assert gr.skip() not in other, "another method's options are told whole"


def test_breaking_it_takes_the_stop_gradient_away(starter: Starter) -> None:
    assert starter.config(None, Selection("simsiam", SCRATCH, "quick", True))["stop_gradient"] is False
    assert starter.config(None, Selection("simsiam", SCRATCH, "quick", False))["stop_gradient"] is True
    assert "stop_gradient" not in starter.config(None, Selection("vae", SCRATCH, "quick", True))


def test_the_menu_of_starts_follows_the_trainings(context: Context, manager: JobManager) -> None:
    trainer = Job(submit(manager, ADA))
    ctx = replace(context, jobs=trainer)  # type: ignore[arg-type]
    starter, own = Starter(ctx, Runs(ctx)), f"job:{trainer.job.id}"

    def listed(start: str, visitor: str = ADA) -> tuple[bool, str]:
        menu = starter.on_listed(visitor, "vae", start, REQUEST)
        return (SECRET, own) in menu["choices"], menu["value"]

    assert listed(SCRATCH) == (False, SCRATCH), "nothing is learned yet"
    trainer.job = replace(trainer.job, state="done", step=40)
    assert listed(SCRATCH) == (True, SCRATCH)
    assert listed(own) == (True, own)
    assert listed(SCRATCH, EVE) == (False, SCRATCH)
    trainer.job = replace(trainer.job, owner="")
    assert listed(own) == (False, starter.start_choices("vae")[0][1]), "it was deleted"


@pytest.mark.parametrize(
    ("recipe", "name"), [("cyclegan", "apple2orange"), ("vae", "vae-fruit"), ("mae", "mae-photos")]
)
def test_before_and_after_stand_below_the_images(context: Context, recipe: str, name: str) -> None:
    side = context.weights_info(name).image_size
    pictures = [picture(i, side) for i in range(3)]
    model = context.load_model(name)
    sheet = np.asarray(compare(recipe, model, model, pictures, []))
    rows = 4 if recipe == "mae" else 3
    assert sheet.shape == (rows * 134 - 6, 3 * 134 - 6, 3)
    assert (sheet[-128:] == sheet[-262:-134]).all(), "the same weights make the same of it"


def test_encoders_are_compared_by_whom_they_find_alike(context: Context) -> None:
    pool = [picture(i, 64) for i in range(6)]
    model = context.load_model("simsiam-photos")
    sheet = np.asarray(compare("simsiam", model, model, pool[2:4], pool))
    assert (sheet[:128] == sheet[134:262]).all(), "a picture is most alike to itself"


def test_whatever_tells_a_run_anew_takes_the_comparison_away(context: Context, manager: JobManager) -> None:
    job = replace(submit(manager, ADA), state="done", step=40)
    runs = Runs(replace(context, jobs=Job(job)))  # type: ignore[arg-type]
    watched = Watched(f"job:{job.id}")
    for shown in (
        runs.on_ready(ADA, REQUEST),
        runs.on_stale(ADA, watched, REQUEST),
        runs.on_pick(pick(watched.run), ADA, REQUEST),
        runs.on_pick(pick(f"recording:{runs.recorded[0].name}"), ADA, REQUEST),
    ):
        assert shown.sheet["visible"] is shown.download["visible"] is False and shown.caption == ""


def test_a_comparison_that_comes_late_is_not_shown_under_another_run(ctx: Context, runs: Runs) -> None:
    asked = Watched("job:a", 500, look="stopped 500", listed=(("a", "stopped"),))
    made, on_made = Made(asked, ("sheet", "caption", "zip")), Results(ctx, runs).on_made
    assert on_made(replace(asked, listed=(("a", "stopped"), ("b", "queued"))), made) == made.parts
    for watched in (None, Watched(), replace(asked, run="job:b"), replace(asked, step=2000)):
        assert on_made(watched, made) == (gr.skip(),) * 3


def test_a_comparison_needs_no_earlier_job_once_its_weights_were_taken_over(
    context: Context, manager: JobManager, tmp_path: Path
) -> None:
    job = replace(submit(manager, ADA, image_size=64), state="done", step=40, start="job:deleted")
    trainer = SimpleNamespace(
        snapshot=lambda owner, job_id: job,
        images=manager.images,
        weights=lambda owner, job_id, part: {job.id: WEIGHTS / "vae-fruit"}[job_id],
        start_weights=lambda owner, job_id, part: {job.id: WEIGHTS / "vae-portraits"}[job_id],
    )
    ctx = replace(context, jobs=trainer)  # type: ignore[arg-type]
    made = Results(ctx, Runs(ctx)).on_compare(ADA, Watched(f"job:{job.id}"), REQUEST)
    with Image.open(made.parts[0]["value"]) as sheet:
        original, before, after = (np.asarray(sheet)[top : top + 128] for top in (0, 134, 268))
    assert (before != after).any() and (before != original).any()


def test_the_zip_holds_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "vae-000040"
    (folder / "part").mkdir(parents=True)
    (folder / "part" / "config.json").write_text("{}")
    (folder / "README.md").write_text("card")
    (tmp_path / "out.zip").write_bytes(zip_folder(folder))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert sorted(archive.namelist()) == ["vae-000040/README.md", "vae-000040/part/config.json"]
    assert zip_folder(folder) == (tmp_path / "out.zip").read_bytes()


def test_pushing_makes_a_private_repository(tmp_path: Path) -> None:
    calls: list[Any] = []

    def create_repo(name: str, **options: Any) -> Any:
        calls.append((name, options))
        return SimpleNamespace(repo_id=f"ada/{name}")

    api = SimpleNamespace(create_repo=create_repo, upload_folder=lambda **options: calls.append(options))
    assert push(api, tmp_path, "mine") == "ada/mine"
    assert calls[0] == ("mine", {"private": True, "exist_ok": True})
    assert (calls[1]["repo_id"], calls[1]["folder_path"]) == ("ada/mine", tmp_path)


def test_where_training_is_off_the_tab_says_so_and_still_replays(context: Context) -> None:
    with gr.Blocks() as app:
        tab.build(context)
    ids = {block["props"].get("elem_id") for block in app.get_config_file()["components"]}
    assert {"train-off", "train-view"} <= ids
    assert "train-go" not in ids


# What follows speaks HTTP, as somebody would who does not use the page.


@pytest.fixture
def served(ctx: Context) -> Iterator[tuple[gr.Blocks, str]]:
    """The tab, alone in a running app."""
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(ctx)
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, show_error=True, server_port=None)
    yield app, url
    app.close()


def value_for(block: Any, visitor: str, job: str) -> Any:
    """What somebody who knows the id of another's job would send."""
    if isinstance(block, gr.BrowserState):
        return visitor
    if isinstance(block, gr.State):
        return {"run": f"job:{job}", "step": 1, "frames": 0, "look": "running"}
    if isinstance(block, gr.Checkbox):
        return False
    if isinstance(block, gr.Number):
        return 8
    if isinstance(block, gr.Radio):
        return block.value
    if isinstance(block, gr.File):
        return None
    if block.elem_id == "train-runs":  # a click in the list
        return pick(f"job:{job}")
    return f"job:{job}"


def test_no_handler_gives_a_job_away_over_http(served: tuple[gr.Blocks, str], manager: JobManager) -> None:
    app, url = served
    job = submit(manager, ADA)
    before = manager.snapshot(job.owner, job.id)
    tried = set()
    for index, function in app.fns.items():
        if function.fn is None:
            continue
        session = uuid.uuid4().hex
        data = [value_for(block, EVE, job.id) for block in function.inputs]
        said = call_event(url, index, data, {"run": f"job:{job.id}"}, session)
        assert "process_completed" in said, said
        assert "holiday" not in said and ADA not in said and job.owner not in said, function.name
        tried.add(function.name)
    assert {"on_pick", "on_tick", "on_pause", "on_resume", "on_stop", "on_delete", "on_compare", "on_start"} <= tried
    assert {"on_files", "on_estimate", "on_selection", "on_recipe", "on_ready", "on_stale", "on_unlisted"} <= tried
    assert manager.snapshot(job.owner, job.id) == before


def test_the_owner_gets_what_others_do_not(served: tuple[gr.Blocks, str], manager: JobManager) -> None:
    app, url = served
    job = submit(manager, ADA)
    index = next(i for i, function in app.fns.items() if function.name == "on_pick")
    assert "holiday" in call_event(url, index, [pick(f"job:{job.id}"), ADA], None, uuid.uuid4().hex)


def test_nothing_of_the_trainer_is_served(
    served: tuple[gr.Blocks, str], manager: JobManager, starter: Starter, photos: Path
) -> None:
    _, url = served
    job = submit(manager, ADA)
    _, upload, *_ = take_in(starter, photos, ADA)
    files = [next(manager.images(job.owner, job.id).rglob("*.webp")), next(upload.folder.rglob("*.webp"))]
    files.append(files[0].parents[4] / "jobs.sqlite")
    assert all(path.is_file() for path in files), files
    for path in files:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}gradio_api/file={path}", timeout=30)
        assert refused.value.code in (403, 404)


def test_a_quiet_tick_is_quick(runs: Runs, manager: JobManager) -> None:
    """Fifty pages may take a tenth of a core: six milliseconds for each question, HTTP included."""
    assert (polling.PAGES, polling.EVERY) == (50, tab.POLL_SECONDS), "what is measured is what the tab does"
    job = submit(manager, ADA)
    watched = runs.show(job.owner, f"job:{job.id}", REQUEST).watched
    begun = time.process_time()
    for _ in range(50):
        assert runs.on_tick(ADA, watched, REQUEST)[1] == gr.skip()
    assert (time.process_time() - begun) / 50 < 0.002


def test_the_time_it_takes_is_told_before_the_start(
    starter: Starter, manager: JobManager, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(starter.on_estimate(ADA, None, "vae", SCRATCH, REQUEST, *options("vae"))) == [""]
    _, upload, *_ = take_in(starter, photos, ADA)
    submit(manager, EVE)
    monkeypatch.setattr(manager, "estimate", lambda owner, request: Estimate(0.5, 300.0, 200 * 2**20))
    measuring, told = starter.on_estimate(ADA, upload, "vae", SCRATCH, REQUEST, *options("vae", steps=600))
    assert "Measuring" in measuring
    assert "5 min" in told and "600 steps" in told and "ahead of yours: 1" in told
    assert list(starter.on_estimate(ADA, upload, "cyclegan", SCRATCH, REQUEST, *options("cyclegan"))) == [""]


def test_a_job_that_begins_while_its_time_is_measured_tells_it_itself(
    starter: Starter, manager: JobManager, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, upload, *_ = take_in(starter, photos, ADA)

    def measure(owner: str, request: JobRequest) -> Estimate:
        manager.submit(owner, request)
        return Estimate(0.5, 300.0, 200 * 2**20)

    monkeypatch.setattr(manager, "estimate", measure)
    _, told = starter.on_estimate(ADA, upload, "vae", SCRATCH, REQUEST, *options("vae"))
    assert told == ""


def test_a_page_reads_images_once_at_a_time(context: Context, manager: JobManager) -> None:
    with gr.Blocks() as app:
        tab.build(replace(context, jobs=manager))
    (reading,) = (function for function in app.fns.values() if function.name == "on_files")
    assert reading.trigger_mode == "always_last"
    told = next(block for block in app.blocks.values() if isinstance(getattr(block, "value", None), Selection))
    assert (told._id, "change") in reading.targets, "choosing a method reads again what was brought"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({f"{i}.txt": b"words" for i in range(3)}, "3 × not a picture. Add pictures as JPEG, PNG or WebP."),
        ({f"{i}.png": b"\x89PNG\r\n\x1a\n" for i in range(3)}, "3 × a damaged picture. Download or save"),
        ({"inner.zip": b"PK\x03\x04"}, "a zip inside a zip. Make one plain zip"),
        ({}, "0 usable, at least 8 are needed. Add some more."),
    ],
)
def test_a_zip_that_cannot_be_used_is_refused_with_its_reason_and_what_helps(
    starter: Starter, tmp_path: Path, content: dict[str, bytes], said: str
) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(gr.Error) as caught:
        take_in(starter, tmp_path / "set.zip", ADA)
    assert said in str(caught.value)


def test_a_damaged_zip_is_refused_as_one(starter: Starter, tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(gr.Error, match="1 × a damaged zip. Make one plain zip"):
        take_in(starter, tmp_path / "set.zip", ADA)


def test_of_two_sets_the_one_that_is_too_small_is_named(starter: Starter, photos: Path, tmp_path: Path) -> None:
    picture(0).save(tmp_path / "one.png")
    with pytest.raises(gr.Error, match="Second set: Too few pictures: 1 usable, at least 4"):
        take_in(starter, photos, ADA, "cyclegan", tmp_path / "one.png")
