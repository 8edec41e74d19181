"""Images for training: what is held out, how they are kept in memory, how they are augmented.

Training images are decoded once to uint8 tensors (N, 3, S, S); batches are float in [-1, 1]. Which images a step
sees depends on the seed and the step alone, so a resumed run continues exactly.
"""

from __future__ import annotations

import logging
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from models.data.archive_entries import SPLIT_FOLDER, Limits, entries_of
from models.data.archives import iter_images
from models.data.images import has_image_suffix, square_crop
from models.training.failures import NoImagesError

log = logging.getLogger(__name__)

SPLITTABLE = 8  # images of a set, from which on some are always held out
NAMES_LOGGED = 10  # of the files of a source that are left out
# Of a data set on this machine: any number of files, but no single file larger than an upload may have.
LIMITS = Limits(
    max_entries=sys.maxsize, max_total_bytes=sys.maxsize, max_total_pixels=sys.maxsize, max_index_bytes=sys.maxsize
)


def held_out(names: Iterable[str]) -> set[str]:
    """Return which images of one source no recipe may train on, chosen by name alone, for each of two unpaired sets.

    A set with a folder called test or val (also testA, testB) holds out those folders; otherwise every fifth
    image of each folder in name order where the source has several folders, and the last 5 % by name where it has none.
    Of eight images or more at least two are held out, the last by name where these rules give fewer.
    """
    names = sorted(names)
    several = len({PurePosixPath(name).parent for name in names}) > 1
    return {name for members in _by_set(names).values() for name in _held_out_of(members, several)}


def _by_set(names: Iterable[str]) -> dict[str, list[str]]:
    """Return names by the set, "a", "b" or neither."""
    sets: dict[str, list[str]] = defaultdict(list)
    for name in names:
        sets[domain_of(name)].append(name)
    return sets


