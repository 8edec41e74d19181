"""The ids of all tabs in the order in which the page shows them, those that are still to be built included."""

from __future__ import annotations

TAB_IDS = (
    "overview", "features", "cyclegan", "mae", "vae", "gan", "content_style", "embeddings", "few_labels", "train",
)  # fmt: skip
