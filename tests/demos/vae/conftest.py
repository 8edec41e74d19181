"""Fixtures of the VAE tab: a context over small random networks, and photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import ShallowModels
from lively import lively_vae
from PIL import Image

from demos.core.context import Context, make_context
from demos.vae.kl_comparison import COMPARED
from demos.vae.latent_slice import LatentSlices
from demos.vae.networks import MODELS, Networks
from models.networks.autoencoder_tiny import AutoencoderTiny

NETWORKS: dict[str, Any] = {name: lively_vae(64, 16, 4, seed) for seed, name in enumerate({**MODELS, **COMPARED})}
NETWORKS["taesd"] = AutoencoderTiny().eval()


@pytest.fixture
def context(shallow_models: ShallowModels, tmp_path: Path) -> Context:
    files, first_paint = tmp_path / "files", tmp_path / "first_paint"
    return make_context(NETWORKS.__getitem__, shallow_models.weights_info, files, first_paint=first_paint)


@pytest.fixture
def networks(context: Context) -> Networks:
    return Networks(context)


@pytest.fixture
def slices(networks: Networks) -> LatentSlices:
    return LatentSlices(networks)


@pytest.fixture
def images(tmp_path: Path) -> list[str]:
    """Four images that differ, as files."""
    paths = [tmp_path / f"{name}.png" for name in "abcd"]
    for seed, path in enumerate(paths):
        blocks = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
        Image.fromarray(blocks).resize((90, 80), Image.Resampling.BICUBIC).save(path)
    return [str(path) for path in paths]
