"""Where trainings are kept: on a Space, a volume takes copies and the local disk is lost; elsewhere the disk stays."""

from pathlib import Path

import gradio as gr
import pytest

import app as app_module
from demos.core import storage
from demos.core.context import Context, make_context
from demos.core.i18n import Texts
from demos.page.discovery import discover


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Space; return its home."""
    monkeypatch.setenv("SYSTEM", "spaces")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def mount(monkeypatch: pytest.MonkeyPatch, volume: Path) -> None:
    monkeypatch.setattr(storage, "is_mounted", lambda folder: folder == volume)


def test_elsewhere_a_data_folder_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount(monkeypatch, tmp_path)
    assert storage.folders_of(tmp_path) == (tmp_path, None)
    assert storage.outlives_restart(False) == "disk"


def test_on_a_space_a_volume_takes_copies(space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount(monkeypatch, tmp_path / "volume")
    local = space / ".local" / "share" / "unlabeled"
    assert storage.folders_of(tmp_path / "volume") == (local, tmp_path / "volume")
    assert storage.folders_of(local) == (local, None), "a folder on the disk that is lost is no volume"
    assert [storage.outlives_restart(each) for each in (True, False)] == ["volume", "nothing"]


@pytest.mark.skipif(not Path("/dev/shm").is_mount(), reason="there is no second file system to look at")
def test_a_volume_is_told_by_its_file_system(tmp_path: Path) -> None:
    assert storage.is_mounted(Path("/dev/shm/not/there/yet"))
    assert not storage.is_mounted(Path("/not/there/yet"))


@pytest.mark.parametrize(("volume", "kept"), [(True, "volume"), (False, "nothing")])
def test_the_tab_of_a_space_says_what_outlives_a_restart(
    space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: Context, volume: bool, kept: str
) -> None:
    mount(monkeypatch, tmp_path / "volume")
    jobs = app_module.job_manager(tmp_path / "volume" if volume else tmp_path / "disk", True, False)
    told = make_context(
        context.load_model, context.weights_info, tmp_path / "files", first_paint=context.first_paint, jobs=jobs
    )
    (tab,) = (demo for demo in discover() if demo.name == "train")
    with gr.Blocks() as blocks:
        tab.build(told)
    lines = [each for each in blocks.blocks.values() if getattr(each, "elem_id", "") == "train-keeps"]
    jobs.close()
    assert [each.value for each in lines] == [Texts.load().localize_html(f"train.keeps_{kept}")]
