"""Find the tables of tensors in what a file holds, wherever people put them, and take prefixes off their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from torch import Tensor

from models.data.images import printable

Table = dict[str, Tensor]

WRAPPERS = (
    "state_dict", "model", "model_state_dict", "params_ema", "params", "net", "network", "weights", "module",
    "generator", "netG", "G",
)  # fmt: skip
DEPTH = 4  # of tables in tables that are looked into
SHOWN = 4
PREFIXES = 3  # that may stand before the names of a layout

_NOT_THE_MODEL = re.compile(r"optim|sched|scaler|rng|callback|loop|discriminator|^(net)?D(_|$)", re.IGNORECASE)


def find_tables(found: object) -> list[Table]:
    """Return the tables of tensors in the content of a file, the likeliest first."""
    tables = list(_walk(found, "", DEPTH))

    def rank(entry: tuple[str, Table]) -> tuple[int, int, int]:
        name, table = entry
        usual = WRAPPERS.index(name) if name in WRAPPERS else len(WRAPPERS)
        return bool(_NOT_THE_MODEL.search(name)), usual, -len(table)

    return [table for _, table in sorted(tables, key=rank)]


def _walk(found: object, name: str, depth: int) -> Iterator[tuple[str, Table]]:
    """Yield tables with the key they lie under, that of an encoder beside a decoder joined first."""
    if isinstance(found, list | tuple):
        found = {f"{name}[{index}]": each for index, each in enumerate(found)}
    if not isinstance(found, Mapping) or not found or depth < 0:
        return
    if _is_table(found):
        yield name, dict(found)
        return
    if {"encoder", "decoder"} == found.keys() and all(isinstance(e, Mapping) and _is_table(e) for e in found.values()):
        yield name, {f"{key}.{inner}": value for key, each in found.items() for inner, value in each.items()}
    for key, each in found.items():
        if isinstance(key, str):
            yield from _walk(each, key, depth - 1)


def _is_table(found: Mapping[object, object]) -> bool:
    return bool(found) and all(isinstance(key, str) and isinstance(value, Tensor) for key, value in found.items())


def content_of(found: object) -> str:
    """Return what a file holds instead of a table of tensors, in a few words."""
    if not isinstance(found, Mapping):
        return type(found).__name__
    names = [f"{printable(str(key))[:40]} ({type(value).__name__})" for key, value in list(found.items())[:SHOWN]]
    return ", ".join([*names, *(["…"] if len(found) > SHOWN else [])]) or "nothing"


def without_prefixes(tensors: Mapping[str, Tensor]) -> Iterator[Table]:
    """Yield the tensors without what wrappers of modules put before every name, then without each common prefix."""
    table = _unwrapped(dict(tensors))
    yield table
    for _ in range(PREFIXES):
        first = {key.partition(".")[0] for key in table if "." in key}
        if len(first) != 1 or not all("." in key for key in table):
            return
        table = _unwrapped({key.partition(".")[2]: value for key, value in table.items()})
        yield table


def _unwrapped(table: Table) -> Table:
    for prefix in ("module.", "_orig_mod."):  # of training on several devices, and of torch.compile
        while table and all(key.startswith(prefix) for key in table):
            table = {key.removeprefix(prefix): value for key, value in table.items()}
    return table
