"""The map along a training run: one frame for each checkpoint, each aligned to the next."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT, bind
from demos.embeddings.builder import MapBuilder, squares_of
from demos.embeddings.collection import Collection, Scores, score
from demos.embeddings.outputs import plot_value
from demos.embeddings.precomputed import dequantised, quantised
from demos.embeddings.session import NAME, MapSession
from demos.ui import widgets
from demos.ui.chart.chart import Series, chart_html, chart_spec
from demos.ui.progress import Step, Work, report_progress, run_to_completion
from demos.ui.scatter.scatter import scatter, scatter_update
from models.analysis.embedding import Floats, embed_images
from models.analysis.projection import align, project
from models.checkpoints import load_folder
from models.formats.weights_folder import STEPS, TrainingStep, training_steps
from models.networks.feature_extractors import as_encoder

FRAMES_FILE = "frames.npz"
PACE = 1200  # milliseconds a checkpoint is shown while the slider plays

# Moves the slider through the checkpoints; pressed again, or at the end, it stops. With reduced motion each press moves
# it by one checkpoint.
PLAY = f"""() => {{
  const button = document.querySelector("#embeddings-play");
  const slider = document.querySelector("#embeddings-step input[type=range]");
  const stop = () => {{ clearInterval(button.playing); button.playing = 0; button.dataset.playing = "false"; }};
  const atEnd = () => Number(slider.value) >= Number(slider.max);
  const go = (place) => {{
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(slider, place);
    slider.dispatchEvent(new Event("input", {{ bubbles: true }}));
  }};
  if (button.playing) return stop();
  go(atEnd() ? 0 : Number(slider.value) + 1);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  button.dataset.playing = "true";
  button.playing = setInterval(() => {{
    if (atEnd() || !slider.isConnected) return stop();
    go(Number(slider.value) + 1);
  }}, {PACE});
}}"""


@dataclass(frozen=True, eq=False)
class Frame:
    """The map after a number of training steps."""

    step: int
    coordinates: Floats
    scores: Scores


@dataclass(frozen=True, eq=False)
class Timeline:
    """Frames in the order of training, and the visitor's images that they show (None: the built-in set)."""

    uploaded: Collection | None
    frames: Sequence[Frame]


def make_frames(
    collection: Collection, steps: Sequence[TrainingStep], fixed: Floats | None = None
) -> Work[list[Frame]]:
    """Return the maps of the images by the network of every step, the last aligned to `fixed` and each to the next."""
    frames: list[Frame] = []
    started = time.perf_counter()
    for done, (step, folder) in enumerate(reversed(steps), start=1):
        network, side = as_encoder(load_folder(folder))
        features = embed_images(network, (yield from squares_of(collection, side)), side)
        coordinates = project(features)
        target = frames[0].coordinates if frames else fixed
        if target is not None:
            coordinates = align(coordinates, target)
        frames.insert(0, Frame(step, coordinates, score(features, coordinates, collection.labels, 15)))
        yield Step("embeddings.learning_frames", done / len(steps), started)
    return frames


def save_frames(frames: Sequence[Frame], path: Path) -> None:
    """Write frames, their coordinates in 16 bits."""
    numbers, span = quantised(np.stack([frame.coordinates for frame in frames]))
    facts = [{"step": frame.step, "scores": vars(frame.scores)} for frame in frames]
    with path.open("wb") as file:
        packed = json.dumps({"range": span, "frames": facts})
        np.savez_compressed(file, allow_pickle=False, points=numbers, facts=np.array(packed))


def load_frames(path: Path) -> list[Frame]:
    """Return what `save_frames` wrote; empty if there is no such file."""
    if not path.is_file():
        return []
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(str(file["facts"]))
        points = dequantised(file["points"], facts["range"])
    return [
        Frame(known["step"], coordinates, Scores(**known["scores"]))
        for known, coordinates in zip(facts["frames"], points, strict=True)
    ]


def precompute_timeline(builder: MapBuilder, folder: Path, fixed: Floats, steps: Path = STEPS) -> None:
    """Write the frames of the built-in set if there is a training run."""
    if found := training_steps(steps):
        frames = run_to_completion(make_frames(builder.collection(MapSession()), found, fixed))
        save_frames(frames, folder / FRAMES_FILE)


