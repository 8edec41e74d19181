"""The known layouts of weights, recognised by their tensors; adding one is adding an entry of `LAYOUTS`.

The models built take and return images in [-1, 1]; sizes (width, depth, patches, classes) are read off the tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from torch import Tensor, nn

from models.data.images import printable
from models.formats import autoencoders, convnets, cyclegan, mae, pretraining, vaes, vit
from models.formats.pretraining import PretrainingLayout
from models.formats.settings import assumed, settings_beside
from models.formats.tables import without_prefixes
from models.formats.tensors import WeightsError, read_tables, read_tensors
from models.hub.records import Family
from models.networks import backbones
from models.networks.preprocessing import IMAGENET, Preprocessing

__all__ = ["LAYOUTS", "Layout", "WeightsError", "load_and_tell", "load_file", "read_tensors", "recognise"]

Tensors = Mapping[str, Tensor]
Build = Callable[..., nn.Module]

IMAGENET_224 = replace(IMAGENET, size=224)
IMAGENET_224_BICUBIC = replace(IMAGENET, size=224, resample="bicubic")
ZERO_TO_ONE_224 = Preprocessing(224, "bilinear", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
NAMES_SHOWN = 3


@dataclass(frozen=True)
class Layout:
    """One layout of weights."""

    name: str  # key in `LAYOUTS`
    family: Family  # of its models, which decides the tabs that offer them
    expected: str  # what its files hold, in words, for error messages
    matches: Callable[[Tensors], bool]  # whether tensors are in this layout, by a few of their names and shapes
    # Returns the model (float32, eval mode, no gradients) of a file's tensors and, optionally, `settings`. Raises
    # a `WeightsError` where a tensor is missing, too many, of another shape or type, or not finite.
    build: Build
    by_name_only: bool = False  # whether another layout has the very same tensors, so that this one has to be named
    settings: tuple[str, ...] = ()  # names of what shapes do not give, such as "num_heads"
    activation: str = ""  # of its networks, where settings may name another; empty for any


_IMAGES = ("mean", "std", "size", "resample")
_VIT = ("num_heads", "norm_eps", *_IMAGES)
_MAE = ("num_heads", "decoder_num_heads", "norm_pix_loss", "norm_eps", "mean", "std")


def _encoder(
    preprocessing: Preprocessing, build: Callable[..., nn.Module], expected: str, takes_args: bool = False
) -> Build:
    def made(tensors: Tensors, args: Mapping[str, Any] | None = None) -> nn.Module:
        args = args or {}
        network = build(tensors, expected, *([args] if takes_args else []))
        images: dict[str, Any] = {key: args[key] for key in _IMAGES if key in args}
        images |= {key: tuple(images[key]) for key in ("mean", "std") if key in images}
        if images.get("size", 0) % (patch := getattr(network, "patch_size", 1)):
            raise WeightsError("bad_settings", what=f"the side {images['size']}, no multiple of the patch side {patch}")
        return backbones.ImageEncoder(network, replace(preprocessing, **images)).eval().requires_grad_(False)

    return made


def _vit(name: str, expected: str, matches: Callable[[Tensors], bool], build: Callable[..., nn.Module]) -> Layout:
    """Return the layout of a vision transformer without a decoder."""
    made = _encoder(IMAGENET_224_BICUBIC, build, expected, takes_args=True)
    return Layout(name, "contrastive", expected, matches, made, settings=_VIT, activation="gelu")


def _resnet(name: str, family: Family, expected: str, blocks: object = None, **options: Any) -> Layout:
    """Return the layout of torchvision's ResNets of width 64, of the depth that `blocks` gives or of any."""

    def matches(tensors: Tensors) -> bool:
        if not convnets.is_resnet(tensors) or tensors["conv1.weight"].shape[0] != 64:
            return False
        return blocks is None or convnets.resnet_blocks(tensors) == blocks

    build = _encoder(options.pop("preprocessing", IMAGENET_224), convnets.build_resnet, expected)
    return Layout(name, family, expected, matches, build, settings=_IMAGES, **options)


def _pretraining(name: str, expected: str, layout: PretrainingLayout, vit_heads: int | None = None) -> Layout:
    """Return the layout of a file that holds a ResNet-50, or a vision transformer, among a method's other tensors."""

    def build(tensors: Tensors, expected: str) -> nn.Module:
        backbone = layout.backbone(tensors)
        if vit.is_vit(backbone):
            return vit.build_vit(backbone, expected, {"num_heads": vit_heads})
        if not convnets.is_resnet(backbone) or convnets.resnet_blocks(backbone) != convnets.RESNET50:
            raise WeightsError("wrong_layout", found=describe(tensors), expected=expected)
        return convnets.build_resnet(backbone, expected)

    made = _encoder(IMAGENET_224, build, expected)
    return Layout(name, "contrastive", expected, layout.matches, made, settings=_IMAGES)


