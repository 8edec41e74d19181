"""Draw contact sheets of our weights into their model cards, on the example images of the repository."""

from __future__ import annotations

import io
import logging
import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import to_pil_image

from models.checkpoints import load_folder
from models.networks.vae import VectorVAE
from models.training.distributed import Processes
from models.training.evaluation.loading import folders_of, weights_record
from models.training.evaluation.model_card import SHEET, TRAINER, update_card
from models.training.loop.init_weights import fill
from models.training.loop.run_folder import write_atomically
from models.training.recipes import RECIPES, build_recipe
from models.training.recipes._base import TrainConfig, sheet

log = logging.getLogger(__name__)

EXAMPLES = Path(__file__).parents[3] / "assets" / "examples"
FRUIT, PHOTOS = "apple2orange.zip", "caltech101.zip"
WEBP = {"quality": 80, "method": 6}
DRAWS = "Draws."
WHOSE = "The pictures come with the repository; none of our weights were trained on them."


def illustrate(weights: Sequence[Path], config_of: Callable[[str], TrainConfig]) -> None:
    """Draw contact sheets of weights into their cards and log where these are.

    `weights` are names of our own weights, or folders; `config_of` returns the config of the run that a card's command
    repeats. Weights of portraits, of which the repository has no images, show draws only.

    Raises:
        FileNotFoundError: if there are no such weights, or a generator's counterpart is missing.
        ValueError: if the repository has no example images like those of their training.
    """
    for start in weights:
        _illustrate(start, config_of)


def _illustrate(start: Path, config_of: Callable[[str], TrainConfig]) -> None:
    record = weights_record(start)
    if record is None:
        raise FileNotFoundError(f"{start} holds no exported weights; give a name of ours, or export first.")
    config = config_of(record["command"])
    folders = folders_of(record, config, str(start))
    with tempfile.TemporaryDirectory() as stage:
        sources = _examples(record, Path(stage))
        if sources:
            recipe = build_recipe(record["recipe"], config, sources, Processes())
            fill(recipe, record["recipe"], config, folders)
            # Nearly all of the example fruit is in a preview; of other examples the worst of many are worth showing.
            drawn = recipe.preview() if record["recipe"] == "cyclegan" else recipe.contact_sheet()
            rows = f"{RECIPES[record['recipe']].sheet_caption} {WHOSE}"
        else:
            drawn, rows = _draws(next(iter(folders.values()))), DRAWS
    file = io.BytesIO()
    to_pil_image((drawn + 1) / 2).save(file, "WEBP", **WEBP)
    for folder in folders.values():
        write_atomically(folder / SHEET, file.getvalue())
        update_card(folder, {"sheet": rows, "drawn_by": shlex.join([*TRAINER, "illustrate", folder.name])})
        log.info("%s", folder / "README.md")


def _examples(record: Mapping[str, Any], stage: Path) -> list[Path]:
    """Return example images like those of the training, none if only samples can be shown."""
    encoder, data = record["arch"] == "resnet", record["data"]
    if PHOTOS in data and encoder:
        return [EXAMPLES / "kinds.zip"]
    if PHOTOS not in data and FRUIT not in data:
        if record["recipe"] != "vae":
            raise ValueError(f"No pictures like those of {', '.join(data)} come with the repository.")
        return []
    held_out = {"testA": "fruit/apple-*.jpg", "testB": "fruit/orange-*.jpg"}
    trained_on = {"trainA": held_out["testA"], "trainB": held_out["testB"]}  # recipes want some; no sheet shows them
    scenes = {"test": "scenes/*.jpg"} if PHOTOS in data else {}
    for folder, pattern in {**held_out, **trained_on, **scenes}.items():
        (stage / folder).mkdir()
        for path in EXAMPLES.glob(pattern):
            shutil.copyfile(path, stage / folder / path.name)
    return [stage]


def _draws(folder: Path) -> Tensor:
    model = load_folder(folder)
    assert isinstance(model, VectorVAE)
    with torch.inference_mode():
        return sheet(list(model.sample(32, torch.Generator().manual_seed(0)).split(8)))
