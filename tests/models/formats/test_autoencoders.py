"""Tiny autoencoders in two files: TAEF2 written out, and its real weights on real photos."""

import io
import zipfile
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from models.data.images import square_crop, to_tensor
from models.formats.autoencoders import autoencoder_half, joined_halves
from models.formats.registry import WeightsError, load_file
from models.networks.autoencoder_tiny import NO_NOISE, AutoencoderTiny

SHARED = Path(__file__).parents[4] / "shared"
HALVES = [SHARED / "checkpoints" / "taef2" / f"taef2_{half}.pth" for half in ("encoder", "decoder")]
PHOTOS = SHARED / "data" / "caltech101.zip"
PSNR_FLOOR = 26.0  # dB at 128 px; 26.3 measured on the photos chosen below


def halves(pool: bool = True, latent_channels: int = 32) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The two files of an author, with random weights of a sensible size."""
    model = AutoencoderTiny(latent_channels, pool)
    return dict(model.encoder.state_dict()), dict(model.decoder.state_dict())


def psnr(a: Tensor, b: Tensor) -> float:
    """Mean over images in [-1, 1], in dB."""
    return float((10 * torch.log10(4 / (a - b).square().mean(dim=(1, 2, 3)))).mean())


# --- TAEF2 ------------------------------------------------------------------------------------------------


def block(x: Tensor, tensors: dict[str, Tensor], number: int) -> Tensor:
    """One residual block of the authors, with its pooled branch where there is one, in torch's own functions."""
    t = {name.removeprefix(f"{number}."): value for name, value in tensors.items() if name.startswith(f"{number}.")}
    if "pool.0.weight" in t:
        wide = F.group_norm(F.conv2d(x, t["pool.0.weight"]), 4, t["pool.1.weight"], t["pool.1.bias"])
        x = x + F.conv2d(F.relu(wide), t["pool.3.weight"])
    inner = x
    for index in (0, 2, 4):
        inner = F.conv2d(inner, t[f"conv.{index}.weight"], t[f"conv.{index}.bias"], padding=1)
        inner = F.relu(inner) if index < 4 else inner
    return F.relu(inner + x)


def authors_encode(images: Tensor, tensors: dict[str, Tensor]) -> Tensor:
    x = F.conv2d((images + 1) / 2, tensors["0.weight"], tensors["0.bias"], padding=1)
    for number in range(1, 14):
        if number in (2, 6, 10):
            x = F.conv2d(x, tensors[f"{number}.weight"], stride=2, padding=1)
        else:
            x = block(x, tensors, number)
    return F.conv2d(x, tensors["14.weight"], tensors["14.bias"], padding=1)


def authors_decode(z: Tensor, tensors: dict[str, Tensor]) -> Tensor:
    x = F.relu(F.conv2d(3 * torch.tanh(z / 3), tensors["1.weight"], tensors["1.bias"], padding=1))
    for number in range(3, 19):
        if number in (6, 11, 16):
            x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        elif number in (7, 12, 17):
            x = F.conv2d(x, tensors[f"{number}.weight"], padding=1)
        else:
            x = block(x, tensors, number)
    return 2 * F.conv2d(x, tensors["19.weight"], tensors["19.bias"], padding=1) - 1


@torch.no_grad()
@pytest.mark.parametrize("pool", [True, False])
def test_two_published_files_make_one_autoencoder(pool: bool, tmp_path: Path) -> None:
    files = halves(pool)
    paths = [tmp_path / "x_encoder.pth", tmp_path / "x_decoder.pth"]
    for tensors, path in zip(files, paths, strict=True):
        torch.save({name: value.half() for name, value in tensors.items()}, path)
    layout, model = load_file(paths[::-1])  # in either order
    assert layout.name == "autoencoder-tiny"
    assert isinstance(model, AutoencoderTiny)
    encoder, decoder = ({name: value.half().float() for name, value in tensors.items()} for tensors in files)
    images = torch.rand(2, 3, 32, 48) * 2 - 1
    mu, logvar = model.encode(images)
    assert mu.shape == (2, 32, 4, 6)
    assert (logvar == NO_NOISE).all()
    assert (mu - authors_encode(images, encoder)).abs().max() <= 1e-4
    codes = 2 * torch.randn(2, 32, 4, 6)
    expected = authors_decode(codes, decoder)
    assert (model.decode(codes) - expected.clamp(-1, 1)).abs().max() <= 1e-4
    assert torch.equal(model(images), model.decode(mu))


def test_halves_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    encoder, decoder = halves()
    narrow = halves(latent_channels=4)[1]
    paths = {}
    for name, tensors in {"encoder": encoder, "decoder": decoder, "narrow": narrow}.items():
        paths[name] = tmp_path / f"{name}.pth"
        torch.save(tensors, paths[name])
    for path, half in ((paths["encoder"], "encoder"), (paths["decoder"], "decoder")):
        assert autoencoder_half(torch.load(path, weights_only=True)) == half
        with pytest.raises(WeightsError, match=f"{half}.pth holds only the {half}"):
            load_file(path)
    with pytest.raises(WeightsError, match="encoder.pth . narrow.pth: the tensor encoder.14.(weight|bias) has shape"):
        load_file([paths["encoder"], paths["narrow"]])
    with pytest.raises(WeightsError) as info:
        load_file([paths["encoder"], paths["encoder"]])
    assert info.value.code == "wrong_layout"


def test_joining_puts_each_half_under_its_name() -> None:
    encoder, decoder = halves()
    joined = joined_halves([decoder, encoder])
    assert len(joined) == len(encoder) + len(decoder) == 158
    assert joined["encoder.0.weight"] is encoder["0.weight"]
    assert joined["decoder.1.weight"] is decoder["1.weight"]


@torch.no_grad()
@pytest.mark.skipif(not (HALVES[0].exists() and PHOTOS.exists()), reason="TAEF2's real weights or photos are not here")
def test_the_real_taef2_reconstructs_real_photos() -> None:
    layout, model = load_file(HALVES)
    assert layout.name == "autoencoder-tiny"
    with zipfile.ZipFile(PHOTOS) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".webp"))
        chosen = names[:: len(names) // 8][:8]
        photos = [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in chosen]
    images = to_tensor([square_crop(photo, 128) for photo in photos])
    assert isinstance(model, AutoencoderTiny)
    mu, _ = model.encode(images)
    assert mu.shape == (8, 32, 16, 16)
    assert mu.abs().max() < 30
    pictures = model.decode(mu)
    assert psnr(pictures, images) >= PSNR_FLOOR
    assert psnr(pictures.flip(0), images) < PSNR_FLOOR - 10  # the floor asks for the right image
