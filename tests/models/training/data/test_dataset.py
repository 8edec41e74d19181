from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch

from models.training.data.augmentations import TwoViews, crop_and_flip, jitter_colours, luminance, resize
from models.training.data.dataset import batch_index, domain_of, held_out, label_of, load_split
from models.training.distributed import Processes
from models.training.failures import NoImagesError, describe_failure
from models.training.recipes import RECIPES, build_recipe


def test_folders_called_test_or_val_are_held_out_whole() -> None:
    names = ["train/a/1.png", "test/a/1.png", "val/b/2.png", "trainA/x.png", "testA/y.png"]
    assert held_out(names) == {"test/a/1.png", "val/b/2.png", "testA/y.png"}


def test_every_fifth_of_each_class_is_held_out_without_such_folders() -> None:
    names = [f"{label}/{i:02d}.png" for label in ("cat", "dog") for i in range(10)]
    assert held_out(names) == {f"{label}/{i:02d}.png" for label in ("cat", "dog") for i in (4, 9)}


def test_the_last_twentieth_of_a_flat_set_is_held_out() -> None:
    names = [f"{i:03d}.png" for i in range(100)]
    assert held_out(reversed(names)) == {f"{i:03d}.png" for i in range(95, 100)}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([f"{i}.png" for i in range(7)], 0),
        ([f"{i}.png" for i in range(8)], 2),
        ([f"{label}/{i}.png" for label in "abc" for i in range(4)], 2),
        ([f"{i:02d}.png" for i in range(60)], 3),
    ],
)
def test_of_eight_images_at_least_two_are_held_out(names: list[str], expected: int) -> None:
    assert held_out(names) == set(sorted(names)[len(names) - expected :])


def test_few_images_evenly_chosen_are_enough_for_a_measurement(labelled_zip: Path) -> None:
    train, test = load_split([labelled_zip], 16, most=12)
    assert len(train) + len(test) == 12
    assert train.classes == ("shapes/green", "shapes/red")


def test_an_image_that_gets_lost_after_it_was_listed_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "good.png").write_bytes(image_bytes())
    (tmp_path / "lost.png").mkdir()
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("good.png", image_bytes())
        archive.writestr("torn.png", image_bytes())
    content = bytearray((tmp_path / "set.zip").read_bytes())
    place = content.index(b"torn.png") + 20
    content[place : place + 20] = bytes(20)
    (tmp_path / "set.zip").write_bytes(content)
    train, _ = load_split([tmp_path / "set.zip"], 16)
    assert train.names == ("set/good.png",)
    assert "set.zip" in caplog.text


def test_a_file_name_that_starts_with_test_is_no_folder() -> None:
    assert held_out(["train_x.png", "test_y.png"]) == set()


@pytest.mark.parametrize(
    ("name", "label", "domain"),
    [("train/tulip/1.png", "tulip", ""), ("trainA/1.png", "A", "a"), ("1.png", "", ""), ("x/testB/1.png", "x", "b")],
)
def test_labels_and_domains_come_from_folders(name: str, label: str, domain: str) -> None:
    assert (label_of(name), domain_of(name)) == (label, domain)


def test_one_epoch_shows_every_image_once_and_batches_straddle_epochs() -> None:
    stream = torch.cat([batch_index(10, 4, step, seed=3) for step in range(5)])
    assert sorted(stream[:10].tolist()) == list(range(10))
    assert sorted(stream[10:].tolist()) == list(range(10))
    assert not torch.equal(stream[:10], stream[10:])


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    assert torch.equal(batch_index(50, 8, 7, seed=1), batch_index(50, 8, 7, seed=1))
    assert not torch.equal(batch_index(50, 8, 7, seed=1), batch_index(50, 8, 7, seed=2))


def test_a_batch_larger_than_the_set_repeats_it() -> None:
    assert sorted(batch_index(3, 6, 0, seed=0).tolist()) == [0, 0, 1, 1, 2, 2]


def test_load_split_reads_zips_and_counts_classes(labelled_zip: Path) -> None:
    train, test = load_split([labelled_zip], 32)
    assert (len(train), len(test)) == (20, 4)
    assert train.classes == ("shapes/green", "shapes/red")
    assert train.images.shape == (20, 3, 32, 32)
    assert train.images.dtype == torch.uint8
    assert not set(train.names) & set(test.names)


def test_a_damaged_image_is_left_out_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("bad.png", b"\x89PNG\r\n\x1a\n and then nothing")
        archive.writestr("good.png", image_bytes())
    train, _ = load_split([tmp_path / "x.zip"], 16)
    assert train.names == ("x/good.png",)
    assert "bad.png" in caplog.text


