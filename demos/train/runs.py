"""Event handlers of runs: the list, the watched run, and what its owner does with it.

Ids come from browsers and are never trusted: the manager checks the owner of a job, `owner_of` that of a browser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import gradio as gr
from gradio.context import LocalContext

from demos.core.context import Context
from demos.core.paths import ASSETS
from demos.core.user_models import can_be_used, tab_of
from demos.core.visitor import owner_of
from demos.train import text
from demos.train.run_view import png_frames, recording_value, run_value
from demos.ui import widgets
from models.training.evaluation.recordings import Recording, recordings
from models.training.jobs import JobError, JobManager, Snapshot
from models.training.recipes.monitoring import Rows

RECORDINGS = ASSETS / "recordings"
OPENING = "simsiam-kinds"
Listed = tuple[tuple[str, str], ...]  # id and state of every job in a list
_JOB = re.compile(r"(job|public):[A-Za-z0-9-]{1,64}")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Watched:
    """What one page shows; it lives in the page's own `gr.State`."""

    run: str = ""  # "job:<id>", "public:<id>" or "recording:<name>"
    step: int = 0  # the last logged step that the page has
    frames: int = 0  # previews that it has
    look: str = ""  # state and step of the job when it was last sent
    listed: Listed = ()


class Shown(NamedTuple):
    """The values, and in the same order the components, of everything that is about the watched run.

    A comparison belongs to the weights it was made of, so whatever sends a page its run again hides it.
    """

    watched: Any
    runs: Any
    view: Any
    timer: Any
    pause: Any
    resume: Any
    stop: Any
    delete: Any
    sure: Any
    use: Any
    take: Any
    sheet: Any = gr.update(visible=False)
    caption: Any = ""
    download: Any = gr.update(visible=False)


# What makes the page ask for everything, or only for its list: once for each different reason.
STALE, UNLISTED = '{{"stale": "{}"}}', '{{"unlisted": "{}"}}'


