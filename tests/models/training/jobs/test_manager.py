"""The queue, its limits and its owners, with a backend that starts nothing and clocks that are moved by hand."""

from __future__ import annotations

import gc
import json
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jobs_backend import TINY, Clock, FakeBackend, dataset, picture, submit

from models.checkpoints import WEIGHTS
from models.data.images import open_image
from models.training.execution.backends import Task, TrainingOff
from models.training.execution.remote_handle import REMOTE
from models.training.jobs import JobError, JobManager, JobRequest, Limits
from models.training.jobs.folders import JobFolders
from models.training.jobs.supervisor import GRACE_SECONDS
from models.training.loop.run_folder import Checkpoint, RunFolder, write_json
from models.training.recipes import RECIPES

I18N = WEIGHTS.parent / "i18n"
Open = Callable[..., JobManager]


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def monotonic() -> Clock:
    return Clock(0.0)


@pytest.fixture
def open_manager(tmp_path: Path, backend: FakeBackend, monotonic: Clock) -> Iterator[Open]:
    """Opens managers on one data folder; they are closed at the end, and never start a thread by themselves."""
    opened: list[JobManager] = []

    def open_one(**options: Any) -> JobManager:
        manager = JobManager(tmp_path / "data", **{"backend": backend, "monotonic": monotonic, **options})
        opened.append(manager)
        return manager

    yield open_one
    for manager in opened:
        manager.close()


@pytest.fixture
def manager(open_manager: Open) -> JobManager:
    return open_manager()


def turn(manager: JobManager, monotonic: Clock, seconds: float = 1.5) -> None:
    """Let the supervisor look once, after some time."""
    monotonic.now += seconds
    manager.supervisor.turn()


def run_of(manager: JobManager, job_id: str) -> RunFolder:
    return RunFolder(manager.folder / "jobs" / job_id / "run")


def finish(manager: JobManager, backend: FakeBackend, monotonic: Clock, job_id: str) -> None:
    """End the running job as a process does that has taken all steps."""
    run_of(manager, job_id).save_checkpoint(Checkpoint(TINY["steps"], {}, {}))
    backend.last.status = 0
    turn(manager, monotonic)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(JobError) as caught:
        call()
    for language in ("en", "zh"):
        texts = json.loads((I18N / f"{language}.json").read_text(encoding="utf-8"))
        assert texts[f"error.job.{caught.value.code}"].format(**caught.value.values)
    return caught.value.code


def state(manager: JobManager, owner: str, job_id: str) -> tuple[str, str | None]:
    snapshot = manager.snapshot(owner, job_id)
    if snapshot.error is not None:
        texts = json.loads((I18N / "en.json").read_text(encoding="utf-8"))
        assert texts[f"error.job.{snapshot.error}"].format(**snapshot.error_values)
    return snapshot.state, snapshot.error


def test_a_job_waits_runs_and_is_done(manager: JobManager, backend: FakeBackend, monotonic: Clock) -> None:
    job = submit(manager, "ann")
    assert (job.state, job.queue_place, job.step, job.total) == ("queued", 1, 0, 40)
    turn(manager, monotonic)
    run = run_of(manager, job.id)
    run.save_progress(10, 0.5)
    run.append_metrics({"step": 10, "loss": 1.0})
    seen = manager.snapshot("ann", job.id)
    assert (seen.state, seen.step, seen.seconds_left, seen.queue_place) == ("running", 10, 15.0, None)
    assert seen.metrics == ({"step": 10, "loss": 1.0},)
    finish(manager, backend, monotonic, job.id)
    done = manager.snapshot("ann", job.id)
    assert (done.state, done.step, done.error) == ("done", 40, None)
    assert done.created <= done.started <= done.finished  # type: ignore[operator]


def test_a_snapshot_has_only_the_rows_after_the_step_asked_for(manager: JobManager, monotonic: Clock) -> None:
    job = submit(manager, "ann")
    run = run_of(manager, job.id)
    for step in (1, 2, 3):
        run.append_metrics({"step": step})
    assert manager.snapshot("ann", job.id, after_step=2).metrics == ({"step": 3},)
    with run.metrics_path.open("a") as file:
        file.write('{"step": 4, "lo')  # as a poll may find it
    assert [row["step"] for row in manager.snapshot("ann", job.id).metrics] == [1, 2, 3]
    run.forget_metrics_after(1)  # as a resumed run does
    run.append_metrics({"step": 2, "again": 1.0})
    assert manager.snapshot("ann", job.id).metrics == ({"step": 1}, {"step": 2, "again": 1.0})


