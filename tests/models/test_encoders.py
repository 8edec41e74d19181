"""Every encoder of the map, over shallow models, through the one interface."""

import pytest
import torch
from fakes import ShallowModels
from torch import Tensor, nn

from models.checkpoints import CHECKPOINTS, WeightsInfo
from models.encoders import ENCODERS, EncoderSpec, load_encoder
from models.networks.backbones import ResNet
from models.networks.feature_extractors import FeatureEncoder, as_encoder
from models.networks.mae import MaskedAutoencoderViT
from models.networks.vae import ConvVAE

SPECS = pytest.mark.parametrize("spec", ENCODERS.values(), ids=ENCODERS.keys())


def pictures(spec: EncoderSpec, num: int = 3) -> Tensor:
    return torch.rand(num, 3, spec.image_size(), spec.image_size()) * 2 - 1


def test_the_map_can_choose_from_these() -> None:
    assert list(ENCODERS) == ["simsiam", "simclr", "moco", "mae", "vae", "supervised", "random"]
    assert [name for name, spec in ENCODERS.items() if spec.trained_with_labels] == ["supervised"]


@SPECS
def test_records_are_complete(spec: EncoderSpec) -> None:
    assert ENCODERS[spec.name] is spec
    assert spec.title
    assert spec.summary.endswith(".")
    assert "\n" not in spec.summary
    assert spec.checkpoint is None or spec.checkpoint in CHECKPOINTS
    assert (spec.checkpoint is None) == (spec.name == "random")


@SPECS
@torch.no_grad()
def test_encoders_keep_what_their_record_says(spec: EncoderSpec, shallow_models: ShallowModels) -> None:
    encoder = load_encoder(spec.name, shallow_models.load_model)
    assert not any(module.training for module in encoder.modules())
    features = encoder(pictures(spec))
    assert features.shape == (3, spec.feature_dim)
    assert torch.isfinite(features).all()
    assert features.std(dim=0).max() > 0


@SPECS
@torch.no_grad()
def test_features_do_not_depend_on_the_batch(spec: EncoderSpec, shallow_models: ShallowModels) -> None:
    encoder, images = load_encoder(spec.name, shallow_models.load_model), pictures(spec)
    alone = torch.cat([encoder(image[None]) for image in images])
    assert torch.allclose(encoder(images), alone, atol=1e-4)


@SPECS
def test_only_the_recorded_weights_are_loaded(spec: EncoderSpec, shallow_models: ShallowModels) -> None:
    asked = []

    def load_model(name: str) -> nn.Module:
        asked.append(name)
        return shallow_models.load_model(name)

    load_encoder(spec.name, load_model)
    assert asked == ([] if spec.checkpoint is None else [spec.checkpoint])


@torch.no_grad()
def test_the_random_baseline_is_the_same_every_time_and_leaves_the_state_alone() -> None:
    spec = ENCODERS["random"]
    state = torch.get_rng_state()
    first = load_encoder("random")
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    images = pictures(spec)
    assert torch.equal(first(images), load_encoder("random")(images))


def test_the_random_baseline_has_the_backbone_of_the_others() -> None:
    random = ENCODERS["random"]
    for name in ("simsiam", "simclr", "moco", "supervised"):
        assert ENCODERS[name].feature_dim == random.feature_dim


def test_the_side_is_the_one_that_the_weights_config_names() -> None:
    def info(name: str) -> WeightsInfo:
        return WeightsInfo(
            name, "resnet", {"width": 32, "img_size": 96} if name == "simclr-photos" else {}, 64, 1, 1, ""
        )

    assert [ENCODERS[name].image_size(info) for name in ("simclr", "moco", "random")] == [96, 64, 64]
    assert as_encoder(ResNet(8, (1,), img_size=96))[1] == 96


@torch.no_grad()
def test_each_encoder_gives_the_features_it_promises(shallow_models: ShallowModels) -> None:
    mae, vae = shallow_models.load_model("mae-photos"), shallow_models.load_model("vae-fruit")
    supervised = shallow_models.load_model("supervised-photos")
    assert isinstance(mae, MaskedAutoencoderViT)
    assert isinstance(vae, ConvVAE)
    assert isinstance(supervised, ResNet)
    assert supervised.fc is not None
    images = pictures(ENCODERS["mae"])
    assert torch.equal(load_encoder("mae", shallow_models.load_model)(images), mae.forward_features(images))
    images = pictures(ENCODERS["vae"])
    assert torch.equal(load_encoder("vae", shallow_models.load_model)(images), vae.encode(images)[0])
    features = load_encoder("supervised", shallow_models.load_model)(images)
    assert torch.equal(supervised.fc(features), supervised(images))


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'dino'.*simsiam.*random"):
        load_encoder("dino")


def test_models_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="Identity"):
        FeatureEncoder(nn.Identity())
