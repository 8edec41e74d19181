"""Reading images: every format and mode, every way in which a file can be bad, and exact round trips."""

import io
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, features

from models.data.file_kinds import file_kind
from models.data.images import (
    MAX_PIXELS,
    ImageError,
    fit_within,
    has_image_suffix,
    read_image,
    square_crop,
    to_images,
    to_tensor,
)

RED, GREEN, BLUE, GREY = (230, 20, 30), (20, 200, 40), (10, 30, 220), (120, 120, 120)


def quadrants(width: int = 48, height: int = 32) -> Image.Image:
    """An image whose four quarters differ: red, green over blue, grey."""
    image = Image.new("RGB", (width, height), GREY)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    return image


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours at the centres of the four quarters: top left, top right, bottom left, bottom right."""
    width, height = image.size
    points = [(width // 4 + i * width // 2, height // 4 + j * height // 2) for j in (0, 1) for i in (0, 1)]
    return [image.getpixel(point) for point in points]  # type: ignore[misc]


def assert_looks_like(image: Image.Image, expected: Image.Image, tolerance: int = 14) -> None:
    assert image.mode == "RGB"
    assert image.size == expected.size
    difference = np.abs(np.asarray(image).astype(int) - np.asarray(expected.convert("RGB")).astype(int))
    assert np.median(difference) <= tolerance
    assert np.abs(np.subtract(corners(image), corners(expected.convert("RGB")))).max() <= tolerance


def png_header(width: int, height: int) -> bytes:
    """A PNG of the claimed size that ends where its data would begin."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return start + struct.pack(">I", 1000) + b"IDAT"


def error_of(source: bytes | Path, name: str = "photo.png") -> ImageError:
    with pytest.raises(ImageError) as caught:
        read_image(source, name=name)
    return caught.value


FORMATS = ["JPEG", "PNG", "GIF", "BMP", "TIFF", "PPM", "QOI", "WEBP", "AVIF", "JPEG2000"]
NEEDS = {"WEBP": "webp", "AVIF": "avif", "JPEG2000": "jpg_2000"}


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read(kind: str) -> None:
    if kind in NEEDS and not features.check(NEEDS[kind]):
        pytest.skip(f"this Pillow is built without {kind}")
    assert_looks_like(read_image(encode(quadrants(), kind)), quadrants())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F", "LAB"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    grey = mode in {"1", "L", "LA", "I;16", "I", "F"}
    source = quadrants().convert("L") if grey else quadrants()
    if mode == "I;16":
        source = Image.fromarray(np.asarray(source).astype(np.uint16) * 257)
    else:
        source = source.convert(mode, palette=Image.Palette.ADAPTIVE)
    kind = {"CMYK": "JPEG", "YCbCr": "JPEG", "LAB": "TIFF", "F": "TIFF", "I": "TIFF"}.get(mode, "PNG")
    expected = source if mode == "1" else quadrants().convert("L" if grey else "RGB")
    image = read_image(encode(source, kind))
    if mode == "1":
        assert set(np.unique(np.asarray(image))) == {0, 255}
        assert np.array_equal(np.asarray(image)[..., 0] > 0, np.asarray(expected))
    else:
        assert_looks_like(image, expected)


def test_cmyk_of_a_jpeg_is_not_inverted() -> None:
    cmyk = Image.merge("CMYK", [Image.new("L", (32, 32), value) for value in (0, 255, 255, 0)])
    red, green, blue = read_image(encode(cmyk, "JPEG")).getpixel((16, 16))  # type: ignore[misc]
    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bits_are_scaled_not_cut(order: str) -> None:
    values = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(order)
    grey = np.asarray(read_image(encode(Image.fromarray(values), "TIFF")))[..., 0]
    assert np.abs(grey - values.astype(float) / 257).max() <= 0.5


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["<u2", ">u2", "<i4", "<f4"])
def test_fewer_bits_than_the_file_has_room_for_fill_the_range(bits: int, kind: str) -> None:
    values = np.linspace(0, 2**bits - 1, 32 * 32).reshape(32, 32).round().astype(kind)
    grey = np.asarray(read_image(encode(Image.fromarray(values), "TIFF")))[..., 0]
    assert np.abs(grey - values.astype(float) * 255 / (2**bits - 1)).max() <= 0.51


