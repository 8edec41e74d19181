"""The far end of a job on Hugging Face: trains in a downloaded repository, and puts what comes out back into it.

It runs in the visitor's own job, in a folder with `code.zip`, `data.zip`, `task.json` and, to go on, `run/`. Logged
rows are printed behind a mark, by which the near end follows them.
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

from models.training._tail import MetricsTail

ROW_MARK = "@row "
UPLOAD_SECONDS = 300.0


def main() -> None:
    """Train, print each new row, upload the run every few minutes and at the end; exit as the training did."""
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
            api.upload_folder(
                repo_id=repo, folder_path="run", path_in_repo="run", ignore_patterns=["*.lock", "*.tmp"],
                commit_message=f"Step {shown}",
            )  # fmt: skip
            uploaded = time.monotonic()
        time.sleep(1.0 if status is None else 0.0)
    sys.exit(status)


if __name__ == "__main__":
    main()
