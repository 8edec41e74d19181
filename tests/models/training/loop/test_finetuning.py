"""Fine-tuning makes weights better at new images; all cases are in `python tests/bench.py finetune`."""

from dataclasses import replace

import pytest
import torch
from finetuning import CASES, DATA, fine_tune, kernel_distance


@pytest.mark.slow
def test_a_vae_of_portraits_learns_galaxies() -> None:
    case = next(case for case in CASES if case.recipe == "vae")
    if not (DATA / f"{case.data}.zip").is_file():
        pytest.skip(f"no {case.data}.zip in {DATA}")
    # The batch norms leave the portraits at once and the weights take some tens of steps to follow: worse at 40.
    before, after, _ = fine_tune(replace(case, steps=80), most=300)
    assert after[case.measure] > before[case.measure] + 1, "a decibel on pictures it never saw"


def test_the_kernel_distance_is_that_of_the_sets_of_images() -> None:
    torch.manual_seed(0)
    one, same, other = torch.randn(80, 16), torch.randn(80, 16), torch.randn(80, 16) + 0.5
    assert abs(kernel_distance(one, same)) < 0.2 * kernel_distance(one, other)
    assert kernel_distance(one, other) == pytest.approx(kernel_distance(other, 3 * one)), "of directions, either way"
