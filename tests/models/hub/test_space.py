"""Publishing the app as a Space on a Hub on loopback: which files, which answers of the Hub, and what is said then."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
from hub_server import Fault, StandInHub
from running_app import ROOT, running_app

from models.hub import __main__ as main_module
from models.hub import space as space_module
from models.hub.__main__ import main
from models.hub.client import HubError
from models.hub.space import BLANK, NEEDED, needed_files, publish_space

SPACE = ("space", "me/unlabeled")
HEAD = "---\ntitle: Tiny\nsdk: gradio\nsdk_version: 6.31.0\napp_file: app.py\n---\n# Tiny\n"
FILES = {
    "CHANGELOG.md": b"## 1.0",
    "LICENSE": b"MIT",
    "README.md": HEAD.encode(),
    "app.py": b"import demos",
    "assets/weights/a.safetensors": b"weights a",
    "assets/weights/b.safetensors": b"weights b",
    "demos/page/page.py": b"pass",
    "models/vae.py": b"import torch",
    "requirements.txt": b"gradio>=6.31,<6.32\ntorch>=2.6,<3\n",
}


def write(root: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small app, and beside it everything that no Space needs."""
    others = ("tests/test_vae.py", ".git/config", "demos/__pycache__/page.pyc", "models/old.pyc", "assets/.DS_Store")
    write(tmp_path, {**FILES, "Makefile": b"", "runs/mine/model.safetensors": b"", **dict.fromkeys(others, b"")})
    (tmp_path / "assets" / "link.png").symlink_to("/etc/hostname")
    return tmp_path


@pytest.fixture
def login(hub_server: StandInHub, monkeypatch: pytest.MonkeyPatch) -> StandInHub:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub_server.url)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # the client waits between its tries
    return hub_server


def files_of(server: StandInHub) -> dict[str, bytes]:
    repository = server.repositories[SPACE]
    return {path: data for path, data in repository.commits[repository.head].items() if path != ".gitattributes"}


def uploads(server: StandInHub) -> int:
    return sum(line.startswith("PUT /lfs/") for line in server.log)


def said(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str) -> str:
    """What the command says where it fails: one line without the token."""
    assert main(["me/unlabeled", *arguments], root) == 2
    sentence = capsys.readouterr().err
    assert "hf_secret" not in sentence and "Traceback" not in sentence
    return sentence.strip()


def test_a_new_space_holds_what_the_app_needs_and_no_more(
    root: Path, login: StandInHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["me/unlabeled", "--create"], root) == 0
    assert files_of(login) == FILES
    assert capsys.readouterr().out.splitlines()[-1] == f"{login.url}/spaces/me/unlabeled"
    assert set(login.tokens) == {"Bearer hf_secret"}
    assert len(login.repositories[SPACE].commits) == 2, "the Hub's own commit, and one of ours"
    assert (login.made[0]["sdk"], "hardware" in login.made[0]) == ("gradio", False)


