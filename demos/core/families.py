"""Which kind of network each recipe gives and each tab uses."""

from __future__ import annotations

from collections.abc import Mapping

from models.hub.records import Family

FAMILIES: Mapping[str, tuple[str, ...]] = {  # what each tab can use
    "cyclegan": ("cyclegan",),
    "mae": ("mae",),
    "vae": ("vae",),
    "embeddings": ("contrastive", "supervised", "mae"),
}

FAMILY_OF: Mapping[str, Family] = {  # recipe -> the kind of network it gives
    "cyclegan": "cyclegan", "mae": "mae", "vae": "vae",
    "simsiam": "contrastive", "simclr": "contrastive", "moco": "contrastive", "supervised": "supervised",
}  # fmt: skip


TAB_OF: Mapping[Family, str] = {  # where such a network is at home
    "cyclegan": "cyclegan", "mae": "mae", "vae": "vae", "contrastive": "embeddings", "supervised": "embeddings",
}  # fmt: skip
