"""A visitor's own results among the weights of the other tabs: offered to them alone, and checked at every use.

A result has a private name (`models.hub.records.PRIVATE`). Handlers pass such names about like those of any weights;
whoever turns one into a record, a network or facts goes through `UserModels`, which asks whose page this is.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.context import LocalContext

from demos.core.visitor import owner_of, rendered_once
from models.hub.records import PRIVATE, Checkpoint
from models.model_cache import ModelCache
from models.training.jobs import JobError, JobManager, Snapshot
from models.training.recipes import RECIPES

if TYPE_CHECKING:
    from demos.core.i18n import Localize

BACK = "/b2a"  # ends the name of the generator of the way back
MOST_PAGES = 20_000  # whose visitors are known; the longest silent are forgotten first
_NAME = re.compile(rf"{PRIVATE}([0-9a-f]{{32}})({BACK})?")


@dataclass(frozen=True)
class SelectedModel:
    """A result that its owner wants to use in a tab; `ticket` tells two equal wishes apart."""

    tab: str
    name: str
    ticket: int


NO_SELECTED_MODEL = SelectedModel("", "", 0)


def selected_model() -> gr.State:
    """Place, once a page, what says which result its owner wants to use where."""
    return rendered_once(
        lambda block: isinstance(block, gr.State) and block.value == NO_SELECTED_MODEL,
        lambda: gr.State(NO_SELECTED_MODEL),
    )


def can_be_used(job: Snapshot) -> bool:
    """Return whether a job has a result for the other tabs."""
    return job.state in ("done", "stopped") and job.step > 0


def tab_of(job: Snapshot) -> str:
    """Return the tab in which a job's result is at home."""
    return RECIPES[job.recipe].tabs[0]


class UserModels:
    """The finished jobs of whoever's page asks, as weights (a `models.checkpoints.PrivateWeights`).

    Gradio tells a handler, and everything it calls, which page asks. Whose page that is, is noted when the page
    shows the secret of its visitor; a login is in every request. Without a trainer there are no results.
    """

    def __init__(self, jobs: JobManager | None, localize: Localize, store: ModelCache) -> None:
        self._jobs, self._localize = jobs, localize
        self._store = store  # of loaded networks, to be let go with their job
        self._owners: OrderedDict[str, str] = OrderedDict()  # session of a page -> owner, the longest silent first
        self._guard = threading.Lock()

    def introduce(self, visitor: str, request: gr.Request | None) -> None:
        """Note whose page sent a request, by the secret that came with it."""
        owner = owner_of(visitor, request)
        session = getattr(request, "session_hash", None)
        if owner is None or not session:
            return
        with self._guard:
            self._owners[session] = owner
            self._owners.move_to_end(session)
            while len(self._owners) > MOST_PAGES:
                self._owners.popitem(last=False)

    def records(self, families: Collection[str]) -> list[Checkpoint]:
        """Return the results of some kinds that belong to whoever's page asks, newest first."""
        self.let_go()
        owner = self._owner()
        jobs = self._jobs.jobs(owner) if self._jobs and owner else []
        known = [job for job in jobs if job.recipe in RECIPES]  # a job outlives its recipe
        return [_record(job) for job in known if can_be_used(job) and RECIPES[job.recipe].family in families]

    def record(self, name: str) -> Checkpoint:
        """Return the record of a result.

        Raises:
            gr.Error: If it is not there any more, or not that of whoever's page asks.
        """
        _, job, back = self._find(name)
        return _record(job, back)

    def folder(self, name: str) -> Path:
        """Return the weights folder of a result, made when it is first asked for; errors are those of `record`."""
        owner, job, back = self._find(name)
        assert self._jobs is not None
        try:
            return self._jobs.weights(owner, job.id, BACK.strip("/") if back else "")
        except JobError as error:
            raise self._user_error(f"error.job.{error.code}", **error.values) from error

    def let_go(self) -> None:
        """Free the networks of jobs that were deleted."""
        self._store.forget(lambda key: isinstance(key, tuple) and self._is_orphan(key[0]))

    def _is_orphan(self, record: object) -> bool:
        match = _NAME.fullmatch(record.name) if isinstance(record, Checkpoint) else None
        return bool(match and self._jobs and not self._jobs.exists(match[1]))

    def _find(self, name: str) -> tuple[str, Snapshot, bool]:
        match, owner = _NAME.fullmatch(name), self._owner()
        if match is None or owner is None or self._jobs is None:
            raise self._user_error("menu.own_gone")
        try:
            job = self._jobs.snapshot(owner, match[1])
        except JobError as error:
            self.let_go()
            raise self._user_error("menu.own_gone") from error
        if not can_be_used(job):
            raise self._user_error("menu.own_gone")
        return owner, job, bool(match[2])

    def _owner(self) -> str | None:
        request = LocalContext.request.get(None)
        if login := owner_of(None, request):
            return login
        with self._guard:
            return self._owners.get(getattr(request, "session_hash", None) or "")

    def _user_error(self, key: str, **values: object) -> gr.Error:
        request = LocalContext.request.get(None)
        return gr.Error(self._localize(request, key, **values), duration=8, print_exception=False)


def name_of(job: Snapshot) -> str:
    """Return the private name of a job's result."""
    return PRIVATE + job.id


def title_of(job: Snapshot) -> str:
    """Return what a job is called in a menu: as its owner wished, else by its method and the end of its id."""
    return job.title or f"{job.recipe} …{job.id[-6:]}"


def _record(job: Snapshot, back: bool = False) -> Checkpoint:
    name, recipe = name_of(job), RECIPES[job.recipe]
    pair = len(recipe.main_parts) == 2
    return Checkpoint(
        name + BACK if back else name, recipe.family, title_of(job), paper="", license="own",
        revision=f"step {job.step}",
        latent=recipe.latent,
        direction=("b2a" if back else "a2b") if pair else "",
        partner=(name if back else name + BACK) if pair else "",
    )  # fmt: skip