def test_the_app_is_looked_through_once(root: Path, login: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def noted(name: str, function: Callable[[Path], object]) -> Callable[[Path], object]:
        def call(path: Path) -> object:
            looked.append(name)
            return function(path)

        return call

    for name in ("check_head", "needed_files"):
        instead = noted(name, getattr(space_module, name))
        for module in (space_module, main_module):
            monkeypatch.setattr(module, name, instead)
    assert main(["me/unlabeled", "--create"], root) == 0
    assert looked == ["check_head", "needed_files"]


def test_a_space_on_zerogpu_is_made_on_request(root: Path, login: StandInHub) -> None:
    assert main(["me/unlabeled", "--create", "--hardware", "zero-a10g"], root) == 0
    assert login.made[0]["hardware"] == "zero-a10g"


def test_a_repetition_sends_changes_and_removes_what_is_gone(root: Path, login: StandInHub) -> None:
    main(["me/unlabeled", "--create"], root)
    login.add("me/unlabeled", {"packages.txt": b"ffmpeg"}, "space")  # of the host, beside the app
    sent = uploads(login)
    (root / "assets/weights/a.safetensors").unlink()
    (root / "assets/weights/b.safetensors").write_bytes(b"weights b, better")
    assert main(["me/unlabeled", "--create"], root) == 0
    changed = {**FILES, "assets/weights/b.safetensors": b"weights b, better", "packages.txt": b"ffmpeg"}
    del changed["assets/weights/a.safetensors"]
    assert files_of(login) == changed
    assert uploads(login) == sent + 1 and len(login.made) == 1


@pytest.mark.parametrize(
    ("fault", "arguments", "words"),
    [
        ("read_only", [], "may not write to me/unlabeled: make a token with write access on"),
        ("read_only", ["--create"], "may not write to me/unlabeled"),
        ("unpaid", ["--create"], "--hardware zero-a10g"),
        ("", [], "There is no Space me/unlabeled"),
        ("server_error", [], "trouble of its own (error 500)"),
        ("cut_upload", ["--create"], "broke. Run the same command again"),
        ("cut_commit", ["--create"], "broke. Run the same command again"),
    ],
)
def test_each_failure_is_a_sentence(
    root: Path, login: StandInHub, capsys: pytest.CaptureFixture[str], fault: Fault, arguments: list[str], words: str
) -> None:
    if fault == "read_only" and not arguments:
        login.add("me/unlabeled", {"demos/page/page.py": b""}, "space")
    login.fault = fault
    assert words in said(capsys, root, *arguments)
    assert "app.py" not in (files_of(login) if SPACE in login.repositories else {})


@pytest.mark.parametrize("fault", ["cut_upload", "cut_commit"])
def test_after_a_broken_connection_the_rest_is_sent(root: Path, login: StandInHub, fault: Fault) -> None:
    login.fault = fault
    assert main(["me/unlabeled", "--create"], root) == 2
    login.fault = ""
    arrived, tried = len(login.blobs), uploads(login)
    assert arrived >= 1
    assert main(["me/unlabeled", "--create"], root) == 0
    assert files_of(login) == FILES
    assert uploads(login) == tried + sum(not path.endswith((".md", ".txt")) for path in FILES) - arrived


def test_a_hub_that_does_not_answer_is_told(
    root: Path, login: StandInHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert "http://127.0.0.1:9 cannot be reached. Run" in said(capsys, root)


def test_a_space_of_another_app_is_left_alone(
    root: Path, login: StandInHub, capsys: pytest.CaptureFixture[str]
) -> None:
    login.add("me/unlabeled", dict.fromkeys([*BLANK, "main.py", "app.py"], b"theirs"), "space")
    assert "holds another app (app.py, main.py): choose another name" in said(capsys, root, "--create")
    assert files_of(login)["app.py"] == b"theirs"


def test_without_a_login_nothing_is_asked(root: Path, login: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(ValueError, match="hf auth login"):
        publish_space(root, FILES, "me/unlabeled", create=True)
    assert login.log == []


@pytest.mark.parametrize("space", ["unlabeled", "me/../x", "me/unlabeled@main"])
def test_a_name_that_is_none_is_refused(root: Path, login: StandInHub, space: str) -> None:
    with pytest.raises(HubError) as caught:
        publish_space(root, FILES, space)
    assert (caught.value.code, login.log) == ("bad_id", [])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("gradio\n", "docker\n", "sdk is not gradio"),
        ("6.31.0", "5.0.0", "sdk_version is not in <6.32,>=6.31"),
        ("app.py", "main.py", "app_file does not exist"),
        ("title: Tiny", "emoji: x", "title is missing"),
        ("title: Tiny", f"title: Tiny\nshort_description: {'x' * 61}", "more than 60 characters"),
        ("title: Tiny", "title: [", "is no YAML"),
    ],
)
def test_a_head_that_makes_no_space_is_refused(
    root: Path, login: StandInHub, capsys: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    (root / "README.md").write_text(HEAD.replace(old, new))
    assert words in said(capsys, root, "--create")
    assert login.log == []


def test_half_a_copy_of_the_app_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(root / "assets")
    assert "has no assets" in said(capsys, root, "--dry-run")


def test_a_dry_run_lists_files_and_asks_nobody(
    root: Path, login: StandInHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["me/unlabeled", "--dry-run"], root) == 0
    *lines, total = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [[str(len(data)), path] for path, data in sorted(FILES.items())]
    assert total.startswith(f"{len(FILES)} files, ")
    assert login.log == []


def test_everything_that_git_knows_of_the_app_is_uploaded() -> None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *NEEDED]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    known = {name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).exists()}
    assert set(needed_files(ROOT)) == known


@pytest.mark.slow
def test_the_app_runs_from_the_files_that_are_uploaded(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for path in needed_files(ROOT):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, copy / path)
    with running_app(tmp_path, root=copy, PYTHONPATH="") as app, urlopen(f"{app.url}/config") as answer:
        assert b"cyclegan-translated" in answer.read()
