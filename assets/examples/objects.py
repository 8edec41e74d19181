"""Renders the objects set: pictures whose shape, material, backdrop, light and view are known exactly.

20 shapes in 16 materials before 8 backdrops, 128 x 128 pixels. Two of the 16 materials of every shape are held out:
such a pair is never rendered for training, so that a network can be asked about a combination it has not seen. A
picture depends on its name alone; a run that was stopped goes on where it was.

    python assets/examples/objects.py                                # objects.zip: 2,000 pictures, 320 of held-out
    python assets/examples/objects.py --training 6000 --out FOLDER   # to train on; none is a picture of objects.zip
    python assets/examples/objects.py --sheet sheet.png              # every shape in every material, to look at

Needs ``povray`` 3.7, as ``render.py``.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import random
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image
from render import HERE, SCENE, RenderError, Shot, trace

SIDE = 128
# The position of a name in these tuples is its number in scene/objects.pov.
SHAPES = (
    "apple", "pear", "banana", "mushroom", "mug", "vase", "bottle", "bowl", "teapot", "chair",
    "table", "house", "cube", "sphere", "cone", "ring", "star", "pawn", "heart", "snowman",
)  # fmt: skip
MATERIALS = (
    "gold", "chrome", "rust", "oak", "ebony", "marble", "granite", "brick",
    "checker", "stripes", "dots", "glass", "plastic", "moss", "leather", "ceramic",
)  # fmt: skip
BACKDROPS = ("studio", "wood", "lawn", "desert", "tiles", "slate", "snow", "carpet")
PAIRS = [(shape, material) for shape in range(len(SHAPES)) for material in range(len(MATERIALS))]
PER_PAIR, PER_HELD_OUT_PAIR = 6, 8  # pictures in objects.zip


@dataclass(frozen=True)
class Labels:
    """What is known of a picture.

    ``turn`` and ``rise`` are the camera's angles in degrees, ``sun`` is the angle that the light comes from, ``warmth``
    runs from 0 (bluish light) to 1 (reddish light), and ``split`` is "train" or, for a held-out pair, "test".
    """

    file: str
    shape: str
    material: str
    backdrop: str
    turn: float
    rise: float
    sun: float
    warmth: float
    split: str


def is_held_out(shape: int, material: int) -> bool:
    """Tells whether a pair is never trained on: two materials of each shape, each material with two to four shapes."""
    return (3 * shape + material) % len(MATERIALS) in (0, 7)


def draw(name: str, shape: int, material: int) -> tuple[Labels, Shot]:
    """Draws what is not given about the picture called ``name``, from the name alone."""
    chance = random.Random(name)
    backdrop = chance.randrange(len(BACKDROPS))
    turn, rise = round(chance.uniform(-50, 50), 1), round(chance.uniform(8, 38), 1)
    sun, warmth = round(chance.uniform(-80, 80), 1), round(chance.random(), 3)
    numbers = {"Shape": shape, "Material": material, "Backdrop": backdrop, "Seed": chance.randrange(200_000)}
    declare = {**numbers, "Turn": turn, "Rise": rise, "Sun_Turn": sun, "Warmth": warmth}
    split = "test" if is_held_out(shape, material) else "train"
    known = Labels(name, SHAPES[shape], MATERIALS[material], BACKDROPS[backdrop], turn, rise, sun, warmth, split)
    return known, Shot(SCENE / "objects.pov", SIDE, declare)


def shipped() -> list[tuple[Labels, Shot]]:
    """Returns the pictures of objects.zip, pair after pair."""
    chosen = []
    for shape, material in PAIRS:
        for number in range(PER_HELD_OUT_PAIR if is_held_out(shape, material) else PER_PAIR):
            name = f"{SHAPES[shape]}/{SHAPES[shape]}-{MATERIALS[material]}-{number + 1}.webp"
            chosen.append(draw(name, shape, material))
    return chosen


def training(count: int) -> list[tuple[Labels, Shot]]:
    """Returns ``count`` pictures to train on, the pairs in turn; a longer set begins with the shorter one."""
    pairs = [pair for pair in PAIRS if not is_held_out(*pair)]
    random.Random(0).shuffle(pairs)
    return [
        draw(f"{SHAPES[shape]}/{number:05d}.webp", shape, material)
        for number, (shape, material) in ((number, pairs[number % len(pairs)]) for number in range(count))
    ]


def render_missing(pictures: list[tuple[Labels, Shot]], folder: Path, jobs: int) -> None:
    """Renders every picture that ``folder`` lacks; each appears under its name once it is whole."""

    def render(picture: tuple[Labels, Shot]) -> None:
        target = folder / picture[0].file
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_suffix(".part")
            trace(picture[1]).save(part, "WEBP", quality=75, method=6)
            part.replace(target)

    with ThreadPoolExecutor(jobs) as pool:
        for done, _ in enumerate(pool.map(render, pictures), 1):
            if done % 500 == 0:
                print(f"{done} of {len(pictures)}", flush=True)


def labels_table(pictures: list[tuple[Labels, Shot]]) -> str:
    """Returns the labels of all pictures as CSV with a heading."""
    text = io.StringIO()
    rows = csv.DictWriter(text, list(Labels.__dataclass_fields__), lineterminator="\n")
    rows.writeheader()
    rows.writerows(asdict(known) for known, _ in pictures)
    return text.getvalue()


def write_archive(pictures: list[tuple[Labels, Shot]], folder: Path, target: Path) -> None:
    """Packs the pictures of ``folder`` and ``labels.csv`` into ``target``, byte for byte the same each time."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for known, _ in pictures:
            archive.writestr(zipfile.ZipInfo(known.file, (1980, 1, 1, 0, 0, 0)), (folder / known.file).read_bytes())
        table = zipfile.ZipInfo("labels.csv", (1980, 1, 1, 0, 0, 0))
        archive.writestr(table, labels_table(pictures), zipfile.ZIP_DEFLATED)


def write_sheet(target: Path, jobs: int) -> None:
    """Writes one picture of each shape in each material, a row a shape."""
    shots = [draw(f"sheet {shape} {material}", shape, material)[1] for shape, material in PAIRS]
    sheet = Image.new("RGB", (len(MATERIALS) * SIDE, len(SHAPES) * SIDE))
    with ThreadPoolExecutor(jobs) as pool:
        for (shape, material), image in zip(PAIRS, pool.map(trace, shots), strict=True):
            sheet.paste(image, (material * SIDE, shape * SIDE))
    sheet.save(target)


def main(argv: list[str] | None = None) -> int:
    """Renders what the command line asks for; returns the exit status."""
    parser = argparse.ArgumentParser(description="Render the objects set with POV-Ray.")
    parser.add_argument("--training", type=int, metavar="COUNT", help="render so many pictures to train on instead")
    parser.add_argument("--out", type=Path, help="folder of the pictures (default: runs/objects)")
    parser.add_argument("--sheet", type=Path, help="write only an overview of all shapes and materials")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="pictures rendered at once")
    args = parser.parse_args(argv)
    if args.training and not args.out:
        parser.error("--training needs --out FOLDER: these pictures are not part of the project")
    try:
        if args.sheet:
            write_sheet(args.sheet, args.jobs)
            return 0
        pictures = training(args.training) if args.training else shipped()
        folder = args.out or HERE.parents[1] / "runs" / "objects"
        render_missing(pictures, folder, args.jobs)
    except RenderError as error:
        print(error, file=sys.stderr)
        return 1
    if args.training:
        (folder / "labels.csv").write_text(labels_table(pictures), encoding="utf-8")
    else:
        write_archive(pictures, folder, HERE / "objects.zip")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
