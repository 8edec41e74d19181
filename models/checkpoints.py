"""Load, describe and find weights by name: the interface for programs, listed in `__all__`.

Our own weights are folders (`models.formats.weights_folder`); published and local files are recognised by their tensors
(`models.formats.registry`); `models.hub.catalogue` lists the records.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

from torch import nn

from models.formats import registry
from models.formats.cyclegan import direction_of
from models.formats.weights_folder import WeightsInfo, build_model, folder_info, load_folder, read_config
from models.hub.catalogue import CHECKPOINTS, OWN, OWN_REPO, checkpoint
from models.hub.client import Hub, HubError
from models.hub.downloads import Downloads
from models.hub.records import WEIGHTS, Checkpoint, is_private
from models.hub.references import Reference, note, noted
from models.hub.transfers import fetch
from models.model_cache import ModelCache, budget_from_environment

__all__ = [
    "CHECKPOINTS", "OWN", "WEIGHTS", "Checkpoint", "Library", "WeightsInfo", "build_model", "checkpoint",
    "from_pretrained", "library", "load_folder", "load_local", "load_model", "read_config", "weights_info",
]  # fmt: skip


def load_local(path: Path, *more: Path, direction: str = "") -> tuple[Checkpoint, nn.Module]:
    """Load a file of weights from disk, recognised by its tensors, such as the CycleGAN authors' own download.

    Args:
        path: The file.
        more: Its other half, where an autoencoder lies in two files.
        direction: "apple2orange" or "orange2apple", for a generator whose name does not say it.

    Returns:
        A record of the file, under the name `local/<its name>`, and the module.

    Raises:
        WeightsError: There is no such file, it holds no weights, or its layout is unknown.
    """
    layout, model, assumed = registry.load_and_tell([path, *more])
    record = Checkpoint(
        f"local/{path.name}", layout.family, path.name, "a local file", "not stated", layout=layout.name,
        filename=str(path.resolve()), size=sum(each.stat().st_size for each in (path, *more)),
        direction=direction or direction_of(path), latent=_latent(layout, model), assumed=assumed,
    )  # fmt: skip
    return record, model


def _latent(layout: registry.Layout, model: nn.Module) -> Literal["", "global", "spatial"]:
    if layout.family != "vae":
        return ""
    return "spatial" if getattr(model, "spatial", False) else "global"


def _own_files(record: Checkpoint) -> list[Checkpoint]:
    """Return records of the files of our own weights in `OWN_REPO`, if it exists."""
    files = ("config.json", "model.safetensors") if OWN_REPO else ()
    return [replace(record, repo_id=OWN_REPO, filename=f"{record.name}/{file}") for file in files]


class PrivateWeights(Protocol):
    """Weights of single visitors; an implementation knows the current visitor and refuses the weights of others."""

    def record(self, name: str) -> Checkpoint:
        """Return the record called `name`."""

    def folder(self, name: str) -> Path:
        """Return the weights folder of the record called `name`."""


class Library:
    """All weights that a process can use: the records, the files on disk, and the models in memory.

    Args:
        hub: Finds and fetches published files.
        store: Keeps loaded models.
        private: Weights of single visitors, under names for which `is_private` holds.
    """

    def __init__(self, hub: Hub, store: ModelCache, private: PrivateWeights | None = None) -> None:
        self.hub, self.store, self._private = hub, store, private
        self.downloads = Downloads(hub)
        self._local: dict[str, tuple[Checkpoint, list[Path]]] = {}

    def with_private(self, private: PrivateWeights) -> Library:
        """Return a library of the same weights and the same models in memory, with private weights as well."""
        other = copy.copy(self)
        other._private = private
        return other

    def record(self, name: str) -> Checkpoint:
        """Return the record called `name`: of the catalogue, a local file, one fetched for a Hub id, or a private one.

        Raises:
            ValueError: There is none; the message lists those of the catalogue.
        """
        if self._private is not None and is_private(name):
            return self._private.record(name)
        if name in self._local:
            return self._local[name][0]
        if name not in CHECKPOINTS and "@" in name:
            try:
                found = noted(self.hub, Reference.parse(name))
            except HubError:
                found = None
            if found is not None and found.name == name:
                return found
        return checkpoint(name)

    def records(self, families: Collection[str]) -> list[Checkpoint]:
        """Return the records of some families that menus offer: our own, local files, then the rest of the catalogue.

        Where the app runs offline, only what is on disk is offered.
        """
        local = [record for record, _ in self._local.values()]
        known = [*(CHECKPOINTS[name] for name in OWN), *local, *CHECKPOINTS.values()]
        offered = {record.name: record for record in known if record.family in families and not record.lesson}
        return [record for record in offered.values() if not self.hub.offline or self.is_on_disk(record)]

    def add_local(self, path: Path, *more: Path, direction: str = "") -> Checkpoint:
        """Offer a local file under the name `local/<its name>`, with as many of its folders as make the name unique.

        Arguments and errors are those of `load_local`.

        Raises:
            ValueError: The file is offered already, with another half.
        """
        record, _ = load_local(path, *more, direction=direction)
        paths = [each.absolute() for each in (path, *more)]
        parts = paths[0].parts
        for start in reversed(range(len(parts))):
            title = str(PurePosixPath(*parts[start:]))
            name = f"local/{title.lstrip('/')}"
            if name not in self._local or self._local[name][1] == paths:
                self._local[name] = replace(record, name=name, summary=title), paths
                return self._local[name][0]
        raise ValueError(f"{path} is offered already, with another half: give each file once.")

    def find(self, record: Checkpoint) -> Path | None:
        """Return the file of a record if it is on disk; never touches the network."""
        if self._private is not None and is_private(record.name):
            return self._private.folder(record.name) / "model.safetensors"
        if record.is_own:
            path = record.folder / "model.safetensors"
            if OWN_REPO and not path.is_file():
                return self.hub.find(_own_files(record)[-1])
        elif record.name in self._local:
            path = Path(record.filename)
        else:
            return self.hub.find(record)
        return path if path.is_file() else None

    def folder(self, name: str) -> Path | None:
        """Return the weights folder called `name`; None for published weights and for what is not on disk.

        Raises:
            ValueError: The name is unknown.
        """
        record = self.record(name)
        path = self.find(record) if record.is_own or is_private(name) else None
        return path.parent if path else None

    def is_on_disk(self, record: Checkpoint) -> bool:
        """Return whether a record can be loaded without the network."""
        return self.find(record) is not None

    def needed(self, record: Checkpoint) -> list[Checkpoint]:
        """Return what has to be fetched before a record can be used, its partner included."""
        pair = [record, *([self.record(record.partner)] if record.partner else [])]
        missing = [each for each in pair if not self.is_on_disk(each)]
        return [file for each in missing for file in (_own_files(each) if each.is_own else [each])]

    def size(self, record: Checkpoint) -> int:
        """Return the bytes of a record's file on disk, else those that the record states."""
        path = self.find(record)
        return path.stat().st_size if path else record.size

    def load(self, name: str, device: str = "cpu") -> nn.Module:
        """Return the model called `name`: trained weights, eval mode, no gradients; loaded once.

        Raises:
            ValueError: The name is unknown or its files do not fit.
            FileNotFoundError: Our own weights are not on disk.
            HubError: Published weights are not on disk, or damaged.
        """
        record = self.record(name)

        def expected() -> int:  # a private file may have to be made first
            path = self.find(record)
            return path.stat().st_size if path else 0

        return self.store.get((record, device), lambda: self._load(record).to(device), expected)

    def _load(self, record: Checkpoint) -> nn.Module:
        path = self.find(record)
        if record.is_own or (path is not None and is_private(record.name)):
            return load_folder(path.parent if path else record.folder, digest=self.hub.digests.of)
        if path is None:
            raise HubError("not_on_disk", title=record.summary)
        if record.name in self._local:
            return registry.load_file(self._local[record.name][1], record.layout)[1]
        self.hub.check(record, path)
        return registry.load_file(path, record.layout or None)[1]

    def adopt(self, record: Checkpoint, families: Collection[str]) -> Checkpoint:
        """Recognise a file that was fetched for a Hub id, write its note, and return its record with its family.

        Raises:
            HubError: "wrong_family", if it is not of `families`; it stays on disk.
            WeightsError: The file is in no known layout; it is removed.
        """
        path = self.hub.find(record)
        if path is None:
            raise HubError("not_on_disk", title=record.summary)
        try:
            layout, model, assumed = registry.load_and_tell(path)
        except registry.WeightsError:
            for each in (path, *(path.with_name(name) for name in record.beside)):
                self.hub.discard(each)
            raise
        record = replace(
            record, family=layout.family, layout=layout.name, latent=_latent(layout, model), assumed=assumed
        )
        note(self.hub, record)
        if record.family not in families:
            raise HubError("wrong_family", repo=record.repo_id, found=record.family)
        self.store.get((record, "cpu"), lambda: model)
        return record

    def info(self, name: str) -> WeightsInfo:
        """Return the facts about the weights called `name`; those of published ones are read off the model.

        Errors are those of `load`.
        """
        record = self.record(name)
        if record.is_own:
            return folder_info(name, self.folder(name) or record.folder)
        if self._private is not None and is_private(name):
            return folder_info(record.summary, self._private.folder(name))
        model = self.load(name)
        count = sum(parameter.numel() for parameter in model.parameters())
        size = int(getattr(model, "img_size", 0))
        return WeightsInfo(name, record.layout, {}, size, num_parameters=count, steps=0, sha256=record.sha256)


