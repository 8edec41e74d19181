"""What every recipe shares: its contract with the loop, its config, and sheets of images."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, get_type_hints

import torch
from torch import Tensor, nn

from models.analysis.bootstrap import Estimate
from models.analysis.latents import LatentStatistics
from models.hub.records import Family
from models.training.data.augmentations import resize
from models.training.data.dataset import ImageSet, batch_index
from models.training.distributed import Processes
from models.training.recipes.classifier import Classifier
from models.training.recipes.monitoring import LOSS_CHART, Advice, Chart, Rows
from models.training.recipes.optimization import averaged, descend
from models.training.recipes.options import checked, option

# Channels-last convolutions of 4 channels corrupt memory in torch 2.15's AVX2 kernels (a backward pass aborts).
MIN_CHANNELS = 8
COSINE = "a rate that rises over the warm-up and falls along half a cosine"  # `cosine_rate`, in a model card


@dataclass(frozen=True)
class TrainConfig:
    """What every recipe can be told; a recipe's own config adds to it and sets its defaults."""

    steps: int = option(2000, "optimiser steps in all", min=1)
    image_size: int = option(64, "side of the training pictures in pixels", min=16, max=1024)
    batch_size: int = option(64, "batch size: pictures per step and process", min=1)
    learning_rate: float = option(1e-3, "peak learning rate", min=0.0)
    warmup: int = option(100, "warm-up steps, over which the learning rate rises from 0", min=0)
    ema_decay: float = option(0.999, "decay of the averaged weights shown; 0 follows at once", min=0.0, max=1.0)
    seed: int = option(0, "seed of weights, order and augmentation", min=0)
    precision: Literal["auto", "fp32", "bf16"] = option("auto", "numeric precision; auto takes bf16 where faster")

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
    """A trained module to ship: its architecture's name and arguments, and its parameters."""

    arch: str
    args: dict[str, Any]
    model: nn.Module
    latents: Callable[[], LatentStatistics] | None = None  # measures those of an autoencoder on held-out images
    classes: tuple[str, ...] = ()  # what a classifier tells apart, in the order of its scores


@dataclass(frozen=True)
class Part:
    """A module that a recipe ships and can start from, as its config alone determines it."""

    arch: str  # architecture and arguments, as in `Export`
    args: dict[str, Any]
    needed: bool = True  # whether a run that starts from weights needs this part among them
    options: Mapping[str, str] = field(default_factory=dict)  # argument -> field of the config, where the names differ
    free: tuple[str, ...] = ()  # arguments that may differ between the weights and the run
    fresh: tuple[str, ...] = ()  # prefixes of parameters that start anew where their shapes differ