def _plain(
    name: str,
    family: Family,
    expected: str,
    matches: Callable[[Tensors], bool],
    build: Callable[..., nn.Module],
    **options: Any,
) -> Layout:
    """Return the layout of a network; without `settings`, all its arguments are read off the tensors."""

    def made(tensors: Tensors, args: Mapping[str, Any] | None = None) -> nn.Module:
        return build(tensors, expected, *([args or {}] if options.get("settings") else []))

    return Layout(name, family, expected, matches, made, **options)


def _mae(
    name: str, expected: str, matches: Callable[[Tensors], bool], build: Callable[..., nn.Module], **options: Any
) -> Layout:
    """Return the layout of a masked autoencoder, some of whose arguments are not read off the tensors."""
    fixed = options.pop("fixed", {})

    def made(tensors: Tensors, args: Mapping[str, Any] | None = None) -> nn.Module:
        return build(tensors, expected, {**(args or {}), **fixed})

    return Layout(name, "mae", expected, matches, made, settings=_MAE, activation="gelu", **options)


_build_authors_mae = partial(mae.build_mae, preprocessing=IMAGENET)


def _is_autoencoder_tiny(tensors: Tensors) -> bool:
    return autoencoders.is_autoencoder_tiny(tensors) or bool(autoencoders.autoencoder_half(tensors))


# The first that matches counts, so the narrower stand before the wider.
LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        _plain("cyclegan-resnet-generator", "cyclegan", "a generator of CycleGAN's authors",
               cyclegan.is_resnet_generator, cyclegan.build_resnet_generator),
        _plain("light-generator", "cyclegan", "a light generator of this project", cyclegan.is_light_generator,
               cyclegan.build_light_generator),
        _plain("patch-discriminator", "cyclegan", "a patch discriminator", cyclegan.is_patch_discriminator,
               cyclegan.build_patch_discriminator),
        _mae("vit-mae-hub", "a masked autoencoder of transformers", mae.is_hub_mae, mae.build_hub_mae),
        _mae("vit-mae-authors", "a masked autoencoder of the authors, with its decoder", mae.is_published_mae,
             _build_authors_mae),
        _mae("vit-mae-authors-norm-pix", "a masked autoencoder of the authors that predicts normalised patches",
             mae.is_published_mae, _build_authors_mae, fixed={"norm_pix_loss": True}, by_name_only=True),
        _mae("mae", "a masked autoencoder of this project", mae.is_mae, mae.build_mae),
        _plain("autoencoder-tiny", "vae", "a tiny autoencoder (TAESD, TAEF1 or TAEF2)", _is_autoencoder_tiny,
               autoencoders.build_autoencoder_tiny, activation="relu"),
        _plain("autoencoder-kl", "vae", "an autoencoder of latent diffusion (AutoencoderKL)",
               autoencoders.is_autoencoder_kl, autoencoders.build_autoencoder_kl, settings=("norm_groups",),
               activation="silu"),
        _plain("portrait-vae", "vae", "a variational autoencoder of portraits (layout not verified)",
               vaes.is_portrait_vae, vaes.build_portrait_vae),
        _plain("conv-vae", "vae", "a variational autoencoder of this project", vaes.is_conv_vae, vaes.build_conv_vae),
        _plain("residual-vae", "vae", "a residual variational autoencoder of this project", vaes.is_residual_vae,
               vaes.build_residual_vae),
        _pretraining("simsiam", "a ResNet-50 in a file of SimSiam", pretraining.SIMSIAM),
        _pretraining("moco", "a ResNet-50 in a file of MoCo v1 or v2", pretraining.MOCO),
        _pretraining("moco-v3", "a ResNet-50 or vision transformer in a file of MoCo v3", pretraining.MOCO_V3,
                     pretraining.MOCO_V3_HEADS),
        _pretraining("byol", "a ResNet-50 in a file of OpenMMLab (BYOL and others)", pretraining.BYOL),
        _vit("vit-timm", "a vision transformer in timm's layout (DINO and others)", vit.is_vit, vit.build_vit),
        _vit("dinov2-hub", "DINOv2 in the layout of transformers", vit.is_dinov2, vit.build_hub_vit),
        _vit("vit-hub", "a vision transformer, or the encoder of a masked autoencoder, in the layout of transformers",
             vit.is_hub_vit, vit.build_hub_vit),
        _resnet("resnet18", "supervised", "a ResNet-18 in torchvision's layout", convnets.RESNET18),
        _resnet("resnet50", "supervised", "a ResNet-50 in torchvision's layout", convnets.RESNET50),
        _resnet("resnet-torchvision", "supervised", "a ResNet in torchvision's layout"),
        _resnet("simclr", "contrastive", "a ResNet-50 of SimCLR in torchvision's layout", convnets.RESNET50,
                preprocessing=ZERO_TO_ONE_224, by_name_only=True),
        Layout("vgg16", "supervised", "a VGG-16 in torchvision's or timm's layout", convnets.is_vgg16,
               _encoder(IMAGENET_224, convnets.build_vgg16, "a VGG-16"), settings=_IMAGES),
        Layout("alexnet", "supervised", "an AlexNet in torchvision's layout", convnets.is_alexnet,
               _encoder(IMAGENET_224, convnets.build_alexnet, "an AlexNet"), settings=_IMAGES),
        _plain("resnet", "contrastive", "a ResNet of this project", convnets.is_resnet, convnets.build_resnet,
               settings=("img_size",)),
    )
}  # fmt: skip


