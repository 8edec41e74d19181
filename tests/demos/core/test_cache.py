"""Answers kept for everybody: not those of private weights, and no more than fit into memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image

from demos.core.cache import Answers, LRUCache, public_lru_cache, shared_answers, size_in_memory
from demos.core.user_models import SelectedModel


def test_answers_of_private_weights_are_not_remembered() -> None:
    calls: list[str] = []

    @public_lru_cache()
    def answer(path: str, name: str) -> str:
        calls.append(name)
        return name

    for name in ("vae-fruit", "vae-fruit", "own/1", "own/1"):
        answer("a.png", name)
    assert calls == ["vae-fruit", "own/1", "own/1"]


def test_what_is_remembered_is_bounded_in_bytes() -> None:
    calls: list[int] = []

    @public_lru_cache(lambda: Answers(100_000))
    def answer(side: int) -> dict[str, list[Image.Image]]:
        calls.append(side)
        return {"pictures": [Image.new("RGB", (side, side))]}

    for side in (100, 101, 100, 102, 100, 101):  # each takes 40 kB
        answer(side)
    assert calls == [100, 101, 102, 101], "the least recently used leaves when a third comes"
    for _ in range(2):
        answer(200)
    answer(101)
    assert calls[4:] == [200, 200], "what is larger than the cache is not kept, and drives nothing out"


def test_functions_share_what_may_be_remembered() -> None:
    answers, calls = Answers(100_000), list[str]()

    def remembered(name: str) -> Callable[[int], Image.Image]:
        @public_lru_cache(lambda: answers)
        def answer(side: int) -> Image.Image:
            calls.append(name)
            return Image.new(name, (side, side))

        return answer

    colour, grey = remembered("RGB"), remembered("L")
    for _ in range(2):
        assert colour(100).mode == "RGB" and grey(100).mode == "L", "the same argument of another function"
    assert calls == ["RGB", "L"]
    for side in range(101, 104):
        colour(side)
    grey(100)
    assert calls[-1] == "L" and answers.size <= 100_000


def test_the_functions_of_all_tabs_share_one_limit() -> None:
    assert public_lru_cache.__defaults__ == (shared_answers,) and shared_answers() is shared_answers()


def test_images_arrays_and_tensors_are_counted_wherever_they_are() -> None:
    array, tensor = np.zeros((100, 100)), torch.zeros(100, 100)
    for value in (array, [array], {"a": (array,)}, SelectedModel("a", "b", array)):  # type: ignore[arg-type]
        assert 80_000 <= size_in_memory(value) < 82_000
    assert size_in_memory(tensor) == 40_000
    assert size_in_memory(Image.new("L", (100, 100))) == 10_000


def test_the_least_recently_used_values_are_dropped() -> None:
    cache: LRUCache[str, bytes] = LRUCache(30, lambda _, value: len(value))
    for key in "abc":
        cache.put(key, bytes(10))
    assert cache.get("a") is not None
    cache.put("d", bytes(10))
    assert [cache.get(key) is not None for key in "abcd"] == [True, False, True, True]
    cache.put("d", bytes(20))
    assert [cache.get(key) for key in "acd"] == [None, bytes(10), bytes(20)], "a replaced value counts once"
    cache.put("e", bytes(31))
    assert cache.get("e") is None and cache.get("d") is not None
