"""What the VAE tab's parts share: the models it opens with, their built-in images, places for photos, and folds."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import gradio as gr
from torch import nn

from demos.core.cache import public_lru_cache
from demos.core.context import Context
from demos.core.events import QUICK_EVENT
from demos.core.files import file_url
from demos.core.paths import EXAMPLES
from demos.core.tab_interface import Photo
from demos.ui import widgets
from demos.vae.interpolation import Autoencoder, GlobalAutoencoder, images_of, prior_latents
from models.analysis.latents import LatentStatistics, measure_latents, read_statistics
from models.data.images import to_tensor

STYLE = """
.lesson { display: grid; gap: 6px; max-width: 960px; }
.lesson h4 { margin: 12px 0 0; font-size: 16px; font-weight: 650; color: var(--ink); }
.lesson-row { display: grid; grid-template-columns: 2fr 3fr; gap: 8px 20px; }
figure { margin: 0; min-width: 0; }
figure img { display: block; width: 100%; border-radius: 6px; }
figcaption { margin-top: 4px; color: var(--ink-soft); font-size: 14px; line-height: 1.35; }
.how { margin: 0; color: var(--ink-soft); font-size: 14px; line-height: 1.5; font-variant-numeric: tabular-nums; }
.saves { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0 0; font-size: 14px; }
.saves a { color: var(--accent); font-weight: 500; text-decoration: none; }
.saves a:hover { text-decoration: underline; }
.square { display: block; width: 100%; max-width: 460px; border-radius: 8px; }
.empty { display: grid; place-items: center; min-height: 120px; padding: 20px; text-align: center;
  border: 1px dashed var(--line); border-radius: 8px; color: var(--ink-soft); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 620px) { .lesson-row { grid-template-columns: 1fr; } }
"""

MODELS = {"vae-fruit": "vae.model_fruit", "vae-portraits": "vae.model_portraits"}
HINTS = {"vae-fruit": "vae.hint_fruit", "vae-portraits": "vae.hint_portraits"}
OPENING_MODEL = "vae-fruit"
EXAMPLES_PER_END = 6
# No portrait may be shipped, so that model's built-in ends are drawn from the model itself, by these seeds.
PORTRAIT_SEEDS = ((4, 28, 33, 24, 7, 26), (48, 46, 39, 42, 11, 32))
PORTRAIT_TEMPERATURE = 0.6  # calmer than `DRAW_TEMPERATURE`: an example should look like a face
MEASURED_DRAWS = 128  # images of its own that a model without statistics is measured on


def example_ends(ctx: Context, model: str) -> tuple[list[Path], list[Path]]:
    """Return the built-in images for the start and for the end; empty where none were made yet."""
    if model == "vae-portraits":
        folder = ctx.first_paint / "vae"
        ends = [[folder / f"portrait-{seed:02d}.png" for seed in seeds] for seeds in PORTRAIT_SEEDS]
    else:
        ends = [sorted((EXAMPLES / "fruit").glob(f"{kind}-??.jpg")) for kind in ("apple", "orange")]
    first, last = ([path for path in end if path.is_file()][:EXAMPLES_PER_END] for end in ends)
    return first, last


def is_built_in(ctx: Context, path: str | None) -> bool:
    """Tell whether a chosen image is nobody's own (or none at all), so that another may take its place."""
    return not path or any(Path(path).is_relative_to(folder) for folder in (EXAMPLES, ctx.first_paint))


def with_examples(model: str) -> str:
    """Return the model whose examples suit a model: its own, or any for one that is not ours."""
    return model if model in MODELS else OPENING_MODEL


def encodes_images(model: nn.Module) -> str:
    """Return the key of the sentence that refuses a network which is no autoencoder."""
    return "" if isinstance(model, Autoencoder) else "menu.wrong_kind"


class Networks:
    """The autoencoders by name, and what is known of their latents."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self.statistics = public_lru_cache()(self._statistics)

    def any(self, name: str) -> Autoencoder:
        """Return an autoencoder of either kind."""
        return cast(Autoencoder, self._ctx.load_model(name))

    def vector(self, name: str) -> GlobalAutoencoder | None:
        """Return an autoencoder with one vector an image; None for one with a map."""
        network = self.any(name)
        return network if isinstance(network, GlobalAutoencoder) else None

    def _statistics(self, name: str) -> LatentStatistics:
        """Return the statistics that lie beside the weights, or measures them on images the model draws itself."""
        folder, sha256 = self._ctx.library.folder(name), self._ctx.weights_info(name).sha256
        if folder is not None and (stored := read_statistics(folder, sha256)) is not None:
            return stored
        network = cast(GlobalAutoencoder, self.any(name))
        drawn = images_of(network, prior_latents(network.latent_dim, MEASURED_DRAWS, seed=0, temperature=1.0))
        return measure_latents(*network.encode(to_tensor(drawn)))


def photo_place(ctx: Context, letter: str, strips: dict[str, list[Path]], filled: bool) -> Place:
    """Place a photo with the strips of examples under it, one strip a model, of which one shows."""
    opening = strips[OPENING_MODEL]
    with gr.Column(min_width=130):
        photo = widgets.photo(ctx, f"vae.{letter}", opening[0] if filled and opening else None, f"vae-{letter}")
        datasets = {}
        for name, images in strips.items():
            datasets[name] = widgets.strip(ctx, images, f"vae-examples-{letter}-{name.removeprefix('vae-')}")
            datasets[name].visible = name == OPENING_MODEL and bool(images)
    return Place(photo, datasets, strips)


class Place:
    """A photo, and for each model a strip of examples with their paths.

    Attributes:
        photo: The photo.
        strips: Model -> strip.
        paths: Model -> paths of the strip.
    """

    def __init__(self, photo: gr.Image, strips: dict[str, gr.Dataset], paths: dict[str, list[Path]]) -> None:
        self.photo, self.strips, self.paths = photo, strips, paths

    @property
    def outputs(self) -> list[Any]:
        """The components that `update` gives values to."""
        return [self.photo, *self.strips.values()]

    @property
    def receiver(self) -> Photo:
        """The place as the page sees it."""
        return Photo(self.photo, [(self.strips[name], paths) for name, paths in self.paths.items()])

    def update(self, ctx: Context, path: str | None, model: str) -> list[Any]:
        """Return the values after a change of model: an own photo or an example for this model stays."""
        name = with_examples(model)
        examples = self.paths[name]
        stays = path is not None and (not is_built_in(ctx, path) or Path(path) in examples)
        fresh = path if stays else str(examples[0]) if examples else None
        return [fresh, *(gr.update(visible=each == name and bool(self.paths[each])) for each in self.strips)]

    def connect(self) -> list[Any]:
        """Let a click on an example put it into the place; returns the events."""
        latest: dict[str, Any] = {"trigger_mode": "always_last", **QUICK_EVENT}
        return [
            strip.click(lambda index, paths=self.paths[name]: str(paths[index]), strip, self.photo, **latest)
            for name, strip in self.strips.items()
        ]


def saves(ctx: Context, files: Mapping[str, str]) -> str:
    """Write links that save files: name to save under -> path."""
    links = (
        f'<a href="{file_url(path)}" download="{html.escape(name, quote=True)}">'
        f"{ctx.localize_html('vae.save', name=name.rpartition('.')[2].upper())}</a>"
        for name, path in files.items()
    )
    return f'<p class="saves">{"".join(links)}</p>'


def sorry_html(ctx: Context, key: str, **words: Any) -> str:
    """Write what stands in the place of a result that needs something first."""
    return f'<div class="empty"><p>{ctx.localize_html(key, **words)}</p></div>'
