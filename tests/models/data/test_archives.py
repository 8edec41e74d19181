"""Reading strangers' zips and folders: what is read, what is left out and why; nothing is unpacked."""

import io
import os
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from intake import Intake, read_images
from PIL import Image

from models.data.archive_entries import Limits, entries_of, labels_of
from models.data.archives import iter_images


def png(colour: tuple[int, int, int] = (200, 30, 40), size: tuple[int, int] = (16, 16)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def jpeg(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 40).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def make_zip(path: Path, entries: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def labels(intake: Intake) -> dict[str, str | None]:
    return {picture.name: picture.label for picture in intake.images}


def check_sum(intake: Intake) -> None:
    assert intake.total == len(intake.images) + sum(intake.skipped.values())
    assert all(count > 0 for count in intake.skipped.values())


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


# --- What is read -----------------------------------------------------------------------------------------


def test_files_folders_and_zips_mixed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "cats").mkdir(parents=True)
    (folder / "dogs").mkdir()
    (folder / "cats" / "a.png").write_bytes(png())
    (folder / "dogs" / "b.png").write_bytes(png())
    single = tmp_path / "single.png"
    single.write_bytes(png((1, 2, 3)))
    archive = make_zip(tmp_path / "set.zip", {"owls/c.png": png(), "bats/d.png": png(), "e.png": png()})
    intake = read_images([folder, single, archive])
    assert labels(intake) == {
        "cats/a.png": "cats",
        "dogs/b.png": "dogs",
        "single.png": None,
        "owls/c.png": "owls",
        "bats/d.png": "bats",
        "e.png": "set",
    }
    assert (intake.skipped, intake.total) == ({}, 6)
    assert intake.images[2].image.getpixel((8, 8)) == (1, 2, 3)


def test_images_are_upright_rgb_and_shrunk(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {"big.jpg": jpeg((900, 300)), "small.png": png(size=(20, 10))})
    big, small = read_images([archive], max_side=90).images
    assert (big.image.mode, big.image.size) == ("RGB", (90, 30))
    assert small.image.size == (20, 10)
    assert read_images([archive], max_side=None).images[0].image.size == (900, 300)


def test_equal_names_of_several_sources_are_numbered(tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        paths.append(tmp_path / str(number) / "image.png")
        paths[-1].write_bytes(png())
    assert [picture.name for picture in read_images(paths).images] == [
        "image.png",
        "image (2).png",
        "image (3).png",
    ]


def test_several_zips_label_what_has_no_folder(tmp_path: Path) -> None:
    cats = make_zip(tmp_path / "cats.zip", {"1.png": png()})
    dogs = make_zip(tmp_path / "dogs.zip", {"dogs/2.png": png()})
    assert labels(read_images([cats, dogs])) == {"1.png": "cats", "dogs/2.png": "dogs"}
    assert labels(read_images([cats])) == {"1.png": None}


def test_zips_in_a_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / "sets").mkdir()
    make_zip(tmp_path / "sets" / "birds.zip", {"owls/1.png": png(), "2.png": png()})
    intake = read_images([tmp_path / "sets"])
    assert labels(intake) == {"birds.zip/owls/1.png": "owls", "birds.zip/2.png": "birds"}


def test_missing_paths_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_images([tmp_path / "missing.zip"])


def test_a_file_of_a_folder_that_cannot_be_opened_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("good.png", "lost.png"):
        (tmp_path / name).write_bytes(png())
    entries = list(entries_of([tmp_path], Limits()))
    (tmp_path / "lost.png").unlink()
    monkeypatch.setattr("models.data.archives.entries_of", lambda *asked: iter(entries))
    intake = read_images([tmp_path])
    assert ([one.name for one in intake.images], intake.skipped) == (["good.png"], {"unreadable": 1})


def test_nothing_to_read(tmp_path: Path) -> None:
    empty = make_zip(tmp_path / "empty.zip", {})
    assert read_images([empty]) == Intake((), {}, 0)
    assert read_images([]) == Intake((), {}, 0)


def test_iteration_is_lazy(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {f"{i}.png": png() for i in range(5)} | {"x.txt": b"words"})
    skipped: Counter[str] = Counter()
    iterator = iter_images([archive], skipped=skipped)
    assert next(iterator).name == "0.png"
    assert not skipped
    assert len(list(iterator)) == 4
    assert skipped == {"not_an_image": 1}


def test_few_images_are_in_memory_at_once(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {f"{i}.jpg": jpeg((1200, 1200)) for i in range(6)})
    tracemalloc.start()
    try:
        for picture in iter_images([archive], max_side=32):
            assert picture.image.size == (32, 32)
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


# --- Labels -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.png", "b.png"], [None, None]),
        (["cats/a.png", "dogs/b.png"], ["cats", "dogs"]),
        (["set/cats/a.png", "set/dogs/b.png"], ["cats", "dogs"]),
        (["set/a.png", "set/b.png"], [None, None]),
        (["set/a.png", "set/dogs/b.png"], [None, "dogs"]),
        (["a.png", "dogs/b.png"], [None, "dogs"]),
        (["train/cats/a.png", "test/cats/b.png", "val/dogs/c.png"], ["cats", "cats", "dogs"]),
        (["set/Train/cats/a.png", "set/VALIDATION/dogs/b.png"], ["cats", "dogs"]),
        (["cats/train/a.png", "dogs/test/b.png"], ["cats", "dogs"]),
        (["train/a.png", "test/b.png"], [None, None]),
        (["trainA/a.png", "testA/b.png", "trainB/c.png"], ["A", "A", "B"]),
        (["Fruit/Apple/Gala/a.png", "Fruit/Pear/b.png"], ["Gala", "Pear"]),
        (["set/readme.txt", "readme.md", "set/cats/a.png", "set/dogs/b.png"], [None, None, "cats", "dogs"]),
        (["__MACOSX/set/._a.png", "set/a.png", "set/dogs/b.png"], ["set", None, "dogs"]),
        (["猫/a.png", "狗/b.png"], ["猫", "狗"]),
        ([], []),
    ],
)
def test_folders_become_labels(names: list[str], expected: list[str | None]) -> None:
    assert labels_of(names) == expected


