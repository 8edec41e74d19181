"""Weights that a visitor names by a Hub id: parse the id, choose the file of the repository, remember what was fetched.

What the app fetched for an id is recorded in a note beside the files. Only ids with a note are found on disk later: the
cache may hold repositories that are private to the host of the app, which a visitor's id must not open.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from huggingface_hub import HfApi
from pydantic import TypeAdapter

from models.hub.client import ETAG_SECONDS, Hub, HubError, hub_errors
from models.hub.records import MAX_SETTINGS_BYTES, SETTINGS_FILES, Checkpoint, Family, size_text

log = logging.getLogger(__name__)

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_REVISION = r"[A-Za-z0-9][A-Za-z0-9._/-]{0,94}"
_ID = re.compile(rf"({_PART}/{_PART})((?:/\w[\w .,+=()-]{{0,94}}){{0,8}})(?:@({_REVISION}))?")
_ADDRESS = "https://huggingface.co/"
_HOST = re.compile(r"(?:https://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?:models/)?")
_PAGE = re.compile(rf"({_PART}/{_PART})/(?:tree|blob|resolve|raw|commit)/(refs/pr/\d+|[^/]+)(?:/(.*))?")
_COMMIT = re.compile("[0-9a-f]{40}")

_NAMES = ("model", "diffusion_pytorch_model", "pytorch_model")  # the usual ones first, without their suffix
_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".pth.tar", ".ckpt")
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.")
_NO_MODEL = re.compile(r"(optimi[sz]er|scheduler|training_args|rng_state|scaler)", re.IGNORECASE)
_OTHER_PART = re.compile(  # such as a discriminator, or the classifier of an encoder
    r"(^|[._-])(net_?)?D([._-]|$)|discriminator|(^|[._-])(head|classifier|linear|fc|lora)([._-]|$)"
)
_HINTS: Mapping[Family, re.Pattern[str]] = {
    "cyclegan": re.compile(r"(^|[/._-])(net_?)?G([._-]|$)|generator", re.IGNORECASE),
    "mae": re.compile(r"(^|[/._-])(vit_?)?mae([/._-]|$)", re.IGNORECASE),
    "vae": re.compile(r"(^|[/._-])vae([/._-]|$)|autoencoder", re.IGNORECASE),
}
MAX_NAME = 150  # characters of the name of a note before the revision
CHOICES = 8  # files that are offered where a repository has several
_RECORD = TypeAdapter(Checkpoint)


@dataclass(frozen=True)
class Reference:
    """A repository on the Hub, its revision (None for the newest), and a file or folder in it (empty for any)."""

    repo_id: str
    revision: str | None = None
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Parse `user/name`, `user/name/path/file`, either with `@revision`, or the address of a page of the Hub.

        Raises:
            HubError: "bad_id".
        """
        given, page = text.strip(), None
        if host := _HOST.match(given):
            given = unquote(re.split(r"[?#]", given[host.end() :])[0]).rstrip("/")
            if page := _PAGE.fullmatch(given):
                given = f"{page[1]}{'/' if page[3] else ''}{page[3] or ''}@{page[2]}"
        match = _ID.fullmatch(given)
        if match is None or ".." in given or "--" in match[1] or "//" in given or match[1].endswith(".git"):
            raise HubError("bad_id", given=text.strip()[:80])
        path = match[2].strip("/")
        is_file = path.endswith(_SUFFIXES)  # a folder is meant only where its page is given
        if match[1].startswith(("spaces/", "datasets/", "docs/")) or (path and not is_file and page is None):
            raise HubError("bad_id", given=text.strip()[:80])
        return cls(match[1], match[3], path)


@dataclass(frozen=True)
class RemoteFile:
    """A file in a repository: its path, its size in bytes, and its SHA-256 or an empty string."""

    path: str
    size: int
    sha256: str = ""


