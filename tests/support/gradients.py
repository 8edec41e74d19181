"""Checks of where gradients arrive."""

from collections.abc import Iterable

import torch
from torch import nn


def trainable(module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that an optimiser may change, by name."""
    return {name: value for name, value in module.named_parameters() if value.requires_grad}


def assert_finite_gradients(module: nn.Module, may_be_zero: Iterable[str] = ()) -> None:
    """Assert that each trainable parameter has a finite gradient, not zero but for names ending as given."""
    for name, parameter in trainable(module).items():
        assert parameter.grad is not None, f"no gradient reaches {name}"
        assert torch.isfinite(parameter.grad).all(), f"the gradient of {name} is not finite"
        if not name.endswith(tuple(may_be_zero)):
            assert parameter.grad.abs().max() > 0, f"the gradient of {name} is zero"


def assert_no_gradients(module: nn.Module) -> None:
    """Assert that no parameter has a gradient."""
    for name, parameter in module.named_parameters():
        assert parameter.grad is None, f"a gradient reaches {name}"
