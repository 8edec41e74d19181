"""Files of weights: read without running code, and loaded strictly."""

from __future__ import annotations

import json
import pickle
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file as load_safetensors
from torch import Tensor, nn

from models.data.file_kinds import HEAD_BYTES, file_kind
from models.data.images import printable
from models.formats.tables import content_of, find_tables

TORCH_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"  # near the start of what torch.save wrote before it wrote zip archives
FRAME = 149  # code that begins pickles of protocol 4 and later
MAX_HEADER = 100_000_000  # bytes; the limit of the safetensors format
NAMES_SHOWN = 3

_SENTENCES = {
    "no_file": "{name} is not there: fetch the weights, or give the right path.",
    "empty": "{name} is an empty file (0 bytes): fetch the weights again.",
    "lfs_pointer": "{name} is a Git LFS pointer, not the weights: run `git lfs pull`, or download the file itself.",
    "html": "{name} is a web page, not weights (perhaps an error page of the host): fetch the file again.",
    "pickle_code": "{name} holds more than tensors and could run code, so it stays closed: choose a safetensors file.",
    "pickle_protocol": "{name} was saved with a pickle protocol that cannot be read here (4 or later): save it anew "
    "as safetensors, or by torch.save with its usual protocol.",
    "truncated": "{name} is cut short or damaged: fetch the weights again.",
    "not_weights": "{name} is not a file of weights (file type: {kind}): choose .safetensors, .pth, .pt or .bin.",
    "no_tensors": "{name} holds no table of tensors, but {found}: choose a file of weights.",
    "unknown_layout": "{name} holds {found}, which is no layout known here; known are {expected}.",
    "wrong_layout": "{name} holds {found}; expected was {expected}.",
    "no_decoder": "{name} holds only the encoder of a masked autoencoder, so it cannot paint pixels: "
    "choose weights with a decoder, such as mae_visualize_vit_* or facebook/vit-mae-*.",
    "bad_settings": "{name} lies beside settings that cannot be used here: {what}. "
    "Keep each model in a folder of its own, with its own config.json.",
    "no_heads": "{name} does not say how many attention heads it has: the width {found} of {tensor} is not a multiple "
    "of {wanted}. Keep its config.json beside it.",
    "half_autoencoder": "{name} holds only the {half} of an autoencoder: choose the file with its other half as well.",
    "missing_tensors": "{name} lacks {count} tensors of {expected}, such as {found}: choose another file.",
    "unexpected_tensors": "{name} has {count} tensors that {expected} has no place for, such as {found}: "
    "choose another file.",
    "wrong_shape": "{name}: the tensor {tensor} has shape {found}; {expected} wants {wanted}.",
    "wrong_dtype": "{name}: the tensor {tensor} is {found}; {expected} wants {wanted} there.",
    "not_finite": "{name}: the tensor {tensor} has values that are no finite numbers: fetch the weights again.",
}


class WeightsError(ValueError):
    """Why a file of weights cannot be used: `str(error)` is a sentence, `code` and `values` translate it."""

    def __init__(self, code: str, name: str = "", **values: Any) -> None:
        super().__init__(code, name)
        self.code = code
        self.values: dict[str, Any] = {"name": printable(name) or "This file", **values}

    def __str__(self) -> str:
        return _SENTENCES[self.code].format(**self.values)

    def named(self, name: str) -> WeightsError:
        """Return the same error with the name of the file it is about."""
        return WeightsError(self.code, **{**self.values, "name": name})


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the likeliest table of `read_tables`."""
    return read_tables(path)[0]


def read_tables(path: Path) -> list[dict[str, Tensor]]:
    """Return the tables of tensors by name of a file, on the CPU, the likeliest first; nothing in it is run.

    Safetensors are recognised by their header; anything else is read by `torch.load` with `weights_only=True`.
    Wrappers such as {"state_dict": ...} are removed.
    """
    if not path.is_file():
        raise WeightsError("no_file", path.name)
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if size == 0:
        raise WeightsError("empty", path.name)
    # The strictest format first: the length that begins a safetensors file may look like any text.
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= MAX_HEADER:
        return _read_safetensors(path, size)
    if head[:2] in (b"PK", b"\x80\x02") or (head[:1] == b"\x80" and TORCH_MAGIC in head[:40]):
        return _read_pickle(path)
    if head[:1] == b"\x80":  # a pickle that torch.save did not write
        raise WeightsError("pickle_code", path.name)
    if head.startswith(b"version https://git-lfs"):
        raise WeightsError("lfs_pointer", path.name)
    kind = file_kind(head).name
    if kind == "web page" or re.match(rb"\s*<", head):
        raise WeightsError("html", path.name)
    raise WeightsError("not_weights", path.name, kind=kind)


def _read_safetensors(path: Path, size: int) -> list[dict[str, Tensor]]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(min(length, MAX_HEADER))
    if len(header) < length:
        raise WeightsError("truncated", path.name)
    try:
        entries = [entry for key, entry in json.loads(header).items() if key != "__metadata__"]
        end = max((entry["data_offsets"][1] for entry in entries), default=0)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise WeightsError("not_weights", path.name, kind="unknown") from error
    if size < 8 + length + end:
        raise WeightsError("truncated", path.name)
    try:
        tensors = load_safetensors(path)
    except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise WeightsError("truncated", path.name) from error
    return _only_tensors(tensors, path.name)


def _read_pickle(path: Path) -> list[dict[str, Tensor]]:
    with path.open("rb") as file:
        is_archive = file.read(2) == b"PK"
    if is_archive:
        _check_archive(path)
    try:
        with path.open("rb") as file:  # a path would be judged by its suffix
            found = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reasons = {"truncated|Ran out of input": "truncated", f"Unsupported operand {FRAME}": "pickle_protocol"}
        code = next((code for words, code in reasons.items() if re.search(words, str(error))), "pickle_code")
        raise WeightsError(code, path.name) from error
    except Exception as error:  # damaged bytes make the unpickler raise almost anything
        raise WeightsError("truncated", path.name) from error
    return _only_tensors(found, path.name)


def _check_archive(path: Path) -> None:
    """Raise unless the zip archive at `path` is whole and is one that torch.save writes."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise WeightsError("truncated", path.name) from error
    if not any(name.endswith("/data.pkl") for name in names):
        raise WeightsError("not_weights", path.name, kind="zip")
    if any(re.search(r"/code/|/constants\.pkl$", name) for name in names):  # TorchScript: a program with its weights
        raise WeightsError("pickle_code", path.name)


