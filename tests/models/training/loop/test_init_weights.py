"""Fine-tuning: which weights go where, what does not fit, and that a resumed run has started from the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from small import SMALL
from torch import nn

from models.checkpoints import CHECKPOINTS, Checkpoint, load_folder
from models.hub.client import Hub
from models.networks.cyclegan import ResnetGenerator
from models.training.__main__ import main
from models.training.distributed import Processes
from models.training.failures import DoesNotFitError
from models.training.loop import init_weights
from models.training.loop.init_weights import check_fit, find_parts, find_start, start_from
from models.training.loop.run_folder import RunFolder
from models.training.recipes import RECIPES, build_recipe

OTHER_WIDTH = {
    "cyclegan": {"num_filters": 16}, "mae": {"embed_dim": 32}, "vae": {"num_filters": 16},
    "simsiam": {"width": 16}, "simclr": {"width": 16}, "moco": {"width": 16}, "supervised": {"width": 16},
}  # fmt: skip
OWN_WEIGHTS = {
    "cyclegan": "apple2orange", "mae": "mae-photos", "vae": "vae-fruit", "simsiam": "simsiam-photos",
    "simclr": "simclr-photos", "moco": "moco-photos", "supervised": "supervised-photos",
}  # fmt: skip


def options(values: dict[str, Any]) -> list[str]:
    return [f"--{key.replace('_', '-')}={value}" for key, value in values.items()]


@pytest.fixture
def source(name: str, request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue("unpaired_zip" if name == "cyclegan" else "labelled_zip")
    return path


@pytest.fixture
def exported(name: str, source: Path, tmp_path: Path) -> Path:
    """The weights of every part of a run of two steps."""
    run, folder = tmp_path / "first", tmp_path / "weights"
    common = ["--data", str(source), "--out", str(run), "--device=cpu", "--steps=2", "--seed=9"]
    assert main([name, *common, *options(SMALL[name])]) == 0
    assert main(["export", str(run), str(folder), "--every-part"]) == 0
    return folder


def assert_holds(module: nn.Module, folder: Path, leave: str = "") -> None:
    trained, own = load_folder(folder).state_dict(), module.state_dict()
    for key, tensor in own.items():
        if not (leave and key.startswith(leave)):
            assert torch.equal(tensor, trained[key]), key


@pytest.mark.parametrize("name", RECIPES)
def test_a_run_starts_from_an_exported_one_its_averages_too_and_resumes_as_it_began(
    name: str, source: Path, exported: Path, tmp_path: Path
) -> None:
    config = RECIPES[name].Config(steps=6, precision="fp32", **SMALL[name])
    recipe = build_recipe(name, config, [source], Processes())
    start_from(recipe, name, config, str(exported))
    for part, modules in recipe.part_modules().items():
        for module in modules:
            assert_holds(module, exported / part)
    common = [name, "--data", str(source), "--device=cpu", "--steps=3", "--precision=fp32", *options(SMALL[name])]
    init = ["--init", str(exported)]
    assert main([*common, *init, "--out", str(tmp_path / "tuned")]) == 0
    assert main([*common, "--out", str(tmp_path / "scratch")]) == 0
    tuned, scratch = (
        json.loads((tmp_path / run / "metrics.jsonl").read_text().splitlines()[0]) for run in ("tuned", "scratch")
    )
    assert tuned["loss"] != scratch["loss"]
    again = tmp_path / "again"
    RunFolder(again).save_config(name, RECIPES[name].Config(**config_of(tmp_path / "tuned")), [], str(exported))
    assert main([*common, "--out", str(again)]) == 0  # begun before, without a checkpoint yet: its own init counts
    rows = [json.loads(line) for line in (again / "metrics.jsonl").read_text().splitlines()]
    assert rows[0]["loss"] == tuned["loss"]


def config_of(run: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((run / "config.json").read_text())["config"]
    return config


@pytest.mark.parametrize("name", RECIPES)
def test_weights_of_another_width_are_refused_with_the_width_that_fits(name: str, exported: Path) -> None:
    config = RECIPES[name].Config(**{**SMALL[name], **OTHER_WIDTH[name]})
    ((option, _),) = OTHER_WIDTH[name].items()
    with pytest.raises(DoesNotFitError, match=f"{option} {SMALL[name][option]}") as caught:
        check_fit(name, config, str(exported))
    assert caught.value.needs == f"{option} {SMALL[name][option]}"


@pytest.mark.parametrize("name", RECIPES)
def test_our_own_weights_fit_their_recipe_at_its_defaults_and_no_other(name: str) -> None:
    config = RECIPES[name].Config()
    assert check_fit(name, config, OWN_WEIGHTS[name])
    foreign = "vae-fruit" if name != "vae" else "mae-photos"
    with pytest.raises((DoesNotFitError, FileNotFoundError)):
        check_fit(name, config, foreign)


def test_the_other_direction_of_a_translator_is_found_by_its_name() -> None:
    config = RECIPES["cyclegan"].Config()
    parts = RECIPES["cyclegan"].parts_of(config)
    for name, other in (("apple2orange", "orange2apple"), ("orange2apple", "apple2orange")):
        assert find_parts(name, parts) == {"a2b": CHECKPOINTS[name].folder, "b2a": CHECKPOINTS[other].folder}


def test_a_translator_without_discriminators_is_taught_by_ours_unless_they_do_not_fit(tmp_path: Path) -> None:
    ours = {fruit: CHECKPOINTS[f"{fruit}-discriminator"].folder for fruit in ("apple", "orange")}
    recipe: Any = RECIPES["cyclegan"]
    parts = recipe.parts_of(recipe.Config())
    for start, a, b in (("apple2orange", "apple", "orange"), ("orange2apple-no-cycle", "orange", "apple")):
        found = find_start(start, parts)
        assert (found["discriminator_a"], found["discriminator_b"]) == (ours[a], ours[b])
        assert found.items() > find_parts(start, parts).items()
    wider = recipe.parts_of(recipe.Config(discriminator_filters=64))
    assert find_start("apple2orange", wider) == find_parts("apple2orange", wider)
    job = tmp_path / "job"
    for name in parts:
        (job / name).mkdir(parents=True)
        (job / name / "config.json").write_text("{}")
    assert find_start(str(job), parts) == {name: job / name for name in parts}, "its own are kept"
    assert find_start("vae-fruit", RECIPES["vae"].parts_of(RECIPES["vae"].Config())).keys() == {""}


def test_a_run_begins_with_those_discriminators(unpaired_zip: Path) -> None:
    config = RECIPES["cyclegan"].Config(image_size=32)
    recipe: Any = build_recipe("cyclegan", config, [unpaired_zip], Processes())
    start_from(recipe, "cyclegan", config, "apple2orange")
    assert_holds(recipe.d_a, CHECKPOINTS["apple-discriminator"].folder)
    assert_holds(recipe.d_b, CHECKPOINTS["orange-discriminator"].folder)


def test_a_lonely_direction_and_a_place_without_weights_are_refused(tmp_path: Path) -> None:
    parts = RECIPES["cyclegan"].parts_of(RECIPES["cyclegan"].Config())
    lonely = tmp_path / "cat2dog"
    lonely.mkdir()
    (lonely / "config.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match="b2a"):
        find_parts(str(lonely), parts)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        find_parts(str(tmp_path / "nowhere"), parts)


class FetchedGenerators:
    """A library in which only the published generators are on disk, small ones."""

    def __init__(self, folder: Path) -> None:
        self.hub = Hub(assets=folder)
        self.models = {f"cyclegan-{way}": ResnetGenerator(8, 1) for way in ("apple2orange", "orange2apple")}

    def is_on_disk(self, record: Checkpoint) -> bool:
        return record.name in self.models

    def load(self, name: str) -> nn.Module:
        return self.models[name]


def test_published_generators_start_a_run_once_they_are_on_disk(
    unpaired_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = FetchedGenerators(tmp_path)
    monkeypatch.setattr(init_weights, "library", lambda: fetched)
    small = {**SMALL["cyclegan"], "light": False}
    config = RECIPES["cyclegan"].Config(**small)
    recipe: Any = build_recipe("cyclegan", config, [unpaired_zip], Processes())
    start_from(recipe, "cyclegan", config, "cyclegan-orange2apple")
    for module, name in ((recipe.a2b, "cyclegan-orange2apple"), (recipe.b2a, "cyclegan-apple2orange")):
        assert all(
            torch.equal(value, fetched.models[name].state_dict()[key]) for key, value in module.state_dict().items()
        )
    info = init_weights.trainable_info(CHECKPOINTS["cyclegan-apple2orange"])
    assert (info.arch, info.args, info.image_size) == ("resnet_generator", {"num_filters": 8, "num_blocks": 1}, 256)
    with pytest.raises(DoesNotFitError, match="light_generator"):
        check_fit("cyclegan", RECIPES["cyclegan"].Config(**SMALL["cyclegan"]), "cyclegan-apple2orange")
    with pytest.raises(FileNotFoundError, match="fetch it"):
        check_fit("mae", RECIPES["mae"].Config(), "vit-mae-base")


@pytest.mark.parametrize("name", ["supervised"])
def test_a_classifier_of_other_classes_starts_anew_over_the_trained_backbone(name: str, labelled_zip: Path) -> None:
    config = RECIPES[name].Config(image_size=32, batch_size=4)
    recipe = build_recipe(name, config, [labelled_zip], Processes())
    ((module,),) = recipe.part_modules().values()
    before = module.get_submodule("fc").weight.clone()  # type: ignore[operator]
    start_from(recipe, name, config, "supervised-photos")
    assert_holds(module, CHECKPOINTS["supervised-photos"].folder, leave="fc.")
    assert torch.equal(module.get_submodule("fc").weight, before)  # type: ignore[arg-type]


def test_the_command_line_says_in_one_sentence_what_fits(
    labelled_zip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arguments = ["--data", str(labelled_zip), "--out", str(tmp_path / "run"), "--device=cpu", "--init=vae-fruit"]
    assert main(["vae", *arguments, *options(SMALL["vae"])]) == 2
    assert "it would with image_size 64, latent_dim 128, num_filters 32" in caplog.text
    assert RunFolder(tmp_path / "run").load_error() == (
        "start_does_not_fit",
        {"start": "vae-fruit", "needs": "image_size 64, latent_dim 128, num_filters 32"},
    )
