"""What the texts say in numbers is what the recipes do, what the weights are and what their cards measured."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demos.core.context import Context
from demos.core.i18n import LANGUAGES, Texts
from demos.cyclegan import ablation
from demos.cyclegan.ablation import VARIANTS, ablation_html, weights_of
from demos.cyclegan.steganography import REFERENCE, STRENGTHS
from demos.cyclegan.translation import BACK, SATURATION
from demos.mae.analysis import FULL_STD, RATIOS
from demos.mae.reconstruction import FULL_ERROR
from models.analysis.cyclegan_calibration import DISCRIMINATOR_SIDE
from models.checkpoints import weights_info
from models.formats.weights_folder import WeightsInfo
from models.hub.records import WEIGHTS
from models.training.recipes.cyclegan import CycleGANConfig

TEXTS = Texts.load()
PATCH = 70  # pixels that one score of the discriminator sees
NUMBERS = {variant: {"changed": 9.0, "cycle_error": 7.0, "convincing": 0.25} for variant in VARIANTS}


def config_of(name: str) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((WEIGHTS / name / "config.json").read_text("utf-8"))
    return config


def rows_of(context: Context, direction: str, info: Any) -> list[str]:
    """The text of each variant, English alone, for weights described by `info`."""
    known = replace(context, weights_info=info)
    files = dict.fromkeys(("photo", *(f"{one}-{what}" for one in VARIANTS for what in ("translated", "back"))), "a.png")
    page = ablation_html(known, files, NUMBERS, direction)
    english = re.sub(r'<span lang="zh">.*?</span>', "", page)
    return [re.sub("<[^>]+>", "", part) for part in english.split('class="said">')[1:]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rule_that_is_said_to_be_missing_is_missing(language: str) -> None:
    for variant in VARIANTS:
        said = TEXTS.tables[language][f"cyclegan.half_{variant}_said"]
        assert not re.search(r"\d", said), "numbers are measured"
        for name in weights_of(variant, "apple2orange"):
            command = config_of(name)["command"]
            for rule, half in (("identity", "no-cycle"), ("cycle", "no-cycle"), ("adversarial", "no-adversarial")):
                assert (f"lambda-{rule} 0.0" in command) == (variant == half), (name, rule)


@pytest.mark.parametrize("direction", list(BACK))
def test_the_ablation_says_what_the_cards_measured(context: Context, direction: str) -> None:
    domain = "a" if direction == "apple2orange" else "b"
    rows = rows_of(context, direction, weights_info)
    steps = []
    for variant, row in zip(VARIANTS, rows, strict=True):
        config = config_of(weights_of(variant, direction)[0])
        count = config["held_out"][domain]
        steps.append(f"{config['steps']:,}")
        assert f", {config['steps']:,} steps" in row
        found = round(config["metrics"][f"source_found_{domain}"] * count)
        assert f"Of {count} translated photos not used in training, {found} lead back" in row
        assert "changed by 9.0; off by 7.0" in row and "25% of real photos" in row
    assert (f"({' / '.join(steps)} steps)" in rows[-1]) == (len(set(steps)) > 1)


def test_the_ablation_follows_other_weights(context: Context) -> None:
    def painting_anew(name: str) -> WeightsInfo:
        metrics = {"source_found_a": 0.05, "source_found_b": 0.5}
        anew = "light_generator" if name == "apple2orange" else "resnet_generator"
        return replace(weights_info(name), arch=anew, steps=2500, metrics=metrics, held_out={"a": 40, "b": 10})

    rows = rows_of(context, "apple2orange", painting_anew)
    assert all("Of 40 translated photos" in row and " 2 lead back" in row and ", 2,500 steps" in row for row in rows)
    assert not any("differ in length" in row or "design" in row for row in rows)
    residual = rows_of(context, "orange2apple", lambda name: replace(weights_info(name), held_out={}))
    assert ["design" in row for row in residual] == [False, True, False]
    assert not any("lead back" in row for row in residual), "nothing was measured"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_of_our_networks_is_so(language: str) -> None:
    about, config = TEXTS.tables[language]["cyclegan.about"], CycleGANConfig()
    numbers = re.findall(r"\d+", about.split("\n\n")[3])
    assert numbers == [f"{config.lambda_cycle:g}", f"{config.lambda_cycle * config.cycle_kept:g}",
                       f"{config.lambda_identity:g}", "10", "5"]  # fmt: skip
    command = config_of("apple2orange")["command"]
    for option in ("lambda_cycle", "cycle_kept", "lambda_identity", "reject_source"):  # those of today's recipe
        assert f"--{option.replace('_', '-')} {getattr(config, option)}" in command
    assert config.reject_source > 0
    assert config_of("apple2orange")["arch"] == "light_generator"
    assert DISCRIMINATOR_SIDE / 2 < PATCH < DISCRIMINATOR_SIDE, "each patch is more than half the picture wide"


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_name_the_darkest_tone(language: str) -> None:
    said = TEXTS.tables[language]
    ends = {"cyclegan.difference": SATURATION, "cyclegan.identity_changed": SATURATION, "mae.error": FULL_ERROR,
            "mae.mean_error": FULL_ERROR, "mae.spread": FULL_STD}  # fmt: skip
    assert all(re.findall(r"\d+", said[key].replace("0–255", ""))[-1] == f"{end:g}" for key, end in ends.items())
    assert all(str(STRENGTHS["noise"][REFERENCE]) in said[f"cyclegan.message_{key}"] for key in ("open", "hides"))
    assert all(f"{100 * ratio:.0f}%" in said["mae.ratios_say"] for ratio in (RATIOS[0], RATIOS[-1]))


def test_the_measured_facts_of_the_opening_example_are_complete() -> None:
    folder = Path(ablation.__file__).parents[2] / "assets" / "first_paint" / "cyclegan" / ablation.FOLDER
    stored = json.loads((folder / ablation.NUMBERS).read_text("utf-8"))
    assert all(stored[variant].keys() == NUMBERS[variant].keys() for variant in VARIANTS)
