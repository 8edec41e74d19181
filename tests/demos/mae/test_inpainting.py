"""Two photos in one, and damaged photos mended."""

import numpy as np
import pytest
import torch
from fakes import ShallowModels
from PIL import Image

from demos.mae.inpainting import DAMAGES, INK, collage, draw_damage, mend, spoil
from demos.mae.masks import MaskError, to_tensor
from models.analysis.inpainting_baselines import harmonic_fill
from models.data.images import square_crop
from models.data.images import to_tensor as picture_tensor
from models.networks.mae import MaskedAutoencoderViT


@pytest.fixture(scope="module")
def model(shallow_models: ShallowModels) -> MaskedAutoencoderViT:
    model = shallow_models.load_model("mae-photos")
    assert isinstance(model, MaskedAutoencoderViT)
    return model


def test_a_collage_takes_each_patch_from_where_it_should():
    red, blue = Image.new("RGB", (32, 32), "red"), Image.new("RGB", (32, 32), "blue")
    cells = np.array([[True, False], [False, False]])
    mixed = collage(red, blue, cells)
    assert mixed.getpixel((15, 15)) == (0, 0, 255) and mixed.getpixel((16, 15)) == (255, 0, 0)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_drawn_the_same_every_time_and_leaves_room(damage):
    first, again, other = (draw_damage(128, damage, seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    for seed in range(20):
        spoilt = draw_damage(128, damage, seed)
        assert 0.005 < spoilt.mean() < 0.3
        assert not spoilt.reshape(16, 8, 16, 8).any(axis=(1, 3)).all()
    with pytest.raises(ValueError, match="'coffee'; choose one of scratches, text"):
        draw_damage(128, "coffee", 0)


@pytest.mark.parametrize("damage", DAMAGES)
def test_only_spoilt_pixels_are_mended(model, photo, damage):
    intact = square_crop(photo, 128)
    spoilt = draw_damage(128, damage, 1)
    damaged = spoil(intact, spoilt, damage)
    assert (np.asarray(damaged)[spoilt] == INK[damage]).all()
    result = mend(model, damaged, spoilt, intact)
    for picture in (result.mended, result.smooth):
        assert np.array_equal(np.asarray(picture)[~spoilt], np.asarray(intact)[~spoilt])
    cells = np.asarray(spoilt.reshape(16, 8, 16, 8).any(axis=(1, 3)))
    with torch.inference_mode():
        guess = model.reconstruct(picture_tensor(damaged), to_tensor(cells))[0].permute(1, 2, 0).numpy()
    assert np.abs(np.asarray(result.mended)[spoilt] - (guess[spoilt] + 1) * 127.5).max() <= 1
    assert result.scores["hidden_patches"] == cells.sum() and result.scores["spoilt_pixels"] == spoilt.sum()
    smooth = harmonic_fill(np.asarray(intact, np.float64), spoilt)
    error = np.abs(smooth - np.asarray(intact))[spoilt].mean()
    assert result.scores["smooth_fill"]["mean_abs_error"] == pytest.approx(error, abs=0.1)
    assert mend(model, damaged, spoilt).scores["model"] is None, "what was there is not known"


def test_a_photo_needs_marks_and_something_free_of_them(model, photo):
    intact = square_crop(photo, 128)
    everywhere = np.zeros((128, 128), bool)
    with pytest.raises(MaskError, match="unmarked"):
        mend(model, intact, everywhere)
    everywhere[::8] = everywhere[:, ::8] = True
    with pytest.raises(MaskError, match="all"):
        mend(model, intact, everywhere)
