"""The map along a training run."""

import json
from collections.abc import Sequence
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
from charts import charts_in
from map_images import NO_REQUEST, last

from demos.core.context import Context
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import (
    collect,
)
from demos.embeddings.session import MapSession
from demos.embeddings.training_timeline import (
    Timeline,
    add_timeline,
    load_frames,
    make_frames,
    make_on_load,
    on_step,
    save_frames,
)
from demos.ui.progress import run_to_completion
from models.checkpoints import build_model
from models.encoders import BACKBONE_WIDTH
from models.formats.weights_folder import training_steps
from models.training.evaluation.export import write_weights
from models.training.recipes._base import Export
from models.training.recipes.contrastive import SimCLRConfig


def write_steps(folder: Path, numbers: Sequence[int]) -> None:
    """Writes the weights of a tiny network along a run that never was."""
    args = {"width": BACKBONE_WIDTH, "blocks": (1, 1, 1, 1)}
    facts = {"recipe": "simclr", "data": ["x.zip"], "command": "python -m models.training simclr"}
    for number in numbers:
        torch.manual_seed(number)
        export = Export("resnet", args, build_model("resnet", args))
        write_weights(folder / f"step-{number:06d}", export, SimCLRConfig(), {**facts, "steps": number}, {})


@pytest.mark.usefixtures("umap_ready")
def test_the_timeline_has_one_aligned_frame_a_checkpoint(context: Context, archive: Path, tmp_path: Path) -> None:
    write_steps(tmp_path / "steps", [100, 0])
    steps = training_steps(tmp_path / "steps")
    assert [step.step for step in steps] == [0, 100]
    builder = MapBuilder(context, archive)
    fixed = np.random.default_rng(0).normal(size=(15, 2)).astype(np.float32) + 50
    frames = run_to_completion(make_frames(builder.collection(MapSession()), steps, fixed))
    assert [frame.step for frame in frames] == [0, 100]
    for frame in frames:
        np.testing.assert_allclose(frame.coordinates.mean(axis=0), fixed.mean(axis=0), atol=1e-3)
    save_frames(frames, tmp_path / "frames.npz")
    read = load_frames(tmp_path / "frames.npz")
    np.testing.assert_allclose(read[1].coordinates, frames[1].coordinates, atol=1e-3)
    assert read[0].scores == frames[0].scores
    with gr.Blocks():
        assert add_timeline(builder, gr.State(None), tmp_path / "steps")
        assert not add_timeline(builder, gr.State(None), tmp_path / "nothing")
    on_load = make_on_load(builder, steps)
    words = on_step(builder, MapSession(), Timeline(None, frames), 1)[2]
    assert "<b>100</b>" in words
    own = MapSession(uploaded=collect([archive], 6))
    timeline, plot, _ = on_step(builder, own, Timeline(None, frames), 1)
    assert (timeline, plot) == (None, gr.skip()), "frames of other images are not shown"
    timeline, plot, _, curve = last(on_load(own, timeline, 1, NO_REQUEST))
    assert json.loads(plot.value)["count"] == 6 and timeline.uploaded is own.uploaded
    (chart,) = charts_in(curve)
    scores = [frame.scores for frame in timeline.frames]
    assert chart["xLabels"] == ["0", "100"] and chart["x"] == [0, 1], "where the slider has its places"
    assert chart["series"][1]["values"] == pytest.approx([score.collapse for score in scores], rel=1e-4)
    again, plot, _, _ = last(on_load(own, timeline, 0, NO_REQUEST))
    assert again is timeline, "frames are made once"
    assert on_step(builder, own, timeline, 0)[1].value == plot.value
