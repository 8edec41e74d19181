"""Command line: train, resume, evaluate, export, publish and record.

python -m models.training simsiam --data photos.zip more/ --out runs/simsiam [--steps 1000 ...]
python -m models.training simsiam --data photos.zip --out runs/tuned --init simsiam-photos
python -m models.training evaluate runs/simsiam
python -m models.training export runs/simsiam assets/weights/simsiam-photos [--part NAME | --every-part]
python -m models.training publish runs/simsiam user/repo [--private]
python -m models.training record runs/simsiam assets/recordings/simsiam-photos
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import nullcontext, suppress
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch

from models.checkpoints import CHECKPOINTS
from models.hub import HubError
from models.training.data import load_split
from models.training.distributed import Processes, join
from models.training.estimate import MEASURE_PICTURES, measure_steps
from models.training.export import MAX_BYTES, write_weights
from models.training.failures import DISK_FULL_STATUS, describe_failure
from models.training.initial import start_from
from models.training.publish import publish
from models.training.recipes import RECIPES
from models.training.recipes._base import Recipe, TrainConfig
from models.training.recordings import record
from models.training.runs import RunFolder
from models.training.trainer import Schedule, evaluate, resolve_precision, train

MAX_PUBLISHED_BYTES = 5_000_000_000  # what the Hub takes of one file without special care

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: one sub-command a recipe with an option for every field of its config."""
    parser = argparse.ArgumentParser(prog="python -m models.training", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, recipe in RECIPES.items():
        command = commands.add_parser(name, help=(recipe.__doc__ or "").splitlines()[0])
        command.add_argument("--data", nargs="+", required=True, type=Path, help="zips or folders of pictures")
        command.add_argument("--out", required=True, type=Path, help="folder of the run; an existing run is resumed")
        command.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
        command.add_argument("--init", help="weights to start from: a name, a weights folder, or a folder of parts")
        command.add_argument("--save-seconds", type=float, default=Schedule.save_seconds)
        command.add_argument("--log-every", type=int, default=Schedule.log_every)
        command.add_argument("--preview-every", type=int, default=Schedule.preview_every)
        command.add_argument("--keep-at", nargs="*", type=int, default=[], help="steps whose weights are kept")
        command.add_argument("--measure", action="store_true", help="only time a few steps, into OUT/measured.json")
        add_config_options(command, recipe.Config)
    measure = commands.add_parser("evaluate", help="measure a run on its held-out pictures")
    measure.add_argument("run", type=Path)
    measure.add_argument("--data", nargs="+", type=Path, help="instead of the run's own sources")
    ship = commands.add_parser("export", help="write safetensors, config and card")
    ship.add_argument("run", type=Path)
    ship.add_argument("folder", type=Path)
    ship.add_argument("--data", nargs="+", type=Path, help="instead of the run's own sources")
    ship.add_argument("--kept", action="store_true", help="the weights kept along the run, a folder for each step")
    ship.add_argument("--every-part", action="store_true", help="each trained module into a folder of its name")
    ship.add_argument("--any-size", action="store_true", help="also files that are too big for a repository")
    part_help = "which trained module (cyclegan: a2b, b2a, discriminator_a, ...)"
    ship.add_argument("--part", default="", help=part_help)
    push = commands.add_parser("publish", help="put weights, config and card on the Hugging Face Hub")
    push.add_argument("source", type=Path, metavar="RUN_OR_WEIGHTS", help="a run folder, or one that export wrote")
    push.add_argument("repo_id", metavar="USER/REPO", help="made if there is none")
    push.add_argument("--private", action="store_true", help="make the repository private")
    push.add_argument("--token-env", metavar="NAME", help="variable that holds the token, instead of who is logged in")
    push.add_argument("--data", nargs="+", type=Path, help="instead of the run's own sources")
    push.add_argument("--part", default="", help=part_help)
    keep = commands.add_parser("record", help="keep metrics and previews of a run, to be shown again")
    keep.add_argument("run", type=Path)
    keep.add_argument("folder", type=Path)
    return parser


def add_config_options(parser: argparse.ArgumentParser, config: type[TrainConfig]) -> None:
    """Add one option for each field of a config, with its help text, choices and default."""
    hints = get_type_hints(config)
    for spec in fields(config):
        flag = "--" + spec.name.replace("_", "-")
        help_text = f"{spec.metadata['help']} (default: {spec.default})"
        kind: Any = hints[spec.name]
        if get_origin(kind) is Literal:
            parser.add_argument(flag, choices=get_args(kind), default=spec.default, help=help_text)
        elif kind is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=spec.default, help=help_text)
        else:
            parser.add_argument(flag, type=kind, default=spec.default, help=help_text)


