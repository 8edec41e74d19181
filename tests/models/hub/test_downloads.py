"""Fetching weights through the real client from a Hub on loopback: every fault ends in its sentence and its state."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hub_server import RETRY_AFTER, Fault, StandInHub

from models.hub import transfers
from models.hub.client import Hub, HubError
from models.hub.downloads import Downloads
from models.hub.records import Checkpoint
from models.hub.transfers import fetch

DATA = bytes(range(256)) * 1200  # 307,200 bytes
COMMIT = "a" * 40
URL = "https://dl.fbaipublicfiles.com/mae/visualize/weights.pth"


def record_of(**changes: Any) -> Checkpoint:
    facts = Checkpoint(
        "toy", "vae", "Toy", "none", layout="conv-vae", repo_id="ann/toy", filename="model.safetensors",
        revision=COMMIT, size=len(DATA), sha256=hashlib.sha256(DATA).hexdigest(), exact_size=True,
    )  # fmt: skip
    return replace(facts, **changes)


ON_HUB = record_of()
ELSEWHERE = record_of(repo_id="", revision=None, url=URL, filename="weights.pth")
BOTH = pytest.mark.parametrize("record", [ON_HUB, ELSEWHERE], ids=["hub", "url"])


@pytest.fixture
def hub(hub_server: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub_server.pin("ann/toy", COMMIT, {"model.safetensors": DATA, "config.json": b"{}"})
    hub_server.urls[URL] = DATA
    monkeypatch.setattr(transfers, "ATTEMPTS", 2)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1024)
    return Hub(
        endpoint=hub_server.url, cache=tmp_path / "cache", assets=tmp_path / "assets", mirror=hub_server.mirror
    )  # fmt: skip


def leftovers(hub: Hub) -> list[str]:
    """Every file under the cache and the assets but locks and the client's own marks."""
    files = [path for root in (hub.cache_folder, hub.assets_folder) for path in root.rglob("*") if path.is_file()]
    return [path.name for path in files if path.suffix not in (".lock", ".TAG") and "refs" not in path.parts]


def code_of(action: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(HubError) as caught:
        action()
    return caught.value.code, str(caught.value)


@BOTH
def test_a_file_is_fetched_once_and_then_found_without_the_network(
    hub: Hub, hub_server: StandInHub, record: Checkpoint
) -> None:
    assert hub.find(record) is None
    assert hub_server.log == [], "looking at the disk asks nobody"
    path = fetch(hub, record)
    assert path.read_bytes() == DATA
    asked = len(hub_server.log)
    assert fetch(replace(hub, offline=True), record) == path == hub.find(record)
    assert len(hub_server.log) == asked
    assert hub_server.tokens == []


@BOTH
@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("rate_limited", "rate_limited", f"{RETRY_AFTER} seconds"),
        ("server_error", "server", "500"),
        ("forbidden", "forbidden", "403"),
        ("cut", "cut_off", "middle"),
        ("wrong_bytes", "wrong_hash", "removed"),
    ],
)
def test_a_fault_of_the_host(
    hub: Hub, hub_server: StandInHub, record: Checkpoint, fault: Fault, code: str, words: str
) -> None:
    hub_server.fault = fault
    found, sentence = code_of(lambda: fetch(hub, record))
    assert (found, words in sentence) == (code, True), sentence
    assert leftovers(hub) == []
    hub_server.fault = ""
    assert fetch(hub, record).read_bytes() == DATA, "it works once the host does"


def test_a_part_that_a_killed_process_left_goes_with_the_next_download(hub: Hub) -> None:
    target = hub.file_of(ELSEWHERE)
    target.parent.mkdir(parents=True)
    abandoned, growing = (target.with_name(f"{name}.pth.1-1.part") for name in ("abandoned", "growing"))
    for part in (abandoned, growing):
        part.write_bytes(DATA)
    os.utime(abandoned, (0, 0))
    fetch(hub, ELSEWHERE)
    assert sorted(leftovers(hub)) == sorted([target.name, growing.name])


