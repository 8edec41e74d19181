"""The weights of a finished job: download, upload to the Hub, use in a tab, and a comparison with the start."""

from __future__ import annotations

import io
import json
import random
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from PIL import Image
from torch import nn

from demos.core.context import Context
from demos.core.user_models import SelectedModel, name_of, tab_of
from demos.core.visitor import token_of
from demos.train.runs import Runs, Watched, job_errors
from demos.ui import widgets
from demos.ui.images import image_grid
from models.checkpoints import build_model, load_folder
from models.data.images import read_image, square_crop, to_images, to_tensor
from models.networks.backbones import ResNet
from models.training.jobs import Snapshot
from models.training.recipes import RECIPES

COLUMNS = 8  # held-out images shown
POOL = 256  # training images among which neighbours are looked for
SIDE = 128  # pixels each image is shown at
MARGIN = 6


def images_of(folder: Path, name: str, most: int, side: int) -> list[Image.Image]:
    """Return up to `most` square images of one folder of a dataset, the same ones every time."""
    paths = sorted((folder / name).rglob("*.webp"))
    random.Random(0).shuffle(paths)
    return [square_crop(read_image(path), side) for path in paths[:most]]


def compare(
    recipe: str, before: nn.Module, after: nn.Module, images: Sequence[Image.Image], pool: Sequence[Image.Image]
) -> Image.Image:
    """Return a sheet of held-out images, what the start makes of them, and what the result does."""
    tensor, reference = to_tensor(list(images)), to_tensor(list(pool)) if pool else torch.empty(0)
    with torch.inference_mode():
        start, result = (RECIPES[recipe].demonstrate(model, tensor, reference) for model in (before, after))
    return image_grid([list(images), *map(to_images, [*start, result[-1]])], MARGIN, SIDE)


def untrained(folder: Path, seed: int) -> nn.Module:
    """Return a network of the shape of some weights before any training."""
    stored = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_model(stored["arch"], stored["args"]).eval()


def zip_folder(folder: Path) -> bytes:
    """Return a zip of a folder's files, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
                archive.writestr(zipfile.ZipInfo(name), path.read_bytes())
    return buffer.getvalue()


@dataclass(frozen=True, eq=False)
class Made:
    """A comparison; it waits in the page's own `gr.State` until it is known what the page watches by then."""

    of: Watched  # by the page when the comparison was asked for
    parts: tuple[Any, str, Any]  # sheet, caption, download


class Results:
    """Event handlers for the weights of a job, for its owner."""

    def __init__(self, ctx: Context, runs: Runs) -> None:
        self._ctx, self._runs = ctx, runs

    def on_compare(self, visitor: str, watched: Watched | None, request: gr.Request) -> Made:
        """Make a sheet of before and after on held-out images, and a zip of the weights."""
        job = self._runs.act(self._runs.manager.snapshot, visitor, watched, request)
        recipe = RECIPES[job.recipe]
        part, image_set = recipe.main_parts[0], recipe.image_sets[0]
        with job_errors(self._ctx, request):
            folder = self._runs.manager.weights(job.owner, job.id, part)
            before, after = self._before(job, folder, part), load_folder(folder)
            data = self._runs.manager.images(job.owner, job.id)
        side = after.img_size if isinstance(after, ResNet) else int(job.config["image_size"])
        held_out = images_of(data, f"test{image_set}", COLUMNS, side)
        pool = images_of(data, f"train{image_set}", POOL, side)
        sheet = compare(job.recipe, before, after, held_out, pool)
        weights = folder.parent if part else folder
        return Made(
            watched,  # type: ignore[arg-type]
            (
                gr.update(value=self._ctx.save_image(sheet), visible=True),
                self._ctx.localize_html(f"train.compared.{recipe.comparison}"),
                gr.update(value=self._ctx.save_bytes(zip_folder(weights), ".zip"), visible=True),
            ),
        )

    def on_made(self, watched: Watched | None, made: Made | None) -> tuple[Any, Any, Any]:
        """Show a comparison, unless the page went on to another run, or to later weights of the same."""
        if watched is None or made is None or (watched.run, watched.step) != (made.of.run, made.of.step):
            return gr.skip(), gr.skip(), gr.skip()
        return made.parts

    def _before(self, job: Snapshot, folder: Path, part: str) -> nn.Module:
        if job.start is None:
            return untrained(folder, int(job.config["seed"]))
        if job.start.startswith("job:"):
            return load_folder(self._runs.manager.start_weights(job.owner, job.id, part))
        return self._ctx.load_model(job.start)

    def on_take(self, visitor: str, watched: Watched | None, request: gr.Request) -> tuple[SelectedModel, str]:
        """Export the weights for their tab, and return the selection for it and its name."""
        job = self._runs.act(self._runs.manager.snapshot, visitor, watched, request)
        with job_errors(self._ctx, request):
            self._runs.manager.weights(job.owner, job.id)
        return SelectedModel(tab_of(job), name_of(job), time.monotonic_ns()), tab_of(job)

    def on_push(self, visitor: str, watched: Watched | None, name: str, request: gr.Request) -> str:
        """Put the weights into a repository of the visitor's, with their own login."""
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError

        job = self._runs.act(self._runs.manager.snapshot, visitor, watched, request)
        token = token_of(request)
        if token is None:
            raise widgets.user_error(self._ctx, request, "train.push.login")
        part = RECIPES[job.recipe].main_parts[0]
        with job_errors(self._ctx, request):
            folder = self._runs.manager.weights(job.owner, job.id, part)
        try:
            repo = push(HfApi(token=token), folder.parent if part else folder, name)
        except (HfHubHTTPError, HFValidationError, OSError) as error:
            raise widgets.user_error(
                self._ctx, request, "train.push.failed", message=str(error).splitlines()[0]
            ) from error
        return self._ctx.localize_html("train.push.done", repo=repo)


def push(api: Any, folder: Path, name: str) -> str:
    """Upload a weights folder to a private repository with a `huggingface_hub.HfApi`, and return its id."""
    repo = api.create_repo(name, private=True, exist_ok=True).repo_id
    api.upload_folder(repo_id=repo, folder_path=folder, commit_message="Weights trained with Unlabeled")
    return str(repo)
