"""An independent network that says what an image shows, or in whose features images are compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from models.checkpoints import CHECKPOINTS, load_folder, read_config
from models.networks.backbones import ResNet
from models.training.data.augmentations import scaled


class Classifier:
    """A ResNet of ours, in evaluation mode; `start` is a name of our own weights, or a weights folder.

    Raises:
        FileNotFoundError: if there are no such weights.
        ValueError: if they are not those of a ResNet.
    """

    def __init__(self, start: str) -> None:
        folder = CHECKPOINTS[start].folder if start in CHECKPOINTS else Path(start)
        model = load_folder(folder)
        if not isinstance(model, ResNet):
            raise ValueError(f"{start} is a {type(model).__name__}; choose a resnet, such as fruit-judge.")
        self.name, self._model = folder.name, model
        # What its classifier tells apart, in the order of its scores; empty without a classifier.
        self.classes: tuple[str, ...] = tuple(read_config(folder).get("classes", ()))

    def features(self, images: Tensor) -> Tensor:
        """Return the features (N, D) of images (N, 3, S, S) in [-1, 1] of any side."""
        return self._forward(images, self._model.forward_features)

    def predict_sets(self, images: Tensor) -> Tensor | None:
        """Return which of two unpaired sets each image (N, 3, S, S) seems to be of, (N,): 0 for A and 1 for B.

        None where the classifier was not trained to tell the sets A and B apart.
        """
        if [name.rpartition("/")[2] for name in self.classes] != ["A", "B"]:
            return None
        return self._forward(images, self._model).argmax(dim=1)

    @torch.inference_mode()
    def _forward(self, images: Tensor, ask: Callable[[Tensor], Tensor]) -> Tensor:
        return torch.cat([ask(scaled(part, self._model.img_size)) for part in images.cpu().split(64)])