# --- What is left out -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.png", "unsafe_name"),
        ("a/../../evil.png", "unsafe_name"),
        ("/etc/evil.png", "unsafe_name"),
        ("C:\\evil.png", "unsafe_name"),
        ("C:/evil.png", "unsafe_name"),
        ("..\\evil.png", "unsafe_name"),
        ("\\\\host\\share\\evil.png", "unsafe_name"),
        (".", "unsafe_name"),
        ("__MACOSX/._a.png", "hidden"),
        ("set/__MACOSX/a.png", "hidden"),
        (".hidden.png", "hidden"),
        (".git/a.png", "hidden"),
        ("Thumbs.db", "hidden"),
        ("set/desktop.ini", "hidden"),
    ],
)
def test_names_that_are_left_out(tmp_path: Path, name: str, reason: str) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    archive = make_zip(folder / "set.zip", {name: png(), "good.png": png()})
    before = files_below(tmp_path)
    intake = read_images([archive])
    assert [picture.name for picture in intake.images] == ["good.png"]
    assert intake.skipped == {reason: 1}
    assert files_below(tmp_path) == before
    check_sum(intake)


def test_a_name_with_a_null_is_left_out(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {"good.png": png(), "fineXpng": png()})
    archive.write_bytes(archive.read_bytes().replace(b"fineXpng", b"fine\0png"))
    assert read_images([archive]).skipped == {"unsafe_name": 1}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip_are_left_out(tmp_path: Path, kind: int) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        info = zipfile.ZipInfo("link.png")
        info.create_system = 3
        info.external_attr = (kind | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("good.png", png())
    intake = read_images([tmp_path / "set.zip"])
    assert intake.skipped == {"link": 1}
    assert len(intake.images) == 1


def test_links_and_pipes_in_a_folder_are_left_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(png())
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "good.png").write_bytes(png())
    (inside / "link.png").symlink_to(outside / "secret.png")
    (inside / "folder").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    os.mkfifo(inside / "pipe.png")
    intake = read_images([inside])
    assert [picture.name for picture in intake.images] == ["good.png"]
    assert intake.skipped == {"link": 4}


def test_dotfiles_in_a_folder_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "a.png").write_bytes(png())
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "good.png").write_bytes(png())
    intake = read_images([tmp_path])
    assert (len(intake.images), intake.skipped) == (1, {"hidden": 2})


