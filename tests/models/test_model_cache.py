"""The store of loaded models: loaded once, within a budget, safe while others use them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from torch import nn

from models.model_cache import DEFAULT_BUDGET, ModelCache, budget_from_environment, size_of

KB = 1000


def model_of(kilobytes: int) -> nn.Module:
    return nn.Linear(kilobytes * KB // 4, 1, bias=False)


def loader(kilobytes: int, calls: list[int] | None = None) -> Callable[[], nn.Module]:
    def load() -> nn.Module:
        if calls is not None:
            calls.append(kilobytes)
        return model_of(kilobytes)

    return load


def test_the_size_counts_shared_tensors_once() -> None:
    layer = nn.Linear(10, 10)
    assert size_of(layer) == 440
    assert size_of(nn.Sequential(layer, layer, nn.BatchNorm1d(5))) == 440 + 4 * 5 * 4 + 8


def test_a_model_is_loaded_once_for_many_threads() -> None:
    calls: list[int] = []
    go = threading.Barrier(20)
    store = ModelCache()
    seen: list[nn.Module] = []

    def ask() -> None:
        go.wait()
        seen.append(store.get("x", loader(1, calls)))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]
    assert len(set(map(id, seen))) == 1
    assert not store._locks


def test_a_load_that_failed_is_tried_again() -> None:
    outcomes: Iterator[Exception | nn.Module] = iter([FileNotFoundError("not yet"), nn.Identity()])

    def load() -> nn.Module:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    store = ModelCache()
    with pytest.raises(FileNotFoundError):
        store.get("x", load, expected=lambda: 5)
    assert store.used() == 0
    assert isinstance(store.get("x", load), nn.Identity)


def test_the_least_recently_used_leave() -> None:
    store = ModelCache(budget=10 * KB)
    for name in "abc":
        store.get(name, loader(3))
    store.get("a", loader(3))
    store.get("d", loader(3))
    assert store.keys() == ["c", "a", "d"]
    assert store.used() == 9 * KB


def test_room_is_made_before_a_model_is_loaded() -> None:
    store = ModelCache(budget=10 * KB)
    store.get("a", loader(6))
    seen = []

    def load() -> nn.Module:
        seen.append((store.keys(), store.used()))
        return model_of(8)

    store.get("b", load, expected=lambda: 8 * KB)
    assert seen == [([], 8 * KB)]


def test_one_larger_than_the_budget_is_loaded_alone() -> None:
    store = ModelCache(budget=10 * KB)
    store.get("a", loader(6))
    store.get("huge", loader(50))
    assert store.keys() == ["huge"]


def test_an_evicted_model_lives_on_with_its_holder_and_is_not_loaded_twice() -> None:
    calls: list[int] = []
    store = ModelCache(budget=10 * KB)
    held = store.get("a", loader(6, calls))
    store.get("b", loader(7, calls))
    assert store.keys() == ["b"]
    assert store.used() == 13 * KB, "what somebody holds still takes room"
    assert held(held.weight).shape == (1, 1)
    assert store.get("a", loader(6, calls)) is held
    assert calls == [6, 7]
    del held
    store.get("b", loader(7, calls))
    assert store.used() == 7 * KB
    assert calls == [6, 7, 7]


def test_many_threads_on_a_tight_budget_get_working_models() -> None:
    store = ModelCache(budget=5 * KB)
    wrong: list[str] = []

    def use(start: int) -> None:
        for step in range(40):
            size = 1 + (start + step) % 4
            if size_of(store.get(size, loader(size))) != size * KB:
                wrong.append(f"{size}")

    threads = [threading.Thread(target=use, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert store.used() <= 5 * KB


@pytest.mark.parametrize(("given", "budget"), [("", DEFAULT_BUDGET), ("250", 250_000_000)])
def test_the_budget_is_read_from_the_environment(given: str, budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLABELED_MODELS_MB", given)
    assert budget_from_environment() == budget


@pytest.mark.parametrize("given", ["0", "-1", "a lot", "1.5"])
def test_a_budget_that_is_no_number_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLABELED_MODELS_MB", given)
    with pytest.raises(ValueError, match="UNLABELED_MODELS_MB"):
        budget_from_environment()
