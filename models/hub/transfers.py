"""Fetch a file of weights from the Hub or another known host, with progress, checked, whole or not at all."""

from __future__ import annotations

import contextlib
import http.client
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import huggingface_hub as client
from huggingface_hub import constants
from tqdm import tqdm

from models.hub.catalogue import CHECKPOINTS
from models.hub.client import CHUNK, ETAG_SECONDS, Hub, HubError, hub_errors, status_error
from models.hub.records import Checkpoint

ATTEMPTS = 4  # of a transfer from a host other than the Hub; the Hub's client counts its own
SOCKET_SECONDS = 10.0

# The client reports progress by the chunk. Its chunks of 10 MB take minutes on a slow line, which would look stalled.
constants.DOWNLOAD_CHUNK_SIZE = CHUNK


class Transfer:
    """Progress of a transfer in bytes, and whether it was stopped."""

    def __init__(self) -> None:
        self.done, self.total = 0, 0
        self.moved_at = time.monotonic()
        self.stopped = threading.Event()

    def advance(self, count: int) -> None:
        """Count bytes that arrived, or, with a negative count, some that have to be fetched again.

        Raises:
            HubError: "cancelled", if the transfer was stopped.
        """
        if self.stopped.is_set():
            raise HubError("cancelled")
        self.done += count
        self.moved_at = time.monotonic()


def fetch(hub: Hub, record: Checkpoint, transfer: Transfer | None = None) -> Path:
    """Return the file of a record, from disk if it is there and else from the network, checked, and those beside it.

    Raises:
        HubError: It cannot be fetched; no part of it is left on disk.
    """
    transfer = transfer or Transfer()
    for name in record.beside:
        filename = str(PurePosixPath(record.filename).with_name(name))
        fetch(hub, replace(record, filename=filename, sha256="", exact_size=False, size=0, beside=()))
    path = hub.find(record)
    if path is None:
        hub.require_network()
        path = _from_url(hub, record, transfer) if record.url else _from_hub(hub, record, transfer)
    hub.check(record, path)
    return path


def _from_hub(hub: Hub, record: Checkpoint, transfer: Transfer) -> Path:
    revision = record.revision or "main"
    file = Path(record.filename).name
    with hub_errors(hub, record.repo_id, file, revision, record.repo_type == "space"):
        url = client.hf_hub_url(
            record.repo_id, record.filename, repo_type=record.repo_type, revision=revision, endpoint=hub.address
        )
        # Asked first and once: the download itself would retry a failed request for half a minute.
        facts = client.get_hf_file_metadata(url, timeout=ETAG_SECONDS, token=hub.token, endpoint=hub.address)
        transfer.total = facts.size or record.size
        hub.require_room(file, transfer.total)
        return Path(
            client.hf_hub_download(
                record.repo_id, record.filename, repo_type=record.repo_type, revision=revision,
                cache_dir=hub.cache_folder, endpoint=hub.address, token=hub.token, etag_timeout=ETAG_SECONDS,
                tqdm_class=_bar_for(transfer),
            )
        )  # fmt: skip


def _bar_for(transfer: Transfer) -> type[tqdm[Any]]:
    """Return a class of progress bars that draws nothing and reports the client's bytes to `transfer`."""

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)  # an argument of the client's own bar that tqdm does not have
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            transfer.advance(int(n or 0))
            return None

    return Bar


def _from_url(hub: Hub, record: Checkpoint, transfer: Transfer) -> Path:
    target = hub.file_of(record)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(target.parent, hub.total_seconds)
    part = target.with_name(f"{target.name}.{os.getpid()}-{threading.get_ident()}.part")
    hub.require_room(target.name, record.size)
    try:
        for attempt in range(ATTEMPTS):
            if _continue(hub, record, part, transfer):
                os.replace(part, target)
                return target
            if attempt + 1 < ATTEMPTS and transfer.stopped.wait(attempt):
                raise HubError("cancelled")
        raise HubError("cut_off", file=target.name)
    finally:
        part.unlink(missing_ok=True)


def _remove_abandoned(folder: Path, seconds: float) -> None:
    """Delete partial files not written to for longer than a download may take: their process was killed."""
    for part in folder.glob("*.part"):
        with contextlib.suppress(FileNotFoundError):  # another download has just ended
            if part.stat().st_mtime < time.time() - seconds:
                part.unlink()


def _continue(hub: Hub, record: Checkpoint, part: Path, transfer: Transfer) -> bool:
    """Fetch what is missing of a file and return whether it is complete."""
    have = part.stat().st_size if part.exists() else 0
    address = f"{hub.mirror.rstrip('/')}/{record.url.removeprefix('https://')}" if hub.mirror else record.url
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    host = urlsplit(address).netloc
    with url_errors(hub, record, address):
        opener = urllib.request.build_opener(_SameHost(host))
        with opener.open(request, timeout=SOCKET_SECONDS) as response, part.open("ab") as file:
            if have and response.status != 206:  # the host starts from the beginning
                file.truncate(0)
                transfer.advance(-have)
                have = 0
            transfer.total = have + int(response.headers.get("Content-Length") or 0)
            hub.require_room(part.name, transfer.total - have)
            while chunk := _read(response):
                file.write(chunk)
                transfer.advance(len(chunk))
    return part.stat().st_size == transfer.total


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(CHUNK)
    except (http.client.IncompleteRead, ConnectionResetError):
        return b""  # the caller sees that the file is not whole


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follow redirects within one host only."""

    def __init__(self, host: str) -> None:
        self._host = host

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urlsplit(newurl).netloc != self._host:
            raise HubError("server", host=self._host, status=code)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextlib.contextmanager
def url_errors(hub: Hub, record: Checkpoint, address: str) -> Iterator[None]:
    """Turn errors of a host other than the Hub into a `HubError`; only the hosts of the catalogue are allowed."""
    known = {urlsplit(other.url).hostname for other in CHECKPOINTS.values() if other.url}
    if urlsplit(record.url).hostname not in known or not (hub.mirror or address.startswith("https://")):
        raise ValueError(f"{record.url} is not at one of the hosts that the records name.")
    host, file = urlsplit(address).netloc, Path(record.filename).name
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 404:
            raise HubError("file_not_found", repo=host, file=file) from error
        raise status_error(address, host, error.code, dict(error.headers)) from error
    except TimeoutError as error:
        raise HubError("timeout", host=host) from error
    except urllib.error.URLError as error:
        code = "timeout" if isinstance(error.reason, TimeoutError) else "no_network"
        raise HubError(code, host=host) from error
    except (ConnectionError, http.client.HTTPException) as error:
        raise HubError("no_network", host=host) from error
    except OSError as error:
        with hub_errors(hub, host, file):
            raise error