@BOTH
def test_a_connection_that_breaks_once_goes_on_where_it_was(
    hub: Hub, hub_server: StandInHub, record: Checkpoint
) -> None:
    hub_server.fault = "cut_once"
    assert fetch(hub, record).read_bytes() == DATA
    assert hub_server.ranges == [f"bytes={len(DATA) // 2}-"]


@BOTH
def test_a_host_that_never_answers(
    hub: Hub, hub_server: StandInHub, record: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "ETAG_SECONDS", 0.2)
    monkeypatch.setattr(transfers, "SOCKET_SECONDS", 0.2)
    hub_server.fault = "silent"
    assert code_of(lambda: fetch(hub, record))[0] == "timeout"
    assert leftovers(hub) == []


@BOTH
def test_a_host_that_cannot_be_reached(hub: Hub, record: Checkpoint) -> None:
    nowhere = "http://127.0.0.1:9"
    assert code_of(lambda: fetch(replace(hub, endpoint=nowhere, mirror=nowhere), record))[0] == "no_network"


@BOTH
def test_offline_no_host_is_contacted(hub: Hub, hub_server: StandInHub, record: Checkpoint) -> None:
    assert code_of(lambda: fetch(replace(hub, offline=True), record))[0] == "offline"
    assert hub_server.log == []


def test_a_repository_that_is_not_there(hub: Hub) -> None:
    assert code_of(lambda: fetch(hub, record_of(repo_id="ann/other"))) == (
        "not_found", "There is no public repository ann/other: check the spelling, and that it is not private.",
    )  # fmt: skip


def test_a_file_that_is_not_there(hub: Hub) -> None:
    assert code_of(lambda: fetch(hub, record_of(filename="other.safetensors")))[0] == "file_not_found"
    assert code_of(lambda: fetch(hub, replace(ELSEWHERE, url=URL + "x")))[0] == "file_not_found"


def test_a_version_that_is_gone(hub: Hub) -> None:
    code, sentence = code_of(lambda: fetch(hub, record_of(revision="b" * 40)))
    assert code == "revision_gone"
    assert "bbbbbbbbbbbb of ann/toy" in sentence


def test_a_gated_repository_says_what_to_do(hub: Hub, hub_server: StandInHub) -> None:
    hub_server.repositories["model", "ann/toy"].gated = True
    code, sentence = code_of(lambda: fetch(hub, ON_HUB))
    assert code == "gated"
    assert "accept its terms" in sentence and "--prefetch ann/toy" in sentence


def test_a_private_repository_looks_like_none(hub: Hub, hub_server: StandInHub) -> None:
    hub_server.repositories["model", "ann/toy"].private = True
    assert code_of(lambda: fetch(hub, ON_HUB))[0] == "not_found"


def test_a_pinned_version_stays_when_the_newest_moves(hub: Hub, hub_server: StandInHub) -> None:
    hub_server.add("ann/toy", {"model.safetensors": DATA[::-1]})
    assert fetch(hub, ON_HUB).read_bytes() == DATA


def test_without_a_version_the_newest_is_fetched_and_stays(hub: Hub, hub_server: StandInHub) -> None:
    newest = record_of(revision=None, sha256="", exact_size=False)
    assert fetch(hub, newest).read_bytes() == DATA
    hub_server.add("ann/toy", {"model.safetensors": DATA[::-1]})
    asked = len(hub_server.log)
    assert fetch(hub, newest).read_bytes() == DATA
    assert len(hub_server.log) == asked


def test_another_size_than_promised_is_refused(hub: Hub) -> None:
    assert code_of(lambda: fetch(hub, record_of(size=5)))[0] == "wrong_size"
    assert leftovers(hub) == []


