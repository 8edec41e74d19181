"""Hugging Face Jobs with the visitor's own login.

Images, code and run are uploaded to a private repository of the visitor; metrics are read from the job's log. The
login is held in memory until the job ends: it is never written and never passed to a local process. The job gets it
as a secret, to read and write the private repository.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

from huggingface_hub import HfApi

from models.training.execution.backends import ROOT, Task
from models.training.execution.remote_handle import LIVE, REMOTE, RemoteHandle, temporary_folder
from models.training.loop.init_weights import find_start
from models.training.loop.run_folder import RunFolder, write_json
from models.training.recipes import RECIPES

DEPENDENCIES = (
    "torch", "torchvision", "numpy", "pillow", "safetensors", "huggingface_hub", "tqdm", "filelock", "pydantic",
    "scipy",
)  # fmt: skip
BEGIN = (
    "import os,sys,runpy;from huggingface_hub import snapshot_download as s;"
    "os.chdir(s(os.environ['UNLABELED_REPO'],local_dir='job'));sys.path.insert(0,'code.zip');"
    "runpy.run_module('models.training.execution.hf_worker',run_name='__main__')"
)


class HFJobs:
    """Backend for the Hugging Face Jobs of one visitor.

    Args:
        token: of the visitor, with the permission to run jobs and create repositories.
        flavor: the hardware.
        timeout: of the job, as "2h".
        endpoint: of the Hub.
    """

    off: str | None = None

    def __init__(self, token: str, flavor: str = "t4-small", timeout: str = "2h", endpoint: str | None = None) -> None:
        self._api = HfApi(endpoint=endpoint, token=token)
        self._token, self.flavor, self.timeout = token, flavor, timeout

    def __repr__(self) -> str:
        return f"HFJobs(flavor={self.flavor!r}, timeout={self.timeout!r})"  # never the token

    def launch(self, task: Task) -> RemoteHandle:
        """Start a task, or watch it again if it still runs; return at once."""
        handle = RemoteHandle(self._api, task, lambda task, owner: self._submit(task, owner, handle.may_start))
        handle.start()
        return handle

    def end(self, folder: Path) -> None:
        """End a detached job by the folder of its task; raises any error of the HTTP library."""
        stored = json.loads((folder / REMOTE).read_text(encoding="utf-8"))
        job = {"job_id": stored["job"], "namespace": stored["namespace"]}
        if str(self._api.inspect_job(**job).status.stage) in LIVE:
            self._api.cancel_job(**job)

    def _submit(self, task: Task, namespace: str, may_start: Callable[[], bool]) -> str | None:
        """Upload a task and return the id of its job, None if it may not start any more."""
        repo = f"{namespace}/unlabeled-{task.folder.name[:12]}"
        self._api.create_repo(repo, private=True, exist_ok=True)
        with temporary_folder(task.folder, "send-") as folder:
            stage(task, folder)
            self._api.upload_folder(
                repo_id=repo, folder_path=folder, commit_message="Send a training job",
                delete_patterns="run/error.json",  # of an earlier try
            )  # fmt: skip
        if not may_start():
            return None
        job = self._api.run_uv_job(
            "python",
            script_args=["-c", BEGIN],
            dependencies=list(DEPENDENCIES),
            env={"UNLABELED_REPO": repo},
            secrets={"HF_TOKEN": self._token},
            flavor=self.flavor,
            timeout=self.timeout,
            name="unlabeled",
            namespace=namespace,
        )
        write_json(task.folder / REMOTE, {"job": job.id, "namespace": namespace, "repo": repo})
        return job.id


def stage(task: Task, folder: Path) -> None:
    """Write code, images, arguments, initial weights and the run so far into a folder for upload."""
    with zipfile.ZipFile(folder / "code.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((ROOT / "models").rglob("*.py")):
            archive.write(path, path.relative_to(ROOT).as_posix())
    with zipfile.ZipFile(folder / "data.zip", "w") as archive:
        for path in sorted((task.folder / "data").rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(task.folder / "data").as_posix())
    write_json(folder / "task.json", {"arguments": list(task.arguments)})
    run, there = RunFolder(task.folder / "run"), RunFolder(folder / "run")
    recipe, config, data = run.load_config()
    init = run.load_init()
    if init is not None:
        for part, source in find_start(init, RECIPES[recipe].parts_of(config)).items():
            shutil.copytree(source, folder / "init" / part, dirs_exist_ok=True)
    there.save_config(recipe, config, data, None if init is None else "init")
    for path in (run.checkpoint_path, run.metrics_path):
        if path.is_file():
            shutil.copy2(path, there.path / path.name)
