"""Command line: train, resume, evaluate, export, illustrate, publish, record and calibrate.

python -m models.training simsiam --data photos.zip more/ --out runs/simsiam [--steps 1000 ...]
python -m models.training simsiam --data photos.zip --out runs/tuned --init simsiam-photos
python -m models.training evaluate runs/simsiam
python -m models.training evaluate vae-fruit --data fruit.zip [--judge fruit-judge] [--renew] [--sheet fruit.png]
python -m models.training export runs/simsiam assets/weights/simsiam-photos [--part NAME | --every-part]
python -m models.training illustrate simsiam-photos
python -m models.training publish runs/simsiam user/repo [--private]
python -m models.training record runs/simsiam assets/recordings/simsiam-photos
python -m models.training calibrate --data fruit.zip --elsewhere things.zip --unseen paintings.zip
"""

from __future__ import annotations

import argparse
import logging
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from models.analysis.cyclegan_calibration import FILE
from models.checkpoints import CHECKPOINTS
from models.hub.client import HubError
from models.training.data.dataset import fingerprints
from models.training.distributed import Processes, join
from models.training.evaluation.calibrate import calibrate
from models.training.evaluation.evaluate import evaluate_source, log_scores
from models.training.evaluation.export import MAX_BYTES, export_run, option_words
from models.training.evaluation.model_card_figure import illustrate
from models.training.evaluation.publish import publish_source
from models.training.evaluation.recordings import record
from models.training.failures import DISK_FULL_STATUS, describe_failure
from models.training.loop.benchmark import MEASURE_IMAGES, measure_steps
from models.training.loop.init_weights import start_from
from models.training.loop.run_folder import RunFolder
from models.training.loop.trainer import Schedule, evaluate, resolve_precision, train
from models.training.recipes import RECIPES, build_recipe
from models.training.recipes._base import Recipe, TrainConfig

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser, with a sub-command for each recipe that has an option for every field of its config."""
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
    measure = commands.add_parser("evaluate", help="measure a run, or exported weights, on held-out pictures")
    source_help = "a run folder, a weights folder, or the name of our own weights"
    measure.add_argument("source", type=Path, metavar="RUN_OR_WEIGHTS", help=source_help)
    measure.add_argument("--data", nargs="+", type=Path, help="instead of the sources that run or card name")
    judge_help = "classifier that says what pictures show and in whose features they are compared: a name or a folder"
    measure.add_argument("--judge", metavar="NAME_OR_FOLDER", help=judge_help)
    measure.add_argument("--renew", action="store_true", help="write the numbers into config and card of the weights")
    size_help = "measure exported weights at this side in pixels instead of the one they were trained at"
    measure.add_argument("--image-size", type=int, help=size_help)
    measure.add_argument("--sheet", type=Path, metavar="PNG", help="draw inputs, outputs and the worst of them")
    ship = commands.add_parser("export", help="write safetensors, config and card")
    ship.add_argument("path", type=Path, metavar="run")
    ship.add_argument("folder", type=Path)
    ship.add_argument("--data", nargs="+", type=Path, help="instead of the run's own sources")
    ship.add_argument("--kept", action="store_true", help="the weights kept along the run, a folder for each step")
    ship.add_argument("--every-part", action="store_true", help="each trained module into a folder of its name")
    size_help = "also files that are too big for a repository"
    ship.add_argument("--any-size", action="store_true", help=size_help)
    part_help = "which trained module (cyclegan: a2b, b2a, discriminator_a, ...)"
    ship.add_argument("--part", default="", help=part_help)
    draw = commands.add_parser("illustrate", help="draw what our weights do into their cards, on pictures of our own")
    draw.add_argument(
        "weights", nargs="+", type=Path, metavar="WEIGHTS", help="the name of our own weights, or a folder"
    )
    push = commands.add_parser("publish", help="put weights, config and card on the Hugging Face Hub")
    push.add_argument("source", type=Path, metavar="RUN_OR_WEIGHTS", help="a run folder, or one that export wrote")
    push.add_argument("repo_id", metavar="USER/REPO", help="made if there is none")
    push.add_argument("--private", action="store_true", help="make the repository private")
    push.add_argument("--token-env", metavar="NAME", help="variable that holds the token, instead of who is logged in")
    push.add_argument("--data", nargs="+", type=Path, help="instead of the run's own sources")
    push.add_argument("--part", default="", help=part_help)
    keep = commands.add_parser("record", help="keep metrics and previews of a run, to be shown again")
    keep.add_argument("run", type=lambda path: RunFolder(Path(path)))
    keep.add_argument("folder", type=Path)
    gauge = commands.add_parser("calibrate", help="measure our CycleGAN weights on held-out photos, for the tab")
    gauge.add_argument("--data", required=True, type=Path, help="apples as set A, oranges as set B")
    gauge.add_argument("--elsewhere", required=True, nargs="+", type=Path, help="pictures without such fruit")
    gauge.add_argument("--unseen", default=[], nargs="+", type=Path, help="more of them, for the test alone")
    gauge.add_argument("--out", default=FILE, type=Path, help="file to write")
    return parser


def add_config_options(parser: argparse.ArgumentParser, config: type[TrainConfig]) -> None:
    """Add one option for each field of a config, with its help text and choices; the parser sets no defaults."""
    hints = get_type_hints(config)
    for spec in fields(config):
        flag = "--" + spec.name.replace("_", "-")
        help_text = f"{spec.metadata['help']} (default: {spec.default})"
        kind: Any = hints[spec.name]
        settings: dict[str, Any] = {"default": argparse.SUPPRESS, "help": help_text}
        if get_origin(kind) is Literal:
            parser.add_argument(flag, choices=get_args(kind), **settings)
        elif kind is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, **settings)
        else:
            parser.add_argument(flag, type=kind, **settings)


def given_options(arguments: argparse.Namespace, config: type[TrainConfig]) -> dict[str, Any]:
    """Return the config fields whose option was given, with their values."""
    return {spec.name: getattr(arguments, spec.name) for spec in fields(config) if hasattr(arguments, spec.name)}


def config_from(arguments: argparse.Namespace, config: type[TrainConfig]) -> TrainConfig:
    """Return the config that parsed options describe."""
    return config(**given_options(arguments, config))


def run_training(arguments: argparse.Namespace) -> int:
    """Train or resume; return the exit status, 0 also after SIGTERM or SIGINT."""
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
        recipe = build_recipe(arguments.command, config, arguments.data, processes, MEASURE_IMAGES)
        measure_steps(recipe, time.monotonic() - begun, MEASURE_IMAGES, run.path / "measured.json")
        return False
    recipe = build_recipe(arguments.command, config, arguments.data, processes)
    record_images(run, arguments, config, init, recipe)
    if init is not None and not run.checkpoint_path.is_file():
        start_from(recipe, arguments.command, config, init)
    schedule = Schedule(
        arguments.log_every, arguments.preview_every, arguments.save_seconds, keep_at=tuple(arguments.keep_at)
    )
    finished = train(recipe, config, run, processes, schedule, stop.is_set)
    if finished and processes.is_main:
        log_scores(evaluate(recipe, run, config.steps))
    return finished


def prepare_run(run: RunFolder, arguments: argparse.Namespace, processes: Processes) -> tuple[TrainConfig, str | None]:
    """Return config and initial weights of a run, the stored ones if the folder holds a run already."""
    kind = RECIPES[arguments.command].Config
    config, init, sources = config_from(arguments, kind), arguments.init, arguments.data
    if init is not None and init not in CHECKPOINTS:
        init = str(Path(init).resolve())
    if (run.path / "config.json").is_file():
        name, begun, sources = run.load_config()
        if name != arguments.command:
            raise SystemExit(f"{run.path} holds a {name} run; choose another --out for {arguments.command}.")
        if changed := changed_options(given_options(arguments, kind), begun, init, run.load_init()):
            raise SystemExit(f"{run.path} was begun with {changed}; go on with that, or choose another --out.")
        config, init = begun, run.load_init()
    settled = resolve_precision(config, processes.device)
    if processes.agree(settled.precision == "fp32"):  # also a barrier: all have read config.json before it is written
        settled = replace(settled, precision="fp32")
    if processes.is_main:
        run.forget_error()
        run.save_config(arguments.command, settled, [str(source) for source in sources], init)
    return settled, init


def record_images(
    run: RunFolder, arguments: argparse.Namespace, config: TrainConfig, init: str | None, recipe: Recipe
) -> None:
    """Record the sources of a run; a ValueError if it was begun with other images, wherever they lay."""
    images = fingerprints(recipe.train, recipe.test)
    others = recipe.processes.agree(run.are_others(images))  # also a barrier, as above
    if others:
        names = ", ".join(run.load_config()[2])
        raise ValueError(
            f"{run.path} was begun with other pictures, from {names}; go on with those, or choose another --out."
        )
    if recipe.processes.is_main:
        run.save_config(arguments.command, config, [str(source) for source in arguments.data], init)
        if not run.has_images():  # a damaged one may be whole again next time
            run.save_images(images)


def changed_options(given: Mapping[str, Any], begun: TrainConfig, init: str | None, begun_from: str | None) -> str:
    """Return the options of a run that differ from those given now; `precision` depends on the device."""
    changed = [
        shlex.join(option_words(name, getattr(begun, name)))
        for name, value in given.items()
        if name != "precision" and value != getattr(begun, name)
    ]
    if init not in (None, begun_from):
        changed.append("random weights" if begun_from is None else shlex.join(["--init", begun_from]))
    return " ".join(changed)


def config_of(command: str) -> TrainConfig:
    """Return the config of the run that a card's command repeats."""
    arguments = build_parser().parse_args(shlex.split(command)[3:])
    return config_from(arguments, RECIPES[arguments.command].Config)


def run_command(command: str, **options: Any) -> None:
    """Run a sub-command that is not a recipe; the options are the arguments of its function."""
    commands: dict[str, Callable[..., None]] = {
        "evaluate": partial(evaluate_source, config_of=config_of), "export": _export,
        "illustrate": partial(illustrate, config_of=config_of), "publish": publish_source, "record": record,
        "calibrate": calibrate,
    }  # fmt: skip
    commands[command](**options)


def _export(any_size: bool, **options: Any) -> None:
    """Export a run, with files of any size where that is asked for."""
    export_run(most=None if any_size else MAX_BYTES, **options)


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return the exit status; bad input ends with one sentence and status 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    arguments = build_parser().parse_args(argv)
    try:
        if arguments.command in RECIPES:
            return run_training(arguments)
        run_command(**vars(arguments))
        return 0
    except (ValueError, FileNotFoundError, FloatingPointError, HubError) as error:
        log.error("%s", error)
        return 2
    except (FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        log.error("%s cannot be used (%s); choose another folder or file.", error.filename, error.strerror)
        return 2


if __name__ == "__main__":
    sys.exit(main())
