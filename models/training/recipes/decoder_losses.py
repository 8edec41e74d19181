"""What teaches a decoder beside pixels: features of a frozen encoder, and a discriminator."""

from __future__ import annotations

import torch
from torch import Tensor

from models.checkpoints import CHECKPOINTS, load_folder
from models.networks.backbones import ResNet
from models.networks.cyclegan import PatchDiscriminator
from models.networks.losses import feature_distance, hinge_discriminator_loss
from models.training.distributed import Processes
from models.training.recipes.optimization import descend, place

ENCODER = "moco-photos"  # our weights in whose features images are compared; never those that measure
FILTERS, RATE = 16, 2e-4  # base width and constant learning rate of the discriminator
LEAST_SIDE = 32  # pixels; below, the discriminator has no patch to score
LARGEST_SHIFT = 8  # pixels; the strides of the encoder's first stages divide it


class PerceptualDistance:
    """The distance of images in every stage of a frozen encoder of ours (arXiv 1801.03924 §3).

    Strided layers give some pixels more gradient than others, always at the same places of their grid, and a decoder
    learns to draw that grid. Both images therefore lose the same few rows and columns at their edges, at random.
    """

    def __init__(self, device: torch.device) -> None:
        encoder = load_folder(CHECKPOINTS[ENCODER].folder, device)
        assert isinstance(encoder, ResNet)
        self._encoder = place(encoder, device)

    def __call__(self, recon_x: Tensor, x: Tensor) -> Tensor:
        """Return the mean over the stages of `feature_distance` of images (N, 3, S, S) in [-1, 1]."""
        top, left = torch.randint(min(LARGEST_SHIFT, x.shape[-1] // 4), (2,)).tolist()
        recon_x, x = recon_x[..., top:, left:], x[..., top:, left:]
        with torch.no_grad():
            targets = list(self._encoder.forward_stages(x))
        stages = zip(self._encoder.forward_stages(recon_x), targets, strict=True)
        return torch.stack([feature_distance(stage.float(), target.float()) for stage, target in stages]).mean()


class Opponent:
    """A patch discriminator that learns to tell reconstructions from images (arXiv 1512.09300 §3; 2012.09841 §3.1)."""

    def __init__(self, side: int, processes: Processes) -> None:
        if side < LEAST_SIDE:
            raise ValueError(f"image_size {side} is too small for lambda_adversarial; it takes {LEAST_SIDE} or more.")
        self._processes = processes
        self.discriminator = place(PatchDiscriminator(FILTERS), processes.device)
        groups = [{"params": list(self.discriminator.parameters()), "constant_rate": RATE}]
        self.optimizer = torch.optim.Adam(groups, lr=RATE, betas=(0.5, 0.9))

    def loss(self, recon_x: Tensor) -> Tensor:
        """Return what the decoder lowers, the negative mean score; no gradient is kept for the discriminator."""
        self.discriminator.requires_grad_(False)
        return -self.discriminator(recon_x).float().mean()

    def learn(self, real: Tensor, fake: Tensor) -> float:
        """Take a step of the discriminator and return its loss, 1 where it cannot tell."""
        self.discriminator.requires_grad_(True)
        scores = self.discriminator(real).float(), self.discriminator(fake.detach()).float()
        loss = hinge_discriminator_loss(*scores)
        descend(loss, self.optimizer, self._processes, RATE)
        return float(loss.detach())
