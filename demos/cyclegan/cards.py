"""The shelf of the CycleGAN tab and its thumbnails, which show prepared results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from demos.core.context import Context
from demos.cyclegan.full_resolution import translate_masked
from demos.cyclegan.steganography import reconstruct_perturbed
from demos.cyclegan.translation import FRUITS, OPENING_EXAMPLE, CycleTranslation, fit_photo
from demos.ui.shelf.shelf import Card, Group
from demos.ui.shelf.thumbnails import pair, save_thumbnails, wide
from models.data.images import read_image

FOLDER = "cards"  # of the prepared thumbnails
STEPS = ("step-1", "step-2", "step-3")  # thumbnails of the figure that says how it works
BRUSHED = FRUITS / "apple-02.jpg"  # only its left half is translated
NOISE = 32  # standard deviation in levels of 255, so that a thumbnail shows it


def cards(ctx: Context) -> Mapping[Group, Sequence[Card]]:
    """Return the cards in their groups."""
    folder = ctx.first_paint / "cyclegan" / FOLDER
    names: Mapping[Group, Sequence[str]] = {"play": ("quiz", "own"), "inside": ("halves", "message", "failures")}
    return {
        group: [Card(name, f"cyclegan.{name}", folder / f"{name}.webp") for name in members]
        for group, members in names.items()
    }


def precompute_thumbnails(ctx: Context, folder: Path, done: CycleTranslation, heat_map: Image.Image) -> None:
    """Write the thumbnails into a folder with the results of the sections, for the opening translation."""
    networks = [ctx.load_model(name) for name in ("apple2orange", "orange2apple")]
    brushed, real = fit_photo(read_image(BRUSHED)), read_image(FRUITS / "orange-01.jpg")
    left = Image.new("L", brushed.size, 0)
    left.paste(255, (0, 0, brushed.width // 2, brushed.height))
    (noisy,) = reconstruct_perturbed(fit_photo(read_image(FRUITS / OPENING_EXAMPLE)), "noise", [NOISE], *networks)
    images = {
        "quiz": pair(real, done.translated),
        "own": wide(translate_masked(brushed, networks[0], left)[0]),
        "halves": pair(done.original, Image.open(folder / "halves" / "no-cycle-back.webp")),
        "message": pair(noisy.perturbed, noisy.reconstruction),
        "failures": pair(*(Image.open(folder / "limits" / f"{name}-made.webp") for name in ("green", "lighthouse"))),
        STEPS[0]: pair(done.original, done.translated),
        STEPS[1]: pair(done.translated, heat_map),
        STEPS[2]: pair(done.translated, done.reconstruction),
    }
    save_thumbnails(images, folder / FOLDER)
