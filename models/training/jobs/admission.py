"""Validation of job requests: limits, ownership, fit of the initial weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.checkpoints import CHECKPOINTS
from models.data.images import ImageError, open_image
from models.file_facts import FileFacts
from models.training.data.dataset import domain_of
from models.training.failures import DoesNotFitError
from models.training.jobs.folders import JobFolders
from models.training.jobs.limits import Limits
from models.training.jobs.schema import Row
from models.training.jobs.store import Store
from models.training.loop.init_weights import check_fit
from models.training.recipes import RECIPES
from models.training.recipes._base import TrainConfig

OWN_JOB = "job:"  # prefix of a `start` that names an earlier job


class JobError(ValueError):
    """A rejected request; the visitor's sentence has the key `error.job.<code>` and is filled with `values`."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(f"{code} {values}" if values else code)
        self.code, self.values = code, values


@dataclass(frozen=True)
class JobRequest:
    """A training requested by a visitor."""

    recipe: str  # a key of `RECIPES`
    config: Mapping[str, Any]  # fields of the recipe's config; the others keep their defaults
    data: Path  # a folder from `JobManager.new_dataset`, filled with images
    start: str | None = None  # none for scratch, a name of `CHECKPOINTS`, or "job:<id>" of the same owner
    title: str = ""  # the visitor's name for it


class Admission:
    """Checks of job requests; each raises `JobError` for a request to reject."""

    def __init__(self, store: Store, folders: JobFolders, limits: Limits, off: str | None) -> None:
        self._store, self._folders, self.limits, self.off = store, folders, limits, off
        self._pixels = FileFacts(_pixels)

    def own_job(self, owner: str, job_id: str) -> Row:
        """Return a visitor's own job."""
        row = self._store.row(job_id)
        if row is None or row.owner != owner or row.wish == "delete":
            raise JobError("unknown")
        return row

    def check(self, owner: str, request: JobRequest) -> tuple[TrainConfig, Path]:
        """Return the config and the dataset of a valid request."""
        self.check_on()
        if request.recipe not in RECIPES:
            raise JobError("recipe", recipe=request.recipe, recipes=", ".join(RECIPES))
        try:
            config = RECIPES[request.recipe].Config(**request.config)
        except (TypeError, ValueError) as error:
            raise JobError("config", message=str(error)) from error
        if config.steps > self.limits.steps:
            raise JobError("too_many_steps", steps=config.steps, limit=self.limits.steps)
        dataset = self._folders.dataset(owner, request.data)
        if dataset is None:
            raise JobError("data")
        self._check_images(dataset, request.recipe)
        self._check_start(owner, request, config)
        return config, dataset

    def check_on(self) -> None:
        """Check that training is on."""
        if self.off is not None:
            raise JobError(self.off)

    def images(self, dataset: Path) -> dict[Path, int]:
        """Return the readable images of a dataset with their pixel counts, cached until a file changes."""
        pixels = {path: self._pixels.of(path) for path in sorted(dataset.rglob("*")) if path.is_file()}
        return {path: count for path, count in pixels.items() if count is not None}

    def _check_images(self, dataset: Path, recipe: str) -> None:
        limits, images = self.limits, self.images(dataset)
        if len(images) < limits.fewest_images:
            raise JobError("too_few_pictures", count=len(images), limit=limits.fewest_images)
        if len(images) > limits.images:
            raise JobError("too_many_pictures", count=len(images), limit=limits.images)
        if sum(path.stat().st_size for path in images) > limits.bytes:
            raise JobError("too_many_bytes", limit=limits.bytes // 2**20)
        for path, pixels in images.items():
            if pixels > limits.pixels:
                raise JobError("too_many_pixels", name=path.name, limit=limits.pixels // 10**6)
        names = [path.relative_to(dataset).as_posix() for path in images]
        if lacking := RECIPES[recipe].lacks(names):
            sets = [domain_of(name) for name in names]
            raise JobError(lacking, a=sets.count("a"), b=sets.count("b"))

    def _check_start(self, owner: str, request: JobRequest, config: TrainConfig) -> None:
        start = request.start
        if start is None:
            return
        if start.startswith(OWN_JOB):
            row = self.own_job(owner, start.removeprefix(OWN_JOB))
            if not self._folders.run(row.id).checkpoint_path.is_file():
                raise JobError("no_checkpoint")
        elif start not in CHECKPOINTS:  # no paths: they may belong to other visitors
            raise JobError("start", start=start)
        else:
            self.check_fit_of(request.recipe, config, start, start)

    def check_fit_of(self, recipe: str, config: TrainConfig, init: str, start: str) -> None:
        """Check that weights fit a config; `start` is the visitor's name of `init`."""
        try:
            check_fit(recipe, config, init)
        except DoesNotFitError as error:
            raise JobError("start_does_not_fit", start=start, needs=error.needs) from error
        except FileNotFoundError as error:
            raise JobError("start", start=start) from error

    def check_free(self, owner: str, request: JobRequest, dataset: Path, config: TrainConfig) -> None:
        """Check the job limits, and that the same job is not queued or running."""
        wanted = (request.recipe, str(dataset), request.start, asdict(config))
        for row in self._store.rows("owner = ? AND state IN ('queued', 'running')", owner):
            if (row.recipe, row.dataset, row.start, row.config) == wanted:
                raise JobError("already_started")
        if len(self._store.rows("owner = ?", owner)) >= self.limits.jobs_per_owner:
            raise JobError("jobs_per_owner", limit=self.limits.jobs_per_owner)
        self.check_queue()
        self.check_disk(owner)

    def check_queue(self) -> None:
        """Check that the queue is not full."""
        if len(self._store.queue()) >= self.limits.queued_total:
            raise JobError("queue_full", limit=self.limits.queued_total)

    def check_disk(self, owner: str) -> None:
        """Check the free space and the disk usage of the visitor and of all."""
        if self._folders.free_space() < self.limits.disk_reserve:
            raise JobError("disk_full")
        if self._folders.used_by(owner, self._store.rows("owner = ?", owner)) > self.limits.disk_per_owner:
            raise JobError("disk_owner", limit=round(self.limits.disk_per_owner / 2**30, 1))
        if self._folders.used_in_all() > self.limits.disk_total:
            raise JobError("disk_total")


def _pixels(path: Path) -> int | None:
    """Return width times height from the header, None for what is no image."""
    try:
        with path.open("rb") as file, open_image(file, name=path.name) as image:
            return image.width * image.height
    except ImageError as error:
        return 2**62 if error.code == "too_large" else None
