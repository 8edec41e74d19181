"""The loaded models of a process: each is loaded once, and the least recently used leave when the budget is spent."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from weakref import WeakValueDictionary

from torch import nn

DEFAULT_BUDGET = 4_000_000_000  # bytes; MAE huge takes 2.6 of them


def budget_from_environment() -> int:
    """Return the bytes that UNLABELED_MODELS_MB allows loaded models to take, `DEFAULT_BUDGET` without it."""
    given = os.environ.get("UNLABELED_MODELS_MB", "")
    if not given:
        return DEFAULT_BUDGET
    if not given.isdecimal() or int(given) == 0:
        raise ValueError(f"UNLABELED_MODELS_MB is {given!r}; give a whole number of megabytes, at least 1.")
    return int(given) * 1_000_000


def size_of(model: nn.Module) -> int:
    """Return the bytes that the parameters and buffers of a model take, shared ones counted once."""
    tensors = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


class ModelCache:
    """Hands the same module to every caller, within a budget of bytes; thread-safe.

    A caller who holds a module keeps it alive after it was evicted. Until then it counts as spent, and a caller who
    asks for it again gets that very module instead of a second copy.

    Args:
        budget: Bytes that models may take together. A single larger one is still loaded, alone.
    """

    def __init__(self, budget: int = DEFAULT_BUDGET) -> None:
        self.budget = budget
        self._kept: OrderedDict[Hashable, nn.Module] = OrderedDict()  # least recently used first
        self._alive: WeakValueDictionary[Hashable, nn.Module] = WeakValueDictionary()  # kept, or evicted and in use
        self._sizes: dict[Hashable, int] = {}
        self._loading: dict[Hashable, int] = {}  # bytes reserved
        self._locks: WeakValueDictionary[Hashable, threading.Lock] = WeakValueDictionary()
        self._guard = threading.RLock()

    def get(self, key: Hashable, load: Callable[[], nn.Module], expected: Callable[[], int] = lambda: 0) -> nn.Module:
        """Return the model stored under `key`, loading it if need be; concurrent callers share one load.

        Args:
            key: Hashable; the same key must always mean the same weights.
            load: Called without arguments where the model is not there. What it raises is passed on, and the
                next caller tries again.
            expected: Returns the bytes the model will take, made free before `load`; called where `load` is.
        """
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            with self._guard:
                if (model := self._alive.get(key)) is not None:
                    self._keep(key, model)
                    return model
            size = expected()
            with self._guard:
                self._loading[key] = size
                self._make_room()
            try:
                model = load()
            finally:
                with self._guard:
                    del self._loading[key]
            with self._guard:
                self._alive[key], self._sizes[key] = model, size_of(model)
                self._keep(key, model)
            return model

    def forget(self, is_unwanted: Callable[[Hashable], bool]) -> None:
        """Drop the models whose keys are unwanted; a module in use goes when its last user lets go of it."""
        with self._guard:
            for key in [key for key in self._alive.copy() if is_unwanted(key)]:
                self._kept.pop(key, None)
                self._alive.pop(key, None)

    def used(self) -> int:
        """Return the bytes of the models that are loaded, being loaded, or evicted and still in use."""
        with self._guard:
            self._sizes = {key: self._sizes[key] for key in self._alive.copy()}
            return sum(self._sizes.values()) + sum(self._loading.values())

    def keys(self) -> list[Hashable]:
        """Return the keys of the loaded models, least recently used first."""
        with self._guard:
            return list(self._kept)

    def _keep(self, key: Hashable, model: nn.Module) -> None:
        """Make a model the most recently used, and evict others as needed."""
        self._kept[key] = model
        self._kept.move_to_end(key)
        self._make_room(keep=key)

    def _make_room(self, keep: Hashable | None = None) -> None:
        """Evict from the least recently used on until the rest fits, but never `keep`."""
        for key in list(self._kept):
            if self.used() <= self.budget:
                return
            if key != keep:
                del self._kept[key]
