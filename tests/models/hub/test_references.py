"""What a visitor may paste, which file of a repository is taken, and what is remembered."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hub_server import StandInHub

from models.hub.client import Hub, HubError
from models.hub.records import Family
from models.hub.references import Reference, RemoteFile, choose_file, describe, note, noted
from models.hub.transfers import fetch

COMMIT = "c" * 40
DATA = b"weights" * 100


@pytest.fixture
def hub(hub_server: StandInHub, tmp_path: Path) -> Hub:
    return Hub(endpoint=hub_server.url, cache=tmp_path / "cache", assets=tmp_path / "assets")


@pytest.mark.parametrize(
    ("text", "repo_id", "revision"),
    [
        ("ann/toy", "ann/toy", None),
        ("  ann/toy \n", "ann/toy", None),
        ("Ann-1/Toy.v2_x", "Ann-1/Toy.v2_x", None),
        (f"ann/toy@{COMMIT}", "ann/toy", COMMIT),
        ("ann/toy@v1.0", "ann/toy", "v1.0"),
        ("ann/toy@refs/pr/1", "ann/toy", "refs/pr/1"),
        ("https://huggingface.co/ann/toy", "ann/toy", None),
        ("https://huggingface.co/ann/toy/", "ann/toy", None),
        ("huggingface.co/ann/toy", "ann/toy", None),
        ("https://hf.co/ann/toy", "ann/toy", None),
        ("https://huggingface.co/ann/toy/tree/main", "ann/toy", "main"),
        ("https://huggingface.co/ann/toy/tree/refs%2Fpr%2F1", "ann/toy", "refs/pr/1"),
        (f"https://huggingface.co/ann/toy/commit/{COMMIT}", "ann/toy", COMMIT),
        ("https://huggingface.co/ann/toy?library=timm#files", "ann/toy", None),
    ],
)
def test_ids_are_understood(text: str, repo_id: str, revision: str | None) -> None:
    assert Reference.parse(text) == Reference(repo_id, revision)


@pytest.mark.parametrize(
    ("text", "revision", "path"),
    [
        ("ann/toy/x.pth", None, "x.pth"),
        ("ann/toy/a b/net (1).pth@v1", "v1", "a b/net (1).pth"),
        ("https://huggingface.co/ann/toy/tree/main/vae", "main", "vae"),
        ("https://hf.co/ann/toy/blob/main/vae/x.safetensors", "main", "vae/x.safetensors"),
        ("https://huggingface.co/ann/toy/resolve/main/a%20b/x.pth?download=true", "main", "a b/x.pth"),
        ("hf.co/ann/toy/blob/refs/pr/2/x.pth", "refs/pr/2", "x.pth"),
    ],
)
def test_files_and_pages_are_understood(text: str, revision: str | None, path: str) -> None:
    assert Reference.parse(text) == Reference("ann/toy", revision, path)


@pytest.mark.parametrize(
    "text",
    [
        "", "toy", "ann/toy/deep", "../etc/passwd", "ann/..", "ann/../x", "ann/to y", "ann/toy@", "@main",
        "ann/toy@a b", "https://example.com/ann/toy", "http://huggingface.co/ann/toy", "ann/toy@../../x", "ann//toy",
        "ann\\toy", "ann/toy@a//b", "-ann/toy", "ann/toy.git", "ann--x/toy", "a" * 200 + "/b", "ann/toy?x=1",
        "https://huggingface.co/spaces/ann/toy", "https://huggingface.co/datasets/ann/x.pth", "https://hf.co/ann/toy/deep",
        "https://hf.co/ann/toy/tree/main/../x", "ann/toy/../x.pth", "ann/toy/.x.pth", "hf.co.evil/a/b/tree/main/x",
        "ann/toy#x", "ann/t\u00f6y", "ann/toy@-x", "ann/toy;rm", "file:///etc/passwd", "<b>/x", "ann\n/toy",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(HubError) as caught:
        Reference.parse(text)
    assert caught.value.code == "bad_id"


def files(*paths: str) -> list[RemoteFile]:
    return [RemoteFile(path, 10) for path in paths]


@pytest.mark.parametrize(
    ("paths", "chosen"),
    [
        (["pytorch_model.bin", "model.safetensors", "config.json"], "model.safetensors"),
        (["a/model.safetensors", "model.safetensors"], "model.safetensors"),
        (["taef2.safetensors", "pytorch_model.bin"], "taef2.safetensors"),
        (["deep/er/x.pth", "x.pth"], "x.pth"),
        (["optimizer.pt", "scheduler.bin", "model.pth"], "model.pth"),
        (["model-00001-of-00002.safetensors", "small.pth"], "small.pth"),
        (["linear_head.pth", "model.pth"], "model.pth"),
        (["netD.pth", "net.pth"], "net.pth"),
        (["discriminator.safetensors", "x.pth"], "x.pth"),
    ],
)
def test_the_file_with_the_weights_is_chosen(paths: list[str], chosen: str) -> None:
    assert choose_file("ann/toy", files(*paths)).path == chosen


PIPELINE = [
    "safety_checker/model.safetensors", "text_encoder/model.safetensors", "unet/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.bin", "v1-5.ckpt",
]  # fmt: skip
TRANSLATOR = ["latest_net_D_A.pth", "latest_net_D_B.pth", "latest_net_G_A.pth", "latest_net_G_B.pth"]


@pytest.mark.parametrize(
    ("paths", "family", "chosen"),
    [
        (PIPELINE, "vae", "vae/diffusion_pytorch_model.safetensors"),
        (["encoder.pth", "net_D.pth", "net_G.pth"], "cyclegan", "net_G.pth"),
        (["model.safetensors", "mae/model.safetensors"], "mae", "mae/model.safetensors"),
        (["model.safetensors", "mae/model.safetensors"], "contrastive", "model.safetensors"),
    ],
)
def test_the_family_of_the_tab_decides(paths: list[str], family: Family, chosen: str) -> None:
    assert choose_file("ann/toy", files(*paths), [family]).path == chosen


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (TRANSLATOR, ["latest_net_G_A.pth", "latest_net_G_B.pth"]),
        (["b.pth", "a.pth", "c/d.pth"], ["a.pth", "b.pth"]),
        (["optimizer.pt", "last.pt", "best.pt"], ["best.pt", "last.pt"]),
    ],
)
def test_a_tie_is_not_decided(paths: list[str], found: list[str]) -> None:
    with pytest.raises(HubError, match="ann/toy has several files") as caught:
        choose_file("ann/toy", files(*paths), ["cyclegan"], at="@v1")
    assert caught.value.values["files"] == [f"ann/toy/{name}@v1" for name in found]
    assert ", ".join(caught.value.values["files"]) in str(caught.value)


def test_a_file_or_a_folder_may_be_named() -> None:
    assert choose_file("ann/toy", files(*TRANSLATOR), ["cyclegan"], "latest_net_D_A.pth").path == "latest_net_D_A.pth"
    assert choose_file("ann/toy", files(*PIPELINE), ["mae"], "unet").path == "unet/diffusion_pytorch_model.safetensors"
    with pytest.raises(HubError) as caught:
        choose_file("ann/toy", files(*PIPELINE), ["vae"], "gone")
    assert caught.value.code == "file_not_found"


def test_what_one_tab_chooses_has_another_name_than_the_usual_file(hub: Hub, hub_server: StandInHub) -> None:
    commit = hub_server.add("ann/toy", {name: name.encode() for name in PIPELINE if "text" not in name})
    usual, of_tab = describe(hub, Reference("ann/toy")), describe(hub, Reference("ann/toy"), ["vae"])
    assert (usual.name, usual.filename) == (f"ann/toy@{commit}", "safety_checker/model.safetensors")
    assert of_tab.name == f"ann/toy/vae/diffusion_pytorch_model.safetensors@{commit}"


def test_two_files_of_one_repository_are_kept_apart(hub: Hub, hub_server: StandInHub) -> None:
    long = "x" * 90
    names = ["a.pth", "deep/a.pth", f"{long}/{long}/a.pth"]
    commit = hub_server.add("ann/toy", {name: name.encode() for name in names})
    for name in names:
        record = describe(hub, Reference("ann/toy", None, name))
        assert (record.name, record.filename) == (f"ann/toy/{name}@{commit}", name)
        fetch(hub, record)
        note(hub, record)
    for name in names:
        found = noted(hub, Reference.parse(f"ann/toy/{name}@{commit}"))
        assert found is not None and found.filename == name
    assert noted(hub, Reference("ann/toy")) is None


@pytest.mark.parametrize(
    ("paths", "code"),
    [
        ([], "no_weights"),
        (["README.md", "optimizer.pt"], "no_weights"),
        (["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], "sharded"),
    ],
)
def test_a_repository_without_usable_weights_is_refused(paths: list[str], code: str) -> None:
    with pytest.raises(HubError) as caught:
        choose_file("ann/toy", files(*paths))
    assert caught.value.code == code
    assert "ann/toy" in str(caught.value)


def test_a_reference_is_pinned_to_the_commit_it_means_now(hub: Hub, hub_server: StandInHub) -> None:
    first = hub_server.add("ann/toy", {"model.safetensors": DATA}, license="cc-by-nc-4.0")
    record = describe(hub, Reference("ann/toy"))
    assert (record.name, record.revision, record.size) == (f"ann/toy@{first}", first, len(DATA))
    assert (record.license, record.non_commercial) == ("cc-by-nc-4.0", True)
    second = hub_server.add("ann/toy", {"model.safetensors": DATA + DATA})
    assert fetch(hub, record).read_bytes() == DATA, "the version that was described, although the newest has moved"
    assert describe(hub, Reference("ann/toy")).revision == second
    assert describe(hub, Reference("ann/toy", first)) == record


@pytest.mark.parametrize(
    ("fault", "code"), [("rate_limited", "rate_limited"), ("server_error", "server"), ("forbidden", "forbidden")]
)
def test_errors_of_the_hub_have_a_code(hub: Hub, hub_server: StandInHub, fault: str, code: str) -> None:
    hub_server.fault = fault  # type: ignore[assignment]
    with pytest.raises(HubError) as caught:
        describe(hub, Reference("ann/toy"))
    assert caught.value.code == code


def test_an_unreachable_host_is_an_error_of_its_own(hub: Hub) -> None:
    with pytest.raises(HubError) as caught:
        describe(replace(hub, endpoint="http://127.0.0.1:9"), Reference("ann/toy"))
    assert caught.value.code == "no_network"


def test_missing_repositories_files_and_revisions_are_errors(hub: Hub, hub_server: StandInHub) -> None:
    hub_server.add("ann/toy", {"model.safetensors": DATA})
    for reference, code in [(Reference("bob/x"), "not_found"), (Reference("ann/toy", "gone"), "revision_gone")]:
        with pytest.raises(HubError) as caught:
            describe(hub, reference)
        assert caught.value.code == code
    hub_server.repositories["model", "ann/toy"].gated = True
    with pytest.raises(HubError) as caught:
        describe(hub, Reference("ann/toy"))
    assert caught.value.code == "gated"


def test_a_file_over_the_limit_is_refused_before_it_is_fetched(hub: Hub, hub_server: StandInHub) -> None:
    hub_server.add("ann/toy", {"model.safetensors": DATA})
    with pytest.raises(HubError) as caught:
        describe(replace(hub, max_bytes=100), Reference("ann/toy"))
    assert caught.value.code == "too_big"
    assert not [line for line in hub_server.log if "resolve" in line]


def test_only_what_this_app_fetched_is_found_on_disk(hub: Hub, hub_server: StandInHub) -> None:
    hub_server.add("ann/toy", {"model.safetensors": DATA})
    reference = Reference("ann/toy")
    record = describe(hub, reference)
    fetch(hub, record)
    offline = replace(hub, offline=True)
    assert noted(offline, reference) is None, "a file in the cache may be private to the host of the app"
    note(hub, record)
    assert noted(offline, reference) == record
    assert noted(offline, Reference("ann/toy", record.revision)) == record
    assert noted(offline, Reference("ann/toy", COMMIT)) is None
    assert noted(offline, Reference("ann/toy", "main")) is None
    path = hub.find(record)
    assert path is not None
    hub.discard(path)
    assert noted(offline, reference) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda facts: b"",
        lambda facts: json.dumps(facts).encode()[:100],
        lambda facts: b"\xff\xfe" + json.dumps(facts).encode(),
        lambda facts: b"[]",
        lambda facts: b"null",
        lambda facts: json.dumps({"name": facts["name"]}).encode(),
        lambda facts: json.dumps(facts | {"filename": 3}).encode(),
        lambda facts: json.dumps(facts | {"size": "many"}).encode(),
        lambda facts: json.dumps(facts | {"family": "gan"}).encode(),
        lambda facts: json.dumps(facts | {"repo_id": "ann/private"}).encode(),
        lambda facts: json.dumps(facts | {"revision": "d" * 40}).encode(),
        lambda facts: json.dumps(facts | {"revision": None}).encode(),
    ],
)
def test_a_damaged_note_is_as_good_as_none_and_hides_no_other(
    hub: Hub, hub_server: StandInHub, damage: Callable[[dict[str, Any]], bytes]
) -> None:
    reference, path = noted_before(hub, hub_server)
    record = noted(hub, reference)
    assert record is not None
    hub_server.add("ann/toy", {"model.safetensors": DATA + b"newer"})
    newer = describe(hub, reference)
    fetch(hub, newer)
    note(hub, newer)
    latest = path.with_name(f"ann--toy@{newer.revision}.json")
    os.utime(path, ns=(1, 1))
    assert noted(hub, reference) == newer
    latest.write_bytes(damage(asdict(newer)))
    assert noted(hub, reference) == record
    path.unlink()
    assert noted(hub, reference) is None
    assert noted(hub, Reference("ann/toy", newer.revision)) is None


def test_a_note_of_a_later_version_is_understood(hub: Hub, hub_server: StandInHub) -> None:
    reference, path = noted_before(hub, hub_server)
    record = noted(hub, reference)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"colour": "blue"}), "utf-8")
    assert noted(hub, reference) == record is not None


def noted_before(hub: Hub, hub_server: StandInHub) -> tuple[Reference, Path]:
    """Fetch and note a repository; return what it is called, and the file of the note."""
    hub_server.add("ann/toy", {"model.safetensors": DATA})
    record = describe(hub, Reference("ann/toy"))
    fetch(hub, record)
    note(hub, record)
    (path,) = (hub.assets_folder / "fetched").iterdir()
    return Reference("ann/toy"), path