def choose_file(
    repo: str, files: Sequence[RemoteFile], families: Collection[Family] = (), path: str = "", at: str = ""
) -> RemoteFile:
    """Return the file with the weights for networks of some families: `path`, or the best by its name in that folder.

    Raises:
        HubError: "several_files", where nothing tells which of some files is meant; it lists them, `at` after each.
    """
    if exact := [file for file in files if file.path == path]:
        return exact[0]
    if path:
        files = [file for file in files if file.path.startswith(f"{path}/")]
        if not files:
            raise HubError("file_not_found", repo=repo, file=path)
    weights = [file for file in files if file.path.endswith(_SUFFIXES) and not _NO_MODEL.search(file.path)]
    whole = [file for file in weights if not _SHARD.search(file.path)]
    if not whole:
        found = ", ".join(sorted(Path(file.path).name for file in files)[:4]) or "nothing"
        raise HubError("sharded", repo=repo) if weights else HubError("no_weights", repo=repo, found=found)

    def rank(file: RemoteFile) -> tuple[int | bool, ...]:
        name = PurePosixPath(file.path).name
        stem = name.removesuffix(next(suffix for suffix in reversed(_SUFFIXES) if name.endswith(suffix)))
        is_meant = any(family in _HINTS and _HINTS[family].search(file.path) for family in families)
        usual = _NAMES.index(stem) if stem in _NAMES else len(_NAMES)
        is_unsafe, depth = not name.endswith(".safetensors"), file.path.count("/")
        return bool(_OTHER_PART.search(stem)), not is_meant, is_unsafe, usual, depth

    best = min(map(rank, whole))
    equal = sorted((file for file in whole if rank(file) == best), key=lambda file: file.path)
    if len(equal) > 1:
        raise HubError("several_files", repo=repo, files=[f"{repo}/{file.path}{at}" for file in equal[:CHOICES]])
    return equal[0]


def _usual_path(repo: str, files: Sequence[RemoteFile]) -> str:
    """Return the path of the file that is chosen where no tab asks; empty for none."""
    try:
        return choose_file(repo, files).path
    except HubError:
        return ""


def describe(hub: Hub, reference: Reference, families: Collection[Family] = ()) -> Checkpoint:
    """Return a record of the file of weights in a repository on the Hub, pinned to its commit; see `choose_file`.

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
    at = f"@{reference.revision}" if reference.revision else ""
    file = choose_file(repo, siblings, families, reference.path, at)
    is_usual = not reference.path and _usual_path(repo, siblings) == file.path
    title = repo if is_usual else f"{repo}/{file.path}"
    if file.size > hub.max_bytes:
        raise HubError("too_big", file=file.path, size=size_text(file.size), limit=size_text(hub.max_bytes))
    stated = getattr(info.card_data, "license", None)
    paths = {each.path for each in siblings if each.size <= MAX_SETTINGS_BYTES}
    license_name = stated if isinstance(stated, str) else "not stated"
    return Checkpoint(
        f"{title}@{info.sha}", "vae", title, _ADDRESS + repo, license_name, "-nc" in license_name.lower(), repo_id=repo,
        filename=file.path, revision=info.sha, sha256=file.sha256, size=file.size, exact_size=file.size > 0,
        note="Named by a visitor, not checked by anybody here.",
        beside=tuple(name for name in SETTINGS_FILES if str(PurePosixPath(file.path).with_name(name)) in paths),
    )  # fmt: skip


def note(hub: Hub, record: Checkpoint) -> None:
    """Write the note of a record that was fetched for a reference and recognised."""
    path = _note_of(hub, record.name.rpartition("@")[0], record.revision or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(record), indent=2) + "\n", "utf-8")


def noted(hub: Hub, reference: Reference) -> Checkpoint | None:
    """Return the record fetched for a reference before and still on disk, the newest where no commit is named."""
    if reference.revision and not _COMMIT.fullmatch(reference.revision):
        return None  # a branch moves: only the Hub knows where it is now
    title = f"{reference.repo_id}/{reference.path}".rstrip("/")
    pattern = _note_of(hub, title, reference.revision or "*")
    notes = [record for path in pattern.parent.glob(pattern.name) if (record := _read_note(path, hub, title))]
    newest = max(notes, key=lambda each: each[0], default=None)
    return newest[1] if newest else None


def _read_note(path: Path, hub: Hub, title: str) -> tuple[int, Checkpoint] | None:
    """Return when a note was written and its record; None if it is damaged, of another repository, or has no file."""
    try:
        written, record = path.stat().st_mtime_ns, _RECORD.validate_json(path.read_bytes(), strict=True)
    except (OSError, ValueError) as error:
        log.warning("%s is no note of a model and is ignored: %s", path, error)
        return None
    is_its_own = path == _note_of(hub, title, record.revision or "") and record.name == f"{title}@{record.revision}"
    is_its_own = is_its_own and title in (record.repo_id, f"{record.repo_id}/{record.filename}")
    return (written, record) if is_its_own and hub.find(record) is not None else None


def _note_of(hub: Hub, title: str, revision: str) -> Path:
    name = title.replace("/", "--")
    name = name if len(name) <= MAX_NAME else hashlib.sha256(title.encode()).hexdigest()
    return hub.assets_folder / "fetched" / f"{name}@{revision}.json"
