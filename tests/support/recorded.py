"""What version c456177 wrote and offered, recorded in `tests/compatibility`, and how to ask for the same today."""

import argparse
import inspect
import json
import re
import runpy
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "compatibility"
PLACEHOLDER = "DATA_DIR"  # stands for the absolute path of the data folder in the recorded files
IMAGES = sorted((FOLDER / "images").iterdir())


def recorded(name: str) -> Any:
    """Return what `tests/compatibility/<name>.json` holds."""
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


# --- Files of the trainer -----------------------------------------------------------------------------------------


def old_data_folder(folder: Path) -> Path:
    """Lay out the recorded data folder (job database and job folders) in an empty folder and return it."""
    folder = folder.resolve()
    shutil.copytree(FOLDER / "jobs", folder / "jobs")
    for path in (folder / "jobs").rglob("*.json"):
        path.write_text(path.read_text("utf-8").replace(PLACEHOLDER, str(folder)), "utf-8")
    for job in (folder / "jobs").iterdir():
        shutil.copytree(FOLDER / "images", job / "data")
    connection = sqlite3.connect(folder / "jobs.sqlite")
    connection.executescript((FOLDER / "jobs.sql").read_text("utf-8").replace(PLACEHOLDER, str(folder)))
    connection.close()
    return folder


def old_run_folder(recipe: str, folder: Path) -> Path:
    """Lay out a run that stopped before its last step, as the command line leaves it, and return the run folder.

    The checkpoint has the recorded keys, shapes and types; its numbers are random.
    """
    data, run = folder / "images", folder / "run"
    run.mkdir(parents=True)
    sets = ("trainA", "trainB", "testA", "testB") if recipe == "cyclegan" else ("green", "red")
    for number, path in enumerate(IMAGES):
        (data / sets[number % len(sets)]).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, data / sets[number % len(sets)])
    record = recorded("checkpoints")[recipe]
    config = {**record["config"], "data": [str(data)]}
    (run / "config.json").write_text(json.dumps(config), "utf-8")
    torch.save(_with_tensors(record["checkpoint"]), run / "checkpoint.pt")
    return run


def _with_tensors(value: Any, name: str = "") -> Any:
    """Replace each `"<type> <shape>"` by a tensor of small random numbers, non-negative for variances."""
    if isinstance(value, dict) and "tensor" in value:
        return torch.tensor(value["value"], dtype=getattr(torch, value["tensor"]))
    if isinstance(value, dict):
        return {int(key) if key.isdecimal() else key: _with_tensors(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_tensors(part) for part in value]
    if not isinstance(value, str) or not (found := re.fullmatch(r"(\w+) (\[[\d, ]*\])", value)):
        return value
    random = 0.02 * torch.randn(json.loads(found[2]))
    positive = name.endswith(("running_var", "exp_avg_sq"))
    return (random.abs() + 0.01 if positive else random).to(getattr(torch, found[1]))


# --- Command lines ------------------------------------------------------------------------------------------------


def run_module(name: str, *arguments: object) -> int:
    """Run `python -m <name> <arguments>` in this process and return its exit status."""
    with patch.object(sys, "argv", [name, *map(str, arguments)]), _signal_handlers_kept():
        try:
            runpy.run_module(name, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@contextmanager
def _signal_handlers_kept() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


class _ParserFoundError(BaseException):
    pass


def command_line_of(run: Callable[[], object]) -> dict[str, Any]:
    """Return the options and sub-commands of a program that reads its command line with argparse."""

    def stop(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        raise _ParserFoundError(parser)

    with patch.object(argparse.ArgumentParser, "parse_known_args", stop):
        try:
            run()
        except _ParserFoundError as found:
            return _options(found.args[0])
    raise AssertionError("It reads no command line.")


def _options(parser: argparse.ArgumentParser) -> dict[str, Any]:
    """Return option strings (or "argument N" of a positional one) -> what it takes, sub-command -> its options."""
    described: dict[str, Any] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            described |= {name: _options(command) for name, command in action.choices.items()}
        elif not isinstance(action, argparse._HelpAction):
            place = f"argument {sum(name.startswith('argument') for name in described) + 1}"
            described[" ".join(action.option_strings) or place] = {
                "default": _default(action),
                "choices": None if action.choices is None else list(action.choices),
                "nargs": action.nargs,
                "required": action.required,
            }
    return described


def _default(action: argparse.Action) -> Any:
    """Return the default of an option; where the parser has none, the one that its help text names."""
    if action.default is None or action.default is argparse.SUPPRESS:
        named = re.search(r"\(default: (.+)\)", action.help or "")
        return named[1] if named else None
    if isinstance(action.default, Path):
        path = action.default
        return (path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).as_posix()
    text = str(action.default)
    return text if f"(default: {text})" in (action.help or "") else action.default


# --- Names and endpoints ------------------------------------------------------------------------------------------


def signatures(module: Any) -> dict[str, Any]:
    """Return the public names of a module with the parameters of functions, of classes and of their public methods."""
    return {name: _signature(getattr(module, name)) for name in module.__all__}


def _signature(value: Any) -> Any:
    if inspect.isclass(value):
        methods = {name: part for name, part in inspect.getmembers(value, callable) if not name.startswith("_")}
        own = {name: _parameters(part) for name, part in methods.items() if not hasattr(Exception, name)}
        return {"": _parameters(value), **own}
    return _parameters(value) if inspect.isroutine(value) or hasattr(value, "cache_info") else None


def _parameters(function: Callable[..., Any]) -> list[str]:
    """Return the names of parameters, with "=" behind those that may be left out."""
    try:
        given = inspect.signature(function).parameters.values()
    except ValueError:  # written in C
        return []
    return [
        each.name + ("" if each.default is each.empty and each.kind not in (2, 4) else "=")
        for each in given
        if each.name != "self"
    ]


def endpoints_of(info: dict[str, Any]) -> dict[str, Any]:
    """Return parameters and results of each endpoint by name, from what `/gradio_api/info` says."""
    return {
        name: {
            "parameters": {each["parameter_name"]: _described(each) for each in endpoint["parameters"]},
            "returns": {each["label"]: _described(each) for each in endpoint["returns"]},
        }
        for name, endpoint in info["named_endpoints"].items()
    }


def _described(part: dict[str, Any]) -> dict[str, Any]:
    kind = part["type"] if isinstance(part["type"], dict) else {}
    described = {"component": part["component"], "type": kind.get("title", kind.get("type"))}
    if "parameter_name" in part:
        described |= {"has_default": part["parameter_has_default"], "default": part["parameter_default"]}
    if "enum" in kind:
        described["choices"] = kind["enum"]
    else:
        described["range"] = kind.get("description")
    return described


def lacks(now: Any, then: Any, path: str = "") -> list[str]:
    """Return where something of what was recorded is missing or other than it was; more than that is no difference.

    Lists of choices may have become longer; a parameter may have been added if it can be left out.
    """
    if isinstance(then, dict) and isinstance(now, dict):
        gone = [f"{path}/{key} is missing" for key in then if key not in now]
        return gone + [line for key in then if key in now for line in lacks(now[key], then[key], f"{path}/{key}")]
    if isinstance(then, list) and isinstance(now, list):
        kept = [one for one in now if one in then]
        added = [one for one in now if one not in then]
        if kept == then and (path.endswith("/choices") or all(str(one).endswith("=") for one in added)):
            return []
    return [] if now == then else [f"{path} is {now!r} and was {then!r}"]
