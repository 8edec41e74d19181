"""Every published layout, filled with random weights: our model answers as its reference implementation does."""

import importlib.util
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from parity import (
    Answers,
    Parity,
    drawn,
    generator_of,
    largest_difference,
    load_record,
    pictures,
    sampled,
    save_record,
    shapes_of,
)
from safetensors.torch import save_file
from torch import Tensor, nn

from models.formats.registry import load_file
from models.networks.mae import MaskedAutoencoderViT

TOLERANCE = 1e-4
MEAN = torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1)


def imagenet(images: Tensor) -> Tensor:
    return ((images + 1) / 2 - MEAN) / STD


def renamed(rules: list[tuple[str, str]]) -> Any:
    def rename(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        out = {}
        for name, value in tensors.items():
            for pattern, replacement in rules:
                name = re.sub(pattern, replacement, name)
            out[name] = value
        return out

    return rename


# --- Masked autoencoders ----------------------------------------------------------------------------------

OLD_ATTENTION = [
    (r"\.attention\.q_proj\.", ".attention.attention.query."),
    (r"\.attention\.k_proj\.", ".attention.attention.key."),
    (r"\.attention\.v_proj\.", ".attention.attention.value."),
    (r"\.attention\.o_proj\.", ".attention.output.dense."),
]
MAE_2022 = renamed(
    [
        (r"^vit\.layers\.", "vit.encoder.layer."),
        *OLD_ATTENTION,
        (r"\.mlp\.fc1\.", ".intermediate.dense."),
        (r"\.mlp\.fc2\.", ".output.dense."),
    ]
)


def mae_authors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Write the tensors of transformers' class as the authors' own file holds them."""
    rules = [
        (r"^vit\.embeddings\.position_embeddings$", "pos_embed"),
        (r"^vit\.embeddings\.cls_token$", "cls_token"),
        (r"^vit\.embeddings\.patch_embeddings\.projection", "patch_embed.proj"),
        (r"^vit\.layers\.", "blocks."),
        (r"^vit\.layernorm", "norm"),
        (r"^decoder\.decoder_layers\.", "decoder_blocks."),
        (r"^decoder\.", ""),
        (r"layernorm_before", "norm1"),
        (r"layernorm_after", "norm2"),
        (r"\.attention\.o_proj\.", ".attn.proj."),
    ]
    out = renamed(rules)(tensors)
    for name in [name for name in out if ".attention.q_proj." in name]:
        parts = [out.pop(name.replace("q_proj", part)) for part in ("q_proj", "k_proj", "v_proj")]
        out[name.replace("attention.q_proj", "attn.qkv")] = torch.cat(parts)
    return out


def transformers_mae(**config: Any) -> nn.Module:
    from transformers import ViTMAEConfig, ViTMAEForPreTraining

    sizes = {
        "hidden_size": 768, "num_hidden_layers": 2, "num_attention_heads": 12, "intermediate_size": 3072,
        "decoder_num_hidden_layers": 1, "image_size": 112, "patch_size": 16,
    }  # fmt: skip
    return ViTMAEForPreTraining(ViTMAEConfig(**{**sizes, **config}))


def mae_noise(num: int, length: int) -> Tensor:
    return torch.from_numpy(generator_of("noise").uniform(size=(num, length))).float()


def mae_mask(noise: Tensor, removed: int) -> Tensor:
    return (noise.argsort(dim=1).argsort(dim=1) >= noise.shape[1] - removed).float()


REMOVED = 35  # of 49 patches: 1 - 35/49 is one of the shares that the reference rounds to one patch too few


def ask_transformers_mae(network: Any, images: Tensor) -> Answers:
    length = network.vit.embeddings.patch_embeddings.num_patches
    removed = REMOVED if length == 49 else length // 2
    network.config.mask_ratio = (removed - 0.5) / length
    out = network(imagenet(images), noise=mae_noise(len(images), length))
    chosen = mae_mask(mae_noise(len(images), length).flip(1), removed)  # a mask that a visitor drew
    given = network(imagenet(images), noise=chosen)
    assert torch.equal(given.mask, chosen)
    painted = network.unpatchify(given.logits) * STD + MEAN
    return {
        "pred": out.logits, "loss": out.loss, "mask": out.mask, "given_pred": given.logits, "given_loss": given.loss,
        "painted": (painted * 2 - 1).clamp(-1, 1),
    }  # fmt: skip


def ask_our_mae(model: nn.Module, images: Tensor) -> Answers:
    assert isinstance(model, MaskedAutoencoderViT)
    removed = REMOVED if model.num_patches == 49 else model.num_patches // 2
    noise = mae_noise(len(images), model.num_patches)
    masks = mae_mask(noise, removed), mae_mask(noise.flip(1), removed)
    out, given = (model(images, mask=mask) for mask in masks)
    return {
        "pred": out.pred, "loss": out.loss, "mask": out.mask, "given_pred": given.pred, "given_loss": given.loss,
        "painted": model.reconstruct(images, masks[1]),
    }  # fmt: skip


def only_numbers(answers: Answers) -> Answers:
    return {key: value for key, value in answers.items() if key != "painted"}  # pixels need the patches' moments there


HUGE = {"hidden_size": 1280, "num_attention_heads": 16, "intermediate_size": 5120, "patch_size": 14, "image_size": 56}
LARGE = {"hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096}


def mae_case(name: str, layout: str, published: Any = dict, side: int = 112, **config: Any) -> Parity:
    make = lambda: transformers_mae(**config)  # noqa: E731
    return Parity(name, "transformers", layout, make, ask_transformers_mae, ask_our_mae, side, published)


MAES = [
    mae_case("mae-hub-2022", "vit-mae-hub", MAE_2022),
    mae_case("mae-hub-today", "vit-mae-hub", num_hidden_layers=1),
    mae_case("mae-hub-large", "vit-mae-hub", MAE_2022, num_hidden_layers=1, **LARGE),
    mae_case("mae-hub-huge", "vit-mae-hub", MAE_2022, 56, num_hidden_layers=1, **HUGE),
    mae_case("mae-authors", "vit-mae-authors", mae_authors, layer_norm_eps=1e-6),
    Parity(
        "mae-authors-norm-pix", "transformers", "vit-mae-authors-norm-pix",
        lambda: transformers_mae(norm_pix_loss=True, num_hidden_layers=1, layer_norm_eps=1e-6),
        lambda network, images: only_numbers(ask_transformers_mae(network, images)),
        lambda model, images: only_numbers(ask_our_mae(model, images)),
        112, mae_authors, "vit-mae-authors-norm-pix",
    ),
]  # fmt: skip


# --- Autoencoders -----------------------------------------------------------------------------------------


def diffusers_tiny(latent_channels: int) -> nn.Module:
    from diffusers import AutoencoderTiny

    return AutoencoderTiny(latent_channels=latent_channels)


def diffusers_kl() -> nn.Module:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(32, 64, 64),
        layers_per_block=2,
        sample_size=64,
    )


def ask_diffusers_tiny(network: Any, images: Tensor) -> Answers:
    mu = network.encode(images).latents
    return {"mu": mu, "pictures": network.decode(mu).sample.clamp(-1, 1)}


def ask_diffusers_kl(network: Any, images: Tensor) -> Answers:
    posterior = network.encode(images).latent_dist
    pictures = network.decode(posterior.mean).sample
    return {"mu": posterior.mean, "logvar": posterior.logvar, "pictures": pictures.clamp(-1, 1)}


def ask_our_tiny(model: Any, images: Tensor) -> Answers:
    mu, logvar = model.encode(images)
    assert float((0.5 * logvar).exp().max()) < 1e-6, "a deterministic code has no spread"
    return {"mu": mu, "pictures": model.decode(mu)}


def ask_our_kl(model: Any, images: Tensor) -> Answers:
    mu, logvar = model.encode(images)
    return {"mu": mu, "logvar": logvar, "pictures": model.decode(mu)}


def tiny_authors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Write diffusers' tensors with the numbers of the authors' files."""
    out = {}
    for name, value in tensors.items():
        part, _, number, rest = name.split(".", 3)
        out[f"{part}.{int(number) + (part == 'decoder')}.{rest}"] = value
    return out


KL_2022 = renamed(
    [
        (r"\.to_q\.", ".query."),
        (r"\.to_k\.", ".key."),
        (r"\.to_v\.", ".value."),
        (r"\.to_out\.0\.", ".proj_attn."),
    ]
)
AUTOENCODERS = [
    Parity(
        f"autoencoder-{name}", "diffusers", "autoencoder-tiny", partial(diffusers_tiny, channels),
        ask_diffusers_tiny, ask_our_tiny, 64, published,
    )
    for name, channels, published in (("taesd", 4, dict), ("taef1", 16, tiny_authors))
] + [
    Parity(
        f"autoencoder-kl{name}", "diffusers", "autoencoder-kl", diffusers_kl, ask_diffusers_kl, ask_our_kl, 64, how,
        recorded="autoencoder-kl",
    )
    for name, how in (("", dict), ("-2022", KL_2022))
]  # fmt: skip


# --- Encoders ---------------------------------------------------------------------------------------------


def ask_our_encoder(model: nn.Module, images: Tensor) -> Answers:
    return {"features": model(images)}


def timm_model(name: str, **options: Any) -> nn.Module:
    import timm

    return timm.create_model(name, **options)


def ask_timm(network: Any, images: Tensor) -> Answers:
    features = network.forward_features(imagenet(images))
    return {"features": network.forward_head(features, pre_logits=True)}


def ask_torchvision_resnet(network: Any, images: Tensor) -> Answers:
    return {"features": _pooled(network, imagenet(images))}


def ask_simclr(network: Any, images: Tensor) -> Answers:
    return {"features": _pooled(network, (images + 1) / 2)}


def _pooled(network: Any, pixels: Tensor) -> Tensor:
    for name, layer in network.named_children():
        if name != "fc":
            pixels = layer(pixels)
    return pixels.flatten(1)


def ask_torchvision_fc7(network: Any, images: Tensor) -> Answers:
    pooled = network.avgpool(network.features(imagenet(images))).flatten(1)
    return {"features": network.classifier[:-1](pooled)}


def uninitialised_vgg16() -> nn.Module:
    return torchvision.models.vgg16(init_weights=False)  # drawing 138 million numbers takes longer than the rest


def dinov2() -> nn.Module:
    from transformers import Dinov2Config, Dinov2Model

    return Dinov2Model(Dinov2Config(hidden_size=128, num_hidden_layers=2, num_attention_heads=2, image_size=518))


def ask_dinov2(network: Any, images: Tensor) -> Answers:
    return {"features": network(imagenet(images)).pooler_output}


def under(prefix: str, head: str, others: Mapping[str, tuple[int, ...]]) -> Any:
    """Write a backbone as a method's own file holds it: under a prefix, its classifier replaced by a head."""

    def publish(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        backbone = {f"{prefix}{name}": value for name, value in tensors.items() if not name.startswith(head)}
        return {**backbone, **drawn(others)}

    return publish


def norm(name: str, dim: int, affine: bool = True) -> dict[str, tuple[int, ...]]:
    stats = {f"{name}.running_mean": (dim,), f"{name}.running_var": (dim,), f"{name}.num_batches_tracked": ()}
    return {**({f"{name}.weight": (dim,), f"{name}.bias": (dim,)} if affine else {}), **stats}


def linear(name: str, before: int, after: int, bias: bool = True) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (after, before), **({f"{name}.bias": (after,)} if bias else {})}


def shapes_of_twin(prefix: str) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        shapes = shapes_of(torchvision.models.resnet50())
    return {f"{prefix}{name}": shape for name, shape in shapes.items() if not name.startswith("fc.")}


SIMSIAM_HEADS = {
    **linear("module.encoder.fc.0", 2048, 2048, bias=False), **norm("module.encoder.fc.1", 2048),
    **linear("module.encoder.fc.3", 2048, 2048, bias=False), **norm("module.encoder.fc.4", 2048),
    **linear("module.encoder.fc.6", 2048, 2048), **norm("module.encoder.fc.7", 2048, affine=False),
    **linear("module.predictor.0", 2048, 512, bias=False), **norm("module.predictor.1", 512),
    **linear("module.predictor.3", 512, 2048),
}  # fmt: skip
MOCO_V1 = {
    **linear("module.encoder_q.fc", 2048, 128), **shapes_of_twin("module.encoder_k."),
    **linear("module.encoder_k.fc", 2048, 128), "module.queue": (128, 1024), "module.queue_ptr": (1,),
}  # fmt: skip
MOCO_V2 = {
    **linear("module.encoder_q.fc.0", 2048, 2048), **linear("module.encoder_q.fc.2", 2048, 128),
    "module.queue": (128, 1024), "module.queue_ptr": (1,),
}  # fmt: skip
MOCO_V3 = {
    **linear("module.base_encoder.fc.0", 2048, 64, bias=False), **norm("module.base_encoder.fc.1", 64),
    **linear("module.base_encoder.fc.3", 64, 32, bias=False), **norm("module.base_encoder.fc.4", 32, affine=False),
    **shapes_of_twin("module.momentum_encoder."), **linear("module.predictor.0", 32, 64, bias=False),
}  # fmt: skip
MOCO_V3_VIT = {
    **linear("module.base_encoder.head.0", 384, 64, bias=False), **norm("module.base_encoder.head.1", 64),
    "module.momentum_encoder.cls_token": (1, 1, 384), **linear("module.predictor.0", 32, 64, bias=False),
}  # fmt: skip
BYOL = {**linear("neck.fc0", 2048, 64), **norm("neck.bn0", 64), **linear("head.predictor.fc0", 64, 32)}


def resnet50_in(name: str, layout: str, published: Any) -> Parity:
    make, ask = torchvision.models.resnet50, ask_torchvision_resnet
    return Parity(name, "torchvision", layout, make, ask, ask_our_encoder, 224, published, recorded="resnet50")


def simple_encoder(
    name: str, package: str, layout: str, make: Any, ask: Any, published: Any = dict, **options: Any
) -> Parity:
    return Parity(name, package, layout, make, ask, ask_our_encoder, 224, published, **options)


DINO = {"depth": 2, "num_classes": 0}
ENCODERS = [
    resnet50_in("resnet50", "resnet50", dict),
    simple_encoder("simclr", "torchvision", "simclr", torchvision.models.resnet50, ask_simclr, load_as="simclr"),
    resnet50_in("simsiam", "simsiam", under("module.encoder.", "fc.", SIMSIAM_HEADS)),
    resnet50_in("moco-v1", "moco", under("module.encoder_q.", "fc.", MOCO_V1)),
    resnet50_in("moco-v2", "moco", under("module.encoder_q.", "fc.", MOCO_V2)),
    resnet50_in("moco-v3", "moco-v3", under("module.base_encoder.", "fc.", MOCO_V3)),
    resnet50_in("byol", "byol", under("backbone.", "fc.", BYOL)),
    simple_encoder("resnet18", "torchvision", "resnet18", torchvision.models.resnet18, ask_torchvision_resnet),
    simple_encoder("resnet50-timm", "timm", "resnet50", lambda: timm_model("resnet50"), ask_timm),
    simple_encoder("dino", "timm", "vit-timm", lambda: timm_model("vit_small_patch16_224.dino", **DINO), ask_timm),
    simple_encoder(
        "moco-v3-vit", "timm", "moco-v3", lambda: timm_model("vit_small_patch16_224", num_heads=12, **DINO), ask_timm,
        under("module.base_encoder.", "head.", MOCO_V3_VIT),
    ),
    *(
        simple_encoder(f"dinov2-{age}", "transformers", "dinov2-hub", dinov2, ask_dinov2, how, recorded="dinov2")
        for age, how in (("2022", renamed(OLD_ATTENTION)), ("today", dict))
    ),
]  # fmt: skip
LARGE_ENCODERS = [
    simple_encoder("vgg16", "torchvision", "vgg16", uninitialised_vgg16, ask_torchvision_fc7),
    simple_encoder("vgg16-timm", "timm", "vgg16", lambda: timm_model("vgg16"), ask_timm),
    simple_encoder("alexnet", "torchvision", "alexnet", torchvision.models.alexnet, ask_torchvision_fc7),
]
QUICK = {"mae-hub-2022", "autoencoder-taesd", "autoencoder-kl", "resnet18", "dino", "dinov2-2022"}  # one of each kind
CASES = [
    pytest.param(case, id=case.name, marks=[] if case.name in QUICK else [pytest.mark.slow])
    for case in (*MAES, *AUTOENCODERS, *ENCODERS, *LARGE_ENCODERS)
]


# --- The comparison ---------------------------------------------------------------------------------------


def loaded(case: Parity, tensors: dict[str, Tensor], folder: Path) -> nn.Module:
    """Write a file as it is published, and load it as the app does."""
    path = folder / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in case.published(tensors).items()}, path)
    layout, model = load_file(path, case.load_as)
    path.unlink()
    assert layout.name == case.layout
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    return model


