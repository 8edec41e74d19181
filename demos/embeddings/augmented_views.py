"""What contrastive learning is told: two views of an image are the same. Views, and how alike networks find them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Literal

import gradio as gr
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as TF

from demos.core.context import Context
from demos.core.events import PRIVATE_MODEL_EVENT
from demos.embeddings.collection import Collection
from demos.embeddings.handlers import Handlers
from demos.embeddings.session import MapSession
from demos.ui import widgets
from demos.ui.sprites import jpeg
from models.analysis.metrics import centred_directions
from models.data.images import to_images
from models.training.data.augmentations import TwoViews

Role = Literal["positive", "negative", "unused"]
METHODS = ("simclr", "simsiam", "moco")
NUM_IMAGES = 5
NUM_QUEUED = 10
BEFORE = "random"


def sampled(collection: Collection, picked: int, count: int) -> list[int]:
    """Return the picked image and others, spread evenly over the set."""
    spread = np.linspace(0, len(collection) - 1, count + 1).astype(int).tolist()
    others = [index for index in dict.fromkeys(spread) if index != picked]
    return [picked, *others][: min(count, len(collection))]


def two_views(pictures: Sequence[Image.Image], side: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return two random views of each image, each (N, 3, side, side) in [-1, 1]; the same for the same seed."""
    images = torch.stack([TF.pil_to_tensor(image) for image in pictures])  # (N, 3, S, S)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TwoViews(side)(images)


def role(method: str, row: int, column: int, count: int) -> Role:
    """Return what a pair of views is to a method, by their places in the matrix of `similarities`.

    Rows are queries, columns keys: the second views of the `count` images, and for SimCLR and MoCo more.
    """
    if column == row:
        return "positive"
    if method == "simsiam":
        return "unused"  # the others of the batch take no part in its loss
    if method == "moco":
        return "negative" if column >= count else "unused"  # negatives come from the queue alone
    return "negative"


def cosines(features: Tensor, others: Tensor, mean: Tensor) -> Tensor:
    """Return the cosines (N, M) of features (N, D) and (M, D) around a mean (D,)."""
    return centred_directions(features, mean) @ centred_directions(others, mean).T


