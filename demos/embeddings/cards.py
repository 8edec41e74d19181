"""The shelf of the map tab and its thumbnails, which are drawn from the prepared maps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageOps

from demos.embeddings.builder import MAX_IMAGES
from demos.embeddings.collection import Collection, Settings, neighbours_of
from demos.embeddings.map_image import map_image
from demos.embeddings.precomputed import Precomputed, load_set
from demos.embeddings.training_timeline import FRAMES_FILE, load_frames
from demos.ui.shelf.shelf import Group
from demos.ui.shelf.thumbnails import SIDE, STEPS, pair, save_thumbnails, wide

TITLES: Mapping[Group, Mapping[str, str]] = {  # of the cards by their names
    "play": {"own": "upload"}, "inside": {"twins": "compare", "learning": "learning", "pairs": "views"},
}  # fmt: skip
TILE = 26  # pixels of a picture on a map in a thumbnail
SHOWN = 415  # picture of the built-in set that the figure follows


def precompute_thumbnails(folder: Path, source: Path) -> None:
    """Write the thumbnails from the set, the maps and the frames in a folder; `source` holds the images of the set."""
    collection = load_set(folder, source, MAX_IMAGES)
    known = {name: Precomputed.load(folder / f"{name}.npz", len(collection)) for name in ("simclr", "random")}
    maps = {name: one.maps[Settings(name)].coordinates for name, one in known.items()}
    square, broad = (SIDE, SIDE), (2 * SIDE, SIDE)
    drawn = {name: map_image(points, collection.sprite, square, TILE) for name, points in maps.items()}
    frames = load_frames(folder / FRAMES_FILE)
    steps = [map_image(frame.coordinates, collection.sprite, square, TILE) for frame in (frames[0], frames[-1])]
    shown = min(SHOWN, len(collection) - 1)
    (near, _), *_ = neighbours_of(known["simclr"].features, shown, 1)
    picture = thumbnail(collection, shown)
    images = {
        "own": wide(map_image(maps["simclr"], collection.sprite, broad, TILE)),
        "twins": pair(drawn["simclr"], drawn["random"]),
        "learning": pair(*steps),
        "pairs": pair(*views(picture)),
        STEPS[0]: pair(*views(picture)),
        STEPS[1]: pair(picture, thumbnail(collection, near)),
        STEPS[2]: wide(map_image(maps["simclr"], collection.sprite, broad, TILE)),
    }
    save_thumbnails(images, folder)


def thumbnail(collection: Collection, index: int) -> Image.Image:
    """Return one image of the set."""
    return collection.image(index).convert("RGB")


def views(picture: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Return two changed copies of an image, as in training: a crop, and a crop mirrored and without colours."""
    side = picture.width
    first = picture.crop((0, 0, round(0.75 * side), round(0.75 * side)))
    second = picture.crop((round(0.2 * side), round(0.2 * side), side, side))
    return first, ImageOps.mirror(second.convert("L").convert("RGB"))
