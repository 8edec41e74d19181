"""What is known of a file of weights before it is opened: what it is, where it lies, under which licence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Family = Literal["cyclegan", "mae", "vae", "contrastive", "supervised"]

WEIGHTS = Path(__file__).resolve().parents[2] / "assets" / "weights"
PRIVATE = "own/"  # begins the names of weights that belong to one visitor
MB = 1_000_000


@dataclass(frozen=True)
class Checkpoint:
    """One record per file of weights: what it is, where it lies, under which licence.

    Attributes:
        name: Unique; what `load_model` takes.
        family: The kind of network, which decides the tabs that offer it.
        summary: Title for menus and tables.
        paper: Where it comes from, such as "arXiv 1703.10593".
        license: Of the file, as an SPDX name where there is one, or "not stated".
        non_commercial: Whether the licence, or the authors' where the two disagree, forbids commercial use.
        layout: Key of `models.formats.registry.LAYOUTS` that the file must have; empty for our own weights folders.
        repo_id: Repository on the Hub, or empty.
        repo_type: "model" or "space".
        filename: Path of the file in the repository, or of its name at `url`.
        revision: Full commit, or None where no full one is known: then the newest is asked for, and what was
            fetched stays pinned in the cache.
        url: Address of a file that is not on the Hub, or empty.
        sha256: Of the file, in full or its first digits as its authors publish them; empty where unknown.
        size: Bytes; rounded where only megabytes are known. 0 for our own.
        exact_size: Whether `size` is exact and a file of another size is refused.
        latent: For autoencoders: "global" (one vector an image) or "spatial" (a small map of vectors).
        direction: For CycleGAN generators: "apple2orange" or "orange2apple"; "a2b" or "b2a" for the two of a pair
            whose domains have no name; empty for a single generator of other domains.
        partner: Name of the generator of the opposite direction.
        lesson: Whether they were trained to show what goes wrong, such as a half of a recipe without the other, or
            only judge what others make; tabs that teach load them by name, and no menu offers them.
        note: What a user should know, such as what was not verified.
    """

    name: str
    family: Family
    summary: str
    paper: str
    license: str = "MIT"
    non_commercial: bool = False
    layout: str = ""
    repo_id: str = ""
    repo_type: Literal["model", "space"] = "model"
    filename: str = ""
    revision: str | None = None
    url: str = ""
    sha256: str = ""
    size: int = 0
    exact_size: bool = False
    latent: Literal["", "global", "spatial"] = ""
    direction: str = ""
    partner: str = ""
    lesson: bool = False
    note: str = ""

    @property
    def is_own(self) -> bool:
        """Return whether these are our own weights, which lie in a folder with their config."""
        return not self.layout and not self.repo_id and not self.url and not is_private(self.name)

    @property
    def is_verified(self) -> bool:
        """Return whether the record pins exactly one file: by a full commit, or by digits of its hash."""
        return self.is_own or bool(self.revision) or bool(self.sha256)

    @property
    def folder(self) -> Path:
        """Where our own weights lie on disk."""
        return WEIGHTS / self.name

    @property
    def page(self) -> str:
        """Address a person can open to read about the weights."""
        if self.repo_id:
            return f"https://huggingface.co/{'spaces/' if self.repo_type == 'space' else ''}{self.repo_id}"
        return self.url


def is_private(name: str) -> bool:
    """Return whether a name is of weights that belong to one visitor."""
    return name.startswith(PRIVATE)


def size_text(size: int) -> str:
    """Return a number of bytes for people, such as "448 MB" or "1.32 GB"."""
    if size >= 1_000 * MB:
        return f"{size / 1e9:.2f} GB"
    return f"{size / 1e6:.1f} MB" if size < 100 * MB else f"{size / 1e6:.0f} MB"