def asked(case: Parity) -> tuple[dict[str, tuple[int, ...]], Answers]:
    """Names and shapes of the reference's tensors, and its answers when they are drawn."""
    network = case.reference().eval()
    shapes = shapes_of(network)
    network.load_state_dict(drawn(shapes), strict=True)
    answers = case.answers(network, pictures(case.side))
    assert all(value.dim() == 0 or value.std() > 0.05 for value in answers.values()), "answers that say nothing"
    return shapes, answers


@torch.no_grad()
@pytest.mark.parametrize("case", CASES)
def test_equals_the_reference(case: Parity, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Ours against the reference where it is installed, and against what it answered when it was recorded."""
    installed = importlib.util.find_spec(case.package) is not None
    if installed:
        shapes, answers = asked(case)
        if request.config.getoption("--record-references"):
            save_record(case.record, shapes, answers)
    recorded_shapes, recorded = load_record(case.record)
    ours = case.ours(loaded(case, drawn(recorded_shapes), tmp_path), pictures(case.side))
    assert largest_difference(sampled(ours), recorded) <= TOLERANCE
    if installed:
        assert shapes == recorded_shapes
        assert largest_difference(ours, answers) <= TOLERANCE


def test_the_official_simsiam_file_has_its_343_tensors() -> None:
    assert len(SIMSIAM_HEADS) + len(shapes_of_twin("")) == 343
