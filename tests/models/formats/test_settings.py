"""Settings that tensors do not give: read from the files beside the weights, else told as assumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from models.checkpoints import WEIGHTS, load_folder, load_local
from models.formats.registry import WeightsError, load_and_tell, load_file
from models.networks.autoencoder_kl import AutoencoderKL
from models.networks.backbones import ImageEncoder, ResNet
from models.networks.mae import MaskedAutoencoderViT
from models.networks.vit import VisionTransformer

SHIPPED = sorted(path.parent.name for path in WEIGHTS.glob("*/model.safetensors"))


def written(network: nn.Module, folder: Path, **files: Any) -> Path:
    """Write the tensors of a network, and JSON files beside them."""
    folder.mkdir(exist_ok=True)
    save_file(network.state_dict(), folder / "model.safetensors")
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}.json").write_text(text, "utf-8")
    return folder / "model.safetensors"


def heads_of(model: nn.Module) -> list[tuple[str, int]]:
    return [(name, each.num_heads) for name, each in model.named_modules() if hasattr(each, "num_heads")]


@torch.no_grad()
@pytest.mark.parametrize("name", SHIPPED)
def test_our_own_weights_given_as_a_file_are_those_of_their_folder(name: str) -> None:
    record, model = load_local(WEIGHTS / name / "model.safetensors")
    expected = load_folder(WEIGHTS / name)
    assert repr(model) == repr(expected)
    assert heads_of(model) == heads_of(expected)
    assert getattr(model, "img_size", 0) == getattr(expected, "img_size", 0)
    assert record.assumed == ""
    if isinstance(model, MaskedAutoencoderViT):
        images, mask = torch.rand(1, 3, 128, 128) * 2 - 1, torch.tensor([[1.0, 0.0]]).repeat(1, 128)
        assert torch.equal(model.reconstruct(images, mask), expected.reconstruct(images, mask))  # type: ignore[operator]


def test_a_resnet_of_ours_is_not_taken_for_torchvisions_of_the_same_tensors(tmp_path: Path) -> None:
    config = {"arch": "resnet", "args": {"width": 64, "img_size": 96}}
    layout, model = load_file(written(ResNet(64), tmp_path / "own", config=config))
    assert layout.name == "resnet"
    assert isinstance(model, ResNet) and model.img_size == 96
    assert load_file(written(ResNet(64), tmp_path / "other"))[0].name == "resnet18"


def test_a_masked_autoencoder_of_the_authors_size_may_be_ours(tmp_path: Path) -> None:
    network = MaskedAutoencoderViT(32, 16, 768, 1, 12, 512, 1, 16)
    args = {"embed_dim": 768, "num_heads": 12, "decoder_embed_dim": 512, "decoder_num_heads": 16}
    layout, model = load_file(written(network, tmp_path, config={"arch": "mae", "args": args}))
    assert isinstance(model, MaskedAutoencoderViT)
    assert (layout.name, model.preprocessing.mean) == ("mae", (0.5, 0.5, 0.5))


def small_mae() -> MaskedAutoencoderViT:
    return MaskedAutoencoderViT(32, 8, 128, 1, 2, 64, 1, 2)


def test_what_is_assumed_is_told(tmp_path: Path) -> None:
    _, _, assumed = load_and_tell(written(small_mae(), tmp_path))
    assert assumed.startswith("num_heads 2, decoder_num_heads 2, norm_pix_loss False, norm_eps 1e-06, mean 0.5 0.5 0.5")
    _, _, assumed = load_and_tell(written(small_mae(), tmp_path, config={"num_attention_heads": 4}))
    assert "decoder_num_heads 2" in assumed and not assumed.startswith("num_heads")
    assert load_local(tmp_path / "model.safetensors")[0].assumed == assumed


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"hidden_size": 64}, "embed_dim 64"),
        ({"decoder_hidden_size": 32}, "decoder_embed_dim 32"),
        ({"hidden_act": "relu"}, "activation 'relu'"),
        ({"norm_pix_loss": "yes"}, "norm_pix_loss"),
        ({"layer_norm_eps": -1}, "norm_eps"),
        ("{", "config.json"),
        ("[]", "config.json"),
        ("[" * 100_000, "config.json"),
    ],
)
def test_settings_of_another_network_or_without_sense_are_refused(config: Any, what: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=what) as info:
        load_file(written(small_mae(), tmp_path, config=config))
    assert info.value.code == "bad_settings"
    assert "model.safetensors" in str(info.value)


def test_settings_of_other_programs_leave_networks_alone_that_have_none(tmp_path: Path) -> None:
    path = written(small_mae(), tmp_path, config={"model": "x", "editor": [1]})
    assert load_file(path)[0].name == "mae"


@torch.no_grad()
def test_the_groups_of_an_autoencoder_are_those_of_its_config(tmp_path: Path) -> None:
    original = AutoencoderKL((32, 64), 1, 4, groups=16).eval()
    path = written(original, tmp_path, config={"norm_num_groups": 16, "act_fn": "silu"})
    model = load_file(path)[1]
    images = torch.rand(1, 3, 16, 16) * 2 - 1
    assert torch.equal(model(images), original(images))
    path.with_name("config.json").unlink()
    _, model, assumed = load_and_tell(path)
    assert assumed == "norm_groups 32"
    assert not torch.allclose(model(images), original(images), atol=1e-3)
    with pytest.raises(WeightsError, match="multiple of 24"):
        load_file(written(original, tmp_path, config={"norm_num_groups": 24}))


IMAGES = {
    "do_normalize": True, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6], "do_center_crop": True,
    "size": {"shortest_edge": 64}, "crop_size": {"height": 48, "width": 48}, "resample": 2,
}  # fmt: skip
TIMM: dict[str, Any] = {
    "architecture": "vit_tiny", "model_args": {"num_heads": 4},
    "pretrained_cfg": {
        "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "input_size": [3, 48, 48], "interpolation": "bilinear",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "files",
    [
        {"config": {"num_attention_heads": 4}, "preprocessor_config": IMAGES},
        {"config": TIMM},
        {"config": {**TIMM, "pretrained_cfg": None, **TIMM["pretrained_cfg"]}},
    ],
    ids=["transformers", "timm", "timm of 2022"],
)
def test_an_encoder_has_the_heads_and_images_of_its_files(files: dict[str, Any], tmp_path: Path) -> None:
    _, model, assumed = load_and_tell(written(VisionTransformer(32, 8, 96, 1, 4), tmp_path, **files))
    assert isinstance(model, ImageEncoder)
    assert heads_of(model) == [("network.blocks.0.attn", 4)]
    images = model.preprocessing
    assert (images.mean, images.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert (images.size, images.resample, model.image_size) == (48, "bilinear", 48)
    assert assumed in ("", "norm_eps 1e-06")


@pytest.mark.parametrize(
    "change",
    [
        {"image_mean": [0.1, 0.2]}, {"image_mean": "grey"}, {"image_std": [0.0, 1, 1]}, {"crop_size": 10**6},
        {"crop_size": True}, {"crop_size": 50}, {"do_rescale": False}, {"rescale_factor": "x"},
        {"image_std": [float("nan")] * 3},
    ],
)  # fmt: skip
def test_images_without_sense_are_refused(change: dict[str, Any], tmp_path: Path) -> None:
    path = written(VisionTransformer(32, 8, 64, 1, 1), tmp_path, preprocessor_config={**IMAGES, **change})
    with pytest.raises(WeightsError) as info:
        load_file(path)
    assert info.value.code == "bad_settings"


def test_images_that_are_not_normalised_are_not(tmp_path: Path) -> None:
    path = written(ResNet(64), tmp_path, preprocessor_config={**IMAGES, "do_normalize": False})
    model = load_file(path)[1]
    assert isinstance(model, ImageEncoder)
    assert (model.preprocessing.mean, model.preprocessing.std) == ((0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize(("width", "heads"), [(384, 6), (1280, 16), (1152, 16), (1408, 16)])
def test_encoders_of_published_widths_have_their_heads(width: int, heads: int, tmp_path: Path) -> None:
    network = VisionTransformer(32, 16, width, 1, heads)
    assert heads_of(load_file(written(network, tmp_path))[1])[0][1] == heads