def _only_tensors(found: object, name: str) -> list[dict[str, Tensor]]:
    tables = find_tables(found)
    if not tables:
        raise WeightsError("no_tensors", name, found=content_of(found))
    if any(_is_larger_than_its_memory(value) for table in tables for value in table.values()):
        raise WeightsError("truncated", name)
    return [{key: value.detach() for key, value in table.items()} for table in tables]


def _is_larger_than_its_memory(value: Tensor) -> bool:
    """Return whether a tensor has more elements than its storage: a small file could fill the memory when copied."""
    if value.layout != torch.strided:
        return True
    return value.numel() * value.element_size() > value.untyped_storage().nbytes()


def without_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with `prefix`, without it."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def without(tensors: Mapping[str, Tensor], *prefixes: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with none of `prefixes`."""
    return {key: value for key, value in tensors.items() if not key.startswith(prefixes)}


def renamed(tensors: Mapping[str, Tensor], rules: Iterable[tuple[str, str]]) -> dict[str, Tensor]:
    """Return the tensors under new names: each regular expression is replaced in turn in every name."""
    compiled = [(re.compile(pattern), replacement) for pattern, replacement in rules]
    out = {}
    for key, value in tensors.items():
        for pattern, replacement in compiled:
            key = pattern.sub(replacement, key)
        out[key] = value
    return out


def count(tensors: Mapping[str, Tensor], pattern: str) -> int:
    """Return the number of different values of the group of a regular expression at the start of the names."""
    found = (re.match(pattern, key) for key in tensors)
    return len({match.group(1) for match in found if match})


def shape_of(tensors: Mapping[str, Tensor], name: str, dims: int, expected: str) -> tuple[int, ...]:
    """Return the shape of a tensor from which a size is read."""
    if name not in tensors:
        raise WeightsError("missing_tensors", count=1, found=name, expected=expected)
    shape = tuple(tensors[name].shape)
    if len(shape) != dims or 0 in shape:
        raise WeightsError("wrong_shape", tensor=name, found=shape, wanted=f"{dims} dimensions", expected=expected)
    return shape


def check_multiple(name: str, width: int, of: int, expected: str) -> None:
    """Raise a WeightsError unless `width`, read off the tensor `name`, is a multiple of `of`."""
    if width % of:
        raise WeightsError("wrong_shape", tensor=name, found=width, wanted=f"a multiple of {of}", expected=expected)


def check_stated(settings: Mapping[str, Any], name: str, found: int) -> None:
    """Raise a WeightsError where the settings state a width that differs from that of the tensors."""
    if settings.get(name, found) != found:
        raise WeightsError("bad_settings", what=f"{name} {settings[name]!r:.40}, but the tensors have {found}")


def build_strictly(make: Callable[[], nn.Module], tensors: Mapping[str, Tensor], expected: str) -> nn.Module:
    """Return the module that `make` builds, with exactly these tensors: float32, in eval mode, without gradients.

    Only the counters of batch norm (`num_batches_tracked`) may be missing, as in files older than PyTorch 0.4.1. The
    module is built on the meta device and each tensor copied once, so that the file may go away afterwards.
    """
    with torch.device("meta"):
        model = make()
    wanted = model.state_dict()
    counters = {key for key in wanted if key.endswith("num_batches_tracked")}
    _check_names(wanted.keys() - tensors.keys() - counters, "missing_tensors", expected)
    _check_names(tensors.keys() - wanted.keys(), "unexpected_tensors", expected)
    values = {key: torch.zeros((), dtype=torch.long) for key in counters - tensors.keys()}
    for key in wanted.keys() & tensors.keys():
        values[key] = _checked(key, tensors[key], wanted[key], expected)
    model.load_state_dict(values, strict=True, assign=True)
    return model.eval().requires_grad_(False)


def _check_names(names: set[str], code: str, expected: str) -> None:
    if names:
        found = ", ".join(printable(name) for name in sorted(names)[:NAMES_SHOWN])
        raise WeightsError(code, count=len(names), found=found, expected=expected)


def _checked(key: str, given: Tensor, wanted: Tensor, expected: str) -> Tensor:
    facts = {"tensor": key, "expected": expected}
    if given.shape != wanted.shape:
        raise WeightsError("wrong_shape", found=tuple(given.shape), wanted=tuple(wanted.shape), **facts)
    if given.is_floating_point() != wanted.is_floating_point() or given.is_complex() or given.layout != torch.strided:
        kind = "numbers with a fraction" if wanted.is_floating_point() else "whole numbers"
        raise WeightsError("wrong_dtype", found=str(given.dtype).removeprefix("torch."), wanted=kind, **facts)
    value = given.to(wanted.dtype, copy=True).contiguous()
    if not value.isfinite().all():
        raise WeightsError("not_finite", **facts)
    return value
