"""The map while a network learns: one frame for each checkpoint of a training run, all turned alike."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.embeddings.collection import Collection, Scores, score
from demos.embeddings.handlers import Handlers
from demos.embeddings.precomputed import dequantised, quantised
from demos.embeddings.session import NAME, Atlas, MapSession, squares_of
from demos.ui import widgets
from demos.ui.progress import Step, Work, report_progress, run_to_completion
from demos.ui.scatter.scatter import scatter, scatter_update
from models.analysis.embedding import Floats, embed_images
from models.analysis.projection import align, project
from models.checkpoints import load_folder
from models.formats.weights_folder import STEPS, TrainingStep, training_steps
from models.networks.feature_extractors import as_encoder

FRAMES_FILE = "frames.npz"
PACE = 1200  # milliseconds a checkpoint stays while the slider plays

# Moves the slider as a hand would, one checkpoint after the other; pressed again, or at the end, it stops. Whoever
# wants no motion gets one checkpoint for each press.
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
    """The map after some steps of training."""

    step: int
    coordinates: Floats
    scores: Scores


@dataclass(frozen=True, eq=False)
class Film:
    """What the slider goes through.

    Attributes:
        uploaded: The visitor's images that it shows, or None for the built-in set.
        frames: In the order of training.
    """

    uploaded: Collection | None
    frames: Sequence[Frame]


def make_frames(
    collection: Collection, steps: Sequence[TrainingStep], fixed: Floats | None = None
) -> Work[list[Frame]]:
    """Maps the images with the network of every step; each frame is turned to lie as the next one does."""
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
    """Write frames, their coordinates as 16-bit numbers."""
    points = np.stack([frame.coordinates for frame in frames])
    numbers, span = quantised(points)
    facts = [{"step": frame.step, "scores": vars(frame.scores)} for frame in frames]
    with path.open("wb") as file:
        packed = json.dumps({"range": span, "frames": facts})
        np.savez_compressed(file, allow_pickle=False, points=numbers, facts=np.array(packed))


def load_frames(path: Path) -> list[Frame]:
    """Read what `save_frames` wrote; nothing where there is no such file."""
    if not path.is_file():
        return []
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(str(file["facts"]))
        points = dequantised(file["points"], facts["range"])
    return [
        Frame(known["step"], coordinates, Scores(**known["scores"]))
        for known, coordinates in zip(facts["frames"], points, strict=True)
    ]


def precompute_learning(atlas: Atlas, folder: Path, fixed: Floats, steps: Path = STEPS) -> None:
    """Write the frames of the built-in set if there is a training run."""
    if found := training_steps(steps):
        frames = run_to_completion(make_frames(atlas.collection(MapSession()), found, fixed))
        save_frames(frames, folder / FRAMES_FILE)


class Learning:
    """The slider over the steps and what it shows."""

    def __init__(self, ctx: Context, handlers: Handlers, visit: gr.State, steps: Sequence[TrainingStep]) -> None:
        self._ctx, self._handlers, self._steps = ctx, handlers, steps
        self._ready = cache(lambda: load_frames(ctx.first_paint / NAME / FRAMES_FILE))
        widgets.html_line(ctx.localize_html("embeddings.learning_lead"))
        with gr.Row(elem_id="embeddings-learning-bar"):
            play = gr.Button(
                ctx.t("embeddings.play"),
                size="sm",
                elem_id="embeddings-play",
                elem_classes=["quiet", "key-again"],
            )
            self.slider = gr.Slider(
                0,
                len(steps) - 1,
                0,
                step=1,
                label=ctx.t("embeddings.learning_slider"),
                elem_id="embeddings-step",
            )
        said = widgets.html_line("", "score", "embeddings-step-score")
        plot = scatter(ctx, "embeddings-learning")
        film = gr.State(None)
        inputs, outputs = [visit, film, self.slider], [film, plot, said]
        for wanted in (plot.ready, film.change):
            wanted(self.on_selected_model, inputs, outputs, show_progress_on=plot, **PRIVATE_MODEL_EVENT)
        self.slider.input(
            self.on_step,
            inputs,
            outputs,
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="always_last",
        )
        play.click(None, None, None, js=PLAY)

    def on_selected_model(
        self,
        visit: MapSession | None,
        film: Film | None,
        place: int,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Generator[list[Any], None, None]:
        """Show one frame, making all of them where those of these images are neither there nor ready-made."""
        visit = visit or MapSession()
        if film is None or film.uploaded is not visit.uploaded:
            frames = self._ready() if visit.uploaded is None else []
            if not frames:
                work = make_frames(self._handlers.atlas.collection(visit), self._steps)
                frames = yield from report_progress(work, self._ctx, request, progress, [gr.skip()] * 3)
            film = Film(visit.uploaded, frames)
        yield [film, *self._shown(visit, film.frames[int(place)])]

    def on_step(self, visit: MapSession | None, film: Film | None, place: int) -> list[Any]:
        """Show one frame, or asks for those of other images by taking away the ones that are there."""
        visit = visit or MapSession()
        if film is None or film.uploaded is not visit.uploaded:
            return [None, gr.skip(), gr.skip()]
        return [gr.skip(), *self._shown(visit, film.frames[int(place)])]

    def _shown(self, visit: MapSession, frame: Frame) -> list[Any]:
        value = self._handlers.plot_value(visit, frame.coordinates)
        knn = frame.scores.knn_accuracy
        words = self._ctx.localize_html(
            "embeddings.learning_step",
            step=f"{frame.step:,}",
            knn="–" if knn is None else f"{knn:.0%}",
            spread=f"{frame.scores.collapse:.2f}",
        )
        return [scatter_update(value), words]


def learning_section(ctx: Context, handlers: Handlers, visit: gr.State, steps: Path = STEPS) -> Learning | None:
    """Place the fold with the slider; nothing where there is no training run of at least two steps."""
    found = training_steps(steps)
    if len(found) < 2:
        return None
    with widgets.options(ctx, "embeddings.learning"):
        return Learning(ctx, handlers, visit, found)
