"""Analyses: ratios, many masks and influence, each against a slower computation of the same numbers."""

import numpy as np
import pytest
import torch
from PIL import Image

from demos.core.i18n import InputError
from demos.mae.analysis import (
    RATIOS,
    by_ratio,
    influence,
    patches_for_half,
    predict_ensemble,
    ratio_strip,
    relative_influence,
)
from demos.mae.masks import MAX_SEED, draw_mask, to_tensor
from models.data.images import square_crop
from models.data.images import to_tensor as image_tensor


def test_strip_holds_every_ratio(model, photo):
    results = list(by_ratio(model, photo, "hand", 2))
    assert [result.mask.mean().round(2) for result in results] == pytest.approx(RATIOS, abs=0.01)
    assert all((more.mask | ~less.mask).all() for less, more in zip(results, results[1:], strict=False))
    strip = ratio_strip(results, "mae-photos", "random", 2)
    assert strip.width > 8 * 160 and strip.height > 2 * 160


def test_mean_and_std_are_those_of_the_single_predictions(model, photo):
    *_, last = predict_ensemble(model, photo, 0.5, "random", 3, 10)
    square = square_crop(photo, 128)
    original = image_tensor(square)
    stack = np.full((10, 3, 128, 128), np.nan)
    for number in range(10):
        mask = draw_mask(square, 16, 0.5, "random", 3 + number)
        with torch.inference_mode():
            prediction = model.reconstruct(original, to_tensor(mask))[0].numpy()
        stack[number] = np.where(np.kron(mask, np.ones((8, 8))) > 0, prediction, np.nan)
    times = (~np.isnan(stack[:, 0])).sum(axis=0)
    often = times > 1
    mean = np.nanmean(stack[:, :, often], axis=0)
    shown = np.asarray(last.mean).transpose(2, 0, 1)[:, often]
    assert np.abs(shown - (mean + 1) * 127.5).max() <= 1
    std = np.sqrt(np.nanvar(stack[:, :, often], axis=0).mean(axis=0)) * 127.5
    assert last.scores["mean_spread"] == pytest.approx(std.mean(), abs=0.02)
    assert last.scores["masks"] == last.count == 10


def test_ensemble_is_yielded_after_each_batch_and_deterministic(model, photo):
    first, again = ([each.count for each in predict_ensemble(model, photo, 0.75, "grid", 1, 20)] for _ in range(2))
    assert first == again == [8, 16, 20]
    ends = [list(predict_ensemble(model, photo, 0.75, "object", 1, 9))[-1] for _ in range(2)]
    assert ends[0] == ends[1] and ends[0].scores == ends[1].scores
    assert ends[0].scores["mean_spread"] > 0, "where the rule has but one mask, random ones are drawn"


def test_seeds_wrap_around(model, photo):
    *_, last = predict_ensemble(model, photo, 0.75, "random", MAX_SEED, 3)
    assert last.count == 3


def test_ensemble_needs_hidden_patches_and_two_masks(model, photo):
    with pytest.raises(InputError, match="nothing"):
        next(predict_ensemble(model, photo, 0.0, "random", 1, 4))
    with pytest.raises(ValueError, match="count is 1"):
        next(predict_ensemble(model, photo, 0.5, "random", 1, 1))


def test_influence_is_the_change_without_a_patch(model, photo):
    square = square_crop(photo, 128)
    mask = draw_mask(square, 16, 0.9, "random", 0)
    target = int(np.flatnonzero(mask)[40])
    steps = list(influence(model, photo, mask, target))
    done = [int((~np.isnan(step)).sum()) for step in steps]
    assert done == [8, 16, 24, 26] and np.array_equal(np.isnan(steps[-1]), mask)
    row, column = divmod(target, 16)
    original = image_tensor(square)
    left_out = mask.copy()
    left_out.flat[np.flatnonzero(~mask)[11]] = True
    with torch.inference_mode():
        whole, without = (model.reconstruct(original, to_tensor(each)) for each in (mask, left_out))
    place = (..., slice(8 * row, 8 * row + 8), slice(8 * column, 8 * column + 8))
    change = float((whole[place] - without[place]).abs().mean()) * 127.5
    assert steps[-1].flat[np.flatnonzero(~mask)[11]] == pytest.approx(change, rel=1e-3)


def test_influence_needs_a_hidden_patch_and_two_visible_ones(model, photo):
    mask = np.ones((16, 16), bool)
    mask[0, 0] = False
    for target, code in ((0, "visible"), (1, "alone")):
        with pytest.raises(InputError) as caught:
            next(influence(model, photo, mask, target))
        assert caught.value.key == f"error.mask.{code}"


def test_patches_for_half_counts_from_the_strongest():
    changes = np.array([[4.0, np.nan], [3.0, 2.0]])
    assert patches_for_half(changes) == 2
    assert patches_for_half(np.array([[9.0, 1.0]])) == 1
    assert patches_for_half(np.zeros((2, 2))) == 0
    assert relative_influence(changes).tolist()[1] == pytest.approx([np.sqrt(0.75), np.sqrt(0.5)])


def test_photo_may_have_any_shape(model):
    wide = Image.new("RGB", (300, 40), "teal")
    assert next(by_ratio(model, wide, "block", 0)).original.size == (128, 128)
