"""The training recipes by name; adding one is adding a file and an entry."""

from __future__ import annotations

from collections.abc import Mapping

from models.training.recipes._base import Recipe
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
