"""Which families of networks each tab uses, as the recipes say."""

from __future__ import annotations

from models.hub.records import Family
from models.training.recipes import RECIPES


def families_by_tab() -> dict[str, tuple[Family, ...]]:
    """Return the families that each tab uses by the tab's id, those at home in it first."""
    uses = [(recipe.tabs[0], recipe.family) for recipe in RECIPES.values()]
    uses += [(tab, recipe.family) for recipe in RECIPES.values() for tab in recipe.tabs[1:]]
    tabs = dict.fromkeys(tab for tab, _ in uses)
    return {tab: tuple(dict.fromkeys(family for used_by, family in uses if used_by == tab)) for tab in tabs}
