"""A shallow model, a session and a photo for the tests of the MAE tab."""

from pathlib import Path

import pytest
from fakes import ShallowModels
from PIL import Image

from demos.core.context import Context
from demos.mae.session import MAESession
from models.networks.mae import MaskedAutoencoderViT


@pytest.fixture(scope="module")
def model(shallow_models: ShallowModels) -> MaskedAutoencoderViT:
    model = shallow_models.load_model("mae-photos")
    assert isinstance(model, MaskedAutoencoderViT)
    return model


@pytest.fixture
def session(context: Context) -> MAESession:
    return MAESession(context)


@pytest.fixture
def path(photo: Image.Image, tmp_path: Path) -> str:
    photo.save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")
