"""Mixtures fitted to latents whose density is known."""

from __future__ import annotations

import pytest
import torch

from models.analysis.mixture import fit_mixture


def test_the_gaussians_that_latents_came_from_are_found_again() -> None:
    generator = torch.Generator().manual_seed(0)
    skewed = torch.tensor([[1.0, 0.0], [0.8, 0.3]])
    left = torch.randn(3000, 2, generator=generator) @ skewed.T + torch.tensor([-6.0, 1.0])
    right = 0.2 * torch.randn(1000, 2, generator=generator) + torch.tensor([4.0, 0.0])
    weights, means, scales = fit_mixture(torch.cat([left, right]), 2)
    first = int(means[:, 0].argmin())
    assert weights[first].item() == pytest.approx(0.75, abs=0.01)
    assert torch.allclose(means[first], torch.tensor([-6.0, 1.0]), atol=0.06)
    assert torch.allclose(scales[first] @ scales[first].T, skewed @ skewed.T, atol=0.08)
    assert torch.equal(scales, scales.tril())
    assert scales[1 - first].diagonal() == pytest.approx(torch.tensor([0.2, 0.2]), abs=0.02)


def test_equal_latents_give_equal_mixtures_and_few_give_few_gaussians() -> None:
    latents = torch.randn(40, 3, generator=torch.Generator().manual_seed(1))
    for one, other in zip(fit_mixture(latents, 4), fit_mixture(latents, 4), strict=True):
        assert torch.equal(one, other)
    assert [len(part) for part in fit_mixture(latents[:5], 8)] == [2, 2, 2]
    with pytest.raises(ValueError, match="1 latent"):
        fit_mixture(latents[:1], 2)
