"""The records, and every published one through the real client and its real layout at random weights."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import pytest
import torch
from hub_server import StandInHub
from published import PUBLISHED
from safetensors.torch import save
from torch import Tensor, nn

from models.checkpoints import Library
from models.formats.registry import LAYOUTS
from models.hub import catalogue
from models.hub.catalogue import CHECKPOINTS, OWN, checkpoint
from models.hub.client import Hub, HubError
from models.hub.records import Checkpoint, Family, size_text
from models.hub.transfers import fetch
from models.model_cache import ModelCache
from models.networks.feature_extractors import as_encoder
from models.networks.mae import MaskedAutoencoderViT

OTHERS = [record for record in CHECKPOINTS.values() if not record.is_own]
EACH = pytest.mark.parametrize("record", OTHERS, ids=lambda record: record.name)


@pytest.fixture
def library(hub_server: StandInHub, tmp_path: Path) -> Library:
    hub = Hub(endpoint=hub_server.url, cache=tmp_path / "cache", assets=tmp_path / "assets", mirror=hub_server.mirror)
    return Library(hub, ModelCache())


def test_names_are_unique_and_families_known() -> None:
    groups = (catalogue._OWN, catalogue._CYCLEGAN, catalogue._MAE, catalogue._VAE)
    records = [record for group in (*groups, catalogue._CONTRASTIVE, catalogue._SUPERVISED) for record in group]
    assert [record.name for record in records] == list(CHECKPOINTS)
    assert {record.family for record in records} == set(get_args(Family))


def test_no_two_records_are_of_one_file() -> None:
    places = [(record.repo_id, record.filename, record.url) for record in OTHERS]
    assert len(set(places)) == len(places)


@EACH
def test_a_record_says_where_a_file_is_and_what_it_may_be_used_for(record: Checkpoint) -> None:
    assert bool(record.repo_id) != bool(record.url), "on the Hub, or at an address"
    assert record.layout in LAYOUTS
    assert record.revision is None or re.fullmatch("[0-9a-f]{40}", record.revision)
    assert re.fullmatch("[0-9a-f]{8}([0-9a-f]{56})?|", record.sha256)
    assert record.size > 1_000_000
    assert record.license != "not stated"
    assert record.non_commercial == ("-NC-" in record.license)
    assert record.paper
    assert not record.url or urlsplit(record.url).scheme == "https"
    assert bool(record.latent) == (record.family == "vae")
    if not record.is_verified:
        assert "not verified" in record.note.lower(), "what is not pinned says so"
    if record.partner:
        assert checkpoint(record.partner).partner == record.name
        assert {record.direction, checkpoint(record.partner).direction} == {"apple2orange", "orange2apple"}


def test_our_own_keep_their_names() -> None:
    assert OWN == (
        "apple2orange", "orange2apple", "mae-photos", "vae-portraits", "vae-fruit", "simsiam-photos", "simclr-photos",
        "moco-photos", "supervised-photos",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("size", "text"), [(620_000, "0.6 MB"), (9_790_000, "9.8 MB"), (448_000_000, "448 MB"), (1_320_000_000, "1.32 GB")]
)
def test_sizes_are_for_people(size: int, text: str) -> None:
    assert size_text(size) == text


def as_file(record: Checkpoint, tensors: Mapping[str, Tensor]) -> bytes:
    """The tensors as a file of the kind that the record names."""
    if record.filename.endswith(".safetensors"):
        return save({name: tensor.contiguous() for name, tensor in tensors.items()})
    buffer = io.BytesIO()
    torch.save(dict(tensors), buffer)
    return buffer.getvalue()


def serve(server: StandInHub, record: Checkpoint, data: bytes) -> None:
    if record.url:
        server.urls[record.url] = data
    else:
        commit = record.revision or "d" * 40
        server.pin(record.repo_id, commit, {record.filename: data}, record.repo_type)


def unpinned(record: Checkpoint) -> Checkpoint:
    """The record without the hash and size of the real file, which random weights cannot have."""
    return replace(record, sha256="", exact_size=False)


LARGE = {"vgg16", "alexnet"}  # hundreds of megabytes whatever the number of classes
ALIKE = {"simclr", "simsiam", "moco", "moco-v3", "byol"}  # layouts that are a ResNet-50 under other names
FIRST = {record.layout: record.name for record in reversed(OTHERS)}


def is_slow(record: Checkpoint) -> bool:
    return record.name in LARGE or record.layout in ALIKE or record.name != FIRST[record.layout]


@pytest.mark.parametrize(
    "record",
    [pytest.param(record, marks=[pytest.mark.slow] * is_slow(record)) for record in OTHERS],
    ids=lambda record: record.name,
)
def test_a_published_file_is_fetched_recognised_and_used(
    library: Library, hub_server: StandInHub, record: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    make: Callable[[], Mapping[str, Tensor]] = PUBLISHED[record.layout]
    serve(hub_server, record, as_file(record, make()))
    monkeypatch.setattr(library, "record", lambda name: unpinned(CHECKPOINTS[name]))
    with pytest.raises(HubError, match="fetch it first"):
        library.load(record.name)
    fetch(library.hub, unpinned(record))
    model = library.load(record.name)
    assert not model.training
    assert all(parameter.dtype == torch.float32 and not parameter.requires_grad for parameter in model.parameters())
    assert use(record, model).isfinite().all()
    assert library.info(record.name).num_parameters > 0


@torch.inference_mode()
def use(record: Checkpoint, model: nn.Module) -> Tensor:
    """What a tab does with a model of this family."""
    if record.family == "cyclegan":
        return model(torch.zeros(1, 3, 32, 32))
    if record.family == "mae":
        assert isinstance(model, MaskedAutoencoderViT)
        mask = torch.zeros(1, model.num_patches)
        mask[:, ::2] = 1
        return model.reconstruct(torch.zeros(1, 3, model.img_size, model.img_size), mask)
    if record.family == "vae":
        assert model.spatial == (record.latent == "spatial")
        side = 64 if model.spatial else int(model.img_size)  # type: ignore[arg-type]
        return model.decode(model.encode(torch.zeros(1, 3, side, side))[0])  # type: ignore[operator]
    encoder, side = as_encoder(model)
    return encoder(torch.zeros(1, 3, side, side))


def test_a_file_of_another_layout_is_refused_and_the_old_model_stays(
    library: Library, hub_server: StandInHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = CHECKPOINTS["taesd"]
    serve(hub_server, record, as_file(record, {"stranger": torch.zeros(3)}))
    fetch(library.hub, record)
    with pytest.raises(ValueError, match="stranger"):
        library.load("taesd")
    assert library.store.used() == 0
