"""The command that measures: exported weights as the run they came from, a judge, cards renewed, sheets drawn."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from small import SMALL

from models.checkpoints import CHECKPOINTS
from models.training.__main__ import main
from models.training.evaluation.loading import load_weights, weights_record
from models.training.loop.run_folder import RunFolder
from models.training.recipes import RECIPES


def train(name: str, data: Path, run: Path, *more: str) -> None:
    small = [f"--{key.replace('_', '-')}={value}" for key, value in SMALL[name].items()]
    common = ["--data", str(data), "--out", str(run), "--device=cpu", "--precision=fp32", "--steps=2"]
    assert main([name, *common, *small, *more]) == 0


def config(folder: Path) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return stored


@pytest.mark.parametrize("name", ["vae", "mae", "simclr", "supervised"])
def test_exported_weights_measure_as_their_run_did_and_their_card_is_renewed(
    name: str, labelled_zip: Path, tmp_path: Path
) -> None:
    run, weights, png = tmp_path / "run", tmp_path / "weights", tmp_path / "sheets" / "sheet.png"
    train(name, labelled_zip, run)
    assert main(["export", str(run), str(weights)]) == 0
    before = config(weights)
    assert main(["evaluate", str(weights), "--data", str(labelled_zip), "--renew", "--sheet", str(png)]) == 0
    after = config(weights)
    for measure, value in before["metrics"].items():
        assert after["metrics"][measure] == pytest.approx(value, abs=0.05), "half precision alone makes a difference"
    assert {key: value for key, value in after.items() if key not in ("metrics", "intervals", "measured_by")} == {
        key: value for key, value in before.items() if key not in ("metrics", "intervals", "measured_by")
    }
    card = (weights / "README.md").read_text()
    for measure, value in after["metrics"].items():
        low, high = after["intervals"][measure]
        assert f"| {measure} | {value} | {low} to {high} |" in card
    assert "evaluate weights --data shapes.zip`" in card and str(tmp_path) not in card
    assert "- **Time**: under 2 minutes; **hardware**: CPU.\n" in card
    with Image.open(png) as sheet:
        assert sheet.width % 32 == 0 and sheet.height >= 3 * 32


@pytest.fixture(scope="module")
def translators(unpaired_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both directions of a run, and a judge of the same images."""
    folder = tmp_path_factory.mktemp("translators")
    train("cyclegan", unpaired_zip, folder / "run")
    for part, name in (("a2b", "red2blue"), ("b2a", "blue2red")):
        assert main(["export", str(folder / "run"), str(folder / name), "--part", part]) == 0
    train("supervised", unpaired_zip, folder / "judge-run")
    assert main(["export", str(folder / "judge-run"), str(folder / "judge")]) == 0
    return folder


def test_a_translator_is_measured_with_its_other_half_whichever_is_named(
    translators: Path, unpaired_zip: Path, tmp_path: Path
) -> None:
    assert config(translators / "judge")["classes"] == ["pairs/A", "pairs/B"]
    of_run = RunFolder(translators / "run").load_evaluation(2)
    assert of_run is not None
    asked = ["--data", str(unpaired_zip), "--judge", str(translators / "judge"), "--renew"]
    found = []
    for name in ("red2blue", "blue2red"):
        assert main(["evaluate", str(translators / name), *asked, "--sheet", str(tmp_path / f"{name}.png")]) == 0
        assert config(translators / "red2blue")["metrics"] == config(translators / "blue2red")["metrics"]
        found.append(config(translators / name)["metrics"])
    assert found[0] == found[1]
    assert found[0]["cycle_psnr_a"] == pytest.approx(of_run["cycle_psnr_a"].value, abs=0.02)
    assert {"seen_as_a", "seen_as_b", "back_as_a", "back_as_b", "kid_share_a", "kid_share_b"} <= found[0].keys()
    assert {"source_found_a", "source_found_b"} <= found[0].keys()
    assert config(translators / "blue2red")["held_out"] == {"a": 6, "b": 6}
    assert "on 6 pictures of set A and 6 pictures of set B by" in (translators / "blue2red" / "README.md").read_text()
    assert config(translators / "blue2red")["measured_by"].endswith("blue2red --data pairs.zip --judge judge")
    with Image.open(tmp_path / "red2blue.png") as sheet:
        assert sheet.size == (6 * 32, 12 * 32), "three rows of six for each set, then as many failures"


def test_a_discriminator_gets_no_measures_of_the_generators(translators: Path) -> None:
    folder = translators / "red-discriminator"
    assert main(["export", str(translators / "run"), str(folder), "--part", "discriminator_a"]) == 0
    assert config(folder)["metrics"] == {}
    assert "Not measured: the measures of this recipe are of other networks" in (folder / "README.md").read_text()


def test_a_translator_is_measured_at_another_side(
    translators: Path, unpaired_zip: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = ["evaluate", str(translators / "red2blue"), "--data", str(unpaired_zip), "--image-size", "64"]
    at_32 = config(translators / "red2blue")["metrics"]["cycle_psnr_a"]
    caplog.set_level("INFO")
    assert main(asked) == 0
    assert "cycle_psnr_a" in caplog.text and f"cycle_psnr_a {at_32:.4f}" not in caplog.text
    assert main([*asked, "--renew"]) == 2
    assert "leave one of them out" in caplog.text


def test_what_cannot_be_measured_is_refused_with_a_sentence(
    translators: Path, labelled_zip: Path, unpaired_zip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = ["--data", str(unpaired_zip)]
    assert main(["evaluate", str(translators / "run"), *data, "--renew"]) == 2
    assert "export first" in caplog.text
    assert main(["evaluate", str(translators / "red2blue"), *data, "--judge", str(translators / "blue2red")]) == 2
    assert "choose a resnet" in caplog.text
    assert main(["evaluate", str(translators / "red2blue"), "--data", str(labelled_zip)]) == 2
    assert "trainA" in caplog.text
    three = tmp_path / "three.zip"
    with zipfile.ZipFile(labelled_zip) as source, zipfile.ZipFile(three, "w") as target:
        for number, name in enumerate(sorted(source.namelist())):
            target.writestr(f"{number % 3}/{number}.png", source.read(name))
    assert main(["evaluate", str(translators / "judge"), "--data", str(three)]) == 2
    assert "give those of its card" in caplog.text


def test_our_own_weights_are_measured_by_name(labelled_zip: Path) -> None:
    record = weights_record(Path("vae-fruit"))
    assert record is not None and weights_record(Path("nowhere")) is None
    loaded = load_weights(Path("vae-fruit"), record, RECIPES["vae"].Config(), [labelled_zip])
    assert loaded.folders == {"": CHECKPOINTS["vae-fruit"].folder} and loaded.step == record["steps"]
