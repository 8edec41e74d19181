"""Downloads of weights in threads, with progress and time limits.

Any number of callers may watch the same download; the last one to leave cancels it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from urllib.parse import urlsplit

from models.hub.client import Hub, HubError
from models.hub.records import Checkpoint
from models.hub.transfers import Transfer, fetch

MAX_AT_ONCE = 2
POLL_SECONDS = 0.2


class Download:
    """One download: running, ended or cancelled."""

    def __init__(self, hub: Hub, record: Checkpoint, on_end: Callable[[], None]) -> None:
        self.record, self.watchers = record, 0
        self._hub, self._transfer, self._on_end = hub, Transfer(), on_end
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._guard = threading.Lock()
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name=f"fetch {record.name}", daemon=True).start()

    @property
    def done(self) -> int:
        """Bytes that have arrived."""
        return self._transfer.done

    @property
    def total(self) -> int:
        """Bytes of the whole file, as the host says, or as the record says until it does."""
        return self._transfer.total or self.record.size

    def _run(self) -> None:
        try:
            fetch(self._hub, self.record, self._transfer)
        except BaseException as error:  # raised to every watcher
            self._end(error)
        else:
            self._end(None)

    def _end(self, error: BaseException | None) -> None:
        with self._guard:
            if self._ended.is_set():
                return
            self._error = error
            self._transfer.stopped.set()
            self._ended.set()
        self._on_end()

    def cancel(self) -> None:
        """End the download; the thread stops when its next bytes arrive, or its socket times out."""
        self._end(HubError("cancelled"))

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for the end, enforce the time limits, and return whether the download has ended.

        Raises:
            HubError: It failed, or was cancelled.
        """
        self._ended.wait(seconds)
        now, hub = time.monotonic(), self._hub
        if not self._ended.is_set() and now - self._transfer.moved_at > hub.stall_seconds:
            host = urlsplit(self.record.url or hub.address).netloc
            self._end(HubError("stalled", host=host, seconds=round(hub.stall_seconds)))
        if not self._ended.is_set() and now - self._started > hub.total_seconds:
            self._end(HubError("too_slow", minutes=max(1, round(hub.total_seconds / 60))))
        if self._ended.is_set() and self._error is not None:
            raise self._error
        return self._ended.is_set()


class Downloads:
    """The downloads of a process: one for each file, at most `limit` at once."""

    def __init__(self, hub: Hub, limit: int = MAX_AT_ONCE) -> None:
        self.hub, self.limit = hub, limit
        self._running: dict[tuple[str, ...], Download] = {}
        self._guard = threading.Lock()

    def watch(self, record: Checkpoint, every: float = POLL_SECONDS) -> Generator[Download, None, None]:
        """Fetch a file and yield its download every few moments until it has ended; closing the iterator leaves it.

        Raises:
            HubError: It cannot be fetched, or too many others are running.
        """
        download = self._join(record)
        try:
            yield download
            while not download.wait(every):
                yield download
        finally:
            self._leave(download)

    def _join(self, record: Checkpoint) -> Download:
        key = (record.repo_id, record.revision or "", record.filename, record.url)
        with self._guard:
            if key not in self._running:
                if len(self._running) >= self.limit:
                    raise HubError("busy", limit=self.limit)
                self._running[key] = Download(self.hub, record, lambda: self._forget(key))
            download = self._running[key]
            download.watchers += 1
            return download

    def _leave(self, download: Download) -> None:
        with self._guard:
            download.watchers -= 1
            alone = download.watchers == 0
        if alone:
            download.cancel()

    def _forget(self, key: tuple[str, ...]) -> None:
        with self._guard:
            self._running.pop(key, None)
