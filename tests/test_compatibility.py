"""What version c456177 offered still works: public names, command lines, endpoints and links.

What that version wrote and offered is in `tests/compatibility`. Only public names are imported here, so that these
tests outlive any move of code. Jobs and runs are in `tests/test_compatibility_jobs.py`, the README's program in
`tests/e2e/test_api.py`, links and stored visitors in a real browser in `tests/e2e/test_compatibility.py`.
"""

import importlib
import json
import runpy
import shutil
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import huggingface_hub.constants
import pytest
import torch
from clients import call_event, connect
from gradio_client import handle_file
from PIL import Image
from recorded import (
    ROOT,
    command_line_of,
    endpoints_of,
    lacks,
    recorded,
    run_module,
    signatures,
)

import app
from models.checkpoints import CHECKPOINTS, from_pretrained, library, load_local, load_model, weights_info
from models.training.jobs import JobManager

LINKS = recorded("links")
VAE = ROOT / "assets" / "weights" / "vae-fruit"


# --- Public names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", recorded("public_names"))
def test_public_names_take_the_same_parameters(module: str) -> None:
    assert not lacks(signatures(importlib.import_module(module)), recorded("public_names")[module])


def test_the_app_has_its_public_names() -> None:
    for name in ("build_app", "launch_options", "main", "real_context"):
        assert callable(getattr(app, name))


def test_weights_keep_their_ids() -> None:
    assert not lacks({name: record.family for name, record in CHECKPOINTS.items()}, recorded("weights"))


def test_weights_load_by_name_and_by_file() -> None:
    model = load_model("vae-fruit")
    assert library().load("vae-fruit") is model and not model.training
    assert weights_info("vae-fruit").num_parameters == sum(each.numel() for each in model.parameters())
    record, same = load_local(VAE / "model.safetensors")
    assert (record.name, record.family) == ("local/model.safetensors", "vae")
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), same.parameters(), strict=True))


