"""A GPU that ZeroGPU lends for seconds: an encoder runs there, and on the processors where that fails."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from demos.core.profile import is_zerogpu

SECONDS = 30  # asked for at a time; a visitor has minutes a day
BATCH_SIZE = 128  # images sent at a time; each call waits for the GPU first
GPU_BATCH_SIZE = 32

Forward = Callable[[bytes, NDArray[np.float32]], NDArray[np.float32]]

log = logging.getLogger(__name__)


def forward(network: bytes, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the outputs (N, D) of a pickled network for images (N, 3, S, S), in the process that has the GPU.

    Bytes and arrays go through a pipe; tensors would need shared memory, of which a container has little.
    """
    torch.set_num_threads(1)  # in a forked process, a pool of threads would wait for those of its parent
    device = "cuda" if torch.cuda.is_available() else "cpu"
    module = pickle.loads(network).to(device)
    with torch.inference_mode():
        outputs = [module(part.to(device)).float().cpu() for part in torch.from_numpy(images).split(GPU_BATCH_SIZE)]
    return torch.cat(outputs).numpy()


def _decorated(function: Forward) -> Forward:
    """Register a function with ZeroGPU, which ends an app that has none."""
    if not is_zerogpu():
        return function
    import spaces

    return spaces.GPU(duration=SECONDS)(function)


forward_on_gpu = _decorated(forward)


class OnLentGPU(nn.Module):
    """A network in eval mode that runs on the lent GPU, and on the processors after its first failure there.

    Args:
        network: Images (N, 3, S, S) -> (N, D).
        on_failure: Called once, when the GPU was refused or failed.
    """

    def __init__(self, network: nn.Module, on_failure: Callable[[], None]) -> None:
        super().__init__()
        self._network = (network,)  # in a tuple it is no submodule, and is not traced with this one
        self._on_failure = on_failure
        self._pickled: bytes | None = pickle.dumps(network)

    def forward(self, images: Tensor) -> Tensor:
        """Return the outputs of the network, on the CPU."""
        if self._pickled is not None:
            try:
                return torch.from_numpy(forward_on_gpu(self._pickled, images.float().numpy()))
            except Exception as error:  # a quota that is spent is a `gr.Error`, a killed process another one
                log.warning("The lent GPU refused or failed, so the processors go on: %s", error)
                self._pickled = None
                self._on_failure()
        return self._network[0](images)
