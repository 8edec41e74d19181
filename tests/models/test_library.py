"""The library: names of local files, and how often files are read, made and hashed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from published import PUBLISHED

import app
from models.checkpoints import Library, load_local
from models.file_facts import FileFacts, sha256_of
from models.hub.client import Hub, HubError
from models.hub.records import WEIGHTS, Checkpoint
from models.model_cache import ModelCache


@pytest.fixture
def hashed() -> list[str]:
    """The names of the files that were hashed."""
    return []


@pytest.fixture
def hub(tmp_path: Path, hashed: list[str]) -> Hub:
    def counted(path: Path) -> str:
        hashed.append(path.name)
        return sha256_of(path)

    return Hub(cache=tmp_path / "cache", assets=tmp_path / "assets", offline=True, digests=FileFacts(counted))


@pytest.fixture
def library(hub: Hub) -> Library:
    return Library(hub, ModelCache(budget=1))  # keeps nothing but what is asked for last


def generator_at(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(PUBLISHED["cyclegan-resnet-generator"](), path)
    return path


@pytest.mark.parametrize(
    ("place", "direction"),
    [
        ("apple2orange.pth", "apple2orange"),
        ("apple2orange/orange2apple.pth", "orange2apple"),
        ("apple2orange/Orange2Apple-v2.pth", "orange2apple"),
        ("apple2orange/orange2apple_pretrained/latest_net_G.pth", "orange2apple"),
        ("orange2apple/latest_net_G_A.pth", "orange2apple"),
        ("apple2orange/horse2zebra/latest_net_G.pth", ""),
        ("orange2apple_pretrained/old/latest_net_G.pth", ""),
        ("my-apple2orange-runs/latest_net_G.pth", ""),
        ("my-apple2orange-runs/weights/x.pth", ""),
        ("apple2orange/x.pth", ""),
        ("apple2orange/horse2zebra.pth", ""),
        ("pineapple2orange/x.pth", ""),
        ("orange2apples.pth", ""),
        ("x.pth", ""),
    ],
)
def test_the_direction_is_that_of_the_files_own_name_or_of_the_argument(
    tmp_path: Path, place: str, direction: str
) -> None:
    path = generator_at(tmp_path / place)
    assert load_local(path)[0].direction == direction
    assert load_local(path, direction="apple2orange")[0].direction == "apple2orange"


def test_local_files_of_one_name_are_offered_side_by_side(library: Library, tmp_path: Path) -> None:
    folders = ("a/apple2orange", "a/orange2apple", "b/orange2apple")
    files = [generator_at(tmp_path / folder / "latest_net_G.pth") for folder in folders]
    records = [library.add_local(file) for file in files]
    names = ["latest_net_G.pth", "orange2apple/latest_net_G.pth", "b/orange2apple/latest_net_G.pth"]
    assert [record.name for record in records] == [f"local/{name}" for name in names]
    assert [record.summary for record in records] == names
    assert [library.find(library.record(record.name)) for record in records] == files
    assert [record for record in library.records(["cyclegan"]) if record.name.startswith("local/")] == records
    assert library.add_local(files[1]) == records[1], "the same file keeps its name"


def test_a_local_file_with_another_half_is_refused(library: Library, tmp_path: Path) -> None:
    path, half = generator_at(tmp_path / "x.pth"), tmp_path / "half.pth"
    record = load_local(path)[0]
    names = ["local/" + "/".join(path.parts[start:]).lstrip("/") for start in range(len(path.parts))]
    library._local = {name: (record, [path, half]) for name in names}
    with pytest.raises(ValueError, match="is offered already"):
        library.add_local(path)


def published(hub: Hub) -> Checkpoint:
    """Return the record of a published file that is on disk."""
    url = "https://dl.fbaipublicfiles.com/mae/visualize/weights.pth"
    record = Checkpoint("toy", "cyclegan", "Toy", "none", layout="cyclegan-resnet-generator", url=url)
    path = generator_at(hub.file_of(record))
    return replace(record, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_file_is_hashed_once_and_again_after_a_change(
    library: Library, hub: Hub, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = published(hub)
    monkeypatch.setattr(Library, "record", lambda self, name: record)
    for _ in range(3):
        library.load("toy")
        library.store.forget(lambda key: True)
    assert hashed == ["weights.pth"]
    path = hub.file_of(record)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    with pytest.raises(HubError) as caught:
        library.load("toy")
    assert caught.value.code == "wrong_hash"


def test_our_own_weights_are_hashed_once(library: Library, hashed: list[str]) -> None:
    for _ in range(3):
        library.load("apple-discriminator")
        library.store.forget(lambda key: True)
    assert hashed == ["model.safetensors"]


class Private:
    """Weights of one person, as `PrivateWeights`; counts how often their folder is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def record(self, name: str) -> Checkpoint:
        return Checkpoint(name, "cyclegan", name, paper="", license="own")

    def folder(self, name: str) -> Path:
        self.asked.append(name)
        return WEIGHTS / "apple-discriminator"

    def records(self, families: Sequence[str]) -> list[Checkpoint]:
        return []


def test_private_weights_in_memory_are_not_looked_for_on_disk(hub: Hub) -> None:
    private = Private()
    library = Library(hub, ModelCache(), private)
    model = library.load("own/1")
    asked = len(private.asked)
    assert asked and all(library.load("own/1") is model for _ in range(3))
    assert len(private.asked) == asked


def test_an_app_takes_the_direction_of_a_local_file_as_an_argument(
    library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = generator_at(tmp_path / "x.pth")
    app.offer_local(library, [str(path), "orange2apple"])
    assert library.record("local/x.pth").direction == "orange2apple"
    app.offer_local(library, [str(path)])
    assert library.record("local/x.pth").direction == ""
    assert capsys.readouterr().out == ""
    torch.save(PUBLISHED["vit-timm"](), tmp_path / "vit.pth")
    app.offer_local(library, [str(tmp_path / "vit.pth")])
    assert "assumed: num_heads" in capsys.readouterr().out
    with pytest.raises(ValueError, match="names no file"):
        app.offer_local(library, ["apple2orange"])