def colours_of_16_bits(values: np.ndarray, kind: str) -> bytes:
    """A PNG, or a TIFF in either byte order, of (H, W, 3) values; Pillow writes none."""
    height, width, _ = values.shape
    if kind == "PNG":
        rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
        parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows))]
        chunks = (
            struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d))
            for n, d in [*parts, (b"IEND", b"")]
        )
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
    order, packed = ("<", b"II") if kind == "<u2" else (">", b"MM")
    data = values.astype(kind).tobytes()
    entries = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 8 + len(data)), (259, 3, 1, 1), (262, 3, 1, 2),
               (273, 4, 1, 8), (277, 3, 1, 3), (278, 3, 1, height), (279, 4, 1, len(data))]  # fmt: skip
    table = struct.pack(order + "H", len(entries))
    for tag, form, count, value in entries:
        field = struct.pack(
            order + ("HH" if form == 3 and count == 1 else "I"), *([value, 0] if form == 3 and count == 1 else [value])
        )
        table += struct.pack(order + "HHI", tag, form, count) + field
    head = packed + struct.pack(order + "HI", 42, 8 + len(data) + 6)
    return head + data + struct.pack(order + "HHH", 16, 16, 16) + table + bytes(4)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("kind", ["<u2", ">u2", "PNG"])
def test_colours_of_fewer_bits_than_the_file_has_room_for_fill_the_range(bits: int, kind: str) -> None:
    values = np.linspace(0, 2**bits - 1, 32 * 32 * 3).reshape(32, 32, 3).round().astype("<u2")
    shown = np.asarray(read_image(colours_of_16_bits(values, kind))).astype(float)
    assert np.abs(shown - values * (255.0 / (2**bits - 1))).max() <= 1.01


@pytest.mark.parametrize("stored", ["png", "bmp"])
def test_the_largest_picture_of_an_icon_is_read(stored: str) -> None:
    red = Image.new("RGBA", (64, 64), (255, 0, 0, 255))
    content = encode(red, "ICO", bitmap_format=stored, sizes=[(16, 16), (48, 48)])
    image = read_image(content, name="site.ico")
    assert (image.size, image.getpixel((20, 20))) == ((48, 48), (255, 0, 0))
    assert has_image_suffix("site.ICO")


def test_an_icon_is_no_way_around_the_limits() -> None:
    whole = encode(Image.new("RGB", (32, 32)), "ICO", sizes=[(32, 32)])
    bomb = encode(Image.new("1", (8000, 8000)), "PNG")
    entry = struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(bomb), 22)
    assert error_of(entry + bomb).code == "too_large"
    large = struct.pack("<IiiHHIIiiII", 40, 9000, 18000, 1, 32, 0, 0, 0, 0, 0, 0)
    assert error_of(struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, 40, 22) + large).code == "truncated"
    for damaged in (b"\0\0\1\0\1\0", b"\0\0\1\0\0\0", whole[:60], whole[:20]):
        assert error_of(damaged).code == "truncated"


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 255.0), (0.0, 65535.0), (-3.0, 7.0)])
def test_floating_point_uses_the_whole_range(low: float, high: float) -> None:
    values = np.linspace(low, high, 16 * 16, dtype=np.float32).reshape(16, 16)
    values[0, 1] = np.nan
    grey = np.asarray(read_image(encode(Image.fromarray(values), "TIFF")))[..., 0]
    assert (grey[0, 0], grey[-1, -1]) == (0, 255)
    assert grey[8, 0] == pytest.approx(128, abs=2)


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    half = Image.new("RGBA", (16, 16), (0, 0, 0, 128))
    assert read_image(encode(clear, "PNG")).getpixel((8, 8)) == (255, 255, 255)
    assert read_image(encode(half, "PNG")).getpixel((8, 8)) == (127, 127, 127)
    assert read_image(encode(half.convert("LA"), "PNG")).getpixel((8, 8)) == (127, 127, 127)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_transparent_palette_is_laid_on_white(kind: str) -> None:
    palette = Image.new("P", (16, 16), 1)
    palette.putpalette([10, 20, 30, 200, 0, 0])
    palette.paste(0, (0, 0, 8, 16))
    image = read_image(encode(palette, kind, transparency=0))
    assert image.getpixel((2, 8)) == (255, 255, 255)
    assert image.getpixel((12, 8)) == (200, 0, 0)


