"""Publish trained weights on the Hugging Face Hub with config and model card."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi

from models.checkpoints import load_folder
from models.hub.client import Hub, hub_errors
from models.hub.references import Reference
from models.training.evaluation.export import SHEET, card, export_run

MAX_BYTES = 5_000_000_000  # per file, by default on the Hub
FILES = ("model.safetensors", "config.json", "README.md", SHEET)


log = logging.getLogger(__name__)


def publish_source(
    source: Path, repo_id: str, part: str, data: list[Path] | None, private: bool, token: str | None
) -> None:
    """Publish a weights folder, or the export of a run, and log its address; raises as `publish`."""
    with tempfile.TemporaryDirectory() as stage:
        folder = source
        if not (folder / "model.safetensors").is_file():
            folder = Path(stage) / repo_id.rpartition("/")[2]
            export_run(source, folder, part, data, MAX_BYTES)
        log.info("%s", publish(folder, repo_id, private=private, token=token))


def publish(folder: Path, repo_id: str, *, private: bool = False, token: str | None = None, endpoint: str = "") -> str:
    """Push a weights folder to a repository on the Hub, which is made if there is none; return its address.

    The files are loaded first, so that nothing is published that does not load.

    Args:
        folder: With `model.safetensors` and `config.json`, as `export` writes it.
        repo_id: Such as "user/repo".
        private: Whether a repository that is made now is private.
        token: Of the person who publishes; None for the one who is logged in on this machine.
        endpoint: Address of the Hub; empty for the client's own.

    Raises:
        HubError: The id is none, the Hub cannot be reached, or it refuses.
        FileNotFoundError: The folder holds no weights.
        ValueError: The weights do not load.
    """
    reference = Reference.parse(repo_id)
    load_folder(folder)
    hub = Hub(endpoint=endpoint)
    api = HfApi(endpoint=hub.address, token=token)
    with tempfile.TemporaryDirectory() as stage, hub_errors(hub, reference.repo_id):
        _prepare(folder, Path(stage), reference.repo_id)
        api.create_repo(reference.repo_id, private=private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=reference.repo_id,
            folder_path=stage,
            commit_message=f"Publish {folder.name}",
            allow_patterns=list(FILES),
        )
    return f"{hub.address}/{reference.repo_id}/tree/{commit.oid}"


def _prepare(folder: Path, stage: Path, repo_id: str) -> None:
    for name in FILES[:2]:
        shutil.copyfile(folder / name, stage / name)
    record: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    if "sheet" in record:
        shutil.copyfile(folder / SHEET, stage / SHEET)
    (stage / "README.md").write_text(card(repo_id.split("/")[1], record, repo_id), "utf-8")