@cache
def library() -> Library:
    """Return the library of this process, created with the environment of the first call."""
    return Library(Hub.from_environment(), ModelCache(budget_from_environment()))


def load_model(name: str, device: str = "cpu") -> nn.Module:
    """Return the model called `name` of this process's library; see `Library.load`."""
    return library().load(name, device)


def weights_info(name: str) -> WeightsInfo:
    """Return the facts about the weights called `name` of this process's library; see `Library.info`."""
    return library().info(name)


def from_pretrained(
    repo_id: str, *, revision: str | None = None, folder: str = "", hub: Hub | None = None
) -> nn.Module:
    """Load weights that `python -m models.training publish` put on the Hub; from disk if they are there.

    Args:
        repo_id: Such as "user/repo".
        revision: A full commit, or None for the newest.
        folder: Folder of the weights in the repository; empty for its top.
        hub: By default the Hub, as the person who is logged in on this machine.

    Raises:
        HubError: The weights cannot be fetched.
        ValueError: They are damaged, or not ours.
    """
    hub = hub or Hub.from_environment(token=None)
    place = f"{folder}/" if folder else ""
    record = Checkpoint(repo_id, "vae", repo_id, "", repo_id=repo_id, filename=f"{place}config.json", revision=revision)
    config = fetch(hub, record)
    commit = config.parents[len(PurePosixPath(folder).parts)].name  # the newest may be another by now
    fetch(hub, replace(record, filename=f"{place}model.safetensors", revision=commit))
    return load_folder(config.parent, digest=hub.digests.of)
