"""Files of weights from the Hugging Face Hub and a few other hosts: find them on disk, check them, turn errors.

Everything goes through `huggingface_hub`, so its cache, `HF_ENDPOINT` and `HF_HUB_CACHE` hold here as well. Every
failure is a `HubError` with a sentence.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import huggingface_hub as client
from huggingface_hub import constants, errors

from models.file_facts import FileFacts, sha256_of
from models.hub.records import Checkpoint, size_text

ETAG_SECONDS = 10.0  # for an answer of the API; a transfer has limits of its own
RESERVE = 500_000_000  # bytes that stay free on the disk
MAX_BYTES = 3_000_000_000  # of a file that a visitor names
MAX_BYTES_ON_SPACES = 1_000_000_000  # whose disk is shared
CHUNK = 1 << 18  # bytes

_SENTENCES: Mapping[str, str] = {
    "bad_id": "{given!r} is no id of a repository: write it as user/name, user/name/file or user/name@revision.",
    "not_found": "There is no public repository {repo}: check the spelling, and that it is not private.",
    "file_not_found": "{repo} has no file {file} any more: its authors moved or removed it.",
    "revision_gone": "The version {revision} of {repo} does not exist: leave it out to get the newest one.",
    "gated": "{repo} is gated: accept its terms on {page}, log in with `hf auth login`, and fetch it with "
             "`python app.py --prefetch {repo}`.",
    "forbidden": "{repo} may not be used without permission ({status}).",
    "rate_limited": "Too many requests to {host} for now: try again in {seconds} seconds.",
    "server": "{host} has trouble of its own (error {status}): try again later.",
    "no_network": "{host} cannot be reached: check the network. Everything on disk still works.",
    "offline": "This app runs offline: it uses what is on disk, and fetches nothing.",
    "timeout": "{host} did not answer in time: try again later.",
    "stalled": "Nothing arrived from {host} for {seconds} seconds, so the download was given up: try again.",
    "too_slow": "The download took longer than {minutes} minutes and was given up: try a faster network.",
    "cut_off": "The connection broke in the middle of {file}, again and again: try again later.",
    "wrong_hash": "{file} from {repo} is not the file it should be (its hash differs), and was removed.",
    "wrong_size": "{file} from {repo} is not the file it should be (its size differs), and was removed.",
    "disk_full": "The disk has too little room for {file} ({free} are free): make some, then try again.",
    "too_big": "{file} takes {size}, more than the {limit} allowed here: choose a smaller model.",
    "no_weights": "{repo} holds no weights that can be read here: it has {found}.",
    "several_files": "{repo} has several files of weights; write the one you mean: {files}.",
    "sharded": "{repo} has its weights split over several files, which cannot be read here.",
    "wrong_family": "{repo} is a model of another kind ({found}): open it in the tab for those.",
    "busy": "{limit} downloads are running already: wait until one has ended.",
    "cancelled": "The download was cancelled.",
    "not_on_disk": "{title} is not on disk: fetch it first.",
}  # fmt: skip


class HubError(RuntimeError):
    """Why weights could not be found or fetched: `str(error)` is a sentence, `code` and `values` translate it."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def __str__(self) -> str:
        return _SENTENCES[self.code].format(**{**self.values, "files": ", ".join(self.values.get("files", ()))})


@dataclass(frozen=True)
class Hub:
    """Where weights are kept and fetched from."""

    endpoint: str = ""  # address of the Hub; empty for `HF_ENDPOINT`
    cache: Path | None = None  # the client's cache folder; None for `HF_HUB_CACHE`
    assets: Path | None = None  # folder for files of other hosts and for notes; None for one in `HF_ASSETS_CACHE`
    mirror: str = ""  # where files of other hosts are fetched from instead, as `<mirror>/<host>/<path>`
    offline: bool = False  # whether to stay off the network
    # False for none, None for that of the person logged in on this machine. Visitors get none: they must not read what
    # only the host of the app may.
    token: bool | None = False
    stall_seconds: float = 60.0  # limit of the time while nothing arrives
    total_seconds: float = 3600.0  # limit of the time of a download
    max_bytes: int = MAX_BYTES  # largest file fetched for an id that a visitor names
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    digests: FileFacts[str] = field(default_factory=lambda: FileFacts(sha256_of), compare=False, repr=False)

    @classmethod
    def from_environment(cls, **changes: Any) -> Hub:
        """Return the hub that the environment describes; `HF_HUB_OFFLINE=1` keeps it off the network."""
        given: dict[str, Any] = {
            "mirror": os.environ.get("UNLABELED_MIRROR", ""),
            "offline": constants.is_offline_mode(),
            "max_bytes": MAX_BYTES_ON_SPACES if os.environ.get("SYSTEM") == "spaces" else MAX_BYTES,
        }
        return cls(**{**given, **changes})

    @property
    def address(self) -> str:
        """Address of the Hub without a slash at its end."""
        return (self.endpoint or constants.ENDPOINT).rstrip("/")

    @property
    def cache_folder(self) -> Path:
        """The client's cache folder."""
        return self.cache or Path(constants.HF_HUB_CACHE)

    @property
    def assets_folder(self) -> Path:
        """Folder for files of other hosts and for notes."""
        return self.assets or Path(constants.HF_ASSETS_CACHE) / "unlabeled"

    def find(self, record: Checkpoint) -> Path | None:
        """Return the file of a record if it is on disk; never touches the network."""
        if record.url:
            path = self.file_of(record)
            return path if path.is_file() else None
        found = client.try_to_load_from_cache(
            record.repo_id, record.filename, self.cache_folder, record.revision or "main", record.repo_type
        )
        return Path(found) if isinstance(found, str) else None

    def file_of(self, record: Checkpoint) -> Path:
        """Return where a file of another host is kept."""
        host, _, path = record.url.removeprefix("https://").partition("/")
        return self.assets_folder / "files" / host / path

    def require_network(self) -> None:
        """Raise a `HubError` where the app is to stay off the network."""
        if self.offline:
            raise HubError("offline")

    def require_room(self, file: str, size: int) -> None:
        """Raise a `HubError` if a file of `size` bytes would not leave `RESERVE` free."""
        free = self.free()
        if size + RESERVE > free:
            raise HubError("disk_full", file=file, free=size_text(free))

    def free(self) -> int:
        """Return the free bytes of the cache folder's disk."""
        folder = self.cache_folder
        while not folder.is_dir():
            folder = folder.parent
        return self.free_bytes(folder)

    def discard(self, path: Path) -> None:
        """Remove a file, and the blob in the cache it is a link to."""
        blob = path.resolve()
        path.unlink(missing_ok=True)
        if blob != path and blob.is_relative_to(self.cache_folder.resolve()):
            blob.unlink(missing_ok=True)

    def check(self, record: Checkpoint, path: Path) -> None:
        """Compare a file's size and hash with its record and its name in the cache; remove a wrong one.

        Raises:
            HubError: "wrong_size" or "wrong_hash".
        """
        values = {"file": Path(record.filename).name, "repo": record.repo_id or _host(record.url)}
        if record.exact_size and path.stat().st_size != record.size:
            self.discard(path)
            raise HubError("wrong_size", **values)
        blob = path.resolve().name  # the Hub names large files by their hash
        expected = [record.sha256] if record.sha256 else []
        expected += [blob] if re.fullmatch("[0-9a-f]{64}", blob) else []
        if not expected:
            return
        digest = self.digests.of(path)
        if not all(digest.startswith(start) for start in expected):
            self.discard(path)
            raise HubError("wrong_hash", **values)


