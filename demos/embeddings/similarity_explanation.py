"""Why an encoder finds two images similar: the same transforms of both, and how each changes their similarity.

Contrastive learning makes a network invariant to transforms of one image (arXiv 2002.05709 §2). Where it learned to
ignore what two images differ in, transformed versions of the two are similar as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import gradio as gr
import torch
from PIL import Image
from torch import Tensor, nn

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT, bind
from demos.embeddings import components
from demos.embeddings.augmented_views import cosines, image_html
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import decode_jpeg, neighbours_of
from demos.embeddings.handlers import read_ids
from demos.embeddings.outputs import NUM_NEIGHBOURS, placement, require_map, tiles
from demos.embeddings.session import MapSession
from demos.ui.latest_event import on_report
from demos.ui.progress import run_to_completion
from demos.ui.scatter.scatter import picked_id
from models.analysis.embedding import Floats

CROP = 0.6  # of the side, about a third of the area: within the range of the crops in training
NUM_PAIRS = 4
GROUP = "embeddings-why"  # of the events that the panel reports
IDENTITY = "same"

Transform = Callable[[Tensor], Tensor]  # of uint8 images (N, 3, S, S)


def _crop(vertical: float, horizontal: float) -> Transform:
    """Return a crop to `CROP` of the side, its corner at shares of the free space."""

    def transform(images: Tensor) -> Tensor:
        side = images.shape[-1]
        kept = round(CROP * side)
        free = side - kept
        top, left = round(vertical * free), round(horizontal * free)
        return images[..., top : top + kept, left : left + kept]

    return transform


def _colour(name: str, strength: float) -> Transform:
    """Return a function of torchvision, which takes a second to import."""

    def transform(images: Tensor) -> Tensor:
        from torchvision.transforms.v2 import functional

        return getattr(functional, name)(images, strength)

    return transform


# About as strong as in training (`models.training.data.augmentations.TwoViews`).
TRANSFORMS: Mapping[str, Transform] = {
    IDENTITY: lambda images: images,
    "mirrored": lambda images: images.flip(-1),
    "middle": _crop(0.5, 0.5),
    "top_left": _crop(0, 0),
    "top_right": _crop(0, 1),
    "bottom_left": _crop(1, 0),
    "bottom_right": _crop(1, 1),
    "brighter": _colour("adjust_brightness", 1.4),
    "darker": _colour("adjust_brightness", 0.6),
    "hue": _colour("adjust_hue", 0.1),
    "grey": _colour("rgb_to_grayscale", 3),
}


def transformed(image: Image.Image, side: int) -> Tensor:
    """Return an image after each of the `TRANSFORMS`, (T, 3, S, S) in [-1, 1]."""
    from torchvision.transforms.v2 import functional as TF

    tensor = TF.pil_to_tensor(image)[None]
    views = [TF.resize(transform(tensor), [side, side], antialias=True) for transform in TRANSFORMS.values()]
    return torch.cat(views).float() / 127.5 - 1


@dataclass(frozen=True)
class Explanation:
    """The similarities of two images under T transforms of each."""

    first: Tensor  # versions of one image, (T, 3, S, S) in [-1, 1]
    second: Tensor  # versions of the other
    similarities: Tensor  # cosines of their features around the mean of the set, (T, T)

    def untransformed(self) -> float:
        """Return the cosine of the original images."""
        return float(self.similarities[0, 0])

    def best_pairs(self) -> list[tuple[str, str, float]]:
        """Return the most similar pairs of transforms and their cosines, no transform twice on the same image."""
        names, rest = list(TRANSFORMS), self.similarities.clone()
        pairs = []
        for _ in range(NUM_PAIRS):
            row, column = divmod(int(rest.argmax()), rest.shape[1])
            pairs.append((names[row], names[column], float(self.similarities[row, column])))
            rest[row], rest[:, column] = -torch.inf, -torch.inf
        return pairs

    def same_transform(self) -> dict[str, float]:
        """Return the cosine after the same transform of both, the lowest first; mirroring both tells nothing."""
        diagonal = zip(TRANSFORMS, self.similarities.diagonal().tolist(), strict=True)
        cosines = {name: cosine for name, cosine in diagonal if name not in (IDENTITY, "mirrored")}
        return dict(sorted(cosines.items(), key=lambda item: item[1]))


@torch.inference_mode()
def explain(network: nn.Module, side: int, pair: tuple[Image.Image, Image.Image], features: Floats) -> Explanation:
    """Compare two images after every transform, in one batch; `features` (N, D) are those of the set."""
    first, second = (transformed(image, side) for image in pair)
    found = network(torch.cat([first, second])).float()
    mean = torch.from_numpy(features).mean(dim=0)
    return Explanation(first, second, cosines(found[: len(first)], found[len(first) :], mean))


def explanation_html(ctx: Context, explanation: Explanation, others: str) -> str:
    """Return the most similar pairs of transforms, and the similarity under each; `others` are the buttons above."""
    index = {name: number for number, name in enumerate(TRANSFORMS)}
    name_of = lambda transform: ctx.localize_html(f"embeddings.change.{transform}")  # noqa: E731
    pairs = "".join(
        f'<figure class="why-pair">{image_html(explanation.first[index[one]])}'
        f"{image_html(explanation.second[index[other]])}"
        f"<figcaption><b>{cosine:.2f}</b>{name_of(one)} ↔ {name_of(other)}</figcaption></figure>"
        for one, other, cosine in explanation.best_pairs()
    )
    original = explanation.untransformed()
    rows = "".join(
        f'<li style="--s:{100 * max(0.0, cosine):.0f}%">{name_of(name)}<b>{cosine:.2f}</b>'
        f"<small>{cosine - original:+.2f}</small></li>"
        for name, cosine in explanation.same_transform().items()
    )
    title = ctx.localize_html("embeddings.why_pairs", count=len(TRANSFORMS))
    return (
        f'<div class="why-others">{others}</div><p>{title}</p><div class="why-pairs">{pairs}</div>'
        f"<p>{ctx.localize_html('embeddings.why_together', untouched=f'{original:.2f}')}</p><ul>{rows}</ul>"
    )


def add_explanation(builder: MapBuilder, session: gr.State, neighbours: gr.HTML) -> None:
    """Place the button beside the neighbours, and the panel about the picked image and one of them."""
    button = components.quiet_button(builder.ctx, "why_near", "why")
    panel = components.tiles(GROUP, "embeddings-why-shown", STYLE)
    button.click(bind(on_explain, builder), session, panel, **PRIVATE_MODEL_EVENT)
    quiet = {"show_progress": "hidden", **PRIVATE_MODEL_EVENT}
    on_report(panel, GROUP, "pick", bind(on_explain_other, builder), [session], [panel], **quiet)
    # Emptied when the neighbours change, or it would be read as about the new ones.
    neighbours.change(None, None, panel, js="() => ''")


def on_explain(builder: MapBuilder, session: MapSession | None, request: gr.Request) -> str:
    """Compare the picked or the query image with its nearest neighbour."""
    session = require_map(builder, session, request)
    return _explain(builder, session, _neighbour_ids(builder, session)[0])


def on_explain_other(builder: MapBuilder, report: object, session: MapSession | None, request: gr.Request) -> str:
    """Compare it with another neighbour."""
    session = require_map(builder, session, request)
    return _explain(builder, session, read_ids(builder, session, request, picked_id, report))


def _neighbour_ids(builder: MapBuilder, session: MapSession) -> Sequence[int]:
    if session.query is not None:
        return placement(builder, session).near
    return [index for index, _ in neighbours_of(session.shown_features, session.picked, NUM_NEIGHBOURS)]


def _explain(builder: MapBuilder, session: MapSession, other: int) -> str:
    network, side = builder.network(session.shown.encoder)
    squares = run_to_completion(builder.squares(builder.collection(session), side))
    jpeg = squares[session.picked] if session.query is None else session.query
    explanation = explain(network, side, (decode_jpeg(jpeg), decode_jpeg(squares[other])), session.shown_features)
    html = tiles(builder, session)
    buttons = "".join(
        html.button(index, attributes=f'aria-pressed="{str(index == other).lower()}"')
        for index in _neighbour_ids(builder, session)
    )
    return explanation_html(builder.ctx, explanation, buttons)


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
