from __future__ import annotations

import math

import pytest
import torch

from models.networks.layers import Attention, PatchEmbed, sincos_position_embedding


def test_positions_follow_the_formula_column_first() -> None:
    table = sincos_position_embedding(8, 3)[0]
    assert table.shape == (10, 8)
    assert torch.equal(table[0], torch.zeros(8))
    row, column = 1, 2
    angles = lambda x: [x, x / 100.0]  # noqa: E731  frequencies 1 and 10000 ** -(1 / 2)
    expected = [math.sin(a) for a in angles(column)] + [math.cos(a) for a in angles(column)]
    expected += [math.sin(a) for a in angles(row)] + [math.cos(a) for a in angles(row)]
    assert torch.allclose(table[1 + row * 3 + column], torch.tensor(expected), atol=1e-6)


def test_attention_equals_the_explicit_softmax() -> None:
    torch.manual_seed(0)
    attention, x = Attention(8, 2), torch.randn(2, 5, 8)
    query, key, value = attention.qkv(x).chunk(3, dim=-1)
    heads = []
    for part in (slice(0, 4), slice(4, 8)):
        weights = (query[..., part] @ key[..., part].transpose(1, 2) / 2.0).softmax(dim=-1)
        heads.append(weights @ value[..., part])
    assert torch.allclose(attention(x), attention.proj(torch.cat(heads, dim=-1)), atol=1e-6)


def test_a_patch_token_is_a_linear_map_of_its_own_patch() -> None:
    torch.manual_seed(0)
    embed, images = PatchEmbed(8, 4, 6), torch.randn(1, 3, 8, 8)
    before = embed(images)
    images[..., 4:, 4:] += 1.0
    changed = (embed(images) - before).abs().sum(dim=-1)[0] > 1e-6
    assert changed.tolist() == [False, False, False, True]


def test_sizes_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of patch_size"):
        PatchEmbed(30, 8, 4)
    with pytest.raises(ValueError, match="multiple of 4"):
        sincos_position_embedding(6, 2)
