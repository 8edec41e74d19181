"""Layouts: each is told by its tensors alone, and what is none, or another, is refused with a sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from published import PUBLISHED
from safetensors.torch import save_file
from torch import Tensor, nn

from models.checkpoints import WEIGHTS, load_folder
from models.formats.mae import is_published_mae
from models.formats.registry import LAYOUTS, WeightsError, _find, load_file, read_tensors, recognise
from models.networks.backbones import ImageEncoder, ResNet
from models.networks.cyclegan import LightGenerator, PatchDiscriminator, ResnetGenerator
from models.networks.mae import PRESETS, MaskedAutoencoderViT
from models.networks.portrait_vae import PortraitVAE
from models.networks.residual_vae import ResidualVAE
from models.networks.vae import ConvVAE, VectorVAE
from models.networks.vit import VisionTransformer


def tiny_mae(**options: Any) -> MaskedAutoencoderViT:
    return MaskedAutoencoderViT(32, 8, 128, 1, 2, 64, 1, 2, **options)


def authors_mae(patch_size: int = 16) -> MaskedAutoencoderViT:
    return MaskedAutoencoderViT(4 * patch_size, patch_size, 768, 1, 12, 512, 1, 16)


OWN: dict[str, Callable[[], nn.Module]] = {
    "cyclegan-resnet-generator": lambda: ResnetGenerator(4, 3),
    "light-generator": lambda: LightGenerator(4, 2),
    "patch-discriminator": lambda: PatchDiscriminator(4),
    "mae": tiny_mae,
    "conv-vae": lambda: ConvVAE(32, 5, 4),
    "residual-vae": lambda: ResidualVAE(32, 5, 4, 2),
    "resnet": lambda: ResNet(8, (1, 1, 1, 1), 3),
}


def write(tensors: dict[str, Tensor], folder: Path, name: str = "weights.safetensors") -> Path:
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / name)
    return folder / name


def refusal(path: Any, layout: str | None = None) -> WeightsError:
    with pytest.raises(WeightsError) as info:
        load_file(path, layout)
    sentence = str(info.value)
    assert "\n" not in sentence
    names = [path] if isinstance(path, Path) else path
    assert all(one.name in sentence for one in names)
    return info.value


# --- Our own ----------------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("name", OWN)
def test_our_own_networks_are_recognised_and_rebuilt(name: str, tmp_path: Path) -> None:
    original = OWN[name]().eval()
    layout, model = load_file(write(original.state_dict(), tmp_path))
    assert layout.name == name
    assert type(model) is type(original)
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    if isinstance(original, MaskedAutoencoderViT):
        mask = torch.tensor([[1.0, 0.0]]).repeat(2, 8)
        assert torch.equal(model(images, mask=mask).pred, original(images, mask=mask).pred)
    elif isinstance(original, VectorVAE):
        assert torch.equal(model.encode(images)[0], original.encode(images)[0])  # type: ignore[operator]
    else:
        assert torch.equal(model(images), original(images))


SHIPPED = sorted(path.parent.name for path in WEIGHTS.glob("*/model.safetensors"))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_weights_that_we_ship_are_recognised(name: str) -> None:
    args = json.loads((WEIGHTS / name / "config.json").read_text())["args"]
    _, model = load_file(WEIGHTS / name / "model.safetensors", None, args)
    expected = load_folder(WEIGHTS / name)
    assert type(model) is type(expected)
    assert repr(model) == repr(expected)
    assert model.state_dict().keys() == expected.state_dict().keys()
    assert all(torch.equal(value, expected.state_dict()[key]) for key, value in model.state_dict().items())
    if isinstance(model, MaskedAutoencoderViT):
        assert [block.attn.num_heads for block in model.blocks] == [  # type: ignore[union-attr]
            block.attn.num_heads
            for block in expected.blocks  # type: ignore[union-attr]
        ]


PREFIXES = ("module.", "model.", "_orig_mod.", "module.model.", "model.module.net.")


@pytest.mark.parametrize("name", [name for name in PUBLISHED if not LAYOUTS[name].by_name_only])
def test_prefixes_are_taken_off_for_every_layout(name: str, tmp_path: Path) -> None:
    tensors = PUBLISHED[name]()
    for prefix in PREFIXES:
        assert _find([{prefix + key: value for key, value in tensors.items()}], None)[0].name == name, prefix
    if name not in ("alexnet", "vgg16"):  # hundreds of megabytes
        path = write({"module." + key: value for key, value in tensors.items()}, tmp_path)
        assert load_file(path)[0].name == load_file(path, name)[0].name == name


def test_a_generator_beside_its_discriminator_is_found(tmp_path: Path) -> None:
    content = {"D": PatchDiscriminator(4).state_dict(), "G": ResnetGenerator(4, 3).state_dict(), "epoch": 3}
    torch.save(content, tmp_path / "x.pth")
    assert load_file(tmp_path / "x.pth")[0].name == "cyclegan-resnet-generator"
    torch.save({"first": content["D"], "second": content["G"]}, tmp_path / "x.pth")
    assert load_file(tmp_path / "x.pth", "cyclegan-resnet-generator")[0].name == "cyclegan-resnet-generator"


def test_an_unknown_network_is_not_taken_for_half_an_autoencoder(tmp_path: Path) -> None:
    tensors = {"model.1.weight": torch.zeros(4, 3, 5, 5), "model.4.weight": torch.zeros(4, 4, 3, 3)}
    assert refusal(write(tensors, tmp_path)).code == "unknown_layout"


def test_arguments_give_what_shapes_do_not() -> None:
    given = {"num_heads": 4, "decoder_num_heads": 1, "norm_pix_loss": True, "mean": [0.1, 0.2, 0.3], "img_size": 999}
    model = LAYOUTS["mae"].build(tiny_mae().state_dict(), given)
    assert isinstance(model, MaskedAutoencoderViT)
    assert model.blocks[0].attn.num_heads == 4  # type: ignore[union-attr]
    assert model.decoder_blocks[0].attn.num_heads == 1  # type: ignore[union-attr]
    assert model.norm_pix_loss
    assert model.preprocessing.mean == (0.1, 0.2, 0.3)
    assert model.img_size == 32


@pytest.mark.parametrize("heads", [3, 0, -2, "4", True])
def test_impossible_heads_are_refused(heads: object) -> None:
    with pytest.raises(WeightsError, match="heads|multiple"):
        LAYOUTS["mae"].build(tiny_mae().state_dict(), {"num_heads": heads})


# --- Masked autoencoders ----------------------------------------------------------------------------------


@pytest.mark.parametrize("patch_size", [14, 16, 32])
def test_a_masked_autoencoder_with_another_patch_size_is_fine(patch_size: int, tmp_path: Path) -> None:
    layout, model = load_file(write(authors_mae(patch_size).state_dict(), tmp_path))
    assert layout.name == "vit-mae-authors"
    assert isinstance(model, MaskedAutoencoderViT)
    assert (model.patch_size, model.img_size, model.num_patches) == (patch_size, 4 * patch_size, 16)
    assert model.preprocessing.mean == (0.485, 0.456, 0.406)
    assert not model.norm_pix_loss


def test_a_patch_size_that_contradicts_the_decoder_is_refused(tmp_path: Path) -> None:
    tensors = authors_mae(16).state_dict()
    tensors["patch_embed.proj.weight"] = torch.zeros(768, 3, 14, 14)
    assert refusal(write(tensors, tmp_path)).code == "wrong_shape"


def test_positions_that_make_no_square_are_refused(tmp_path: Path) -> None:
    tensors = authors_mae().state_dict()
    tensors["pos_embed"] = torch.zeros(1, 1 + 15, 768)
    assert "square" in str(refusal(write(tensors, tmp_path)))


ENCODER_ONLY = ("cls_token", "pos_embed", "patch_embed.", "blocks.", "norm.")


@pytest.mark.parametrize("layout", ["vit-mae-authors", "vit-mae-authors-norm-pix", "vit-mae-hub", "mae"])
def test_a_file_without_its_decoder_is_refused_as_such(layout: str, tmp_path: Path) -> None:
    """The authors' `mae_pretrain_vit_*` hold only the encoder, which is still an image encoder."""
    tensors = {key: value for key, value in authors_mae().state_dict().items() if key.startswith(ENCODER_ONLY)}
    path = write(tensors, tmp_path, "mae_pretrain_vit_base.safetensors")
    error = refusal(path, layout)
    assert error.code == "no_decoder"
    assert "mae_visualize_vit" in str(error)
    assert load_file(path)[0].name == "vit-timm"


