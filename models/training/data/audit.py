"""The audit of images before training: what was skipped, what repeats, what is blurred.

`take_in` reads untrusted uploads once, keeps clean copies in a folder that `load_split` understands (``train/`` and
``test/``, below them a folder for each label or set), and returns an `Audit` of plain numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from models.data.archive_entries import Limits, entries_of
from models.data.archives import iter_images
from models.data.images import MIN_SIDE, read_image, square_crop, to_tensor
from models.training.data.dataset import domain_of, held_out

KEPT_SIDE = 512  # pixels; no recipe's preset trains larger
QUALITY = 92  # of the copies, WebP
THUMBNAIL = 64  # pixels
MAX_THUMBNAILS = 48
SHARPNESS_SIDE = 128  # pixels at which blur is judged, so that a large photo is not called sharper than a small one
BLURRED_BELOW = 40.0  # variance of the Laplacian in squared levels of 0 to 255
NEAR_BITS = 5  # of 63: perceptual hashes that differ in no more belong to near duplicates
UNEVEN_RATIO = 3.0  # largest to smallest label
FEWEST = 4  # images of a set: one is held out, and a step needs two or three that differ


@dataclass(frozen=True)
class Audit:
    """What `take_in` saw, of one set of images."""

    count: int  # images kept
    total: int  # files seen
    # Code of `models.data.archives` -> files left out; "repeated" are exact copies, and of images "too_narrow"
    # shrinking makes less than `MIN_SIDE`.
    skipped: Mapping[str, int]
    labels: Mapping[str, int]  # label -> number of images; empty where there are none
    sides: tuple[int, int, int]  # smallest, median and largest short side in pixels, as read (at most `KEPT_SIDE`)
    near_duplicates: int  # images that look like an earlier one
    blurred: int  # images whose sharpness is under `BLURRED_BELOW`
    held_out: int  # images set aside to measure with, among `count`
    thumbnails: Image.Image  # one RGB sheet of up to `MAX_THUMBNAILS` images of `THUMBNAIL` pixels, spread over all

    @property
    def smooth(self) -> bool:
        """Return whether most images have no sharp edge: all are blurred, or the subject is soft, as galaxies are."""
        return self.blurred > self.count / 2


class _Kept(NamedTuple):
    """What is noted of an image while only one of them is in memory."""

    path: Path
    name: str
    label: str
    side: int
    hash: Tensor
    sharpness: float


class TooFewImagesError(ValueError):
    """There are `count` usable images and `fewest` are needed in a set; `skipped` counts what was left out."""

    def __init__(self, count: int, fewest: int, skipped: Mapping[str, int], domain: str = "") -> None:
        super().__init__(f"{count} usable pictures are too few to train on; give at least {fewest}.")
        self.count, self.fewest, self.skipped, self.domain = count, fewest, dict(skipped), domain


def take_in(
    paths: Sequence[Path],
    folder: Path,
    domain: Literal["", "A", "B"] = "",
    max_images: int = 10_000,
    fewest: int = FEWEST,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    progress: Callable[[int], None] = lambda done: None,
) -> Audit:
    """Copy the usable images of files, folders and zips into a dataset folder and describe them.

    Exact copies are left out. What a source held out (a folder called test or val) stays held out; otherwise
    every fifth image of each label is, or without labels the last twentieth by name.

    Args:
        paths: Files, folders and zips mixed, untrusted.
        folder: Receives ``train/`` and ``test/``, for a domain ``trainA/`` and so on.
        domain: Which of CycleGAN's two sets this is; its labels are then left aside. Of paths that hold both sets,
            only this one is taken.
        max_images: More are counted as "too_many".
        fewest: Images that are needed.
        limits: How much may be read.
        progress: Called with the number of images so far.

    Raises:
        TooFewImagesError: If fewer than `fewest` can be used.
        OSError: If one of the paths cannot be opened or a copy cannot be written.
    """
    skipped: Counter[str] = Counter()
    kept, seen = list[_Kept](), set[bytes]()
    waiting = folder / f"incoming{domain}"
    waiting.mkdir(parents=True)
    other = "ab".replace(domain.lower(), "") if domain and holds_two_sets(paths, limits) else None
    images = iter_images(
        paths,
        max_images=max_images,
        max_side=KEPT_SIDE,
        limits=limits,
        skipped=skipped,
        wanted=lambda name: domain_of(name) != other,
    )
    for picture in images:
        if min(picture.image.size) < MIN_SIDE:  # shrinking made a long thin image thinner still
            skipped["too_narrow"] += 1
            continue
        digest = sha256(f"{picture.image.size}".encode() + picture.image.tobytes()).digest()
        if digest in seen:
            skipped["repeated"] += 1
            continue
        seen.add(digest)
        path, image = waiting / f"{len(kept):06d}.webp", picture.image
        image.save(path, "WEBP", quality=QUALITY, method=2)
        label = "" if domain else picture.label or ""
        kept.append(_Kept(path, picture.name, label, min(image.size), perceptual_hash(image), sharpness(image)))
        progress(len(kept))
    if len(kept) < fewest:
        raise TooFewImagesError(len(kept), fewest, skipped, domain)
    paths, test = _sort_in(kept, folder, domain)
    waiting.rmdir()
    return _describe(kept, paths, skipped, test)


def holds_two_sets(paths: Sequence[Path], limits: Limits = Limits()) -> bool:  # noqa: B008 (frozen)
    """Return whether files, folders and zips hold both of CycleGAN's sets, in folders such as trainA and testB.

    Raises:
        OSError: If one of the paths cannot be opened.
    """
    return {"a", "b"} <= {domain_of(entry.name) for entry in entries_of(paths, limits)}


def _sort_in(kept: Sequence[_Kept], folder: Path, domain: str) -> tuple[list[Path], int]:
    """Move the copies into training and held-out folders; return their new paths and how many are held out."""
    labels = [one.label for one in kept]
    places = [f"{one.label}/{one.name}" for one in kept]
    marked = held_out(places if len(set(labels)) > 1 else [one.name for one in kept])
    test = [place in marked or one.name in marked for place, one in zip(places, kept, strict=True)]
    if not 0 < sum(test) < len(test):  # too few for the general rule, or everything lay in a folder called test
        test = [index % 5 == 4 or index == len(test) - 1 for index in range(len(test))]
    names, paths = folder_names(labels), list[Path]()
    for one, aside in zip(kept, test, strict=True):
        target = folder / f"{'test' if aside else 'train'}{domain}" / names[one.label] / one.path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        paths.append(one.path.replace(target))
    return paths, sum(test)


def folder_names(labels: Sequence[str]) -> dict[str, str]:
    """Return a safe, distinct folder name for each label; images without one need no folder where none has one.

    The labels come from untrusted names: only letters and digits are kept, and a number tells equals apart.
    """
    names: dict[str, str] = {}
    for number, label in enumerate(sorted(set(labels))):
        safe = "".join(char if char.isalnum() else "-" for char in label)[:40].strip("-")
        names[label] = f"{number:02d}-{safe}" if label else ("" if len(set(labels)) == 1 else "00-other")
    return names


def _describe(kept: Sequence[_Kept], paths: Sequence[Path], skipped: Counter[str], test: int) -> Audit:
    counts = Counter(one.label for one in kept if one.label)
    sides = sorted(one.side for one in kept)
    shown = paths[:: max(1, len(paths) // MAX_THUMBNAILS)][:MAX_THUMBNAILS]
    return Audit(
        count=len(kept),
        total=len(kept) + sum(skipped.values()),
        skipped=dict(skipped),
        labels=dict(counts.most_common()) if len(counts) > 1 else {},
        sides=(sides[0], int(median(sides)), sides[-1]),
        near_duplicates=count_near_duplicates(torch.stack([one.hash for one in kept])),
        blurred=sum(one.sharpness < BLURRED_BELOW for one in kept),
        held_out=test,
        thumbnails=contact_sheet([square_crop(read_image(path), THUMBNAIL) for path in shown]),
    )


def sharpness(image: Image.Image) -> float:
    """Return the variance of the Laplacian, in squared levels, of an image shrunk to `SHARPNESS_SIDE` pixels.

    Low values mean that nothing in the image has an edge: blur, or a plain surface.
    """
    grey = to_tensor(square_crop(image, min(SHARPNESS_SIDE, *image.size))).mean(dim=1, keepdim=True) * 127.5
    kernel = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])[None, None]
    return float(F.conv2d(grey, kernel).var())


def perceptual_hash(image: Image.Image) -> Tensor:
    """Return 63 signs, -1 or 1, of the lowest frequencies of an image: alike for images that look alike.

    The image is shrunk to 32 x 32 grey levels; of its discrete cosine transform the 8 x 8 lowest terms but the
    mean are compared with their median.
    """
    from scipy.fft import dctn

    grey = to_tensor(image.convert("RGB").resize((32, 32), Image.Resampling.BILINEAR)).mean(dim=1)[0]
    terms = torch.from_numpy(dctn(grey.numpy()))[:8, :8].flatten()[1:]
    return torch.where(terms > terms.median(), 1.0, -1.0)


def count_near_duplicates(hashes: Tensor) -> int:
    """Return how many rows of (N, 63) signs differ in at most `NEAR_BITS` places from an earlier row."""
    found = 0
    for start in range(0, len(hashes), 512):
        block = hashes[start : start + 512]
        differing = (hashes.shape[1] - block @ hashes[: start + len(block)].T) / 2
        earlier = torch.arange(differing.shape[1])[None, :] < torch.arange(start, start + len(block))[:, None]
        found += int(((differing <= NEAR_BITS) & earlier).any(dim=1).sum())
    return found


def contact_sheet(images: Sequence[Image.Image], columns: int = 12) -> Image.Image:
    """Return equally large square images in rows on one RGB sheet."""
    from torchvision.transforms.v2.functional import pil_to_tensor, to_pil_image  # takes a second to import
    from torchvision.utils import make_grid

    pixels = torch.stack([pil_to_tensor(image) for image in images])
    return to_pil_image(make_grid(pixels, columns, padding=0, pad_value=255))


def balance(labels: Mapping[str, int]) -> tuple[str, str, float]:
    """Return the largest and the smallest label and how many times larger the one is.

    Raises:
        ValueError: If there is no label.
    """
    if not labels:
        raise ValueError("There are no labels to compare.")
    most, least = max(labels, key=lambda label: labels[label]), min(labels, key=lambda label: labels[label])
    return most, least, labels[most] / labels[least]
