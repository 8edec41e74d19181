"""What training costs: steps of the bare recipes and of jobs, and what a job costs everybody else."""

import json
import statistics
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polling
import psutil
from benches.measuring import WARM_UP, noise_archive, requests, sent
from clients import connect
from running_app import running_app

TRAINING_SECONDS = 5.0  # of steps measured for each recipe
JOB_RECIPES = ("vae", "mae")
JOB_SECONDS, JOB_STEPS = 30.0, 40  # of each job, at least
JOB_COLUMNS = ("recipe", "bare recipe, steps a second", "as a job", "share")
BESIDE_COLUMNS = ("endpoint", "nothing trains, ms", "a job runs, ms", "ratio", "at most")
BESIDE = ("translate", "reconstruct", "interpolate")
BESIDE_CALLS = 14  # of each event, without and with a job


def training_rows(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Time the steps of each recipe at its own defaults."""
    from models.training.distributed import Processes
    from models.training.recipes import RECIPES, build_recipe

    data = noise_archive(folder / "noise.zip")
    for name, kind in RECIPES.items():
        config = kind.Config()
        recipe = build_recipe(name, config, [data], Processes())
        recipe.step(0)
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < TRAINING_SECONDS:
            done += 1
            recipe.step(done)
        rate = done / (time.perf_counter() - start)
        yield name, f"{rate:.2f}", f"{config.batch_size} pictures of {config.image_size} px"


def watching_rows() -> Iterator[tuple[str, ...]]:
    """What it costs the app that many pages watch a training."""
    answers, share = polling.measure()
    yield str(polling.PAGES), f"{answers / polling.SECONDS:.1f}", f"{share:.1%}", "6 %"


def run_measured(recipe: str, config: Mapping[str, Any], data: Path, folder: Path) -> float:
    """Return the bare recipe's steps a second in a child as low in priority as a job's."""
    from models.training.execution.backends import run_to_completion, spawn
    from models.training.loop.run_folder import RunFolder

    folder.mkdir()
    options = [f"--{name.replace('_', '-')}={value}" for name, value in config.items()]
    command = ["models.training", recipe, "--data", str(data), "--out", "run", "--measure", *options]
    if run_to_completion(spawn(command, folder, folder / "log.txt"), 600.0) != 0:
        raise RuntimeError((folder / "log.txt").read_text())
    measured = json.loads((RunFolder(folder / "run").path / "measured.json").read_text())
    return 1 / float(measured["seconds_per_step"])


def start_job(manager: Any, recipe: str, config: Mapping[str, Any], data: Path) -> Any:
    """Submit a job on the images of a zip, and wait until it takes steps."""
    from models.training.jobs import JobRequest

    dataset = manager.new_dataset("bench")
    with zipfile.ZipFile(data) as archive:
        archive.extractall(dataset)
    job = manager.submit("bench", JobRequest(recipe, {"steps": 20_000, **config}, dataset))
    wait_for(manager, job, lambda seen: seen.step > 0)
    return job


def wait_for(manager: Any, job: Any, ready: Callable[[Any], bool]) -> Any:
    """Return a job's snapshot once it is as wanted."""
    while not ready(seen := manager.snapshot(job.owner, job.id)):
        if seen.state == "failed":
            raise RuntimeError(f"The job failed: {seen.error} {seen.error_values}")
        time.sleep(0.05)
    return seen


def job_rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Time the steps of jobs, with logging, previews, checkpoints and supervision, beside those of the bare recipe.

    The bare recipe is timed before and after each job, since other processes may slow one of the three.
    """
    from models.training.jobs import JobManager

    data = noise_archive(folder / "job-noise.zip")
    manager = JobManager(folder / "jobs")
    manager.start()
    try:
        for recipe in JOB_RECIPES:
            before = run_measured(recipe, {"precision": "fp32"}, data, folder / f"{recipe}-before")
            job = start_job(manager, recipe, {"precision": "fp32"}, data)
            first = wait_for(manager, job, lambda seen: seen.metrics).metrics[-1]
            least, until = first["step"] + JOB_STEPS, time.monotonic() + JOB_SECONDS
            last = wait_for(
                manager,
                job,
                lambda seen: time.monotonic() > until and seen.metrics[-1]["step"] >= least,  # noqa: B023
            ).metrics[-1]
            rate = (last["step"] - first["step"]) / (last["time"] - first["time"])
            manager.stop(job.owner, job.id)
            wait_for(manager, job, lambda seen: seen.state == "stopped")
            after = run_measured(recipe, {"precision": "fp32"}, data, folder / f"{recipe}-after")
            bare = (before + after) / 2
            yield recipe, f"{before:.2f}, {after:.2f}", f"{rate:.2f}", f"{rate / bare:.0%}"
    finally:
        manager.close()


def beside_rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """Time the main events over HTTP while nothing trains and while a job runs.

    The job's process is halted and let go again from call to call, so that what else this machine does weighs on both.
    """
    from models.training.jobs import JobManager

    arguments, data = requests(folder), noise_archive(folder / "beside-noise.zip")
    manager = JobManager(folder / "beside-jobs")
    manager.start()
    with running_app(folder) as app:
        client = connect(app.url, folder / "downloads")
        job = start_job(manager, "vae", {}, data)
        (trainer,) = (child for child in psutil.Process().children() if str(job.id) in child.cwd())

        def timed(name: str, number: int, busy: bool) -> float:
            if busy:
                trainer.resume()
            else:
                trainer.suspend()
            request = sent(arguments[name](number))
            start = time.perf_counter()
            client.predict(**request, api_name=f"/{name}")
            return (time.perf_counter() - start) * 1000

        for name in BESIDE:
            pairs = [(timed(name, n, n % 2 == 0), timed(name, n, n % 2 == 1)) for n in range(WARM_UP + BESIDE_CALLS)]
            times: dict[bool, list[float]] = {False: [], True: []}
            for n, (first, second) in enumerate(pairs[WARM_UP:], start=WARM_UP):
                times[n % 2 == 0].append(first)
                times[n % 2 == 1].append(second)
            idle, beside = statistics.median(times[False]), statistics.median(times[True])
            yield f"/{name}", f"{idle:.0f}", f"{beside:.0f}", f"{beside / idle:.2f}", "1.25"
        trainer.resume()
        client.close()
    manager.close()
