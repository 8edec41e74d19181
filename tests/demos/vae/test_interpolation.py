"""Interpolation by both methods, and the animations written of it; no user interface."""

from collections.abc import Callable
from io import BytesIO
from itertools import pairwise

import av
import numpy as np
import pytest
import torch
from lively import lively_vae
from PIL import Image, ImageSequence

from demos.ui.animation import FRAME_MS, HOLD_MS, looping_mp4, looping_webp, there_and_back, upscale
from demos.ui.images import image_grid
from demos.vae.interpolation import METHODS, SMOOTH_STEPS, Interpolation, cross_fade, draw, interpolate, latent_path
from demos.vae.video_export import WRITERS
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


def test_an_animation_goes_there_and_back_without_showing_an_end_twice() -> None:
    frames = [Image.new("RGB", (8, 8), (40 * index, 0, 0)) for index in range(5)]
    round_trip, durations = there_and_back(frames)
    assert [image.getpixel((0, 0))[0] // 40 for image in round_trip] == [0, 1, 2, 3, 4, 3, 2, 1]  # type: ignore[index]
    assert durations == [HOLD_MS, *[FRAME_MS] * 3, HOLD_MS, *[FRAME_MS] * 3]
    assert all(a != b for a, b in pairwise([*round_trip, round_trip[0]]))


def shown(kind: str, data: bytes) -> list[tuple[np.ndarray, int]]:
    """Images of one round of a file, each with its duration in milliseconds."""
    if kind == "mp4":
        with av.open(BytesIO(data), "r") as film:
            frames = list(film.decode(video=0))
        times = [round(1000 * float(frame.time)) for frame in frames if frame.time is not None]
        assert times == [FRAME_MS * number for number in range(len(frames))], "a steady rate from the start"
        return [(pixels(frame.to_image()), FRAME_MS) for frame in frames]
    with Image.open(BytesIO(data)) as file:
        assert (file.format, file.info["loop"]) == (kind.upper(), 0), "for ever"
        return [(pixels(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(file)]


@pytest.mark.parametrize(("kind", "write"), WRITERS.items())
def test_a_video_loops_without_a_jump(kind: str, write: Callable[..., bytes]) -> None:
    frames = upscale([photo(seed, (16, 16)) for seed in range(5)], 64)
    data = write(frames)
    assert data == write(frames)
    rests: list[tuple[int, int]] = []  # index of each image of one round, with its duration
    for seen, time in shown(kind, data):
        assert seen.shape == (64, 64, 3)
        unlike = [np.abs(seen - pixels(frame)).mean() for frame in frames]
        assert min(unlike) < 16, "one of the frames, and no mixture"
        place = int(np.argmin(unlike))
        if rests and rests[-1][0] == place:
            rests[-1] = (place, rests[-1][1] + time)
        else:
            rests.append((place, time))
    round_trip, durations = there_and_back(range(5))
    assert [place for place, _ in rests] == round_trip, "the last image of the round is a neighbour of the first"
    assert all(abs(time - meant) < FRAME_MS for (_, time), meant in zip(rests, durations, strict=True))


def test_a_video_needs_even_sides() -> None:
    with pytest.raises(ValueError, match="even sides"):
        looping_mp4([photo(1, (15, 16)), photo(2, (15, 16))])


def test_one_image_is_no_animation() -> None:
    with pytest.raises(ValueError, match=r"1 picture\(s\) make no animation"):
        looping_webp([photo(1)])


def test_upscaling_enlarges_and_never_shrinks() -> None:
    assert [image.size for image in upscale([photo(1, (32, 32))], 256)] == [(256, 256)]
    assert [image.size for image in upscale([photo(1, (60, 30))], 90)] == [(180, 90)]
    assert upscale([photo(1, (300, 300))], 256) == [photo(1, (300, 300))]


def test_a_sheet_has_every_image_at_its_place() -> None:
    rows = [[photo(10 * row + column, (16, 16)) for column in range(3)] for row in range(2)]
    for gap in (0, 4):
        sheet = image_grid(rows, gap)
        assert sheet.size == (48 + 2 * gap, 32 + gap)
        for top, row in enumerate(rows):
            for left, image in enumerate(row):
                x, y = left * (16 + gap), top * (16 + gap)
                assert sheet.crop((x, y, x + 16, y + 16)) == image


@pytest.mark.parametrize("rows", [[], [[]], [[photo(1)], [photo(1), photo(2)]]])
def test_a_ragged_sheet_is_refused(rows: list[list[Image.Image]]) -> None:
    with pytest.raises(ValueError, match="make no sheet"):
        image_grid(rows)
