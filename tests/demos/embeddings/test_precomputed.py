"""Files for the first paint."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demos.embeddings.collection import (
    GRID_DISTANCES,
    GRID_NEIGHBOURS,
    Collection,
    ImageMap,
    Scores,
    Settings,
)
from demos.embeddings.precomputed import Precomputed, load_set, save_set


def cosines_of(features: np.ndarray) -> np.ndarray:
    centred = features - features.mean(axis=0)
    directions = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(directions @ directions.T)


def test_precomputed_files_are_small_and_precise(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(480, 256)).astype(np.float32)
    scores = Scores(0.5, 0.1, 0.9, 0.85, 0.8)
    usual = {Settings("simsiam", dims): dims for dims in (2, 3)}
    grid = {Settings("simsiam", n_neighbors=k, min_dist=d): 2 for k in GRID_NEIGHBOURS for d in GRID_DISTANCES}
    maps = {
        settings: ImageMap(rng.normal(size=(480, dims)).astype(np.float32) * 8, scores, 1.0)
        for settings, dims in {**usual, **grid}.items()
    }
    Precomputed(features, 1.5, maps).save(tmp_path / "simsiam.npz")
    assert (tmp_path / "simsiam.npz").stat().st_size < 400_000
    read = Precomputed.load(tmp_path / "simsiam.npz", 480)
    np.testing.assert_allclose(cosines_of(read.features), cosines_of(features), atol=0.02)
    assert read.maps.keys() == maps.keys()
    for settings, drawn in maps.items():
        np.testing.assert_allclose(read.maps[settings].coordinates, drawn.coordinates, atol=0.002)
    known = read.maps[Settings("simsiam")]
    assert known.scores == scores and known.seconds is None and read.seconds == 1.5
    with pytest.raises(ValueError, match="480 pictures, not 12"):
        Precomputed.load(tmp_path / "simsiam.npz", 12)


def test_a_saved_set_of_other_images_is_refused(collection: Collection, archive: Path, tmp_path: Path) -> None:
    save_set(collection, tmp_path)
    read = load_set(tmp_path, archive, 2000)
    assert (read.names, read.labels, read.jpegs) == (collection.names, collection.labels, collection.jpegs)
    shown, drawn = (np.asarray(Image.open(io.BytesIO(one.sprite.sheets[0])), int) for one in (read, collection))
    assert read.sprite.suffix == ".webp" and np.abs(shown - drawn).mean() < 8
    assert len(read.sprite.sheets) == len(collection.sprite.sheets) == 1
    with pytest.raises(ValueError, match="other pictures"):
        _ = load_set(tmp_path, archive, 3).jpegs