def test_a_hub_file_without_its_decoder_is_refused_as_such(tmp_path: Path) -> None:
    tensors = {"vit.embeddings.position_embeddings": torch.zeros(1, 5, 8), "vit.layernorm.weight": torch.zeros(8)}
    assert refusal(write(tensors, tmp_path)).code == "no_decoder"


def test_the_presets_are_the_papers_sizes() -> None:
    """Encoder and decoder; base is the authors' count (§4.1), and the files of all three have these sizes."""
    counts = {}
    for name, sizes in PRESETS.items():
        with torch.device("meta"):
            model = MaskedAutoencoderViT(**sizes)  # type: ignore[arg-type]
        counts[name] = sum(parameter.numel() for parameter in model.parameters())
        assert is_published_mae(model.state_dict())
    assert counts["base"] == 111_907_840
    assert 4 * counts["large"] == pytest.approx(1.32e9, rel=0.01)  # bytes of the published files
    assert 4 * counts["huge"] == pytest.approx(2.63e9, rel=0.01)


# --- Look-alikes ------------------------------------------------------------------------------------------


def torchvision_tensors(name: str, **options: Any) -> dict[str, Tensor]:
    return dict(getattr(torchvision.models, name)(**options).state_dict())


def test_a_resnet_34_is_not_taken_for_a_resnet_50(tmp_path: Path) -> None:
    path = write(torchvision_tensors("resnet34", num_classes=10), tmp_path)
    layout, model = load_file(path)
    assert layout.name == "resnet-torchvision"
    assert isinstance(model, ImageEncoder)
    assert model.feature_dim == 512
    for wanted in ("resnet18", "resnet50", "simclr"):
        error = refusal(path, wanted)
        assert error.code == "wrong_layout"
        assert LAYOUTS[wanted].expected in str(error)
    assert load_file(path, "resnet-torchvision")[0].name == "resnet-torchvision"


