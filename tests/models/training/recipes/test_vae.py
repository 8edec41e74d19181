"""The VAE recipe with residual blocks, a perceptual loss, a discriminator and a mixture of codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from small import SMALL
from torch import Tensor

from models.checkpoints import WEIGHTS, load_folder
from models.networks.residual_vae import ResidualVAE
from models.networks.vae import ConvVAE
from models.training.__main__ import main
from models.training.distributed import Processes
from models.training.loop.run_folder import RunFolder
from models.training.loop.trainer import Schedule, train
from models.training.recipes import RECIPES, build_recipe
from models.training.recipes.decoder_losses import ENCODER, Opponent, PerceptualDistance

EVERYTHING: dict[str, Any] = {
    **SMALL["vae"], "residual": True, "lambda_perceptual": 0.3, "lambda_adversarial": 0.3, "adversarial_start": 3,
    "mixture_components": 2,
}  # fmt: skip
FAST = Schedule(log_every=1, preview_every=2, save_seconds=0.0)


def prepare(source: Path, steps: int = 6, **options: Any) -> tuple[Any, Any]:
    config = RECIPES["vae"].Config(steps=steps, precision="fp32", **{**EVERYTHING, **options})
    return build_recipe("vae", config, [source], Processes()), config


def run_of(path: Path) -> RunFolder:
    path.mkdir()
    return RunFolder(path)


def rows(path: Path) -> list[dict[str, float]]:
    found = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "time"} for row in found]


def noise(num: int = 4, side: int = 32, seed: int = 0) -> Tensor:
    return torch.rand(num, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


# --- Losses -----------------------------------------------------------------------------------------------


def test_the_perceptual_distance_is_0_of_equal_images_and_reaches_only_the_reconstruction() -> None:
    distance, x = PerceptualDistance(torch.device("cpu")), noise()
    assert distance(x, x).item() == pytest.approx(0, abs=1e-6)
    recon_x, target = (0.5 * x).requires_grad_(), x.clone().requires_grad_()
    distance(recon_x, target).backward()
    assert recon_x.grad is not None and recon_x.grad.abs().max() > 0
    assert target.grad is None
    assert distance(noise(seed=1), x) > distance(x + 0.1 * noise(seed=2), x) > 0


def test_no_places_of_the_encoders_grid_get_more_gradient_than_others() -> None:
    torch.manual_seed(0)
    distance = PerceptualDistance(torch.device("cpu"))
    total = torch.zeros(64, 64)
    for seed in range(32):
        x, recon_x = noise(1, 64, seed), noise(1, 64, 1000 + seed).requires_grad_()
        distance(recon_x, x).backward()
        assert recon_x.grad is not None
        total += recon_x.grad[0].abs().sum(dim=0)
    inner = total[16:48, 16:48]
    places = inner.unflatten(0, (8, 4)).unflatten(2, (8, 4)).mean(dim=(0, 2))  # (4, 4) places of a stride of 4
    assert places.max() < 1.25 * places.min()


def test_no_card_of_an_autoencoder_measures_in_the_features_that_taught_it() -> None:
    for folder in WEIGHTS.glob("*/"):
        record = json.loads((folder / "config.json").read_text()) if (folder / "config.json").is_file() else {}
        if "--lambda-perceptual" in record.get("command", ""):
            assert ENCODER not in record["measured_by"]


def test_a_discriminator_learns_to_tell_and_is_left_alone_by_the_decoder() -> None:
    torch.manual_seed(0)
    opponent = Opponent(32, Processes())
    real, fake = noise(), noise(seed=1).mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)  # grey
    losses = [opponent.learn(real, fake) for _ in range(40)]
    assert losses[0] == pytest.approx(1.0, abs=0.2) and losses[-1] < 0.7 * losses[0]
    before = {name: value.clone() for name, value in opponent.discriminator.state_dict().items()}
    decoded = fake.clone().requires_grad_()
    opponent.optimizer.zero_grad()
    opponent.loss(decoded).backward()
    assert decoded.grad is not None and decoded.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in opponent.discriminator.parameters())
    assert all(torch.equal(value, before[name]) for name, value in opponent.discriminator.state_dict().items())
    assert opponent.loss(real) < opponent.loss(fake)


def test_images_without_a_patch_to_score_are_refused(labelled_zip: Path) -> None:
    with pytest.raises(ValueError, match="image_size 16 is too small for lambda_adversarial"):
        prepare(labelled_zip, image_size=16)


def test_the_discriminator_takes_part_from_its_step_on(labelled_zip: Path) -> None:
    recipe, _ = prepare(labelled_zip)
    assert ["discriminator" in recipe.step(step) for step in range(5)] == [False, False, False, True, True]


# --- Runs -------------------------------------------------------------------------------------------------


def test_without_its_options_it_is_the_recipe_of_old_runs(labelled_zip: Path, tmp_path: Path) -> None:
    run = run_of(tmp_path / "old")
    added = ("residual", "lambda_perceptual", "lambda_adversarial", "adversarial_start", "mixture_components")
    config = RECIPES["vae"].Config(**SMALL["vae"])
    run.save_config("vae", config, [str(labelled_zip)])
    stored = json.loads((run.path / "config.json").read_text())
    stored["config"] = {name: value for name, value in stored["config"].items() if name not in added}
    (run.path / "config.json").write_text(json.dumps(stored))
    assert run.load_config()[1] == config
    recipe = cast(Any, build_recipe("vae", config, [labelled_zip], Processes()))
    assert recipe.parts.keys() == {"model", "shown", "optimizer"}
    assert isinstance(recipe.model, ConvVAE)
    assert recipe.exports()[""].args.keys() == {"img_size", "latent_dim", "num_filters"}


def test_a_resumed_run_equals_an_uninterrupted_one(labelled_zip: Path, tmp_path: Path) -> None:
    whole, config = prepare(labelled_zip)
    train(whole, config, run_of(tmp_path / "whole"), Processes(), FAST)
    stops = iter([False, False, False, True])  # after the first step of the discriminator
    first, _ = prepare(labelled_zip)
    assert not train(first, config, run_of(tmp_path / "parts"), Processes(), FAST, lambda: next(stops))
    second, _ = prepare(labelled_zip)
    assert train(second, config, RunFolder(tmp_path / "parts"), Processes(), FAST)
    assert rows(tmp_path / "parts") == rows(tmp_path / "whole")
    for name in ("model", "shown", "discriminator"):
        one, other = whole.parts[name].state_dict(), second.parts[name].state_dict()
        assert all(torch.equal(one[key], other[key]) for key in one if "mixture" not in key)  # it is fitted in previews


def test_the_mixture_is_of_the_codes_and_fitted_anew_when_the_weights_have_changed(labelled_zip: Path) -> None:
    recipe, _ = prepare(labelled_zip)
    recipe.step(0)
    recipe.preview()
    model = recipe.shown.module
    assert model.has_mixture and model.mixture_weights.sum().item() == pytest.approx(1)
    codes = recipe._posteriors(recipe.train.batch(torch.arange(len(recipe.train)))[..., :32, :32])[0]
    middle = (model.mixture_weights[:, None] * model.mixture_means).sum(dim=0)
    assert torch.allclose(middle, codes.mean(dim=0), atol=0.5)
    fitted = model.mixture_means.clone()
    recipe.exports()
    assert torch.equal(model.mixture_means, fitted)
    for step in range(1, 4):
        recipe.step(step)
    recipe.exports()
    assert not torch.equal(model.mixture_means, fitted)


def test_weights_are_exported_with_a_mixture_and_measured_with_both_kinds_of_draws(
    labelled_zip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run, weights = tmp_path / "run", tmp_path / "weights"
    words = [f"--{name.replace('_', '-')}={value}" for name, value in EVERYTHING.items() if name != "residual"]
    common = ["--data", str(labelled_zip), "--out", str(run), "--device=cpu", "--steps=4", "--precision=bf16"]
    assert main(["vae", *common, *words, "--residual"]) == 0
    assert main(["export", str(run), str(weights)]) == 0
    model = load_folder(weights)
    assert isinstance(model, ResidualVAE) and model.has_mixture
    assert main(["evaluate", str(weights), "--data", str(labelled_zip), "--judge=supervised-photos", "--renew"]) == 0
    metrics = json.loads((weights / "config.json").read_text())["metrics"]
    assert {"kid_draws", "kid_prior_draws", "sharpness", "sharpness_draws", "sharpness_midpoints"} <= metrics.keys()
    kept = load_folder(weights)
    assert torch.equal(cast(ResidualVAE, kept).mixture_means, model.mixture_means)
    tuned = ["vae", "--data", str(labelled_zip), "--out", str(tmp_path / "tuned"), "--device=cpu", "--steps=1"]
    fewer = [word for word in words if not word.startswith("--mixture")]
    assert main([*tuned, *fewer, "--residual", "--init", str(weights)]) == 0  # the mixture need not be the same


def test_sharpness_is_that_of_the_images_themselves(labelled_zip: Path) -> None:
    recipe, _ = prepare(labelled_zip)

    class Faint(torch.nn.Module):
        """An autoencoder that gives images back with half their contrast."""

        def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
            """Return the pixels as means, and log-variances of 0."""
            return images.flatten(1), torch.zeros(len(images), images[0].numel())

        def decode(self, z: Tensor) -> Tensor:
            """Return images at half their contrast."""
            return 0.5 * z.unflatten(1, (3, 32, 32))

    recipe.shown.module, recipe._fitted = Faint(), int(recipe.shown.n_averaged)
    found = recipe.evaluate()["sharpness"]
    assert found == pytest.approx((0.5, 0.5, 0.5), rel=1e-5)
