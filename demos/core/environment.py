"""Settings that must stand before gradio is imported, and the folder the browser may fetch from."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from demos.core import memory

PREFIX = "unlabeled-"
DEFAULTS = {
    "GRADIO_ANALYTICS_ENABLED": "False",  # nobody is told that this app runs
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",  # over plain HTTP a download counts its bytes, and stops when it is told to
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000",  # the statistics after each event cost more than the event
    "GRADIO_RUN_HISTORY": "False",  # the next visitor of a shared screen sees nothing of the last
}


def prepare(offline: bool = False) -> None:
    """Set the defaults above and give this process few arenas and a fresh folder for Gradio's files.

    With `offline` set, nothing in this process asks the Hub; its client reads that once, when it is imported.
    Everything in that folder is served to whoever knows its path, so nothing else belongs there. Folders that
    killed processes left behind are removed.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    memory.share_arenas()
    parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    if parent.name.startswith(PREFIX):
        return  # prepared already, in this process or the one that started it
    _remove_abandoned(parent)
    folder = parent / f"{PREFIX}{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def files_folder() -> Path:
    """Return the folder for result files, inside the one Gradio serves."""
    return Path(os.environ["GRADIO_TEMP_DIR"]) / "results"


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX)
        if pid.isdecimal() and not _is_running(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    if os.name == "nt":
        return True  # there, signal 0 would end the process instead of asking
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