@pytest.mark.parametrize("prefix", ["module.encoder_q.", "module.base_encoder.", "backbone."])
def test_other_depths_in_the_files_of_methods_are_refused(prefix: str, tmp_path: Path) -> None:
    tensors = torchvision_tensors("resnet18", num_classes=10)
    path = write({f"{prefix}{key}": value for key, value in tensors.items() if not key.startswith("fc")}, tmp_path)
    assert refusal(path).code == "wrong_layout"


def test_what_a_method_does_not_have_is_refused(tmp_path: Path) -> None:
    tensors = {f"backbone.{key}": value for key, value in ResNet(8, (3, 4, 6, 3), 0, True).state_dict().items()}
    assert load_file(write(tensors, tmp_path))[0].name == "byol"
    tensors["stranger.weight"] = torch.zeros(3)
    error = refusal(write(tensors, tmp_path))
    assert error.code == "unexpected_tensors"
    assert "stranger.weight" in str(error)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vgg11", {"init_weights": False}),
        ("vgg16_bn", {"init_weights": False}),
        ("squeezenet1_1", {}),
        ("mobilenet_v3_small", {}),
        ("resnext50_32x4d", {}),
    ],
)
def test_other_networks_are_refused(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    tensors = torchvision_tensors(name, num_classes=10, **options)
    cut = {key: value[:8] if "classifier" in key and "weight" in key else value for key, value in tensors.items()}
    assert refusal(write(cut, tmp_path)).code in ("unknown_layout", "wrong_shape", "unexpected_tensors")


def test_a_generator_with_batch_norm_is_refused(tmp_path: Path) -> None:
    tensors = dict(ResnetGenerator(4, 3).state_dict())
    batch_norm = {**tensors, "model.2.weight": torch.ones(4), "model.2.bias": torch.ones(4)}
    assert refusal(write(batch_norm, tmp_path)).code == "unexpected_tensors"


@pytest.mark.parametrize("name", OWN)
def test_one_tensor_less_more_or_longer_is_refused(name: str, tmp_path: Path) -> None:
    tensors = dict(OWN[name]().state_dict())
    last = [key for key, value in tensors.items() if value.dim()][-1]
    less = {key: value for key, value in tensors.items() if key != last}
    longer = {**tensors, last: torch.cat([tensors[last], tensors[last]])}
    assert refusal(write(less, tmp_path), name).code in ("missing_tensors", "wrong_layout")
    assert refusal(write({**tensors, "stranger": torch.zeros(1)}, tmp_path), name).code == "unexpected_tensors"
    assert refusal(write(longer, tmp_path), name).code in ("wrong_shape", "unexpected_tensors")
    assert refusal(write({**tensors, last: tensors[last].long()}, tmp_path), name).code == "wrong_dtype"
    assert refusal(write({**tensors, last: tensors[last] * float("nan")}, tmp_path), name).code == "not_finite"


def test_what_is_unknown_is_refused_with_what_was_found_and_what_is_known(tmp_path: Path) -> None:
    error = refusal(write({"lstm.weight_ih_l0": torch.zeros(4, 3), "lstm.bias": torch.zeros(4)}, tmp_path))
    assert error.code == "unknown_layout"
    sentence = str(error)
    assert "2 tensors" in sentence
    assert "lstm.weight_ih_l0 (4, 3)" in sentence
    assert all(LAYOUTS[name].expected in sentence for name in ("vit-mae-hub", "autoencoder-kl", "resnet50"))


def hostile() -> list[dict[str, Tensor]]:
    """Tensors with the names that layouts look for, and shapes that make no sense."""
    names = {
        "model.1.weight", "model.10.conv_block.1.weight", "model.2.weight", "model.9.conv_block.0.1.weight",
        "model.0.weight", "model.11.weight", "vit.embeddings.position_embeddings", "vit.layernorm.weight",
        "decoder.decoder_embed.weight", "pos_embed", "cls_token", "patch_embed.proj.weight", "decoder_pos_embed",
        "decoder_pred.weight", "decoder_embed.weight", "blocks.0.attn.qkv.weight", "blocks.0.mlp.fc1.weight",
        "encoder.0.weight", "encoder.1.conv.0.weight", "decoder.1.weight", "0.weight", "1.weight",
        "encoder.down_blocks.0.resnets.0.conv1.weight", "decoder.conv_in.weight", "quant_conv.weight",
        "post_quant_conv.weight", "fc_mu.weight", "fc_logvar.weight", "fc2.weight", "encoder.0.0.weight",
        "to_mu.weight", "to_logvar.weight", "from_latent.weight", "encoder.conv1.weight", "predictor.0.weight",
        "backbone.conv1.weight", "embeddings.position_embeddings", "encoder.layer.0.layer_scale1.lambda1",
        "conv1.weight", "bn1.running_mean", "layer1.0.conv2.weight", "fc.weight", "features.0.weight",
        "features.28.weight", "features.10.weight", "classifier.6.weight",
    }  # fmt: skip
    shapes: list[tuple[int, ...]] = [
        (),
        (0,),
        (7,),
        (7, 0),
        (7, 5),
        (1, 7, 6),
        (7, 3, 5, 5),
        (0, 3, 7, 7),
        (2, 3, 4, 5, 6),
    ]
    return [{name: torch.zeros(shape) for name in names} for shape in shapes]


@pytest.mark.parametrize("tensors", hostile(), ids=lambda tensors: str(tuple(next(iter(tensors.values())).shape)))
def test_senseless_shapes_are_refused_by_every_layout(tensors: dict[str, Tensor]) -> None:
    for layout in LAYOUTS.values():
        layout.matches(tensors)
        with pytest.raises(WeightsError):
            layout.build(tensors)


# --- Names that are needed, halves, ranges ----------------------------------------------------------------


def test_layouts_with_the_same_tensors_are_by_name_only() -> None:
    twins = {"simclr": "resnet50", "vit-mae-authors-norm-pix": "vit-mae-authors"}
    assert {name for name, layout in LAYOUTS.items() if layout.by_name_only} == set(twins)
    with torch.device("meta"):
        samples = {"simclr": torchvision.models.resnet50(), "vit-mae-authors-norm-pix": authors_mae()}
    for name, network in samples.items():
        assert LAYOUTS[name].matches(network.state_dict())
        assert recognise(network.state_dict()).name == twins[name]


@torch.no_grad()
def test_encoders_take_the_apps_range_at_any_side(tmp_path: Path) -> None:
    network = torchvision.models.resnet18(num_classes=10).eval()
    _, model = load_file(write(dict(network.state_dict()), tmp_path))
    assert isinstance(model, ImageEncoder)
    assert model.image_size == 224
    assert model(torch.zeros(2, 3, 50, 70)).shape == (2, model.feature_dim) == (2, 512)


@torch.no_grad()
def test_another_normalisation_is_an_argument() -> None:
    tensors = VisionTransformer(32, 8, 64, 1, 1).state_dict()
    images = torch.rand(1, 3, 224, 224) * 2 - 1
    as_dino = LAYOUTS["vit-timm"].build(tensors)
    plain = LAYOUTS["vit-timm"].build(tensors, {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]})
    assert isinstance(plain, ImageEncoder)
    assert torch.equal(plain(images), plain.network(images))
    assert not torch.allclose(as_dino(images), plain(images), atol=1e-3)


