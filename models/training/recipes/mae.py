"""Masked-autoencoder recipe (arXiv 2111.06377 §3, §A.1): hide three quarters, predict them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from models.analysis.bootstrap import Estimate, mean_of
from models.analysis.inpainting_baselines import Pixels, harmonic_fill, mean_fill
from models.networks.mae import MaskedAutoencoderViT, random_mask
from models.training.data.augmentations import crop_and_flip
from models.training.data.dataset import ImageSet
from models.training.distributed import Processes
from models.training.recipes._base import AveragedRecipe, Part, TrainConfig, sheet
from models.training.recipes.classifier import Classifier
from models.training.recipes.monitoring import Chart
from models.training.recipes.optimization import numbers, weight_decay_groups
from models.training.recipes.options import option


@dataclass(frozen=True)
class MAEConfig(TrainConfig):
    """Options of the masked-autoencoder recipe; the model's own are those of `MaskedAutoencoderViT`."""

    steps: int = option(4000, "optimiser steps in all", min=1)
    image_size: int = option(128, "side of the training pictures in pixels", min=16, max=448)
    batch_size: int = option(32, "batch size: pictures per step and process", min=1)
    learning_rate: float = option(1e-3, "peak learning rate", min=0.0)
    warmup: int = option(200, "warm-up steps, over which the learning rate rises from 0", min=0)
    weight_decay: float = option(0.05, "AdamW's weight decay", min=0.0)
    mask_ratio: float = option(0.75, "share of patches hidden in training", min=0.05, max=0.95)
    patch_size: int = option(8, "side of a patch in pixels", min=2)
    embed_dim: int = option(192, "width of the encoder", min=16)
    depth: int = option(4, "blocks of the encoder", min=1)
    num_heads: int = option(3, "attention heads of the encoder", min=1)
    decoder_embed_dim: int = option(192, "width of the decoder", min=16)
    decoder_depth: int = option(6, "blocks of the decoder", min=1)
    decoder_num_heads: int = option(3, "attention heads of the decoder", min=1)
    norm_pix_loss: bool = option(False, "predict normalised patches (zero mean, unit variance)")


MODEL_FIELDS = (
    "patch_size", "embed_dim", "depth", "num_heads",
    "decoder_embed_dim", "decoder_depth", "decoder_num_heads", "norm_pix_loss",
)  # fmt: skip

MOST_MEASURED = 512  # held-out images that are enough


