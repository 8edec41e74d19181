"""CycleGAN recipe (arXiv 1703.10593 §4, §7.1): two translators that must undo each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from models.cyclegan import ImagePool, LightGenerator, PatchDiscriminator, ResnetGenerator
from models.losses import cycle_loss, identity_loss, lsgan_loss
from models.metrics import psnr
from models.training.data import PictureSet, domain_of, held_out
from models.training.distributed import Processes
from models.training.recipes._base import (
    MIN_CHANNELS,
    Export,
    Part,
    StateOfParts,
    TrainConfig,
    averaged,
    descend,
    in_batches,
    my_batch,
    numbers,
    option,
    place,
    sheet,
)


@dataclass(frozen=True)
class CycleGANConfig(TrainConfig):
    """Options of the CycleGAN recipe."""

    steps: int = option(4000, "optimiser steps in all", min=1)
    image_size: int = option(128, "side of the training pictures in pixels, a multiple of 4", min=32, max=1024)
    batch_size: int = option(1, "pictures of each set a step and process", min=1)
    learning_rate: float = option(2e-4, "learning rate, constant for half the steps, then falling to 0", min=0.0)
    light: bool = option(True, "the light generator instead of the authors' one")
    num_filters: int = option(32, "base width of the generators", min=MIN_CHANNELS)
    num_blocks: int = option(6, "residual blocks of the generators", min=1)
    discriminator_filters: int = option(32, "base width of the discriminators", min=MIN_CHANNELS)
    lambda_cycle: float = option(10.0, "weight of the round trip; 0 drops it", min=0.0)
    lambda_identity: float = option(5.0, "weight of leaving the target domain alone; 0 drops it", min=0.0)
    lambda_adversarial: float = option(1.0, "weight of convincing the discriminator; 0 drops it", min=0.0)
    pool_size: int = option(50, "earlier fakes that the discriminators see again", min=0)

    def lesson(self) -> str:
        """Return which parts of the loss the run went without, if any."""
        parts = (spec for spec in fields(self) if spec.name.startswith("lambda_") and not getattr(self, spec.name))
        dropped = " and ".join(f"`{spec.name}` ({spec.metadata['help']})" for spec in parts)
        return f"Trained with 0 for {dropped}, to show what goes wrong then." if dropped else ""


class CycleGANRecipe(StateOfParts):
    """Trains both directions at once on two unpaired sets (folders ending in A and B, such as trainA and trainB)."""

    Config: ClassVar[type[TrainConfig]] = CycleGANConfig
    load_scale: ClassVar[float] = 286 / 256

    def __init__(self, config: CycleGANConfig, train: PictureSet, test: PictureSet, processes: Processes) -> None:
        self.config, self.processes = config, processes
        self.train_a, self.train_b = _domains(train)
        self.test_a, self.test_b = _domains(test)
        build: type[nn.Module] = LightGenerator if config.light else ResnetGenerator
        self.a2b, self.b2a = (place(build(config.num_filters, config.num_blocks), processes.device) for _ in range(2))
        self.d_a, self.d_b = (
            place(PatchDiscriminator(config.discriminator_filters), processes.device) for _ in range(2)
        )
        self.shown_a2b, self.shown_b2a = (
            averaged(self.a2b, config.ema_decay),
            averaged(self.b2a, config.ema_decay),
        )
        adam: dict[str, Any] = {"lr": config.learning_rate, "betas": (0.5, 0.999)}
        self.optimizer_g = torch.optim.Adam(chain(self.a2b.parameters(), self.b2a.parameters()), **adam)
        self.optimizer_d = torch.optim.Adam(chain(self.d_a.parameters(), self.d_b.parameters()), **adam)
        self.pool_a, self.pool_b = _PoolPart(config.pool_size), _PoolPart(config.pool_size)
        self.parts = {
            "generator_a2b": self.a2b, "generator_b2a": self.b2a,
            "discriminator_a": self.d_a, "discriminator_b": self.d_b,
            "shown_a2b": self.shown_a2b, "shown_b2a": self.shown_b2a,
            "optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d,
            "pool_a": self.pool_a, "pool_b": self.pool_b,
        }  # fmt: skip

    def step(self, step: int) -> dict[str, float]:
        """Move the generators, then the discriminators (eq. 1-3, least squares for the logarithms)."""
        real_a, real_b = self._batch(self.train_a, 2 * step), self._batch(self.train_b, 2 * step + 1)
        decay = 2 * max(0.0, step / self.config.steps - 0.5)
        rate = self.config.learning_rate * (1 - decay)
        fake_a, fake_b, losses = self._generator_step(real_a, real_b, rate)
        pooled_a, pooled_b = self.pool_a.query(fake_a), self.pool_b.query(fake_b)
        loss_a, loss_b = _judge(self.d_a, real_a, pooled_a), _judge(self.d_b, real_b, pooled_b)
        descend(loss_a + loss_b, self.optimizer_d, self.processes, rate)
        self.shown_a2b.update_parameters(self.a2b)
        self.shown_b2a.update_parameters(self.b2a)
        return numbers({**losses, "discriminator_a": loss_a, "discriminator_b": loss_b})

    def _generator_step(self, real_a: Tensor, real_b: Tensor, rate: float) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        config = self.config
        fake_b, fake_a = self.a2b(real_a), self.b2a(real_b)
        rec_a, rec_b = self.b2a(fake_b), self.a2b(fake_a)
        losses = {
            "adversarial": lsgan_loss(self.d_b(fake_b), 1.0) + lsgan_loss(self.d_a(fake_a), 1.0),
            "cycle": cycle_loss(rec_a, real_a) + cycle_loss(rec_b, real_b),
        }
        total = config.lambda_adversarial * losses["adversarial"] + config.lambda_cycle * losses["cycle"]
        if config.lambda_identity:
            losses["identity"] = identity_loss(self.a2b(real_b), real_b) + identity_loss(self.b2a(real_a), real_a)
            total = total + config.lambda_identity * losses["identity"]
        for discriminator in (self.d_a, self.d_b):
            discriminator.requires_grad_(False)
        descend(total, self.optimizer_g, self.processes, rate)
        for discriminator in (self.d_a, self.d_b):
            discriminator.requires_grad_(True)
        return fake_a.detach(), fake_b.detach(), {"loss": total, **losses}

    def _batch(self, pictures: PictureSet, stream: int) -> Tensor:
        """Return a randomly cropped and mirrored batch; `stream` numbers the draws, so A and B are shuffled apart."""
        index = my_batch(pictures, self.config, stream // 2, self.processes)
        images, size = pictures.batch(index), self.config.image_size
        top, left = (int(torch.randint(images.shape[-1] - size + 1, ())) for _ in range(2))
        images = images[..., top : top + size, left : left + size]
        if torch.rand(()) < 0.5:
            images = images.flip(-1)
        return images.to(self.processes.device, memory_format=torch.channels_last)

    def preview(self) -> Tensor:
        """Return rows of A, fake B, A again and B, fake A, B again."""
        rows: list[Tensor] = []
        for pictures, there, back in (
            (self.test_a, self.shown_a2b, self.shown_b2a),
            (self.test_b, self.shown_b2a, self.shown_a2b),
        ):
            real = self._test_images(pictures)[:8]
            fake = in_batches(real, there, 1)
            rows += [real.cpu(), fake, in_batches(fake.to(real.device), back, 1)]
        return sheet(rows)

    def evaluate(self) -> dict[str, float]:
        """Return round-trip and identity PSNR in dB and the sharpness of fakes relative to real pictures."""
        real_a, real_b = self._test_images(self.test_a), self._test_images(self.test_b)
        fake_b, fake_a = in_batches(real_a, self.shown_a2b, 1), in_batches(real_b, self.shown_b2a, 1)
        device = self.processes.device
        return {
            "cycle_psnr_a": psnr(in_batches(fake_b.to(device), self.shown_b2a, 1), real_a.cpu()),
            "cycle_psnr_b": psnr(in_batches(fake_a.to(device), self.shown_a2b, 1), real_b.cpu()),
            "identity_psnr_b": psnr(in_batches(real_b, self.shown_a2b, 1), real_b.cpu()),
            "identity_psnr_a": psnr(in_batches(real_a, self.shown_b2a, 1), real_a.cpu()),
            "sharpness_fake_b": _sharpness(fake_b) / _sharpness(real_b.cpu()),
            "sharpness_fake_a": _sharpness(fake_a) / _sharpness(real_a.cpu()),
        }

    def exports(self) -> dict[str, Export]:
        """Return both averaged generators and both discriminators."""
        modules = (self.shown_a2b.module, self.shown_b2a.module, self.d_a, self.d_b)
        parts = self.parts_of(self.config)
        return {
            name: Export(part.arch, part.args, module)
            for (name, part), module in zip(parts.items(), modules, strict=True)
        }

    @staticmethod
    def lacks(names: Sequence[str]) -> str | None:
        """Return "needs_two_sets" unless both sets have pictures to train on and to hold out."""
        test = held_out(names)
        there = {(domain_of(name), name in test) for name in names}
        wanted = {(domain, held) for domain in "ab" for held in (False, True)}
        return None if wanted <= there else "needs_two_sets"

    @staticmethod
    def parts_of(config: CycleGANConfig) -> dict[str, Part]:
        """Return both generators, and the discriminators, which weights need not come with."""
        arch = "light_generator" if config.light else "resnet_generator"
        generator = Part(arch, {"num_filters": config.num_filters, "num_blocks": config.num_blocks})
        judge = Part(
            "patch_discriminator",
            {"num_filters": config.discriminator_filters},
            needed=False,
            options={"num_filters": "discriminator_filters"},
        )
        return {"a2b": generator, "b2a": generator, "discriminator_a": judge, "discriminator_b": judge}

    def part_modules(self) -> dict[str, tuple[nn.Module, ...]]:
        """Return the generators with their averages, and the discriminators."""
        return {
            "a2b": (self.a2b, self.shown_a2b.module),
            "b2a": (self.b2a, self.shown_b2a.module),
            "discriminator_a": (self.d_a,),
            "discriminator_b": (self.d_b,),
        }

    def _test_images(self, pictures: PictureSet) -> Tensor:
        """Return the held-out pictures' central squares at image_size."""
        images, size = pictures.batch(torch.arange(len(pictures))), self.config.image_size
        offset = (images.shape[-1] - size) // 2
        images = images[..., offset : offset + size, offset : offset + size]
        return images.to(self.processes.device, memory_format=torch.channels_last)


class _PoolPart(ImagePool):
    """An image pool that can be saved."""

    def state_dict(self) -> dict[str, Any]:
        return {"images": self.images}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.images = list(state["images"])


def _domains(pictures: PictureSet) -> tuple[PictureSet, PictureSet]:
    parts = []
    for domain in "ab":
        keep = [i for i, name in enumerate(pictures.names) if domain_of(name) == domain]
        if not keep:
            raise ValueError(
                f"No pictures of set {domain.upper()}; put them into folders such as train{domain.upper()}."
            )
        parts.append(pictures.select(keep))
    return parts[0], parts[1]


def _judge(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Return half the sum of both errors, which slows the discriminator as in §7.1."""
    return 0.5 * (lsgan_loss(discriminator(real), 1.0) + lsgan_loss(discriminator(fake), 0.0))


def _sharpness(images: Tensor) -> float:
    """Return the mean gradient magnitude of pictures (N, 3, H, W)."""
    down = images[..., 1:, :-1] - images[..., :-1, :-1]
    right = images[..., :-1, 1:] - images[..., :-1, :-1]
    return float((down.square() + right.square()).sqrt().mean())
