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

from models.training.loop.metrics_tail import MetricsTail

ROW_MARK = "@row "
UPLOAD_SECONDS = 300.0
LAST_TRIES, AGAIN_SECONDS = 10, 30.0  # of the upload without which all that was trained is lost


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
            upload(api, repo, shown, 1 if status is None else LAST_TRIES)
            uploaded = time.monotonic()
        time.sleep(1.0 if status is None else 0.0)
    sys.exit(status)


def upload(api: HfApi, repo: str, step: int, tries: int) -> None:
    """Put the run into the repository. A training that is paid for does not end with one lost request.

    Args:
        api: with the login of the job.
        repo: the repository.
        step: the last one that was logged.
        tries: how often; of a single one a failure is only told, since the next upload brings the same and more.

    Raises:
        Exception: of whatever HTTP library, if the last of several tries fails.
    """
    for left in reversed(range(tries)):
        try:
            api.upload_folder(
                repo_id=repo, folder_path="run", path_in_repo="run", ignore_patterns=["*.lock", "*.tmp"],
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
