"""The ablation of the two losses, and the saved steps of a run."""

import pytest
from PIL import Image

from demos.core.context import Context
from demos.cyclegan import ablation
from models.hub.catalogue import checkpoint


@pytest.mark.parametrize("variant", ablation.VARIANTS)
@pytest.mark.parametrize("direction", ["apple2orange", "orange2apple"])
def test_every_variant_has_weights_for_both_directions(variant: str, direction: str) -> None:
    there, back = (checkpoint(name) for name in ablation.weights_of(variant, direction))
    assert there.direction == direction and there.partner == back.name and back.partner == there.name


def test_all_variants_are_shown_in_one_grid(context: Context, photo: Image.Image) -> None:
    images, numbers = ablation.run_ablation(photo, "orange2apple", context.load_model)
    page = ablation.ablation_html(context, {name: f"{name}.png" for name in images}, numbers, "orange2apple")
    assert page.count("<figure>") == 9 and f"{numbers['full']['cycle_error']:.1f}" in page


def test_the_precomputed_ablation_is_shown(context: Context) -> None:
    assert ablation.precomputed_html(context) == ""
    folder = context.first_paint / "cyclegan"
    folder.mkdir(parents=True)
    ablation.precompute_ablation(context, folder)
    assert ablation.precomputed_html(context).count("<figure>") == 9


def test_the_slider_covers_the_saved_steps_of_both_directions(context: Context, photo: Image.Image) -> None:
    kept = [[step for step, _ in ablation.steps_of(direction)] for direction in ("apple2orange", "orange2apple")]
    assert kept[0] == kept[1] and kept[0][0] == 0 and len(kept[0]) >= 2
    pages = [ablation.step_html(context, photo, "apple2orange", place) for place in (0, len(kept[0]) - 1)]
    assert "After <b>0</b> steps" in pages[0] and f"After <b>{kept[0][-1]:,}</b> steps" in pages[1]
    assert all(page.count("<figure>") == 3 for page in pages) and pages[0] != pages[1]