def add_timeline(builder: MapBuilder, session: gr.State, steps: Path = STEPS) -> bool:
    """Place the slider; returns False, placing nothing, for a run of fewer than two steps."""
    found, ctx = training_steps(steps), builder.ctx
    if len(found) < 2:
        return False
    widgets.html_line(ctx.localize_html("embeddings.learning_lead"))
    with gr.Row(elem_id="embeddings-learning-bar"):
        label, classes = ctx.t("embeddings.play"), ["quiet", "key-again"]
        play = gr.Button(label, size="sm", elem_id="embeddings-play", elem_classes=classes)
        label = ctx.t("embeddings.learning_slider")
        slider = gr.Slider(0, len(found) - 1, 0, step=1, label=label, elem_id="embeddings-step")
    caption = widgets.html_line("", "score", "embeddings-step-score")
    curve = widgets.html_line("", "", "embeddings-learning-curve")
    plot = scatter(ctx, "embeddings-learning")
    timeline = gr.State(None)
    inputs, outputs = [session, timeline, slider], [timeline, plot, caption]
    load = make_on_load(builder, found)
    for event in (plot.ready, timeline.change):
        event(load, inputs, [*outputs, curve], show_progress_on=plot, **PRIVATE_MODEL_EVENT)
    on_slider = bind(on_step, builder)
    slider.input(
        on_slider, inputs, outputs, api_visibility="private", show_progress="hidden", trigger_mode="always_last"
    )
    play.click(None, None, None, js=PLAY)
    return True


def make_on_load(builder: MapBuilder, steps: Sequence[TrainingStep]) -> Callable[..., Generator[list[Any], None, None]]:
    """Return the handler that shows one frame, first making all frames if neither here nor precomputed."""
    precomputed = cache(lambda: load_frames(builder.ctx.first_paint / NAME / FRAMES_FILE))

    def on_load(
        session: MapSession | None,
        timeline: Timeline | None,
        index: int,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Generator[list[Any], None, None]:
        session = session or MapSession()
        if timeline is None or timeline.uploaded is not session.uploaded:
            frames = precomputed() if session.uploaded is None else []
            if not frames:
                work = make_frames(builder.collection(session), steps)
                frames = yield from report_progress(work, builder.ctx, request, progress, [gr.skip()] * 4)
            timeline = Timeline(session.uploaded, frames)
        frame = timeline.frames[int(index)]
        yield [timeline, *_frame_outputs(builder, session, frame), curve_html(builder.ctx, timeline.frames)]

    return on_load


def on_step(builder: MapBuilder, session: MapSession | None, timeline: Timeline | None, index: int) -> list[Any]:
    """Show one frame, or clear the timeline where its frames are of other images, so that new ones are made."""
    session = session or MapSession()
    if timeline is None or timeline.uploaded is not session.uploaded:
        return [None, gr.skip(), gr.skip()]
    return [gr.skip(), *_frame_outputs(builder, session, timeline.frames[int(index)])]


def curve_html(ctx: Context, frames: Sequence[Frame]) -> str:
    """Draw the scores of the features of every frame, in step with the slider."""
    texts = {key: ctx.localize_html(f"embeddings.learning_{key}") for key in ("chart", "x", "unit", "knn", "spread")}
    scores = [frame.scores for frame in frames]
    series = [
        Series(texts["knn"], [score.knn_accuracy for score in scores]),
        Series(texts["spread"], [score.collapse for score in scores], tone="second"),
    ]
    labels = [f"{frame.step:,}" for frame in frames]
    spec = chart_spec(
        ctx, texts["chart"], texts["x"], range(len(frames)), series, x_labels=labels, unit=texts["unit"],
        y_range=(0.0, 1.0), slider="#embeddings-step input",
    )  # fmt: skip
    return chart_html(spec)


def _frame_outputs(builder: MapBuilder, session: MapSession, frame: Frame) -> list[Any]:
    knn = frame.scores.knn_accuracy
    caption = builder.ctx.localize_html(
        "embeddings.learning_step",
        step=f"{frame.step:,}",
        knn="–" if knn is None else f"{knn:.0%}",
        spread=f"{frame.scores.collapse:.2f}",
    )
    return [scatter_update(plot_value(builder, session, frame.coordinates)), caption]
