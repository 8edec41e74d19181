"""Publish trained weights on the Hugging Face Hub with config and model card."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path

from huggingface_hub import HfApi

from models.checkpoints import load_folder, read_config
from models.hub.client import Hub, hub_errors
from models.hub.references import Reference
from models.training.evaluation.export import export_run
from models.training.evaluation.model_card import SHEET, card

MAX_BYTES = 5_000_000_000  # per file, by default on the Hub
FILES = ("model.safetensors", "config.json", "README.md", SHEET)


log = logging.getLogger(__name__)


def publish_source(
    source: Path, repo_id: str, part: str, data: list[Path] | None, private: bool, token_env: str | None
) -> None:
    """Publish a weights folder, or the export of a run, with the token in `token_env`; log its address."""
    token = os.environ.get(token_env) if token_env else None
    if token_env and not token:
        raise ValueError(f"The variable {token_env} is empty; put a token with write access into it.")
    with tempfile.TemporaryDirectory() as stage:
        folder = source
        if not (folder / "model.safetensors").is_file():
            folder = Path(stage) / repo_id.rpartition("/")[2]
            export_run(source, folder, part, data, MAX_BYTES)
        log.info("%s", publish(folder, repo_id, private=private, token=token))


def publish(folder: Path, repo_id: str, *, private: bool = False, token: str | None = None, endpoint: str = "") -> str:
    """Upload a weights folder that loads to a repository on the Hub, created if needed; return its address."""
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
    record = read_config(folder)
    if "sheet" in record:
        shutil.copyfile(folder / SHEET, stage / SHEET)
    (stage / "README.md").write_text(card(folder, record, repo_id), "utf-8")
