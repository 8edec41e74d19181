"""Composites of two photos, and inpainting of damaged ones."""

import numpy as np
import pytest
import torch
from PIL import Image

from demos.core.i18n import InputError
from demos.mae.inpainting import COLOURS, DAMAGES, apply_damage, composite, draw_damage, inpaint
from demos.mae.masks import to_tensor
from models.analysis.inpainting_baselines import harmonic_fill
from models.data.images import square_crop
from models.data.images import to_tensor as image_tensor


def test_composite_takes_hidden_patches_from_the_second_image():
    red, blue = Image.new("RGB", (32, 32), "red"), Image.new("RGB", (32, 32), "blue")
    patches = np.array([[True, False], [False, False]])
    mixed = composite(red, blue, patches)
    assert mixed.getpixel((15, 15)) == (0, 0, 255) and mixed.getpixel((16, 15)) == (255, 0, 0)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_deterministic_and_leaves_visible_patches(damage):
    first, again, other = (draw_damage(128, damage, seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    for seed in range(20):
        mask = draw_damage(128, damage, seed)
        assert 0.005 < mask.mean() < 0.3
        assert not mask.reshape(16, 8, 16, 8).any(axis=(1, 3)).all()
    with pytest.raises(ValueError, match="'coffee'; choose one of scratches, text"):
        draw_damage(128, "coffee", 0)


@pytest.mark.parametrize("damage", DAMAGES)
def test_only_damaged_pixels_change(model, photo, damage):
    intact = square_crop(photo, 128)
    mask = draw_damage(128, damage, 1)
    damaged = apply_damage(intact, mask, damage)
    assert (np.asarray(damaged)[mask] == COLOURS[damage]).all()
    result = inpaint(model, damaged, mask, intact)
    for image in (result.mended, result.smooth):
        assert np.array_equal(np.asarray(image)[~mask], np.asarray(intact)[~mask])
    patches = np.asarray(mask.reshape(16, 8, 16, 8).any(axis=(1, 3)))
    with torch.inference_mode():
        prediction = model.reconstruct(image_tensor(damaged), to_tensor(patches))[0].permute(1, 2, 0).numpy()
    assert np.abs(np.asarray(result.mended)[mask] - (prediction[mask] + 1) * 127.5).max() <= 1
    assert result.scores["hidden_patches"] == patches.sum() and result.scores["spoilt_pixels"] == mask.sum()
    smooth = harmonic_fill(np.asarray(intact, np.float64), mask)
    error = np.abs(smooth - np.asarray(intact))[mask].mean()
    assert result.scores["smooth_fill"]["mean_abs_error"] == pytest.approx(error, abs=0.1)
    assert inpaint(model, damaged, mask).scores["model"] is None, "what was there is not known"


def test_no_damage_and_damage_everywhere_are_refused(model, photo):
    intact = square_crop(photo, 128)
    everywhere = np.zeros((128, 128), bool)
    with pytest.raises(InputError, match="unmarked"):
        inpaint(model, intact, everywhere)
    everywhere[::8] = everywhere[:, ::8] = True
    with pytest.raises(InputError, match="all"):
        inpaint(model, intact, everywhere)
