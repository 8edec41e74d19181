"""Read images, resize them, and convert them to tensors.

Every image from outside goes through `read_image`, which returns upright 8-bit RGB or raises an `ImageError` with a
sentence to show. Tensors are float32, (N, 3, H, W), in [-1, 1].
"""

from __future__ import annotations

import io
import re
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps

from models.data.file_kinds import HEAD_BYTES, FileKind, file_kind
from models.data.icons import largest_of_icon

MAX_PIXELS = 50_000_000
MIN_SIDE = 8
_JOINERS = "\u200c\u200d"  # within emoji, and in Persian and Indian scripts
_RANGES = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # of 8, 10, 12, 14 and 16 bits

# Only formats with an unmistakable signature and a decoder that runs no other program: EPS would start
# Ghostscript, TGA accepts almost any bytes. Icons are taken apart first (`models.data.icons`).
_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF", "BMP", "TIFF", "JPEG2000", "PPM", "QOI")

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_SENTENCES = {
    "empty": "{name} is an empty file (0 bytes): choose another picture, or save this one again.",
    "not_an_image": "{name} is not a picture (file type: {kind}): choose a JPEG, PNG or WebP picture.",
    "unsupported": "{name} is in the format {kind}, which cannot be read here: save it as JPEG or PNG first.",
    "truncated": "{name} is cut short or damaged: download or save it again, or choose another picture.",
    "too_large": "{name} has more than {limit} megapixels: make it smaller, then try again.",
    "too_small": "{name} is only {width} x {height} pixels: choose a picture of at least {limit} x {limit}.",
}


class ImageError(ValueError):
    """Why an image cannot be used and what to do: `str(error)` is a sentence, `code` and `values` translate it."""

    def __init__(self, code: str, name: str = "", **values: str | int) -> None:
        super().__init__(code, name)
        self.code = code
        self.values: dict[str, str | int] = {"name": printable(name) or "This file", **values}

    def __str__(self) -> str:
        return _SENTENCES[self.code].format(**self.values)


def read_image(source: str | Path | bytes | BinaryIO, *, name: str = "", max_side: int | None = None) -> Image.Image:
    """Read an image of any format and mode as upright 8-bit RGB without metadata.

    The orientation tag is applied, colours are converted to sRGB, transparency is composited on white, 16-bit and
    floating-point values are scaled to 8 bits, and of an animation the first frame is taken.

    Args:
        source: A path, the bytes of a file, or an open binary file, which stays open.
        name: Name of the image in error sentences; by default that of the file.
        max_side: If given, the longest side of the result in pixels; the image is never enlarged.

    Raises:
        ImageError: The file is empty, not an image, in a format that the installed Pillow cannot read, cut short,
            over `MAX_PIXELS` (by its header, before any decoding) or under `MIN_SIDE`.
        OSError: The path cannot be opened.
    """
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            return read_image(file, name=name or Path(source).name, max_side=max_side)
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    image = open_image(stream, name=name, max_side=max_side)
    return decode_image(image, name=name, max_side=max_side)


def open_image(stream: BinaryIO, *, name: str = "", max_side: int | None = None) -> Image.Image:
    """Open an image and check its header; its size is what `decode_image` decodes, for JPEGs near `max_side`.

    Raises:
        ImageError: As `read_image`, except for damage after the header.
    """
    if not stream.seekable():
        stream = io.BytesIO(stream.read())
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    kind = file_kind(head)
    if not head:
        raise ImageError("empty", name)
    if not kind.is_image:
        raise ImageError("not_an_image", name, kind=kind.name)
    if kind.decoder == "ICO":
        return _open_icon(stream, name, max_side)
    image = _open_header(stream, kind, name)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError("too_large", name, limit=MAX_PIXELS // 1_000_000)
    if min(width, height) < MIN_SIDE:
        raise ImageError("too_small", name, width=width, height=height, limit=MIN_SIDE)
    if max_side is not None:
        image.draft(None, (2 * max_side, 2 * max_side))  # twice: the fine resize needs pixels to average
    return image


def decode_image(image: Image.Image, *, name: str = "", max_side: int | None = None) -> Image.Image:
    """Decode what `open_image` opened: upright RGB, at most `max_side` on the longer side."""
    try:
        image = _load(image)
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)  # after load: a PNG may carry it at its end
        image = _to_rgb(image)
    except MemoryError:
        raise
    except Exception as error:  # each decoder has its own exceptions for damaged data
        raise ImageError("truncated", name) from error
    if max_side is not None and max(image.size) > max_side:
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
    image.info = {}
    return image


def printable(name: str) -> str:
    """Compose accents, and replace what cannot be shown: control and format characters but joiners, lone surrogates."""
    shown = ((char, unicodedata.category(char)) for char in unicodedata.normalize("NFC", name))
    return "".join("\ufffd" if kind in {"Cc", "Cf", "Cs"} and char not in _JOINERS else char for char, kind in shown)


def has_image_suffix(name: str) -> bool:
    """Return whether a file name ends in the suffix of a format that can be read here, such as .jpg or .jp2."""
    return Image.registered_extensions().get(PurePosixPath(name).suffix.lower()) in (*_FORMATS, "ICO")


