"""The record of a file of weights: what it is, where it lies, under which licence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Family = Literal["cyclegan", "mae", "vae", "contrastive", "supervised"]

DIRECTIONS = ("apple2orange", "orange2apple")  # that a generator of the tab's two domains may have

WEIGHTS = Path(__file__).resolve().parents[2] / "assets" / "weights"
PRIVATE = "own/"  # begins the names of weights that belong to one visitor
MB = 1_000_000
SETTINGS_FILES = ("config.json", "preprocessor_config.json")  # that libraries write beside a file of weights
MAX_SETTINGS_BYTES = MB


@dataclass(frozen=True)
class Checkpoint:
    """One file of weights."""

    name: str  # unique; what `load_model` takes
    family: Family  # the kind of network, which decides the tabs that offer it
    summary: str  # title for menus and tables
    paper: str  # source, such as "arXiv 1703.10593"
    license: str = "MIT"  # SPDX name where there is one, or "not stated"
    non_commercial: bool = False  # whether the licence, or the authors' where the two disagree, forbids commercial use
    layout: str = ""  # key of `models.formats.registry.LAYOUTS`; empty for our own weights folders
    repo_id: str = ""  # repository on the Hub, or empty
    repo_type: Literal["model", "space"] = "model"
    filename: str = ""  # path of the file in the repository, or its name at `url`
    revision: str | None = None  # full commit, or None for the newest where no full one is known
    url: str = ""  # address of a file that is not on the Hub, or empty
    sha256: str = ""  # in full or its first digits as its authors publish them; empty where unknown
    size: int = 0  # bytes; rounded where only megabytes are known. 0 for our own
    exact_size: bool = False  # whether a file of another size is refused
    latent: Literal["", "global", "spatial"] = ""  # of autoencoders: one vector an image, or a map of vectors
    # Of CycleGAN generators "apple2orange" or "orange2apple"; "a2b" or "b2a" for the two of a pair whose domains have
    # no name; empty for a single generator of other domains.
    direction: str = ""
    partner: str = ""  # name of the generator of the opposite direction
    # Whether tabs load them by name and no menu offers them: ablations, discriminators and classifiers.
    lesson: bool = False
    note: str = ""  # what a user should know, such as what was not verified
    beside: tuple[str, ...] = ()  # names of the files with settings in the same folder, fetched with it
    assumed: str = ""  # settings that neither tensors nor files beside them give, with what is assumed

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
