"""The names of a zip's entries, decoded together: alone, a short name is valid in several encodings.

Zips mark names as UTF-8 or say nothing; then they are in the code page of the system that wrote them.
"""

from __future__ import annotations

import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from math import log2

# Bits of a character: a less common one, punctuation, one of the encoding's extensions, and one that no name has.
_SELDOM, _MARK, _RARE, _NEVER = 16.0, 12.0, 24.0, 32.0
_UNICODE_PATH = 0x7075  # extra field of Info-ZIP

# Encoding -> bits by which it is less expected than the first, number of its common characters, and the bytes they
# begin with: GB 2312 level 1, Big5 level 1, JIS level 1, Hangul of KS X 1001, Cyrillic and Latin letters.
_ENCODINGS: dict[str, tuple[float, int, bytes]] = {
    "gb18030": (0, 3755, bytes(range(0xB0, 0xD8))),
    "big5": (4, 5401, bytes(range(0xA4, 0xC7))),
    "cp932": (8, 3140, bytes([0x82, 0x83, *range(0x88, 0x98)])),
    "cp949": (12, 2350, bytes(range(0xB0, 0xC9))),
    "cp866": (8, 66, bytes([*range(0x80, 0xB0), *range(0xE0, 0xF2)])),
    "cp437": (8, 38, bytes([*range(0x80, 0xA6), 0xE1])),
}


def entry_names(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Return the names of entries with forward slashes."""
    raw = [_raw(info) for info in infos]
    encoding = _encoding_of({name for name in raw if isinstance(name, bytes)})
    return [(name.decode(encoding) if isinstance(name, bytes) else name).replace("\\", "/") for name in raw]


def _raw(info: zipfile.ZipInfo) -> str | bytes:
    """Return a name, or its bytes where the zip does not say how they are encoded; zipfile takes cp437 then."""
    name = info.orig_filename
    if info.flag_bits & 0x800 or name.isascii():
        return name
    raw, extra = name.encode("cp437"), info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == _UNICODE_PATH and extra[5:9] == struct.pack("<I", zlib.crc32(raw)):  # of the name that it is for
            return extra[9 : 4 + size].decode("utf-8", "replace")
        extra = extra[4 + size :]
    return raw


def _encoding_of(names: set[bytes]) -> str:
    """Return the encoding in which the names hold the commonest characters; UTF-8 wherever it is valid."""
    found: list[tuple[float, str]] = []
    for encoding in ("utf-8", *_ENCODINGS):
        try:
            characters = {char for name in names for char in name.decode(encoding) if not char.isascii()}
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8":
            return encoding
        found.append((_bits(characters, encoding), encoding))
    return min(found, key=lambda one: one[0])[1]


def _bits(characters: set[str], encoding: str) -> float:
    """Return how unlikely it is that names hold these characters in an encoding, as bits."""
    less, count, common = _ENCODINGS[encoding]
    return less + sum(_bits_of(char, encoding, count, common) for char in characters)


def _bits_of(char: str, encoding: str, count: int, common: bytes) -> float:
    try:
        stored = char.encode(encoding)
    except UnicodeEncodeError:  # a few codes are read but not written
        return _NEVER
    letters = encoding in ("cp437", "cp866")
    if not char.isalpha():
        return _NEVER if letters or unicodedata.category(char)[0] not in "NPSM" else _MARK
    if stored[0] in common and (letters or encoding in ("big5", "cp932") or stored[1] >= 0xA1):
        return log2(count)
    return _RARE if letters or encoding in ("gb18030", "cp949") and min(stored[:2]) < 0xA1 else _SELDOM