def test_visitors_take_turns(manager: JobManager, backend: FakeBackend, monotonic: Clock) -> None:
    greedy = [submit(manager, "ann", seed=seed) for seed in range(3)]
    late = [submit(manager, "bob", seed=seed) for seed in range(2)]
    last = submit(manager, "cai")
    wanted = [greedy[0], late[0], last, greedy[1], late[1], greedy[2]]
    owners = {job.id: job.owner for job in wanted}
    places = [manager.snapshot(job.owner, job.id).queue_place for job in wanted]
    assert places == [1, 2, 3, 4, 5, 6]
    for job in wanted:
        turn(manager, monotonic)
        running = [one.id for owner in set(owners.values()) for one in manager.jobs(owner) if one.state == "running"]
        assert running == [job.id]
        finish(manager, backend, monotonic, job.id)


def test_as_many_run_at_once_as_allowed(open_manager: Open, backend: FakeBackend, monotonic: Clock) -> None:
    manager = open_manager(max_running=2)
    for owner in ("ann", "bob", "cai"):
        submit(manager, owner)
    turn(manager, monotonic)
    assert len(backend.handles) == 2


def test_a_double_start_is_refused_and_a_double_resume_starts_one_process(
    manager: JobManager, backend: FakeBackend, monotonic: Clock
) -> None:
    request = JobRequest("vae", TINY, dataset(manager, "ann"))
    job = manager.submit("ann", request)
    assert code_of(lambda: manager.submit("ann", request)) == "already_started"
    turn(manager, monotonic)
    assert code_of(lambda: manager.submit("ann", request)) == "already_started"
    manager.pause("ann", job.id)
    turn(manager, monotonic)
    turn(manager, monotonic)
    assert state(manager, "ann", job.id) == ("paused", None)
    for _ in range(3):
        manager.resume("ann", job.id)
        turn(manager, monotonic)
    assert len(backend.handles) == 2
    finish(manager, backend, monotonic, job.id)
    assert code_of(lambda: manager.resume("ann", job.id)) == "not_resumable"


