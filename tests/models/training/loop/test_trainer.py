"""The loop and its files: exact resume, stops, faults; and every recipe through the real command line."""

from __future__ import annotations

import json
import math
import shlex
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch
from PIL import Image
from small import SMALL

from models.analysis.bootstrap import Estimate
from models.checkpoints import load_folder
from models.networks.feature_extractors import as_encoder
from models.training.__main__ import build_parser, config_from, config_of, main
from models.training.data.dataset import load_split
from models.training.distributed import Processes
from models.training.evaluation.export import command_line
from models.training.evaluation.model_card import card, command_of, measured
from models.training.loop.run_folder import Checkpoint, RunFolder
from models.training.loop.trainer import Schedule, resolve_precision, train
from models.training.recipes import RECIPES, build_recipe
from models.training.recipes._base import TrainConfig, cosine_rate
from models.training.recipes.contrastive import SimSiamConfig
from models.training.recipes.optimization import averaged

FAST = Schedule(log_every=2, preview_every=4, save_seconds=0.0)


def options(name: str, **more: Any) -> list[str]:
    return [f"--{key.replace('_', '-')}={value}" for key, value in {**SMALL[name], **more}.items()]


@pytest.fixture
def source(request: pytest.FixtureRequest) -> Callable[[str], Path]:
    def of(name: str) -> Path:
        path: Path = request.getfixturevalue("unpaired_zip" if name == "cyclegan" else "labelled_zip")
        return path

    return of


@pytest.fixture
def flat(tmp_path: Path, labelled_zip: Path) -> Callable[[int], Path]:
    """Makes a folder of so many images, without folders in it that would be labels."""

    def of(count: int) -> Path:
        folder = tmp_path / "pictures"
        folder.mkdir()
        with zipfile.ZipFile(labelled_zip) as archive:
            for name in archive.namelist()[:count]:
                (folder / Path(name).name).write_bytes(archive.read(name))
        return folder

    return of


