"""Random weights in the layouts of published files, as small as each layout allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torchvision.models import alexnet, vgg16

from models.networks.autoencoder_kl import AutoencoderKL
from models.networks.autoencoder_tiny import AutoencoderTiny
from models.networks.backbones import ResNet
from models.networks.cyclegan import ResnetGenerator
from models.networks.mae import MaskedAutoencoderViT
from models.networks.portrait_vae import PortraitVAE
from models.networks.vit import VisionTransformer

Tensors = dict[str, Tensor]


def prefixed(tensors: Mapping[str, Tensor], prefix: str) -> Tensors:
    """Return the tensors under longer names."""
    return {prefix + name: tensor for name, tensor in tensors.items()}


def renamed(tensors: Mapping[str, Tensor], rules: Mapping[str, str]) -> Tensors:
    """Return the tensors under other names, each rule a part of a name and what takes its place, in order."""
    out = {}
    for name, tensor in tensors.items():
        for old, new in rules.items():
            name = name.replace(old, new)
        out[name] = tensor
    return out


def split_qkv(tensors: Mapping[str, Tensor]) -> Tensors:
    """Return the tensors with stacked queries, keys and values apart, as transformers keeps them."""
    out = {}
    for name, tensor in tensors.items():
        if ".attn.qkv." in name:
            for part, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                out[name.replace(".attn.qkv.", f".attention.attention.{part}.")] = piece.clone()
        else:
            out[name.replace(".attn.proj.", ".attention.output.dense.")] = tensor
    return out


def mae() -> Tensors:
    """A masked autoencoder of the authors' base width with one block on each side."""
    model = MaskedAutoencoderViT(
        32, 16, embed_dim=768, depth=1, num_heads=12, decoder_embed_dim=512, decoder_depth=1, decoder_num_heads=16
    )
    return model.state_dict()


def hub_mae() -> Tensors:
    """The same under the names of transformers in 2022, which the Hub's files have."""
    block = {"norm1": "layernorm_before", "norm2": "layernorm_after", "mlp.fc1": "intermediate.dense"}
    rules = {
        **block, "mlp.fc2": "output.dense", "patch_embed.proj": "embeddings.patch_embeddings.projection",
        "decoder_blocks": "decoder.decoder_layers", "decoder_pos_embed": "decoder.decoder_pos_embeddings",
    }  # fmt: skip
    out = {}
    for name, tensor in renamed(split_qkv(mae()), rules).items():
        if name.startswith(("decoder_", "mask_token")):
            name = f"decoder.{name}"
        elif name.startswith("blocks."):
            name = name.replace("blocks.", "vit.encoder.layer.")
        elif name.startswith("norm."):
            name = name.replace("norm.", "vit.layernorm.")
        elif name.startswith("embeddings."):
            name = f"vit.{name}"
        elif name in ("cls_token", "pos_embed"):
            name = {"cls_token": "vit.embeddings.cls_token", "pos_embed": "vit.embeddings.position_embeddings"}[name]
        out[name.replace("decoder_pos_embeddings", "decoder_pos_embed")] = tensor
    return out


def vit(**options: bool) -> Tensors:
    """A vision transformer of one block under timm's names."""
    return VisionTransformer(32, 16, embed_dim=64, depth=1, num_heads=1, **options).state_dict()


def dinov2() -> Tensors:
    """The same under the names of transformers' Dinov2Model."""
    rules = {
        "patch_embed.proj": "embeddings.patch_embeddings.projection", "cls_token": "embeddings.cls_token",
        "pos_embed": "embeddings.position_embeddings", ".ls1.gamma": ".layer_scale1.lambda1",
        ".ls2.gamma": ".layer_scale2.lambda1", "blocks.": "encoder.layer.",
    }  # fmt: skip
    out = renamed(split_qkv(vit(layer_scale=True)), rules)
    return {
        ("layernorm" + name.removeprefix("norm") if name.startswith("norm.") else name): t for name, t in out.items()
    }


def resnet18() -> Tensors:
    """ResNet-18 with its classifier."""
    return ResNet(num_classes=10).state_dict()


def resnet50() -> Tensors:
    """ResNet-50 without a classifier."""
    return ResNet(blocks=(3, 4, 6, 3), bottleneck=True).state_dict()


def supervised_resnet50() -> Tensors:
    """ResNet-50 with a classifier."""
    return {**resnet50(), "fc.weight": torch.zeros(10, 2048), "fc.bias": torch.zeros(10)}


def simsiam() -> Tensors:
    """ResNet-50 among the tensors of SimSiam, as its authors save them."""
    heads = {"encoder.fc.0.weight": torch.zeros(2, 2048), "predictor.0.weight": torch.zeros(2, 2)}
    return prefixed({**prefixed(resnet50(), "encoder."), **heads}, "module.")


def moco() -> Tensors:
    """ResNet-50 among the tensors of MoCo."""
    heads = {"encoder_q.fc.0.weight": torch.zeros(2, 2048), "queue": torch.zeros(2, 4)}
    return prefixed({**prefixed(resnet50(), "encoder_q."), **heads}, "module.")


def moco_v3() -> Tensors:
    """ResNet-50 among the tensors of MoCo v3."""
    heads = {"base_encoder.fc.0.weight": torch.zeros(2, 2048), "predictor.0.weight": torch.zeros(2, 2)}
    return prefixed({**prefixed(resnet50(), "base_encoder."), **heads}, "module.")


def tiny_autoencoder() -> Tensors:
    """A tiny autoencoder under the names of diffusers."""
    out = {}
    for name, tensor in AutoencoderTiny().state_dict().items():
        part, index, rest = name.split(".", 2)
        out[f"{part}.layers.{int(index) - (part == 'decoder')}.{rest}"] = tensor
    return out


def state_of(model: nn.Module) -> Tensors:
    """The tensors of a module whose names are those of the published files."""
    return model.state_dict()


PUBLISHED: dict[str, Callable[[], Tensors]] = {
    "cyclegan-resnet-generator": lambda: state_of(ResnetGenerator(num_filters=8, num_blocks=2)),
    "vit-mae-hub": hub_mae,
    "vit-mae-authors": mae,
    "autoencoder-tiny": tiny_autoencoder,
    "autoencoder-kl": lambda: state_of(AutoencoderKL(widths=(32, 32, 32, 32), num_blocks=2)),
    "portrait-vae": lambda: state_of(PortraitVAE()),
    "simclr": resnet50,
    "simsiam": simsiam,
    "moco": moco,
    "moco-v3": moco_v3,
    "byol": lambda: prefixed(resnet50(), "backbone."),
    "vit-timm": vit,
    "dinov2-hub": dinov2,
    "resnet18": resnet18,
    "resnet50": supervised_resnet50,
    "alexnet": lambda: {name: torch.zeros_like(t) for name, t in alexnet(num_classes=2).state_dict().items()},
    "vgg16": lambda: {
        name: torch.zeros_like(t) for name, t in vgg16(num_classes=2, init_weights=False).state_dict().items()
    },
}
