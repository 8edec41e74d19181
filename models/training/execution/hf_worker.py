"""The worker of a Hugging Face job: train in a downloaded repository and upload the run to it.

Its folder holds `code.zip`, `data.zip`, `task.json` and, to resume, `run/`. Metrics are printed after `ROW_MARK`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from huggingface_hub import HfApi

from models.training.loop.metrics_tail import MetricsTail

ROW_MARK = "@row "
UPLOAD_SECONDS = 300.0
LAST_TRIES, AGAIN_SECONDS = 10, 30.0  # of the last upload, without which the run is lost


def main() -> None:
    """Train, print new metrics, upload the run every few minutes and at the end; exit with the training's status."""
    repo = os.environ["UNLABELED_REPO"]
    with zipfile.ZipFile("data.zip") as archive:
        archive.extractall("data")
    arguments = json.loads(Path("task.json").read_text(encoding="utf-8"))["arguments"]
    environment = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"}
    process = subprocess.Popen(
        [sys.executable, "-m", "models.training", *arguments], env={**environment, "PYTHONPATH": "code.zip"}
    )
    api, tail, shown, uploaded = HfApi(), MetricsTail(), 0, time.monotonic()
    status: int | None = None
    while status is None:
        status = process.poll()
        for row in tail.rows(Path("run/metrics.jsonl"), shown):
            shown = int(row["step"])
            sys.stdout.write(f"{ROW_MARK}{json.dumps(row)}\n")
        sys.stdout.flush()
        if status is not None or time.monotonic() - uploaded > UPLOAD_SECONDS:
            upload(api, repo, shown, 1 if status is None else LAST_TRIES)
            uploaded = time.monotonic()
        time.sleep(1.0 if status is None else 0.0)
    sys.exit(status)


def upload(api: HfApi, repo: str, step: int, tries: int) -> None:
    """Upload the run up to a step; raises the error of the last of several tries, a single one only logs it."""
    for left in reversed(range(tries)):
        try:
            api.upload_folder(
                repo_id=repo, folder_path="run", path_in_repo="run", ignore_patterns=["*.lock", "*.tmp", "images.json"],
                commit_message=f"Step {step}",
            )  # fmt: skip
            return
        except Exception as error:
            sys.stdout.write(f"Step {step} could not be uploaded: {type(error).__name__}\n")
            sys.stdout.flush()
            if not left and tries > 1:
                raise
            time.sleep(AGAIN_SECONDS if left else 0.0)


if __name__ == "__main__":
    main()
