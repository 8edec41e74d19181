"""The audit of images before training: what is kept, set aside, skipped, repeated, blurred and uneven."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from models.training.data.audit import (
    TooFewImagesError,
    balance,
    count_near_duplicates,
    holds_two_sets,
    perceptual_hash,
    sharpness,
    take_in,
)
from models.training.data.dataset import domain_of, label_of, load_split


def texture(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """An image of coarse blocks with fine noise on top."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noise = rng.integers(-20, 20, (size[1], size[0], 3))
    return Image.fromarray((np.asarray(coarse).astype(int) + noise).clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "PNG", **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as target:
        for name, content in files.items():
            target.writestr(name, content)
    return path


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Fifteen cats and five dogs."""
    names = [f"cat/{i:02d}.png" for i in range(15)] + [f"dog/{i:02d}.png" for i in range(5)]
    return archive(tmp_path / "pets.zip", {name: encoded(texture(i)) for i, name in enumerate(names)})


def test_labels_become_folders_that_the_trainer_reads(labelled: Path, tmp_path: Path) -> None:
    audit = take_in([labelled], tmp_path / "data")
    assert (audit.count, audit.total, audit.labels) == (20, 20, {"cat": 15, "dog": 5})
    assert balance(audit.labels) == ("cat", "dog", 3.0)
    assert audit.held_out == 4, "every fifth of each label"
    train, test = load_split([tmp_path / "data"], 16)
    assert (len(train), len(test)) == (16, 4)
    assert len(train.classes) == 2
    assert {label_of(name) for name in train.names} == {label_of(name) for name in test.names}
    assert audit.thumbnails.size == (12 * 64, 2 * 64)


def test_a_set_of_a_pair_goes_into_its_domain(labelled: Path, tmp_path: Path) -> None:
    for domain in ("A", "B"):
        assert take_in([labelled], tmp_path / "data", domain).labels == {}
    train, test = load_split([tmp_path / "data"], 16)
    assert {domain_of(name) for name in train.names} == {domain_of(name) for name in test.names} == {"a", "b"}


def test_a_zip_that_holds_both_sets_is_taken_apart(labelled: Path, tmp_path: Path) -> None:
    places = [(f"pair/{split}{domain}/{i}.png", i) for split in ("train", "test") for domain in "AB" for i in range(5)]
    files = {name: encoded(texture(place)) for place, (name, _) in enumerate(places)}
    both = archive(tmp_path / "both.zip", {**files, "pair/trainB/notes.txt": b"no picture"})
    only_b = archive(tmp_path / "b.zip", {name: content for name, content in files.items() if "B/" in name})
    assert holds_two_sets([both]) and not holds_two_sets([labelled]) and not holds_two_sets([only_b])
    a, b = (take_in([both], tmp_path / "data", domain) for domain in ("A", "B"))
    assert (a.count, a.held_out, a.skipped) == (10, 5, {})
    assert (b.count, b.held_out, b.skipped) == (10, 5, {"not_an_image": 1})
    train, test = load_split([tmp_path / "data"], 16)
    assert [sum(domain_of(name) == "a" for name in names) for names in (train.names, test.names)] == [5, 5]
    assert take_in([only_b], tmp_path / "first", "A").count == 10, "one set is what it is brought as"


def test_copies_broken_files_and_bombs_are_counted_and_left_out(tmp_path: Path) -> None:
    pictures = {f"{i}.png": encoded(texture(i)) for i in range(6)}
    others = {
        "copy.png": pictures["0.png"],
        "half.png": pictures["1.png"][:200],
        "note.txt": b"no picture",
        "../out.png": pictures["2.png"],
        ".DS_Store": b"\0",
    }
    audit = take_in([archive(tmp_path / "mixed.zip", {**pictures, **others})], tmp_path / "data")
    assert audit.count == 6
    assert audit.skipped == {"repeated": 1, "truncated": 1, "not_an_image": 1, "unsafe_name": 1, "hidden": 1}
    assert audit.total == audit.count + sum(audit.skipped.values())
    assert {path.parent.parent for path in (tmp_path / "data").rglob("*.webp")} <= {tmp_path / "data"} | {tmp_path}


@pytest.mark.parametrize("size", [(1000, 12), (12, 1000), (1920, 8), (2000, 9)])
def test_what_becomes_too_thin_when_it_shrinks_is_left_out(tmp_path: Path, size: tuple[int, int]) -> None:
    files = {f"{i}.png": encoded(texture(i)) for i in range(5)} | {"line.png": encoded(texture(9, size))}
    audit = take_in([archive(tmp_path / "thin.zip", files)], tmp_path / "data")
    assert (audit.count, audit.skipped) == (5, {"too_narrow": 1})


def test_untrusted_labels_make_no_path(tmp_path: Path) -> None:
    names = [f"{folder}/{i}.png" for folder in ("a b:c*?", "…") for i in range(6)]
    source = archive(tmp_path / "odd.zip", {name: encoded(texture(i)) for i, name in enumerate(names)})
    take_in([source], tmp_path / "data")
    folders = {path.parent.name for path in (tmp_path / "data").rglob("*.webp")}
    assert all(set(name) <= set("0123456789abc-") for name in folders), folders
    assert len(folders) == 2


@pytest.mark.parametrize("count", [4, 7])
def test_few_images_without_labels_still_leave_some_to_measure_with(tmp_path: Path, count: int) -> None:
    source = archive(tmp_path / "few.zip", {f"{i}.png": encoded(texture(i)) for i in range(count)})
    audit = take_in([source], tmp_path / "data")
    train, test = load_split([tmp_path / "data"], 16)
    assert len(test) == audit.held_out >= 1
    assert len(train) == count - len(test)


def test_what_a_source_held_out_stays_held_out(tmp_path: Path) -> None:
    files = {f"{part}/{i}.png": encoded(texture(10 * len(part) + i)) for part in ("train", "test") for i in range(6)}
    assert take_in([archive(tmp_path / "split.zip", files)], tmp_path / "data").held_out == 6


def test_too_few_is_an_error_that_says_how_many(tmp_path: Path) -> None:
    source = archive(tmp_path / "two.zip", {"a.png": encoded(texture(0)), "b.png": encoded(texture(1)), "c.txt": b"?"})
    with pytest.raises(TooFewImagesError, match="at least 8") as caught:
        take_in([source], tmp_path / "data", fewest=8)
    assert (caught.value.count, caught.value.skipped) == (2, {"not_an_image": 1})


def test_more_than_allowed_are_not_even_read(labelled: Path, tmp_path: Path) -> None:
    audit = take_in([labelled], tmp_path / "data", max_images=12)
    assert (audit.count, audit.skipped) == (12, {"too_many": 8})


def test_a_copy_that_was_resized_and_compressed_is_a_near_duplicate() -> None:
    images = [texture(i) for i in range(12)]
    small = Image.open(io.BytesIO(encoded(images[3].resize((64, 48)), "JPEG", quality=60)))
    hashes = torch.stack([perceptual_hash(image) for image in [*images, small]])
    assert count_near_duplicates(hashes[:-1]) == 0
    assert count_near_duplicates(hashes) == 1


def test_near_duplicates_across_blocks_are_seen() -> None:
    hashes = torch.randint(0, 2, (1100, 63), generator=torch.Generator().manual_seed(0)) * 2.0 - 1
    assert count_near_duplicates(torch.cat([hashes, hashes[:3]])) == 3


def test_blur_lowers_the_sharpness_and_is_counted(tmp_path: Path) -> None:
    sharp = texture(1)
    blurred = sharp.filter(ImageFilter.GaussianBlur(4))
    assert sharpness(blurred) < 40 < sharpness(sharp)
    files = {f"{i}.png": encoded(texture(i)) for i in range(5)} | {"soft.png": encoded(blurred)}
    audit = take_in([archive(tmp_path / "soft.zip", files)], tmp_path / "data")
    assert (audit.blurred, audit.smooth) == (1, False)
