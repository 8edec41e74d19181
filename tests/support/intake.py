"""All images of a source at once, with what was left out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.data.archives import LabelledImage, iter_images


@dataclass(frozen=True)
class Intake:
    """What came of reading: every file is either among the images or counted, by reason, as skipped."""

    images: tuple[LabelledImage, ...]
    skipped: dict[str, int]
    total: int


def read_images(paths: Sequence[Path], **asked: Any) -> Intake:
    """Collect what `iter_images` yields for these paths and options."""
    skipped: Counter[str] = Counter()
    pictures = tuple(iter_images(paths, skipped=skipped, **asked))
    return Intake(pictures, dict(skipped), len(pictures) + sum(skipped.values()))
