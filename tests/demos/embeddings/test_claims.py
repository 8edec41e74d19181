"""What the texts of the map say is what the built-in set, its table and the cards show."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from PIL import Image

from demos.core.context import FIRST_PAINT
from demos.embeddings.collection import KNN, collect, label_indices
from demos.embeddings.precomputed import Precomputed, Row, load_rows
from demos.embeddings.tab import BUILT_IN_SET
from models.analysis.metrics import centred_directions, knn_accuracy, std_of_l2_normalized
from models.checkpoints import weights_info

FOLDER = FIRST_PAINT / "embeddings"
WITHOUT_LABELS = ("simclr", "moco", "simsiam")


@pytest.fixture(scope="module")
def rows() -> Mapping[str, Row]:
    return load_rows(FOLDER)


def knn(row: Row) -> float:
    assert row.scores.knn_accuracy is not None
    return row.scores.knn_accuracy


def test_labels_help_on_photos_like_those_learned_from_and_not_on_the_renderings(rows: Mapping[str, Row]) -> None:
    assert knn(rows["supervised"]) < min(knn(rows[name]) for name in WITHOUT_LABELS)
    cards = {name: weights_info(f"{name}-photos").metrics for name in (*WITHOUT_LABELS, "supervised")}
    measures = [name for name in cards["supervised"] if name.startswith("knn_")]
    assert len(measures) > 1
    for measure in measures:
        assert cards["supervised"][measure] > max(cards[name][measure] for name in WITHOUT_LABELS), measure


def test_thumbnails_do_better_than_mae_and_the_vae_does_too(rows: Mapping[str, Row]) -> None:
    collection = collect([BUILT_IN_SET], 10_000)
    labelled, classes = label_indices(collection.labels)
    small = [np.asarray(collection.image(index).resize((8, 8), Image.Resampling.BOX), np.float32) for index in labelled]
    thumbnails = knn_accuracy(torch.from_numpy(np.stack(small)).flatten(1), classes, KNN)
    assert knn(rows["mae"]) + 0.05 < thumbnails and knn(rows["mae"]) < knn(rows["vae"])


def test_a_low_spread_comes_from_a_common_offset_and_is_no_collapse(rows: Mapping[str, Row]) -> None:
    features = torch.from_numpy(Precomputed.load(FOLDER / "random.npz", 2040).features)
    assert std_of_l2_normalized(features) == pytest.approx(rows["random"].scores.collapse, abs=0.01)
    assert std_of_l2_normalized(features - features.mean(dim=0)) > 0.8
    assert knn(rows["random"]) > 5 * 1 / 20, "an untrained network tells kinds apart better than chance"


def test_centring_would_hide_a_collapse() -> None:
    collapsed = 1 + 1e-4 * torch.randn(200, 64, generator=torch.Generator().manual_seed(0))
    assert std_of_l2_normalized(collapsed) < 0.001 < 0.9 < std_of_l2_normalized(centred_directions(collapsed))
