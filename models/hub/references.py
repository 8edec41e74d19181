"""Weights that a visitor names by a Hub id: parse the id, choose the file of the repository, remember what was fetched.

What the app fetched for an id is recorded in a note beside the files. Only ids with a note are found on disk later: the
cache may hold repositories that are private to the host of the app, which a visitor's id must not open.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from huggingface_hub import HfApi
from pydantic import TypeAdapter

from models.hub.client import ETAG_SECONDS, Hub, HubError, hub_errors
from models.hub.records import Checkpoint, size_text

log = logging.getLogger(__name__)

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_ID = re.compile(rf"({_PART}/{_PART})(?:@([A-Za-z0-9][A-Za-z0-9._/-]{{0,94}}))?")
_ADDRESS = "https://huggingface.co/"
_COMMIT = re.compile("[0-9a-f]{40}")

# The usual names first, safetensors before files that have to be unpickled.
_NAMES = (
    "model.safetensors", "diffusion_pytorch_model.safetensors", "pytorch_model.bin", "diffusion_pytorch_model.bin",
)  # fmt: skip
_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".pth.tar", ".ckpt")
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.")
_NO_MODEL = re.compile(r"(optimi[sz]er|scheduler|training_args|rng_state|scaler)", re.IGNORECASE)
_RECORD = TypeAdapter(Checkpoint)


@dataclass(frozen=True)
class Reference:
    """A repository on the Hub and its revision; None for the newest."""

    repo_id: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Parse `user/name`, `user/name@revision`, or the address of the repository's page.

        Raises:
            HubError: "bad_id".
        """
        given = text.strip().removeprefix(_ADDRESS).rstrip("/")
        match = _ID.fullmatch(given)
        if match is None or ".." in given or "--" in given or "//" in given or given.endswith(".git"):
            raise HubError("bad_id", given=text.strip()[:80])
        return cls(match[1], match[2])


@dataclass(frozen=True)
class RemoteFile:
    """A file in a repository: its path, its size in bytes, and its SHA-256 or an empty string."""

    path: str
    size: int
    sha256: str = ""


def choose_file(repo: str, files: Sequence[RemoteFile]) -> RemoteFile:
    """Return the file with the weights: by its name, else the shortest path of the best kind."""
    weights = [file for file in files if file.path.endswith(_SUFFIXES) and not _NO_MODEL.search(file.path)]
    whole = [file for file in weights if not _SHARD.search(file.path)]
    if not whole:
        found = ", ".join(sorted(Path(file.path).name for file in files)[:4]) or "nothing"
        raise HubError("sharded", repo=repo) if weights else HubError("no_weights", repo=repo, found=found)

    def rank(file: RemoteFile) -> tuple[int, int, int, str]:
        named = _NAMES.index(file.path) if file.path in _NAMES else len(_NAMES)
        safe = not file.path.endswith(".safetensors")
        return (safe, named, file.path.count("/"), file.path)

    return min(whole, key=rank)


def describe(hub: Hub, reference: Reference) -> Checkpoint:
    """Return a record of the file of weights in a repository on the Hub, pinned to its commit.

    Its family is "vae" until the file's tensors are known.

    Raises:
        HubError: There is no such public repository, it has no usable file, or one too large.
    """
    hub.require_network()
    repo = reference.repo_id
    with hub_errors(hub, repo, revision=reference.revision):
        api = HfApi(endpoint=hub.address, token=hub.token)
        info = api.model_info(repo, revision=reference.revision, files_metadata=True, timeout=ETAG_SECONDS)
    siblings = [
        RemoteFile(each.rfilename, each.size or 0, each.lfs.sha256 if each.lfs else "") for each in info.siblings or []
    ]
    file = choose_file(repo, siblings)
    if file.size > hub.max_bytes:
        raise HubError("too_big", file=file.path, size=size_text(file.size), limit=size_text(hub.max_bytes))
    stated = getattr(info.card_data, "license", None)
    license_name = stated if isinstance(stated, str) else "not stated"
    return Checkpoint(
        f"{repo}@{info.sha}", "vae", repo, _ADDRESS + repo, license_name, "-nc" in license_name.lower(), repo_id=repo,
        filename=file.path, revision=info.sha, sha256=file.sha256, size=file.size, exact_size=file.size > 0,
        note="Named by a visitor, not checked by anybody here.",
    )  # fmt: skip


def note(hub: Hub, record: Checkpoint) -> None:
    """Write the note of a record that was fetched for a reference and recognised."""
    path = _note_of(hub, record.repo_id, record.revision or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(record), indent=2) + "\n", "utf-8")


def noted(hub: Hub, reference: Reference) -> Checkpoint | None:
    """Return the record fetched for a reference before and still on disk, the newest where no commit is named."""
    if reference.revision and not _COMMIT.fullmatch(reference.revision):
        return None  # a branch moves: only the Hub knows where it is now
    pattern = _note_of(hub, reference.repo_id, reference.revision or "*")
    notes = [record for path in pattern.parent.glob(pattern.name) if (record := _read_note(path, hub, reference))]
    newest = max(notes, key=lambda each: each[0], default=None)
    return newest[1] if newest else None


def _read_note(path: Path, hub: Hub, reference: Reference) -> tuple[int, Checkpoint] | None:
    """Return when a note was written and its record; None if it is damaged, of another repository, or has no file."""
    try:
        written, record = path.stat().st_mtime_ns, _RECORD.validate_json(path.read_bytes(), strict=True)
    except (OSError, ValueError) as error:
        log.warning("%s is no note of a model and is ignored: %s", path, error)
        return None
    is_its_own = path == _note_of(hub, reference.repo_id, record.revision or "") and record.repo_id == reference.repo_id
    return (written, record) if is_its_own and hub.find(record) is not None else None


def _note_of(hub: Hub, repo_id: str, revision: str) -> Path:
    return hub.assets_folder / "fetched" / f"{repo_id.replace('/', '--')}@{revision}.json"