class Runs:
    """Event handlers of existing runs."""

    def __init__(self, ctx: Context, folder: Path = RECORDINGS) -> None:
        self._ctx, self._folder = ctx, folder

    @cached_property
    def recorded(self) -> list[Recording]:
        """The recordings that are shipped, the one the tab opens on first."""
        return sorted(recordings(self._folder), key=lambda one: (one.name != OPENING, one.name))

    def opening(self) -> tuple[str, str]:
        """Return the view and the list that the tab opens on, before anything is known of the visitor."""
        first = self.recorded[0]
        return recording_value(self._ctx, first, first), text.runs_html(
            self._ctx, [], [], self.recorded, f"recording:{first.name}"
        )

    @property
    def manager(self) -> JobManager:
        """The trainer."""
        if self._ctx.jobs is None:
            raise widgets.user_error(self._ctx, LocalContext.request.get(None), "train.off")
        return self._ctx.jobs

    def on_ready(self, visitor: str, request: gr.Request) -> Shown:
        """Show a visitor who comes back their job, if one is under way or waits for them."""
        owner = owner_of(visitor, request)
        jobs = self._ctx.jobs.jobs(owner) if self._ctx.jobs and owner else []
        waiting = [job for job in jobs if job.state in (*text.LIVE, "paused", "interrupted")] or jobs
        first = f"job:{waiting[0].id}" if waiting else f"recording:{self.recorded[0].name}"
        return self.show(owner, first, request)

    def on_visitor(self, visitor: str, watched: Watched | None, request: gr.Request) -> Shown | list[Any]:
        """Show a visitor who has become known after the view their job, unless one of theirs is shown."""
        owner = owner_of(visitor, request)
        is_shown = watched is not None and watched.run.startswith("job:")
        if is_shown or not (self._ctx.jobs and owner and self._ctx.jobs.jobs(owner)):
            return [gr.skip()] * len(Shown._fields)
        return self.on_ready(visitor, request)

    def on_pick(self, report: object, visitor: str, request: gr.Request) -> Shown:
        """Show the run that was chosen from the list."""
        run = report.get("run") if isinstance(report, dict) else None
        return self.show(owner_of(visitor, request), str(run), request)

    def on_stale(self, visitor: str, watched: Watched | None, request: gr.Request) -> Shown:
        """Send a page its whole run again, because it lacks a part."""
        if watched is None or not watched.run:
            return self.on_ready(visitor, request)
        return self.show(owner_of(visitor, request), watched.run, request)

    def on_tick(self, visitor: str, watched: Watched | None, request: gr.Request) -> tuple[Any, Any]:
        """Send what a job did since the last tick; nothing where nothing happened.

        Every output of an event costs, and this one runs all the time: where buttons or the list have to change, the
        page only gets a sign to ask for them.
        """
        if watched is None or not watched.run:
            return gr.skip(), gr.skip()
        owner = owner_of(visitor, request)
        listed = self._listed(owner)
        changed = gr.skip() if listed == watched.listed else UNLISTED.format(hash(listed))
        if watched.run.startswith("recording:"):
            return gr.skip(), changed
        try:
            job = self._snapshot(owner, watched.run, watched.step)
        except JobError:  # deleted in another window
            return Watched(), STALE.format(watched.run)
        now = _summary_of(job)
        if watched.step == 0 and job.metrics or watched.look.split()[0] != job.state:
            return gr.skip(), STALE.format(now)
        nothing_new = now == watched.look and not job.metrics and len(job.previews) == watched.frames
        if nothing_new or listed != watched.listed:
            return gr.skip(), changed
        everything = self._snapshot(owner, watched.run, 0).metrics if job.metrics else ()
        earlier = [row for row in everything if row["step"] <= watched.step]
        step = int(job.metrics[-1]["step"]) if job.metrics else watched.step
        updated = replace(watched, look=now, frames=len(job.previews), step=step)
        return updated, self._view(watched, job, earlier)

    def _view(self, known: Watched, job: Snapshot, earlier: Rows = ()) -> str:
        """Return what the view has to be told of a job, beside what a page knows already."""
        return run_value(
            self._ctx, known.run, job.recipe, job.config, job.metrics,
            png_frames(self._ctx, job.previews[known.frames :]), head=text.head_html(self._ctx, job),
            total=job.total, live=job.state in text.LIVE, after=known.step, earlier=earlier,
            images=job.images,
        )  # fmt: skip

    def on_unlisted(self, visitor: str, watched: Watched | None, request: gr.Request) -> tuple[Any, Any, Any]:
        """Send a page its list again, without the run it shows, which may be in the midst of a replay."""
        if watched is None or not watched.run:
            return gr.skip(), gr.skip(), gr.skip()
        listed, html = self._list(owner_of(visitor, request), watched.run)
        return replace(watched, listed=listed), html, gr.Timer(active=_moving(listed))

    def act(
        self, action: Callable[[str, str], Result], visitor: str, watched: Watched | None, request: gr.Request
    ) -> Result:
        """Return what `action` does with the owner and id of the watched job; only its owner may."""
        owner, run = owner_of(visitor, request), watched.run if watched else ""
        if owner is None or not run.startswith("job:"):
            raise widgets.user_error(self._ctx, request, "error.job.unknown")
        with job_errors(self._ctx, request):
            return action(owner, run.removeprefix("job:"))

    def on_pause(self, visitor: str, watched: Watched | None, request: gr.Request) -> Shown:
        """Pause the watched job."""
        self.act(self.manager.pause, visitor, watched, request)
        return self.on_stale(visitor, watched, request)

    def on_resume(self, visitor: str, watched: Watched | None, request: gr.Request) -> Shown:
        """Resume it."""
        self.act(self.manager.resume, visitor, watched, request)
        return self.on_stale(visitor, watched, request)

    def on_stop(self, visitor: str, watched: Watched | None, request: gr.Request) -> Shown:
        """Stop it at its last checkpoint."""
        self.act(self.manager.stop, visitor, watched, request)
        return self.on_stale(visitor, watched, request)

    def on_delete(self, visitor: str, watched: Watched | None, request: gr.Request) -> Shown:
        """Delete it with its images and weights; warn if it may go on at a remote backend."""
        if self.act(self.manager.delete, visitor, watched, request):
            gr.Warning(self._ctx.localize(request, "train.goes_on"))
        return self.on_ready(visitor, request)

    def show(self, owner: str | None, run: str, request: gr.Request | None) -> Shown:
        """Return everything about a run that the visitor may see."""
        ctx = self._ctx
        recording = next((one for one in self.recorded if run == f"recording:{one.name}"), None)
        if recording is None and not _JOB.fullmatch(run):
            raise widgets.user_error(ctx, request, "error.job.unknown")
        listed, runs = self._list(owner, run)
        timer = gr.Timer(active=_moving(listed))
        if recording is not None:
            buttons = [gr.update(visible=False)] * 7
            view = recording_value(ctx, recording, self.recorded[0])
            return Shown(Watched(run, listed=listed), runs, view, timer, *buttons)
        with job_errors(ctx, request):
            job = self._snapshot(owner, run, 0)
        step = int(job.metrics[-1]["step"]) if job.metrics else 0
        own = run.startswith("job:")
        return Shown(
            watched=Watched(run, step, len(job.previews), _summary_of(job), listed),
            runs=runs,
            view=self._view(Watched(run), job),
            timer=timer,
            pause=gr.update(visible=own and job.state in text.LIVE),
            resume=gr.update(visible=own and job.state in text.RESTING),
            stop=gr.update(visible=own and job.state in (*text.LIVE, "paused", "interrupted")),
            delete=gr.update(visible=own),
            sure=gr.update(visible=False),
            use=gr.update(visible=own and job.state in ("done", "stopped", "paused", "interrupted") and job.step > 0),
            take=gr.update(visible=own and can_be_used(job), value=ctx.t(f"train.take.{tab_of(job)}")),
        )

    def _listed(self, owner: str | None) -> Listed:
        return tuple(self._ctx.jobs.states(owner)) if self._ctx.jobs else ()

    def _list(self, owner: str | None, run: str) -> tuple[Listed, str]:
        """Return the states of the listed jobs, to notice changes, and the list of runs as HTML.

        A job may begin at any moment, so the states are read first: if one of them changes before the list is made,
        the next tick finds them different and the list is made again.
        """
        listed, jobs = self._listed(owner), self._ctx.jobs
        own = jobs.jobs(owner) if jobs and owner else []
        public = jobs.public_jobs() if jobs else []
        return listed, text.runs_html(self._ctx, own, public, self.recorded, run)

    def _snapshot(self, owner: str | None, run: str, after: int) -> Snapshot:
        kind, _, name = run.partition(":")
        if self._ctx.jobs is None or (kind == "job" and owner is None):
            raise JobError("unknown")
        if kind == "public":
            return self._ctx.jobs.public_snapshot(name, after)
        return self._ctx.jobs.snapshot(owner or "", name, after)


def _moving(listed: Listed) -> bool:
    return any(state in text.LIVE for _, state in listed)


def _summary_of(job: Snapshot) -> str:
    return f"{job.state} {job.step} {job.queue_place} {hash(job.log)}"


@contextmanager
def job_errors(ctx: Context, request: gr.Request | None) -> Iterator[None]:
    """Turn the reason why a job cannot be had into a message for the visitor."""
    try:
        yield
    except JobError as error:
        raise widgets.user_error(ctx, request, f"error.job.{error.code}", **error.values) from error
