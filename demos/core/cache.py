"""Caches with a limit in bytes; what a visitor's own models compute is never cached.

The answers of all functions share one limit, so that memory does not grow with the number of functions or tabs.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import is_dataclass
from functools import cache, wraps
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np
from PIL import Image
from torch import Tensor

from models.hub.records import is_private

CACHE_BYTES = 128_000_000  # that the answers of all functions may take together

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class LRUCache(Generic[Key, Value]):
    """A thread-safe cache that drops the least recently used values beyond a total size, such as bytes.

    Args:
        capacity: What the values may take together; a value that is larger by itself is not kept.
        size_of: Key and value -> what they take; 1 for a capacity in entries.
    """

    def __init__(self, capacity: int, size_of: Callable[[Key, Value], int]) -> None:
        self._capacity, self._size_of = capacity, size_of
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()  # least recently used first
        self._size = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """What the values take together."""
        return self._size

    def get(self, key: Key) -> Value | None:
        """Return the value of a key, or None."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: Key, value: Value) -> None:
        """Keep a value."""
        size = self._size_of(key, value)
        if size > self._capacity:
            return
        with self._lock:
            self._size += size - self._entries.pop(key, (value, 0))[1]
            self._entries[key] = value, size
            while self._size > self._capacity:
                self._size -= self._entries.popitem(last=False)[1][1]


def _texts(value: object) -> list[str]:
    """Return an argument that is a text, or the texts in a tuple or among the fields of a dataclass."""
    values = value if isinstance(value, tuple) else vars(value).values() if is_dataclass(value) else [value]
    return [each for each in values if isinstance(each, str)]


class Answers(LRUCache[Hashable, tuple[Any]]):
    """Answers of functions, each in a tuple, so that a cached None is told from a missing one."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes, lambda key, made: size_in_memory((key, made[0])))


@cache
def shared_answers() -> Answers:
    """Return the cache of this process, created on the first call."""
    return Answers(CACHE_BYTES)


def public_lru_cache(
    kept: Callable[[], Answers] = shared_answers,
) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer]]:
    """Decorate a function whose answers all visitors share; calls about private weights are not cached."""

    def decorate(call: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
        answers, own = kept(), object()  # the latter tells the answers of this function from those of others

        @wraps(call)
        def answer(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
            if any(is_private(text) for value in (*args, *kwargs.values()) for text in _texts(value)):
                return call(*args, **kwargs)
            key = (own, args, tuple(sorted(kwargs.items())))
            if (known := answers.get(key)) is None:
                known = (call(*args, **kwargs),)
                answers.put(key, known)
            made: Answer = known[0]
            return made

        return answer

    return decorate


def size_in_memory(value: object) -> int:
    """Return about how many bytes a value takes, with the images, arrays and tensors in it."""
    if isinstance(value, Image.Image):
        return value.width * value.height * (1 if len(value.getbands()) == 1 else 4)  # Pillow pads colours to 32 bits
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, np.ndarray):
        return value.nbytes
    parts: Iterable[object] = ()
    if isinstance(value, Mapping):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        parts = value
    elif is_dataclass(value):
        parts = vars(value).values()
    return sys.getsizeof(value) + sum(map(size_in_memory, parts))
