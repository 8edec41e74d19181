"""Layouts of vision transformers: renamed and stacked tensors."""

import torch

from models.formats.vit import from_hub, join_qkv


def test_queries_keys_and_values_are_stacked_in_this_order() -> None:
    parts = {f"blocks.0.attn.{part}.bias": torch.full((2,), number) for number, part in enumerate(["value", "key"])}
    parts["blocks.0.attn.query.bias"] = torch.full((2,), 7)
    assert join_qkv(parts)["blocks.0.attn.qkv.bias"].tolist() == [7, 7, 1, 1, 0, 0]
    del parts["blocks.0.attn.key.bias"]
    assert join_qkv(parts).keys() == parts.keys()
    parts["blocks.0.attn.key.bias"] = torch.zeros(3)
    assert join_qkv(parts).keys() == parts.keys()


def test_dinov2s_mask_token_is_left_out() -> None:
    tensors = {"embeddings.mask_token": torch.zeros(1, 4), "dinov2.embeddings.cls_token": torch.zeros(1, 1, 4)}
    assert from_hub(tensors).keys() == {"cls_token"}