class Views:
    """The fold with the views of the picked image."""

    def __init__(self, ctx: Context, handlers: Handlers, visit: gr.State) -> None:
        self._ctx, self._handlers = ctx, handlers
        widgets.html_line(ctx.localize_html("embeddings.views_lead"))
        with gr.Row(elem_classes="toolbar"):
            methods = {name: f"embeddings.encoder_{name}" for name in METHODS}
            method = widgets.pills(ctx, "embeddings.views_method", methods, METHODS[0], "embeddings-views-method")
            again = gr.Button(
                ctx.t("embeddings.views_again"),
                size="sm",
                elem_id="embeddings-views-again",
                elem_classes="quiet",
            )
        shown = gr.HTML(
            js_on_load='trigger("ready");',
            css_template=STYLE,
            apply_default_css=False,
            elem_id="embeddings-views",
            html_template="<div>${value}</div>",
        )
        seed = gr.State(0)
        # A choice made while the networks run must not be lost: always_last.
        draw: dict[str, Any] = {"fn": self.on_views, "inputs": [visit, method, seed], "outputs": shown}
        draw |= {"trigger_mode": "always_last", **PRIVATE_MODEL_EVENT}
        shown.ready(**draw)
        method.input(**draw)
        again.click(lambda number: number + 1, seed, seed, api_visibility="private", show_progress="hidden").then(
            **draw
        )

    def on_views(self, visit: MapSession | None, method: str, seed: int) -> str:
        """Draw new views of the picked image and some others, and measures them before and after training."""
        visit = visit or MapSession()
        collection = self._handlers.atlas.collection(visit)
        ids = sampled(collection, visit.picked, NUM_IMAGES)
        pictures = [collection.image(index) for index in ids]
        trained, side = self._handlers.atlas.network(method)  # views of the side that it was trained on
        view1, view2 = two_views(pictures, side, seed)
        queued = [index for index in sampled(collection, len(collection) // 2, 3 * NUM_QUEUED) if index not in ids]
        others = [collection.image(index) for index in queued[:NUM_QUEUED]] or pictures
        queue, _ = two_views(others, side, seed + 1)
        networks = {BEFORE: self._handlers.atlas.network(BEFORE)[0], method: trained}
        before, after = (
            self._matrix(visit, name, network, method, (view1, view2, queue)) for name, network in networks.items()
        )
        return views_html(self._ctx, method, (view1, view2, queue), before, after)

    @torch.inference_mode()
    def _matrix(
        self, visit: MapSession, encoder: str, network: nn.Module, method: str, views: tuple[Tensor, Tensor, Tensor]
    ) -> Tensor:
        """Return the cosines of the views as the method pairs them, by the features of an encoder."""
        z1, z2, keys = (network(one).float() for one in views)
        known = self._handlers.atlas.known_features(visit, encoder)
        mean = torch.from_numpy(known[0]).mean(dim=0) if known else torch.cat([z1, z2, keys]).mean(dim=0)
        if method == "moco":
            return cosines(z1, torch.cat([z2, keys]), mean)
        if method == "simclr":
            return cosines(torch.cat([z1, z2]), torch.cat([z2, z1]), mean)
        return cosines(z1, z2, mean)


def views_html(ctx: Context, method: str, views: tuple[Tensor, Tensor, Tensor], before: Tensor, after: Tensor) -> str:
    """Show views as the headings of a matrix of their similarities, and the means of its parts."""
    view1, view2, queue = views
    count = len(view1)
    rows = torch.cat([view1, view2]) if method == "simclr" else view1
    columns = {"simclr": torch.cat([view2, view1]), "simsiam": view2, "moco": torch.cat([view2, queue])}[method]
    head = "".join(f"<th>{image_html(view)}</th>" for view in columns)
    body = ""
    for number, view in enumerate(rows):
        cells = "".join(
            _cell(float(after[number, column]), role(method, number, column, count), number, column, method, count)
            for column in range(len(columns))
        )
        body += f"<tr><th>{image_html(view)}</th>{cells}</tr>"
    sums = "".join(
        f"<tr><th>{ctx.localize_html(f'embeddings.views_{when}')}</th>"
        + "".join(f"<td>{_mean(matrix, method, kind, count)}</td>" for kind in ("positive", "negative"))
        + "</tr>"
        for when, matrix in (("before", before), ("after", after))
    )
    return (
        f'<div class="views-frame"><table class="views-matrix" data-method="{method}"><tr><th></th>{head}</tr>'
        f"{body}</table></div>"
        f'<table class="views-sums"><tr><th></th><th>{ctx.localize_html("embeddings.views_positive")}</th>'
        f"<th>{ctx.localize_html('embeddings.views_negative')}</th></tr>{sums}</table>"
        f"<p>{ctx.localize_html(f'embeddings.views_{method}')}</p>"
    )


def mean_of(matrix: Tensor, method: str, kind: Role, count: int) -> float | None:
    """Return the mean of the pairs of one kind that the method uses; None where there are none.

    For SimSiam, which uses no negatives, these are the pairs of different images all the same.
    """
    chosen = []
    for row in range(len(matrix)):
        for column in range(matrix.shape[1]):
            if is_same_view(method, row, column, count):
                continue
            found = role(method, row, column, count)
            if found == kind or (kind == "negative" and method == "simsiam" and found == "unused"):
                chosen.append(float(matrix[row, column]))
    return float(np.mean(chosen)) if chosen else None


def is_same_view(method: str, row: int, column: int, count: int) -> bool:
    """Return whether a cell compares a view with itself, which the matrix of SimCLR holds as well."""
    return method == "simclr" and column == (row + count) % (2 * count)


def _mean(matrix: Tensor, method: str, kind: Role, count: int) -> str:
    value = mean_of(matrix, method, kind, count)
    return "–" if value is None else f"{value:.2f}"


def _cell(value: float, kind: Role, row: int, column: int, method: str, count: int) -> str:
    if is_same_view(method, row, column, count):
        return '<td class="same"></td>'
    strength = max(0.0, value)
    return f'<td class="{kind}" style="--s:{100 * strength:.0f}%">{value:.1f}</td>'


def image_html(view: Tensor) -> str:
    """Return an image (3, S, S) in [-1, 1] as an image that carries its own data."""
    data = base64.b64encode(jpeg(to_images(view[None])[0], 80)).decode("ascii")
    return f'<img alt="" src="data:image/jpeg;base64,{data}">'


def views_section(ctx: Context, handlers: Handlers, visit: gr.State) -> Any:
    """Place the fold with the views."""
    with widgets.options(ctx, "embeddings.views"):
        return Views(ctx, handlers, visit)


STYLE = """
.views-frame { overflow-x: auto; }
table { border-collapse: separate; border-spacing: 2px; font-variant-numeric: tabular-nums; color: var(--ink); }
img { display: block; width: 44px; height: 44px; border-radius: 6px; max-width: none; }
.views-matrix td { min-width: 44px; height: 40px; border-radius: 6px; text-align: center; font-size: 12px;
  background: color-mix(in srgb, var(--accent) var(--s), var(--mat)); }
.views-matrix .positive { outline: 2px solid var(--ink); outline-offset: -2px; font-weight: 700; }
.views-matrix .unused { opacity: 0.25; }
.views-matrix .same { background: none; }
.views-sums { margin: 12px 0; font-size: 14px; }
.views-sums th { padding-right: 18px; text-align: left; font-weight: 500; color: var(--ink-soft); }
.views-sums td { padding-right: 18px; font-weight: 600; }
p { max-width: 52em; font-size: 15px; line-height: 1.55; color: var(--ink-soft); }
"""