def test_other_files_in_a_zip_are_counted_by_reason(tmp_path: Path) -> None:
    nested = make_zip(tmp_path / "inner.zip", {"a.png": png()}).read_bytes()
    whole = jpeg((64, 64))
    entries = {
        "good.png": png(),
        "nested.zip": nested,
        "disguised.png": nested,
        "notes.txt": b"words",
        "film.mp4": b"\0\0\0\x18ftypisom" + bytes(100),
        "empty.png": b"",
        "short.jpg": whole[: len(whole) // 2],
        "dot.png": png(size=(1, 1)),
        "drawing.psd": b"8BPS\0\1" + bytes(20),
    }
    intake = read_images([make_zip(tmp_path / "set.zip", entries)])
    assert [picture.name for picture in intake.images] == ["good.png"]
    assert intake.skipped == {
        "nested_archive": 2,
        "not_an_image": 2,
        "empty": 1,
        "truncated": 1,
        "too_small": 1,
        "unsupported": 1,
    }
    check_sum(intake)


def test_folders_in_a_zip_are_not_counted(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {"cats/": b"", "dogs\\": b"", "cats/a.png": png()})
    assert read_images([archive]).total == 1


def test_duplicates_are_left_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.png", png((10, 20, 30)))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.png", png((200, 20, 30)))
        archive.writestr("./a.png", png((200, 20, 30)))
    intake = read_images([tmp_path / "set.zip"])
    assert [picture.image.getpixel((8, 8)) for picture in intake.images] == [(10, 20, 30)]
    assert intake.skipped == {"duplicate": 2}


def test_encrypted_entries_are_left_out(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {"a.png": png(), "b.png": png()})
    data = bytearray(archive.read_bytes())
    flags = data.index(b"PK\x01\x02") + 8
    data[flags] |= 1
    archive.write_bytes(data)
    assert read_images([archive]).skipped == {"encrypted": 1}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_compression_is_left_out(tmp_path: Path, method: int) -> None:
    archive = make_zip(tmp_path / "set.zip", {"a.png": png()}, method)
    assert read_images([archive]).skipped == {"compression": 1}


def test_a_wrong_checksum_is_damage(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {"a.png": png(), "b.png": png((1, 2, 3))}, zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    data[data.index(b"IDAT") + 6] ^= 0xFF
    archive.write_bytes(data)
    intake = read_images([archive])
    assert intake.skipped == {"truncated": 1}
    assert [picture.name for picture in intake.images] == ["b.png"]


# --- Broken archives --------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_zip_is_counted_not_raised(tmp_path: Path, share: float) -> None:
    archive = make_zip(tmp_path / "set.zip", {f"{i}.png": png() for i in range(20)})
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])
    intake = read_images([archive])
    assert (intake.skipped, intake.total) == ({"broken_archive": 1}, 1)


def test_an_index_that_points_elsewhere_is_damage(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {f"{i}.png": png() for i in range(4)})
    data = bytearray(archive.read_bytes())
    first = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, first + 42, len(data) + 999)  # offset of the entry
    archive.write_bytes(data)
    intake = read_images([archive])
    assert (len(intake.images), intake.skipped) == (3, {"truncated": 1})


def test_an_index_of_absurd_size_is_refused_without_reading_it(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {f"{i}.png": png() for i in range(50)})
    assert len(read_images([archive]).images) == 50
    intake = read_images([archive], limits=Limits(max_index_bytes=1000))
    assert intake.skipped == {"broken_archive": 1}


def test_random_damage_never_raises(tmp_path: Path) -> None:
    data = make_zip(tmp_path / "set.zip", {f"{i}/a.png": png() for i in range(4)}).read_bytes()
    rng = np.random.default_rng(0)
    damaged_path = tmp_path / "damaged.zip"
    for _ in range(150):
        damaged = bytearray(data)
        for position in rng.integers(4, len(data), 6):
            damaged[position] = rng.integers(256)
        damaged_path.write_bytes(damaged)
        intake = read_images([damaged_path])
        check_sum(intake)
        assert intake.total >= 1


# --- Bombs and budgets ------------------------------------------------------------------------------------


def blank_bmp(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "BMP")
    return buffer.getvalue()


def test_a_compression_bomb_is_stopped_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = blank_bmp((4000, 4000))
    archive = make_zip(tmp_path / "set.zip", {"bomb.bmp": bomb, "good.png": png()})
    assert archive.stat().st_size < 100_000 < len(bomb)
    unpacked = 0
    read = zipfile.ZipExtFile.read

    def counting_read(stream: zipfile.ZipExtFile, size: int | None = -1) -> bytes:
        nonlocal unpacked
        data = read(stream, size)
        unpacked += len(data)
        return data

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counting_read)
    intake = read_images([archive])
    assert intake.skipped == {"bomb": 1}
    assert [picture.name for picture in intake.images] == ["good.png"]
    assert 0 < unpacked < len(bomb) / 4


