"""A run folder whose files were damaged: one sentence, and the last good checkpoint is used."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from models.training.__main__ import main
from models.training.loop.run_folder import Checkpoint, RunFolder
from models.training.recipes._base import Export


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint(step, {"x": torch.full((600,), float(step))}, {})


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    (tmp_path / "run").mkdir()
    return RunFolder(tmp_path / "run")


DAMAGES: dict[str, Any] = {
    "cut": lambda data: data[: len(data) // 2],
    "nearly whole": lambda data: data[:-30],
    "empty": lambda data: b"",
    "zeros": lambda data: bytes(len(data)),
    "a page": lambda data: b"<html>404</html>",
    "other content": None,
}


def damage(path: Path, kind: str) -> None:
    if kind == "other content":
        torch.save({"step": 7}, path)
    else:
        path.write_bytes(DAMAGES[kind](path.read_bytes()))


@pytest.mark.parametrize("kind", DAMAGES)
def test_the_last_good_checkpoint_is_used(run: RunFolder, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    for step in (10, 20, 30):
        run.save_checkpoint(checkpoint(step))
    damage(run.checkpoint_path, kind)
    with caplog.at_level(logging.WARNING):
        found = run.load_checkpoint()
    assert found is not None and (found.step, float(found.state["x"][0])) == (20, 20.0)
    assert run.checkpoint_step() == 20
    assert any("checkpoint.pt is damaged" in record.message for record in caplog.records)
    assert all("\n" not in record.message for record in caplog.records)


@pytest.mark.parametrize("kind", DAMAGES)
def test_without_a_good_one_the_reason_is_one_sentence(run: RunFolder, kind: str) -> None:
    run.save_checkpoint(checkpoint(10))
    damage(run.checkpoint_path, kind)
    assert run.checkpoint_step() == 0
    with pytest.raises(ValueError, match=r"checkpoint\.pt is damaged: remove it") as caught:
        run.load_checkpoint()
    assert "\n" not in str(caught.value)


def test_a_file_system_without_links_keeps_the_newest_checkpoint(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    for step in (10, 20):
        run.save_checkpoint(checkpoint(step))
    assert run.checkpoint_step() == 20


def test_a_command_on_a_damaged_run_ends_with_one_sentence(
    labelled_zip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = ["vae", "--data", str(labelled_zip), "--out", str(tmp_path / "run"), "--steps", "2"]
    options += ["--image-size", "32", "--batch-size", "2", "--latent-dim", "4", "--num-filters", "8"]
    assert main(options) == 0
    run = RunFolder(tmp_path / "run")
    damage(run.checkpoint_path, "cut")
    run.previous_path.unlink(missing_ok=True)
    assert main(options) == 2
    assert "checkpoint.pt is damaged" in caplog.messages[-1]
    (run.path / "config.json").write_text("{")
    assert main(options) == 2
    assert "config.json is damaged" in caplog.messages[-1]


def test_a_damaged_row_of_the_metrics_is_left_out(run: RunFolder) -> None:
    run.metrics_path.write_bytes(b'{"step": 1}\n\xff\x00\n[]\n{"step": 2}\n{"step": 3}\n')
    run.forget_metrics_after(2)
    assert run.metrics_path.read_text("utf-8") == '{"step": 1}\n{"step": 2}\n'


def test_damaged_kept_weights_are_refused_with_a_sentence(run: RunFolder) -> None:
    exports = {"": Export("vae", {}, nn.Linear(2, 2))}
    run.keep_weights(5, exports)
    run.load_kept(5, exports)
    damage(run.path / "kept" / "step-000005" / "model.safetensors", "cut")
    with pytest.raises(ValueError, match="is damaged"):
        run.load_kept(5, exports)