@torch.no_grad()
def test_vision_transformers_of_unusual_heads_take_them_as_an_argument() -> None:
    network = VisionTransformer(32, 8, 96, 1, 4).eval()
    tensors = network.state_dict()
    with pytest.raises(WeightsError, match="multiple of 64"):
        LAYOUTS["vit-timm"].build(tensors)
    model = LAYOUTS["vit-timm"].build(tensors, {"num_heads": 4})
    assert isinstance(model, ImageEncoder)
    assert torch.equal(model.network(torch.ones(1, 3, 32, 32)), network(torch.ones(1, 3, 32, 32)))


# --- The portraits, whose layout is not verified ----------------------------------------------------------


def portrait_names(style: str, network: PortraitVAE) -> dict[str, Tensor]:
    """The same tensors under names that an author may have chosen."""
    out = {}
    for key, value in network.state_dict().items():
        part, number, leaf = [*key.split("."), ""][:3]
        if part.startswith("fc") or style == "sequential":
            out[key] = value
        else:
            index = int(number) // 3 + 1
            kind = "bn" if int(number) % 3 == 1 else "conv"
            out[f"{part[:3]}_{kind}{index}.{leaf}"] = value
    return out


@torch.no_grad()
@pytest.mark.parametrize("style", ["sequential", "flat"])
def test_a_portrait_vae_is_recognised_by_the_chain_of_its_shapes(style: str, tmp_path: Path) -> None:
    original = PortraitVAE(32, 6).eval()
    for module in original.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.get_buffer("running_var"), 0.5, 1.5)
    torch.save(portrait_names(style, original), tmp_path / "x.pth")
    layout, model = load_file(tmp_path / "x.pth")
    assert layout.name == "portrait-vae"
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    assert torch.equal(model(images), original(images))
    assert model(images).abs().max() <= 1
    assert isinstance(model, PortraitVAE)
    drawn = model.sample(3, torch.Generator().manual_seed(0))
    assert drawn.shape == (3, 3, 32, 32)
    assert not model.spatial


def test_portraits_of_other_widths_are_refused(tmp_path: Path) -> None:
    tensors = dict(PortraitVAE(32, 6).state_dict())
    tensors["encoder.0.weight"] = torch.zeros(32, 3, 3, 3)
    error = refusal(write(tensors, tmp_path))
    assert error.code == "missing_tensors"
    assert "(64, 3, 3, 3)" in str(error)


def test_reading_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(b"")
    assert refusal(tmp_path / "x.pth").code == "empty"
    assert read_tensors(write({"a": torch.ones(2)}, tmp_path))["a"].tolist() == [1.0, 1.0]
