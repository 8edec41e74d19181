"""Incremental reader of metrics files."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MOST_FILES = 64


@dataclass
class _Followed:
    inode: int
    offset: int = 0
    rows: list[Mapping[str, float]] = field(default_factory=list)


class MetricsTail:
    """Cached rows of the most recent files; each call reads only the added lines. Safe to use from many threads."""

    def __init__(self) -> None:
        self._files: OrderedDict[Path, _Followed] = OrderedDict()
        self._lock = threading.Lock()

    def rows(self, path: Path, after_step: int = 0) -> Sequence[Mapping[str, float]]:
        """Return the rows of a metrics file after a step, oldest first, without an incomplete last line."""
        with self._lock:
            followed = self._follow(path)
            if followed is None:
                return ()
            return [row for row in followed.rows if row["step"] > after_step]

    def _follow(self, path: Path) -> _Followed | None:
        try:
            facts = path.stat()
        except FileNotFoundError:
            self._files.pop(path, None)
            return None
        followed = self._files.get(path)
        if followed is None or followed.inode != facts.st_ino or facts.st_size < followed.offset:
            followed = self._files[path] = _Followed(facts.st_ino)  # new, or rewritten by a resumed run
        self._files.move_to_end(path)
        if facts.st_size > followed.offset:
            with path.open("rb") as file:
                file.seek(followed.offset)
                added = file.read()
            whole = added[: added.rfind(b"\n") + 1]
            followed.rows += [json.loads(line) for line in whole.splitlines()]
            followed.offset += len(whole)
        while len(self._files) > MOST_FILES:
            self._files.popitem(last=False)
        return followed
