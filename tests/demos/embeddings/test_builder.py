"""Features and maps of the images of a session."""

from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
from map_images import Stripes, large_encoder
from PIL import Image

from demos.core import lent_gpu
from demos.core.context import Context
from demos.core.profile import Profile
from demos.embeddings import tab
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import (
    Settings,
    collect,
    decode_jpeg,
)
from demos.embeddings.originals import KEPT_SIDE
from demos.embeddings.session import MapSession
from demos.ui.progress import run_to_completion
from models.analysis.embedding import Floats
from models.checkpoints import WeightsInfo
from models.data.images import square_crop, to_tensor


def _refuse(name: str) -> torch.nn.Module:
    raise AssertionError(f"{name} was loaded")


def test_the_input_size_comes_from_the_weights_of_the_context(context: Context, archive: Path) -> None:
    def other(name: str) -> WeightsInfo:
        facts = context.weights_info(name)
        return replace(facts, args={**facts.args, "img_size": 48})

    assert MapBuilder(replace(context, weights_info=other), archive).network("simclr")[1] == 48


@pytest.mark.usefixtures("umap_ready")
def test_another_map_reuses_the_features(context: Context, archive: Path) -> None:
    builder, settings = MapBuilder(context, archive), Settings("random")
    session = run_to_completion(builder.build_map(MapSession(), settings, None))
    without = MapBuilder(replace(context, load_model=_refuse), archive)
    other = run_to_completion(without.build_map(session, replace(settings, seed=1), None))
    assert other.features["random"][0] is session.features["random"][0]


def test_features_are_cached_by_image(context: Context, archive: Path) -> None:
    builder, seen = MapBuilder(context, archive), list[float]()
    first, seconds = run_to_completion(builder.features(MapSession(), "random"))
    again = MapSession(uploaded=builder.collection(MapSession()).with_label([0], "other"))
    for step in builder.features(again, "random"):
        seen.append(step.share)
    assert seen == []
    second, same_seconds = run_to_completion(builder.features(again, "random"))
    np.testing.assert_array_equal(first, second)
    assert same_seconds == pytest.approx(seconds)


def test_work_cancelled_at_the_last_batch_can_be_repeated(context: Context, archive: Path) -> None:
    builder = MapBuilder(context, archive)
    work = builder.features(MapSession(), "random")
    assert next(work).share == 1, "all images are one batch"
    work.close()
    features, seconds = run_to_completion(builder.features(MapSession(), "random"))
    assert len(features) == 15 and seconds > 0


def test_a_large_encoder_gets_squares_from_the_original_files(
    context: Context, archive: Path, striped: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    builder, session = MapBuilder(context, archive), MapSession(uploaded=collect(striped, 100))
    large_encoder(builder, monkeypatch)
    features, _ = run_to_completion(builder.features(session, "random"))
    squares = [square_crop(Image.open(path), 224) for path in striped]
    expected = Stripes()(to_tensor(squares)).numpy()
    np.testing.assert_allclose(features, expected, atol=0.05)
    assert expected.max() > 0.5, "the stripes are seen at this side"
    collection = builder.collection(session)
    assert {decode_jpeg(data).size for data in collection.jpegs} == {(128, 128)}, "what stays in memory is small"
    for path in striped:
        path.unlink()
    again = run_to_completion(builder.squares(collection.with_label([0], "mine"), 224))
    assert decode_jpeg(again[5]).size == (224, 224), "they are cut once, also for other labels"


def test_missing_files_are_reported_when_a_large_encoder_needs_them(
    context: Context, archive: Path, striped: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    builder, session = MapBuilder(context, archive), MapSession(uploaded=collect(striped, 100))
    features, _ = run_to_completion(builder.features(session, "random"))
    striped[3].unlink()
    large_encoder(builder, monkeypatch)
    with pytest.raises(gr.Error, match="Upload them again"):
        run_to_completion(builder.features(session, "simclr"))
    monkeypatch.undo()
    assert len(run_to_completion(builder.features(session, "random"))[0]) == len(features), "small ones need no files"


def test_our_own_encoders_need_no_larger_squares() -> None:
    assert max(spec.image_size() for spec in tab.ENCODERS.values()) <= KEPT_SIDE


@pytest.mark.parametrize(
    ("profile", "encoder", "lent"),
    [("zerogpu", "dinov2-small", True), ("zerogpu", "random", False), ("cpu-basic", "dinov2-small", False)],
)
def test_published_encoders_run_on_the_lent_gpu(
    context: Context, archive: Path, monkeypatch: pytest.MonkeyPatch, profile: Profile, encoder: str, lent: bool
) -> None:
    calls = []

    def on_gpu(network: bytes, images: Floats) -> Floats:
        calls.append(len(images))
        return lent_gpu.forward(network, images)

    monkeypatch.setattr(lent_gpu, "forward_on_gpu", on_gpu)
    builder = MapBuilder(replace(context, profile=profile), archive)
    large_encoder(builder, monkeypatch, side=64)
    features, _ = run_to_completion(builder.features(MapSession(), encoder))
    assert calls == ([len(features)] if lent else [])


def test_without_the_lent_gpu_the_map_is_made_and_one_sentence_says_so(
    context: Context, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(network: bytes, images: Floats) -> Floats:
        raise gr.Error("Space app has reached its GPU limit.")

    told: list[str] = []
    monkeypatch.setattr(lent_gpu, "forward_on_gpu", refuse)
    monkeypatch.setattr(gr, "Warning", told.append)
    builder = MapBuilder(replace(context, profile="zerogpu"), archive)
    large_encoder(builder, monkeypatch, side=64)
    features, _ = run_to_completion(builder.features(MapSession(), "dinov2-small"))
    assert len(features) == 15
    assert told == [context.localize(None, "embeddings.gpu_failed")]
