"""The autoencoders of the VAE tab, and the statistics of their latents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from PIL import Image
from torch import nn

from demos.core.cache import public_lru_cache
from demos.core.context import Context
from demos.core.i18n import InputError
from demos.vae.interpolation import Autoencoder, GlobalAutoencoder, images_of, prior_latents
from models.analysis.latents import LatentStatistics, measure_latents, read_statistics
from models.data.images import ImageError, read_image, to_tensor

MODELS = {"vae-fruit": "vae.model_fruit", "vae-portraits": "vae.model_portraits"}
HINTS = {"vae-fruit": "vae.hint_fruit", "vae-portraits": "vae.hint_portraits"}
OPENING_MODEL = "vae-fruit"
MEASURED_DRAWS = 128  # images of its own that a model without statistics is measured on


def read_photos(paths: Iterable[str]) -> list[Image.Image]:
    """Read image files; raises `InputError` if one cannot be used."""
    try:
        return [read_image(path) for path in paths]
    except ImageError as error:
        raise InputError(f"error.image.{error.code}", **error.values) from error


def encodes_images(model: nn.Module) -> str:
    """Return the key of the sentence that refuses a network which is no autoencoder, or an empty string."""
    return "" if isinstance(model, Autoencoder) else "menu.wrong_kind"


class Networks:
    """The autoencoders by name, and the statistics of their latents."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self.statistics = public_lru_cache()(self._statistics)

    def any(self, name: str) -> Autoencoder:
        """Return an autoencoder of either kind."""
        return cast(Autoencoder, self._ctx.load_model(name))

    def vector(self, name: str, refusal: str = "vae.needs_vector") -> GlobalAutoencoder:
        """Return an autoencoder with one latent vector per image; raises `InputError(refusal)` for any other."""
        network = self.any(name)
        if not isinstance(network, GlobalAutoencoder):
            raise InputError(refusal)
        return network

    def _statistics(self, name: str) -> LatentStatistics:
        """Return the statistics stored beside the weights, or measured on images that the model draws itself."""
        folder, sha256 = self._ctx.library.folder(name), self._ctx.weights_info(name).sha256
        if folder is not None and (stored := read_statistics(folder, sha256)) is not None:
            return stored
        network = self.vector(name)
        drawn = images_of(network, prior_latents(network.latent_dim, MEASURED_DRAWS, seed=0, temperature=1.0))
        return measure_latents(*network.encode(to_tensor(drawn)))
