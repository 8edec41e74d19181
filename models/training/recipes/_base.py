"""What every recipe shares: its contract with the loop, its config, and the small tools of an optimiser step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_type_hints

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from models.analysis.bootstrap import Estimate
from models.analysis.latents import LatentStatistics
from models.training.data.dataset import ImageSet, batch_index
from models.training.distributed import Processes
from models.training.recipes.classifier import Classifier
from models.training.recipes.options import checked, option

# Channels-last convolutions of 4 channels corrupt memory in torch 2.15's AVX2 kernels (a backward pass aborts).
MIN_CHANNELS = 8


@dataclass(frozen=True)
class TrainConfig:
    """What every recipe can be told; a recipe's own config adds to it and sets its defaults."""

    steps: int = option(2000, "optimiser steps in all", min=1)
    image_size: int = option(64, "side of the training pictures in pixels", min=16, max=1024)
    batch_size: int = option(64, "pictures a step and process", min=1)
    learning_rate: float = option(1e-3, "peak learning rate", min=0.0)
    warmup: int = option(100, "steps over which the learning rate rises from 0", min=0)
    ema_decay: float = option(0.999, "how slowly the shown (averaged) weights follow, 0 is at once", min=0.0, max=1.0)
    seed: int = option(0, "seed of weights, order and augmentation", min=0)
    precision: Literal["auto", "fp32", "bf16"] = option("auto", "arithmetic; auto takes bf16 where it measures faster")

    def __post_init__(self) -> None:
        """Check every option; errors are those of `checked`."""
        kinds = get_type_hints(type(self))
        for spec in fields(self):
            object.__setattr__(self, spec.name, checked(spec, kinds[spec.name], getattr(self, spec.name)))

    def lesson(self) -> str:
        """Return what weights of this config show that is left out or overdone in them; empty for a usual recipe."""
        return ""


@dataclass(frozen=True)
class Export:
    """A trained module to ship: its architecture's name and arguments, and its parameters.

    Attributes:
        arch, args: architecture and arguments.
        model: the module.
        latents: measures the latent numbers on held-out images, for autoencoders with a global one.
        classes: what a classifier tells apart, in the order of its scores.
    """

    arch: str
    args: dict[str, Any]
    model: nn.Module
    latents: Callable[[], LatentStatistics] | None = None
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """A module that a recipe ships and can start from, as its config alone determines it.

    Attributes:
        arch, args: architecture and arguments, as in `Export`.
        needed: whether a run that starts from weights needs this part among them.
        options: argument -> field of the config, where the names differ.
        free: arguments that may differ between the weights and the run.
        fresh: prefixes of parameters that start anew where their shapes differ.
    """

    arch: str
    args: dict[str, Any]
    needed: bool = True
    options: Mapping[str, str] = field(default_factory=dict)
    free: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()


