"""Filling the cache on the evening before a talk, from the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from demos.core.families import families_by_tab
from models.checkpoints import Library
from models.formats.registry import WeightsError
from models.hub.catalogue import CHECKPOINTS
from models.hub.client import HubError
from models.hub.records import Checkpoint, size_text
from models.hub.references import Reference, describe

ALL = "all"


def prefetch(library: Library, wanted: Sequence[str]) -> int:
    """Fetch models and print what is there; return the exit status, 1 if something could not be had.

    `wanted` are "all", names of tabs, and ids of repositories on the Hub; none means all.
    """
    failed, total = 0, 0
    for asked in wanted or [ALL]:
        try:
            records = list(_records(library, asked))
        except (HubError, ValueError) as error:
            print(error, file=sys.stderr)
            failed += 1
            continue
        for record in records:
            try:
                record = _fetch(library, record, pasted="/" in asked)
            except (HubError, WeightsError) as error:
                print(f"{record.name:24} {error}", file=sys.stderr)
                failed += 1
                continue
            size = library.size(record)
            total += size
            print(
                f"{record.name[:24]:24} {size_text(size):>9}  on disk  {record.license:14} {record.summary}", flush=True
            )
    print(f"{'in all':24} {size_text(total):>9}  in {library.hub.cache_folder}")
    return min(failed, 1)


def _records(library: Library, asked: str) -> Iterator[Checkpoint]:
    if "/" in asked:
        yield describe(library.hub, Reference.parse(asked))
        return
    tabs = families_by_tab()
    if asked != ALL and asked not in tabs:
        raise ValueError(f"{asked!r} is no tab; choose {ALL}, {', '.join(tabs)}, or the id of a repository.")
    own = {tab: [family for family in used if family == tab or family not in tabs] for tab, used in tabs.items()}
    families = {family for tab in tabs if asked in (ALL, tab) for family in own[tab]}  # others come with their own tab
    yield from (record for record in CHECKPOINTS.values() if record.family in families)


def _fetch(library: Library, record: Checkpoint, pasted: bool) -> Checkpoint:
    files = [record] if pasted else [file for file in library.needed(record) if file.filename]
    for file in files:
        if file.partner and file.name != record.name:
            continue  # has a line of its own
        for download in library.downloads.watch(file):
            if sys.stdout.isatty():
                print(f"{record.name:24} {download.done / 1e6:7.1f} of {download.total / 1e6:.1f} MB", end="\r")
    return library.adopt(record, CHECKPOINT_FAMILIES) if pasted else record


CHECKPOINT_FAMILIES = frozenset(record.family for record in CHECKPOINTS.values())
