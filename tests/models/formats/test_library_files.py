"""Files as transformers, diffusers and timm write them today, with their settings: our model answers as theirs does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file as read_safetensors
from safetensors.torch import save_file
from torch import Tensor, nn

from models.formats.registry import load_and_tell, load_file
from models.networks.backbones import ImageEncoder
from models.networks.mae import MaskedAutoencoderViT

TOLERANCE = 1e-4
VIT = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 32, "patch_size": 8}


def as_pytorch_bin(folder: Path) -> Path:
    """Write the same tensors as `torch.save(model.state_dict())` would have under the names of the day."""
    tensors = read_safetensors(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin"


def in_memory(network: Any, folder: Path) -> Path:
    save_file(network.state_dict(), folder / "model.safetensors")
    return folder / "model.safetensors"


AGES: dict[str, Callable[[Any, Path], Path]] = {
    "safetensors": lambda network, folder: folder / "model.safetensors",
    "bin": lambda network, folder: as_pytorch_bin(folder),
    "names in memory": in_memory,
}


def randomised(network: nn.Module) -> Any:
    generator = torch.Generator().manual_seed(0)
    for name, value in network.state_dict().items():
        if value.is_floating_point() and "running_var" not in name:
            value.copy_(torch.randn(value.shape, generator=generator) * 0.2)
    return network.eval()


def pictures(side: int) -> Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def normalised(images: Tensor, mean: list[float], std: list[float]) -> Tensor:
    return ((images + 1) / 2 - torch.tensor(mean).reshape(3, 1, 1)) / torch.tensor(std).reshape(3, 1, 1)


# --- transformers -----------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("norm_pix_loss", [False, True])
def test_a_masked_autoencoder_of_transformers(age: str, norm_pix_loss: bool, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTMAEConfig(
        **VIT, intermediate_size=128, decoder_hidden_size=32, decoder_num_hidden_layers=1,
        decoder_num_attention_heads=4, decoder_intermediate_size=64, norm_pix_loss=norm_pix_loss, mask_ratio=0.5,
    )  # fmt: skip
    network = randomised(transformers.ViTMAEForPreTraining(config))
    network.save_pretrained(tmp_path)
    transformers.ViTImageProcessor(image_mean=[0.5] * 3, image_std=[0.25] * 3).save_pretrained(tmp_path)
    layout, model, assumed = load_and_tell(AGES[age](network, tmp_path))
    assert (layout.name, assumed) == ("vit-mae-hub", "")
    assert isinstance(model, MaskedAutoencoderViT)
    noise = torch.rand(2, 16, generator=torch.Generator().manual_seed(2))
    images = pictures(32)
    expected = network(normalised(images, [0.5] * 3, [0.25] * 3), noise=noise)
    ours = model(images, mask=expected.mask)
    assert (ours.pred - expected.logits).abs().max() <= TOLERANCE
    assert ours.loss is not None and abs(float(ours.loss - expected.loss)) <= TOLERANCE


def vit_features(network: Any, pixels: Tensor) -> Tensor:
    return network(pixels).last_hidden_state[:, 0]


def masked_features(network: Any, pixels: Tensor) -> Tensor:
    network.config.mask_ratio = 0.0
    return network(pixels).last_hidden_state[:, 0]


ENCODERS: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any, Tensor], Tensor]]] = {
    "ViTMAEModel": ("vit-hub", lambda t: t.ViTMAEModel(t.ViTMAEConfig(**VIT, intermediate_size=128)), masked_features),
    "ViTModel": ("vit-hub", lambda t: t.ViTModel(t.ViTConfig(**VIT, intermediate_size=128)), vit_features),
    "ViTForImageClassification": (
        "vit-hub", lambda t: t.ViTForImageClassification(t.ViTConfig(**VIT, intermediate_size=128)),
        lambda network, pixels: vit_features(network.vit, pixels),
    ),
    "Dinov2Model": ("dinov2-hub", lambda t: t.Dinov2Model(t.Dinov2Config(**VIT)), vit_features),
    "Dinov2ForImageClassification": (
        "dinov2-hub", lambda t: t.Dinov2ForImageClassification(t.Dinov2Config(**VIT)),
        lambda network, pixels: vit_features(network.dinov2, pixels),
    ),
}  # fmt: skip


@torch.no_grad()
@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_of_transformers(name: str, age: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    expected_layout, make, ask = ENCODERS[name]
    network = randomised(make(transformers))
    network.save_pretrained(tmp_path)
    processor = transformers.BitImageProcessor(
        image_mean=[0.4, 0.5, 0.6], image_std=[0.25] * 3, size={"shortest_edge": 48}, crop_size=32
    )
    processor.save_pretrained(tmp_path)
    layout, model, assumed = load_and_tell(AGES[age](network, tmp_path))
    assert (layout.name, assumed) == (expected_layout, "")
    assert isinstance(model, ImageEncoder) and model.image_size == 32
    images = pictures(32)
    expected = ask(network, normalised(images, [0.4, 0.5, 0.6], [0.25] * 3))
    assert expected.std() > 0.05
    assert (model(images) - expected).abs().max() <= TOLERANCE


# --- diffusers --------------------------------------------------------------------------------------------

LEVELS = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
AUTOENCODERS: dict[str, Callable[[Any], Any]] = {
    "32 groups": lambda d: d.AutoencoderKL(**LEVELS, block_out_channels=(32, 64)),
    "8 groups": lambda d: d.AutoencoderKL(**LEVELS, block_out_channels=(16, 24), norm_num_groups=8),
}
AUTOENCODERS["no quant_conv"] = lambda d: d.AutoencoderKL(
    **LEVELS, block_out_channels=(32, 64), latent_channels=16, use_quant_conv=False, use_post_quant_conv=False
)
OLD_ATTENTION = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}


@torch.no_grad()
@pytest.mark.parametrize("is_old", [False, True], ids=["today", "2022"])
@pytest.mark.parametrize("name", AUTOENCODERS)
def test_an_autoencoder_of_diffusers(name: str, is_old: bool, tmp_path: Path) -> None:
    network = randomised(AUTOENCODERS[name](pytest.importorskip("diffusers")))
    network.save_pretrained(tmp_path)
    path = tmp_path / "diffusion_pytorch_model.safetensors"
    if is_old:
        tensors = read_safetensors(path)
        pattern = re.compile("|".join(map(re.escape, OLD_ATTENTION)))
        save_file({pattern.sub(lambda m: OLD_ATTENTION[m[0]], key): value for key, value in tensors.items()}, path)
    layout, model, assumed = load_and_tell(path)
    assert (layout.name, assumed) == ("autoencoder-kl", "")
    images = pictures(16)
    mu, _ = model.encode(images)  # type: ignore[operator]
    assert (mu - network.encode(images).latent_dist.mean).abs().max() <= TOLERANCE
    assert (model.decode(mu) - network.decode(mu).sample.clamp(-1, 1)).abs().max() <= TOLERANCE  # type: ignore[operator]


@torch.no_grad()
def test_a_tiny_autoencoder_of_diffusers(tmp_path: Path) -> None:
    network = pytest.importorskip("diffusers").AutoencoderTiny().eval()
    network.save_pretrained(tmp_path)
    model = load_file(tmp_path / "diffusion_pytorch_model.safetensors")[1]
    images = pictures(32)
    assert (model.encode(images)[0] - network.encode(images).latents).abs().max() <= TOLERANCE  # type: ignore[operator]


# --- timm -------------------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "options", "layout"),
    [
        ("vit_small_patch16_224.augreg_in21k", {"depth": 1, "embed_dim": 96, "num_heads": 4}, "vit-timm"),
        ("vit_tiny_patch16_224", {"depth": 1, "img_size": 32, "dynamic_img_size": True}, "vit-timm"),
        ("resnet18.a1_in1k", {}, "resnet18"),
        ("resnet50.tv_in1k", {}, "resnet50"),
    ],
)
def test_an_encoder_of_timm(name: str, options: dict[str, Any], layout: str, tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    network = timm.create_model(name, num_classes=3, **options).eval()
    timm.models.save_for_hf(network, tmp_path, model_args=options, safe_serialization="both")
    (tmp_path / "pytorch_model.bin").unlink()
    found, model, assumed = load_and_tell(tmp_path / "model.safetensors")
    assert found.name == layout
    assert "mean" not in assumed and "size" not in assumed
    images = pictures(224)
    stated = json.loads((tmp_path / "config.json").read_text())["pretrained_cfg"]
    features = network.forward_features(normalised(images, stated["mean"], stated["std"]))
    expected = network.forward_head(features, pre_logits=True)
    assert (model(images) - expected).abs().max() <= TOLERANCE * max(1, float(expected.abs().max()))
