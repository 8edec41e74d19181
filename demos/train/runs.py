"""What the trainer tab answers about runs: the list, the one that is watched, and what its owner does with it.

Ids come from browsers and are never trusted: whose job it is says the manager, and whose browser `owner_of`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

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

RECORDINGS = ASSETS / "recordings"
OPENING = "simsiam-kinds"
Listed = tuple[tuple[str, str], ...]  # id and state of every job in a list
_RUN = re.compile(r"(job|public|recording):([A-Za-z0-9-]{1,64})")


@dataclass(frozen=True)
class Watched:
    """What one page shows; it lives in the page's own `gr.State`.

    Attributes:
        run: "job:<id>", "public:<id>" or "recording:<name>".
        step: The last logged step that the page has.
        frames: How many previews it has.
        look: State and step of the job when it was last told.
        listed: Ids and states of the jobs in its list.
    """

    run: str = ""
    step: int = 0
    frames: int = 0
    look: str = ""
    listed: Listed = ()


class Shown(NamedTuple):
    """The values, and in the same order the components, of everything that is about the watched run.

    A comparison belongs to the weights it was made of, so whatever tells a page its run anew takes it away.
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
    """Everything about runs that exist."""

    def __init__(self, ctx: Context, folder: Path = RECORDINGS) -> None:
        self._ctx, self._folder = ctx, folder

    @cached_property
    def recorded(self) -> list[Recording]:
        """The recordings that are shipped, the one the tab opens on first."""
        return sorted(recordings(self._folder), key=lambda one: (one.name != OPENING, one.name))

    def opening(self) -> tuple[str, str]:
        """Return the view and the list that the tab opens on, before anything is known of the visitor."""
        first = self.recorded[0]
        return recording_value(self._ctx, first), text.runs_html(
            self._ctx, [], [], self.recorded, f"recording:{first.name}"
        )

    @property
    def manager(self) -> JobManager:
        """The trainer.

        Raises:
            gr.Error: If training is off here.
        """
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

    def on_pick(self, report: object, visitor: str, request: gr.Request) -> Shown:
        """Show the run that was chosen from the list."""
        run = report.get("run") if isinstance(report, dict) else None
        return self.show(owner_of(visitor, request), str(run), request)

    def on_stale(self, visitor: str, watched: Watched | None, request: gr.Request) -> Shown:
        """Tell a page the whole of its run again, of which it lacks a part."""
        if watched is None or not watched.run:
            return self.on_ready(visitor, request)
        return self.show(owner_of(visitor, request), watched.run, request)

    def on_tick(self, visitor: str, watched: Watched | None, request: gr.Request) -> tuple[Any, Any]:
        """Add to the page what its job did since it was last told; nothing where nothing happened.

        Every output of an event costs, and this one runs all the time: where buttons or the list have to change, the
        page is only told so, and asks for them.
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
        except JobError:  # deleted elsewhere
            return Watched(), STALE.format(watched.run)
        now = _look_of(job)
        if watched.step == 0 and job.metrics or watched.look.split()[0] != job.state:
            return gr.skip(), STALE.format(now)
        nothing_new = now == watched.look and not job.metrics and len(job.previews) == watched.frames
        if nothing_new or listed != watched.listed:
            return gr.skip(), changed
        told = replace(
            watched, look=now, frames=len(job.previews),
            step=int(job.metrics[-1]["step"]) if job.metrics else watched.step,
        )  # fmt: skip
        return told, self._newest(owner, watched, job)

    def _newest(self, owner: str | None, watched: Watched, job: Snapshot) -> str:
        everything = self._snapshot(owner, watched.run, 0).metrics if job.metrics else ()
        earlier = [row for row in everything if row["step"] <= watched.step]
        return run_value(
            self._ctx, watched.run, job.recipe, job.config, job.metrics,
            png_frames(self._ctx, job.previews[watched.frames :]), head=text.head_html(self._ctx, job),
            total=job.total, live=job.state in text.LIVE, after=watched.step, earlier=earlier,
        )  # fmt: skip

    def on_unlisted(self, visitor: str, watched: Watched | None, request: gr.Request) -> tuple[Any, Any, Any]:
        """Tell a page its list again, and leaves alone the run it shows, which may be in the midst of a replay."""
        if watched is None or not watched.run:
            return gr.skip(), gr.skip(), gr.skip()
        listed, html = self._list(owner_of(visitor, request), watched.run)
        return replace(watched, listed=listed), html, gr.Timer(active=_moving(listed))

    def act(self, action: Callable[[str, str], Any], visitor: str, watched: Watched | None, request: gr.Request) -> str:
        """Do something with the watched job, for its owner only; returns who that is."""
        owner, run = owner_of(visitor, request), watched.run if watched else ""
        if owner is None or not run.startswith("job:"):
            raise widgets.user_error(self._ctx, request, "error.job.unknown")
        try:
            action(owner, run.removeprefix("job:"))
        except JobError as error:
            raise job_error(self._ctx, request, error) from error
        return owner

    def on_pause(self, visitor: str, watched: Watched | None, request: gr.Request) -> Shown:
        """Let the watched job rest."""
        return self.show(self.act(self.manager.pause, visitor, watched, request), watched.run, request)  # type: ignore[union-attr]

    def on_resume(self, visitor: str, watched: Watched | None, request: gr.Request) -> Shown:
        """Let it go on."""
        return self.show(self.act(self.manager.resume, visitor, watched, request), watched.run, request)  # type: ignore[union-attr]

    def on_stop(self, visitor: str, watched: Watched | None, request: gr.Request) -> Shown:
        """End it with its last checkpoint."""
        return self.show(self.act(self.manager.stop, visitor, watched, request), watched.run, request)  # type: ignore[union-attr]

    def on_delete(self, visitor: str, watched: Watched | None, request: gr.Request) -> Shown:
        """Delete it with its images and weights; says so if it may go on elsewhere."""

        def delete(owner: str, job_id: str) -> None:
            if self.manager.delete(owner, job_id):
                gr.Warning(self._ctx.localize(request, "train.goes_on"))

        self.act(delete, visitor, watched, request)
        return self.on_ready(visitor, request)

    def show(self, owner: str | None, run: str, request: gr.Request | None) -> Shown:
        """Return everything about a run that the visitor may see.

        Raises:
            gr.Error: If there is none, or it is another visitor's.
        """
        ctx = self._ctx
        kind, name = _parts(ctx, run, request)
        listed, runs = self._list(owner, run)
        if kind == "recording":
            found = [one for one in self.recorded if one.name == name]
            if not found:
                raise widgets.user_error(ctx, request, "error.job.unknown")
            buttons = [gr.update(visible=False)] * 7
            watched, timer = Watched(run, listed=listed), gr.Timer(active=_moving(listed))
            return Shown(watched, runs, recording_value(ctx, found[0]), timer, *buttons)
        try:
            job = self._snapshot(owner, run, 0)
        except JobError as error:
            raise job_error(ctx, request, error) from error
        step = int(job.metrics[-1]["step"]) if job.metrics else 0
        view = run_value(
            ctx, run, job.recipe, job.config, job.metrics, png_frames(ctx, job.previews),
            head=text.head_html(ctx, job), total=job.total, live=job.state in text.LIVE,
        )  # fmt: skip
        own = kind == "job"
        return Shown(
            watched=Watched(run, step, len(job.previews), _look_of(job), listed),
            runs=runs,
            view=view,
            timer=gr.Timer(active=_moving(listed)),
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
        """Return the list of runs as HTML, and before it what tells whether it is still true.

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


def _parts(ctx: Context, run: str, request: gr.Request | None) -> tuple[str, str]:
    match = _RUN.fullmatch(run)
    if not match:
        raise widgets.user_error(ctx, request, "error.job.unknown")
    return match[1], match[2]


def _moving(listed: Listed) -> bool:
    return any(state in text.LIVE for _, state in listed)


def _look_of(job: Snapshot) -> str:
    return f"{job.state} {job.step} {job.queue_place} {hash(job.log)}"


def job_error(ctx: Context, request: gr.Request | None, error: JobError) -> gr.Error:
    """Turn the reason why a job cannot be had into a message for the visitor."""
    return widgets.user_error(ctx, request, f"error.job.{error.code}", **error.values)
