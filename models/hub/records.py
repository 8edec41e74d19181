"""The record of a file of weights: what it is, where it lies, under which licence."""

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
    """One file of weights.

    Attributes:
        name: Unique name, which `load_model` takes.
        family: The kind of network, which decides the tabs that offer it.
        summary: Title for menus and tables.
        paper: Source, such as "arXiv 1703.10593".
        license: SPDX name where there is one, or "not stated".
        non_commercial: Whether the licence, or the authors' where the two disagree, forbids commercial use.
        layout: Key of `models.formats.registry.LAYOUTS`; empty for our own weights folders.
        repo_id, repo_type: Repository on the Hub, or empty; "model" or "space".
        filename: Path of the file in the repository, or its name at `url`.
        revision: Full commit, or None for the newest where no full one is known.
        url: Address of a file that is not on the Hub, or empty.
        sha256: In full or its first digits as its authors publish them; empty where unknown.
        size: Bytes; rounded where only megabytes are known. 0 for our own.
        exact_size: Whether a file of another size is refused.
        latent: For autoencoders: "global" (one vector an image) or "spatial" (a map of vectors).
        direction: For CycleGAN generators: "apple2orange" or "orange2apple"; "a2b" or "b2a" for the two of a pair
            whose domains have no name; empty for a single generator of other domains.
        partner: Name of the generator of the opposite direction.
        lesson: Whether tabs load them by name and no menu offers them: ablations, discriminators and classifiers.
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
        """Whether these are our own weights, a folder with a config."""
        return not self.layout and not self.repo_id and not self.url and not is_private(self.name)

    @property
    def is_verified(self) -> bool:
        """Whether a full commit or digits of the hash pin the file."""
        return self.is_own or bool(self.revision) or bool(self.sha256)

    @property
    def folder(self) -> Path:
        """Folder of our own weights."""
        return WEIGHTS / self.name

    @property
    def page(self) -> str:
        """Address of a page about the weights."""
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
