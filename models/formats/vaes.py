"""Layouts of VAEs with one latent vector."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from models.formats.tensors import WeightsError, build_strictly, shape_of
from models.networks.portrait_vae import WIDTHS, PortraitVAE
from models.networks.residual_vae import ResidualVAE
from models.networks.vae import ConvVAE


def is_portrait_vae(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether the tensors have the three linear layers of a `PortraitVAE`."""
    return {"fc_mu.weight", "fc_logvar.weight", "fc2.weight"} <= tensors.keys()


def by_shape(tensors: Mapping[str, Tensor], expected: str) -> dict[str, Tensor]:
    """Rename tensors to a `PortraitVAE`'s names, by the chain of their shapes and, for batch norms, their order."""
    stems = {key.removesuffix(".weight"): tuple(value.shape) for key, value in tensors.items() if value.dim() == 4}
    norms = [key.removesuffix(".running_mean") for key in tensors if key.endswith(".running_mean")]
    encoder, back = [(b, a, 3, 3) for a, b in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True)], (*WIDTHS[::-1], 3)
    decoder = [(a, b, 4, 4) for a, b in zip(back[:-1], back[1:], strict=True)]
    places = {}
    for part, shapes in (("encoder", encoder), ("decoder", decoder)):
        for index, shape in enumerate(shapes):
            places[_stem_of(stems, shape, expected)] = f"{part}.{3 * index}"
            width = shape[0] if part == "encoder" else shape[1]
            norm = next((n for n in norms if tensors[f"{n}.running_mean"].shape == (width,)), None)
            if norm is not None:
                norms.remove(norm)
                places[norm] = f"{part}.{3 * index + 1}"
    return {_placed(key, places): value for key, value in tensors.items()}


def _stem_of(stems: dict[str, tuple[int, ...]], shape: tuple[int, ...], expected: str) -> str:
    for stem, found in stems.items():
        if found == shape:
            return stem
    raise WeightsError("missing_tensors", count=1, found=f"a convolution of shape {shape}", expected=expected)


def _placed(key: str, places: Mapping[str, str]) -> str:
    stem, _, leaf = key.rpartition(".")
    return f"{places.get(stem, stem)}.{leaf}"


def build_portrait_vae(tensors: Mapping[str, Tensor], expected: str) -> nn.Module:
    """Return the autoencoder with these tensors."""
    latent_dim, size = shape_of(tensors, "fc_mu.weight", 2, expected)
    img_size = 16 * round((size / WIDTHS[-1]) ** 0.5)
    return build_strictly(lambda: PortraitVAE(img_size, latent_dim), by_shape(tensors, expected), expected)


def is_conv_vae(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of a `ConvVAE`."""
    return {"encoder.0.0.weight", "to_mu.weight", "to_logvar.weight", "from_latent.weight"} <= tensors.keys()


def build_conv_vae(tensors: Mapping[str, Tensor], expected: str) -> nn.Module:
    """Return the `ConvVAE` with these tensors; side, latent width and filters are read off their shapes."""
    num_filters = shape_of(tensors, "encoder.0.0.weight", 4, expected)[0]
    latent_dim, size = shape_of(tensors, "to_mu.weight", 2, expected)
    img_size = 16 * round((size / (8 * num_filters)) ** 0.5)  # `size` is that of 8 * num_filters maps of S/16 x S/16
    return build_strictly(lambda: ConvVAE(img_size, latent_dim, num_filters), tensors, expected)


def is_residual_vae(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of a `ResidualVAE`."""
    return {"mixture_weights", "to_pixels.weight", "to_mu.weight", "from_latent.weight"} <= tensors.keys()


def build_residual_vae(tensors: Mapping[str, Tensor], expected: str) -> nn.Module:
    """Return the `ResidualVAE` with these tensors; all sizes are read off their shapes."""
    latent_dim, size = shape_of(tensors, "to_mu.weight", 2, expected)
    channels = shape_of(tensors, "decoder.0.weight", 4, expected)[1]  # of the S/16 x S/16 maps before the latent
    components = shape_of(tensors, "mixture_weights", 1, expected)[0]
    img_size = 16 * round((size / channels) ** 0.5)
    return build_strictly(lambda: ResidualVAE(img_size, latent_dim, channels // 2, components), tensors, expected)