def square_crop(image: Image.Image, size: int) -> Image.Image:
    """Crop the centre square and resize it to (size, size).

    Raises:
        ValueError: `size` is below 1.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1 pixel, got {size}")
    return ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.LANCZOS)


def fit_within(image: Image.Image, side: int, multiple: int = 4) -> Image.Image:
    """Shrink an image to fit a square of the given side, with both sides multiples of `multiple`.

    Up to `multiple` - 1 pixels are cropped to keep the aspect ratio; only sides under `multiple` are enlarged.

    Raises:
        ValueError: `multiple` is below 1, or `side` below `multiple`.
    """
    if not 1 <= multiple <= side:
        raise ValueError(f"need 1 <= multiple <= side, got multiple={multiple} and side={side}")
    scale = min(1.0, side / max(image.size))
    lengths = (int(length * scale + 1e-6) for length in image.size)
    width, height = (max(multiple, length // multiple * multiple) for length in lengths)
    return ImageOps.fit(image.convert("RGB"), (width, height), Image.Resampling.LANCZOS)


def to_tensor(image: Image.Image | Sequence[Image.Image]) -> torch.Tensor:
    """Return one image or several of one size as a float32 tensor (N, 3, H, W) in [-1, 1].

    Raises:
        ValueError: There is no image, or the images differ in size.
    """
    images = [image] if isinstance(image, Image.Image) else list(image)
    sizes = {each.size for each in images}
    if len(sizes) != 1:
        raise ValueError(f"need one or more pictures of one size, got sizes {sorted(sizes)}: crop them first")
    array = np.stack([np.asarray(each.convert("RGB")) for each in images])  # (N, H, W, 3)
    return torch.from_numpy(array).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1.0


def to_images(tensor: torch.Tensor) -> list[Image.Image]:
    """Return a tensor (N, 3, H, W) in [-1, 1] as N images, clamped; the inverse of `to_tensor`.

    Raises:
        ValueError: The shape is another one, or a value is not a number.
    """
    if tensor.ndim != 4 or tensor.shape[1] != 3:
        raise ValueError(f"expected a tensor (N, 3, H, W), got shape {tuple(tensor.shape)}")
    if torch.isnan(tensor).any():
        raise ValueError("the pictures hold values that are not numbers (NaN)")
    pixels = ((tensor.detach().float().clamp(-1.0, 1.0) + 1.0) * 127.5).round().to(torch.uint8)
    array = pixels.permute(0, 2, 3, 1).cpu().contiguous().numpy()  # (N, H, W, 3)
    return [Image.fromarray(each) for each in array]


def _open_header(stream: BinaryIO, kind: FileKind, name: str) -> Image.Image:
    """Open lazily with the allowed decoders only."""
    Image.init()
    formats = [decoder for decoder in _FORMATS if decoder in Image.OPEN]
    try:
        return Image.open(stream, formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError("too_large", name, limit=MAX_PIXELS // 1_000_000) from error
    except MemoryError:
        raise
    except Exception as error:  # Pillow lets some decoders' own exceptions through for damaged headers
        if kind.decoder in formats:
            raise ImageError("truncated", name) from error
        raise ImageError("unsupported", name, kind=kind.name) from error


def _open_icon(stream: BinaryIO, name: str, max_side: int | None) -> Image.Image:
    """Open the largest picture of an icon."""
    try:
        found = largest_of_icon(stream)
    except MemoryError:
        raise
    except Exception as error:  # as in `_open_header`
        raise ImageError("truncated", name) from error
    return found if isinstance(found, Image.Image) else open_image(found, name=name, max_side=max_side)


def _load(image: Image.Image) -> Image.Image:
    """Decode; of colours of 16 bits Pillow keeps the high bytes, which are nearly black where 14 or fewer are used."""
    stream, tiles = getattr(image, "fp", None), list(getattr(image, "tile", ()))
    image.load()
    raw = [tile.args if isinstance(tile.args, str) else str((*(tile.args or ()), "")[0]) for tile in tiles]
    deep = re.fullmatch(r"(RGB[AX]?;16)([BLN])", raw[0]) if raw else None
    if stream is None or not deep or max(high for _, high in image.getextrema()[:3]) > 63:  # type: ignore[misc]
        return image
    stream.seek(0)
    low: Any = Image.open(stream, formats=[str(image.format)])
    other = deep[1] + ("L" if deep[2] == "B" or deep[2] == "N" and sys.byteorder == "big" else "B")
    for place, tile in enumerate(low.tile):
        args = other if isinstance(tile.args, str) else (other, *tile.args[1:])
        low.tile[place] = tile._replace(args=args)
    values = np.asarray(image.convert("RGB"), dtype=np.float32) * 256 + np.asarray(low.convert("RGB"))  # (H, W, 3)
    return Image.fromarray((values * (255.0 / _top_of(values))).round().astype(np.uint8))


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to sRGB: deep ones are scaled to 8 bits, transparent ones laid on white."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_8_bit(image)
    if image.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in image.info:
        rgba = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        flat = Image.alpha_composite(white, rgba).convert("RGB")
        flat.info["icc_profile"] = image.info.get("icc_profile")
        image = flat
    return _to_srgb(image)


def _to_srgb(image: Image.Image) -> Image.Image:
    """Convert to RGB by the colour profile in the file, if it has a usable one that is not sRGB itself."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "CMYK"} or b"sRGB" in profile.replace(b"\0", b""):
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # damaged, or meant for another kind of colour: the image is fine
        return image.convert("RGB")
    return image if converted is None else converted


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Scale a grey image of 16 or 32 bits to 8 bits from the least range that holds it, as 12 bits stored in 16."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)  # (H, W)
    low, high = float(values.min()), float(values.max())
    if low >= 0.0 and high <= _RANGES[-1]:
        low, high = 0.0, 1.0 if image.mode == "F" and high <= 1.0 else _top_of(values)
    scaled = (values - low) * (255.0 / max(high - low, 1e-12))
    return Image.fromarray(scaled.round().clip(0, 255).astype(np.uint8))


def _top_of(values: np.ndarray) -> float:
    """Return the largest value of the least depth that holds all values."""
    return min(top for top in _RANGES if values.max() <= top)
