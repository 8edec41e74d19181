"""The data sheets in assets/DATA.md: one for each set that weights name, complete, and true of the files."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest

from models.training.data.dataset import held_out

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "assets"
SHARED = ROOT.parent / "shared" / "data"
FIELDS = ["What", "Origin", "Pictures", "Held out", "Licence", "Attribution", "Preparation", "SHA-256"]


def sheets() -> dict[str, str]:
    """Return the text of each data sheet by the name of its zip."""
    parts = re.split(r"^## (\S+\.zip)$", (ASSETS / "DATA.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def number(text: str) -> int:
    return int(text.replace(",", ""))


def named_sets() -> set[str]:
    """Return the zips that configs of weights, recordings and the calibration name."""
    found = {name for path in ASSETS.rglob("config.json") for name in json.loads(path.read_text())["data"]}
    for path in (ASSETS / "recordings").glob("*/recording.json"):
        found |= set(json.loads(path.read_text())["data"])
    calibration = json.loads((ASSETS / "weights" / "cyclegan-calibration.json").read_text())
    return found | set(re.findall(r"\S+\.zip", calibration["command"]))


def test_every_set_has_a_complete_data_sheet() -> None:
    found = sheets()
    assert set(found) == named_sets()
    for name, text in found.items():
        assert re.findall(r"^- \*\*([^*]+)\*\*: \S", text, flags=re.MULTILINE) == FIELDS, name


@pytest.mark.parametrize("name", sheets())
def test_a_data_sheet_is_true_of_its_zip(name: str) -> None:
    place = ASSETS / "examples" / name if name == "kinds.zip" else SHARED / name
    if not place.is_file():
        pytest.skip(f"{name} is not part of the project")
    text = (ASSETS / "DATA.md").read_text(encoding="utf-8")
    with zipfile.ZipFile(place) as archive:
        names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    row = re.search(rf"^\| \[{re.escape(name)}\]\(#\w+\) \| (\S+) \| (\S+) \| (\S+) \|", text, flags=re.MULTILINE)
    assert row is not None
    held = len(held_out(names))
    assert [number(one) for one in row.groups()] == [len(names), len(names) - held, held]
    assert hashlib.sha256(place.read_bytes()).hexdigest() in sheets()[name]
    for folder, count in re.findall(r"`(\w+)` ([\d,]+)", sheets()[name].partition("**Pictures**")[2].split("- **")[0]):
        assert sum(one.startswith(f"{folder}/") for one in names) == number(count), folder
