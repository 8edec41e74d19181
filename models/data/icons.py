"""The largest picture of an icon file (.ico), cut out before anything is decoded.

Pillow opens all of them at once and learns the size of a PNG among them from itself, not from the header of the file.
"""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

from PIL import Image

MAX_SIDE = 256  # pixels of a bitmap in an icon
_DIRECTORY, _ENTRY = struct.Struct("<HHH"), struct.Struct("<BBBBHHII")
_PNG = b"\x89PNG\r\n"


def largest_of_icon(stream: BinaryIO) -> BinaryIO | Image.Image:
    """Return the largest picture: the stream of a PNG, whose header is not checked yet, or an opened bitmap.

    Raises:
        ValueError, struct.error, OSError: The file is damaged.
    """
    content = stream.read()
    count = _DIRECTORY.unpack_from(content)[2]
    entries = [_ENTRY.unpack_from(content, _DIRECTORY.size + place * _ENTRY.size) for place in range(count)]
    entry = max(entries, key=lambda one: ((one[0] or MAX_SIDE) * (one[1] or MAX_SIDE), one[5]))
    size, offset = entry[6:]
    picture = content[offset : offset + size]
    if picture.startswith(_PNG):
        return io.BytesIO(picture)
    width, height = struct.unpack_from("<ii", picture, 4)
    if not (0 < width <= MAX_SIDE and 0 < height <= 2 * MAX_SIDE):  # the mask stands below the colours
        raise ValueError(f"a bitmap of {width} x {height} pixels in an icon")
    start = _DIRECTORY.size + _ENTRY.size
    alone = _DIRECTORY.pack(0, 1, 1) + _ENTRY.pack(*entry[:6], len(picture), start) + picture
    return Image.open(io.BytesIO(alone), formats=["ICO"])