def _host(address: str) -> str:
    return address.partition("://")[2].partition("/")[0]


@contextmanager
def hub_errors(hub: Hub, repo: str, file: str = "", revision: str | None = None, space: bool = False) -> Iterator[None]:
    """Turn errors of the client, whatever the version of its HTTP library, into a `HubError`."""
    try:
        yield
    except HubError:
        raise
    except errors.GatedRepoError as error:
        page = f"{hub.address}/{'spaces/' if space else ''}{repo}"
        raise HubError("gated", repo=repo, page=page) from error
    except errors.RepositoryNotFoundError as error:
        raise HubError("not_found", repo=repo) from error
    except errors.RevisionNotFoundError as error:
        raise HubError("revision_gone", repo=repo, revision=(revision or "main")[:12]) from error
    except errors.OfflineModeIsEnabled as error:
        raise HubError("offline") from error
    except errors.LocalEntryNotFoundError as error:  # before EntryNotFoundError: this one means no connection
        raise _from_cause(hub, repo, error) from error
    except errors.EntryNotFoundError as error:
        raise HubError("file_not_found", repo=repo, file=file) from error
    except errors.HFValidationError as error:
        raise HubError("bad_id", given=repo) from error
    except errors.HfHubHTTPError as error:
        raise status_error(hub.address, repo, error.response.status_code, error.response.headers) from error
    except OSError as error:
        if (known := _from_os_error(hub, file, error)) is None:
            raise
        raise known from error
    except Exception as error:
        if not type(error).__module__.startswith("httpx"):
            raise
        raise _from_transport(hub, file, error) from error


def status_error(address: str, repo: str, status: int, headers: Mapping[str, str]) -> HubError:
    """Return the error for an HTTP status that is no success."""
    if status == 429:
        wait = headers.get("retry-after") or headers.get("Retry-After") or ""
        return HubError("rate_limited", host=_host(address), seconds=int(wait) if wait.isdecimal() else 60)
    if status in (401, 403):
        return HubError("forbidden", repo=repo, status=status)
    return HubError("server", host=_host(address), status=status)


def _from_cause(hub: Hub, repo: str, error: Exception) -> HubError:
    cause = error.__cause__
    if isinstance(cause, errors.HfHubHTTPError):
        return status_error(hub.address, repo, cause.response.status_code, cause.response.headers)
    if isinstance(cause, errors.OfflineModeIsEnabled):
        return HubError("offline")
    return _from_transport(hub, "", cause or error)


def _from_transport(hub: Hub, file: str, error: BaseException) -> HubError:
    """Return the error for an exception, by its name, of the HTTP library: httpx in some versions, httpx2 in others."""
    name = type(error).__name__
    if "Timeout" in name and "Connect" not in name:
        return HubError("timeout", host=_host(hub.address))
    if name in ("RemoteProtocolError", "ReadError"):
        return HubError("cut_off", file=file or _host(hub.address))
    return HubError("no_network", host=_host(hub.address))


def _from_os_error(hub: Hub, file: str, error: OSError) -> HubError | None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return HubError("disk_full", file=file, free=size_text(hub.free()))
    if isinstance(error, TimeoutError | socket.timeout):
        return HubError("timeout", host=_host(hub.address))
    if "Consistency check failed" in str(error):
        return HubError("cut_off", file=file)
    if isinstance(error, ConnectionError):
        return HubError("no_network", host=_host(hub.address))
    return None
