"""Collections of images: labels, scores, neighbours and exports."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from map_images import LABELS, PER_LABEL

from demos.embeddings.collection import (
    Collection,
    collect,
    images_zip,
    neighbours_of,
    score,
    table_csv,
    table_rows,
)


def test_folders_are_labels_and_other_files_are_counted(collection: Collection) -> None:
    assert collection.labels == tuple(kind for kind in LABELS for _ in range(PER_LABEL))
    assert collection.skipped == {"not_an_image": 1}
    assert {collection.image(index).size for index in range(len(collection))} == {(128, 128)}


def test_no_more_images_are_read_than_allowed(archive: Path) -> None:
    few = collect([archive], 7)
    assert len(few) == 7
    assert few.skipped["too_many"] == 3 * PER_LABEL + 1 - 7


def test_neighbours_match_brute_force() -> None:
    features = np.random.default_rng(1).normal(size=(40, 12)).astype(np.float32)
    centred = features - features.mean(axis=0)
    for index in (0, 17, 39):
        cosines = {
            other: centred[index] @ centred[other] / np.linalg.norm(centred[index]) / np.linalg.norm(centred[other])
            for other in range(40)
            if other != index
        }
        expected = sorted(cosines, key=lambda other: -cosines[other])[:6]
        found = neighbours_of(features, index, 6)
        assert [id for id, _ in found] == expected
        np.testing.assert_allclose([cosine for _, cosine in found], [cosines[id] for id in expected], atol=1e-5)


def test_scores_separate_good_from_collapsed_features() -> None:
    rng = np.random.default_rng(0)
    labels = [kind for kind in LABELS for _ in range(10)]
    centres = np.repeat(np.eye(3, 16), 10, axis=0)
    good = (centres * 8 + rng.normal(size=(30, 16))).astype(np.float32)
    found = score(good, good[:, :3], labels, 5)
    assert found.knn_accuracy == pytest.approx(1.0, abs=0.04)
    assert found.chance == pytest.approx(1 / 3)
    assert found.trustworthiness > 0.7
    collapsed = (np.ones((30, 16)) + rng.normal(0, 1e-4, (30, 16))).astype(np.float32)
    assert score(collapsed, good[:, :2], labels, 5).collapse < 0.01
    unlabelled = score(good, good[:, :2], [None] * 30, 5)
    assert unlabelled.knn_accuracy is None and unlabelled.chance is None


def test_the_table_holds_every_image(collection: Collection) -> None:
    coordinates = np.arange(30, dtype=np.float32).reshape(15, 2)
    rows = table_rows(collection, coordinates)
    assert rows[1] == ["blue/1.png", "blue", 2.0, 3.0]
    read = list(csv.reader(io.StringIO(table_csv(collection, coordinates, [1, 4]).decode("utf-8-sig"))))
    assert read == [
        ["id", "file", "label", "x", "y"],
        ["1", "blue/1.png", "blue", "2.0", "3.0"],
        ["4", "blue/4.png", "blue", "8.0", "9.0"],
    ]
    flat = table_csv(collection, np.zeros((15, 3), np.float32), [])
    assert flat == b"\xef\xbb\xbfid,file,label,x,y,z\r\n"


def test_an_exported_lasso_is_read_as_a_labelled_set(collection: Collection, tmp_path: Path) -> None:
    mixed = collection.with_label([1], "a/../b").with_label([2], None)
    path = tmp_path / "lasso.zip"
    path.write_bytes(images_zip(mixed, [0, 1, 2]))
    again = collect([path], 10)
    assert sorted(again.labels, key=str) == [None, "a_.._b", "blue"]
    assert not again.skipped