@pytest.mark.parametrize("folder", ["", "parts/a"])
def test_published_weights_load_from_the_cache_of_the_hub(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "models--user--repo"
    shutil.copytree(VAE, repository / "snapshots" / ("0" * 40) / folder)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    loaded, own = from_pretrained("user/repo", folder=folder), load_model("vae-fruit")
    assert all(torch.equal(one, other) for one, other in zip(loaded.parameters(), own.parameters(), strict=True))


# --- Command lines ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", recorded("command_lines"))
def test_programs_take_the_same_options(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLABELED_DATA", "data")
    monkeypatch.delenv("SYSTEM", raising=False)
    name = program.split()[-1]
    file = str(ROOT / name)

    def run() -> object:
        return runpy.run_path(file, {}, "__main__") if name.endswith(".py") else run_module(name)

    assert not lacks(command_line_of(run), recorded("command_lines")[program])


def test_the_list_of_weights_names_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_module("models") == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert not recorded("weights").keys() - listed


def test_a_file_of_weights_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run_module("models", "--local", VAE / "model.safetensors") == 0
    assert "vae" in capsys.readouterr().out
    assert run_module("models", "--local", tmp_path / "none.safetensors") == 2


# --- Endpoints and links ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the page with all tabs over the real weights, in this process."""
    jobs = JobManager(tmp_path_factory.mktemp("data"))
    page = app.build_app(app.real_context(jobs))
    page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    assert page.local_url is not None
    yield page.local_url
    page.close()
    jobs.close()


def asked(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def config(url: str) -> dict[str, Any]:
    """What a browser is told of the page."""
    found: dict[str, Any] = asked(f"{url}config")
    return found


@pytest.fixture(scope="module")
def components(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The parts of the page by their ids."""
    return {each["props"]["elem_id"]: each for each in config["components"] if each["props"].get("elem_id")}


def test_every_endpoint_takes_and_gives_the_same(url: str) -> None:
    now, then = endpoints_of(asked(f"{url}gradio_api/info")), recorded("endpoints")
    assert not lacks(now, then)
    for name, endpoint in then.items():
        parameters = list(now[name]["parameters"].items())
        assert [key for key, _ in parameters[: len(endpoint["parameters"])]] == list(endpoint["parameters"]), name
        assert all(each["has_default"] for _, each in parameters[len(endpoint["parameters"]) :]), name
        assert list(now[name]["returns"]) == list(endpoint["returns"]), name


def test_a_mask_as_text_means_the_same_patches(url: str, tmp_path: Path) -> None:
    mask = next(link["sets"]["mask"] for link in LINKS["links"] if "mask" in link["sets"])
    client = connect(url, tmp_path)
    photo = ROOT / "assets" / "examples" / "scenes" / "chess.jpg"
    masked, _, _, scores = client.predict(image=handle_file(str(photo)), mask=mask, api_name="/reconstruct")
    client.close()
    assert scores["mask"] == mask  # the patches of the diagonal
    with Image.open(masked) as image:
        patch = image.width // 16
        shown = [
            [image.getpixel((x * patch + patch // 2, y * patch + patch // 2)) for x in range(16)] for y in range(16)
        ]
    assert len({shown[place][place] for place in range(16)}) == 1
    assert len({shown[place][15 - place] for place in range(16)}) > 8


def test_every_tab_can_be_linked_to(config: dict[str, Any]) -> None:
    tabs = [each["props"]["id"] for each in config["components"] if each["type"] == "tabitem"]
    assert [name for name in tabs if name in LINKS["tabs"]] == LINKS["tabs"]


def file_name(value: Any) -> Any:
    return Path(value["path"]).name if isinstance(value, dict) and "path" in value else value


def test_a_tab_opens_with_the_values_that_links_leave_out(components: dict[str, dict[str, Any]]) -> None:
    now = {name: file_name(components[name]["props"].get("value")) for name in LINKS["opens_with"]}
    assert not lacks(now, LINKS["opens_with"])


def test_everything_that_links_could_choose_can_be_chosen(components: dict[str, dict[str, Any]]) -> None:
    for name, choices in LINKS["choices"].items():
        assert not set(choices) - {value for _, value in components[name]["props"]["choices"]}, name
    for name, files in LINKS["examples"].items():
        samples = {file_name(sample) for sample, *_ in components[name]["props"]["samples"]}
        assert not set(files) - samples, name


def open_link(url: str, config: dict[str, Any], tab: str, state: dict[str, str]) -> tuple[dict[int, Any], str]:
    """Return what a link sets, component -> value, and everything that the visitor is told."""

    def opens(event: dict[str, Any]) -> bool:
        return any(name == f"link_{tab}" for _, name in event["targets"])

    event = next(filter(opens, config["dependencies"]))
    said = call_event(url, event["id"], [], {"state": state}, uuid.uuid4().hex)
    messages = [json.loads(line.removeprefix("data:")) for line in said.splitlines() if line.startswith("data:")]
    done = next(each for each in messages if each["msg"] == "process_completed")
    assert done["success"], said
    values = dict(zip(event["outputs"], done["output"]["data"], strict=True))
    skipped = {"__type__": "update"}
    return {part: value for part, value in values.items() if value != skipped}, " ".join(
        each["log"] for each in messages if each["msg"] == "log"
    )


@pytest.mark.parametrize("turned", [False, True], ids=["as_written", "turned_round"])
@pytest.mark.parametrize("link", LINKS["links"], ids=lambda link: link["link"])
def test_an_old_link_sets_what_it_did_in_any_order(
    link: dict[str, Any], turned: bool, url: str, config: dict[str, Any], components: dict[str, dict[str, Any]]
) -> None:
    given = dict(parse_qsl(link["link"].removeprefix("?")))
    tab = given.pop("tab")
    state = dict(reversed(given.items())) if turned else given
    found, told = open_link(url, config, tab, state)
    wanted = {components[LINKS["parameters"][tab][name]]["id"]: value for name, value in link["sets"].items()}
    assert {part: file_name(value) for part, value in found.items()} == wanted
    assert bool(told) == bool(link["refused"])
    assert all(part in told for part in link["refused"])


def test_a_browser_keeps_its_visitor_under_the_same_key(config: dict[str, Any]) -> None:
    kept = [each["props"] for each in config["components"] if each["type"] == "browserstate"]
    assert [(each["storage_key"], each["secret"]) for each in kept] == [("unlabeled-visitor", "unlabeled")]
