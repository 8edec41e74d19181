"""What the menu of models answers: a row that is picked, an id that is pasted, a link that is opened.

A model takes the place of the one in use only when it has been loaded; whatever goes wrong before that leaves
everything as it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from torch import nn

from demos.core.context import Context
from demos.core.user_models import SelectedModel
from demos.ui import widgets
from demos.ui.model_menu import view
from models.formats.registry import LAYOUTS, WeightsError
from models.hub.client import HubError
from models.hub.records import Checkpoint, Family, is_private
from models.hub.references import Reference, describe, noted

OUTPUTS = 8  # components that the menu fills


@dataclass(frozen=True)
class Choice:
    """What one visitor did in a menu; it lives in their `gr.State` only."""

    used: str  # name of the weights in use
    picked: str  # name of the row that is looked at
    pasted: tuple[str, ...] = ()  # names of the weights they named by an id


def fits_always(model: nn.Module) -> str:
    """Return the sentence that refuses a model where any of the right family will do: none."""
    return ""


class Handlers:
    """What a menu does; every name that comes from the page is checked against what it offers.

    Args:
        ctx: The context of the tab.
        families: The kinds of weights the tab can use.
        fits: Says by the key of a sentence why a loaded model is of no use in this tab; empty where it is.
        tab: Name of the tab.
        unlinked: Names of weights that no link says: those the tab opens with, or says by a switch of its own.
    """

    def __init__(
        self,
        ctx: Context,
        families: Collection[Family],
        fits: Callable[[nn.Module], str] = fits_always,
        tab: str = "",
        unlinked: Collection[str] = (),
    ) -> None:
        self._ctx, self._library = ctx, ctx.library
        self._families, self._fits, self._tab, self._unlinked = families, fits, tab, unlinked

    def rows(self, choice: Choice) -> str:
        """Return the list of models as this visitor sees it."""
        rows = [self._row(record) for record in self._offered(choice)]
        return view.rows_html(self._ctx, rows, choice.used, choice.picked)

    def about(self, choice: Choice) -> str:
        """Return what is known of the model that is looked at; nothing where none of the menu's is."""
        if not choice.picked or (is_private(choice.picked) and not self._is_there(choice.picked)):
            return ""
        return view.about_html(self._ctx, self._library.record(choice.picked))

    def _is_there(self, name: str) -> bool:
        """Return whether the visitor still has this result of theirs."""
        return any(record.name == name for record in self._ctx.user_models.records(self._families))

    def on_open(self, choice: Choice, used: str, visitor: str, request: gr.Request) -> tuple[Choice, str]:
        """Look anew at the disk and at the visitor's own results; others may have fetched something."""
        self._ctx.user_models.introduce(visitor, request)
        looked_at = used if choice.picked == choice.used else choice.picked
        choice = replace(choice, used=used, picked=looked_at)
        return choice, self.rows(choice)

    def on_pick(
        self, report: object, choice: Choice, used: str, visitor: str, request: gr.Request
    ) -> Iterator[list[Any]]:
        """Use the model that was clicked if it is on disk, else shows what fetching it would mean."""
        self._ctx.user_models.introduce(visitor, request)
        name = report.get("name") if isinstance(report, dict) else None
        yield from self._take(str(name), replace(choice, used=used), request)

    def on_selected_model(
        self, selection: SelectedModel, choice: Choice, used: str, visitor: str, request: gr.Request
    ) -> Iterator[list[Any]]:
        """Use a visitor's own result if it is this tab that they want it in."""
        if selection.tab != self._tab:
            yield [gr.skip()] * OUTPUTS
            return
        self._ctx.user_models.introduce(visitor, request)
        yield from self._take(selection.name, replace(choice, used=used), request)

    def on_linked(self, name: str, choice: Choice, used: str, request: gr.Request) -> Iterator[list[Any]]:
        """Use the weights that a link names; what has to be fetched first is shown in the unfolded list instead."""
        if not name or name == used:
            yield [gr.skip()] * (OUTPUTS + 2)
            return
        offered = {record.name: record for record in self._offered(choice) if not is_private(record.name)}
        key = "" if name in offered else "menu.link_unknown"
        if not key and self._library.needed(offered[name]):
            key = "menu.link_unknown" if self._library.hub.offline else "menu.link_to_fetch"
        if key:
            gr.Warning(self._ctx.localize(request, key, name=name[:80]))
        if key == "menu.link_unknown":
            yield [*[gr.skip()] * OUTPUTS, self.linked(used), gr.skip()]
            return
        for answer in self._take(name, replace(choice, used=used), request):
            yield [
                *answer,
                self.linked(answer[1]) if isinstance(answer[1], str) else gr.skip(),
                gr.update(open=True) if key else gr.skip(),
            ]

    def linked(self, used: str) -> str:
        """Return what a link says of the weights in use: nothing of the usual ones, and nothing of a visitor's own."""
        return "" if used in self._unlinked or is_private(used) else used

    def _take(self, name: str, choice: Choice, request: gr.Request) -> Iterator[list[Any]]:
        offered = {record.name: record for record in self._offered(choice)}
        if name not in offered:
            raise widgets.user_error(self._ctx, request, "menu.unknown")
        choice = replace(choice, picked=name)
        if not is_private(name) and self._library.needed(offered[name]):
            yield self._answer(choice, fetchable=True)
            return
        # The weights of a visitor's own may have to be written first, which takes some seconds.
        yield self._answer(choice, view.sentence_html(self._ctx, "menu.own_preparing") if is_private(name) else "")
        yield self._use(choice)

    def on_fetch(self, choice: Choice, used: str) -> Iterator[list[Any]]:
        """Fetch the model that is looked at and uses it; tells how far it is."""
        choice = replace(choice, used=used)
        record = next((each for each in self._offered(choice) if each.name == choice.picked), None)
        if record is None:
            return
        try:
            yield from self._fetch(self._library.needed(record))
        except HubError as error:
            yield self._told(view.error_html(self._ctx, error), fetchable=True)
            return
        yield self._use(choice)

    def on_paste(self, text: str, choice: Choice, used: str) -> Iterator[list[Any]]:
        """Fetch the weights of a Hub id, if they are of a layout this tab can use, and uses them."""
        choice = replace(choice, used=used)
        try:
            reference = Reference.parse(text)
            yield self._told(view.sentence_html(self._ctx, "menu.asking"), busy=True)
            record = self._known(reference)
            if record is None:
                wanted = describe(self._library.hub, reference, self._families)
                yield from self._fetch([wanted])
                record = self._library.adopt(wanted, self._families)
            elif record.family not in self._families:
                raise HubError("wrong_family", repo=record.repo_id, found=record.family)
        except (HubError, WeightsError) as error:
            yield self._told(view.error_html(self._ctx, self._for_this_tab(error)))
            return
        pasted = tuple(dict.fromkeys((*choice.pasted, record.name)))
        yield self._use(replace(choice, picked=record.name, pasted=pasted))

    def on_choose(self, report: object, choice: Choice, used: str) -> Iterator[list[Any]]:
        """Fetch one of several files of a repository, which was clicked."""
        yield from self.on_paste(str(report.get("name")) if isinstance(report, dict) else "", choice, used)

    def on_cancel(self, choice: Choice) -> list[Any]:
        """Return that nothing is fetched any more."""
        sentence = view.sentence_html(self._ctx, "error.hub.cancelled")
        fetchable = bool(
            choice.picked
            and not is_private(choice.picked)
            and self._library.needed(self._library.record(choice.picked))
        )
        return self._told(sentence, fetchable=fetchable)

    def _for_this_tab(self, error: HubError | WeightsError) -> HubError | WeightsError:
        """Return an error that lists only those layouts which this tab can use."""
        if error.code != "unknown_layout":
            return error
        known = [layout for layout in LAYOUTS.values() if layout.family in self._families and not layout.by_name_only]
        values = {**error.values, "expected": "; ".join(layout.expected for layout in known)}
        return WeightsError(error.code, **values)

    def _offered(self, choice: Choice) -> list[Checkpoint]:
        """Return the models of the menu, the visitor's own before all others; of a pair of generators the first."""
        known = self._library.records(self._families)
        first = [record for index, record in enumerate(known) if not _is_second(record, known[:index])]
        own = self._ctx.user_models.records(self._families)
        return [*own, *first, *(self._library.record(name) for name in choice.pasted)]

    def _row(self, record: Checkpoint) -> view.Row:
        if is_private(record.name):
            return view.Row(record, 0, True)
        pair = [record, *([self._library.record(record.partner)] if record.partner else [])]
        size = sum(self._library.size(each) for each in pair)
        return view.Row(record, size, all(self._library.is_on_disk(each) for each in pair))

    def _known(self, reference: Reference) -> Checkpoint | None:
        """Return what is on disk for an id: of a commit that is named, or offline the newest that was fetched."""
        hub = self._library.hub
        return noted(hub, reference) if reference.revision or hub.offline else None

    def _fetch(self, records: list[Checkpoint]) -> Iterator[list[Any]]:
        for record in records:
            for download in self._library.downloads.watch(record):
                yield self._told(view.progress_html(self._ctx, download), busy=True)

    def _use(self, choice: Choice) -> list[Any]:
        """Load the picked model; it is in use only when that went well and the tab can work with it."""
        record = self._library.record(choice.picked)
        try:
            model = self._ctx.load_model(record.name)
            if record.partner:
                self._ctx.load_model(record.partner)
        except (HubError, WeightsError) as error:
            return self._told(view.error_html(self._ctx, error))
        except gr.Error as error:  # of the visitor's own result, in their language
            return self._told(view.said_html(str(error.message)))
        if refusal := self._fits(model):
            return self._told(view.sentence_html(self._ctx, refusal))
        return self._answer(replace(choice, used=record.name), switched=choice.used != record.name)

    def _answer(self, choice: Choice, sentence: str = "", fetchable: bool = False, switched: bool = False) -> list[Any]:
        """Return the values of the components in the order in which `model_menu` collects them."""
        ticket = time.monotonic_ns() if switched else gr.skip()
        return [choice, choice.used, ticket, self.rows(choice), self.about(choice), *self._way(sentence, fetchable)]

    def _told(self, sentence: str, fetchable: bool = False, busy: bool = False) -> list[Any]:
        """Return them where nothing is chosen: what the visitor chose since the event began stays as it is."""
        return [*[gr.skip()] * (OUTPUTS - 3), *self._way(sentence, fetchable, busy)]

    def _way(self, sentence: str, fetchable: bool, busy: bool = False) -> list[Any]:
        fetch = gr.update(visible=fetchable and not busy and not self._library.hub.offline)
        return [sentence, fetch, gr.update(visible=busy)]


def _is_second(record: Checkpoint, before: list[Checkpoint]) -> bool:
    return any(record.partner == other.name for other in before)
