"""The tour of each tab: what to point at, in order; the sentences are the texts ``tour.<tab>.<number>``."""

from __future__ import annotations

from collections.abc import Mapping

STOPS: Mapping[str, tuple[str, ...]] = {  # tab -> CSS selectors
    "cyclegan": (
        "#cyclegan-examples", "#cyclegan-translated", "#cyclegan-back", "#cyclegan-score", "#cyclegan-slider",
    ),
    "mae": ("#mae-examples", "#mae-ratio", "#mae-result-slider", "#mae-result-table", "#mae-kind"),
    "vae": ("#vae-a", "#vae-result-animation", "#vae-result-strip", "#vae-result-ends", "#vae-samples"),
    "embeddings": (
        "#embeddings-plot", "#embeddings-encoder", "#embeddings-neighbours", "#embeddings-guest", "#embeddings-scores",
    ),
    "train": ("#train-runs", "#train-view", "#train-limits", "#train-recipe", "#train-start"),
}  # fmt: skip