class MAERecipe(AveragedRecipe):
    """Trains a masked autoencoder with random crops and mirror images, the only augmentation it needs (§4.1).

    What helped, in PSNR on hidden patches of held-out photos, where a smooth fill-in has 17.6 dB and OpenCV's best,
    Telea's (radius 8), 17.0: 1,800 steps of 32 images 17.4 dB, 4,800 steps 18.1 dB; 9,500 steps of 128 images with
    8 blocks and 4 in the decoder 19.0 dB. From there 2,800 steps of 64 images at a third of the rate added 0.02 dB:
    training images are predicted no better than held-out ones, so it is the network that limits. As many parameters
    put elsewhere, 4 blocks and 6 of width 192 in the decoder, reach 19.17 dB in 10,000 steps, each 1.5 times as slow.
    """

    name, order = "mae", 20
    Config: ClassVar[type[TrainConfig]] = MAEConfig
    family, tabs, start_families = "mae", ("mae", "embeddings"), ("mae",)
    shape_options = ("image_size", *MODEL_FIELDS)
    charts = (Chart("masked_error", ("loss",)),)
    comparison = "mae"
    sheet_caption = (
        "What the network saw, what it made of it, and the picture; below, the same of those that it does worst at."
    )

    def __init__(self, config: MAEConfig, train: ImageSet, test: ImageSet, processes: Processes) -> None:
        super().__init__(config, train, test, processes)
        self.model = MaskedAutoencoderViT(**self.parts_of(config)[""].args).to(processes.device)
        groups = weight_decay_groups(self.model.parameters(), config.weight_decay)
        self.set_up(self.model, torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.95)))

    def step(self, step: int) -> dict[str, float]:
        """Predict the hidden patches of one batch."""
        images = crop_and_flip(self.batch(self.train, step), self.config.image_size)
        output = self.model(images, self.config.mask_ratio)
        assert output.loss is not None  # the config's mask_ratio hides at least one patch
        rate = self.descend(output.loss, step, clip=1.0)
        self.shown.update_parameters(self.model)
        return numbers({"loss": output.loss, "learning_rate": rate})

    def preview(self) -> Tensor:
        """Return rows of masked images, reconstructions with the visible patches pasted in, and originals."""
        return sheet(self._rows(*self._test_batch(8)))

    def _rows(self, images: Tensor, mask: Tensor) -> list[Tensor]:
        with torch.inference_mode():
            return [*_masked_and_filled(self.shown.module, images, mask), images]

    @staticmethod
    def demonstrate(model: Any, images: Tensor, reference: Tensor) -> list[Tensor]:
        """Return images with three quarters masked, and their reconstructions with the visible patches pasted in."""
        mask = random_mask(len(images), model.num_patches, 0.75, torch.Generator().manual_seed(0))
        return _masked_and_filled(model, images, mask)

    def contact_sheet(self, classifier: Classifier | None = None) -> Tensor:
        """Return the preview's rows for eight held-out images, and for the eight with the largest error."""
        images, mask = self._test_batch(min(len(self.test), MOST_MEASURED))
        worst = self._own_error(images, mask).topk(min(8, len(images))).indices
        return sheet([*self._rows(images[:8], mask[:8]), *self._rows(images[worst], mask[worst])])

    def evaluate(self, classifier: Classifier | None = None, thorough: bool = False) -> dict[str, Estimate]:
        """Return PSNR in dB on hidden patches at the training ratio, and that of the visible pixels' mean colour.

        The mean is over at most 512 images, with one fixed mask each. `thorough` adds the best plain fill-in there
        is here, which makes each hidden pixel the mean of its neighbours
        (`models.analysis.inpainting_baselines.harmonic_fill`).

        With `norm_pix_loss` the network predicts no mean and spread of a patch, without which there are no pixels: its
        only measure is then `masked_normalised_mse`, the mean squared error of hidden patches without these, about 1
        where nothing is predicted.
        """
        images, mask = self._test_batch(min(len(self.test), MOST_MEASURED))
        error = self._own_error(images, mask)
        if self.config.norm_pix_loss:
            return {"masked_normalised_mse": mean_of(error)}
        fills = {"mean_colour_psnr": mean_fill, **({"smooth_fill_psnr": harmonic_fill} if thorough else {})}
        return {
            "masked_psnr": mean_of(_psnr(error)),
            **{name: mean_of(self._plain_psnr(images, mask, fill)) for name, fill in fills.items()},
        }

    def _own_error(self, images: Tensor, mask: Tensor) -> Tensor:
        """Return each image's mean squared error over its hidden patches, those of `norm_pix_loss` normalised, (N,).

        `reconstruct` would give these the true mean and spread, which the network never saw.
        """
        model = cast(MaskedAutoencoderViT, self.shown.module)

        def compared(part: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
            if self.config.norm_pix_loss:
                return model(part, mask=hidden).pred.float(), model.target(part)
            return model.patchify(model.reconstruct(part, hidden)), model.patchify(part)

        with torch.inference_mode():
            return torch.cat([
                _masked_error(*compared(part, hidden), hidden).cpu()
                for part, hidden in zip(images.split(64), mask.split(64), strict=True)
            ])  # fmt: skip

    def _plain_psnr(self, images: Tensor, mask: Tensor, fill: Callable[..., Pixels]) -> Tensor:
        """Return the PSNR of a fill-in that was not learnt, (N,)."""
        holes = _pixels_of(self.model, mask)[:, 0].bool().cpu().numpy()
        pixels = images.permute(0, 2, 3, 1).cpu().numpy()
        guesses = [torch.from_numpy(fill(*pair)).float() for pair in zip(pixels, holes, strict=True)]
        guess = torch.stack(guesses).permute(0, 3, 1, 2).to(images.device)
        return _psnr(_masked_error(self.model.patchify(guess), self.model.patchify(images), mask)).cpu()

    @staticmethod
    def parts_of(config: MAEConfig) -> dict[str, Part]:
        """Return the whole model, encoder and decoder."""
        everything = asdict(config)
        args = {"img_size": config.image_size, **{name: everything[name] for name in MODEL_FIELDS}}
        return {"": Part("mae", args, options={"img_size": "image_size"})}

    def _test_batch(self, num: int) -> tuple[Tensor, Tensor]:
        images = self.test_images(num)
        generator = torch.Generator().manual_seed(0)
        mask = random_mask(len(images), self.model.num_patches, self.config.mask_ratio, generator)
        return images, mask.to(images.device)


def _pixels_of(model: Any, mask: Tensor) -> Tensor:
    """Return a mask of patches (N, L) as pixels, (N, 3, S, S), 1 where hidden."""
    return model.unpatchify(mask.unsqueeze(-1).expand(-1, -1, model.patch_size**2 * 3))


def _masked_and_filled(model: Any, images: Tensor, mask: Tensor) -> list[Tensor]:
    hidden = _pixels_of(model, mask)
    visible = images * (1 - hidden)
    return [visible, visible + model.reconstruct(images, mask) * hidden]


def _masked_error(pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return each image's mean squared error over removed patches: (N, L, P), (N, L, P), (N, L) -> (N,)."""
    return ((pred - target).square().mean(dim=-1) * mask).sum(dim=1) / mask.sum(dim=1)


def _psnr(error: Tensor) -> Tensor:
    """Return the PSNR in dB of mean squared errors of images in [-1, 1]."""
    return 10 * torch.log10(4.0 / error)
