"""Measure a training run, or exported weights, on held-out images."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from torchvision.transforms.v2.functional import to_pil_image

from models.analysis.bootstrap import Estimate
from models.training.data.dataset import domain_of
from models.training.evaluation.loading import load_run, load_weights, weights_record
from models.training.evaluation.model_card import command_of, measured, update_card
from models.training.loop.run_folder import RunFolder
from models.training.recipes._base import TrainConfig
from models.training.recipes.classifier import Classifier

log = logging.getLogger(__name__)


def log_scores(scores: Mapping[str, Estimate]) -> None:
    """Log one line per measure."""
    for measure, score in scores.items():
        if all(map(math.isfinite, score)):
            log.info("%s %.4f (95 %% interval %.4f to %.4f)", measure, *score)
        else:
            log.info("%s is not defined on these pictures", measure)


def evaluate_source(
    source: Path,
    config_of: Callable[[str], TrainConfig],
    data: list[Path] | None = None,
    judge: str | None = None,
    renew: bool = False,
    image_size: int | None = None,
    sheet: Path | None = None,
) -> None:
    """Measure a run or exported weights and log the scores; the arguments are options of the command `evaluate`.

    `config_of` returns the config of the run that a card's command repeats. Raises `ValueError` if `renew` or
    `image_size` does not apply to the source.
    """
    classifier = Classifier(judge) if judge else None
    record = weights_record(source)
    if image_size and (record is None or renew):
        raise ValueError("--image-size is for looking at exported weights, without --renew; leave one of them out.")
    if record is None:
        if renew:
            raise ValueError(f"--renew writes into exported weights, and {source} holds none; export first.")
        run = RunFolder(source)
        loaded = load_run(run, data)
        scores = loaded.recipe.evaluate(classifier, thorough=True)
        if loaded.own_images:
            run.save_evaluation(loaded.step, scores, {} if data else loaded.recipe.exports())
    else:
        config = config_of(record["command"])
        loaded = load_weights(source, record, replace(config, image_size=image_size or config.image_size), data)
        scores = loaded.recipe.evaluate(classifier, thorough=True)
    log_scores(scores)
    if renew:
        sets = Counter(map(domain_of, loaded.recipe.test.names))
        counts = {"held_out": dict(sets)} if loaded.recipe.image_sets != ("",) else {}
        for folder in loaded.folders.values():
            command = command_of(folder, loaded.sources, classifier.name if classifier else None)
            update_card(folder, {**measured(scores, command), **counts})
    if sheet:
        sheet.parent.mkdir(parents=True, exist_ok=True)
        to_pil_image(((loaded.recipe.contact_sheet(classifier) + 1) / 2).clamp(0, 1)).save(sheet, format="PNG")
