"""The reconstruction of perturbed translations, and the curve of our weights."""

import numpy as np
import pytest
import torch
from charts import charts_in
from PIL import Image
from torch import nn

from demos.core.context import Context
from demos.cyclegan import steganography


class Same(nn.Module):
    """Leaves images as they are."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_the_reconstruction_without_a_perturbation_is_the_photo(photo: Image.Image) -> None:
    results = steganography.reconstruct_perturbed(photo, "noise", steganography.STRENGTHS["noise"], Same(), Same())
    assert results[0].error == results[0].perturbation == 0
    errors = [each.perturbation for each in results]
    assert errors == sorted(errors) and len(set(errors)) == len(errors)
    assert errors[4] == pytest.approx(8 * (2 / np.pi) ** 0.5, rel=0.1), "noise of 8 levels moves by 8 sqrt(2/pi)"
    results = steganography.reconstruct_perturbed(photo, "jpeg", steganography.STRENGTHS["jpeg"], Same(), Same())
    jpeg = [each.perturbation for each in results]
    assert jpeg[0] == 0 and jpeg == sorted(jpeg)


def test_the_curve_includes_the_result_of_the_visitor(context: Context) -> None:
    curve = {"sent": [0.0, 1, 2, 3, 4, 5, 6], "back": [1.0, 2, 3, 4, 5, 6, 7]}
    texts = (steganography.curve_html(context, {"noise": curve}, "noise", point) for point in (None, (2, 40.0)))
    alone, ringed = (charts_in(text)[0] for text in texts)
    assert [one["values"] for one in alone["series"]] == [curve["back"], curve["sent"]]
    assert ringed["series"][2]["values"] == [None, None, 40.0, None, None, None, None]
    assert ringed["xLabels"] == ["–", "1", "2", "4", "8", "16", "32"]


@pytest.mark.parametrize(("increase", "verdict"), [(9.0, "hides"), (3.0, "open")])
def test_weights_hide_information_if_noise_costs_more_than_its_size(increase: float, verdict: str) -> None:
    sent = [0.0, 1, 2, 3, 6, 12, 24]
    back = [1.0, 1, 1, 1, 1 + increase, 20, 30]
    assert steganography.verdict({"sent": sent, "back": back}) == verdict
