"""Publishing to a Hub on loopback, and loading from there what was published."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hub_server import StandInHub

from models.analysis.bootstrap import Estimate
from models.checkpoints import from_pretrained, load_folder
from models.hub.client import Hub, HubError
from models.hub.transfers import fetch
from models.networks.vae import ConvVAE
from models.training.__main__ import main
from models.training.evaluation.export import write_weights
from models.training.evaluation.model_card import update_card
from models.training.evaluation.publish import publish
from models.training.recipes._base import Export, TrainConfig

FACTS = {"recipe": "vae", "data": ["x.zip"], "steps": 3, "command": "python -m models.training vae"}
ARGS = {"img_size": 16, "latent_dim": 2, "num_filters": 4}
REPO = ("model", "me/vae-tiny")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    export = Export("vae", ARGS, ConvVAE(**ARGS))
    write_weights(tmp_path / "tiny", export, TrainConfig(image_size=16), FACTS, {"psnr": Estimate(9.8765, 9.0, 10.0)})
    return tmp_path / "tiny"


@pytest.fixture
def hub(hub_server: StandInHub, tmp_path: Path) -> Hub:
    return Hub(endpoint=hub_server.url, cache=tmp_path / "cache", assets=tmp_path / "assets")


def published(server: StandInHub) -> dict[str, bytes]:
    repository = server.repositories[REPO]
    return repository.commits[repository.head]


def test_what_is_published_gives_equal_outputs(folder: Path, hub: Hub, hub_server: StandInHub) -> None:
    address = publish(folder, "me/vae-tiny", token="hf_test", endpoint=hub_server.url)
    assert address == f"{hub_server.url}/me/vae-tiny/tree/{hub_server.repositories[REPO].head}"
    assert set(hub_server.tokens) == {"Bearer hf_test"}
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    loaded = from_pretrained("me/vae-tiny", hub=hub)
    assert not loaded.training
    assert torch.equal(loaded(images, sample=False).recon_x, load_folder(folder)(images, sample=False).recon_x)


@pytest.mark.parametrize("inside", ["", "deep/er"])
def test_both_files_are_of_one_commit_though_the_newest_moves_meanwhile(
    folder: Path, hub: Hub, hub_server: StandInHub, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    def commit(dim: int) -> None:
        args = {**ARGS, "latent_dim": dim}
        write_weights(folder, Export("vae", args, ConvVAE(**args)), TrainConfig(image_size=16), FACTS, {})
        place = f"{inside}/" if inside else ""
        files = {f"{place}{name}": (folder / name).read_bytes() for name in ("config.json", "model.safetensors")}
        hub_server.add("me/vae-tiny", files)

    fetched: list[Path] = []

    def fetch_while_others_publish(*asked: Any) -> Path:
        fetched.append(fetch(*asked))
        commit(3)
        return fetched[-1]

    commit(2)
    monkeypatch.setattr("models.checkpoints.fetch", fetch_while_others_publish)
    assert from_pretrained("me/vae-tiny", folder=inside, hub=hub).get_parameter("from_latent.weight").shape[1] == 2
    assert len(fetched) == 2 and fetched[0].parent == fetched[1].parent
    asked = len(hub_server.log)
    again = from_pretrained("me/vae-tiny", folder=inside, hub=replace(hub, offline=True))
    assert again.get_parameter("from_latent.weight").shape[1] == 2
    assert len(hub_server.log) == asked, "what is on disk is loaded from there"


def test_the_card_says_what_it_is_and_how_to_load_it(folder: Path, hub_server: StandInHub) -> None:
    publish(folder, "me/vae-tiny", token="hf_test", endpoint=hub_server.url)
    files = published(hub_server)
    assert set(files) == {"model.safetensors", "config.json", "README.md", ".gitattributes"}
    card = files["README.md"].decode()
    assert yaml.safe_load(card.split("---\n")[1])["license"] == "mit"
    for fact in ("x.zip", "3 steps", "| psnr | 9.8765 |", 'from_pretrained("me/vae-tiny")', "Licence"):
        assert fact in card, fact
    assert json.loads(files["config.json"])["arch"] == "vae"


def test_what_the_card_shows_is_published_with_it(folder: Path, hub_server: StandInHub) -> None:
    (folder / "sheet.webp").write_bytes(b"a picture")
    update_card(folder, {"sheet": "Draws.", "drawn_by": "a command"})
    publish(folder, "me/vae-tiny", token="hf_test", endpoint=hub_server.url)
    files = published(hub_server)
    assert files["sheet.webp"] == b"a picture"
    assert "](sheet.webp)" in files["README.md"].decode()


@pytest.mark.parametrize("private", [False, True])
def test_a_repository_is_made_private_on_request(folder: Path, hub_server: StandInHub, private: bool) -> None:
    publish(folder, "me/vae-tiny", token="hf_test", endpoint=hub_server.url, private=private)
    assert hub_server.repositories[REPO].private is private


def test_what_does_not_load_is_not_published(folder: Path, hub_server: StandInHub) -> None:
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match="differs"):
        publish(folder, "me/vae-tiny", token="hf_test", endpoint=hub_server.url)
    assert hub_server.log == []


@pytest.mark.parametrize(("repo_id", "code"), [("no-owner", "bad_id"), ("me/../x", "bad_id")])
def test_an_id_that_is_none_is_refused(folder: Path, hub_server: StandInHub, repo_id: str, code: str) -> None:
    with pytest.raises(HubError) as caught:
        publish(folder, repo_id, token="hf_test", endpoint=hub_server.url)
    assert caught.value.code == code
    assert hub_server.log == []


def test_publishing_without_login_fails_with_a_message(folder: Path, hub_server: StandInHub) -> None:
    with pytest.raises(HubError) as caught:
        publish(folder, "me/vae-tiny", endpoint=hub_server.url)
    assert caught.value.code == "forbidden"


def test_the_command_publishes_a_run(
    labelled_zip: Path, hub: Hub, hub_server: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "hf_test")
    run = tmp_path / "run"
    small = ["--image-size=32", "--latent-dim=4", "--num-filters=8", "--batch-size=4", "--steps=2", "--device=cpu"]
    assert main(["vae", "--data", str(labelled_zip), "--out", str(run), *small]) == 0
    with monkeypatch.context() as patch:
        patch.setattr("huggingface_hub.constants.ENDPOINT", hub_server.url)
        assert main(["publish", str(run), "me/vae-tiny", "--token-env", "MY_TOKEN"]) == 0
    model = from_pretrained("me/vae-tiny", hub=hub)
    assert isinstance(model, ConvVAE)
    assert (model.img_size, model.latent_dim) == (32, 4)
    assert b"shapes.zip" in published(hub_server)["README.md"]


def test_the_command_ends_with_a_sentence(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(["publish", str(folder), "me/vae-tiny", "--token-env", "NOT_SET_AT_ALL"]) == 2
    assert "NOT_SET_AT_ALL is empty" in caplog.text
    assert main(["publish", str(folder.parent / "nothing"), "me/vae-tiny"]) == 2
    assert "holds no training run" in caplog.text
