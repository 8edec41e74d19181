"""Trying every tab before a talk: one event of each, in this process and from the command line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from demos.core.context import Context
from demos.core.paths import EXAMPLES
from demos.core.tab_interface import TabInterface
from demos.page.health import health
from models.data.images import read_image

Trial = tuple[str, str, Callable[[], object]]  # tab, what is tried, and the call


def self_check(ctx: Context, build: Callable[[], object]) -> int:
    """Build the page, try its tabs, and print a table; return the exit status, 1 if something failed."""
    failed = 0
    print(f"{'tab':12} {'what':28} {'time':>7}  result")
    for tab, what, attempt in _trials(ctx, build):
        start = time.perf_counter()
        try:
            attempt()
            result = "ok"
        except Exception as error:  # whatever it is, the other tabs are tried as well
            failed += 1
            result = f"FAILED: {str(error) or type(error).__name__}"
        print(f"{tab:12} {what:28} {time.perf_counter() - start:5.1f} s  {result}", flush=True)
    return min(failed, 1)


def _trials(ctx: Context, build: Callable[[], object]) -> Iterator[Trial]:
    yield "app", "weights, disk and jobs", lambda: _require_health(ctx)
    yield "app", "the page", build
    for name, interface in ctx.tabs.items():
        yield _trial(name, interface)


def _trial(name: str, interface: TabInterface) -> Trial:
    if interface.summary is None:
        return name, "what it opens on", interface.opening or _nothing
    summary = interface.summary
    examples = (path for photo in interface.photos.values() for path in photo.examples.values())
    path = next(examples, EXAMPLES / "fruit" / "apple-01.jpg")
    return name, f"the result for {path.stem}", lambda: summary(read_image(path))


def _require_health(ctx: Context) -> None:
    if problems := health(ctx, 0, None)["problems"]:
        raise RuntimeError(" ".join(problems))


def _nothing() -> None:
    raise RuntimeError("the tab offers nothing that could be tried")
