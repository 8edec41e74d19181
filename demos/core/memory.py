"""What the process keeps of the memory that was freed: little, where glibc's allocator is at work.

By itself it makes up to eight arenas a core, and each keeps what was freed inside it. After some hundred calls that was
half of what the app took. On other systems nothing here does anything.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from typing import Any

ARENAS = 2
M_ARENA_MAX = -8  # in glibc's malloc.h
SOON = 5.0  # seconds; giving memory back takes some milliseconds


def _glibc(name: str) -> Any:
    """Return a function of glibc, or None where there is none."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def share_arenas() -> None:
    """Let the threads of this process share `ARENAS` arenas, unless the environment says how many."""
    if "MALLOC_ARENA_MAX" not in os.environ and (mallopt := _glibc("mallopt")):
        mallopt(M_ARENA_MAX, ARENAS)


def trim() -> None:
    """Give all memory that was freed back to the system."""
    if malloc_trim := _glibc("malloc_trim"):
        malloc_trim(0)


class FreedMemory:
    """Gives freed memory back soon after it is told to: once for whatever tells it meanwhile."""

    def __init__(self, give_back: Callable[[], None] = trim, soon: float = SOON) -> None:
        self._give_back, self._soon = give_back, soon
        self._due: asyncio.TimerHandle | None = None

    def give_back_soon(self) -> None:
        """Give it back in a moment, in a thread beside the event loop that this is called from."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(self._soon, self._start)

    def _start(self) -> None:
        self._due = None
        asyncio.get_running_loop().run_in_executor(None, self._give_back)