def _held_out_of(names: Sequence[str], several: bool) -> Iterable[str]:
    """Return which images of one set are held out; `several` tells whether its source has more than one folder."""
    if marked := [name for name in names if any(split and split[1] for split in _splits(name))]:
        return marked
    folders: dict[str, list[str]] = defaultdict(list)
    for name in names:
        folders[str(PurePosixPath(name).parent)].append(name)
    fewest = 2 if len(names) >= SPLITTABLE else 0
    chosen = [name for members in folders.values() for name in members[4::5]] if several else []
    if several and len(chosen) >= fewest:
        return chosen
    return names[len(names) - max(fewest, len(names) // 20) :]


def _splits(name: str) -> list[re.Match[str] | None]:
    """Return for each folder of a path what it says of a split, if anything."""
    return [SPLIT_FOLDER.fullmatch(part) for part in PurePosixPath(name).parts[:-1]]


def label_of(name: str) -> str:
    """Return the folder, or zip, that names an image's class, without split folders; empty where there is none.

    Of two unpaired sets without such folders, the class is the set, "A" or "B".
    """
    parts = [part for part in PurePosixPath(name).parts[:-1] if not SPLIT_FOLDER.fullmatch(part)]
    return parts[-1].removesuffix(".zip") if parts else domain_of(name).upper()


def domain_of(name: str) -> str:
    """Return "a" or "b" for images in folders such as trainA and testB, else an empty string."""
    return next((split[2].lower() for split in _splits(name) if split and split[2]), "")


@dataclass(frozen=True)
class ImageSet:
    """Images in memory: uint8 (N, 3, S, S) with their names, and class numbers where folders gave labels."""

    images: Tensor
    names: tuple[str, ...]
    labels: Tensor
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    @classmethod
    def empty(cls, classes: tuple[str, ...] = ()) -> ImageSet:
        """Return a set without images."""
        return cls(torch.empty(0, 3, 1, 1, dtype=torch.uint8), (), torch.empty(0, dtype=torch.long), classes)

    def select(self, keep: Sequence[int]) -> ImageSet:
        """Return the images at these places, with the same classes."""
        index = torch.as_tensor(keep, dtype=torch.long)
        return ImageSet(self.images[index], tuple(self.names[i] for i in keep), self.labels[index], self.classes)

    def batch(self, index: Tensor) -> Tensor:
        """Return the images at these places as floats in [-1, 1], (B, 3, S, S)."""
        return self.images[index].float() / 127.5 - 1.0


def _read(source: Path, image_size: int, most: int | None, skipped: Counter[str]) -> dict[str, Tensor]:
    """Return a source's images by name, in name order, uint8 (3, S, S); count and log files left out, and why."""
    from torchvision.transforms.v2 import functional as TF  # takes a second to import

    if not source.exists():
        raise FileNotFoundError(f"There is no {source}; give a zip or a folder of pictures.")
    entries = list(entries_of([source], LIMITS))
    names = sorted(entry.name for entry in entries if not entry.reason)
    wanted = {entry.name for entry in entries}
    if most is not None:
        likely = [name for name in names if has_image_suffix(name)] or names
        sets = _by_set(likely)
        wanted = {one for each in sets.values() for one in each[:: max(1, len(each) * len(sets) // most)]}
    reasons = Counter[str]()
    read = iter_images([source], max_side=None, limits=LIMITS, skipped=reasons, wanted=wanted.__contains__)
    images = {one.name: TF.pil_to_tensor(square_crop(one.image, image_size)) for one in read}
    skipped.update(reasons)
    if reasons:
        left_out = [name for name in names if name in wanted and name not in images]
        log.warning("%s: left out %s: %s", source.name, _listed(reasons), ", ".join(left_out[:NAMES_LOGGED]))
    return dict(sorted(images.items()))


def _listed(reasons: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())


def load_split(sources: Sequence[Path], image_size: int, most: int | None = None) -> tuple[ImageSet, ImageSet]:
    """Decode all images of zips and folders to squares and return the training and the held-out part.

    They are read as uploads are (`models.data.archives`); files that are left out are named, with the reason, in
    the log.

    Args:
        sources: zips or folders; classes are told apart by source and folder. Beside others, one that is itself called
            test or val (also testA, testB) is held out whole.
        image_size: side of the squares in pixels.
        most: about how many images of each source are enough, evenly spread over the names; None for all.

    Raises:
        FileNotFoundError: if a source does not exist.
        NoImagesError: if no image could be read.
    """
    rows: list[tuple[Tensor, str, str, bool]] = []  # image, name, label, whether it is held out
    skipped = Counter[str]()
    apart = [source for source in sources if (split := SPLIT_FOLDER.fullmatch(source.stem)) and split[1]]
    for source in sources:
        found = _read(source, image_size, most, skipped)
        test_names = set(found) if source in apart and len(apart) < len(sources) else held_out(found)
        for name, image in found.items():
            label = f"{source.stem}/{label_of(name)}" if label_of(name) else ""
            rows.append((image, f"{source.stem}/{name}", label, name in test_names))
    if not rows:
        why = f": {_listed(skipped)}. Give other files" if skipped else "; they hold no files"
        raise NoImagesError(f"No picture could be read from {', '.join(map(str, sources))}{why}.")
    images, names, labels, test = zip(*rows, strict=True)
    classes = tuple(sorted(set(labels)))
    number = {label: i for i, label in enumerate(classes)}
    everything = ImageSet(torch.stack(images), names, torch.tensor([number[one] for one in labels]), classes)
    train = [i for i, one in enumerate(test) if not one]
    return everything.select(train), everything.select([i for i, one in enumerate(test) if one])


def fingerprints(*sets: ImageSet) -> frozenset[str]:
    """Return a hash of each image with its label, whatever its file is called."""
    return frozenset(
        sha256(one.classes[label].partition("/")[2].encode() + image.contiguous().numpy().tobytes()).hexdigest()[:16]
        for one in sets
        for image, label in zip(one.images, one.labels.tolist(), strict=True)
    )


def batch_index(length: int, batch_size: int, step: int, seed: int) -> Tensor:
    """Return which images step number `step` sees, (batch_size,): every epoch is a new permutation of all.

    The stream of images is the concatenation of one seeded permutation an epoch; a batch may straddle two.

    Raises:
        ValueError: if there are none.
    """
    if length == 0:
        raise ValueError("All pictures are held out, by the names of their folders; put some elsewhere.")
    start = step * batch_size
    parts = []
    while batch_size > 0:
        epoch, offset = divmod(start, length)
        order = torch.randperm(length, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
        part = order[offset : offset + batch_size]
        parts.append(part)
        start, batch_size = start + len(part), batch_size - len(part)
    return torch.cat(parts)
