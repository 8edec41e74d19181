"""A cache of public answers that keeps nothing of a visitor's own models."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import is_dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from demos.core.user_models import CACHE_BYTES, size_in_memory
from models.hub.records import is_private

Parameters = ParamSpec("Parameters")


Answer = TypeVar("Answer")


def _texts(value: object) -> list[str]:
    """Return an argument that is a text, or the texts in a tuple or among the fields of a dataclass."""
    values = value if isinstance(value, tuple) else vars(value).values() if is_dataclass(value) else [value]
    return [each for each in values if isinstance(each, str)]


def public_lru_cache(
    max_bytes: int = CACHE_BYTES,
) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer]]:
    """Remember what a function answered, for everybody, but nothing of anybody's own weights.

    Answers about private weights are made anew each time, so that nobody gets another's and none outlives its job.

    Args:
        max_bytes: That remembered answers may take together; the least recently used leave first, and an answer that
            is larger by itself is not remembered.
    """

    def decorate(call: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
        kept: OrderedDict[Hashable, tuple[Answer, int]] = OrderedDict()  # least recently used first
        guard = threading.Lock()

        def remember(key: Hashable, made: Answer) -> None:
            size = size_in_memory((key, made))
            if size > max_bytes:
                return
            with guard:
                kept[key] = made, size
                while sum(taken for _, taken in kept.values()) > max_bytes:
                    kept.popitem(last=False)

        @wraps(call)
        def answer(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
            if any(is_private(text) for value in (*args, *kwargs.values()) for text in _texts(value)):
                return call(*args, **kwargs)
            key = (args, tuple(sorted(kwargs.items())))
            with guard:
                if key in kept:
                    kept.move_to_end(key)
                    return kept[key][0]
            made = call(*args, **kwargs)
            remember(key, made)
            return made

        return answer

    return decorate
