"""Self-supervised learning from two views of an image, over any encoder (N batch, D projection, K queue).

- `SimSiam` (arXiv 2011.10566) has no negatives: a predictor and a stop-gradient keep it from collapsing.
- `SimCLR` (arXiv 2002.05709) contrasts the two views of an image with all other images of the batch.
- `MoCo` v2 (arXiv 1911.05722, 2003.04297) takes its negatives from a queue filled by a momentum encoder.

Views are (N, 3, S, S) in [-1, 1]; the encoder maps them to (N, feature_dim).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.losses import info_nce, negative_cosine_similarity, nt_xent


class ContrastiveOutput(NamedTuple):
    """What one pass returns: the loss (scalar) and the projections z1, z2, each (N, D), without gradient."""

    loss: Tensor
    z1: Tensor
    z2: Tensor


def mlp_head(dims: list[int], last_norm: bool = False) -> nn.Sequential:
    """Return linear layers with batch norm and ReLU between: (N, dims[0]) -> (N, dims[-1])."""
    layers: list[nn.Module] = []
    for index, (before, after) in enumerate(zip(dims[:-1], dims[1:], strict=True)):
        last = index == len(dims) - 2
        normalised = not last or last_norm
        layers.append(nn.Linear(before, after, bias=not normalised))
        if normalised:
            layers.append(nn.BatchNorm1d(after, affine=not last))
        if not last:
            layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class SimSiam(nn.Module):
    """Siamese views without negatives (arXiv 2011.10566 algorithm 1).

    Args:
        encoder: Backbone, (N, 3, S, S) -> (N, feature_dim).
        feature_dim: Width of its output.
        dim: Width of projector and predictor outputs.
        pred_dim: The predictor's bottleneck, a quarter of `dim` in the paper.
        stop_gradient: False removes the stop-gradient, which makes the outputs collapse (§4.1).
    """

    def __init__(
        self, encoder: nn.Module, feature_dim: int, dim: int = 512, pred_dim: int = 128, stop_gradient: bool = True
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = mlp_head([feature_dim, dim, dim, dim], last_norm=True)
        self.predictor = mlp_head([dim, pred_dim, dim])
        self.stop_gradient = stop_gradient

    def forward(self, view1: Tensor, view2: Tensor) -> ContrastiveOutput:
        """Return the symmetric loss D(p1, z2) / 2 + D(p2, z1) / 2 (eq. 4)."""
        z1, z2 = self.projector(self.encoder(view1)), self.projector(self.encoder(view2))
        p1, p2 = self.predictor(z1), self.predictor(z2)
        if self.stop_gradient:
            loss = (negative_cosine_similarity(p1, z2) + negative_cosine_similarity(p2, z1)) / 2
        else:
            loss = -(F.cosine_similarity(p1, z2).mean() + F.cosine_similarity(p2, z1).mean()) / 2
        return ContrastiveOutput(loss, z1.detach(), z2.detach())


class SimCLR(nn.Module):
    """The two views of an image against all others of the batch (arXiv 2002.05709 §2.1).

    Args:
        encoder: Backbone, (N, 3, S, S) -> (N, feature_dim).
        feature_dim: Width of its output.
        dim: Width of the projector's output.
        temperature: Softmax scale of NT-Xent.
    """

    def __init__(self, encoder: nn.Module, feature_dim: int, dim: int = 128, temperature: float = 0.5) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = mlp_head([feature_dim, feature_dim, dim])
        self.temperature = temperature

    def forward(self, view1: Tensor, view2: Tensor) -> ContrastiveOutput:
        """Return NT-Xent over both views of the batch."""
        z1, z2 = self.projector(self.encoder(view1)), self.projector(self.encoder(view2))
        return ContrastiveOutput(nt_xent(z1, z2, self.temperature), z1.detach(), z2.detach())


class MoCo(nn.Module):
    """Momentum contrast, version 2 (arXiv 1911.05722 algorithm 1; 2003.04297).

    Its head has a batch norm between its two layers, like SimCLR's here; the paper's has none.

    Args:
        encoder: Backbone, (N, 3, S, S) -> (N, feature_dim).
        feature_dim: Width of its output.
        dim: Width of the projector's output.
        queue_size: Negatives kept, a multiple of the batch size.
        momentum: Share of the key encoder kept at each update.
        temperature: Softmax scale of InfoNCE.
    """

    queue: Tensor
    queue_ptr: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        feature_dim: int,
        dim: int = 128,
        queue_size: int = 4096,
        momentum: float = 0.99,
        temperature: float = 0.2,
    ) -> None:
        super().__init__()
        self.encoder_q = nn.Sequential(encoder, mlp_head([feature_dim, feature_dim, dim]))
        self.encoder_k = copy.deepcopy(self.encoder_q).requires_grad_(False)
        self.queue_size, self.momentum, self.temperature = queue_size, momentum, temperature
        self.register_buffer("queue", F.normalize(torch.randn(dim, queue_size), dim=0))
        self.register_buffer("queue_ptr", torch.zeros(1, dtype=torch.long))

    @property
    def encoder(self) -> nn.Module:
        """The trained backbone, for use after training."""
        return self.encoder_q[0]

    def forward(
        self, view1: Tensor, view2: Tensor, gather: Callable[[Tensor], Tensor] = lambda keys: keys
    ) -> ContrastiveOutput:
        """Return InfoNCE of view1's queries against view2's keys; in training, update the key encoder and the queue.

        The key encoder is updated before it makes the keys, as in the authors' code (algorithm 1 updates it last).
        `gather` collects the keys of all processes, so that their queues stay equal.
        """
        query = self.encoder_q(view1)
        with torch.no_grad():
            if self.training:
                self.update_key_encoder()
            # Keys are encoded in another order, in halves of the batch: batch statistics then tell nothing about
            # which key belongs to which query (the paper's "shuffling BN", §3.3, on one process).
            order = torch.randperm(len(view2), device=view2.device)
            parts = order.chunk(2) if len(view2) >= 4 else (order,)  # batch norm needs two images a part
            halves = [self.encoder_k(view2[part]) for part in parts]
            key = F.normalize(torch.cat(halves)[order.argsort()], dim=1)
        loss = info_nce(query, key, self.queue.clone(), self.temperature)
        if self.training:
            self.enqueue(gather(key))
        return ContrastiveOutput(loss, query.detach(), key)

    @torch.no_grad()
    def update_key_encoder(self) -> None:
        """Set every key parameter to momentum * key + (1 - momentum) * query (1911.05722 eq. 2)."""
        for key, query in zip(self.encoder_k.parameters(), self.encoder_q.parameters(), strict=True):
            key.lerp_(query, 1 - self.momentum)

    @torch.no_grad()
    def enqueue(self, keys: Tensor) -> None:
        """Replace the oldest keys of the queue by `keys`, (N, D)."""
        num, start = len(keys), int(self.queue_ptr)
        if self.queue_size % num:
            raise ValueError(f"queue_size {self.queue_size} is not a multiple of the batch of {num}; change one.")
        places = (start + torch.arange(num, device=keys.device)) % self.queue_size
        self.queue[:, places] = keys.T.to(self.queue.dtype)  # the keys may come from autocast
        self.queue_ptr[0] = (start + num) % self.queue_size
