"""Recognise the kind of a file by its first bytes."""

from __future__ import annotations

import re
from typing import NamedTuple

HEAD_BYTES = 1024


class FileKind(NamedTuple):
    """The kind of a file."""

    name: str  # "JPEG", "PDF", "video"... or "unknown"
    is_image: bool
    decoder: str = ""  # Pillow's name for it; empty where no decoder is allowed


# Read from the first HEAD_BYTES of a file; the first match counts.
_SIGNATURES: tuple[tuple[bytes, FileKind], ...] = (
    (rb"\xff\xd8\xff", FileKind("JPEG", True, "JPEG")),
    (rb"\x89PNG\r\n", FileKind("PNG", True, "PNG")),
    (rb"GIF8[79]a", FileKind("GIF", True, "GIF")),
    (rb"RIFF....WEBP", FileKind("WebP", True, "WEBP")),
    (rb"....ftypavi[fs]", FileKind("AVIF", True, "AVIF")),
    (rb"....ftyp(hei[cfmsx]|hev[cmsx]|mif1|msf1)", FileKind("HEIC", True, "HEIF")),
    (rb"II\*\0|MM\0\*|II\+\0|MM\0\+", FileKind("TIFF", True, "TIFF")),
    (rb"BM....\0\0\0\0", FileKind("BMP", True, "BMP")),
    (rb"\0\0\0\x0cjP  \r\n|\xff\x4f\xff\x51", FileKind("JPEG 2000", True, "JPEG2000")),
    (rb"P[1-6f]\s", FileKind("PPM", True, "PPM")),
    (rb"qoif", FileKind("QOI", True, "QOI")),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", FileKind("JPEG XL", True)),
    (rb"8BPS", FileKind("Photoshop (PSD)", True)),
    (rb"\0\0\x01\0", FileKind("icon (ICO)", True, "ICO")),
    (rb"....ftypcrx |FUJIFILMCCD-RAW|IIU\0", FileKind("camera raw", True)),
    (rb"%PDF", FileKind("PDF", False)),
    (rb"%!PS|\xc5\xd0\xd3\xc6", FileKind("PostScript", False)),
    (rb"....ftyp|....moov|\x1a\x45\xdf\xa3|RIFF....AVI |\0\0\x01[\xb3\xba]|FLV\x01", FileKind("video", False)),
    (rb"ID3|OggS|fLaC|RIFF....WAVE|\xff[\xf2\xf3\xfa\xfb]", FileKind("audio", False)),
    (rb"PK(\x03\x04|\x05\x06)", FileKind("zip", False)),
    (rb"Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ", FileKind("archive", False)),
    (rb"MZ|\x7fELF|\xcf\xfa\xed\xfe", FileKind("program", False)),
    (rb"\s*<(?i:!doctype html|html|head|body)", FileKind("web page", False)),
    (rb"(?s:.*)<(?i:svg)[\s>]", FileKind("SVG", False)),
)


def file_kind(head: bytes) -> FileKind:
    """Return the kind of a file by its first `HEAD_BYTES` bytes, or all of a shorter file."""
    for pattern, kind in _SIGNATURES:
        if re.match(pattern, head, re.DOTALL):
            return kind
    if head and not re.search(rb"[\0-\x08\x0e-\x1a\x7f]", head):
        return FileKind("text", False)
    return FileKind("unknown", False)
