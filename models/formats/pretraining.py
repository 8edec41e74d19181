"""Layouts of self-supervised pretraining checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from models.formats.tensors import without, without_prefix


@dataclass(frozen=True)
class PretrainingLayout:
    """The prefix of the backbone's names, one that only this method has, and those of what only training needs."""

    prefix: str
    marker: str
    dropped: tuple[str, ...]

    def matches(self, tensors: Mapping[str, Tensor]) -> bool:
        """Return whether there is a backbone under the prefix, and the method's marker."""
        starts = (f"{self.prefix}conv1.weight", f"{self.prefix}cls_token")
        return any(name in tensors for name in starts) and any(key.startswith(self.marker) for key in tensors)

    def backbone(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the backbone's tensors by its own names; what is neither backbone nor listed keeps its name."""
        tensors = without(tensors, *self.dropped)
        rest = {key: value for key, value in tensors.items() if not key.startswith(self.prefix)}
        return {**without_prefix(tensors, self.prefix), **rest}


SIMSIAM = PretrainingLayout("encoder.", "predictor.", ("encoder.fc.", "predictor."))
MOCO = PretrainingLayout("encoder_q.", "encoder_q.", ("encoder_q.fc.", "encoder_k.", "queue"))
MOCO_V3 = PretrainingLayout(
    "base_encoder.", "base_encoder.", ("base_encoder.fc.", "base_encoder.head.", "predictor.", "momentum_encoder.")
)  # fmt: skip
# OpenMMLab's files of BYOL and others; the published ones may hold nothing but the backbone.
BYOL = PretrainingLayout(
    "backbone.", "backbone.", ("neck.", "head.", "target_net.", "online_net.", "data_preprocessor.")
)

MOCO_V3_HEADS = 12  # in its small vision transformer too, unlike everyone else's (6)
