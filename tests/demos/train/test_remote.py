"""The section for Hugging Face Jobs, against a stand-in of the Hub that really runs what it is sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
import huggingface_hub.constants
import pytest
from fakes import ShallowModels
from jobs_backend import TINY, dataset
from jobs_server import TOKEN, JobsServer, jobs_server

from demos.core.context import Context, make_context
from demos.core.visitor import new_id, owner_of
from demos.train import tab
from demos.train.remote import Remote
from demos.train.runs import Runs, Watched
from demos.train.submit import Starter, Upload
from demos.train.text import head_html
from demos.ui.config_form import Options
from models.checkpoints import Library
from models.hub.client import Hub
from models.model_cache import ModelCache
from models.training.jobs import JobManager, JobRequest, Snapshot
from models.training.recipes import RECIPES

ADA, EVE = new_id(), new_id()
OPTIONS = Options({name: recipe.Config for name, recipe in RECIPES.items()})
REQUEST = gr.Request(headers={"accept-language": "en"})
PATIENCE = 240.0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JobsServer]:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    with jobs_server() as running:
        yield running


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[JobManager]:
    manager = JobManager(tmp_path / "data")
    manager.start()
    yield manager
    manager.close()


@pytest.fixture
def ctx(shallow_models: ShallowModels, server: JobsServer, manager: JobManager, tmp_path: Path) -> Context:
    library = Library(Hub(endpoint=server.url, cache=tmp_path / "cache", assets=tmp_path / "assets"), ModelCache())
    return make_context(
        shallow_models.load_model, shallow_models.weights_info, tmp_path / "files", library=library, jobs=manager
    )


@pytest.fixture
def remote(ctx: Context) -> Remote:
    runs = Runs(ctx)
    return Remote(ctx, Starter(ctx, runs), runs)


def values(**changed: Any) -> list[Any]:
    config = {**{name: None for name in OPTIONS.names}, **TINY_VAE, **changed}
    return [config[name] for name in OPTIONS.names]


TINY_VAE = {
    **asdict(RECIPES["vae"].Config()),
    "warmup": 1, "ema_decay": 0.9, "seed": 0, "precision": "fp32", "learning_rate": 1e-3, "beta": 1.0, "kl_warmup": 1,
    "free_bits": 0.0, "autoencoder": False, "min_scale": 0.8, **TINY,
}  # fmt: skip


def only_job(manager: JobManager) -> Snapshot:
    (job,) = manager.jobs(owner_of(ADA, None) or "")
    return manager.snapshot(job.owner, job.id)


def wait_for_end(manager: JobManager) -> Snapshot:
    begun = time.monotonic()
    while (job := only_job(manager)).state in ("queued", "running"):
        assert time.monotonic() - begun < PATIENCE, job
        time.sleep(0.05)
    return job


def test_from_the_price_to_the_result(remote: Remote, ctx: Context, manager: JobManager, server: JobsServer) -> None:
    hardware, cost, go = remote.on_ask(f" {TOKEN} ", "t4-small", 1.5, REQUEST)
    assert ("t4-small (0.40 $ / h)", "t4-small") in hardware["choices"] and go["interactive"]
    assert "$0.60" in cost and "1.5 h" in cost
    assert server.jobs == {}, "asking is not starting"
    owner = owner_of(ADA, None) or ""
    upload = Upload(owner, dataset(manager, owner), (), ())
    emptied, *shown = remote.on_start(
        ADA, upload, "vae", "scratch", "mine", TOKEN, "cpu-basic", 0.5, REQUEST, *values(steps=6)
    )
    assert emptied == "" and TOKEN not in repr(shown)
    done = wait_for_end(manager)
    assert (done.state, done.step, done.remote) == ("done", 6, True), (done.error_values, done.log)
    spec = server.jobs["job0"].spec
    assert (spec["flavor"], spec["timeoutSeconds"]) == ("cpu-basic", 1800)
    said = head_html(ctx, done)
    assert "on Hugging Face Jobs" in said and done.log and done.log[-1][:20] in said
    for path in manager.folder.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path


@pytest.mark.slow
def test_a_job_that_lost_its_login_goes_on_with_a_token(
    remote: Remote, manager: JobManager, server: JobsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = owner_of(ADA, None) or ""
    upload = Upload(owner, dataset(manager, owner), (), ())
    remote.on_start(ADA, upload, "vae", "scratch", "", TOKEN, "cpu-basic", 1, REQUEST, *values(steps=20_000))
    job = only_job(manager)
    watched = Watched(f"job:{job.id}")
    with pytest.raises(gr.Error, match="no such run"):
        remote.on_resume(EVE, watched, TOKEN, "cpu-basic", 1, REQUEST)
    manager.stop(job.owner, job.id)
    assert wait_for_end(manager).state == "stopped"
    with pytest.raises(gr.Error, match="log in and resume"):
        remote.on_resume(ADA, watched, "", "cpu-basic", 1, REQUEST)
    assert remote.on_resume(ADA, watched, TOKEN, "cpu-basic", 1, REQUEST).pause["visible"]
    manager.stop(job.owner, job.id)
    assert wait_for_end(manager).state == "stopped"


@pytest.mark.slow
def test_a_field_that_was_never_unfolded_does_not_keep_a_job_of_this_machine_from_going_on(
    ctx: Context, remote: Remote, manager: JobManager
) -> None:
    with gr.Blocks() as app:
        tab.build(ctx)
    fields = {block.elem_id: block for block in app.blocks.values()}
    request = JobRequest("vae", {**TINY, "steps": 20_000}, dataset(manager, owner_of(ADA, None) or ""))
    job = manager.submit(owner_of(ADA, None) or "", request)
    manager.pause(job.owner, job.id)
    assert wait_for_end(manager).state == "paused"
    token, flavor, hours = (fields[f"train-remote-{name}"].value for name in ("token", "flavor", "hours"))
    shown = remote.on_resume(ADA, Watched(f"job:{job.id}"), token, flavor, hours, REQUEST)
    assert shown.pause["visible"]
    manager.stop(job.owner, job.id)
    assert wait_for_end(manager).state == "stopped"


@pytest.mark.slow
def test_jobs_elsewhere_take_no_turn_of_this_machine(manager: JobManager, server: JobsServer) -> None:
    from models.training.execution.hf_jobs import HFJobs

    there = manager.submit(
        "ann", JobRequest("vae", {**TINY, "steps": 20_000}, dataset(manager, "ann")), HFJobs(TOKEN, endpoint=server.url)
    )
    here = manager.submit("bob", JobRequest("vae", {**TINY, "steps": 4}, dataset(manager, "bob")))
    begun = time.monotonic()
    while manager.snapshot("bob", here.id).state != "done":
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.05)
    assert manager.snapshot("ann", there.id).state == "running"
    manager.stop("ann", there.id)


@pytest.mark.parametrize(("token", "words"), [("", "token of your Hugging Face"), ("hf_wrong", "did not accept")])
def test_without_a_login_nothing_is_asked(remote: Remote, server: JobsServer, token: str, words: str) -> None:
    with pytest.raises(gr.Error, match=words) as refused:
        remote.on_ask(token, "t4-small", 1, REQUEST)
    assert "hf_wrong" not in str(refused.value)


def test_a_price_that_is_asked_for_does_not_arrive_after_a_change(ctx: Context) -> None:
    with gr.Blocks() as app:
        tab.build(ctx)
    (asked,) = (fn for fn in app.fns.values() if fn.name == "on_ask")
    ids = {block._id for block in app.blocks.values() if str(block.elem_id).startswith("train-remote-")}
    changes = [fn for fn in app.fns.values() if {target for target, _ in fn.targets} & ids and fn.cancels]
    assert [fn.cancels for fn in changes] == [[asked._id]]
