"""The cards of our own weights: what they name exists, what they say is theirs, and they are written by the code."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from models.analysis.cyclegan_calibration import calibration
from models.checkpoints import CHECKPOINTS
from models.formats.weights_folder import ARCHITECTURES
from models.hub.records import WEIGHTS
from models.training.__main__ import build_parser, config_of
from models.training.evaluation.export import command_line
from models.training.evaluation.model_card import CLASSIFIER, LIMITS, card, data_sheets
from models.training.loop.init_weights import find_parts
from models.training.recipes import RECIPES
from models.training.recipes._base import COSINE, cosine_rate

ROOT = WEIGHTS.parents[1]
FOLDERS = sorted(path.parent for path in WEIGHTS.rglob("config.json"))
ours = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(WEIGHTS).as_posix())


def record_of(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return record


def card_of(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


@ours
def test_a_card_is_what_the_code_writes_from_its_config(folder: Path) -> None:
    assert card_of(folder) == card(folder, record_of(folder))


@ours
def test_a_card_links_the_data_sheet_of_each_set_and_states_its_licence(folder: Path) -> None:
    text, sheets = card_of(folder), data_sheets()
    licence = next(line for line in text.splitlines() if line.startswith("- **Licence**: MIT for the weights."))
    for name in record_of(folder)["data"]:
        link = re.search(rf"\[{re.escape(name)}\]\(([^)#]+)#{name.replace('.', '')}\)", text)
        assert link is not None and (folder / link[1]).resolve() == WEIGHTS.parent / "DATA.md", name
        stated = re.search(r"^- \*\*Licence\*\*: (.+)\.$", sheets[name], re.MULTILINE)
        assert stated is not None and f"{name}: {stated[1]}" in licence


@ours
def test_a_card_says_time_and_hardware_or_that_they_are_not_recorded(folder: Path) -> None:
    assert re.search(r"^- \*\*Time\*\*: [^;]+; \*\*hardware\*\*: \S.*\.$", card_of(folder), re.MULTILINE)


@ours
def test_the_training_command_is_complete_and_can_be_parsed(folder: Path) -> None:
    record = record_of(folder)
    command, export, *_ = section(card_of(folder), "Train it again").strip("\n`sh").splitlines()
    assert command == record["command"]
    arguments, config = build_parser().parse_args(shlex.split(command)[3:]), config_of(command)
    keep_at = arguments.keep_at
    assert command == command_line(record["recipe"], config, record["data"], None, str(arguments.out), keep_at)
    assert record["steps"] == config.steps or record["steps"] in keep_at, "it ends with, or keeps, these weights"
    assert record.get("lesson", "") == config.lesson()
    exported = build_parser().parse_args(shlex.split(export, comments=True)[3:])
    assert (exported.path, exported.part) == (arguments.out, record.get("part", ""))
    assert exported.kept == bool(keep_at)


@ours
def test_what_a_card_names_exists(folder: Path) -> None:
    text, record = card_of(folder), record_of(folder)
    assert "RUN_DIR" not in text
    for path in re.findall(r"(?:assets|models)/[\w./-]+", text):
        assert (ROOT / path.rstrip(".")).exists(), path
    words = shlex.split(record["measured_by"])
    arguments = build_parser().parse_args(words[3:])
    if arguments.command == "evaluate":
        parts = RECIPES[record["recipe"]].parts_of(config_of(record["command"]))
        start = str(arguments.source)
        found = find_parts(start if start in CHECKPOINTS else str(ROOT / start), parts)
        assert folder in found.values() and len(set(found.values())) == len(found)
    loads = re.search(r'load_(?:model|folder)\((?:Path\()?"([^"]+)"', text)
    assert loads is not None
    assert (CHECKPOINTS[loads[1]].folder if loads[1] in CHECKPOINTS else ROOT / loads[1]) == folder


@ours
def test_a_card_of_a_stopped_run_says_where_its_rate_stood(folder: Path) -> None:
    record = record_of(folder)
    config = config_of(record["command"])
    stopped = record["steps"] != config.steps
    assert record.get("planned_steps") == (config.steps if stopped else None)
    if stopped and RECIPES[record["recipe"]].schedule == COSINE and record["steps"] > config.warmup:
        share = cosine_rate(record["steps"] - 1, config) / config.learning_rate
        assert f"stopped at {100 * share:.1f} % of its peak" in card_of(folder)


@pytest.mark.parametrize("fruit", ["apple", "orange"])
def test_a_discriminator_is_measured_as_one(fruit: str) -> None:
    record = record_of(WEIGHTS / f"{fruit}-discriminator")
    known = calibration()
    assert record["metrics"] == {"roc_area": known.discriminator_auc[fruit]}
    assert record["measured_by"] == known.command


def test_limits_differ_by_family() -> None:
    assert set(LIMITS) == {*ARCHITECTURES, CLASSIFIER} and len(set(LIMITS.values())) == len(LIMITS)
    names = ["apple2orange", "apple-discriminator", "mae-photos", "vae-fruit", "simclr-photos", "supervised-photos"]
    assert len({section(card_of(WEIGHTS / name), "Limits").partition(" It was trained at")[0] for name in names}) == 6


def test_a_card_on_the_hub_holds_the_data_sheets_and_that_of_a_visitor_none(tmp_path: Path) -> None:
    folder = WEIGHTS / "vae-fruit"
    record = record_of(folder)
    published = card(folder, record, "me/fruit")
    assert "DATA.md" not in published and "- **Attribution**: Klasson" in published
    theirs = card(tmp_path / "apple2orange-mine", record)
    assert "DATA.md" not in theirs and "which this project does not know" in theirs, "their zip may have any content"
