"""The training recipes by name; adding one is adding a file and an entry."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import torch

from models.training.data.dataset import SPLITTABLE, load_split
from models.training.distributed import Processes
from models.training.failures import NoImagesError
from models.training.recipes._base import Recipe, TrainConfig
from models.training.recipes.contrastive import MoCoRecipe, SimCLRRecipe, SimSiamRecipe
from models.training.recipes.cyclegan import CycleGANRecipe
from models.training.recipes.mae import MAERecipe
from models.training.recipes.supervised import SupervisedRecipe
from models.training.recipes.vae import VAERecipe

RECIPES: Mapping[str, type[Recipe]] = {
    "cyclegan": CycleGANRecipe,
    "mae": MAERecipe,
    "vae": VAERecipe,
    "simsiam": SimSiamRecipe,
    "simclr": SimCLRRecipe,
    "moco": MoCoRecipe,
    "supervised": SupervisedRecipe,
}

log = logging.getLogger(__name__)


def build_recipe(
    name: str, config: TrainConfig, sources: list[Path], processes: Processes, most: int | None = None
) -> Recipe:
    """Return a recipe with fresh, seeded weights on the images of the sources, or on about `most` of each.

    Raises:
        FileNotFoundError: if a source does not exist.
        NoPicturesError: if no image could be read, or none is held out.
    """
    kind = RECIPES[name]
    train_set, test_set = load_split(sources, int(config.image_size * kind.load_scale), most)
    if not len(test_set):
        raise NoImagesError(f"None of {len(train_set)} pictures is held out to measure on; give at least {SPLITTABLE}.")
    log.info("%d training pictures, %d held out.", len(train_set), len(test_set))
    torch.manual_seed(config.seed)
    return kind(config, train_set, test_set, processes)