@BOTH
def test_a_file_damaged_on_disk_is_noticed_and_removed(hub: Hub, record: Checkpoint) -> None:
    path = fetch(hub, record)
    path.resolve().write_bytes(DATA[:-1] + b"!")
    assert code_of(lambda: fetch(hub, record))[0] == "wrong_hash"
    assert fetch(hub, record).read_bytes() == DATA


@BOTH
def test_a_full_disk_is_noticed_before_the_download(hub: Hub, hub_server: StandInHub, record: Checkpoint) -> None:
    full = replace(hub, free_bytes=lambda folder: 1_000_000)
    code, sentence = code_of(lambda: fetch(full, record))
    assert (code, "1.0 MB are free" in sentence) == ("disk_full", True)
    assert not [line for line in hub_server.log if "/cdn/" in line]


@BOTH
def test_a_disk_that_fills_up_in_the_middle(hub: Hub, record: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    def advance(self: Any, count: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(transfers.Transfer, "advance", advance)
    assert code_of(lambda: fetch(hub, record))[0] == "disk_full"
    assert leftovers(hub) == []


def test_only_hosts_of_the_records_are_asked(hub: Hub, hub_server: StandInHub) -> None:
    with pytest.raises(ValueError, match="not at one of the hosts"):
        fetch(hub, replace(ELSEWHERE, url="https://example.com/x.pth"))
    with pytest.raises(ValueError, match="not at one of the hosts"):
        fetch(replace(hub, mirror=""), replace(ELSEWHERE, url=URL.replace("https", "http")))
    assert hub_server.log == []


@BOTH
def test_progress_is_reported_in_bytes(hub: Hub, hub_server: StandInHub, record: Checkpoint) -> None:
    hub_server.fault = "slow"
    seen = []
    for download in Downloads(hub).watch(record, every=0.02):
        seen.append((download.done, download.total))
        if download.done:
            hub_server.release.set()
    assert seen[0][0] == 0
    assert all(0 <= done <= total for done, total in seen)
    assert (download.done, download.total) == (len(DATA), len(DATA))


@BOTH
def test_the_last_watcher_to_leave_cancels_the_download(hub: Hub, hub_server: StandInHub, record: Checkpoint) -> None:
    downloads = Downloads(hub)
    hub_server.fault = "slow"
    one, two = downloads.watch(record), downloads.watch(record)
    download = next(one)
    assert next(two) is download, "the same file is fetched once for both"
    assert hub_server.sent.wait(10)
    one.close()
    assert not download.wait(0)
    two.close()
    assert code_of(lambda: download.wait(0))[0] == "cancelled"
    hub_server.release.set()
    for thread in threading.enumerate():
        if thread.name == f"fetch {record.name}":
            thread.join(20)
    assert leftovers(hub) == []
    hub_server.fault = ""
    for _ in downloads.watch(record):
        pass
    assert hub.find(record) is not None


def test_downloads_have_time_limits(hub: Hub, hub_server: StandInHub) -> None:
    hub_server.fault = "slow"
    stalling = Downloads(replace(hub, stall_seconds=0.3))
    code, sentence = code_of(lambda: list(stalling.watch(ON_HUB, every=0.05)))
    assert code == "stalled", sentence
    slow = Downloads(replace(hub, total_seconds=0.1))
    assert code_of(lambda: list(slow.watch(ELSEWHERE, every=0.05)))[0] == "too_slow"


def test_downloads_are_bounded(hub: Hub, hub_server: StandInHub) -> None:
    hub_server.fault = "slow"
    downloads = Downloads(hub, limit=1)
    first = downloads.watch(ON_HUB)
    next(first)
    assert code_of(lambda: next(downloads.watch(ELSEWHERE))) == (
        "busy", "1 downloads are running already: wait until one has ended.",
    )  # fmt: skip
    first.close()
    hub_server.fault = ""
    list(downloads.watch(ELSEWHERE))
    assert hub.find(ELSEWHERE) is not None
