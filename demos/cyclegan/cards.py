"""The shelf of the CycleGAN tab and its thumbnails, which show prepared results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from demos.core.context import Context
from demos.cyclegan.full_resolution import translate_masked
from demos.cyclegan.steganography import reconstruct_perturbed
from demos.cyclegan.translation import FRUITS, OPENING_EXAMPLE, CycleTranslation, fit_photo
from demos.ui.shelf.shelf import Group
from demos.ui.shelf.thumbnails import STEPS, pair, save_thumbnails, wide
from models.data.images import read_image

TITLES: Mapping[Group, Mapping[str, str]] = {  # of the cards by their names
    "play": {"quiz": "quiz", "own": "own"},
    "inside": {"halves": "halves", "message": "message", "failures": "failures"},
}  # fmt: skip
BRUSHED = FRUITS / "apple-02.jpg"  # only its left half is translated
NOISE = 32  # standard deviation in levels of 255, so that a thumbnail shows it


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
    save_thumbnails(images, folder)
