"""From a visitor's images to a job: taking them in, choosing what to train, saying how long it takes, starting."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from demos.core.context import Context
from demos.core.user_models import title_of
from demos.core.visitor import new_id, owner_of
from demos.train import text
from demos.train.presets import SCRATCH, enough_for, fitting_jobs, preset_config, shape_of, start_config, starts
from demos.train.runs import Runs, Shown, job_errors
from demos.ui import widgets
from demos.ui.config_form import Options
from demos.ui.left_out import too_few_error
from models.checkpoints import CHECKPOINTS, WeightsInfo
from models.data.archive_entries import Limits as ReadLimits
from models.training.data.audit import Audit, TooFewImagesError, holds_two_sets, take_in
from models.training.execution.backends import Backend
from models.training.jobs import JobError, JobRequest
from models.training.loop.init_weights import trainable_info
from models.training.recipes import RECIPES
from models.training.recipes.options import OptionError

OPENING_RECIPE = "simsiam"
OPENING_PRESET = "quick"


@dataclass(frozen=True, eq=False)
class Upload:
    """Images that a visitor brought; it lives in their page's own `gr.State`."""

    owner: str
    folder: Path  # the clean copies, in the trainer's data folder
    audits: tuple[Audit, ...]  # one for each set
    sources: tuple[tuple[str, ...], ...]  # files of each set, to read again for a method with another layout


@dataclass(frozen=True)
class Selection:
    """The choices of the second step of the tab."""

    recipe: str
    start: str
    preset: str
    broken: bool


