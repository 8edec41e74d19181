"""The loaded models of a process: each is loaded once, the least recently used leave when the budget is spent."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import ref

from torch import nn

DEFAULT_BUDGET = 4_000_000_000  # bytes; MAE huge takes 2.6 of them


def budget_from_environment() -> int:
    """Return the bytes that UNLABELED_MODELS_MB allows loaded models to take, `DEFAULT_BUDGET` without it.

    Raises:
        ValueError: if the variable is not a positive whole number.
    """
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


@dataclass(frozen=True)
class _Entry:
    model: nn.Module
    size: int


@dataclass
class _Turn:
    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0


class ModelCache:
    """Hands the same module to every caller, within a budget of bytes; safe to use from many threads.

    A caller who holds a module keeps it alive after it was evicted. Until they let go it counts as spent, and a
    caller who asks for it again gets that very module back instead of a second copy.

    Args:
        budget: Bytes that models may take together. A single larger one is still loaded, alone.
    """

    def __init__(self, budget: int = DEFAULT_BUDGET) -> None:
        self.budget = budget
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()  # least recently used first
        self._leaving: dict[Hashable, tuple[ref[nn.Module], int]] = {}  # evicted, perhaps still held by somebody
        self._loading: dict[Hashable, int] = {}  # bytes set aside
        self._turns: dict[Hashable, _Turn] = {}
        self._guard = threading.RLock()

    def get(self, key: Hashable, load: Callable[[], nn.Module], expected: Callable[[], int] = lambda: 0) -> nn.Module:
        """Return the model stored under `key`, loading it if need be; concurrent callers share one load.

        Args:
            key: Hashable; the same key must always mean the same weights.
            load: Called without arguments where the model is not there. What it raises is passed on, and the
                next caller tries again.
            expected: Returns the bytes the model will take, made free before `load`; called where `load` is.
        """
        with self._turn(key):
            with self._guard:
                if (model := self._find(key)) is not None:
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
                self._entries[key] = _Entry(model, size_of(model))
                self._make_room(keep=key)
            return model

    def forget(self, is_unwanted: Callable[[Hashable], bool]) -> None:
        """Let go of the models whose keys are unwanted; what somebody still holds goes when they let go."""
        with self._guard:
            for key in [key for key in (*self._entries, *self._leaving) if is_unwanted(key)]:
                self._entries.pop(key, None)
                self._leaving.pop(key, None)

    def used(self) -> int:
        """Return the bytes of the models that are loaded, being loaded, or evicted and still in somebody's hands."""
        with self._guard:
            self._leaving = {key: (held, size) for key, (held, size) in self._leaving.items() if held() is not None}
            held = sum(size for _, size in self._leaving.values())
            return held + sum(entry.size for entry in self._entries.values()) + sum(self._loading.values())

    def keys(self) -> list[Hashable]:
        """Return the keys of the loaded models, least recently used first."""
        with self._guard:
            return list(self._entries)

    def _find(self, key: Hashable) -> nn.Module | None:
        if key in self._entries:
            self._entries.move_to_end(key)
            return self._entries[key].model
        held, size = self._leaving.pop(key, (None, 0))
        model = held() if held is not None else None
        if model is not None:
            self._entries[key] = _Entry(model, size)
            self._make_room(keep=key)
        return model

    def _make_room(self, keep: Hashable | None = None) -> None:
        """Evict from the least recently used on until the rest fits, but never `keep`."""
        for key in list(self._entries):
            if self.used() <= self.budget:
                return
            if key != keep:
                entry = self._entries.pop(key)
                self._leaving[key] = (ref(entry.model), entry.size)
                del entry

    @contextmanager
    def _turn(self, key: Hashable) -> Iterator[None]:
        """Hold the lock of one key; it is forgotten when nobody waits for it."""
        with self._guard:
            turn = self._turns.setdefault(key, _Turn())
            turn.waiting += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._guard:
                turn.waiting -= 1
                if not turn.waiting:
                    del self._turns[key]
