"""What the texts say in numbers is what the recipes do and the cards tell."""

import json

import pytest

from demos._cyclegan_halves import HALVES, weights_of
from demos._i18n import LANGUAGES, Texts
from models.records import WEIGHTS
from models.training.recipes.cyclegan import CycleGANConfig

TEXTS = Texts.load()


def draw(share: float) -> float:
    """Least error of a discriminator that cannot tell a translation from a photo, but both from the other set.

    It answers d to photos and translations and 0 to the other set, so that the error is half of
    (1 - d)² + (1 - share) d², which is least at d = 1 / (2 - share).
    """
    answer = 1 / (2 - share)
    return 0.5 * ((1 - answer) ** 2 + (1 - share) * answer**2)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_draw_is_what_the_loss_makes_it(language: str) -> None:
    usual, plain = f"{draw(CycleGANConfig().reject_source):.2f}", f"{draw(0.0):.2f}"
    table = TEXTS.tables[language]
    assert usual in table["train.chart.balance_hint"] and usual in table["train.advice.balanced"]
    assert plain in table["train.chart.balance_hint"], "without pictures of the other set among the rejected"
    assert plain not in table["train.advice.balanced"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_halves_are_said_to_be_trained_as_they_were(language: str) -> None:
    text = TEXTS.tables[language]["cyclegan.halves_lead"]
    for half in HALVES:
        for name in weights_of(half, "apple2orange"):
            config = json.loads((WEIGHTS / name / "config.json").read_text("utf-8"))
            assert f"{config['steps']:,}" in text, name
            assert ("lambda-identity 0.0" in config["command"]) == (half == "no-cycle"), name