def config_from(arguments: argparse.Namespace, config: type[TrainConfig]) -> TrainConfig:
    """Return the config that parsed options describe."""

    def value(spec: Field[Any]) -> Any:
        return getattr(arguments, spec.name)

    return config(**{spec.name: value(spec) for spec in fields(config)})


def build_recipe(
    name: str, config: TrainConfig, sources: list[Path], processes: Processes, most: int | None = None
) -> Recipe:
    """Return a recipe with fresh, seeded weights on the pictures of the sources, or on about `most` of each."""
    kind = RECIPES[name]
    train_set, test_set = load_split(sources, int(config.image_size * kind.load_scale), most)
    log.info("%d training pictures, %d held out.", len(train_set), len(test_set))
    torch.manual_seed(config.seed)
    return kind(config, train_set, test_set, processes)


def run_training(arguments: argparse.Namespace) -> int:
    """Train or resume; return the exit status, 0 also after a stop that was asked for."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    processes = join(arguments.device)
    run = RunFolder(arguments.out)
    with run.claim() if processes.is_main else nullcontext():
        try:
            finished = train_in(run, arguments, processes, stop)
        except Exception as error:
            code, values = describe_failure(error)
            if processes.is_main:
                with suppress(OSError):
                    run.save_error(code, values)
            if code == "disk_full":
                log.error("The disk is full: %s", error)
                return DISK_FULL_STATUS
            raise
    processes.close()
    log.info("Finished." if finished else "Stopped; the same command goes on from here.")
    return 0


def train_in(run: RunFolder, arguments: argparse.Namespace, processes: Processes, stop: threading.Event) -> bool:
    """Train or resume in a run folder; return whether the last step was reached."""
    config, init = prepare_run(run, arguments, processes)
    if arguments.measure:
        begun = time.monotonic()
        recipe = build_recipe(arguments.command, config, arguments.data, processes, MEASURE_PICTURES)
        measure_steps(recipe, time.monotonic() - begun, MEASURE_PICTURES, run.path / "measured.json")
        return False
    recipe = build_recipe(arguments.command, config, arguments.data, processes)
    if init is not None and not run.checkpoint_path.is_file():
        start_from(recipe, arguments.command, config, init)
    schedule = Schedule(
        arguments.log_every, arguments.preview_every, arguments.save_seconds, keep_at=tuple(arguments.keep_at)
    )
    finished = train(recipe, config, run, processes, schedule, stop.is_set)
    if finished and processes.is_main:
        for measure, score in evaluate(recipe, run, config.steps).items():
            log.info("%s %.4f", measure, score)
    return finished


def prepare_run(run: RunFolder, arguments: argparse.Namespace, processes: Processes) -> tuple[TrainConfig, str | None]:
    """Return config and starting weights of a run, those on record if it has been begun or prepared before."""
    config, init, sources = config_from(arguments, RECIPES[arguments.command].Config), arguments.init, arguments.data
    if (run.path / "config.json").is_file():
        name, config, sources = run.load_config()
        init = run.load_init()
        if name != arguments.command:
            raise SystemExit(f"{run.path} holds a {name} run; choose another --out for {arguments.command}.")
    elif init is not None and init not in CHECKPOINTS:
        init = str(Path(init).resolve())
    settled = resolve_precision(config, processes.device)
    if processes.agree(settled.precision == "fp32"):  # also waits until nobody still reads what is written now
        settled = replace(settled, precision="fp32")
    if processes.is_main:
        run.forget_error()
        run.save_config(arguments.command, settled, [str(source) for source in sources], init)
    return settled, init


def load_run(run: RunFolder, data: list[Path] | None) -> tuple[str, Recipe, TrainConfig, list[Path], int]:
    """Return name, recipe, config, sources and steps done of a run with its newest checkpoint loaded.

    Raises:
        FileNotFoundError: if the run has no checkpoint yet.
    """
    name, config, stored = run.load_config()
    checkpoint = run.load_checkpoint()
    if checkpoint is None:
        raise FileNotFoundError(f"{run.path} has no checkpoint yet.")
    sources = data or [Path(source) for source in stored]
    recipe = build_recipe(name, config, sources, Processes())
    recipe.load_state_dict(checkpoint.state)
    return name, recipe, config, sources, checkpoint.step


def run_evaluation(arguments: argparse.Namespace) -> int:
    """Measure a run and print the numbers."""
    run = RunFolder(arguments.run)
    _, recipe, _, _, step = load_run(run, arguments.data)
    for measure, score in evaluate(recipe, run, step).items():
        log.info("%s %.4f", measure, score)
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """Write one of a run's modules as a weights folder, with its measurements; measure it first where that is due."""
    most = None if arguments.any_size else MAX_BYTES
    export_run(
        arguments.run, arguments.folder, arguments.part, arguments.data, most, arguments.every_part, arguments.kept
    )
    return 0