class Recipe(Protocol):
    """A training method as the loop sees it; it owns its networks, losses and optimisers.

    Constructed from its config, the training and held-out images and the processes that share the run. Constructed
    from empty sets with the classes of the run, it can take a state and export, no more.
    """

    Config: ClassVar[type[TrainConfig]]
    load_scale: ClassVar[float]
    """Pictures are kept at this multiple of image_size, so that random crops have room."""

    def __init__(self, config: Any, train: ImageSet, test: ImageSet, processes: Processes) -> None: ...

    def step(self, step: int) -> dict[str, float]:
        """Take optimiser step number `step` (from 0) and return its losses and health measures."""

    def preview(self) -> Tensor:
        """Return a sheet of fixed held-out samples, (3, H, W) in [-1, 1]."""

    def evaluate(self, classifier: Classifier | None = None, thorough: bool = False) -> dict[str, Estimate]:
        """Measure the shown weights on the held-out images.

        Args:
            classifier: says what images show, for the measures that need somebody to.
            thorough: whether to measure also what takes minutes and no training run waits for.
        """

    def contact_sheet(self, classifier: Classifier | None = None) -> Tensor:
        """Return a sheet as `preview` does, of held-out images and below them of those it does worst at."""

    def exports(self) -> dict[str, Export]:
        """Return what can be shipped by name; the empty name is the recipe's main model."""

    @staticmethod
    def lacks(names: Sequence[str]) -> str | None:
        """Return what the paths of some images show to be missing, as a code for a sentence, or None."""

    @staticmethod
    def parts_of(config: Any) -> dict[str, Part]:
        """Return what a run of this config ships, by the names of `exports`, without building a network."""

    def part_modules(self) -> dict[str, tuple[nn.Module, ...]]:
        """Return the networks that trained weights of each part go into, averages included."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything that an exact resume needs, as tensors and plain values."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""


class StateOfParts:
    """Saves and restores the parts a recipe names in `parts`: modules, optimisers, averages; takes any images."""

    parts: dict[str, Any]

    @staticmethod
    def lacks(names: Sequence[str]) -> str | None:
        """Return None: images in any folders will do."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return the state of every part by name."""
        return {name: part.state_dict() for name, part in self.parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of every part.

        Raises:
            ValueError: if the parts are others than those saved.
        """
        if state.keys() != self.parts.keys():
            raise ValueError(f"The checkpoint holds {sorted(state)}, this recipe {sorted(self.parts)}.")
        for name, part in self.parts.items():
            part.load_state_dict(state[name])


def my_batch(train: ImageSet, config: TrainConfig, step: int, processes: Processes) -> Tensor:
    """Return the places of this process's images at a step, (batch_size,)."""
    index = batch_index(len(train), config.batch_size * processes.world_size, step, config.seed)
    return index[processes.rank * config.batch_size :][: config.batch_size]


def my_images(train: ImageSet, config: TrainConfig, step: int, processes: Processes) -> Tensor:
    """Return this process's images at a step on its device, uint8 (batch_size, 3, S, S)."""
    return train.images[my_batch(train, config, step, processes)].to(processes.device)


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """Return a running average of a model's weights that is quick to follow at first (arXiv 1706.02677 in spirit).

    At update t the average keeps min(decay, (1 + t) / (10 + t)), so early, random weights are soon forgotten.
    """

    @torch.no_grad()
    def average(means: Any, values: Any, count: Tensor | int) -> None:
        keep = min(decay, (1 + int(count)) / (10 + int(count))) if means[0].is_floating_point() else 0.0
        for mean, value in zip(means, values, strict=True):
            mean.copy_(torch.lerp(value, mean, keep) if keep else value)

    return AveragedModel(model, multi_avg_fn=average, use_buffers=True)


def cosine_rate(step: int, config: TrainConfig) -> float:
    """Return the learning rate of a step: linear warm-up, then half a cosine to zero (arXiv 1608.03983)."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def descend(
    loss: Tensor,
    optimizer: torch.optim.Optimizer,
    processes: Processes,
    rate: float,
    clip: float | None = None,
) -> None:
    """Take one optimiser step down a loss, with gradients averaged over the processes.

    Args:
        loss: scalar.
        optimizer: whose parameters move.
        processes: that share the step.
        rate: learning rate of this step, for all groups but those with a `constant_rate`.
        clip: largest gradient norm, or None.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for group in optimizer.param_groups:
        group["lr"] = group.get("constant_rate", rate)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    processes.average_gradients(parameters)
    if clip is not None:
        nn.utils.clip_grad_norm_(parameters, clip)
    optimizer.step()


Network = TypeVar("Network", bound=nn.Module)


def place(model: Network, device: torch.device) -> Network:
    """Return a model on a device, its filters in the channels-last layout that convolutions run fastest in."""
    model.to(device)
    model.to(memory_format=torch.channels_last)
    return model


def numbers(values: Mapping[str, Tensor | float]) -> dict[str, float]:
    """Return scalars as plain numbers, cut off from any graph."""
    return {name: float(value.detach()) if isinstance(value, Tensor) else value for name, value in values.items()}


def weight_decay_groups(parameters: Iterable[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Return optimiser groups in which matrices and filters decay but biases and norms do not."""
    trained = [p for p in parameters if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]


def in_batches(images: Tensor, run: Callable[[Tensor], Tensor], size: int = 64) -> Tensor:
    """Return `run` applied to images a batch at a time, without gradients, on the CPU, (N, ...)."""
    with torch.inference_mode():
        return torch.cat([run(part).float().cpu() for part in images.split(size)])


def in_parts(run: Callable[[Tensor, Tensor], Tensor], one: Tensor, other: Tensor, size: int = 64) -> Tensor:
    """Return `run` applied to pairs of images some at a time, (N, ...)."""
    return torch.cat([run(*pair) for pair in zip(one.split(size), other.split(size), strict=True)])


def sheet(rows: list[Tensor]) -> Tensor:
    """Return images as a sheet, each row a batch (N, 3, S, S), short rows ending in black: (3, rows * S, N * S)."""
    widest = max(map(len, rows))
    full = [torch.cat([row.float().cpu(), -torch.ones(widest - len(row), *row.shape[1:])]) for row in rows]
    return torch.cat([torch.cat(list(row), dim=2) for row in full], dim=1).clamp(-1, 1)
