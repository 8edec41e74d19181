"""Measures against closed forms and naive loops."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn import manifold
from torch import Tensor

from models.analysis.metrics import (
    centred_directions,
    effective_rank,
    gradient_magnitude,
    kid,
    knn_accuracy,
    linear_probe_accuracy,
    nearest_neighbours,
    psnr,
    source_found,
    ssim,
    std_of_l2_normalized,
    trustworthiness,
)

# --- PSNR -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("difference", "expected"), [(2.0, 0.0), (0.2, 20.0), (0.02, 40.0)])
def test_psnr_of_a_constant_difference(difference: float, expected: float) -> None:
    a = torch.full((2, 3, 4, 4), -1.0)
    assert psnr(a, a + difference) == pytest.approx(expected, abs=1e-3)
    assert psnr(a + difference, a) == pytest.approx(expected, abs=1e-3)


def test_psnr_of_equal_images_is_infinite() -> None:
    a = torch.rand(1, 3, 4, 4)
    assert psnr(a, a) == math.inf


# --- Collapse ---------------------------------------------------------------------------------------------


def test_std_of_even_directions_is_one() -> None:
    features = torch.randn(20_000, 16, generator=torch.Generator().manual_seed(0))
    assert std_of_l2_normalized(features) == pytest.approx(1.0, abs=0.01)
    assert std_of_l2_normalized(100 * features) == pytest.approx(1.0, abs=0.01)


def test_std_of_collapsed_outputs_is_zero() -> None:
    collapsed = torch.randn(1, 16).expand(50, -1) * torch.rand(50, 1).add(0.1)
    assert std_of_l2_normalized(collapsed) == pytest.approx(0.0, abs=1e-5)


def test_std_against_a_naive_loop() -> None:
    features = torch.randn(7, 5)
    rows = [(row / row.norm()).tolist() for row in features]
    spreads = []
    for d in range(5):
        column = [row[d] for row in rows]
        mean = sum(column) / 7
        spreads.append(math.sqrt(sum((value - mean) ** 2 for value in column) / 6))
    assert std_of_l2_normalized(features) == pytest.approx(math.sqrt(5) * sum(spreads) / 5, rel=1e-4)


# --- Neighbours -------------------------------------------------------------------------------------------


def naive_neighbours(query: Tensor, reference: Tensor, k: int, exclude_self: bool) -> list[list[int]]:
    answers = []
    for i, q in enumerate(query):
        others = [j for j in range(len(reference)) if not (exclude_self and i == j)]
        others.sort(key=lambda j: -float(q @ reference[j]))
        answers.append(others[:k])
    return answers


def naive_knn_accuracy(features: Tensor, labels: list[int], k: int) -> float:
    directions = [row / row.norm() for row in features - features.mean(dim=0)]
    right = 0
    for i, direction in enumerate(directions):
        others = sorted((j for j in range(len(labels)) if j != i), key=lambda j: -float(direction @ directions[j]))
        votes = Counter(labels[j] for j in others[:k])
        summed = {
            label: sum(float(direction @ directions[j]) for j in others[:k] if labels[j] == label) for label in votes
        }
        right += max(votes, key=lambda label: (votes[label], summed[label])) == labels[i]
    return right / len(labels)


def test_directions_are_centred_and_of_length_one() -> None:
    features = 5 + torch.randn(20, 6)
    directions = centred_directions(features)
    assert torch.allclose(directions.norm(dim=1), torch.ones(20))
    assert torch.allclose(directions, F.normalize(features - features.mean(dim=0), dim=1))
    other = torch.randn(6)
    assert torch.allclose(centred_directions(features, other), F.normalize(features - other, dim=1))


@pytest.mark.parametrize("exclude_self", [False, True])
def test_neighbours_against_a_naive_loop(exclude_self: bool) -> None:
    reference = F.normalize(torch.randn(30, 6), dim=1)
    query = reference if exclude_self else F.normalize(torch.randn(9, 6), dim=1)
    indices, similarities = nearest_neighbours(query, reference, 4, exclude_self)
    assert indices.tolist() == naive_neighbours(query, reference, 4, exclude_self)
    expected = (query[:, None] * reference[indices]).sum(dim=-1)
    assert torch.allclose(similarities, expected, atol=1e-6)


def test_neighbours_of_more_rows_than_fit_at_once() -> None:
    reference = F.normalize(torch.randn(2500, 4), dim=1)
    indices, _ = nearest_neighbours(reference, reference, 1)
    assert torch.equal(indices[:, 0], torch.arange(2500))
    indices, _ = nearest_neighbours(reference, reference, 1, exclude_self=True)
    assert (indices[:, 0] != torch.arange(2500)).all()
    for row in (0, 1023, 1024, 2499):
        similarity = reference @ reference[row]
        similarity[row] = -2
        assert indices[row, 0] == similarity.argmax()


def test_no_more_neighbours_than_there_are() -> None:
    reference = F.normalize(torch.randn(3, 4), dim=1)
    assert nearest_neighbours(reference, reference, 10)[0].shape == (3, 3)
    assert nearest_neighbours(reference, reference, 10, exclude_self=True)[0].shape == (3, 2)


def test_accuracy_of_separate_clusters_is_one() -> None:
    centres = torch.tensor([[5.0, 0, 0], [0, 5, 0], [0, 0, 5]])
    labels = torch.arange(3).repeat_interleave(10)
    features = centres[labels] + 0.1 * torch.randn(30, 3)
    assert knn_accuracy(features, labels) == 1.0
    assert knn_accuracy(features, labels, reference=(centres.repeat(2, 1), torch.arange(3).repeat(2)), k=1) == 1.0


def test_an_image_does_not_vote_for_itself() -> None:
    features = torch.tensor([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0], [-1.0, 0.1]])
    assert knn_accuracy(features, torch.tensor([0, 1, 2, 3]), k=1) == 0.0
    assert knn_accuracy(features, torch.tensor([0, 0, 1, 1]), k=1) == 1.0


@pytest.mark.parametrize("k", [1, 2, 3, 5, 10])
def test_accuracy_against_a_naive_loop(k: int) -> None:
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        features = torch.randn(25, 4, generator=generator)
        labels = torch.randint(3, (25,), generator=generator)
        expected = naive_knn_accuracy(features, labels.tolist(), k)
        assert knn_accuracy(features, labels, k) == pytest.approx(expected, abs=1e-6)


def test_accuracy_against_a_reference_ignores_the_query_set() -> None:
    reference, pool_labels = torch.randn(20, 4), torch.randint(3, (20,))
    query, labels = torch.randn(8, 4), torch.randint(3, (8,))
    whole = knn_accuracy(query, labels, 3, reference=(reference, pool_labels))
    single = [
        knn_accuracy(query[i : i + 1], labels[i : i + 1], 3, reference=(reference, pool_labels)) for i in range(8)
    ]
    assert whole == pytest.approx(sum(single) / 8)


def test_accuracy_needs_two_images() -> None:
    with pytest.raises(ValueError, match="not 1"):
        knn_accuracy(torch.randn(1, 4), torch.zeros(1, dtype=torch.long))


def test_trustworthiness_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    before, after = random.normal(size=(90, 8)), random.normal(size=(90, 2))
    after[:45] = before[:45, :2]
    for k in (1, 5, 20):
        expected = manifold.trustworthiness(before, after, n_neighbors=k)
        found = trustworthiness(torch.from_numpy(before), torch.from_numpy(after), k)
        assert found == pytest.approx(expected, abs=1e-9)
    with pytest.raises(ValueError, match="k is 45"):
        trustworthiness(torch.from_numpy(before), torch.from_numpy(after), 45)


def test_effective_rank_counts_directions() -> None:
    five = torch.eye(5, 64)
    assert effective_rank(torch.cat([five, -five])) == pytest.approx(5, abs=1e-3)
    line = torch.arange(20.0)[:, None] * torch.ones(1, 7)
    assert effective_rank(line) == pytest.approx(1, abs=1e-3)


def test_a_linear_probe_separates_linearly_separable_classes() -> None:
    labels = torch.arange(3).repeat_interleave(30)
    clear = torch.eye(3)[labels] * 6 + torch.randn(90, 3)
    assert linear_probe_accuracy(clear, labels) > 0.95
    assert linear_probe_accuracy(torch.randn(90, 3), labels) < 0.6
    with pytest.raises(ValueError, match="two classes"):
        linear_probe_accuracy(clear, torch.arange(90))


# --- Kernel distance and structural similarity ------------------------------------------------------------


def naive_kid(x: Tensor, y: Tensor) -> float:
    def kernel(one: Tensor, other: Tensor) -> float:
        return (float(one @ other) / len(one) + 1) ** 3

    within = [
        sum(kernel(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j)
        / (len(rows) * (len(rows) - 1))
        for rows in (x, y)
    ]
    return within[0] + within[1] - 2 * sum(kernel(a, b) for a in x for b in y) / (len(x) * len(y))


def test_kernel_distance_against_a_naive_loop_and_its_closed_form() -> None:
    x, y = torch.randn(7, 4), torch.randn(5, 4) + 1
    assert float(kid(x, y)) == pytest.approx(naive_kid(x.double(), y.double()), rel=1e-6)
    ones, zeros = torch.ones(6, 4), torch.zeros(9, 4)
    assert float(kid(ones, zeros)) == pytest.approx(2**3 + 1 - 2)


def test_kernel_distance_of_equal_distributions_is_zero_on_average() -> None:
    found = [float(kid(torch.randn(50, 8), torch.randn(50, 8))) for _ in range(60)]
    apart = float(kid(torch.randn(50, 8), torch.randn(50, 8) + 0.5))
    assert abs(sum(found) / 60) < 3 * float(torch.tensor(found).std()) / 60**0.5
    assert apart > 5 * abs(sum(found) / 60)


def test_kernel_distance_under_weights_leaves_pairs_of_one_image_out() -> None:
    x, y = torch.randn(6, 4), torch.randn(5, 4)
    weights = torch.tensor([[2.0, 0, 1, 1, 1, 1], [1.0, 1, 1, 1, 1, 1]], dtype=torch.float64)
    found = kid(x, y, weights, torch.ones(2, 5, dtype=torch.float64))
    assert float(found[1]) == pytest.approx(float(kid(x, y)))
    drawn = [0, 0, 2, 3, 4, 5]
    kernel = (x.double() @ x.double().T / 4 + 1) ** 3
    pairs = [float(kernel[i, j]) for a, i in enumerate(drawn) for b, j in enumerate(drawn) if a != b and i != j]
    across = ((x.double()[drawn] @ y.double().T / 4 + 1) ** 3).mean()
    within = (y.double() @ y.double().T / 4 + 1) ** 3
    expected = sum(pairs) / len(pairs) + float(within.sum() - within.trace()) / 20 - 2 * float(across)
    assert float(found[0]) == pytest.approx(expected)


def test_structural_similarity_of_equal_constant_and_shifted_images() -> None:
    a = torch.rand(2, 3, 16, 16) * 2 - 1
    assert ssim(a, a).tolist() == pytest.approx([1.0, 1.0])
    low, high = torch.full((1, 3, 12, 12), -0.5), torch.full((1, 3, 12, 12), 0.5)
    c1 = (0.01 * 2) ** 2
    assert float(ssim(low, high)) == pytest.approx((2 * -0.25 + c1) / (0.5 + c1))
    noisy = (a + 0.5 * torch.randn_like(a)).clamp(-1, 1)
    assert (ssim(a, noisy) < 0.9).all()


def test_a_source_is_found_by_edges_whatever_became_of_the_colours() -> None:
    sources = torch.rand(12, 3, 24, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    recoloured = -0.5 * sources[:, [2, 0, 1]] + 0.3
    assert source_found(recoloured, sources).all()
    assert source_found(recoloured.roll(1, 0), sources).sum() == 0, "each shows the edges of another source"
    halves = torch.cat([recoloured[:6], recoloured[6:].roll(1, 0)])
    assert source_found(halves, sources).tolist() == 6 * [True] + 6 * [False]


def test_a_source_is_not_found_without_edges_or_beside_its_equal() -> None:
    sources = torch.rand(4, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    assert not source_found(torch.zeros_like(sources), sources).any()
    sources[1] = sources[0]
    assert source_found(sources, sources).tolist() == [False, False, True, True]


def test_a_source_is_found_by_chance_once_in_all() -> None:
    draws = torch.Generator().manual_seed(2)
    sources, unrelated = (torch.rand(200, 3, 12, 12, generator=draws) for _ in range(2))
    assert source_found(unrelated, sources).float().mean() < 0.05


def test_sharpness_of_even_images_slopes_and_smoothed_ones() -> None:
    slope = torch.linspace(-1, 1, 33).expand(1, 3, 33, 33)  # 1/16 a pixel to the right
    assert gradient_magnitude(torch.full((2, 3, 8, 8), 0.3)).tolist() == [0.0, 0.0]
    assert gradient_magnitude(slope).item() == pytest.approx(1 / 16, abs=1e-6)
    assert gradient_magnitude(slope + slope.mT).item() == pytest.approx(2**0.5 / 16, abs=1e-6)
    noise = torch.rand(4, 3, 32, 32)
    assert (gradient_magnitude(F.avg_pool2d(noise, 3, stride=1)) < 0.5 * gradient_magnitude(noise)).all()