def rows(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def without_time(run: Path) -> list[dict[str, float]]:
    return [{key: value for key, value in row.items() if key != "time"} for row in rows(run)]


def prepare(name: str, sources: list[Path], steps: int = 6) -> tuple[Any, TrainConfig]:
    config = RECIPES[name].Config(steps=steps, precision="fp32", **SMALL[name])
    return build_recipe(name, config, sources, Processes()), config


@pytest.mark.parametrize("name", RECIPES)
def test_a_run_by_command_line_logs_previews_evaluates_and_exports(
    name: str, source: Callable[[str], Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    common = ["--data", str(source(name)), "--out", str(run), "--device=cpu", "--steps=4", "--preview-every=2"]
    common += ["--precision=bf16"]  # the one in which types can clash; the other tests train in fp32
    assert main([name, *common, *options(name)]) == 0
    assert rows(run)[-1]["step"] == 4
    assert sorted(path.name for path in (run / "previews").iterdir()) == ["step-000002.png", "step-000004.png"]
    scores = json.loads((run / "evaluation.json").read_text())
    assert scores.pop("step") == 4
    assert scores
    part = ["--part=a2b"] if name == "cyclegan" else []
    assert main(["export", str(run), str(tmp_path / "weights"), *part]) == 0
    loaded = load_folder(tmp_path / "weights")
    assert not loaded.training
    card = (tmp_path / "weights" / "README.md").read_text()
    assert f"python -m models.training {name} --data {source(name).name}" in card
    assert str(tmp_path) not in card + (tmp_path / "weights" / "config.json").read_text()


@pytest.mark.parametrize("name", RECIPES)
def test_a_measured_run_is_exported_without_its_images_and_as_with_them(
    name: str, source: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, loads = tmp_path / "run", list[object]()
    common = ["--data", str(source(name)), "--out", str(run), "--device=cpu", "--steps=2", "--precision=fp32"]
    assert main([name, *common, *options(name)]) == 0

    def counted(*asked: Any) -> Any:
        loads.append(asked)
        return load_split(*asked)

    monkeypatch.setattr("models.training.recipes.load_split", counted)
    assert main(["export", str(run), str(tmp_path / "quick" / "weights"), "--every-part"]) == 0
    assert not loads
    measured = json.loads((run / "evaluation.json").read_text())
    del measured["of_pictures"]  # as in runs of earlier versions
    (run / "evaluation.json").write_text(json.dumps(measured))
    assert main(["export", str(run), str(tmp_path / "slow" / "weights"), "--every-part"]) == 0
    assert len(loads) == 1
    quick, slow = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("quick", "slow")
    )
    assert quick == slow


WITHOUT_LABELS = [name for name, recipe in RECIPES.items() if recipe.lacks(["000.png"]) is None]


@pytest.mark.parametrize("name", WITHOUT_LABELS)
def test_images_without_folders_are_trained_on_and_measured(
    name: str, flat: Callable[[int], Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    common = ["--data", str(flat(12)), "--out", str(run), "--device=cpu", "--steps=2", "--precision=fp32"]
    assert main([name, *common, *options(name)]) == 0
    assert json.loads((run / "evaluation.json").read_text())["scores"]
    assert main(["evaluate", str(run), "--sheet", str(tmp_path / "sheet.png")]) == 0


@pytest.mark.parametrize("name", WITHOUT_LABELS)
def test_images_that_cannot_be_split_are_refused_with_a_sentence(
    name: str, flat: Callable[[int], Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = ["--out", str(tmp_path / "run"), "--device=cpu", "--steps=1", "--precision=fp32"]
    few, hidden = flat(5), tmp_path / "hidden"
    assert main([name, "--data", str(few), *out, *options(name)]) == 2
    hidden.mkdir()
    few.rename(hidden / "test")
    assert main([name, "--data", str(hidden), *out, *options(name)]) == 2
    assert [record.message.split(";")[0] for record in caplog.records if record.levelname == "ERROR"] == [
        "None of 5 pictures is held out to measure on",
        "All pictures are held out, by the names of their folders",
    ]


def test_weights_kept_along_a_run_are_exported_each_with_its_own_measurements(
    source: Callable[[str], Path], tmp_path: Path
) -> None:
    run, shipped = tmp_path / "run", tmp_path / "steps"
    common = ["--data", str(source("vae")), "--out", str(run), "--device=cpu", "--steps=4", "--precision=fp32"]
    assert main(["vae", *common, *options("vae"), "--keep-at", "0", "2", "4"]) == 0
    assert main(["export", str(run), str(shipped), "--kept"]) == 0
    assert main(["export", str(run), str(tmp_path / "last")]) == 0
    steps = sorted(path.name for path in shipped.iterdir())
    assert steps == ["step-000000", "step-000002", "step-000004"]
    models = [load_folder(shipped / step).state_dict() for step in steps]
    weights = [model["from_latent.weight"] for model in models]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[2])
    last = load_folder(tmp_path / "last").state_dict()
    assert all(torch.equal(last[name], models[-1][name]) for name in last)
    scores = [json.loads((shipped / step / "config.json").read_text())["metrics"] for step in steps]
    assert scores[0] != scores[2]


@pytest.mark.parametrize("name", RECIPES)
def test_a_resumed_run_equals_an_uninterrupted_one(name: str, source: Callable[[str], Path], tmp_path: Path) -> None:
    whole, config = prepare(name, [source(name)])
    train(whole, config, folder(tmp_path / "whole"), Processes(), FAST)
    first, _ = prepare(name, [source(name)])
    stops = iter([False, False, True])
    assert not train(first, config, folder(tmp_path / "parts"), Processes(), FAST, lambda: next(stops))
    second, _ = prepare(name, [source(name)])
    assert train(second, config, RunFolder(tmp_path / "parts"), Processes(), FAST)
    assert without_time(tmp_path / "parts") == without_time(tmp_path / "whole")
    assert_equal_state(whole.state_dict(), second.state_dict())


@pytest.mark.parametrize("name", RECIPES)
def test_a_run_in_bf16_takes_steps(name: str, source: Callable[[str], Path], tmp_path: Path) -> None:
    config = RECIPES[name].Config(steps=2, precision="bf16", **SMALL[name])
    recipe = build_recipe(name, config, [source(name)], Processes())
    assert train(recipe, config, folder(tmp_path / "run"), Processes(), FAST)


def folder(path: Path) -> RunFolder:
    path.mkdir()
    return RunFolder(path)


def assert_equal_state(one: Any, other: Any) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal_state(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_equal_state(left, right)
    else:
        assert one == other


def test_rows_after_the_checkpoint_are_taken_again_not_doubled(source: Callable[[str], Path], tmp_path: Path) -> None:
    recipe, config = prepare("vae", [source("vae")])
    run = folder(tmp_path / "run")
    stops = iter([False, True])
    train(recipe, config, run, Processes(), FAST, lambda: next(stops))
    run.append_metrics({"step": 4, "time": 0.0, "loss": 1.0})  # a row written after the last checkpoint, then a kill
    again, _ = prepare("vae", [source("vae")])
    train(again, config, run, Processes(), FAST)
    assert [row["step"] for row in rows(run.path)] == [2, 4, 6]


def test_rows_written_before_the_first_checkpoint_are_not_doubled_either(
    source: Callable[[str], Path], tmp_path: Path
) -> None:
    recipe, config = prepare("vae", [source("vae")])
    run = folder(tmp_path / "run")
    run.append_metrics({"step": 2, "time": 0.0, "loss": 1.0})
    with run.metrics_path.open("a") as file:
        file.write('{"step": 3, "lo')  # as a full disk may leave it
    train(recipe, config, run, Processes(), FAST)
    assert [row["step"] for row in rows(run.path)] == [2, 4, 6]


def test_progress_and_the_step_of_the_checkpoint_are_read_without_its_tensors(
    source: Callable[[str], Path], tmp_path: Path
) -> None:
    recipe, config = prepare("vae", [source("vae")])
    run = folder(tmp_path / "run")
    assert (run.checkpoint_step(), run.load_progress()) == (0, None)
    train(recipe, config, run, Processes(), FAST)
    assert run.checkpoint_step() == 6
    progress = run.load_progress()
    assert progress is not None
    assert progress["step"] == 6
    assert 0 < progress["seconds_per_step"] < 60


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_leaves_the_older_checkpoint(tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    run.save_checkpoint(Checkpoint(1, {"x": torch.ones(3)}, {}))
    temporary = run.checkpoint_path.with_suffix(".tmp")
    temporary.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space"):
        run.save_checkpoint(Checkpoint(2, {"x": torch.zeros(100_000)}, {}))
    kept = run.load_checkpoint()
    assert kept is not None
    assert (kept.step, kept.state["x"].tolist()) == (1, [1.0, 1.0, 1.0])
    assert not temporary.is_symlink()


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path) -> None:
    one, other = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run")
    with one.claim(), pytest.raises(ValueError, match="Another process trains"), other.claim(seconds=0.2):
        pass
    with other.claim(seconds=0.0):
        pass


class Diverging:
    """A recipe whose loss stops being a number."""

    def step(self, step: int) -> dict[str, float]:
        return {"loss": 1.0 if step < 3 else float("nan")}

    def preview(self) -> torch.Tensor:
        return torch.zeros(3, 4, 4)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        assert state == {}


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    recipe: Any = Diverging()
    with pytest.raises(FloatingPointError, match="step 4"):
        train(recipe, TrainConfig(steps=6), run, Processes(), FAST)
    checkpoint = run.load_checkpoint()
    assert checkpoint is not None
    assert checkpoint.step == 3


@pytest.mark.parametrize("measure", [False, True])
@pytest.mark.parametrize("name", ["vae", "mae"])
def test_a_learning_rate_beyond_float32_ends_in_one_sentence(
    name: str, measure: bool, source: Callable[[str], Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    huge = options(name, steps=4, learning_rate=1e38, warmup=0)
    command = [name, f"--data={source(name)}", f"--out={tmp_path}", "--device=cpu", *huge, *["--measure"] * measure]
    assert main(command) != 0
    assert json.loads((tmp_path / "error.json").read_text())["code"] == "not_finite"
    assert "smaller learning_rate" in caplog.text and "RuntimeError" not in caplog.text


def test_bad_options_end_with_one_sentence(
    source: Callable[[str], Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = ["--out", str(tmp_path / "run"), "--device=cpu"]
    assert main(["vae", "--data", str(source("vae")), *out, "--steps=0"]) == 2
    assert "steps is 0" in caplog.text
    assert main(["cyclegan", "--data", str(source("vae")), *out, "--steps=1"]) == 2
    assert "trainA" in caplog.text


def test_an_existing_run_of_another_recipe_is_refused(source: Callable[[str], Path], tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    run.save_config("mae", RECIPES["mae"].Config(), [])
    with pytest.raises(SystemExit, match="holds a mae run"):
        main(["vae", "--data", str(source("vae")), "--out", str(run.path), "--device=cpu"])


def test_a_run_is_not_resumed_with_other_options_than_its_own(tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    run.save_config("vae", RECIPES["vae"].Config(steps=7, precision="fp32"), [])
    asked = ["vae", "--data", "x.zip", "--out", str(run.path), "--device=cpu"]
    default = RECIPES["vae"].Config().steps
    for steps in (9, default):
        with pytest.raises(SystemExit, match="was begun with --steps 7;"):
            main([*asked, f"--steps={steps}"])
    with pytest.raises(SystemExit, match="was begun with --no-autoencoder;"):
        main([*asked, "--autoencoder"])
    for same in ([], ["--steps=7"], ["--steps=7", "--no-autoencoder"]):  # these go on, as far as to missing images
        assert main([*asked, *same]) == 2


def test_a_run_is_not_resumed_from_other_weights_than_its_own(tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    run.save_config("vae", RECIPES["vae"].Config(precision="fp32"), [], "vae-fruit")
    asked = ["vae", "--data", "x.zip", "--out", str(run.path), "--device=cpu"]
    with pytest.raises(SystemExit, match="was begun with --init vae-fruit;"):
        main([*asked, "--init", str(tmp_path / "others")])
    for same in ([], ["--init", "vae-fruit"]):
        assert main([*asked, *same]) == 2
    run.save_config("vae", RECIPES["vae"].Config(precision="fp32"), [], None)
    with pytest.raises(SystemExit, match="was begun with random weights;"):
        main([*asked, "--init", "vae-fruit"])


@pytest.mark.parametrize("name", RECIPES)
def test_no_option_takes_what_is_of_another_kind(name: str) -> None:
    config = RECIPES[name].Config
    kinds = get_type_hints(config)
    for spec in fields(config):
        wrong: list[Any] = [None, "8", [8], float("nan"), float("inf")]
        wrong += [2.5, True] if kinds[spec.name] is int else [True] if kinds[spec.name] is float else [1, "fp64"]
        for value in wrong:
            with pytest.raises(ValueError, match=spec.name):
                config(**{spec.name: value})


def test_a_whole_number_is_an_integer_where_one_is_due() -> None:
    config = TrainConfig(steps=7.0, learning_rate=1)  # type: ignore[arg-type]
    assert (type(config.steps), type(config.learning_rate)) == (int, float)


def test_an_option_out_of_bounds_ends_the_command_with_a_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = ["vae", "--data", "x.zip", "--out", str(tmp_path / "run"), "--device=cpu"]
    assert main([*asked, "--learning-rate=nan"]) == 2
    assert main([*asked, "--min-scale=2"]) == 2
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "learning_rate needs a number.",
        "min_scale is 2; it must be 0.05 … 1.",
    ]


@pytest.mark.parametrize("name", RECIPES)
def test_every_option_has_help_and_its_default_survives_the_parser(name: str) -> None:
    config = RECIPES[name].Config
    parsed = build_parser().parse_args([name, "--data", "x", "--out", "y"])
    assert config_from(parsed, config) == config()
    assert all(spec.metadata["help"] for spec in fields(config))


def test_the_command_in_a_card_names_every_option_for_a_default_may_change() -> None:
    config = SimSiamConfig(steps=7, stop_gradient=False)
    command = command_line("simsiam", config, ["photos.zip"], None, "runs/mine", [3, 7])
    assert command == (
        "python -m models.training simsiam --data photos.zip --out runs/mine --keep-at 3 7 --steps 7 --image-size 64 "
        "--batch-size 128 --learning-rate 0.06 --warmup 100 --ema-decay 0.999 --seed 0 --precision auto "
        "--weight-decay 0.0001 --width 32 --min-scale 0.2 --dim 512 --pred-dim 128 --no-stop-gradient"
    )
    assert config_of(command) == config


@pytest.mark.parametrize("name", ["my photos.zip", "Tom's.zip", 'a "b".zip', "$HOME;x.zip", "图片 1.zip"])
def test_the_command_in_a_card_can_be_read_whatever_files_are_called(name: str, tmp_path: Path) -> None:
    config = SimSiamConfig(steps=7)
    command = command_line("simsiam", config, [name, "b.zip"], str(tmp_path / "my weights"), "runs/a b")
    arguments = build_parser().parse_args(shlex.split(command)[3:])
    assert [str(path) for path in arguments.data] == [name, "b.zip"]
    assert arguments.init == "my weights"
    assert config_of(command) == config
    measured = shlex.split(command_of(tmp_path / "my weights", [tmp_path / name], "the judge"))
    parsed = build_parser().parse_args(measured[3:])
    assert (str(parsed.source), parsed.data, parsed.judge) == ("my weights", [Path(name)], "the judge")


def test_the_learning_rate_rises_then_falls_to_zero() -> None:
    config = TrainConfig(steps=110, warmup=10, learning_rate=1.0)
    assert cosine_rate(0, config) == pytest.approx(0.1)
    assert cosine_rate(9, config) == pytest.approx(1.0)
    assert cosine_rate(60, config) == pytest.approx(0.5)
    assert cosine_rate(110, config) == pytest.approx(0.0, abs=1e-12)


def test_the_shown_average_follows_its_formula() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    mean, expected = averaged(model, decay=0.5), None
    for update, value in enumerate((2.0, 4.0, 8.0, 16.0)):
        torch.nn.init.constant_(model.weight, value)
        mean.update_parameters(model)
        keep = min(0.5, (1 + update) / (10 + update))
        expected = value if expected is None else keep * expected + (1 - keep) * value
    assert mean.module.get_parameter("weight").item() == pytest.approx(expected)


def test_auto_precision_is_settled_before_a_run() -> None:
    settled = resolve_precision(TrainConfig(), torch.device("cpu"))
    assert settled.precision in {"fp32", "bf16"}
    assert resolve_precision(TrainConfig(precision="bf16"), torch.device("cpu")).precision == "bf16"


def test_numbers_of_a_run_from_before_intervals_are_measured_anew(labelled_zip: Path, tmp_path: Path) -> None:
    recipe, config = prepare("simclr", [labelled_zip])
    run = folder(tmp_path / "run")
    train(recipe, config, run, Processes(), FAST)
    run.save_config("simclr", config, [str(labelled_zip)], None)
    (run.path / "evaluation.json").write_text('{"step": 6, "knn_shapes": 2.0}')
    assert main(["export", str(run.path), str(tmp_path / "weights")]) == 0
    assert as_encoder(load_folder(tmp_path / "weights"))[1] == config.image_size
    shipped = json.loads((tmp_path / "weights" / "config.json").read_text())
    assert shipped["metrics"]["knn_shapes"] <= 1 and shipped["intervals"].keys() == shipped["metrics"].keys()


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (12, 4, "Set B needs pictures to train on (4 now) and held-out ones (0 now)"),
        (12, 0, "Set B needs pictures to train on (0 now) and held-out ones (0 now)"),
        (1, 12, "Set A needs pictures to train on (1 now) and held-out ones (0 now)"),
    ],
)
def test_a_set_that_is_too_small_is_named_with_its_counts(
    a: int, b: int, said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with zipfile.ZipFile(tmp_path / "pairs.zip", "w") as archive:
        for index in range(a + b):
            with archive.open(f"train{'A' if index < a else 'B'}/{index}.png", "w") as file:
                Image.new("RGB", (16, 16), (20 * index, 0, 0)).save(file, "PNG")
    options = ["--out", str(tmp_path / "run"), "--device=cpu", "--steps=1", "--precision=fp32"]
    assert main(["cyclegan", "--data", str(tmp_path / "pairs.zip"), *options]) == 2
    assert said in caplog.text


def strictly(text: str) -> Any:
    """Read JSON as browsers do, which know no NaN and no Infinity."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("name", ["mae", "vae", "cyclegan", "simsiam"])
def test_measures_that_are_not_defined_on_flat_pictures_are_null_and_said_so(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "flat.zip", "w") as archive:
        for index in range(20):
            folder = ("trainA", "trainB")[index % 2] if name == "cyclegan" else "."
            with archive.open(f"{folder}/{index}.png", "w") as file:
                Image.new("RGB", (48, 48), (0, 0, 0)).save(file, "PNG")
    run, weights = tmp_path / "run", tmp_path / "weights"
    asked = [name, "--data", str(tmp_path / "flat.zip"), "--out", str(run), "--device=cpu", "--steps=1"]
    assert main([*asked, "--precision=fp32", "--log-every=1", *options(name)]) == 0
    part = ["--part", "a2b"] if name == "cyclegan" else []
    assert main(["export", str(run), str(weights), *part]) == 0
    for path in (run / "evaluation.json", weights / "config.json"):
        strictly(path.read_text())
    for line in (run / "metrics.jsonl").read_text().splitlines():
        strictly(line)
    metrics = json.loads((weights / "config.json").read_text())["metrics"]
    card = (weights / "README.md").read_text()
    assert " nan " not in card and " inf " not in card and "None" not in card
    assert card.count("| not defined |") >= sum(value is None for value in metrics.values())
    evaluation = RunFolder(run).load_evaluation(1)
    assert evaluation is not None and evaluation.keys() == metrics.keys()


def test_a_measure_that_is_not_finite_is_written_as_valid_json(tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    scores = {"psnr": Estimate(float("inf"), float("inf"), float("nan")), "std": Estimate(1.0, 0.5, 2.0)}
    run.save_evaluation(3, scores, {})
    run.append_metrics({"step": 3, "loss": 1.0, "accuracy": float("nan")})
    stored = strictly((run.path / "evaluation.json").read_text())["scores"]
    assert stored == {"psnr": [None, None, None], "std": [1.0, 0.5, 2.0]}
    assert strictly(run.metrics_path.read_text()) == {"step": 3, "loss": 1.0}
    read = run.load_evaluation(3)
    assert read is not None and not any(map(math.isfinite, read["psnr"])) and read["std"] == scores["std"]
    facts = measured(scores, "python -m models.training evaluate x")
    table = card(Path("x"), {**facts, "arch": "a", "num_parameters": 1, "args": {}, "recipe": "vae", "steps": 1,
                       "image_size": 8, "data": ["x"], "command": "c"})  # fmt: skip
    assert "| psnr | not defined | not defined |" in table and "| std | 1.0 | 0.5 to 2.0 |" in table


def swatches(path: Path, shift: int = 0) -> Path:
    """A zip of twenty plain images of colours of its own."""
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(20):
            with archive.open(f"{index:02d}.png", "w") as file:
                Image.new("RGB", (24, 24), (10 * index, shift, 255 - 10 * index)).save(file, "PNG")
    return path


def test_a_run_is_not_resumed_on_other_images(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ours, run = swatches(tmp_path / "ours.zip"), tmp_path / "run"
    asked = ["vae", "--out", str(run), "--device=cpu", "--precision=fp32", "--steps=2", *options("vae")]
    assert main([*asked, "--data", str(ours)]) == 0
    before = (run / "config.json").read_bytes()
    assert main([*asked, "--data", str(swatches(tmp_path / "others.zip", 200))]) == 2
    assert "was begun with other pictures" in caplog.text and "ours.zip" in caplog.text
    assert (run / "config.json").read_bytes() == before
    moved = ours.rename(tmp_path / "moved.zip")
    assert main([*asked, "--data", str(moved)]) == 0
    assert RunFolder(run).load_config()[2] == [str(moved)], "the same images under another name are recorded there"
    fewer = tmp_path / "fewer.zip"
    with zipfile.ZipFile(moved) as whole, zipfile.ZipFile(fewer, "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, b"damaged" if name == "03.png" else whole.read(name))
    assert main([*asked, "--data", str(fewer)]) == 0, "a damaged image is left out, and the run goes on"
    assert main([*asked, "--data", str(moved)]) == 0, "and is taken again once it is whole"
    swatches(moved, 100)
    assert main([*asked, "--data", str(moved)]) == 2, "a file of the same name with other images is seen too"


def test_a_run_from_before_fingerprints_records_what_it_goes_on_with(tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    config = RECIPES["vae"].Config(**{**SMALL["vae"], "steps": 1, "precision": "fp32"})
    run.save_config("vae", config, ["gone.zip"])
    ours = swatches(tmp_path / "ours.zip")
    assert main(["vae", "--data", str(ours), "--out", str(run.path), "--device=cpu"]) == 0
    assert run.load_config()[2] == [str(ours)]


def test_measuring_on_other_images_changes_no_record_of_the_run(tmp_path: Path) -> None:
    ours, others, run = swatches(tmp_path / "ours.zip"), swatches(tmp_path / "others.zip", 200), tmp_path / "run"
    asked = ["vae", "--out", str(run), "--device=cpu", "--precision=fp32", "--steps=2", *options("vae")]
    assert main([*asked, "--data", str(ours)]) == 0
    before = (run / "evaluation.json").read_bytes()
    assert main(["evaluate", str(run), "--data", str(others)]) == 0
    assert (run / "evaluation.json").read_bytes() == before
    (run / "evaluation.json").unlink()
    assert main(["export", str(run), str(tmp_path / "weights"), "--data", str(others)]) == 0
    record = json.loads((tmp_path / "weights" / "config.json").read_text())
    assert record["data"] == ["ours.zip"] and "--data ours.zip" in record["command"]
    assert record["measured_by"] == "python -m models.training evaluate weights --data others.zip"
    assert not (run / "evaluation.json").exists()


def test_a_command_that_cannot_start_ends_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    asked = ["vae", "--data", str(swatches(tmp_path / "x.zip")), "--steps=1"]
    assert main([*asked, "--out", str(tmp_path / "run"), "--device=cuda"]) == 2
    assert main([*asked, "--out", str(tmp_path / "file"), "--device=cpu"]) == 2
    assert main([*asked, "--out", str(tmp_path / "file" / "run"), "--device=cpu"]) == 2
    said = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert len(said) == 3 and "--device cpu" in said[0]
    assert all(str(tmp_path / "file") in line and "choose another" in line for line in said[1:])
