"""What the app computes on: the profile of the host, detected once, and the import that ZeroGPU needs first."""

from __future__ import annotations

import os
from typing import Literal

Profile = Literal["cpu-basic", "zerogpu", "gpu"]


def is_zerogpu() -> bool:
    """Return whether this is a Space on ZeroGPU, as the package `spaces` decides it."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def import_spaces() -> None:
    """Import `spaces` on ZeroGPU, which has to come before torch; nowhere else is that package needed."""
    if is_zerogpu():
        os.environ.setdefault("NUMBA_DISABLE_CUDA", "1")  # CUDA must not start before the GPU is lent
        import spaces  # noqa: F401


def detect() -> Profile:
    """Return the profile of this host."""
    if is_zerogpu():
        return "zerogpu"
    import torch

    return "gpu" if torch.cuda.is_available() else "cpu-basic"