def export_run(
    path: Path,
    folder: Path,
    part: str,
    data: list[Path] | None,
    most: int | None,
    every_part: bool = False,
    kept: bool = False,
) -> None:
    """Write one module of the run in `path` as the weights folder `folder`; see `run_export`.

    Args:
        path: of the run.
        folder: of the weights, or of a folder for each part or kept step.
        part: which module.
        data: pictures to measure on, None for the run's own.
        most: bytes that a file may have, None for any number.
        every_part: whether to write all modules.
        kept: whether to write the weights kept along the run.
    """
    run = RunFolder(path)
    name, recipe, config, sources, step = load_run(run, data)
    exports = recipe.exports()
    parts = list(exports) if every_part else [part]
    if parts[0] not in exports:
        raise SystemExit(f"--part is {part!r}; this run has {', '.join(map(repr, exports))}.")
    names = [source.name for source in sources]
    facts = {
        "recipe": name,
        "data": names,
        "steps": step,
        "command": command_line(name, config, names, run.load_init()),
    }
    if kept:
        export_kept(run, recipe, folder, part, config, facts)
        return
    scores = run.load_evaluation(step) or evaluate(recipe, run, step)
    for each in parts:
        write_weights(folder / each if every_part else folder, exports[each], config, facts, scores, most)


def run_publish(arguments: argparse.Namespace) -> int:
    """Push a weights folder, or what a run would export, and print where it is."""
    token = os.environ.get(arguments.token_env) if arguments.token_env else None
    if arguments.token_env and not token:
        raise ValueError(f"The variable {arguments.token_env} is empty; put a token with write access into it.")
    with tempfile.TemporaryDirectory() as stage:
        folder = arguments.source
        if not (folder / "model.safetensors").is_file():
            folder = Path(stage) / arguments.repo_id.rpartition("/")[2]
            export_run(arguments.source, folder, arguments.part, arguments.data, MAX_PUBLISHED_BYTES)
        log.info("%s", publish(folder, arguments.repo_id, private=arguments.private, token=token))
    return 0


def export_kept(
    run: RunFolder, recipe: Recipe, folder: Path, part: str, config: TrainConfig, facts: dict[str, Any]
) -> None:
    """Write the weights kept along a run, each into a folder of its step and measured by itself."""
    exports = recipe.exports()
    for step in run.kept_steps():
        run.load_kept(step, exports)
        write_weights(folder / f"step-{step:06d}", exports[part], config, {**facts, "steps": step}, recipe.evaluate())


def run_recording(arguments: argparse.Namespace) -> int:
    """Write what a run looked like, without its weights, as a small folder."""
    record(RunFolder(arguments.run), arguments.folder)
    return 0


def command_line(name: str, config: TrainConfig, data: list[str], init: str | None = None) -> str:
    """Return the command that repeats a run, with the options that differ from their defaults."""
    options = [] if init is None else [f"--init {Path(init).name}"]
    for spec in fields(config):
        value = getattr(config, spec.name)
        if value != spec.default:
            flag = spec.name.replace("_", "-")
            options.append(
                f"--{'' if value is not False else 'no-'}{flag}" + ("" if isinstance(value, bool) else f" {value}")
            )
    return " ".join(["python -m models.training", name, "--data", *data, "--out RUN_DIR", *options])


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and do what it says; bad input ends with one sentence and status 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    arguments = build_parser().parse_args(argv)
    actions = {
        "evaluate": run_evaluation, "export": run_export, "publish": run_publish, "record": run_recording,
    }  # fmt: skip
    try:
        return actions.get(arguments.command, run_training)(arguments)
    except (ValueError, FileNotFoundError, FloatingPointError, HubError) as error:
        log.error("%s", error)
        return 2


if __name__ == "__main__":
    sys.exit(main())
