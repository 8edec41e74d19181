"""Interpolation between images and draws from the prior; no user interface."""

import numpy as np
import pytest
import torch
from lively import lively_vae
from PIL import Image

from demos.vae.interpolation import METHODS, SMOOTH_STEPS, Interpolation, cross_fade, draw, interpolate, latent_path
from models.data.images import square_crop, to_images, to_tensor
from models.networks.vae import ConvVAE


@pytest.fixture(scope="module")
def model() -> ConvVAE:
    return lively_vae()


def photo(seed: int, size: tuple[int, int] = (90, 60)) -> Image.Image:
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def strip(result: Interpolation, method: str) -> list[Image.Image]:
    return result.smooth_paths[method][:: result.stride]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("steps", [3, 9, 24])
def test_a_latent_path_starts_and_ends_exactly(method: str, steps: int) -> None:
    start, end = torch.randn(2, 16)
    path = latent_path(start, end, steps, method)
    assert path.shape == (steps, 16)
    assert torch.equal(path[0], start) and torch.equal(path[-1], end)
    assert torch.allclose(path.flip(0), latent_path(end, start, steps, method), atol=1e-5)


def test_a_straight_path_has_equal_steps() -> None:
    path = latent_path(torch.randn(16), torch.randn(16), 7, "lerp")
    steps = path.diff(dim=0)
    assert torch.allclose(steps, steps[:1].expand_as(steps), atol=1e-5)


def test_an_arc_keeps_the_length_of_equally_long_latents() -> None:
    start, end = torch.nn.functional.normalize(torch.randn(2, 16), dim=1) * 4
    assert torch.allclose(latent_path(start, end, 7, "slerp").norm(dim=1), torch.tensor(4.0), atol=1e-4)
    assert latent_path(start, end, 7, "lerp").norm(dim=1)[3] < 3.9


def test_a_cross_fade_is_the_weighted_mean() -> None:
    start, end = torch.rand(2, 3, 4, 4) * 2 - 1
    fade = cross_fade(start, end, 5)
    for index, t in enumerate([0, 0.25, 0.5, 0.75, 1]):
        assert torch.allclose(fade[index], start * (1 - t) + end * t, atol=1e-6)


@pytest.mark.parametrize("steps", [3, 9, 16, 24])
def test_the_ends_of_an_interpolation_are_reconstructions(model: ConvVAE, steps: int) -> None:
    result = interpolate(model, photo(1), photo(2), steps)
    assert set(result.smooth_paths) == set(METHODS)
    fade = result.smooth_fade[:: result.stride]
    assert all(len(row) == steps for row in (*(strip(result, method) for method in METHODS), fade))
    assert abs(len(result.smooth_fade) - SMOOTH_STEPS) <= 7, "what moves is smooth, however few images the strip has"
    for end, image in enumerate([photo(1), photo(2)]):
        cropped = square_crop(image, 32)
        with torch.inference_mode():
            alone = to_images(model.decode(model.encode(to_tensor(cropped))[0]))[0]
        assert np.abs(pixels(result.rebuilt[end]) - pixels(alone)).max() <= 1
        for method in METHODS:
            assert np.abs(pixels(strip(result, method)[-end]) - pixels(alone)).max() <= 1
            assert result.smooth_paths[method][-end] == strip(result, method)[-end]
        assert fade[-end] == result.ends[end] == cropped


@pytest.mark.parametrize("method", METHODS)
def test_the_images_of_the_strip_are_decoded_from_evenly_spaced_latents(model: ConvVAE, method: str) -> None:
    result = interpolate(model, photo(1), photo(2), 16)
    start, end = torch.tensor(result.latents)
    path = latent_path(start, end, 16, method)
    with torch.inference_mode():
        for seen, meant in zip(strip(result, method), to_images(model.decode(path)), strict=True):
            assert np.abs(pixels(seen) - pixels(meant)).max() <= 1


def test_the_psnr_is_that_of_the_reconstructions(model: ConvVAE) -> None:
    result = interpolate(model, photo(1), photo(2))
    for score, end, rebuilt in zip(result.psnr, result.ends, result.rebuilt, strict=True):
        error = np.square(pixels(end) - pixels(rebuilt)).mean()
        assert score == pytest.approx(10 * np.log10(255**2 / error), abs=0.1)


def test_the_middle_of_an_interpolation_is_not_a_cross_fade(model: ConvVAE) -> None:
    result = interpolate(model, photo(1), photo(2), 3)
    plain = (pixels(result.rebuilt[0]) + pixels(result.rebuilt[1])) / 2
    assert np.abs(pixels(strip(result, "lerp")[1]) - plain).mean() > 1


def test_an_interpolation_is_reproducible(model: ConvVAE) -> None:
    first = interpolate(model, photo(1), photo(2), 5)
    torch.manual_seed(99)
    again = interpolate(model, photo(1), photo(2), 5)
    assert first == again


@pytest.mark.parametrize("steps", [2, 25, -1])
def test_a_wrong_number_of_steps_is_refused_with_its_value(model: ConvVAE, steps: int) -> None:
    with pytest.raises(ValueError, match=rf"steps is {steps}; choose 3 to 24"):
        interpolate(model, photo(1), photo(2), steps)


def test_an_unknown_method_is_refused_with_its_name(model: ConvVAE) -> None:
    with pytest.raises(ValueError, match=r"'zigzag'; choose one of lerp, slerp"):
        interpolate(model, photo(1), photo(2), methods=("zigzag",))


def test_draws_depend_on_seed_and_temperature_only(model: ConvVAE) -> None:
    first = draw(model, 4, seed=7)
    torch.manual_seed(99)
    assert draw(model, 4, seed=7) == first
    assert draw(model, 4, seed=8) != first
    assert draw(model, 4, seed=7, temperature=0.3) != first
    still = draw(model, 4, seed=7, temperature=0)
    assert all(image == still[0] for image in still)


@pytest.mark.parametrize("bad", [{"number": 0}, {"seed": -1}, {"temperature": -0.5}])
def test_draws_refuse_arguments_out_of_range(model: ConvVAE, bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(bad.values())))):
        draw(model, **{"number": 2, "seed": 0, **bad})  # type: ignore[arg-type]
