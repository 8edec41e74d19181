"""The training loop, independent of models."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn
from tqdm import tqdm

from models.analysis.bootstrap import Estimate
from models.training.distributed import Processes
from models.training.loop.run_folder import Checkpoint, RunFolder
from models.training.recipes._base import Recipe, TrainConfig
from models.training.recipes.optimization import place

log = logging.getLogger(__name__)
REMEDY = "the last checkpoint is kept. Resume from it with a smaller learning_rate."


@dataclass(frozen=True)
class Schedule:
    """Intervals of logs and previews (in steps), of checkpoints and progress (in seconds).

    The weights after the steps of `keep_at`, 0 being before the first, are kept beside the run's checkpoint.
    """

    log_every: int = 20
    preview_every: int = 500
    save_seconds: float = 180.0
    progress_seconds: float = 1.0
    keep_at: tuple[int, ...] = ()


Window = dict[str, float]
"""Sums of the metrics since the last logged row, with their `count`."""


def _add(window: Window, metrics: dict[str, float]) -> None:
    for name, value in {**metrics, "count": 1.0}.items():
        window[name] = window.get(name, 0.0) + value


def _take_means(window: Window) -> dict[str, float]:
    """Return the mean of each metric and clear the window."""
    count = window.pop("count")
    means = {name: value / count for name, value in window.items()}
    window.clear()
    return means


def resolve_precision(config: TrainConfig, device: torch.device) -> TrainConfig:
    """Return the config with "auto" replaced by bf16 where it measures a fifth faster here, else by fp32."""
    if config.precision != "auto":
        return config
    conv = place(nn.Conv2d(64, 64, 3, padding=1), device)
    images = torch.randn(4, 64, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    seconds = {name: _time_once(conv, images, name == "bf16") for name in ("fp32", "bf16")}
    return replace(config, precision="bf16" if seconds["bf16"] < 0.8 * seconds["fp32"] else "fp32")


def _time_once(conv: nn.Module, images: torch.Tensor, bf16: bool) -> float:
    best = math.inf
    for _ in range(3):
        start = time.perf_counter()
        with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
            conv(images).float().sum().backward()
        if images.is_cuda:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best


def take_step(recipe: Recipe, step: int) -> dict[str, float]:
    """Return `recipe.step`, or raise a FloatingPointError where a factor, such as Adam's rate, is beyond float32."""
    try:
        return recipe.step(step)
    except (OverflowError, RuntimeError) as error:
        if "overflow" not in str(error):
            raise
        raise FloatingPointError(f"A number is too large at step {step + 1}; {REMEDY}") from error


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed torch for one step of one process; nothing random then depends on earlier steps."""
    torch.manual_seed((seed * 1_000_003 + step) * 64 + rank)


def train(
    recipe: Recipe,
    config: TrainConfig,
    run: RunFolder,
    processes: Processes,
    schedule: Schedule,
    stopped: Callable[[], bool] = lambda: False,
) -> bool:
    """Run a recipe from its newest checkpoint, or from the start, to the last step.

    The precision of `config` is resolved. The main process writes metrics, previews and checkpoints to `run`.
    `stopped` is called after every step; True saves and returns.

    Returns:
        Whether the last step was reached.

    Raises:
        FloatingPointError: if a loss is not finite or a number overflows; the last good checkpoint stays.
    """
    first, window = _resume(recipe, run, processes)
    if processes.is_main and first == 0 and 0 in schedule.keep_at:
        run.keep_weights(0, recipe.exports())
    begun = saved = reported = time.monotonic()
    bar = tqdm(total=config.steps, initial=first, disable=not processes.is_main, unit="step", mininterval=5)
    for step in range(first, config.steps):
        seed_step(config.seed, step, processes.rank)
        with torch.autocast(processes.device.type, torch.bfloat16, enabled=config.precision == "bf16"):
            metrics = take_step(recipe, step)
        if not math.isfinite(metrics["loss"]):
            raise FloatingPointError(f"The loss is {metrics['loss']} at step {step + 1}; {REMEDY}")
        _add(window, metrics)
        done = step + 1
        bar.update()
        stop = processes.agree(stopped())
        if processes.is_main:
            _report(recipe, config, run, window, done, schedule)
            now, ends = time.monotonic(), stop or done == config.steps
            if ends or now - reported >= schedule.progress_seconds:
                run.save_progress(done, (now - begun) / (done - first), processes.hardware)
                reported = now
            if ends or now - saved > schedule.save_seconds:
                run.save_checkpoint(Checkpoint(done, recipe.state_dict(), dict(window)))
                saved = time.monotonic()
        if stop:
            bar.close()
            return done == config.steps
    bar.close()
    return True


def _resume(recipe: Recipe, run: RunFolder, processes: Processes) -> tuple[int, Window]:
    checkpoint = run.load_checkpoint()
    if processes.is_main:
        run.forget_metrics_after(0 if checkpoint is None else checkpoint.step)
    if checkpoint is None:
        return 0, {}
    recipe.load_state_dict(checkpoint.state)
    log.info("Resuming at step %d.", checkpoint.step)
    return checkpoint.step, dict(checkpoint.window)


def _report(recipe: Recipe, config: TrainConfig, run: RunFolder, window: Window, done: int, schedule: Schedule) -> None:
    if done % schedule.log_every == 0 or done == config.steps:
        run.append_metrics({"step": done, "time": time.time(), **_take_means(window)})
    if done % schedule.preview_every == 0 or done == config.steps:
        run.save_preview(done, recipe.preview())
    if done in schedule.keep_at:
        run.keep_weights(done, recipe.exports())


def evaluate(recipe: Recipe, run: RunFolder, step: int) -> dict[str, Estimate]:
    """Measure a recipe's shown weights on the held-out images and keep the numbers in `evaluation.json`."""
    scores = recipe.evaluate()
    run.save_evaluation(step, scores, recipe.exports())
    return scores
