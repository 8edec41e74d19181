"""The training recipes by name: every class with a name in a module of this package is one."""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Mapping
from pathlib import Path

import torch

from models.training.data.dataset import SPLITTABLE, load_split
from models.training.distributed import Processes
from models.training.recipes._base import Recipe, TrainConfig


def discover() -> dict[str, type[Recipe]]:
    """Return the recipes in the modules of this package by name, in their order."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    recipes = {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Recipe) and "name" in vars(kind)
    }
    return {recipe.name: recipe for recipe in sorted(recipes, key=lambda recipe: recipe.order)}


RECIPES: Mapping[str, type[Recipe]] = discover()

log = logging.getLogger(__name__)


def build_recipe(
    name: str, config: TrainConfig, sources: list[Path], processes: Processes, most: int | None = None
) -> Recipe:
    """Return a recipe with fresh, seeded weights on the images of the sources, or on about `most` of each.

    Raises:
        FileNotFoundError: if a source does not exist.
        NoImagesError: if no image could be read.
        ValueError: if none is held out.
    """
    kind = RECIPES[name]
    train_set, test_set = load_split(sources, int(config.image_size * kind.load_scale), most)
    if not len(test_set):
        raise ValueError(f"None of {len(train_set)} pictures is held out to measure on; give at least {SPLITTABLE}.")
    log.info("%d training pictures, %d held out.", len(train_set), len(test_set))
    torch.manual_seed(config.seed)
    return kind(config, train_set, test_set, processes)
