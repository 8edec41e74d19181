"""Job databases, job folders and run folders that version c456177 wrote still open, and what was begun goes on.

They are in `tests/compatibility`. Only public names are imported here, so that these tests outlive any move of code.
"""

import json
import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from recorded import lacks, old_data_folder, old_run_folder, recorded, run_module
from safetensors import safe_open

from models.checkpoints import load_folder
from models.training.jobs import JobError, JobManager, JobRequest, Limits, Snapshot

JOBS = recorded("jobs")
OWNER = JOBS["owner"]
RECIPES = list(recorded("checkpoints"))
FOR_EVER = Limits(keep_seconds=1e12)
PATIENCE = 240.0  # seconds; training processes are niced: on a busy machine they wait long


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[JobManager]:
    """The trainer over the old data folder; no job is started."""
    manager = JobManager(old_data_folder(tmp_path / "data"), limits=FOR_EVER)
    yield manager
    manager.close()


def described(job: Snapshot) -> dict[str, Any]:
    """Return what a job's owner learns of it, previews by their file names."""
    values = {**asdict(job), "previews": [path.name for path in job.previews]}
    described: dict[str, Any] = json.loads(json.dumps(values))
    return described


def test_old_jobs_are_listed_for_their_owner_alone(manager: JobManager) -> None:
    assert manager.notices() == {}
    jobs = [described(manager.snapshot(OWNER, job.id)) for job in manager.jobs(OWNER)]
    assert not lacks(dict(enumerate(jobs)), dict(enumerate(JOBS["jobs"])))
    assert len(jobs) == len(JOBS["jobs"])
    assert [job.title for job in manager.jobs("hf:somebody-else")] == ["queued by somebody else", "of somebody else"]
    assert manager.jobs("browser:nobody") == []
    with pytest.raises(JobError, match="unknown"):
        manager.snapshot("hf:somebody-else", job_id(manager, "done"))


def job_id(manager: JobManager, state: str) -> str:
    return next(job.id for job in manager.jobs(OWNER) if job.state == state)


def test_weights_of_a_finished_job_load(manager: JobManager) -> None:
    folder = manager.weights(OWNER, job_id(manager, "done"))
    model = load_folder(folder)
    with safe_open(folder / "model.safetensors", "pt") as file:
        assert {name: list(tensor.shape) for name, tensor in model.state_dict().items()} == {
            name: file.get_slice(name).get_shape()
            for name in file.keys()  # noqa: SIM118
        }
    assert load_folder(manager.start_weights(OWNER, job_id(manager, "queued"))).state_dict().keys() == (
        model.state_dict().keys()
    )


def test_old_jobs_are_found_again_without_their_database(tmp_path: Path) -> None:
    folder = old_data_folder(tmp_path / "data")
    (folder / "jobs.sqlite").write_bytes(b"no database" * 100)
    manager = JobManager(folder, limits=FOR_EVER)
    states = {job.title: (job.state, job.step) for job in manager.jobs(OWNER)}
    manager.close()
    assert states.keys() == {job["title"] for job in JOBS["jobs"]}
    assert states["Finished <done>"] == ("done", 6)
    assert states["停止 stopped"] == ("interrupted", 4)


def until(manager: JobManager, job: str, *states: str) -> Snapshot:
    begun = time.monotonic()
    while (seen := manager.snapshot(OWNER, job)).state not in states:
        assert time.monotonic() - begun < PATIENCE, seen
        time.sleep(0.05)
    return seen


@pytest.mark.slow
def test_old_jobs_go_on(manager: JobManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    waiting, left, stopped = (job_id(manager, state) for state in ("queued", "running", "stopped"))
    assert not load_folder(manager.weights(OWNER, stopped)).training  # exported from its checkpoint
    manager.start()
    done = until(manager, waiting, "done", "failed")
    assert (done.state, done.step, done.error) == ("done", 6, None)
    lost = manager.snapshot(OWNER, left)
    assert (lost.state, lost.error) == ("interrupted", "interrupted")
    manager.resume(OWNER, stopped)
    done = until(manager, stopped, "done", "failed")
    assert (done.state, done.step, done.error) == ("done", 12, None)
    assert [row["step"] for row in done.metrics] == list(range(1, 13))
    folder = manager.new_dataset(OWNER)
    for path in manager.images(OWNER, stopped).iterdir():
        shutil.copy(path, folder)
    manager.delete(OWNER, left)
    again = manager.submit(OWNER, JobRequest("mae", {**done.config, "steps": 1}, folder, start=f"job:{stopped}"))
    assert until(manager, again.id, "done", "failed").error is None


@pytest.fixture
def job_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stopped job, with its images in `data` and its run in `run`; also the current folder."""
    stopped = next(job["id"] for job in JOBS["jobs"] if job["state"] == "stopped")
    folder = old_data_folder(tmp_path / "data") / "jobs" / stopped
    monkeypatch.chdir(folder)
    return folder


def rows(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]


def test_an_old_run_is_measured_recorded_and_exported(
    job_folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    assert run_module("models.training", "evaluate", "run") == 0
    scores = json.loads(Path("run/evaluation.json").read_text("utf-8"))
    assert scores["step"] == 4
    for name, then in JOBS["evaluation"].items():
        assert scores["scores"][name] == pytest.approx(then, rel=0.01), name
    assert run_module("models.training", "record", "run", "recording") == 0
    recording = json.loads(Path("recording/recording.json").read_text("utf-8"))
    assert (recording["recipe"], recording["steps"], recording["preview_steps"]) == ("mae", 4, [1, 2, 3, 4])
    assert run_module("models.training", "export", "run", "weights") == 0
    record = json.loads(Path("weights/config.json").read_text("utf-8"))
    assert (record["arch"], record["steps"], record["planned_steps"]) == ("mae", 4, 12)
    assert not load_folder(Path("weights")).training
    assert run_module("models.training", "evaluate", "weights", "--data", "data") == 0


def test_an_old_run_goes_on_by_its_old_command(job_folder: Path) -> None:
    before, config = rows(job_folder / "run"), Path("run/config.json").read_text("utf-8")
    assert [row["step"] for row in before] == [1, 2, 3, 4]
    command = ["mae", "--data", "data", "--out", "run", "--save-seconds=60.0", "--log-every=1", "--preview-every=1"]
    assert run_module("models.training", *command, "--device=cpu") == 0
    after = rows(job_folder / "run")
    assert after[:4] == before and [row["step"] for row in after] == list(range(1, 13))
    assert Path("run/config.json").read_text("utf-8") == config
    for now, then in zip(after[4:], JOBS["losses"], strict=True):
        assert now["loss"] == pytest.approx(then, rel=0.05)


@pytest.mark.parametrize("recipe", RECIPES)
def test_an_old_run_of_every_recipe_goes_on(recipe: str, tmp_path: Path) -> None:
    run = old_run_folder(recipe, tmp_path)
    config = json.loads((run / "config.json").read_text("utf-8"))
    assert run_module("models.training", recipe, "--data", tmp_path / "images", "--out", run, "--device=cpu") == 0
    assert [row["step"] for row in rows(run)] == [8]
    assert json.loads((run / "config.json").read_text("utf-8")) == config