class Starter:
    """Everything that leads to a job."""

    def __init__(self, ctx: Context, runs: Runs) -> None:
        self._ctx, self._runs = ctx, runs
        limits = {"steps": runs.manager.limits.steps}
        self.options = Options({name: recipe.Config for name, recipe in RECIPES.items()}, limits)

    def config(self, owner: str | None, selection: Selection) -> dict[str, Any]:
        """Return the options for what was chosen."""
        fixed: dict[str, Any] = {}
        if selection.start.startswith("job:"):
            stored = self._runs.manager.snapshot(owner or "", selection.start.removeprefix("job:")).config
            fixed = shape_of(selection.recipe, stored)
        elif selection.start in CHECKPOINTS:
            fixed = start_config(selection.recipe, self._info(selection.start))
        steps, fine_tune = self._runs.manager.limits.steps, selection.start != SCRATCH
        return preset_config(selection.recipe, selection.preset, fixed, fine_tune, steps, not selection.broken)

    def _info(self, name: str) -> WeightsInfo:
        record = CHECKPOINTS[name]
        try:
            return self._ctx.weights_info(name) if record.is_own else trainable_info(record)
        except FileNotFoundError as error:
            raise JobError("start", start=name) from error

    def start_choices(self, recipe: str, owner: str | None = None) -> list[tuple[Any, str]]:
        """Return what a recipe can start from, a visitor's own results included, as choices of a menu."""
        ours = [(name, name) for name in starts(recipe, self._ctx.library)]
        jobs = fitting_jobs(recipe, self._runs.manager.jobs(owner)) if owner else []
        own = [(title_of(job), f"job:{job.id}") for job in jobs]
        return [*ours, *own, (self._ctx.t("train.scratch"), SCRATCH)]

    def on_recipe(self, visitor: str, recipe: str, preset: str, broken: bool, request: gr.Request) -> list[Any]:
        """Show the starts and options of a method: selection, start, switch, second set, description, options."""
        owner = owner_of(visitor, request)
        choices = self.start_choices(recipe, owner)
        selection = Selection(recipe, choices[0][1], preset, broken)
        config = self.config(owner, selection)
        return [
            selection,
            gr.update(choices=choices, value=choices[0][1]),
            gr.update(visible="stop_gradient" in config),
            gr.update(visible=len(RECIPES[recipe].image_sets) == 2),
            self._ctx.localize_html(f"train.about.{recipe}"),
            *self.options.update(self._ctx, recipe, config),
        ]

    def on_listed(self, visitor: str, recipe: str, start: str, request: gr.Request) -> Any:
        """Renew the menu of starts as the visitor's trainings come and go; a start that is gone becomes the first."""
        choices = self.start_choices(recipe, owner_of(visitor, request))
        names = [name for _, name in choices]
        return gr.update(choices=choices, value=start if start in names else names[0])

    def on_selection(
        self, visitor: str, previous: Selection, recipe: str, start: str, preset: str, broken: bool, request: gr.Request
    ) -> list[Any]:
        """Fill in anew those options that the choices made since `previous` change: selection, options."""
        owner, selection = owner_of(visitor, request), Selection(recipe, start, preset, broken)
        with job_errors(self._ctx, request):
            config = self.config(owner, selection)
        return [selection, *self.options.update(self._ctx, recipe, config, self._known(owner, previous, recipe))]

    def _known(self, owner: str | None, previous: Selection, recipe: str) -> dict[str, Any] | None:
        """Return the options that the page shows, None if they were another method's or cannot be known."""
        try:
            return self.config(owner, previous) if previous.recipe == recipe else None
        except JobError:  # a start that was deleted meanwhile
            return None

    def on_files(
        self, visitor: str, upload: Upload | None, files_a: list[str] | None, files_b: list[str] | None, recipe: str,
        start: str, request: gr.Request, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> list[Any]:  # fmt: skip
        """Take images in and says what they are: visitor, upload, audit, estimate, start button."""
        sources = _sources(recipe, tuple(files_a or ()), tuple(files_b or ()))
        if upload is not None and upload.sources == sources:
            return [gr.skip(), gr.skip(), *self._ready(upload, recipe, start)]
        if not all(sources):
            _delete(upload)
            missing = self._ctx.localize_html("train.other_set") if any(sources) else ""
            return [gr.skip(), None, missing, "", gr.update(interactive=False)]
        owner = owner_of(visitor, request)
        if owner is None:
            visitor = new_id()
            owner = owner_of(visitor, request) or ""
        taken = self._take_in(owner, sources, request, progress)
        _delete(upload)  # after the new one was taken in: if it is refused, this one is still there
        return [visitor, taken, *self._ready(taken, recipe, start)]

    def _take_in(
        self, owner: str, sources: tuple[tuple[str, ...], ...], request: gr.Request, progress: gr.Progress
    ) -> Upload:
        with job_errors(self._ctx, request):
            folder = self._runs.manager.new_dataset(owner)
        try:
            return Upload(owner, folder, self._read(folder, sources, request, progress), sources)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _read(
        self, folder: Path, sources: tuple[tuple[str, ...], ...], request: gr.Request, progress: gr.Progress
    ) -> tuple[Audit, ...]:
        ctx, manager = self._ctx, self._runs.manager
        reading = ctx.localize(request, "embeddings.reading")
        domains: tuple[Literal["", "A", "B"], ...] = ("A", "B") if len(sources) == 2 else ("",)
        limits = ReadLimits(max_total_bytes=manager.limits.bytes, max_entries=4 * manager.limits.images)
        try:
            return tuple(
                take_in(
                    [Path(path) for path in paths], folder, domain, manager.limits.images // len(sources),
                    manager.limits.fewest_images // len(sources), limits,
                    lambda done: progress((done, None), desc=reading, unit="") if done % 20 == 0 else None,
                )
                for paths, domain in zip(sources, domains, strict=True)
            )  # fmt: skip
        except TooFewImagesError as error:
            sentence = ctx.localize(request, "train.too_few", count=error.count, limit=error.fewest)
            if error.domain:
                name = ctx.localize(request, f"train.set_{error.domain}")
                sentence = ctx.localize(request, "train.of_set", name=name, sentence=sentence)
            raise too_few_error(ctx, request, sentence, error.skipped, trainer=True) from error
        except OSError as error:
            raise widgets.user_error(ctx, request, "train.unreadable") from error

    def _ready(self, upload: Upload, recipe: str, start: str) -> list[Any]:
        """Return the audit, an empty estimate, and the start button."""
        html = text.audit_html(self._ctx, upload.audits, recipe, start == SCRATCH)
        return [html, "", gr.update(interactive=_is_enough(upload, recipe, start))]

    def on_estimate(
        self, visitor: str, upload: Upload | None, recipe: str, start: str, request: gr.Request, *values: Any
    ) -> Iterator[str]:
        """Return how long it would take here, after a few steps of trying; nothing without images that are enough.

        Nor does it where a job was started meanwhile: that one tells its own time, and would count as one before it.
        """
        if upload is None or not _is_enough(upload, recipe, start):  # or they are about to be read for another method
            yield ""
            return
        yield self._ctx.localize_html("train.measuring")
        owner = owner_of(visitor, request) or ""
        asked = self._job_request(upload, recipe, start, "", values, owner, request)
        manager = self._runs.manager
        known = {job.id for job in manager.jobs(owner)}
        with job_errors(self._ctx, request):
            estimate = manager.estimate(owner, asked)
        started = any(job.id not in known for job in manager.jobs(owner))
        yield "" if started else text.estimate_html(self._ctx, estimate, asked.config["steps"], manager.ahead())

    def on_start(
        self, visitor: str, upload: Upload | None, recipe: str, start: str, title: str, request: gr.Request,
        *values: Any, backend: Backend | None = None,
    ) -> Shown:  # fmt: skip
        """Put the job into the queue, of another backend where one is given, and shows it."""
        owner = owner_of(visitor, request) or ""
        asked = self._job_request(upload, recipe, start, title, values, owner, request)
        with job_errors(self._ctx, request):
            job = self._runs.manager.submit(owner, asked, backend)
        return self._runs.show(owner, f"job:{job.id}", request)

    def _job_request(
        self, upload: Upload | None, recipe: str, start: str, title: str, values: Sequence[Any], owner: str,
        request: gr.Request,
    ) -> JobRequest:  # fmt: skip
        """Return what the page asks to be trained; options outside their bounds and foreign images are refused."""
        with job_errors(self._ctx, request):
            if upload is None or upload.owner != owner:
                raise JobError("data")
        try:
            config = self.options.read(recipe, values)
        except OptionError as error:
            raise widgets.user_error(self._ctx, request, f"train.option.{error.code}", **error.values) from error
        return JobRequest(recipe, config, upload.folder, None if start == SCRATCH else start, title.strip()[:80])


def _is_enough(upload: Upload, recipe: str, start: str) -> bool:
    return enough_for(recipe, upload.audits, start == SCRATCH) != "impossible"


def _delete(upload: Upload | None) -> None:
    """Delete the images of an upload; jobs that were started have copies of their own."""
    if upload is not None:
        shutil.rmtree(upload.folder, ignore_errors=True)


def _sources(recipe: str, files_a: tuple[str, ...], files_b: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return where each set of images comes from; of a zip in CycleGAN's layout, both come from the first field."""
    if len(RECIPES[recipe].image_sets) == 1:
        return (files_a,)
    if not files_b and holds_two_sets([Path(path) for path in files_a]):
        return (files_a, files_a)
    return (files_a, files_b)
