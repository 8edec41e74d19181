"""Renders the built-in example pictures from the POV-Ray scenes in the folder ``scene``.

Every picture is ray-traced from geometry and formulas; no photo and no picture texture is used. Scenes draw
their random numbers from a fixed seed and POV-Ray runs single-threaded, so that a run repeats the files.

    python assets/examples/render.py --only fruit      # the apples and oranges, with their masks
    python assets/examples/render.py --name sea-sun    # one picture
    python assets/examples/render.py --check           # draws every scene tiny, writes nothing

Needs ``povray`` 3.7 (Debian: ``apt-get install povray povray-includes``).
"""

from __future__ import annotations

import argparse
import io
import os
import random
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
SCENE = HERE / "scene"
SIDE = 512
KIND_SIDE = 80
PER_KIND = 102
# The position of a name in this tuple is the number of its kind in scene/kinds.pov.
KINDS = (
    "apple", "orange", "lemon", "pear", "tomato", "mug", "vase", "chair",
    "tree", "house", "mountain", "sea", "book", "ball", "chess", "flower",
    "banana", "bottle", "mushroom", "snowman",
)  # fmt: skip


class RenderError(RuntimeError):
    """POV-Ray is missing or refused a scene."""


@dataclass(frozen=True)
class Shot:
    """One run of POV-Ray: a scene, the values declared for it, and the side of the square picture in pixels."""

    scene: Path
    side: int
    declare: Mapping[str, float] = field(default_factory=dict)


def trace(shot: Shot) -> Image.Image:
    """Returns the rendered RGB picture of a shot.

    Raises:
        RenderError: If ``povray`` is not installed or the scene does not render.
    """
    povray = shutil.which("povray")
    if povray is None:
        raise RenderError("povray was not found; install it (Debian: apt-get install povray povray-includes)")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "picture.png"
        command = [povray, f"+I{shot.scene}", f"+O{target}", f"+W{shot.side}", f"+H{shot.side}", f"+L{SCENE}"]
        command += ["-D", "-GA", "+FN8", "+A0.15", "+R2", "+WT1"]
        command += [f"Declare={name}={value}" for name, value in shot.declare.items()]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not target.exists():
            raise RenderError(f"{shot.scene.name} {dict(shot.declare)}:\n{done.stderr[-1500:]}")
        return Image.open(target).convert("RGB")


def to_mask(image: Image.Image) -> Image.Image:
    """Returns the 1-bit mask of a picture of glowing fruit on black (white = fruit)."""
    # Half of a pixel covered is 188 of 255 once the linear light is stored as sRGB.
    return Image.fromarray(np.asarray(image.convert("L")) >= 188)


def write_picture(scene: Path, folder: Path, side: int = SIDE) -> None:
    """Renders ``scene`` into ``folder`` as JPEG, and its fruit mask as PNG if the scene includes fruit.inc."""
    trace(Shot(scene, side)).save(folder / f"{scene.stem}.jpg", quality=90, optimize=True)
    if scene.parent.name == "fruit":
        mask = to_mask(trace(Shot(scene, side, {"Mask": 1})))
        mask.save(folder / f"{scene.stem}.mask.png", optimize=True)


def kind_shots(side: int = KIND_SIDE, per_kind: int = PER_KIND) -> Iterator[tuple[str, Shot]]:
    """Yields the archive name and the shot of every picture of the labelled set, kind after kind."""
    for number, kind in enumerate(KINDS):
        # Neighbouring seeds give similar first numbers in POV-Ray, so they are scattered here.
        chance, seeds = random.Random(kind), dict[int, None]()
        while len(seeds) < per_kind:
            seeds[chance.randrange(200_000)] = None  # one that was drawn before would give the same picture
        for index, seed in enumerate(seeds):
            declare = {"Kind": number, "Seed": seed}
            yield f"{kind}/{kind}-{index + 1:03d}.webp", Shot(SCENE / "kinds.pov", side, declare)


def write_kinds(target: Path, jobs: int) -> None:
    """Renders the labelled set into the zip archive ``target``; the folder of a picture is its label."""
    names, shots = zip(*kind_shots(), strict=True)
    with ThreadPoolExecutor(jobs) as pool, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, image in zip(names, pool.map(trace, shots), strict=True):
            encoded = io.BytesIO()
            image.save(encoded, "WEBP", quality=80, method=6)
            # A fixed date keeps the archive the same from run to run.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), encoded.getvalue())


def picture_scenes(only: str | None, name: str | None) -> list[Path]:
    """Returns the scene files of the chosen set (``fruit``, ``scenes`` or both), or the one called ``name``."""
    folders = [only] if only else ["fruit", "scenes"]
    scenes = [path for folder in folders for path in sorted((SCENE / folder).glob("*.pov"))]
    return [path for path in scenes if name in (None, path.stem)]


def check(side: int = 32) -> int:
    """Draws every scene and one picture of each kind at ``side`` pixels and returns how many were drawn.

    Raises:
        RenderError: If one of them does not render.
    """
    shots = [Shot(scene, side) for scene in picture_scenes(None, None)]
    shots += [shot for _, shot in kind_shots(side, per_kind=1)]
    for shot in shots:
        trace(shot)
    return len(shots)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Returns the parsed command line."""
    parser = argparse.ArgumentParser(description="Render the built-in example pictures with POV-Ray.")
    parser.add_argument("--only", choices=("fruit", "scenes", "kinds"), help="render only this set")
    parser.add_argument("--name", help="render only the fruit or scene picture with this name")
    parser.add_argument("--check", action="store_true", help="draw everything tiny and write nothing")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="pictures rendered at once")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Renders what the command line asks for; returns the exit status."""
    args = parse_args(argv)
    try:
        if args.check:
            print(f"{check()} scenes draw")
            return 0
        if args.only != "kinds":
            scenes = picture_scenes(args.only, args.name)
            if not scenes:
                raise RenderError(f"no scene is called {args.name!r}; see the .pov files in assets/examples/scene")
            with ThreadPoolExecutor(args.jobs) as pool:
                for _ in pool.map(lambda scene: write_picture(scene, HERE / scene.parent.name), scenes):
                    pass
        if args.only in (None, "kinds") and args.name is None:
            write_kinds(HERE / "kinds.zip", args.jobs)
    except RenderError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
