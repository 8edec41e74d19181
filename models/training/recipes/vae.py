"""Variational-autoencoder recipe (arXiv 1312.6114 §2-3): reconstruct through a noisy bottleneck."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from models.analysis.bootstrap import Estimate, estimate, mean_of, psnr_of
from models.analysis.latents import LatentStatistics, measure_latents
from models.analysis.metrics import ssim
from models.analysis.mixture import fit_mixture
from models.networks.losses import adaptive_weight, free_bits_kl, kl_divergence, laplacian_pyramid_loss
from models.networks.residual_vae import ResidualVAE
from models.networks.vae import ConvVAE, VectorVAE
from models.training.data.augmentations import crop_and_flip, resize, scaled
from models.training.data.dataset import ImageSet
from models.training.distributed import Processes
from models.training.recipes._base import (
    MIN_CHANNELS,
    AveragedRecipe,
    Export,
    Part,
    TrainConfig,
    in_batches,
    in_parts,
    sheet,
)
from models.training.recipes.classifier import Classifier
from models.training.recipes.decoder_losses import Opponent, PerceptualDistance
from models.training.recipes.monitoring import LOSS_CHART, Chart, posterior_advice
from models.training.recipes.optimization import numbers, place
from models.training.recipes.options import option
from models.training.recipes.vae_measures import active_share, active_units, compared, draws_of, sharpness

MOST_CODES = 6000  # of training images that a mixture is fitted to


@dataclass(frozen=True)
class VAEConfig(TrainConfig):
    """Options of the variational-autoencoder recipe."""

    steps: int = option(4000, "optimiser steps in all", min=1)
    image_size: int = option(64, "side of the pictures in pixels, a multiple of 16", min=16, max=512)
    batch_size: int = option(64, "batch size: pictures per step and process", min=1)
    learning_rate: float = option(1e-3, "peak learning rate", min=0.0)
    latent_dim: int = option(128, "numbers in the latent vector", min=1, max=4096)
    num_filters: int = option(32, "channels after the first layer", min=MIN_CHANNELS)
    beta: float = option(1.0, "weight of the KL divergence (beta-VAE); more is smoother and blurrier", min=0.0)
    kl_warmup: int = option(1000, "steps over which the KL divergence's weight rises from 0", min=0)
    free_bits: float = option(0.05, "KL divergence in nats that each latent number may have unpunished", min=0.0)
    autoencoder: bool = option(False, "a plain autoencoder: no noise and no KL divergence")
    min_scale: float = option(0.8, "smallest share of the area that a random crop keeps", min=0.05, max=1.0)
    residual: bool = option(False, "residual blocks, finer but slower, instead of plain convolutions")
    lambda_perceptual: float = option(
        0.0, "weight of the distance in features of a frozen encoder; 0 drops it", min=0.0
    )
    lambda_adversarial: float = option(0.0, "weight of the adversarial loss; 0 drops it", min=0.0)
    adversarial_start: int = option(1000, "step from which on a discriminator takes part", min=0)
    mixture_components: int = option(0, "Gaussians fitted to codes, to draw from; residual blocks only", min=0, max=64)

    @property
    def floor(self) -> float:
        """Nats on which an idle latent number rests; 0 in a plain autoencoder, whose numbers pay for nothing."""
        return 0.0 if self.autoencoder else self.free_bits

    def lesson(self) -> str:
        """Return what becomes of a VAE without its KL divergence, or with another weight of it."""
        if self.autoencoder:
            return (
                "A plain autoencoder: no noise and no KL divergence. Pictures come back as well as from a VAE or a "
                "little better, and mixtures of two are no worse; but nothing makes its latents fill the prior: draws "
                "from N(0, 1) decode to what is no picture."
            )
        if self.beta > 1:
            return (
                f"A beta-VAE: the KL divergence counts {self.beta:g} times (beta, OpenReview Sy2fzU9gl, eq. 4), "
                "so less is kept of each picture and all is smoother."
            )
        return ""


class VAERecipe(AveragedRecipe):
    """Trains a VAE; edges count beside colours in its reconstruction loss, so that it blurs less.

    Options add the distance in features of a frozen encoder, a discriminator that takes part after a warm-up with an
    adaptive weight, and a mixture fitted to the training codes, from which draws are then made.
    """

    name, order = "vae", 30
    Config: ClassVar[type[TrainConfig]] = VAEConfig
    load_scale = 1.125
    family, tabs, start_families = "vae", ("vae",), ("vae",)
    shape_options = ("image_size", "latent_dim", "num_filters", "residual")
    latent = "global"
    charts = (
        Chart("reconstruction", ("reconstruction",)),
        Chart("kl", ("kl",), unit="nats"),
        Chart("active_units", ("active_units",), (0.0, 1.0)),
        LOSS_CHART,
    )
    advise = staticmethod(posterior_advice)
    comparison = "vae"
    sheet_caption = (
        "Pictures, their reconstructions, a way from the first to the last, and draws; below, the "
        "pictures that it does worst at and their reconstructions."
    )

    def __init__(self, config: VAEConfig, train: ImageSet, test: ImageSet, processes: Processes) -> None:
        super().__init__(config, train, test, processes)
        shape = (config.image_size, config.latent_dim, config.num_filters)
        model = ResidualVAE(*shape, config.mixture_components) if config.residual else ConvVAE(*shape)
        self.model: VectorVAE = place(model, processes.device)
        self.set_up(self.model, torch.optim.Adam(self.model.parameters(), lr=config.learning_rate))
        self.perceptual = PerceptualDistance(processes.device) if config.lambda_perceptual else None
        self.opponent = Opponent(config.image_size, processes) if config.lambda_adversarial else None
        if self.opponent:
            self.parts["discriminator"] = self.opponent.discriminator
            self.parts["discriminator_optimizer"] = self.opponent.optimizer
        self._fitted = 0  # updates of the averaged weights for which the mixture was fitted

    def step(self, step: int) -> dict[str, float]:
        """Move down the negative evidence lower bound of one batch (eq. 3), in nats an image."""
        config = self.config
        images = crop_and_flip(self.batch(self.train, step), config.image_size, config.min_scale)
        images = images.contiguous(memory_format=torch.channels_last)
        output = self.model(images, sample=not config.autoencoder)
        recon_x = output.recon_x.float()
        reconstruction = self._reconstruction_loss(recon_x, images)
        kl = kl_divergence(output.mu.float(), output.logvar.float())
        weight = 0.0 if config.autoencoder else config.beta * min(1.0, (step + 1) / max(1, config.kl_warmup))
        loss = reconstruction + weight * free_bits_kl(kl, config.free_bits)
        opponent = self.opponent if step >= config.adversarial_start else None
        total = loss + self._adversarial_loss(opponent, recon_x, reconstruction) if opponent else loss
        rate = self.descend(total, step, clip=200.0)
        self.shown.update_parameters(self.model)
        in_use = active_units(output.mu.detach(), kl.detach(), config.floor)
        return numbers({
            "loss": loss, "reconstruction": reconstruction, "kl": kl.sum(dim=1).mean(), "active_units": in_use,
            "learning_rate": rate, **({"discriminator": opponent.learn(images, recon_x)} if opponent else {}),
        })  # fmt: skip

    def _reconstruction_loss(self, recon_x: Tensor, x: Tensor) -> Tensor:
        """Return the errors of pixels, edges and features, in nats an image."""
        loss = reconstruction_loss(recon_x, x)
        if self.perceptual:
            loss = loss + x[0].numel() * self.config.lambda_perceptual * self.perceptual(recon_x, x)
        return loss

    def _adversarial_loss(self, opponent: Opponent, recon_x: Tensor, reconstruction: Tensor) -> Tensor:
        """Return the adversarial loss, weighed so that its gradient is a given share of the reconstruction's."""
        adversarial = opponent.loss(recon_x)
        balance = adaptive_weight(reconstruction, adversarial, self.model.last_weight)
        return self.config.lambda_adversarial * balance * adversarial

    def preview(self) -> Tensor:
        """Return rows of held-out images, their reconstructions, a path between two, and draws."""
        return sheet(self._rows(self.test_images(8)))

    def _rows(self, images: Tensor) -> list[Tensor]:
        self.fit_mixture()
        model = self._shown()
        with torch.inference_mode():
            mu = model.encode(images)[0]
            path = torch.stack([torch.lerp(mu[0], mu[-1], t) for t in torch.linspace(0, 1, len(mu)).tolist()])
            samples = model.sample(len(mu), torch.Generator().manual_seed(0))
            return [images, model.decode(mu), model.decode(path), samples]

    def contact_sheet(self, classifier: Classifier | None = None) -> Tensor:
        """Return the preview's rows, and the images with the largest squared error over their reconstructions."""
        images = self.test_images(len(self.test))
        recon_x = in_batches(self._posteriors(images)[0].to(images.device), self._shown().decode)
        errors = (recon_x - images.cpu()).square().mean(dim=(1, 2, 3))
        worst = errors.topk(min(8, len(images))).indices
        return sheet([*self._rows(images[:8]), images[worst], recon_x[worst]])

    def evaluate(self, classifier: Classifier | None = None, thorough: bool = False) -> dict[str, Estimate]:
        """Return PSNR in dB, SSIM and sharpness of reconstructions, KL divergence in nats and share of active units.

        Sharpness is relative to the images themselves. A classifier adds what lies how far from the held-out images in
        its features: `kid_reconstructions`, `kid_midpoints` of images decoded half-way between two of them,
        `kid_midpoints_ratio`, how many times as far the midpoints lie as the reconstructions, `kid_draws` and, where
        those are of a mixture, `kid_prior_draws`; and the sharpness of each. `thorough` adds how far the nearest
        training image is, in levels of 0 to 255 (root mean square, on at most 64 pixels): of draws, of reconstructions
        of held-out images, as smooth as the draws, and of held-out images. Draws that are copies are far nearer.
        """
        self.fit_mixture()
        images, model = self.test_images(len(self.test)), self._shown()
        mu, logvar = self._posteriors(images)
        kl, free_bits = kl_divergence(mu, logvar), self.config.floor
        recon_x = in_batches(mu.to(images.device), model.decode)
        return {
            "reconstruction_psnr": psnr_of(recon_x, images.cpu()),
            "reconstruction_ssim": mean_of(in_parts(ssim, recon_x, images.cpu())),
            "sharpness": sharpness(recon_x, images.cpu()),
            "kl": mean_of(kl.sum(dim=1)),
            "active_units": estimate(lambda weights: active_share(weights, mu, kl, free_bits), len(images)),
            **(compared(model, classifier, images, mu, recon_x) if classifier else {}),
            **(self._nearest_training(images, recon_x) if thorough else {}),
        }

    def _nearest_training(self, images: Tensor, recon_x: Tensor, most: int = 256) -> dict[str, Estimate]:
        images, recon_x = images[:most].cpu(), recon_x[:most]
        z = draws_of(self._shown(), len(images))["draws"]
        draws = in_batches(z.to(self.processes.device), self._shown().decode)
        asked = {"draws": draws, "reconstructions": recon_x, "held_out": images}
        return {f"nearest_training_{name}": mean_of(self._distance(each)) for name, each in asked.items()}

    def _distance(self, images: Tensor) -> Tensor:
        """Return the root mean square difference of each image from the training image nearest to it, (N,)."""
        side = min(64, self.config.image_size)
        queries = scaled(images, side).flatten(1)
        nearest = torch.full((len(queries),), float("inf"))
        for part in self.train.images.split(512):
            nearest = torch.minimum(nearest, torch.cdist(queries, resize(part, side).flatten(1)).amin(dim=1))
        return nearest / queries.shape[1] ** 0.5 * 127.5

    @staticmethod
    def demonstrate(model: Any, images: Tensor, reference: Tensor) -> list[Tensor]:
        """Return the reconstructions."""
        return [model.decode(model.encode(images)[0])]

    def exports(self) -> dict[str, Export]:
        """Return the averaged model, with statistics of its latent dimensions."""
        self.fit_mixture()
        latents = self._latents if len(self.test) > 1 else None  # one image has no variance
        return {"": replace(super().exports()[""], latents=latents)}

    @staticmethod
    def parts_of(config: VAEConfig) -> dict[str, Part]:
        """Return the whole model."""
        args: dict[str, Any] = {
            "img_size": config.image_size, "latent_dim": config.latent_dim, "num_filters": config.num_filters,
        }  # fmt: skip
        names = {"img_size": "image_size"}
        if not config.residual:
            return {"": Part("vae", args, options=names)}
        args["mixture_components"] = config.mixture_components
        free, fresh = ("mixture_components",), ("mixture_",)  # it is fitted anew
        return {"": Part("residual_vae", args, options=names, free=free, fresh=fresh)}

    @staticmethod
    def fits_exports(config: VAEConfig) -> bool:
        """Return whether a mixture of the training codes belongs to the weights."""
        return config.residual and config.mixture_components > 0

    def fit_mixture(self) -> None:
        """Fit the mixture, if there is one, to codes of training images, unless it was for the weights as they are."""
        updates = int(self.shown.n_averaged)
        if not self.fits_exports(self.config) or len(self.train) < 2 or updates == self._fitted:
            return
        images = self.train.images[:: math.ceil(len(self.train) / MOST_CODES)]
        device = self.processes.device
        codes = [self._posteriors(resize(part, self.config.image_size).to(device))[0] for part in images.split(256)]
        mixture = fit_mixture(torch.cat(codes), self.config.mixture_components)
        for model in (self.model, self._shown()):  # the first too, or averaging would mix it with zeros
            cast(ResidualVAE, model).set_mixture(*mixture)
        self._fitted = updates

    def _latents(self) -> LatentStatistics:
        """Measure the latent numbers on the held-out images."""
        posteriors = self._posteriors(self.test_images(len(self.test)))
        return measure_latents(*posteriors, free_bits=self.config.floor)

    def _posteriors(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and log-variances, each (N, latent_dim)."""
        model = self._shown()
        return in_batches(images, lambda part: model.encode(part)[0]), in_batches(
            images, lambda part: model.encode(part)[1]
        )

    def _shown(self) -> VectorVAE:
        """Return the averaged model in eval mode."""
        return cast(VectorVAE, self.shown.module.eval())

    def test_images(self, num: int) -> Tensor:
        """Return up to `num` held-out images with channels last."""
        return super().test_images(num).contiguous(memory_format=torch.channels_last)


def reconstruction_loss(recon_x: Tensor, x: Tensor) -> Tensor:
    """Return squared error plus edge error, scaled to a sum over the numbers of one image as the ELBO wants it."""
    return x[0].numel() * (0.5 * (recon_x - x).square().mean() + 0.1 * laplacian_pyramid_loss(recon_x, x))
