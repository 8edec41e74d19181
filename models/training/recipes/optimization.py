"""Optimiser steps: clipped gradients, weight decay, weight averages, memory layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from models.training.distributed import Processes

Network = TypeVar("Network", bound=nn.Module)


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


def descend(
    loss: Tensor, optimizer: torch.optim.Optimizer, processes: Processes, rate: float, clip: float | None = None
) -> None:
    """Take one optimiser step down a loss, with gradients averaged over the processes."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for group in optimizer.param_groups:
        group["lr"] = group.get("constant_rate", rate)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    processes.average_gradients(parameters)
    if clip is not None:
        nn.utils.clip_grad_norm_(parameters, clip)
    optimizer.step()


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