def describe(tensors: Tensors) -> str:
    """Return the number of tensors and the first few names with their shapes, in words."""
    shown = [f"{printable(name)} {tuple(tensors[name].shape)}" for name in list(tensors)[:NAMES_SHOWN]]
    return f"{len(tensors)} tensors that begin with {', '.join(shown)}"


def recognise(tensors: Tensors) -> Layout:
    """Return the layout that the tensors are in; of layouts with the same tensors, the one not `by_name_only`."""
    for layout in LAYOUTS.values():
        if not layout.by_name_only and layout.matches(tensors):
            return layout
    known = "; ".join(layout.expected for layout in LAYOUTS.values() if not layout.by_name_only)
    raise WeightsError("unknown_layout", found=describe(tensors), expected=known)


def load_file(
    path: Path | Sequence[Path], layout: str | None = None, args: Mapping[str, Any] | None = None
) -> tuple[Layout, nn.Module]:
    """Read a file of weights, recognise its layout, and build its model.

    Args:
        path: The file, or the two files of an encoder and its decoder.
        layout: Name of the layout that it must be in, or None for any.
        args: What shapes do not give, before what the files beside it say (`models.formats.settings`).

    Raises:
        WeightsError: The file holds no weights, is in no known or another layout, or does not fit it.
        KeyError: There is no layout of that name.
    """
    return load_and_tell(path, layout, args)[:2]


def load_and_tell(
    path: Path | Sequence[Path], layout: str | None = None, args: Mapping[str, Any] | None = None
) -> tuple[Layout, nn.Module, str]:
    """Do as `load_file`, and return as well which settings nothing gave, with what was assumed, in words."""
    paths = [path] if isinstance(path, Path) else list(path)
    try:
        found, tensors = _find(_joined([read_tables(one) for one in paths]), layout)
        args = args or {}
        if found.settings or found.activation:
            beside = settings_beside(paths[0])
            own = LAYOUTS.get(beside.layout)
            if own is None or (layout in (None, own.name) and own.matches(tensors)):
                found, args = own or found, {**beside.values, **args}
        if found.activation and (stated := args.get("activation", found.activation)) != found.activation:
            raise WeightsError("bad_settings", what=f"the activation {stated!r:.40} instead of {found.activation}")
        model = found.build(tensors, args)
        return found, model, assumed(found.settings, args, model)
    except WeightsError as error:
        if error.values["name"] == WeightsError(error.code).values["name"]:
            raise error.named(" + ".join(one.name for one in paths)) from error
        raise


def _find(tables: Sequence[Tensors], layout: str | None) -> tuple[Layout, Tensors]:
    """Return a layout, the named one or any, and those of some tables that are in it, without prefixes."""
    wanted = [LAYOUTS[layout]] if layout else [each for each in LAYOUTS.values() if not each.by_name_only]
    for tensors in (stripped for table in tables for stripped in without_prefixes(table)):
        for each in wanted:
            if each.matches(tensors):
                return each, tensors
    first = next(without_prefixes(tables[0]))
    if layout is not None:
        _refuse(first, LAYOUTS[layout])
    return recognise(first), first  # raises, with what is known


def _joined(contents: list[list[dict[str, Tensor]]]) -> Sequence[Tensors]:
    if len(contents) == 1:
        return contents[0]
    stripped = [list(without_prefixes(tables[0])) for tables in contents]
    files = [next(filter(autoencoders.autoencoder_half, each), each[0]) for each in stripped]
    halves = sorted(autoencoders.autoencoder_half(file) for file in files)
    if halves != ["decoder", "encoder"]:
        found = " and ".join(map(describe, files))
        raise WeightsError("wrong_layout", found=found, expected="the encoder and the decoder of a tiny autoencoder")
    return [autoencoders.joined_halves(files)]


def _refuse(tensors: Tensors, wanted: Layout) -> NoReturn:
    """Raise the error for tensors that are not in the wanted layout."""
    if wanted.family == "mae" and vit.is_vit(tensors):
        raise WeightsError("no_decoder")
    try:
        found = recognise(tensors).expected
    except WeightsError:
        found = describe(tensors)
    raise WeightsError("wrong_layout", found=found, expected=wanted.expected)
