"""Two processes, started as a user starts them with `accelerate launch`, share one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from models.training.distributed import Processes, join
from models.training.loop.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[3]

CHECK = """
import torch
from torch import nn
from models.training.distributed import join

processes = join("cpu")
used, unused = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(2))
used.grad = torch.full((3,), processes.rank + 1.0)
processes.average_gradients([used, unused])
assert processes.world_size == 2
assert used.grad.tolist() == [1.5, 1.5, 1.5]
assert unused.grad is None
assert processes.gather(torch.full((1, 2), float(processes.rank))).tolist() == [[0.0, 0.0], [1.0, 1.0]]
processes.close()
"""


def launch_two(folder: Path, *program: str) -> None:
    """Run a program in two processes on the processor; accelerate starts several only when told --multi_gpu."""
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes=2"]
    command += ["--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, *program], cwd=folder, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_alone_there_is_nothing_to_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    processes = join("cpu")
    rows = torch.ones(2, 3)
    assert processes == Processes()
    assert processes.is_main
    assert processes.gather(rows) is rows


@pytest.mark.slow
def test_gradients_are_averaged_and_rows_gathered_over_two_processes(tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text(CHECK)
    launch_two(tmp_path, "check.py")


@pytest.mark.slow
def test_two_processes_train_moco_with_the_same_arguments_and_share_their_keys(
    labelled_zip: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    launch_two(
        tmp_path, "-m", "models.training", "moco", "--data", str(labelled_zip), "--out", str(run), "--device=cpu",
        "--steps=2", "--image-size=32", "--width=8", "--dim=16", "--queue-size=32", "--batch-size=4",
        "--precision=fp32",
    )  # fmt: skip
    checkpoint = RunFolder(run).load_checkpoint()
    assert checkpoint is not None
    assert checkpoint.step == 2
    assert int(checkpoint.state["method"]["queue_ptr"]) == 2 * 2 * 4  # steps, processes, images
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2]  # only the main process writes