def test_a_small_blank_image_is_no_bomb(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {"blank.bmp": blank_bmp((400, 400))})
    assert len(read_images([archive]).images) == 1


def test_sizes_in_the_index_are_not_trusted(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {"bomb.bmp": blank_bmp((3000, 3000))})
    data = bytearray(archive.read_bytes())
    index = data.index(b"PK\x01\x02")
    for claim in (10, 2**32 - 2):
        struct.pack_into("<I", data, index + 24, claim)  # unpacked size
        archive.write_bytes(data)
        intake = read_images([archive])
        assert not intake.images
        assert set(intake.skipped) <= {"bomb", "truncated"}


def test_a_file_over_its_limit_is_left_out(tmp_path: Path) -> None:
    limits = Limits(max_file_bytes=1000)
    path = tmp_path / "noise.jpg"
    path.write_bytes(jpeg((200, 200)))
    archive = make_zip(tmp_path / "set.zip", {"noise.jpg": path.read_bytes(), "good.png": png()})
    assert read_images([archive], limits=limits).skipped == {"too_big": 1}
    assert read_images([path], limits=limits).skipped == {"too_big": 1}


def test_the_budget_of_bytes_holds_for_all_sources_together(tmp_path: Path) -> None:
    first = make_zip(tmp_path / "a.zip", {f"{i}.png": png() for i in range(10)})
    second = make_zip(tmp_path / "b.zip", {f"{i}.png": png() for i in range(10)})
    limits = Limits(max_total_bytes=15 * len(png()))
    intake = read_images([first, second], limits=limits)
    assert (len(intake.images), intake.skipped) == (15, {"over_budget": 5})


def test_the_budget_of_pixels(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {f"{i}.png": png(size=(100, 100)) for i in range(5)})
    intake = read_images([archive], limits=Limits(max_total_pixels=35_000))
    assert (len(intake.images), intake.skipped) == (3, {"over_budget": 2})


def test_an_image_of_too_many_pixels_is_counted(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("1", (8000, 8000)).save(buffer, "PNG")
    archive = make_zip(tmp_path / "set.zip", {"huge.png": buffer.getvalue()})
    assert read_images([archive]).skipped == {"too_large": 1}


def test_ten_thousand_and_one_entries_are_fast(tmp_path: Path) -> None:
    picture = png(size=(8, 8))
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as writer:
        for number in range(10_001):
            writer.writestr(f"{number % 10}/{number}.png", picture)
    start = time.process_time()
    intake = read_images([archive])
    assert time.process_time() - start < 15
    assert (len(intake.images), intake.skipped, intake.total) == (10_000, {"too_many": 1}, 10_001)
    assert intake.images[9_999].label == "9"
    few = read_images([archive], max_images=3)
    assert (len(few.images), few.skipped) == (3, {"too_many": 9_998})


def test_limits_are_for_the_caller_to_set(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {f"{i}.png": png() for i in range(12)})
    few = Limits(max_entries=5)
    assert read_images([archive], limits=few).skipped == {"too_many": 7}
    assert sum(1 for _ in iter_images([archive], limits=few)) == 5


# --- Names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("苹果/1.png".encode(), "苹果/1.png"),
        ("苹果/1.png".encode("gbk"), "苹果/1.png"),
        ("pommes sautées/1.png".encode("cp437"), "pommes sautées/1.png"),
        (b"a\x1b[31m/1.png", "a\ufffd[31m/1.png"),
        (b"cats\\1.png", "cats/1.png"),
        (b"./cats//1.png", "cats/1.png"),
    ],
)
def test_names_in_any_encoding(tmp_path: Path, stored: bytes, shown: str) -> None:
    placeholder = "x" * len(stored)
    archive = make_zip(tmp_path / "set.zip", {placeholder: png(), "other/2.png": png()})
    archive.write_bytes(archive.read_bytes().replace(placeholder.encode(), stored))
    picture = read_images([archive]).images[0]
    assert picture.name == shown
    assert picture.label == shown.split("/")[0]
    picture.name.encode("utf-8")


