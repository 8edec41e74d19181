"""The words of the command line: a parser made from the recipes, and the command that repeats a run."""

from __future__ import annotations

import argparse
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from models.training.recipes import RECIPES
from models.training.recipes._base import TrainConfig
from models.training.trainer import Schedule


def build_parser(description: str = "") -> argparse.ArgumentParser:
    """Return the parser: one sub-command a recipe with an option for every field of its config."""
    parser = argparse.ArgumentParser(prog="python -m models.training", description=description)
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