def test_of_many_starts_at_once_one_gets_through(open_manager: Open) -> None:
    managers = [open_manager(limits=Limits(jobs_per_owner=3)) for _ in range(2)]
    folder = dataset(managers[0], "ann")
    codes: list[str] = []

    def start(number: int, seed: int) -> None:
        try:
            managers[number % 2].submit("ann", JobRequest("vae", {**TINY, "seed": seed}, folder))
        except JobError as error:
            codes.append(error.code)

    for seeds, refused in (([0] * 6, ["already_started"] * 5), (range(1, 6), ["jobs_per_owner"] * 3)):
        codes.clear()
        threads = [threading.Thread(target=start, args=one) for one in enumerate(seeds)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert codes == refused
    assert len(managers[0].jobs("ann")) == len(list((managers[0].folder / "jobs").iterdir())) == 3


@pytest.mark.parametrize(
    ("recipe", "names", "lacking"),
    [
        ("vae", ["1.png"], None),
        ("supervised", ["cat/1.png", "dog/1.png"], None),
        ("supervised", ["cat/1.png", "train/cat/2.png"], "needs_labels"),
        ("supervised", ["trainA/1.png", "trainB/2.png"], None),
        ("cyclegan", [f"train{s}/{i}.png" for s in "AB" for i in range(5)], None),
        ("cyclegan", ["trainA/1.png", "trainB/1.png", "testA/1.png", "testB/1.png"], None),
        ("cyclegan", [f"train{s}/{i}.png" for s in "AB" for i in range(4)], "needs_two_sets"),
        ("cyclegan", [f"trainA/{i}.png" for i in range(9)], "needs_two_sets"),
    ],
)
def test_what_a_recipe_lacks_is_seen_from_the_folders(recipe: str, names: list[str], lacking: str | None) -> None:
    assert RECIPES[recipe].lacks(names) == lacking


def test_a_job_that_is_resumed_while_it_goes_to_rest_goes_on(
    manager: JobManager, backend: FakeBackend, monotonic: Clock
) -> None:
    job = submit(manager, "ann")
    turn(manager, monotonic)
    backend.last.obeys = False
    manager.pause("ann", job.id)
    turn(manager, monotonic)
    manager.resume("ann", job.id)
    backend.last.status = 0
    turn(manager, monotonic)
    assert manager.snapshot("ann", job.id).state == "running"
    assert len(backend.handles) == 2


def test_only_the_owner_can_access_a_job(manager: JobManager, monotonic: Clock) -> None:
    job = submit(manager, "ann")
    turn(manager, monotonic)
    for call in (
        manager.snapshot,
        manager.stop,
        manager.pause,
        manager.resume,
        manager.delete,
        manager.weights,
        manager.start_weights,
    ):
        assert code_of(lambda: call("bob", job.id)) == "unknown"  # noqa: B023
        assert code_of(lambda: call("ann", "0" * 32)) == "unknown"  # noqa: B023
    assert manager.jobs("bob") == []
    assert manager.snapshot("ann", job.id).state == "running"
    foreign = JobRequest("vae", TINY, dataset(manager, "ann"))
    assert code_of(lambda: manager.submit("bob", foreign)) == "data"
    own = JobRequest("vae", TINY, dataset(manager, "bob"), start=f"job:{job.id}")
    assert code_of(lambda: manager.submit("bob", own)) == "unknown"


def test_a_job_keeps_the_weights_that_an_earlier_one_gave_it(
    manager: JobManager, backend: FakeBackend, monotonic: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = submit(manager, "ann")
    turn(manager, monotonic)
    finish(manager, backend, monotonic, earlier.id)
    exported = tmp_path / "exported" / "a2b" / "config.json"
    exported.parent.mkdir(parents=True)
    exported.write_text("as they were")
    monkeypatch.setattr(manager, "_export", lambda row: tmp_path / "exported")
    monkeypatch.setattr(manager._admission, "check_fit_of", lambda *asked: None)
    request = JobRequest("vae", TINY, dataset(manager, "ann"), start=f"job:{earlier.id}")
    later = manager.submit("ann", request)
    exported.write_text("as they became")
    manager.delete("ann", earlier.id)
    assert (manager.start_weights("ann", later.id, "a2b") / "config.json").read_text() == "as they were"


@pytest.mark.parametrize("where", ["/etc", "..", "nothing-here"])
def test_images_come_from_the_visitors_own_area_only(manager: JobManager, where: str, tmp_path: Path) -> None:
    own = dataset(manager, "ann")
    link = own.parent / "link"
    link.symlink_to(tmp_path)
    for path in (own / where, own.parent / where, link):
        assert code_of(lambda: manager.submit("ann", JobRequest("vae", TINY, path))) == "data"  # noqa: B023


def test_jobs_are_public_in_a_classroom_only_and_without_their_owners(open_manager: Open) -> None:
    private, classroom = open_manager(), open_manager(classroom=True)
    job = submit(private, "ann")
    assert private.public_jobs() == []
    assert code_of(lambda: private.public_snapshot(job.id)) == "unknown"
    assert [(one.id, one.owner) for one in classroom.public_jobs()] == [(job.id, "")]
    assert classroom.public_snapshot(job.id).owner == ""


def test_states_are_read_without_the_rest_of_the_jobs(open_manager: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = open_manager(classroom=True)
    jobs = [submit(manager, owner) for owner in ("ada", "eve")]
    manager.pause("eve", jobs[1].id)
    monkeypatch.setattr("models.training.jobs.store.row_of", None)  # what reads a whole job
    listed = [(jobs[0].id, "queued"), (jobs[1].id, "paused")]
    assert manager.states("ada") == manager.states(None) == listed
    assert (manager.counts()["queued"], manager.counts()["paused"], manager.ahead()) == (1, 1, 1)


def test_pause_and_stop_ask_and_after_the_grace_kill(
    manager: JobManager, backend: FakeBackend, monotonic: Clock
) -> None:
    job = submit(manager, "ann")
    turn(manager, monotonic)
    backend.last.obeys = False
    manager.stop("ann", job.id)
    turn(manager, monotonic)
    assert backend.last.asked
    turn(manager, monotonic, GRACE_SECONDS - 1)
    assert not backend.last.killed
    turn(manager, monotonic, 2)
    assert backend.last.killed
    turn(manager, monotonic)
    assert state(manager, "ann", job.id) == ("stopped", None)


def test_a_waiting_job_rests_at_once_and_comes_back_at_the_end_of_the_queue(manager: JobManager) -> None:
    first, second = submit(manager, "ann"), submit(manager, "ann", seed=1)
    assert manager.pause("ann", first.id).state == "paused"
    assert manager.snapshot("ann", second.id).queue_place == 1
    assert manager.resume("ann", first.id).queue_place == 2
    assert manager.stop("ann", first.id).state == "stopped"


def test_a_deleted_job_leaves_nothing_even_while_it_runs(
    manager: JobManager, backend: FakeBackend, monotonic: Clock
) -> None:
    running, waiting = submit(manager, "ann"), submit(manager, "ann", seed=1)
    turn(manager, monotonic)
    for job in (running, waiting):
        manager.delete("ann", job.id)
    assert manager.jobs("ann") == []
    assert code_of(lambda: manager.snapshot("ann", running.id)) == "unknown"
    turn(manager, monotonic)
    turn(manager, monotonic)
    assert backend.last.status == 0
    assert list((manager.folder / "jobs").iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "change", "code"),
    [
        ({}, {"recipe": "dalle"}, "recipe"),
        ({}, {"config": {"steps": -1}}, "config"),
        ({}, {"config": {"colour": 1}}, "config"),
        ({"steps": 39}, {}, "too_many_steps"),
        ({"fewest_images": 13}, {}, "too_few_pictures"),
        ({"images": 11}, {}, "too_many_pictures"),
        ({"bytes": 1000}, {}, "too_many_bytes"),
        ({"pixels": 24 * 24 - 1}, {}, "too_many_pixels"),
        ({"disk_per_owner": 1000}, {}, "disk_owner"),
        ({"disk_total": 1000}, {}, "disk_total"),
        ({}, {"recipe": "supervised", "config": {"steps": 2}}, "needs_labels"),
        ({}, {"recipe": "cyclegan", "config": {"steps": 2}}, "needs_two_sets"),
        ({}, {"start": "no-such-weights"}, "start"),
        ({}, {"start": "/etc"}, "start"),
        ({}, {"start": "vae-fruit"}, "start_does_not_fit"),
        ({}, {"start": "mae-photos"}, "start_does_not_fit"),
    ],
)
def test_a_request_beyond_a_limit_is_refused_and_leaves_nothing(
    open_manager: Open, limits: dict[str, Any], change: dict[str, Any], code: str
) -> None:
    roomy = open_manager()
    request = replace(JobRequest("vae", TINY, dataset(roomy, "ann")), **change)
    manager = open_manager(limits=Limits(**limits))
    assert code_of(lambda: manager.submit("ann", request)) == code
    assert list((manager.folder / "jobs").iterdir()) == []
    assert manager.jobs("ann") == []


def test_weights_that_do_not_fit_are_rejected_with_the_options_that_would(manager: JobManager) -> None:
    request = JobRequest("vae", {**TINY, "latent_dim": 128}, dataset(manager, "ann"), start="vae-fruit")
    with pytest.raises(JobError) as caught:
        manager.submit("ann", request)
    assert caught.value.values["needs"] == "image_size 64, num_filters 32"


def test_the_number_of_jobs_and_of_waiting_ones_is_limited(open_manager: Open, monotonic: Clock) -> None:
    manager = open_manager(limits=Limits(jobs_per_owner=2, queued_total=3))
    mine = [submit(manager, "ann"), submit(manager, "ann", seed=1)]
    assert code_of(lambda: submit(manager, "ann", seed=2)) == "jobs_per_owner"
    submit(manager, "bob")
    assert code_of(lambda: submit(manager, "cai")) == "queue_full"
    manager.pause("ann", mine[0].id)
    submit(manager, "cai")
    assert code_of(lambda: manager.resume("ann", mine[0].id)) == "queue_full"


def test_a_visitors_links_count_once_and_other_visitors_not_at_all(open_manager: Open) -> None:
    manager = open_manager(limits=Limits(disk_per_owner=60_000))
    for owner in ("ann", "bob", "cai"):
        folder = dataset(manager, owner)
        size = sum(path.stat().st_size for path in folder.iterdir())
        assert 15_000 < size < 30_000
        for seed in range(4):
            manager.submit(owner, JobRequest("vae", {**TINY, "seed": seed}, folder))


@pytest.mark.parametrize(
    ("limits", "seconds", "held", "expected"),
    [
        ({"wall_seconds": 100.0}, 101.0, 0, ("stopped", "wall_time")),
        ({"stall_seconds": 50.0}, 51.0, 0, ("failed", "stalled")),
        ({"memory": 1000}, 1.5, 1001, ("failed", "out_of_memory")),
    ],
)
def test_a_running_job_beyond_a_limit_is_ended_and_keeps_its_checkpoint(
    open_manager: Open,
    backend: FakeBackend,
    monotonic: Clock,
    limits: dict[str, Any],
    seconds: float,
    held: int,
    expected: tuple[str, str],
) -> None:
    manager = open_manager(limits=Limits(**limits))
    job = submit(manager, "ann")
    turn(manager, monotonic)
    run_of(manager, job.id).save_checkpoint(Checkpoint(7, {}, {}))
    turn(manager, monotonic)
    assert manager.snapshot("ann", job.id).state == "running"
    backend.last.held = held
    turn(manager, monotonic, seconds)
    turn(manager, monotonic)
    assert state(manager, "ann", job.id) == expected
    assert manager.snapshot("ann", job.id).step == 7


def test_running_time_is_counted_over_pauses(open_manager: Open, backend: FakeBackend, monotonic: Clock) -> None:
    manager = open_manager(limits=Limits(wall_seconds=100.0))
    job = submit(manager, "ann")
    turn(manager, monotonic)
    turn(manager, monotonic, 60.0)
    manager.pause("ann", job.id)
    turn(manager, monotonic, 0.1)
    turn(manager, monotonic, 0.1)
    monotonic.now += 500.0  # at rest
    manager.resume("ann", job.id)
    turn(manager, monotonic)
    turn(manager, monotonic, 30.0)
    assert not backend.last.asked
    turn(manager, monotonic, 30.0)
    assert backend.last.asked
    manager.pause("ann", job.id)  # too late to be the reason
    turn(manager, monotonic)
    assert state(manager, "ann", job.id) == ("stopped", "wall_time")
    assert code_of(lambda: manager.resume("ann", job.id)) == "wall_time"


def test_a_full_disk_refuses_uploads_and_ends_the_running_job(
    open_manager: Open, backend: FakeBackend, monotonic: Clock
) -> None:
    free = [10**12]
    manager = open_manager(free_space=lambda path: free[0])
    job = submit(manager, "ann")
    turn(manager, monotonic)
    free[0] = 1000
    assert code_of(lambda: manager.new_dataset("bob")) == "disk_full"
    turn(manager, monotonic, 6.0)
    turn(manager, monotonic)
    assert state(manager, "ann", job.id) == ("failed", "disk_full")
    assert code_of(lambda: manager.resume("ann", job.id)) == "disk_full"
    free[0] = 10**12
    assert manager.resume("ann", job.id).state == "queued"


@pytest.mark.parametrize(
    ("status", "left", "expected"),
    [
        (2, ("not_finite", {}), ("failed", "not_finite")),
        (28, None, ("failed", "disk_full")),
        (-9, None, ("interrupted", "killed")),
        (0, None, ("interrupted", "interrupted")),
        (1, None, ("failed", "crashed")),
        (1, ("refused", {"message": "No pictures of set A."}), ("failed", "refused")),
    ],
)
def test_an_unexpected_exit_is_explained(
    manager: JobManager,
    backend: FakeBackend,
    monotonic: Clock,
    status: int,
    left: tuple[str, dict[str, Any]] | None,
    expected: tuple[str, str],
) -> None:
    job = submit(manager, "ann")
    turn(manager, monotonic)
    if left is not None:
        run_of(manager, job.id).save_error(*left)
    backend.last.status = status
    turn(manager, monotonic)
    assert state(manager, "ann", job.id) == expected
    manager.resume("ann", job.id)
    turn(manager, monotonic)
    assert state(manager, "ann", job.id) == ("running", None)
    assert run_of(manager, job.id).load_error() is None


def test_damaged_files_do_not_block_other_jobs(manager: JobManager, backend: FakeBackend, monotonic: Clock) -> None:
    job, other = submit(manager, "ann"), submit(manager, "bob")
    turn(manager, monotonic)
    run = run_of(manager, job.id)
    for name in ("checkpoint.pt", "progress.json", "error.json"):
        (run.path / name).write_bytes(b"\x00" * 50)
    turn(manager, monotonic)
    assert manager.snapshot("ann", job.id).state == "running"
    backend.last.status = 1
    turn(manager, monotonic)
    assert state(manager, "ann", job.id) == ("failed", "crashed")
    assert manager.snapshot("ann", job.id).step == 0
    assert manager.snapshot("bob", other.id).state == "running"


def test_a_backend_that_cannot_start_fails_the_job_and_the_queue_goes_on(open_manager: Open, monotonic: Clock) -> None:
    def refuse_first(task: Task) -> None:
        if not backend.handles and not refused:
            refused.append(task)
            raise OSError("no such program")

    refused: list[Task] = []
    backend = FakeBackend(refuse_first)
    manager = open_manager(backend=backend)
    first, second = submit(manager, "ann"), submit(manager, "bob")
    turn(manager, monotonic)
    assert state(manager, "ann", first.id) == ("failed", "crashed")
    assert state(manager, "bob", second.id) == ("running", None)


def held(manager: JobManager, monotonic: Clock, end: str) -> tuple[str, bool]:
    """Run a job on a backend of its own to some end; return its id, and whether anything still has the backend."""
    own: Any = FakeBackend()
    job = manager.submit("ann", JobRequest("vae", TINY, dataset(manager, "ann")), own)
    if end != "waiting":
        turn(manager, monotonic)
    if end == "done":
        finish(manager, own, monotonic, job.id)
    elif end == "failed":
        own.last.status = 1
    elif end == "lost":
        write_json(manager.folder / "jobs" / job.id / REMOTE, {"job": "job0"})
        own.last.status = 1
    else:
        {"paused": manager.pause, "deleted": manager.delete}.get(end, manager.stop)("ann", job.id)
    if end != "waiting":
        turn(manager, monotonic)
        turn(manager, monotonic)
    known = weakref.ref(own)
    del own
    gc.collect()
    return job.id, known() is not None


@pytest.mark.parametrize("end", ["done", "failed", "paused", "stopped", "waiting", "deleted"])
def test_a_job_that_came_to_rest_has_let_go_of_its_own_backend(manager: JobManager, monotonic: Clock, end: str) -> None:
    job_id, is_held = held(manager, monotonic, end)
    assert not is_held
    if end not in {"done", "deleted"}:
        assert code_of(lambda: manager.resume("ann", job_id)) == "remote_lost"
        again: Any = FakeBackend()
        manager.resume("ann", job_id, again)
        turn(manager, monotonic)
        assert again.handles


def test_a_detached_job_keeps_its_own_backend(manager: JobManager, monotonic: Clock) -> None:
    job_id, is_held = held(manager, monotonic, "lost")
    assert is_held  # it may still run there, and is watched again without a new login
    assert manager.resume("ann", job_id).state == "queued"
    assert manager.delete("ann", job_id), "this backend cannot end it there, and the visitor is told"
    assert not len(manager._backends)


def test_where_training_is_off_everything_is_refused_with_the_reason(open_manager: Open) -> None:
    manager = open_manager(backend=TrainingOff("zerogpu"))
    assert manager.off == "off_zerogpu"
    assert code_of(lambda: submit(manager, "ann")) == "off_zerogpu"
    manager.start()
    assert not manager.supervises


def test_of_two_apps_one_supervises_and_the_other_takes_over(
    open_manager: Open, backend: FakeBackend, monotonic: Clock
) -> None:
    first, second = open_manager(), open_manager()
    turn(first, monotonic)
    job = submit(second, "ann")
    turn(second, monotonic)
    assert (first.supervises, second.supervises) == (True, False)
    assert backend.handles == []
    turn(first, monotonic)
    assert second.snapshot("ann", job.id).state == "running"
    second.pause("ann", job.id)
    turn(first, monotonic)
    turn(first, monotonic)
    assert second.snapshot("ann", job.id).state == "paused"
    second.resume("ann", job.id)
    first.supervisor.release()
    turn(second, monotonic)
    assert second.supervises
    assert second.snapshot("ann", job.id).state == "running"


@pytest.mark.parametrize("resumes", [False, True])
def test_jobs_of_an_app_that_is_gone_are_interrupted_and_can_go_on(
    open_manager: Open, backend: FakeBackend, monotonic: Clock, resumes: bool
) -> None:
    first = open_manager()
    job, waiting = submit(first, "ann"), submit(first, "bob")
    turn(first, monotonic)
    run_of(first, job.id).save_checkpoint(Checkpoint(23, {}, {}))
    first.supervisor.release()  # as the system does for an app that dies; its process died with it
    second = open_manager(resume_interrupted=resumes)
    turn(second, monotonic)
    turn(second, monotonic)
    assert second.snapshot("bob", waiting.id).state == "running"
    seen = second.snapshot("ann", job.id)
    if resumes:
        assert (seen.state, seen.step, seen.queue_place) == ("queued", 23, 1)
        return
    assert (seen.state, seen.step, seen.error) == ("interrupted", 23, "interrupted")
    assert second.resume("ann", job.id).queue_place == 1


def test_a_request_pending_at_the_death_of_the_app_is_kept(open_manager: Open, monotonic: Clock) -> None:
    first = open_manager()
    paused, deleted = submit(first, "ann"), submit(first, "bob")
    first.supervisor.max_running = 2
    turn(first, monotonic)
    first.pause("ann", paused.id)
    first.delete("bob", deleted.id)
    first.supervisor.release()
    second = open_manager(resume_interrupted=True)
    turn(second, monotonic)
    turn(second, monotonic)
    assert state(second, "ann", paused.id) == ("paused", None)
    assert not (second.folder / "jobs" / deleted.id).exists()


def test_a_clock_that_goes_backwards_disturbs_nothing(
    open_manager: Open, backend: FakeBackend, monotonic: Clock
) -> None:
    clock = Clock(2_000_000_000.0)
    manager = open_manager(clock=clock, limits=Limits(keep_seconds=1000.0))
    first = submit(manager, "ann")
    clock.now -= 10 * 365 * 86400
    second = submit(manager, "ann", seed=1)
    assert [job.id for job in manager.jobs("ann")] == [second.id, first.id]
    turn(manager, monotonic)
    assert manager.snapshot("ann", first.id).state == "running"  # first come, first served, whatever the clock says
    clock.now -= 86400
    turn(manager, monotonic, 200.0)
    assert manager.snapshot("ann", first.id).state == "running"  # neither stalled nor out of time
    finish(manager, backend, monotonic, first.id)
    done = manager.snapshot("ann", first.id)
    assert done.created <= done.started <= done.finished  # type: ignore[operator]


def test_what_rests_for_too_long_is_deleted_and_what_waits_is_not(
    open_manager: Open, backend: FakeBackend, monotonic: Clock
) -> None:
    clock = Clock(2_000_000_000.0)
    manager = open_manager(clock=clock, limits=Limits(keep_seconds=1000.0))
    paused, waiting = submit(manager, "ann"), submit(manager, "bob")
    manager.pause("ann", paused.id)
    clock.now += 999
    turn(manager, monotonic, 100.0)
    assert manager.snapshot("ann", paused.id).state == "paused"
    clock.now += 2
    turn(manager, monotonic, 100.0)
    assert code_of(lambda: manager.snapshot("ann", paused.id)) == "unknown"
    assert not (manager.folder / "jobs" / paused.id).exists()
    assert manager.snapshot("bob", waiting.id).state == "running"


def test_unused_uploads_expire(open_manager: Open, monotonic: Clock) -> None:
    manager = open_manager(limits=Limits(keep_seconds=1000.0))
    old, young = dataset(manager, "ann"), dataset(manager, "ann")
    stray = manager.folder / "jobs" / "stray"
    stray.mkdir()
    for folder in (old, stray):
        os.utime(folder, (1.0, 1.0))
    turn(manager, monotonic, 100.0)
    assert (old.exists(), young.exists(), stray.exists()) == (False, True, False)


def test_files_of_a_killed_measurement_expire(tmp_path: Path) -> None:
    folders = JobFolders(tmp_path)
    old, young = folders.scratch() / "old", folders.scratch() / "young"
    for folder in (old, young):
        (folder / "run").mkdir(parents=True)
    os.utime(old, (0, 0))
    folders.sweep(set(), before=0)
    assert list(folders.scratch().iterdir()) == [young]


@pytest.mark.parametrize("damage", ["text", "torn", "foreign"])
def test_a_damaged_database_is_renamed_reset_and_reported(open_manager: Open, tmp_path: Path, damage: str) -> None:
    first = open_manager()
    jobs = [submit(first, "ann", seed=seed) for seed in range(5)]
    run_of(first, jobs[0].id).save_checkpoint(Checkpoint(TINY["steps"], {}, {}))
    run_of(first, jobs[1].id).save_checkpoint(Checkpoint(7, {}, {}))
    first.close()
    path = tmp_path / "data" / "jobs.sqlite"
    if damage == "text":
        path.write_bytes(b"this is no database" * 1000)
    elif damage == "torn":
        content = bytearray(path.read_bytes())
        content[4096:] = os.urandom(len(content) - 4096)
        path.write_bytes(content)
    else:
        path.unlink()
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE jobs (id TEXT)")
        other.close()
    damaged = path.read_bytes()
    second = open_manager()
    seen = {job.id: (job.state, job.step) for job in second.jobs("ann")}  # entered again from their folders
    assert [seen[job.id] for job in jobs] == [("done", 40), ("interrupted", 7), *[("interrupted", 0)] * 3]
    assert second.jobs("bob") == []
    kept = second.notices()["store_reset"]["kept"]
    assert (tmp_path / "data" / kept).read_bytes()[100:] == damaged[100:]  # looking may turn on its write-ahead log
    assert submit(second, "bob").queue_place == 1
    third = open_manager()  # it is whole now, and the word about it stays
    assert third.notices()["store_reset"]["kept"] == kept
    assert len(third.jobs("bob")) == 1
    assert len(third.jobs("ann")) == 5
    assert third.resume("ann", jobs[1].id).state == "queued"


def test_estimates_measured_beside_a_running_job_are_not_cached(
    manager: JobManager, backend: FakeBackend, monotonic: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, measured = JobRequest("vae", TINY, dataset(manager, "ann")), list[float]()

    def measure(*asked: Any) -> dict[str, float]:
        if not measured:
            submit(manager, "bob")
            turn(manager, monotonic)
        measured.append(1.0 + len(measured))
        return {"seconds_per_step": measured[-1], "seconds_per_picture": 0.0, "memory": 0}

    def estimate() -> float:
        return manager.estimate("ann", request).seconds_per_step

    monkeypatch.setattr(manager._estimator, "_measure", measure)
    assert [estimate(), estimate()] == [1.0, 2.0], "a job began during the first, and ran beside the second"
    finish(manager, backend, monotonic, manager.jobs("bob")[0].id)
    assert [estimate(), estimate()] == [3.0, 3.0]


def test_images_that_cannot_be_read_are_no_reason_to_refuse(manager: JobManager) -> None:
    folder = dataset(manager, "ann")
    (folder / "broken.png").write_bytes(picture(1)[:60])
    (folder / "notes.txt").write_text("not a picture")
    assert manager.submit("ann", JobRequest("vae", TINY, folder)).state == "queued"


def test_only_images_that_can_be_read_count_as_enough(manager: JobManager) -> None:
    folder = manager.new_dataset("ann")
    for index in range(manager.limits.fewest_images):
        (folder / f"{index}.png").write_bytes(b"not a picture")
    assert code_of(lambda: manager.submit("ann", JobRequest("vae", TINY, folder))) == "too_few_pictures"


def test_headers_of_images_are_read_once_until_a_file_changes(
    manager: JobManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def counted(stream: Any, *, name: str) -> Any:
        opened.append(name)
        return open_image(stream, name=name)

    monkeypatch.setattr("models.training.jobs.admission.open_image", counted)
    monkeypatch.setattr(
        manager._estimator,
        "_measure",
        lambda *_: {"seconds_per_step": 1.0, "seconds_per_picture": 0.5, "memory": 1},
    )
    folder = dataset(manager, "ann")
    request = JobRequest("vae", TINY, folder)
    count = sum(1 for _ in folder.rglob("*.png"))
    estimates = {manager.estimate("ann", request) for _ in range(3)}
    assert len(opened) == len(set(opened)) == count
    assert {estimate.seconds for estimate in estimates} == {TINY["steps"] + 0.5 * count}
    changed = next(folder.rglob("*.png"))
    changed.write_bytes(picture(99) + b" ")
    manager.estimate("ann", request)
    assert opened[count:] == [changed.name]


def test_a_supervisor_with_nothing_to_do_changes_nothing(manager: JobManager, monotonic: Clock) -> None:
    statements: list[str] = []
    turn(manager, monotonic)
    manager._store._connection.set_trace_callback(statements.append)
    for _ in range(5):
        turn(manager, monotonic, 0.25)
    assert statements
    assert not [one for one in statements if not one.startswith("SELECT")]
    submit(manager, "ann")
    turn(manager, monotonic, 0.25)
    statements.clear()
    turn(manager, monotonic, 0.25)
    assert not [one for one in statements if one.startswith("BEGIN")], "a job that runs is watched without changes"
