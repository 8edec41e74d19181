"""Why an encoder finds two images alike: the same changes made to both, and how far each change moves them.

Contrastive learning makes a network answer alike to changed versions of one image (arXiv 2002.05709 §2). Where it
learned to overlook what two images differ in, changed versions of the two meet as well.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import gradio as gr
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as TF

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.embeddings import view
from demos.embeddings.augmented_views import cosines, image_html
from demos.embeddings.collection import neighbours_of, opened
from demos.embeddings.handlers import NUM_NEAR, Handlers
from demos.embeddings.session import MapSession
from demos.ui import widgets
from demos.ui.latest_event import on_report, reporter
from demos.ui.progress import run_to_completion
from demos.ui.scatter.scatter import picked_id
from models.analysis.embedding import Floats

CROP = 0.6  # of the side, about a third of the area: within what the training crops to
NUM_PAIRS = 4
GROUP = "embeddings-why"  # of what its panel reports
AS_IT_IS = "same"

Change = Callable[[Tensor], Tensor]  # of uint8 images (N, 3, S, S)


def _crop(down: float, right: float) -> Change:
    """Return the change that keeps a square of `CROP`, at shares of the way down and to the right."""

    def change(images: Tensor) -> Tensor:
        side = images.shape[-1]
        kept = round(CROP * side)
        rest = side - kept
        return TF.crop(images, round(down * rest), round(right * rest), kept, kept)

    return change


# About as far as the training goes (`models.training.data.TwoViews`).
CHANGES: Mapping[str, Change] = {
    AS_IT_IS: lambda images: images,
    "mirrored": TF.horizontal_flip,
    "middle": _crop(0.5, 0.5),
    "top_left": _crop(0, 0),
    "top_right": _crop(0, 1),
    "bottom_left": _crop(1, 0),
    "bottom_right": _crop(1, 1),
    "brighter": lambda images: TF.adjust_brightness(images, 1.4),
    "darker": lambda images: TF.adjust_brightness(images, 0.6),
    "hue": lambda images: TF.adjust_hue(images, 0.1),
    "grey": lambda images: TF.rgb_to_grayscale(images, num_output_channels=3),
}
BOTH_WAYS = tuple(name for name in CHANGES if name not in (AS_IT_IS, "mirrored"))  # mirroring both tells nothing


def changed(picture: Image.Image, side: int) -> Tensor:
    """Return an image after each of the `CHANGES`, (V, 3, S, S) in [-1, 1]."""
    image = TF.pil_to_tensor(picture)[None]
    views = [TF.resize(change(image), [side, side], antialias=True) for change in CHANGES.values()]
    return torch.cat(views).float() / 127.5 - 1


@dataclass(frozen=True)
class Why:
    """How two images compare, V changes to each.

    Attributes:
        first: The changed versions of one image, (V, 3, S, S) in [-1, 1].
        second: Those of the other.
        similarities: Cosines of their features around the mean of the set, (V, V).
    """

    first: Tensor
    second: Tensor
    similarities: Tensor

    def untouched(self) -> float:
        """Return the cosine of the two as they are."""
        return float(self.similarities[0, 0])

    def best_pairs(self) -> list[tuple[str, str, float]]:
        """Return the most similar pairs of changes and their cosines, no change twice on the same image."""
        names, rest = list(CHANGES), self.similarities.clone()
        pairs = []
        for _ in range(NUM_PAIRS):
            row, column = divmod(int(rest.argmax()), rest.shape[1])
            pairs.append((names[row], names[column], float(self.similarities[row, column])))
            rest[row], rest[:, column] = -torch.inf, -torch.inf
        return pairs

    def together(self) -> dict[str, float]:
        """Return the cosine after the same change to both, for each of `BOTH_WAYS`, the lowest first."""
        diagonal = dict(zip(CHANGES, self.similarities.diagonal().tolist(), strict=True))
        return dict(sorted(((name, diagonal[name]) for name in BOTH_WAYS), key=lambda item: item[1]))


@torch.inference_mode()
def explain(network: nn.Module, side: int, pair: tuple[Image.Image, Image.Image], features: Floats) -> Why:
    """Compare two images after every change, in one batch."""
    first, second = (changed(picture, side) for picture in pair)
    found = network(torch.cat([first, second])).float()
    mean = torch.from_numpy(features).mean(dim=0)
    return Why(first, second, cosines(found[: len(first)], found[len(first) :], mean))


def why_html(ctx: Context, why: Why, others: str) -> str:
    """Show the pairs of changed versions that are most alike, and what the likeness hangs on."""
    place = {name: number for number, name in enumerate(CHANGES)}
    pairs = "".join(
        f'<figure class="why-pair">{image_html(why.first[place[one]])}{image_html(why.second[place[other]])}'
        f"<figcaption><b>{cosine:.2f}</b>{_name(ctx, one)} ↔ {_name(ctx, other)}</figcaption></figure>"
        for one, other, cosine in why.best_pairs()
    )
    untouched = why.untouched()
    rows = "".join(
        f'<li style="--s:{100 * max(0.0, cosine):.0f}%">{_name(ctx, name)}<b>{cosine:.2f}</b>'
        f"<small>{cosine - untouched:+.2f}</small></li>"
        for name, cosine in why.together().items()
    )
    return (
        f'<div class="why-others">{others}</div><p>{ctx.localize_html("embeddings.why_pairs", count=len(CHANGES))}</p>'
        f'<div class="why-pairs">{pairs}</div>'
        f"<p>{ctx.localize_html('embeddings.why_together', untouched=f'{untouched:.2f}')}</p><ul>{rows}</ul>"
    )


def _name(ctx: Context, change: str) -> str:
    return ctx.localize_html(f"embeddings.change.{change}")


class WhyNear:
    """The button beside the neighbours, and what it shows about the picked image and one of them."""

    def __init__(self, ctx: Context, handlers: Handlers, visit: gr.State, near: gr.HTML) -> None:
        self._ctx, self._handlers = ctx, handlers
        ask = gr.Button(ctx.t("embeddings.why"), size="sm", elem_id="embeddings-why", elem_classes="quiet")
        shown = gr.HTML(
            js_on_load=reporter(GROUP) + view.NEIGHBOURS_SCRIPT,
            css_template=view.NEIGHBOURS_STYLE + STYLE,
            apply_default_css=False,
            elem_id="embeddings-why-shown",
        )
        ask.click(self.on_ask, visit, shown, **PRIVATE_MODEL_EVENT)
        on_report(shown, GROUP, "pick", self.on_choose, [visit], [shown], show_progress="hidden", **PRIVATE_MODEL_EVENT)
        # Of other images than those above it, the answer would be misread.
        near.change(None, None, shown, js="() => ''")

    def on_ask(self, visit: MapSession | None, request: gr.Request) -> str:
        """Compare the picked image, or the new one, with the nearest of its neighbours."""
        visit = self._handlers.current(visit, request)
        return self._compared(visit, self._near(visit)[0])

    def on_choose(self, report: object, visit: MapSession | None, request: gr.Request) -> str:
        """Compare it with another of them."""
        visit = self._handlers.current(visit, request)
        try:
            other = picked_id(report, len(self._handlers.atlas.collection(visit)))
        except ValueError as error:
            raise widgets.user_error(self._ctx, request, "embeddings.unknown_point") from error
        return self._compared(visit, other)

    def _near(self, visit: MapSession) -> Sequence[int]:
        if visit.guest is not None:
            return self._handlers.placement(visit).near
        features, _ = visit.features[visit.shown.encoder]
        return [index for index, _ in neighbours_of(features, visit.picked, NUM_NEAR)]

    def _compared(self, visit: MapSession, other: int) -> str:
        atlas, encoder = self._handlers.atlas, visit.shown.encoder
        collection = atlas.collection(visit)
        network, side = atlas.network(encoder)
        squares = run_to_completion(atlas.squares(collection, side))
        pair = (opened(squares[visit.picked] if visit.guest is None else visit.guest), opened(squares[other]))
        why = explain(network, side, pair, visit.features[encoder][0])
        urls = atlas.sprite_urls(collection)
        others = "".join(
            f'<button type="button" class="near-tile" data-id="{index}" aria-pressed="{str(index == other).lower()}" '
            f'title="{html.escape(collection.names[index])}">{view.thumbnail(collection, urls, index)}</button>'
            for index in self._near(visit)
        )
        return why_html(self._ctx, why, others)


STYLE = """
.why-others { display: grid; grid-template-columns: repeat(12, 1fr); gap: 4px; }
.why-others .near-picture { margin: 0; border-radius: 5px; }
.why-others [aria-pressed="true"] .near-picture { box-shadow: 0 0 0 2px var(--accent); }
p { margin: 12px 0 8px; font-size: 14px; line-height: 1.45; color: var(--ink-soft); }
.why-pairs { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
.why-pair { display: flex; flex-wrap: wrap; gap: 4px; margin: 0; }
.why-pair img { width: calc(50% - 2px); max-width: 88px; border-radius: 6px; }
figcaption { flex: 1 0 100%; font-size: 12.5px; line-height: 1.35; color: var(--ink-soft); }
figcaption b { margin-right: 6px; color: var(--ink); }
ul { margin: 0; padding: 0; list-style: none; font-size: 13px; font-variant-numeric: tabular-nums; }
li { display: grid; grid-template-columns: 1fr 3em 3em; padding: 2px 6px; border-radius: 4px; color: var(--ink-soft);
  background: linear-gradient(90deg, var(--accent-soft) var(--s), transparent var(--s)); }
li b, li small { text-align: right; color: var(--ink); }
li small { font-size: inherit; color: var(--ink-soft); }
"""
