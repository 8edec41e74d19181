"""Losses against closed forms and naive loops written from the papers' equations."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal
from torch.distributions import kl_divergence as reference_kl

from models.networks.losses import (
    adaptive_weight,
    cycle_loss,
    feature_distance,
    free_bits_kl,
    hinge_discriminator_loss,
    identity_loss,
    info_nce,
    kl_divergence,
    laplacian_pyramid_loss,
    lsgan_loss,
    masked_patch_loss,
    negative_cosine_similarity,
    nt_xent,
)


def cosine(a: Tensor, b: Tensor) -> float:
    return float((a @ b) / (a.norm() * b.norm()))


def naive_nt_xent(z1: Tensor, z2: Tensor, temperature: float) -> float:
    """SimCLR algorithm 1, one pair at a time."""
    views = [view for pair in zip(z1, z2, strict=True) for view in pair]  # partners at 2k and 2k + 1
    total = 0.0
    for i in range(len(views)):
        j = i + 1 if i % 2 == 0 else i - 1
        others = [k for k in range(len(views)) if k != i]
        denominator = sum(math.exp(cosine(views[i], views[k]) / temperature) for k in others)
        total -= math.log(math.exp(cosine(views[i], views[j]) / temperature) / denominator)
    return total / len(views)


def naive_info_nce(query: Tensor, key: Tensor, queue: Tensor, temperature: float) -> float:
    total = 0.0
    for q, k in zip(query, key, strict=True):
        positive = math.exp(cosine(q, k) / temperature)
        negatives = sum(math.exp(float(q / q.norm() @ old) / temperature) for old in queue.T)
        total -= math.log(positive / (positive + negatives))
    return total / len(query)


# --- Adversarial, cycle and identity losses ---------------------------------------------------------------


@pytest.mark.parametrize(("scores", "target", "expected"), [(1.0, 1.0, 0.0), (0.0, 1.0, 1.0), (0.5, 0.0, 0.25)])
def test_lsgan_of_constant_scores(scores: float, target: float, expected: float) -> None:
    assert lsgan_loss(torch.full((2, 1, 5, 5), scores), target) == pytest.approx(expected)


def test_lsgan_is_a_mean_over_patches_and_pulls_towards_the_target() -> None:
    scores = torch.tensor([0.0, 1.0, 3.0], requires_grad=True)
    loss = lsgan_loss(scores, 1.0)
    loss.backward()
    assert loss.item() == pytest.approx((1 + 0 + 4) / 3)
    assert scores.grad is not None
    assert torch.allclose(scores.grad, torch.tensor([-2.0, 0.0, 4.0]) / 3)


@pytest.mark.parametrize("loss", [cycle_loss, identity_loss])
def test_cycle_and_identity_are_the_mean_absolute_error(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    a, b = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    expected = sum(abs(x - y) for x, y in zip(a.flatten().tolist(), b.flatten().tolist(), strict=True)) / a.numel()
    assert float(loss(a, b)) == pytest.approx(expected, rel=1e-5)
    assert float(loss(a, a)) == 0.0


# --- Masked patches ---------------------------------------------------------------------------------------


def test_masked_patch_loss_against_a_naive_loop() -> None:
    pred, target = torch.randn(3, 6, 4), torch.randn(3, 6, 4)
    mask = torch.tensor([[1, 0, 0, 1, 0, 1], [0, 1, 1, 0, 1, 0], [1, 1, 0, 0, 0, 1]]).float()
    errors = [
        sum((float(pred[n, patch, p]) - float(target[n, patch, p])) ** 2 for p in range(4)) / 4
        for n in range(3)
        for patch in range(6)
        if mask[n, patch] == 1
    ]
    assert float(masked_patch_loss(pred, target, mask)) == pytest.approx(sum(errors) / 9, rel=1e-5)


def test_kept_patches_do_not_count() -> None:
    pred, target = torch.randn(2, 5, 3, requires_grad=True), torch.randn(2, 5, 3)
    mask = torch.tensor([[1.0, 0, 0, 0, 1], [0, 1, 1, 0, 0]])
    masked_patch_loss(pred, target, mask).backward()
    assert pred.grad is not None
    assert torch.equal(pred.grad.abs().sum(-1) > 0, mask.bool())


def test_nothing_masked_is_an_error() -> None:
    with pytest.raises(ValueError, match="mask_ratio above 0"):
        masked_patch_loss(torch.zeros(1, 4, 3), torch.zeros(1, 4, 3), torch.zeros(1, 4))


# --- Variational losses -----------------------------------------------------------------------------------


def test_kl_of_the_prior_is_zero() -> None:
    assert torch.equal(kl_divergence(torch.zeros(4, 7), torch.zeros(4, 7)), torch.zeros(4, 7))


def test_kl_against_torch_distributions() -> None:
    mu, logvar = 3 * torch.randn(16, 5), 2 * torch.randn(16, 5)
    expected = reference_kl(Normal(mu, (0.5 * logvar).exp()), Normal(0.0, 1.0))
    assert torch.allclose(kl_divergence(mu, logvar), expected, rtol=1e-4, atol=1e-5)
    assert (kl_divergence(mu, logvar) >= 0).all()


def test_free_bits_against_a_naive_loop() -> None:
    kl = torch.rand(6, 4)
    for floor in (0.0, 0.4, 2.0):
        expected = sum(max(floor, sum(kl[:, d].tolist()) / 6) for d in range(4))
        assert float(free_bits_kl(kl, floor)) == pytest.approx(expected, rel=1e-5)
    assert float(free_bits_kl(kl, 0.0)) == pytest.approx(float(kl.sum(dim=1).mean()), rel=1e-5)


def test_latents_within_their_free_bits_are_not_pushed() -> None:
    kl = torch.tensor([[0.1, 0.9], [0.1, 0.7]], requires_grad=True)
    free_bits_kl(kl, 0.5).backward()
    assert kl.grad is not None
    assert torch.equal(kl.grad, torch.tensor([[0.0, 0.5], [0.0, 0.5]]))


def test_laplacian_pyramid() -> None:
    x = torch.rand(2, 3, 32, 32)
    assert float(laplacian_pyramid_loss(x, x)) == 0.0
    shifted = laplacian_pyramid_loss(x + 0.25, x)  # a constant lives in the coarsest level only
    assert float(shifted) == pytest.approx(0.25, rel=1e-4)
    checkerboard = 0.25 * (torch.arange(32)[:, None] + torch.arange(32)).remainder(2).mul(2).sub(1).float()
    finest = laplacian_pyramid_loss(x + checkerboard, x)  # and this one in the finest, which weighs 2**2
    assert float(finest) == pytest.approx(4 * 0.25, rel=1e-3)


# --- Contrastive losses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("num", [2, 3, 8, 17])
def test_nt_xent_of_identical_embeddings_is_log_of_the_others(num: int) -> None:
    z = torch.ones(num, 5)
    assert float(nt_xent(z, z, 0.5)) == pytest.approx(math.log(2 * num - 1), rel=1e-5)


def test_nt_xent_of_perfect_pairs() -> None:
    z = torch.eye(6)  # partners equal, all others orthogonal
    expected = -math.log(math.exp(1 / 0.5) / (math.exp(1 / 0.5) + 10))
    assert float(nt_xent(z, z, 0.5)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("temperature", [0.07, 0.5, 2.0])
@pytest.mark.parametrize("num", [2, 5])
def test_nt_xent_against_a_naive_loop(num: int, temperature: float) -> None:
    z1, z2 = torch.randn(num, 8), torch.randn(num, 8)
    assert float(nt_xent(z1, z2, temperature)) == pytest.approx(naive_nt_xent(z1, z2, temperature), rel=1e-4)


def test_nt_xent_is_symmetric_and_blind_to_length_and_order() -> None:
    z1, z2 = torch.randn(6, 8), torch.randn(6, 8)
    expected = float(nt_xent(z1, z2))
    order = torch.randperm(6)
    assert float(nt_xent(z2, z1)) == pytest.approx(expected, rel=1e-5)
    assert float(nt_xent(7 * z1, 0.1 * z2)) == pytest.approx(expected, rel=1e-4)
    assert float(nt_xent(z1[order], z2[order])) == pytest.approx(expected, rel=1e-5)
    assert float(nt_xent(z1, z2[order])) != pytest.approx(expected, rel=1e-3)


def test_nt_xent_reaches_both_views() -> None:
    z1, z2 = torch.randn(4, 8, requires_grad=True), torch.randn(4, 8, requires_grad=True)
    nt_xent(z1, z2).backward()
    for z in (z1, z2):
        assert z.grad is not None
        assert torch.isfinite(z.grad).all()
        assert (z.grad.abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize("temperature", [0.07, 0.2, 1.0])
def test_info_nce_against_a_naive_loop(temperature: float) -> None:
    query, key = torch.randn(5, 8), torch.randn(5, 8)
    queue = F.normalize(torch.randn(8, 11), dim=0)
    expected = naive_info_nce(query, key, queue, temperature)
    assert float(info_nce(query, key, queue, temperature)) == pytest.approx(expected, rel=1e-4)


def test_info_nce_of_identical_embeddings() -> None:
    query, queue = torch.ones(3, 4), F.normalize(torch.ones(4, 9), dim=0)
    assert float(info_nce(query, query, queue)) == pytest.approx(math.log(10), rel=1e-5)


def test_info_nce_reaches_the_query_only() -> None:
    query, key = torch.randn(4, 8, requires_grad=True), torch.randn(4, 8, requires_grad=True)
    queue = F.normalize(torch.randn(8, 6), dim=0).requires_grad_()
    info_nce(query, key, queue).backward()
    assert query.grad is not None
    assert (query.grad.abs().sum(dim=1) > 0).all()
    assert key.grad is None
    assert queue.grad is None


@pytest.mark.parametrize("temperature", [0.0, -0.5])
def test_a_temperature_must_be_positive(temperature: float) -> None:
    z = torch.randn(2, 4)
    with pytest.raises(ValueError, match=str(temperature)):
        nt_xent(z, z, temperature)
    with pytest.raises(ValueError, match=str(temperature)):
        info_nce(z, z, torch.randn(4, 3), temperature)


def test_negative_cosine_similarity() -> None:
    p, z = torch.randn(5, 8), torch.randn(5, 8)
    expected = -sum(cosine(a, b) for a, b in zip(p, z, strict=True)) / 5
    assert float(negative_cosine_similarity(p, z)) == pytest.approx(expected, rel=1e-4)
    assert float(negative_cosine_similarity(p, 3 * p)) == pytest.approx(-1.0)
    assert float(negative_cosine_similarity(p, -p)) == pytest.approx(1.0)


def test_negative_cosine_similarity_stops_the_gradient_of_the_target() -> None:
    p, z = torch.randn(5, 8, requires_grad=True), torch.randn(5, 8, requires_grad=True)
    negative_cosine_similarity(p, z).backward()
    assert p.grad is not None
    assert (p.grad.abs().sum(dim=1) > 0).all()
    assert z.grad is None


# --- Losses of features and of a discriminator ------------------------------------------------------------


def test_features_differ_by_the_angles_of_their_channels_alone() -> None:
    one, other = torch.randn(2, 5, 3, 4), torch.randn(2, 5, 3, 4)
    angles = [
        cosine(one[n, :, y, x], other[n, :, y, x]) for n in range(2) for y in range(3) for x in range(4)
    ]  # |a - b|² = 2 - 2 cos for vectors of length 1
    assert feature_distance(one, other).item() == pytest.approx(2 - 2 * sum(angles) / len(angles), abs=1e-5)
    assert feature_distance(one, 3 * one).item() == pytest.approx(0, abs=1e-6)
    assert feature_distance(one, -one).item() == pytest.approx(4, abs=1e-5)


def test_features_that_are_all_zero_have_a_finite_distance_and_gradient() -> None:
    dead = torch.zeros(1, 4, 2, 2, requires_grad=True)
    feature_distance(dead, torch.randn(1, 4, 2, 2)).backward()
    assert dead.grad is not None and dead.grad.isfinite().all()


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [(0.0, 0.0, 1.0), (1.0, -1.0, 0.0), (5.0, -5.0, 0.0), (-1.0, 1.0, 2.0), (0.5, -1.0, 0.25)],
)
def test_hinge_loss_of_constant_scores(real: float, fake: float, expected: float) -> None:
    shape = (2, 1, 3, 3)
    assert hinge_discriminator_loss(torch.full(shape, real), torch.full(shape, fake)).item() == pytest.approx(expected)


def test_the_adaptive_weight_is_the_ratio_of_gradients_at_the_last_layer() -> None:
    last = torch.randn(3, 4, requires_grad=True)
    a, b = torch.randn(3, 4), torch.randn(3, 4)
    loss, adversarial = (last * a).sum(), (last * b).sum()
    weight = adaptive_weight(loss, adversarial, last)
    assert weight.item() == pytest.approx(float(a.norm() / b.norm()), rel=1e-4)
    assert not weight.requires_grad
    (loss + weight * adversarial).backward()  # the graphs are kept
    assert adaptive_weight((last * a).sum(), (last * 0).sum(), last).item() == pytest.approx(1e4), "it is bounded"