class Recipe(ABC):
    """A training method as the loop sees it; it owns its networks, losses and optimisers.

    Constructed from its config, the training and held-out images and the processes that share the run. Constructed
    from empty sets with the classes of the run, it can load a state and export, no more.

    What the app and the command line know of a method are these attributes and its texts in `assets/i18n`; a class
    with a `name`, in a file of this package, is offered everywhere.
    """

    name: ClassVar[str]  # key in `models.training.recipes.RECIPES`
    order: ClassVar[int]  # position among the recipes
    Config: ClassVar[type[TrainConfig]]  # its options
    load_scale: ClassVar[float] = 1.0  # images are kept at this multiple of `image_size`, for random crops
    family: ClassVar[Family]  # the kind of network that it gives
    tabs: ClassVar[tuple[str, ...]]  # ids of the tabs that use its networks; a finished run opens in the first
    start_families: ClassVar[tuple[Family, ...]]  # families that it can start from, the most fitting first
    shape_options: ClassVar[tuple[str, ...]]  # options that decide the shape of its networks, which a start fixes
    fine_tuning_rate: ClassVar[float] = 0.3  # share of the usual learning rate for a run that starts from weights
    # Names of `exports` that are models of their own; of two, each translates into the other's set.
    main_parts: ClassVar[tuple[str, ...]] = ("",)
    latent: ClassVar[Literal["", "global"]] = ""  # "global" for an autoencoder with one latent vector per image
    # Names of the unpaired sets that it trains on; one without a name for all others.
    image_sets: ClassVar[tuple[Literal["", "A", "B"], ...]] = ("",)
    needs_labels: ClassVar[bool] = False  # whether its images need folders as labels
    # Images per set from which fine-tuning is possible, usable, and gains little from more.
    image_counts: ClassVar[tuple[int, int, int]] = (4, 200, 2000)
    adversarial: ClassVar[bool] = False  # whether its losses are relative to an opponent: their level says nothing
    charts: ClassVar[tuple[Chart, ...]] = (LOSS_CHART,)  # of a run
    comparison: ClassVar[str]  # the text `train.compared.<comparison>` explains `demonstrate`
    schedule: ClassVar[str] = COSINE  # the learning rate, for a model card
    sheet_caption: ClassVar[str]  # what the rows of `contact_sheet` show, for a model card
    parts: dict[str, Any]  # everything with a state, by name; set by the constructor
    optimizer: torch.optim.Optimizer

    def __init__(self, config: Any, train: ImageSet, test: ImageSet, processes: Processes) -> None:
        self.config, self.train, self.test, self.processes = config, train, test, processes

    @abstractmethod
    def step(self, step: int) -> dict[str, float]:
        """Take optimiser step number `step` (from 0) and return its losses and health measures."""

    @abstractmethod
    def preview(self) -> Tensor:
        """Return a sheet of fixed held-out samples, (3, H, W) in [-1, 1]."""

    @abstractmethod
    def evaluate(self, classifier: Classifier | None = None, thorough: bool = False) -> dict[str, Estimate]:
        """Measure the averaged weights on the held-out images.

        Args:
            classifier: for the measures that need one.
            thorough: whether to measure also what takes minutes and no training run waits for.
        """

    @abstractmethod
    def contact_sheet(self, classifier: Classifier | None = None) -> Tensor:
        """Return a sheet as `preview` does, of held-out images and below them of those with the largest error."""

    @staticmethod
    @abstractmethod
    def demonstrate(model: Any, images: Tensor, reference: Tensor) -> list[Tensor]:
        """Return rows of images that show what a trained model makes of images (N, 3, S, S) in [-1, 1].

        Only the last row depends on the weights. `reference` are training images to search for neighbours.
        """

    @staticmethod
    def advise(rows: Rows, options: Mapping[str, Any]) -> list[Advice]:
        """Return advice on the method's own measures, for at least one logged row and the options of the run."""
        return []

    @staticmethod
    def lacks(names: Sequence[str]) -> str | None:
        """Return what the paths of some images show to be missing, as a code for a sentence, or None."""
        return None

    @staticmethod
    @abstractmethod
    def parts_of(config: Any) -> dict[str, Part]:
        """Return what a run of this config ships, by the names of `exports`, without building a network."""

    @staticmethod
    def fits_exports(config: Any) -> bool:
        """Return whether `exports` of a run of this config needs its training images."""
        return False

    @abstractmethod
    def part_modules(self) -> dict[str, tuple[nn.Module, ...]]:
        """Return the networks that trained weights of each part go into; the last of each is the one shipped."""

    def exports(self) -> dict[str, Export]:
        """Return what can be shipped by name; the empty name is the recipe's main model."""
        modules = self.part_modules()
        return {
            name: Export(part.arch, part.args, modules[name][-1]) for name, part in self.parts_of(self.config).items()
        }

    def state_dict(self) -> dict[str, Any]:
        """Return everything that an exact resume needs, as tensors and plain values."""
        return {name: part.state_dict() for name, part in self.parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned.

        Raises:
            ValueError: if the parts are others than those saved.
        """
        if state.keys() != self.parts.keys():
            raise ValueError(f"The checkpoint holds {sorted(state)}, this recipe {sorted(self.parts)}.")
        for name, part in self.parts.items():
            part.load_state_dict(state[name])

    def batch_index(self, images: ImageSet, step: int) -> Tensor:
        """Return the places of this process's images at a step, (batch_size,)."""
        size, processes = self.config.batch_size, self.processes
        index = batch_index(len(images), size * processes.world_size, step, self.config.seed)
        return index[processes.rank * size :][:size]

    def batch(self, images: ImageSet, step: int) -> Tensor:
        """Return this process's images at a step on its device, uint8 (batch_size, 3, S, S)."""
        return images.images[self.batch_index(images, step)].to(self.processes.device)

    def descend(self, loss: Tensor, step: int, clip: float | None = None) -> float:
        """Take an optimiser step down a loss and return its learning rate."""
        rate = cosine_rate(step, self.config)
        descend(loss, self.optimizer, self.processes, rate, clip)
        return rate


class AveragedRecipe(Recipe):
    """A recipe of one network, of which a running average is shown and shipped."""

    def set_up(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Set the network, its average and its optimiser."""
        self.shown, self.optimizer = averaged(model, self.config.ema_decay), optimizer
        self.parts = {"model": model, "shown": self.shown, "optimizer": optimizer}

    def part_modules(self) -> dict[str, tuple[nn.Module, ...]]:
        """Return the network and its average."""
        return {"": (self.parts["model"], self.shown.module)}

    def test_images(self, num: int) -> Tensor:
        """Return up to `num` held-out images, always the same, on the device, (N, 3, image_size, image_size)."""
        order = torch.randperm(len(self.test), generator=torch.Generator().manual_seed(0))[:num]
        return resize(self.test.images[order], self.config.image_size).to(self.processes.device)


def cosine_rate(step: int, config: TrainConfig) -> float:
    """Return the learning rate of a step: linear warm-up, then half a cosine to zero (arXiv 1608.03983)."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


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
