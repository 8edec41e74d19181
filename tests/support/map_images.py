"""Images and settings for the tests of the map."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from demos.embeddings.builder import MapBuilder
from models.analysis.neighbours import Metric
from models.analysis.projection import Method

LABELS = ("blue", "green", "red")
PER_LABEL = 5
NO_REQUEST: Any = None  # as in a call from Python, without a browser
RANDOM_SETTINGS: tuple[str, str, int, float, int, Metric, Method] = ("random", "2", 15, 0.1, 0, "cosine", "umap")


def noisy_image(label: str, number: int) -> Image.Image:
    """A noisy square of one colour."""
    noise = np.random.default_rng(number).normal(0, 20, (40, 40, 3))
    noise[..., ("red", "green", "blue").index(label)] += 150
    return Image.fromarray((noise + 50).clip(0, 255).astype(np.uint8))


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def last(steps: Iterator[Any]) -> Any:
    """What a generator gives in the end."""
    *_, answer = steps
    return answer


def packed(*ids: int) -> str:
    return base64.b64encode(np.array(ids, "<u4").tobytes()).decode()


class Stripes(torch.nn.Module):
    """Sees nothing but how much neighbouring columns differ, in each third of an image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        steps = (images[..., 1:] - images[..., :-1]).abs().mean(dim=(1, 2))
        return torch.stack([third.mean(dim=1) for third in steps.tensor_split(3, dim=1)], dim=1)


def large_encoder(builder: MapBuilder, monkeypatch: pytest.MonkeyPatch, side: int = 224) -> None:
    monkeypatch.setattr(builder, "network", lambda encoder: (Stripes(), side))
