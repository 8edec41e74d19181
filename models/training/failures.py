"""Failures of a training process, as codes of translated sentences."""

from __future__ import annotations

import errno
from typing import Any

import torch

FULL = {errno.ENOSPC, errno.EDQUOT}
DISK_FULL_STATUS = 28  # exit status: a full disk may have no room for error.json


class NoImagesError(ValueError):
    """The sources hold no image that can be read."""


class DoesNotFitError(ValueError):
    """The initial weights `start` do not fit the run; `needs` are the options that would, as "width 32"."""

    def __init__(self, message: str, start: str, needs: str) -> None:
        super().__init__(message)
        self.start, self.needs = start, needs


def describe_failure(error: BaseException) -> tuple[str, dict[str, Any]]:
    """Return the code of a failure, for the key `error.job.<code>`, and the values of its sentence."""
    if isinstance(error, FloatingPointError):
        return "not_finite", {}
    if isinstance(error, OSError) and error.errno in FULL:
        return "disk_full", {}
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        return "out_of_memory", {}
    if isinstance(error, NoImagesError):
        return "no_pictures", {}
    if isinstance(error, DoesNotFitError):
        return "start_does_not_fit", {"start": error.start, "needs": error.needs}
    if isinstance(error, ValueError | FileNotFoundError):
        return "refused", {"message": str(error)}
    return "crashed", {"message": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
