"""Whether fine-tuning makes weights better at new images: real sets, measured on what they hold out."""

from __future__ import annotations

import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from demos.train.presets import preset_config, start_config
from models.analysis.metrics import centred_directions, kid, nearest_neighbours
from models.checkpoints import load_model, weights_info
from models.training.distributed import Processes
from models.training.loop.init_weights import start_from
from models.training.loop.trainer import seed_step
from models.training.recipes import RECIPES, build_recipe
from models.training.recipes._base import Recipe, in_batches

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
JUDGE = "supervised-photos"  # whose features say how alike two sets of images look
Scores = Mapping[str, float]


@dataclass(frozen=True)
class Case:
    """One fine-tuning: which recipe, from which weights, on which zip, judged by what.

    Attributes:
        steps: That are taken.
        measure: The score that has to get better.
        more_is_better: Whether it has to rise.
        sets: Two classes of the zip to translate between; none if it holds the two sets of a translation.
    """

    recipe: str
    start: str
    data: str
    steps: int
    measure: str
    more_is_better: bool = True
    sets: tuple[str, ...] = ()

    @property
    def pictures(self) -> str:
        """What it is tuned on, in words."""
        return f"{self.data}: {' to '.join(self.sets)}" if self.sets else self.data

    def is_better(self, before: Scores, after: Scores) -> bool:
        """Whether the held-out measure moved in the right direction."""
        change = after[self.measure] - before[self.measure]
        return change > 0 if self.more_is_better else change < 0


CASES = (
    Case("cyclegan", "apple2orange", "flowers", 120, "distance_b", more_is_better=False, sets=("daisy", "sunflowers")),
    Case("cyclegan", "apple2orange", "monet2photo", 200, "distance_b", more_is_better=False),
    # Galaxies: with photos like those that they have seen, these weights have nothing left to learn in a quick run.
    Case("simclr", "simclr-photos", "galaxies", 120, "views_found"),
    Case("mae", "mae-photos", "galaxies", 120, "masked_psnr"),
    Case("vae", "vae-portraits", "galaxies", 200, "reconstruction_psnr"),
)


def fine_tune(
    case: Case, most: int | None = None, told: Callable[[int, float], None] = lambda *_: None
) -> tuple[Scores, Scores, float]:
    """Take a case's steps with the trainer tab's own options; return its scores before and after, and the seconds.

    Args:
        case: What to do.
        most: About how many images are enough; None for all.
        told: Called with each step and its loss.
    """
    fixed = start_config(case.recipe, weights_info(case.start))
    options = preset_config(case.recipe, "quick", {**fixed, "steps": case.steps}, fine_tune=True, most_steps=case.steps)
    config = RECIPES[case.recipe].Config(**options)
    with tempfile.TemporaryDirectory() as folder:
        path = DATA / f"{case.data}.zip"
        if case.sets:
            path = two_sets(path, case.sets, Path(folder) / "pair.zip")
        recipe = build_recipe(case.recipe, config, [path], Processes(), most)
    start_from(recipe, case.recipe, config, case.start)
    before = measured(case.recipe, recipe)
    begun = time.perf_counter()
    for step in range(case.steps):
        seed_step(config.seed, step, 0)
        told(step, recipe.step(step)["loss"])
    seconds = time.perf_counter() - begun
    return before, measured(case.recipe, recipe), seconds


def two_sets(source: Path, classes: tuple[str, ...], path: Path, most: int = 80) -> Path:
    """Write up to `most` images of two classes for training, and as many to measure on, as a visitor would zip them.

    Args:
        source: A zip of folders such as train/daisy and val/daisy.
        classes: The class that becomes set A, and the one that becomes set B.
        path: The zip to write, which is returned.
        most: Images of each set and split.
    """
    with zipfile.ZipFile(source) as pictures, zipfile.ZipFile(path, "w") as pair:
        for (split, ours), (label, domain) in product(
            (("train", "train"), ("val", "test")), zip(classes, "AB", strict=True)
        ):
            names = [name for name in pictures.namelist() if name.startswith(f"{split}/{label}/")]
            for number, name in enumerate(names[:most]):
                pair.writestr(f"{ours}{domain}/{number}.webp", pictures.read(name))
    return path


def measured(name: str, recipe: Recipe) -> Scores:
    """Return a recipe's own held-out scores, and those that show what fine-tuning is for."""
    more: Mapping[str, Callable[[Any], Scores]] = {"cyclegan": _distances, "simclr": _views_found}
    own = {measure: score.value for measure, score in recipe.evaluate().items()}
    return {**own, **(more[name](recipe) if name in more else {})}


def _views_found(recipe: Any, rounds: int = 4) -> Scores:
    """Return how often one view of a held-out image is most like the other view of the same one, among all of them.

    It is what contrastive learning is about (2002.05709 §2.1), at held-out images, and needs no labels. The kNN
    accuracy that stands beside it comes from a few hundred labels: its standard error is more than two percent.
    """
    found, model = [], recipe.backbone
    model.eval()
    for number in range(rounds):
        seed_step(1, number, 0)
        views = recipe.views(recipe.test.images)
        one, other = (in_batches(view, model.forward_features) for view in views)
        centre = other.mean(dim=0)
        nearest, _ = nearest_neighbours(centred_directions(one, centre), centred_directions(other, centre), k=1)
        found.append((nearest[:, 0] == torch.arange(len(one))).float().mean())
    model.train()
    return {"views_found": float(torch.stack(found).mean())}


def _distances(recipe: Any) -> Scores:
    """Return the kernel distance of translated and of untouched held-out images of A to those of B, and back."""
    real_a, real_b = (recipe._test_images(pictures).contiguous() for pictures in (recipe.test_a, recipe.test_b))
    fake_b, fake_a = in_batches(real_a, recipe.shown_a2b, 1), in_batches(real_b, recipe.shown_b2a, 1)
    judge = load_model(JUDGE)
    a, b, as_b, as_a = (in_batches(images, judge.forward_features) for images in (real_a, real_b, fake_b, fake_a))  # type: ignore[arg-type]
    return {
        "distance_b": kernel_distance(as_b, b),
        "distance_a": kernel_distance(as_a, a),
        "distance_untouched": kernel_distance(a, b),
    }


def kernel_distance(x: Tensor, y: Tensor) -> float:
    """Return 1000 times the kernel distance of two sets of features (N, D) and (M, D), each scaled to length √D."""
    x, y = (each.double() / each.double().norm(dim=1, keepdim=True) * each.shape[1] ** 0.5 for each in (x, y))
    return 1000 * float(kid(x, y))


def rows() -> Iterator[tuple[str, ...]]:
    """Fine-tune every case whose images are there, and say of the others that they are not."""
    for case in CASES:
        what = (case.recipe, case.start, case.pictures)
        if not (DATA / f"{case.data}.zip").is_file():
            yield (*what, "", "", "", f"skipped: no {case.data}.zip in ../shared/data")
            continue
        before, after, seconds = fine_tune(case)
        verdict = "better" if case.is_better(before, after) else "NOT BETTER"
        others = ", ".join(f"{name} {before[name]:.3g} → {after[name]:.3g}" for name in before if name != case.measure)
        yield (
            *what, f"{case.steps} in {seconds:.0f} s", case.measure,
            f"{before[case.measure]:.3f} → {after[case.measure]:.3f} ({verdict})", others,
        )  # fmt: skip


COLUMNS = ("recipe", "from", "on", "steps", "held-out measure", "before → after", "also")
