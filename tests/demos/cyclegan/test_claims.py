"""What the texts say in numbers is what the recipes do and the cards tell."""

import json

import pytest

from demos.core.i18n import LANGUAGES, Texts
from demos.cyclegan.ablation import VARIANTS, weights_of
from models.hub.records import WEIGHTS

TEXTS = Texts.load()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_halves_are_said_to_be_trained_as_they_were(language: str) -> None:
    text = TEXTS.tables[language]["cyclegan.halves_lead"]
    for half in VARIANTS:
        for name in weights_of(half, "apple2orange"):
            config = json.loads((WEIGHTS / name / "config.json").read_text("utf-8"))
            assert f"{config['steps']:,}" in text, name
            assert ("lambda-identity 0.0" in config["command"]) == (half == "no-cycle"), name
