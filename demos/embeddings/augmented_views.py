"""Positive and negative pairs of contrastive methods: augmented views, and their similarities in two networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import gradio as gr
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from demos.core.context import Context
from demos.core.events import LATEST_MODEL_EVENT, bind
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import Collection
from demos.embeddings.components import quiet_button
from demos.embeddings.session import MapSession
from demos.ui import widgets
from demos.ui.images import data_url
from models.analysis.metrics import centred_directions
from models.data.images import to_images
from models.training.data.augmentations import TwoViews

Role = Literal["positive", "negative", "unused", "same"]  # same: a view compared with itself
Views = tuple[Tensor, Tensor, Tensor]  # first views, second views, views of the images in the queue of MoCo
METHODS = ("simclr", "simsiam", "moco")
NUM_IMAGES = 5
NUM_QUEUED = 10
UNTRAINED = "random"


def sample_ids(collection: Collection, picked: int, count: int) -> list[int]:
    """Return the picked image and others, evenly spaced over the set."""
    spaced = np.linspace(0, len(collection) - 1, count + 1).astype(int).tolist()
    others = [index for index in dict.fromkeys(spaced) if index != picked]
    return [picked, *others][: min(count, len(collection))]


def two_views(images: Sequence[Image.Image], side: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return two random views of each image, each (N, 3, side, side) in [-1, 1]; the same for the same seed."""
    from torchvision.transforms.v2 import functional as TF  # takes a second to import

    stacked = torch.stack([TF.pil_to_tensor(image) for image in images])  # (N, 3, S, S)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TwoViews(side)(stacked)


def role(method: str, row: int, column: int, count: int) -> Role:
    """Return the role that a pair of views has in the loss of a method.

    Rows of the matrix are queries, columns keys: the second views of the `count` images, and for SimCLR and MoCo more.
    """
    if column == row:
        return "positive"
    if method == "simclr" and column == (row + count) % (2 * count):
        return "same"
    if method == "simsiam":
        return "unused"  # its loss has no term for other images of the batch
    if method == "moco":
        return "negative" if column >= count else "unused"  # negatives come from the queue alone
    return "negative"


def cosines(features: Tensor, others: Tensor, mean: Tensor) -> Tensor:
    """Return the cosines (N, M) of features (N, D) and (M, D) around a mean (D,)."""
    return centred_directions(features, mean) @ centred_directions(others, mean).T


def add_views(builder: MapBuilder, state: gr.State) -> None:
    """Place the views of the picked image."""
    ctx = builder.ctx
    widgets.html_line(ctx.localize_html("embeddings.views_lead"))
    with gr.Row(elem_classes="toolbar"):
        methods = {name: f"embeddings.encoder_{name}" for name in METHODS}
        method = widgets.pills(ctx, "embeddings.views_method", methods, METHODS[0], "embeddings-views-method")
        again = quiet_button(ctx, "views_again", "views-again")
    template, script = "<div>${value}</div>", 'trigger("ready");'
    panel = widgets.panel(None, "embeddings-views", STYLE, html_template=template, js_on_load=script)
    seed = gr.State(0)
    draw: dict[str, Any] = {"fn": bind(on_views, builder), "inputs": [state, method, seed], "outputs": panel}
    draw |= LATEST_MODEL_EVENT
    panel.ready(**draw)
    method.input(**draw)
    increment = again.click(lambda value: value + 1, seed, seed, api_visibility="private", show_progress="hidden")
    increment.then(**draw)


def on_views(builder: MapBuilder, session: MapSession | None, method: str, seed: int) -> str:
    """Draw new views of the picked image and some others, and compare them before and after training."""
    session = session or MapSession()
    collection = builder.collection(session)
    ids = sample_ids(collection, session.picked, NUM_IMAGES)
    images = [collection.image(index) for index in ids]
    trained, side = builder.network(method)  # views of the side that it was trained on
    queued = [index for index in sample_ids(collection, len(collection) // 2, 3 * NUM_QUEUED) if index not in ids]
    queue, _ = two_views([collection.image(index) for index in queued[:NUM_QUEUED]] or images, side, seed + 1)
    views = (*two_views(images, side, seed), queue)
    before = _similarities(builder, session, UNTRAINED, builder.network(UNTRAINED)[0], method, views)
    after = _similarities(builder, session, method, trained, method, views)
    return views_html(builder.ctx, method, views, before, after)


@torch.inference_mode()
def _similarities(
    builder: MapBuilder, session: MapSession, encoder: str, network: nn.Module, method: str, views: Views
) -> Tensor:
    """Return the cosines of the views as the method pairs them, by the features of an encoder."""
    z1, z2, keys = (network(batch).float() for batch in views)
    known = builder.known_features(session, encoder)
    mean = torch.from_numpy(known[0]).mean(dim=0) if known else torch.cat([z1, z2, keys]).mean(dim=0)
    queries, keys = _pairs(method, (z1, z2, keys))
    return cosines(queries, keys, mean)


def _pairs(method: str, views: Views) -> tuple[Tensor, Tensor]:
    """Return the rows and the columns of the matrix of a method, from both views and the queue or their features."""
    view1, view2, queue = views
    if method == "simclr":
        return torch.cat([view1, view2]), torch.cat([view2, view1])
    return view1, torch.cat([view2, queue]) if method == "moco" else view2


def views_html(ctx: Context, method: str, views: Views, before: Tensor, after: Tensor) -> str:
    """Return views as the headings of a matrix of their similarities, and the means of its parts."""
    count = len(views[0])
    rows, columns = _pairs(method, views)
    head = "".join(f"<th>{image_html(view)}</th>" for view in columns)
    body = ""
    for number, view in enumerate(rows):
        cells = "".join(
            _cell(float(after[number, column]), role(method, number, column, count)) for column in range(len(columns))
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


def _mean(matrix: Tensor, method: str, kind: Role, count: int) -> str:
    """Return the mean of the pairs of one role; for SimSiam, which has no negatives, of different images instead."""
    wanted = "unused" if method == "simsiam" and kind == "negative" else kind
    rows, columns = (range(size) for size in matrix.shape)
    values = [float(matrix[i, j]) for i in rows for j in columns if role(method, i, j, count) == wanted]
    return f"{np.mean(values):.2f}" if values else "–"


def _cell(value: float, kind: Role) -> str:
    if kind == "same":
        return '<td class="same"></td>'
    return f'<td class="{kind}" style="--s:{100 * max(0.0, value):.0f}%">{round(value, 1) + 0.0:.1f}</td>'


def image_html(view: Tensor) -> str:
    """Return an image (3, S, S) in [-1, 1] as an ``img`` with a data URL."""
    return f'<img alt="" src="{data_url(to_images(view[None])[0], 80)}">'


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