def zip_with_raw_names(path: Path, names: list[bytes]) -> Path:
    """A zip whose names have these bytes, not marked as UTF-8."""
    placeholders = {f"{place:03d}".ljust(len(name), "x"): name for place, name in enumerate(names)}
    make_zip(path, dict.fromkeys(placeholders, png()))
    content = path.read_bytes()
    for placeholder, name in placeholders.items():
        assert len(placeholder) == len(name)
        content = content.replace(placeholder.encode(), name)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("encoding", "labels"),
    [
        ("gb18030", ["囧图", "苹果"]),
        ("gb18030", ["囧图"]),
        ("gb18030", ["玳瑁"]),
        ("gb18030", ["朱镕基", "喆"]),
        ("gb18030", ["图片（一）"]),
        ("big5", ["圖片", "貓咪"]),
        ("big5", ["蘋果", "香蕉", "中"]),
        ("cp932", ["リンゴ", "写真"]),
        ("cp932", ["みかん"]),
        ("cp866", ["яблоки", "Апельсины"]),
        ("cp437", ["Größe", "Äpfel"]),
        ("cp437", ["señor"]),
        ("cp437", ["Málaga", "Zürich", "façade"]),
        ("utf-8", ["苹果", "Größe"]),
    ],
)
def test_all_names_of_a_zip_are_judged_together(tmp_path: Path, encoding: str, labels: list[str]) -> None:
    names = [f"{label}/{place}.png".encode(encoding) for label in [*labels, "plain"] for place in (1, 22)]
    found = read_images([zip_with_raw_names(tmp_path / "set.zip", names)])
    assert [image.label for image in found.images] == [label for label in [*labels, "plain"] for _ in range(2)]


def test_many_korean_names_are_not_taken_for_chinese_ones(tmp_path: Path) -> None:
    labels = ["사과", "바나나", "포도", "딸기", "수박", "참외", "복숭아", "자두", "감귤", "오렌지", "키위", "망고"]
    names = [f"{label}/1.png".encode("cp949") for label in labels]
    found = read_images([zip_with_raw_names(tmp_path / "set.zip", names)])
    assert [image.label for image in found.images] == labels


def test_the_unicode_name_beside_another_counts_where_it_is_meant_for_it(tmp_path: Path) -> None:
    for checksum, expected in ((zlib.crc32(b"caf\x82/1.png"), "咖啡"), (0, "café")):
        unicode_path = b"\1" + struct.pack("<I", checksum) + "咖啡/1.png".encode()
        info = zipfile.ZipInfo("cafX/1.png")
        info.extra = struct.pack("<HH", 0x7075, len(unicode_path)) + unicode_path
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
            archive.writestr(info, png())
            archive.writestr("tea/2.png", png())
        content = (tmp_path / "set.zip").read_bytes().replace(b"cafX/1.png", b"caf\x82/1.png")
        (tmp_path / "set.zip").write_bytes(content)
        assert read_images([tmp_path / "set.zip"]).images[0].label == expected


def test_composed_and_decomposed_accents_are_one_label(tmp_path: Path) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    archive = make_zip(
        tmp_path / "set.zip", {f"{composed}/1.png": png(), f"{decomposed}/2.png": png(), "tea/3.png": png()}
    )
    folder = tmp_path / "folder"
    for label in (composed, decomposed, "tea"):
        (folder / label).mkdir(parents=True)
        (folder / label / f"{len(label)}.png").write_bytes(png())
    for source in (archive, folder):
        assert {image.label for image in read_images([source]).images} == {composed, "tea"}
    twice = make_zip(tmp_path / "twice.zip", {f"x/{composed}.png": png(), f"x/{decomposed}.png": png()})
    assert [image.name for image in read_images([twice]).images] == [f"x/{composed}.png", f"x/{composed} (2).png"]


def test_joiners_within_a_name_are_kept(tmp_path: Path) -> None:
    family, persian = "\U0001f469\u200d\U0001f467", "\u0645\u06cc\u200c\u062e\u0648\u0631"
    archive = make_zip(
        tmp_path / "set.zip", {f"{family}/1.png": png(), f"{persian}/2.png": png(), "a\u202eb/3.png": png()}
    )
    assert [image.label for image in read_images([archive]).images] == [family, persian, "a\ufffdb"]


def test_a_file_name_that_is_no_unicode(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.png")
    try:
        with open(path, "wb") as file:
            file.write(png())
    except OSError:
        pytest.skip("this file system accepts only Unicode names")
    names = [picture.name for picture in read_images([tmp_path]).images]
    assert names == ["caf\ufffd.png"]
