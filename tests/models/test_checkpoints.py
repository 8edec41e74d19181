from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from models.analysis.bootstrap import Estimate
from models.checkpoints import CHECKPOINTS, build_model, checkpoint, load_folder, load_model, weights_info
from models.networks.cyclegan import PatchDiscriminator
from models.networks.vae import ConvVAE
from models.training.__main__ import config_of
from models.training.evaluation.export import MAX_BYTES, write_weights
from models.training.evaluation.model_card import card as card_of
from models.training.loop.run_folder import half_precision
from models.training.recipes._base import Export, TrainConfig
from models.training.recipes.cyclegan import CycleGANConfig

FACTS = {"recipe": "vae", "data": ["x.zip"], "steps": 3, "command": "python -m models.training vae"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    args = {"img_size": 16, "latent_dim": 2, "num_filters": 4}
    write_weights(
        tmp_path / "tiny",
        Export("vae", args, ConvVAE(**args)),
        TrainConfig(image_size=16),
        FACTS,
        {"psnr": Estimate(9.87654, 9.1, 10.25)},
    )
    return tmp_path / "tiny"


def test_weights_load_as_float32_in_eval_mode_equal_to_half_precision(folder: Path) -> None:
    torch.manual_seed(0)
    original = ConvVAE(16, 2, 4)
    model = load_folder(folder)
    assert not model.training
    for name, tensor in half_precision(original).items():
        assert torch.equal(model.state_dict()[name], tensor.to(model.state_dict()[name].dtype))
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in model.parameters())


def test_the_card_holds_the_measured_numbers(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    assert "| psnr | 9.8765 | 9.1 to 10.25 |" in card
    assert card.index("| psnr |") < card.index("options") < card.index("the numbers flatter a little"), "it says why"


def test_a_model_card_states_what_a_run_left_out_and_that_it_is_unfinished(tmp_path: Path) -> None:
    config = CycleGANConfig(lambda_cycle=0.0, steps=9)
    export = Export("patch_discriminator", {"num_filters": 8}, PatchDiscriminator(8))
    write_weights(tmp_path / "half", export, config, FACTS, {"psnr": Estimate(1.0, 0.9, 1.1)})
    card = (tmp_path / "half" / "README.md").read_text()
    assert "Trained with 0 for `lambda_cycle` (weight of the cycle-consistency loss; 0 drops it)" in card
    assert "lambda_identity" not in card and "3 steps of a run of 9" in card
    write_weights(tmp_path / "whole", export, CycleGANConfig(steps=3), FACTS, {"psnr": Estimate(1.0, 0.9, 1.1)})
    assert "lesson" not in (tmp_path / "whole" / "README.md").read_text()
    record = json.loads((tmp_path / "whole" / "config.json").read_text())
    card = card_of(tmp_path / "whole", {**record, "differs": "In two halves."})
    assert "- **Differs**: In two halves.\n- **Time**: not recorded; **hardware**: not recorded.\n" in card


def test_a_changed_file_is_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00\x01")
    with pytest.raises(ValueError, match="differs"):
        load_folder(folder)


def test_tensors_of_another_architecture_are_refused(folder: Path) -> None:
    import hashlib

    tensors = load_file(folder / "model.safetensors")
    tensors["stranger"] = torch.zeros(1)
    save_file(tensors, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    config["sha256"] = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="stranger"):
        load_folder(folder)


def test_numbers_beyond_half_precision_are_refused() -> None:
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 1e6)
    with pytest.raises(ValueError, match="float16"):
        half_precision(model)


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="mae-photos"):
        checkpoint("mona-lisa")
    with pytest.raises(ValueError, match="light_generator"):
        build_model("perceptron", {})


def test_weights_that_are_not_on_disk_say_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        load_folder(tmp_path / "nothing-here")


@pytest.mark.parametrize("name", [name for name, record in CHECKPOINTS.items() if record.is_own])
def test_every_shipped_checkpoint_loads_is_small_and_has_its_card(name: str) -> None:
    info, record = weights_info(name), CHECKPOINTS[name]
    model = load_model(name)
    assert sum(p.numel() for p in model.parameters()) == info.num_parameters
    assert (record.folder / "model.safetensors").stat().st_size < MAX_BYTES
    assert info.metrics
    assert info.steps > 0
    card = (record.folder / "README.md").read_text()
    assert all(f"| {measure} | {value} |" in card for measure, value in info.metrics.items())
    facts = json.loads((record.folder / "config.json").read_text())
    lesson = config_of(facts["command"]).lesson()
    assert facts.get("lesson", "") == lesson and lesson in card