def image_bytes(kind: str = "PNG") -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), "teal").save(buffer, format=kind)
    return buffer.getvalue()


def test_what_an_upload_leaves_out_is_not_trained_on_either(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with zipfile.ZipFile(tmp_path / "finder.zip", "w") as archive:
        for i in range(40):
            archive.writestr(f"{i:03d}.png", image_bytes())
            archive.writestr(f"__MACOSX/._{i:03d}.png", b"\0\5\x16\7" + bytes(80))
    folder = tmp_path / "photos"
    (folder / ".thumbnails").mkdir(parents=True)
    for i in range(10):
        (folder / f"{i}.png").write_bytes(image_bytes())
        (folder / ".thumbnails" / f"{i}.png").write_bytes(image_bytes())
    sizes = [[len(part) for part in load_split([source], 16)] for source in (tmp_path / "finder.zip", folder)]
    assert sizes == [[38, 2], [8, 2]]
    assert "40 hidden" in caplog.text


@pytest.mark.parametrize("suffix", [".jp2", ".ppm", ".jfif", ""])
def test_every_format_that_an_upload_may_have_is_read(tmp_path: Path, suffix: str) -> None:
    name = {".jp2": "JPEG2000", ".ppm": "PPM", ".jfif": "JPEG", "": "PNG"}[suffix]
    for i in range(9):
        (tmp_path / f"{i}{suffix}").write_bytes(image_bytes(name))
    (tmp_path / "notes.txt").write_text("words", "utf-8")
    train, test = load_split([tmp_path], 16)
    assert (len(train), len(test)) == (7, 2)
    assert len(load_split([tmp_path], 16, most=3)[0]) == 3


def test_damaged_images_at_the_end_of_a_set_leave_others_held_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for i in range(12):
            archive.writestr(f"{i:03d}.png", image_bytes())
        for i in (990, 991):
            archive.writestr(f"{i}.png", image_bytes()[:60])
    assert load_split([tmp_path / "x.zip"], 16)[1].names == ("x/010.png", "x/011.png")


def test_zips_in_a_folder_are_read_and_their_names_are_labels(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for i in range(5):
                archive.writestr(f"{i}.png", image_bytes())
    train, test = load_split([tmp_path], 16)
    assert train.classes == tuple(f"{tmp_path.name}/{name}" for name in ("cats", "dogs"))
    assert (len(train), len(test)) == (8, 2)


def test_nothing_readable_is_said_with_the_source(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty"):
        load_split([tmp_path / "empty"], 16)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.zip"):
        load_split([tmp_path / "nowhere.zip"], 16)


def test_views_are_in_range_differ_and_repeat_with_the_seed() -> None:
    images = torch.randint(0, 256, (3, 3, 48, 48), dtype=torch.uint8)
    views = TwoViews(32)
    torch.manual_seed(0)
    view1, view2 = views(images)
    torch.manual_seed(0)
    again, _ = views(images)
    assert view1.shape == (3, 3, 32, 32)
    assert view1.min() >= -1
    assert view1.max() <= 1
    assert torch.equal(view1, again)
    assert not torch.equal(view1, view2)


def test_resize_keeps_pixels_at_the_same_size_and_crops_have_the_wanted_size() -> None:
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    assert torch.equal(resize(images, 32), images.float() / 127.5 - 1)
    assert crop_and_flip(images, 24).shape == (2, 3, 24, 24)


def test_a_crop_of_everything_is_the_image_or_its_mirror_image() -> None:
    ramp = torch.arange(0, 256, 8, dtype=torch.uint8).expand(64, 3, 32, 32)  # dark left, bright right
    crops = crop_and_flip(ramp, 32, min_scale=1.0)
    rising = crops[:, 0, 16, -1] > crops[:, 0, 16, 0]
    assert 10 < int(rising.sum()) < 54, "about half are mirrored"
    straight = torch.where(rising.view(-1, 1, 1, 1), crops, crops.flip(-1))
    assert (straight - resize(ramp, 32)).abs().mean() < 0.15, "only the aspect ratio changes"
    assert crop_and_flip(ramp, 32, min_scale=0.1).std(dim=-1).mean() < 0.8 * crops.std(dim=-1).mean()


def test_half_precision_places_no_pixel_elsewhere() -> None:
    images, crops = torch.randint(0, 256, (4, 3, 96, 96), dtype=torch.uint8), []
    for enabled in (False, True):
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            crops.append(crop_and_flip(images, 64))
    assert torch.equal(*crops)


def test_colour_jitter_of_no_strength_changes_nothing_and_keeps_grey_grey() -> None:
    images = torch.rand(6, 3, 8, 8) * 2 - 1
    torch.testing.assert_close(jitter_colours(images, 0.0), images, atol=1e-5, rtol=0)
    grey = luminance(images).expand_as(images) * 0.2
    jittered = jitter_colours(grey, 1.0)
    assert (jittered.amax(dim=1) - jittered.amin(dim=1)).max() < 5e-3, "hue and saturation leave grey alone"
    assert not torch.allclose(jittered, grey, atol=0.01), "brightness and contrast do not"


def test_views_are_the_same_in_half_precision_training() -> None:
    images = torch.randint(0, 256, (4, 3, 24, 24), dtype=torch.uint8)
    views = TwoViews(16)
    torch.manual_seed(3)
    plain, _ = views(images)
    torch.manual_seed(3)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(views(images)[0], plain)


def test_each_of_two_unpaired_sets_holds_out_its_own() -> None:
    a, b = [f"trainA/{i:02d}.png" for i in range(12)], [f"trainB/{i}.png" for i in range(7)]
    assert held_out([*a, *b]) == {a[4], a[9], b[4]}
    assert held_out([*a, *b, "testA/x.png"]) == {"testA/x.png", b[4]}, "a folder of one set says nothing of the other"
    assert held_out([*a, *b[:4]]) == {a[4], a[9]}
    nine = [f"trainB/{i}.png" for i in range(9)]
    assert held_out([*a, *nine]) == {a[4], a[9], *nine[-2:]}, "two of eight or more, in each set"


@pytest.mark.parametrize("folder", ["valA", "val_A", "test-A", "validationA", "testa", "testing_A"])
def test_every_spelling_of_a_split_holds_out_and_names_its_set(folder: str) -> None:
    names = [f"train_B/{i}.png" for i in range(6)] + [f"{folder}/1.png", "trainA/2.png"]
    assert held_out(names) == {"train_B/4.png", f"{folder}/1.png"}
    assert (domain_of(f"{folder}/1.png"), label_of(f"{folder}/1.png")) == ("a", "A")


def test_a_source_called_test_beside_others_is_held_out_whole(tmp_path: Path) -> None:
    for folder, count in (("trainA", 6), ("testA", 3)):
        (tmp_path / folder).mkdir()
        for i in range(count):
            (tmp_path / folder / f"{i}.png").write_bytes(image_bytes())
    train, test = load_split([tmp_path / "trainA", tmp_path / "testA"], 16)
    assert (len(train), test.names) == (6, tuple(f"testA/{i}.png" for i in range(3)))
    assert len(load_split([tmp_path / "testA"], 16)[0]) == 3, "alone it is what there is"


def test_a_measurement_sees_both_sets_however_uneven_they_are(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for folder, count in (("trainA", 60), ("trainB", 3)):
            for i in range(count):
                archive.writestr(f"{folder}/{i:02d}.png", image_bytes())
    train, test = load_split([tmp_path / "x.zip"], 16, most=8)
    assert {domain_of(name) for name in (*train.names, *test.names)} == {"a", "b"}


def test_a_source_without_a_usable_image_is_refused_with_the_reasons(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "locked.zip", "w") as archive:
        for i in range(12):
            archive.writestr(f"{i}.png", image_bytes())
    content = bytearray((tmp_path / "locked.zip").read_bytes())
    for start, flag in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        place = -1
        while (place := content.find(start, place + 1)) >= 0:
            content[place + flag] |= 1  # encrypted
    (tmp_path / "locked.zip").write_bytes(content)
    with pytest.raises(NoImagesError, match="12 encrypted"):
        load_split([tmp_path / "locked.zip"], 16)


def test_only_images_that_cannot_be_read_are_said_to_be_unreadable(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(image_bytes())
    config = RECIPES["vae"].Config()
    with pytest.raises(ValueError, match="None of 1 pictures is held out") as few:
        build_recipe("vae", config, [tmp_path], Processes())
    with pytest.raises(ValueError, match="All pictures are held out") as all_held:
        batch_index(0, 4, 0, seed=0)
    assert [describe_failure(each.value)[0] for each in (few, all_held)] == ["refused", "refused"]
    (tmp_path / "one.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(NoImagesError) as none:
        build_recipe("vae", config, [tmp_path], Processes())
    assert describe_failure(none.value)[0] == "no_pictures"
