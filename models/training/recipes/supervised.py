"""Supervised baseline: the contrastive methods' backbone with labels (cross entropy, arXiv 1512.03385 §3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from models.analysis.bootstrap import Estimate, mean_of
from models.networks.backbones import ResNet
from models.training.data.augmentations import crop_and_flip
from models.training.data.dataset import ImageSet, label_of
from models.training.distributed import Processes
from models.training.recipes._base import Export, Recipe, TrainConfig
from models.training.recipes.classifier import Classifier
from models.training.recipes.contrastive import ContrastiveConfig, ContrastiveRecipe, labelled
from models.training.recipes.monitoring import LOSS_CHART, Chart
from models.training.recipes.optimization import numbers
from models.training.recipes.options import option


@dataclass(frozen=True)
class SupervisedConfig(ContrastiveConfig):
    """Options of the supervised baseline."""

    label_smoothing: float = option(0.1, "share of the target spread over all classes", min=0.0, max=0.9)


class SupervisedRecipe(ContrastiveRecipe):
    """Trains the backbone and a linear classifier on folder names as labels."""

    name, order = "supervised", 70
    Config: ClassVar[type[TrainConfig]] = SupervisedConfig
    family = "supervised"
    start_families = ("supervised", "contrastive")
    needs_labels = True
    image_counts = (8, 200, 2000)
    advise = staticmethod(Recipe.advise)  # with labels there is no collapse
    charts = (Chart("accuracy", ("accuracy",), (0.0, 1.0)), LOSS_CHART)

    def __init__(self, config: Any, train: ImageSet, test: ImageSet, processes: Processes) -> None:
        if len(train.classes) < 2:
            raise ValueError("Supervised training needs pictures in at least two folders, whose names are the labels.")
        self.num_classes = len(train.classes)
        super().__init__(config, train, test, processes)

    @staticmethod
    def lacks(names: Sequence[str]) -> str | None:
        """Return "needs_labels" if there are fewer than two folders to take labels from."""
        return None if len({label_of(name) for name in names}) >= 2 else "needs_labels"

    def build(self, config: Any, backbone: ResNet) -> nn.Module:
        """Return the backbone with its classifier."""
        backbone.fc = nn.Linear(backbone.feature_dim, self.num_classes)
        return backbone

    def step(self, step: int) -> dict[str, float]:
        """Move down the cross entropy of one batch."""
        index = self.batch_index(self.train, step)
        device = self.processes.device
        images, labels = self.train.images[index].to(device), self.train.labels[index].to(device)
        scores: Tensor = self.method(crop_and_flip(images, self.config.image_size))
        loss = F.cross_entropy(scores.float(), labels, label_smoothing=self.config.label_smoothing)
        rate = self.descend(loss, step)
        accuracy = (scores.argmax(dim=1) == labels).float().mean()
        return numbers({"loss": loss, "accuracy": accuracy, "learning_rate": rate})

    def evaluate(self, classifier: Classifier | None = None, thorough: bool = False) -> dict[str, Estimate]:
        """Return the share of held-out images that the classifier names right, and what its features are good for."""
        test = labelled(self.test)
        right = self.in_eval_mode(test, self.backbone).argmax(dim=1) == test.labels
        return {"accuracy": mean_of(right), **super().evaluate(classifier, thorough)}

    def exports(self) -> dict[str, Export]:
        """Return the backbone with its classifier."""
        export = super().exports()[""]
        return {"": replace(export, args={**export.args, "num_classes": self.num_classes}, classes=self.train.classes)}
