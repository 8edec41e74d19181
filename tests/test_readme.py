"""The README says nothing that the repository does not keep: its head, its commands, its links."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from models.__main__ import markdown
from models.hub.catalogue import CHECKPOINTS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def head() -> dict[str, Any]:
    _, block, _ = README.split("---\n", 2)
    fields: dict[str, Any] = yaml.safe_load(block)
    return fields


def requirement(name: str) -> Requirement:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(found for found in map(Requirement, lines) if found.name == name)


def commands() -> list[str]:
    """Every line of every shell block."""
    blocks = re.findall(r"```sh\n(.*?)```", "".join(page.read_text("utf-8") for page in PAGES), re.S)
    return [line for block in blocks for line in block.splitlines() if line]


def test_the_head_makes_a_space() -> None:
    fields = head()
    assert fields["sdk"] == "gradio"
    assert (ROOT / fields["app_file"]).is_file()
    assert fields["license"] == "mit"
    assert {fields["colorFrom"], fields["colorTo"]} <= COLOURS
    assert 0 < len(fields["short_description"]) <= 60
    assert fields["header"] in ("mini", "default")
    assert isinstance(fields["pinned"], bool)


def test_the_space_runs_what_is_tested() -> None:
    fields = head()
    assert requirement("gradio").specifier.contains(fields["sdk_version"])
    assert fields["python_version"] in ("3.10", "3.11", "3.12", "3.13")


def journeys() -> list[list[str]]:
    """The files of each journey that CONTRIBUTING tells."""
    section = PAGES[1].read_text("utf-8").split("Five journeys", 1)[1].split("\n\nFive additions", 1)[0]
    return [re.findall(r"`([a-z_/]+\.(?:py|js))`", journey) for journey in re.split(r"\n\d\. ", section)[1:]]


def test_files_that_are_named_exist() -> None:
    named = re.findall(
        r"`((?:app|demos|models|tests)[a-z_/]*/?[a-z_]*\.(?:py|js|css))`", "".join(map(Path.read_text, PAGES))
    )
    assert named and not [name for name in named if not (ROOT / name).is_file()]


def test_five_journeys_take_six_files_at_most() -> None:
    lengths = [len(files) for files in journeys()]
    assert len(lengths) == 5 and all(4 <= length <= 6 for length in lengths)


def test_every_requirement_has_a_floor_and_a_ceiling() -> None:
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        operators = {specifier.operator for specifier in Requirement(line).specifier}
        assert operators == {">=", "<"}, line


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {target for page in PAGES for target in re.findall(r"\bmake ([a-z]+)`", page.read_text("utf-8"))}
    named |= {line.split()[1] for line in commands() if line.startswith("make ")}
    assert {"app", "test"} <= named
    missing = [target for target in sorted(named) if not re.search(rf"^{target}:", makefile, re.M)]
    assert not missing


def test_every_module_and_file_that_is_run_exists() -> None:
    modules = {match for line in commands() for match in re.findall(r"python -m ([\w.]+)", line)}
    files = {match for line in commands() for match in re.findall(r"python ([\w/]+\.py)", line)}
    assert {"models.training", "app.py"} <= modules | files
    missing = [name for name in modules if find_spec(name) is None]
    missing += [name for name in files if not (ROOT / name).is_file()]
    assert not missing


def test_every_training_command_is_understood() -> None:
    usage = subprocess.run(
        [sys.executable, "-m", "models.training", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    verbs = {match for line in commands() for match in re.findall(r"-m models\.training ([a-z]+)", line)}
    assert verbs
    assert all(verb in usage for verb in verbs)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_inside_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text("utf-8"))
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_table_of_checkpoints_is_the_registrys() -> None:
    found = re.search(r"<!-- checkpoints: (.+) -->\n(.+?)\n<!-- end of checkpoints -->", README, re.S)
    assert found is not None
    assert found[2] == markdown(), f"run: {found[1]}, and put it between the marks"
    assert found[1] == "python -m models --markdown"


def test_the_head_names_the_models_that_are_pinned() -> None:
    pinned = {r.repo_id for r in CHECKPOINTS.values() if r.repo_type == "model" and r.repo_id and r.revision}
    assert set(head()["models"]) == pinned


def test_what_a_space_preloads_is_pinned_small_and_in_the_registry() -> None:
    known = {f"{r.repo_id} {r.filename} {r.revision}": r for r in CHECKPOINTS.values() if r.repo_type == "model"}
    preloaded = head()["preload_from_hub"]
    assert preloaded
    assert all(re.fullmatch(r"\S+ \S+ [0-9a-f]{40}", line) and line in known for line in preloaded), preloaded
    assert sum(known[line].size for line in preloaded) < 50_000_000


def test_what_all_models_take_is_what_is_said() -> None:
    said = re.search(r"takes all of them, (\d+) GB", README)
    assert said is not None
    assert int(said[1]) == round(sum(record.size for record in CHECKPOINTS.values()) / 1e9)
