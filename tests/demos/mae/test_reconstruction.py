"""Reconstruction: images and scores."""

import numpy as np
import pytest
import torch
from PIL import Image

from demos.mae import reconstruction
from demos.mae.masks import MASK_KINDS, draw_mask, to_image
from models.data.images import square_crop, to_tensor
from models.networks.mae import MaskedAutoencoderViT


def reconstruct(model: MaskedAutoencoderViT, photo: Image.Image, ratio: float, kind: str, seed: int):
    cells = draw_mask(square_crop(photo, model.img_size), reconstruction.grid_of(model), ratio, kind, seed)
    return reconstruction.reconstruct(model, photo, cells)


def patches(image: Image.Image) -> np.ndarray:
    """(128, 128, 3) -> (256, 192): one row a patch."""
    return np.asarray(image).reshape(16, 8, 16, 8, 3).swapaxes(1, 2).reshape(256, 192)


@pytest.mark.parametrize("kind", MASK_KINDS)
@pytest.mark.parametrize("ratio", [0.0, 0.25, 0.75, 0.95])
def test_given_ratio_of_patches_is_hidden(model, photo, kind, ratio):
    result = reconstruct(model, photo, ratio, kind, 3)
    original, masked = patches(result.original), patches(result.masked)
    hidden = (original != masked).any(axis=1)
    assert hidden.sum() == result.scores["hidden_patches"] == round(256 * ratio)
    assert result.scores["patches"] == 256
    assert len(np.unique(masked[hidden])) <= 1, "hidden patches show one tone"


def test_equal_arguments_give_equal_images_and_scores(model, photo):
    assert reconstruct(model, photo, 0.75, "block", 7) == reconstruct(model, photo, 0.75, "block", 7)


def test_pasted_and_filled_images_keep_visible_patches(model, photo):
    result = reconstruct(model, photo, 0.5, "random", 0)
    hidden = (patches(result.original) != patches(result.masked)).any(axis=1)
    pasted = patches(result.pasted)
    assert np.array_equal(pasted[hidden], patches(result.raw)[hidden])
    assert np.array_equal(pasted[~hidden], patches(result.original)[~hidden])
    assert np.array_equal(patches(result.fill)[~hidden], patches(result.original)[~hidden])


def test_hidden_pixels_do_not_affect_the_prediction(model, photo):
    result = reconstruct(model, photo, 0.75, "random", 2)
    hidden = np.kron((patches(result.original) != patches(result.masked)).any(axis=1).reshape(16, 16), np.ones((8, 8)))
    changed = np.where(hidden[..., None] > 0, 0, np.asarray(result.original)).astype(np.uint8)
    other = reconstruct(model, Image.fromarray(changed), 0.75, "random", 2)
    assert other.raw == result.raw and other.fill == result.fill


def test_scores_match_a_calculation_by_hand():
    original = torch.zeros(1, 3, 2, 2)
    prediction = original.clone()
    prediction[..., 0, 0], prediction[..., 1, 1] = 0.5, -0.3
    prediction[..., 0, 1] = 0.9  # visible, so that it does not count
    hidden = torch.tensor([[True, False], [True, True]]).expand(1, 3, 2, 2)
    # errors 0.5, 0 and 0.3: mean square 0.34 / 3, mean 0.8 / 3; peak to peak 2; 127.5 levels a unit
    expected = {"psnr": round(10 * np.log10(4 / (0.34 / 3)), 2), "mean_abs_error": round(0.8 / 3 * 127.5, 2)}
    assert reconstruction.compare(prediction, original, hidden) == pytest.approx(expected)
    assert reconstruction.compare(original, original, hidden) == {
        "psnr": reconstruction.MAX_PSNR,
        "mean_abs_error": 0.0,
    }


def test_scores_match_the_images(model, photo):
    result = reconstruct(model, photo, 0.75, "random", 4)
    hidden = (patches(result.original) != patches(result.masked)).any(axis=1)
    for name, image in (("model", result.raw), ("smooth_fill", result.fill)):
        error = patches(image)[hidden].astype(float) - patches(result.original)[hidden]
        assert result.scores[name]["mean_abs_error"] == pytest.approx(np.abs(error).mean(), abs=0.5)
        assert result.scores[name]["psnr"] == pytest.approx(10 * np.log10(255**2 / (error**2).mean()), abs=0.1)


def test_patch_errors_match_the_images(model, photo):
    result = reconstruct(model, photo, 0.5, "random", 4)
    by_hand = np.abs(patches(result.raw).astype(float) - patches(result.original)).mean(axis=1).reshape(16, 16)
    assert np.array_equal(np.isnan(result.errors), ~result.mask)
    assert np.allclose(result.errors[result.mask], by_hand[result.mask], atol=0.6)
    worst = np.nanargmax(result.errors)
    dark = patches(result.error).mean(axis=1)
    assert dark[worst] == dark[result.mask.ravel()].min(), "the worst patch is the darkest"


def test_with_nothing_hidden_scores_are_not_defined(model, photo):
    result = reconstruct(model, photo, 0.0, "random", 0)
    assert [result.scores[name] for name in ("model", "smooth_fill", "mean_colour")] == [None] * 3
    assert result.masked == result.pasted == result.fill == result.original
    assert to_tensor(result.raw).isfinite().all()


def test_normalised_patch_targets_are_refused(photo):
    model = MaskedAutoencoderViT(depth=1, decoder_depth=1, norm_pix_loss=True)
    with pytest.raises(ValueError, match="norm_pix_loss"):
        reconstruct(model, photo, 0.75, "random", 0)


def test_large_pair_agrees_on_visible_patches(model, photo):
    result = reconstruct(model, photo, 0.5, "block", 1)
    pasted, original = (np.asarray(image) for image in reconstruction.large_pair(result))
    hidden = np.asarray(to_image(result.mask).resize((reconstruction.LARGE_SIDE,) * 2, Image.Resampling.NEAREST)) > 0
    assert original.shape == pasted.shape == (reconstruction.LARGE_SIDE, reconstruction.LARGE_SIDE, 3)
    assert np.array_equal(original[~hidden], pasted[~hidden])
    assert not np.array_equal(original[hidden], pasted[hidden])


@pytest.mark.parametrize("ratio", [0.0, 0.75])
def test_summary_shows_every_panel(model, photo, ratio):
    result = reconstruct(model, photo, ratio, "random", 0)
    image = reconstruction.summary(result, "mae-photos", 1000, "random", 0)
    assert image.width > len(reconstruction.PANELS) * 256 > image.height > 256
