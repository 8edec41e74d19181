"""An encoder on a lent GPU: in another process, as ZeroGPU runs it, and on the processors where that fails."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from torch import nn

from demos.core import lent_gpu
from demos.core.lent_gpu import OnLentGPU


@pytest.fixture
def encoder() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5)).eval().requires_grad_(False)


def images(count: int) -> torch.Tensor:
    return (torch.rand(count, 3, 8, 8) * 2 - 1).contiguous(memory_format=torch.channels_last)


def test_another_process_answers_as_this_one_would(encoder: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def elsewhere(*arguments: Any) -> Any:
        calls.append(arguments)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(lent_gpu.forward, *arguments).result()

    monkeypatch.setattr(lent_gpu, "forward_on_gpu", elsewhere)
    batch = images(lent_gpu.GPU_BATCH_SIZE + 1)
    found = OnLentGPU(encoder, lambda: pytest.fail("it failed"))(batch)
    assert len(calls) == 1 and found.device.type == "cpu"
    torch.testing.assert_close(found, encoder(batch))


@pytest.mark.parametrize("error", [gr.Error("Space app has reached its GPU limit."), RuntimeError("worker died")])
def test_after_a_failure_the_processors_go_on_and_it_is_told_once(
    encoder: nn.Module, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls, told = [], []

    def refuse(network: bytes, batch: np.ndarray[Any, Any]) -> Any:
        calls.append(len(batch))
        if len(calls) == 2:
            raise error
        return lent_gpu.forward(network, batch)

    monkeypatch.setattr(lent_gpu, "forward_on_gpu", refuse)
    network = OnLentGPU(encoder, lambda: told.append(1))
    for count in (3, 4, 5):
        batch = images(count)
        torch.testing.assert_close(network(batch), encoder(batch))
    assert (calls, told) == ([3, 4], [1])
    assert "The lent GPU refused or failed" in caplog.text