def test_transparent_colour_of_a_grey_or_rgb_png_is_white() -> None:
    grey = read_image(encode(Image.new("L", (16, 16), 70), "PNG", transparency=70))
    coloured = read_image(encode(Image.new("RGB", (16, 16), RED), "PNG", transparency=RED))
    assert grey.getpixel((8, 8)) == coloured.getpixel((8, 8)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_an_animation(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, GREEN, BLUE)]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
    assert np.abs(np.subtract(read_image(data).getpixel((8, 8)), RED)).max() <= 8  # type: ignore[arg-type]


STORED_AS = {  # orientation tag -> what was done to the upright image before it was stored
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(kind: str, orientation: int) -> None:
    operation = STORED_AS[orientation]
    stored = quadrants() if operation is None else quadrants().transpose(operation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, object] = {"quality": 95} if kind == "JPEG" else {}
    data = encode(stored, kind, exif=exif, **options)
    assert_looks_like(read_image(data), quadrants())
    assert read_image(data, max_side=24).size == (24, 16)


def test_an_invalid_orientation_is_ignored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 99
    assert_looks_like(read_image(encode(quadrants(), "JPEG", exif=exif)), quadrants())


def profile_with_swapped_colours() -> bytes:
    """An sRGB profile whose red and green primaries are exchanged, so that its effect cannot be missed."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for position in range(132, 132 + 12 * struct.unpack(">I", profile[128:132])[0], 12):
        tag = bytes(profile[position : position + 4])
        profile[position : position + 4] = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}.get(tag, tag)
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "Test".encode("utf-16-be"))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_colour_profile_is_applied(mode: str) -> None:
    red = Image.new("RGB", (16, 16), (255, 0, 0)).convert(mode)
    read = read_image(encode(red, "PNG", icc_profile=profile_with_swapped_colours()))
    assert np.abs(np.subtract(read.getpixel((8, 8)), (0, 255, 0))).max() <= 3  # type: ignore[arg-type]


@pytest.mark.parametrize("profile", [b"rubbish", b"\0" * 200])
def test_an_unusable_colour_profile_is_ignored(profile: bytes) -> None:
    assert read_image(encode(Image.new("RGB", (16, 16), RED), "PNG", icc_profile=profile)).getpixel((8, 8)) == RED


def test_a_profile_of_another_kind_of_colour_is_ignored() -> None:
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    data = encode(cmyk, "JPEG", icc_profile=profile_with_swapped_colours())
    assert np.abs(np.subtract(read_image(data).getpixel((8, 8)), (255, 0, 0))).max() <= 15  # type: ignore[arg-type]


def test_metadata_is_dropped() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera maker"
    image = read_image(encode(quadrants(), "JPEG", exif=exif))
    assert image.info == {}
    assert b"Camera maker" not in encode(image, "JPEG")
    assert not image.getexif()


def test_max_side_shrinks_and_never_enlarges() -> None:
    data = encode(quadrants(1200, 600), "JPEG")
    assert read_image(data, max_side=100).size == (100, 50)
    assert_looks_like(read_image(data, max_side=100), quadrants(100, 50))
    assert read_image(data, max_side=5000).size == (1200, 600)


def test_paths_bytes_and_streams_give_the_same(tmp_path: Path) -> None:
    data = encode(quadrants(), "PNG")
    path = tmp_path / "picture.txt"
    path.write_bytes(data)
    stream = io.BytesIO(data)
    stream.read(10)
    expected = read_image(data).tobytes()
    assert read_image(path).tobytes() == read_image(str(path)).tobytes() == expected
    assert read_image(stream).tobytes() == expected
    assert not stream.closed


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_image(tmp_path / "nothing.png")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_truncated(kind: str, share: float) -> None:
    noise = Image.effect_noise((64, 64), 80).convert("RGB")
    data = encode(noise, kind)
    error = error_of(data[: max(16, int(len(data) * share))])
    assert error.code == "truncated"
    assert str(error).startswith("photo.png is cut short")


def test_empty() -> None:
    assert error_of(b"").code == "empty"
    assert "0 bytes" in str(error_of(b""))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<svg width='3'/>", "SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
        (b"\x1a\x45\xdf\xa3 webm", "video"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio"),
        (b"<!DOCTYPE html><html><svg></html>", "web page"),
        (b"PK\x03\x04", "zip"),
        (b"\x7fELF\x02\x01", "program"),
        (b"just some words", "text"),
        (b"BM for a text that begins like a bitmap", "text"),
        ("图片".encode(), "text"),
        (bytes(range(200, 256)) + b"\0\1\2", "unknown"),
    ],
)
def test_other_files_are_named(data: bytes, kind: str) -> None:
    error = error_of(data, name="thing")
    assert (error.code, error.values["kind"]) == ("not_an_image", kind)
    assert str(error) == f"thing is not a picture (file type: {kind}): choose a JPEG, PNG or WebP picture."


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"8BPS\0\1", "Photoshop (PSD)"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    ],
)
def test_unreadable_formats_are_named(data: bytes, kind: str) -> None:
    error = error_of(data)
    assert (error.code, error.values["kind"]) == ("unsupported", kind)
    assert kind in str(error)
    assert "save it as JPEG or PNG" in str(error)


def test_heic_is_named_where_no_decoder_is_installed() -> None:
    Image.init()
    assert file_kind(b"\0\0\0\x18ftypheic").name == "HEIC"
    error = error_of(b"\0\0\0\x18ftypheic" + bytes(64), name="IMG_0001.HEIC")
    assert error.code == ("truncated" if "HEIF" in Image.OPEN else "unsupported")


@pytest.mark.parametrize(("kind", "decoder"), [("AVIF", "AVIF"), ("WEBP", "WEBP")])
def test_formats_that_pillow_was_built_without(kind: str, decoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(quadrants(), kind)
    monkeypatch.delitem(Image.OPEN, decoder)
    assert error_of(data).code == "unsupported"


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(10_000, 9_000), (100_000, 100_000), (7072, 7072), (2**31 - 1, 2**31 - 1)])
def test_over_fifty_megapixels_is_refused_by_the_header(size: tuple[int, int]) -> None:
    assert size[0] * size[1] > MAX_PIXELS
    error = error_of(png_header(*size))
    assert (error.code, error.values["limit"]) == ("too_large", 50)
    assert "50 megapixels" in str(error)


def test_fifty_megapixels_pass_the_header() -> None:
    assert error_of(png_header(10_000, 5_000)).code == "truncated"  # the check passed, the data are missing


@pytest.mark.parametrize("size", [(1, 1), (7, 100), (100, 7), (1, 100_000)])
def test_too_small(size: tuple[int, int]) -> None:
    error = error_of(encode(Image.new("RGB", size), "PNG"))
    assert error.code == "too_small"
    assert f"{size[0]} x {size[1]}" in str(error)


def test_eight_pixels_suffice() -> None:
    assert read_image(encode(Image.new("RGB", (8, 8)), "PNG")).size == (8, 8)


def test_random_bytes_behind_a_signature_never_escape_as_another_error() -> None:
    rng = np.random.default_rng(0)
    good = [encode(quadrants(), kind) for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000")]
    for data in good:
        for _ in range(25):
            damaged = bytearray(data)
            for position in rng.integers(0, len(data), 8):
                damaged[position] = rng.integers(256)
            try:
                assert read_image(bytes(damaged)).mode == "RGB"
            except ImageError as error:
                assert str(error)


def test_the_error_survives_pickling_and_cleans_the_name() -> None:
    error = error_of(b"", name="a\nb\u202e.png")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(error, ValueError)
    assert (str(copy), copy.code, copy.values) == (str(error), error.code, error.values)
    assert str(error).startswith("a\ufffdb\ufffd.png is")
    assert str(ImageError("empty")).startswith("This file is")


def test_square_crop_takes_the_centre() -> None:
    image = Image.new("RGB", (60, 20), RED)
    image.paste(GREEN, (20, 0, 40, 20))
    assert np.array_equal(np.asarray(square_crop(image, 20)), np.full((20, 20, 3), GREEN))
    assert square_crop(image, 33).size == (33, 33)
    same = square_crop(quadrants(32, 32), 32)
    assert same.tobytes() == quadrants(32, 32).tobytes()
    with pytest.raises(ValueError, match="got 0"):
        square_crop(image, 0)


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (257, 255), (100, 37), (8, 8), (3000, 9), (4001, 4000)])
@pytest.mark.parametrize(("side", "multiple"), [(256, 4), (64, 16), (130, 4), (7, 1)])
def test_fit_within(size: tuple[int, int], side: int, multiple: int) -> None:
    fitted = fit_within(quadrants(*size), side, multiple)
    assert all(length % multiple == 0 and multiple <= length <= side for length in fitted.size)
    expected = [length * min(1.0, side / max(size)) for length in size]
    for length, wanted in zip(fitted.size, expected, strict=True):
        assert length == multiple or wanted - multiple <= length <= wanted + 1e-6


def test_fit_within_keeps_a_fitting_image_as_it_is() -> None:
    assert fit_within(quadrants(64, 48), 64).tobytes() == quadrants(64, 48).tobytes()
    assert fit_within(quadrants(64, 48), 256).size == (64, 48)


@pytest.mark.parametrize(("side", "multiple"), [(3, 4), (10, 0), (0, 1)])
def test_fit_within_refuses_impossible_sizes(side: int, multiple: int) -> None:
    with pytest.raises(ValueError, match=f"multiple={multiple} and side={side}"):
        fit_within(quadrants(), side, multiple)


def test_tensor_round_trip_is_exact_for_every_value() -> None:
    values = np.stack([np.roll(np.arange(256, dtype=np.uint8), shift) for shift in (0, 85, 170)], axis=-1)
    ramp = Image.fromarray(np.ascontiguousarray(values.reshape(16, 16, 3)))
    assert to_images(to_tensor(ramp))[0].tobytes() == ramp.tobytes()


@pytest.mark.parametrize("seed", range(8))
def test_tensor_round_trip_of_random_images(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, height, width = rng.integers(1, 5), *rng.integers(1, 40, 2)
    images = [Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)) for _ in range(count)]
    tensor = to_tensor(images)
    assert tensor.shape == (count, 3, height, width)
    assert tensor.dtype == torch.float32
    assert [image.tobytes() for image in to_images(tensor)] == [image.tobytes() for image in images]


def test_tensor_range_layout_and_clamping() -> None:
    image = Image.new("RGB", (2, 1), (255, 0, 0))
    image.putpixel((1, 0), (0, 255, 0))
    expected = torch.tensor([[[1.0, -1.0]], [[-1.0, 1.0]], [[-1.0, -1.0]]])[None]
    assert torch.equal(to_tensor(image), expected)
    assert to_images(expected * 9)[0].tobytes() == image.tobytes()
    assert to_images(expected.half())[0].tobytes() == image.tobytes()


def test_tensors_refuse_what_they_cannot_hold() -> None:
    with pytest.raises(ValueError, match="one size"):
        to_tensor([Image.new("RGB", (8, 8)), Image.new("RGB", (9, 8))])
    with pytest.raises(ValueError, match="one or more"):
        to_tensor([])
    with pytest.raises(ValueError, match=r"\(3, 8, 8\)"):
        to_images(torch.zeros(3, 8, 8))
    with pytest.raises(ValueError, match="NaN"):
        to_images(torch.full((1, 3, 8, 8), float("nan")))
