"""Where trainings are kept, and what becomes of them when the host restarts.

The disk of a Space is lost at every restart. A volume that is mounted there is not, but the database needs a local
disk: so on a Space, a data folder on a volume takes copies of the runs, and the local disk has the rest.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from demos.core.command_line import local_data_folder

Kept = Literal["disk", "volume", "nothing"]


def on_space() -> bool:
    """Return whether the app runs as a Space."""
    return os.environ.get("SYSTEM") == "spaces"


def folders_of(data: Path) -> tuple[Path, Path | None]:
    """Return the folder of the trainer, and the one on a volume that takes copies of its runs, if there is one."""
    return (local_data_folder(), data) if on_space() and is_mounted(data) else (data, None)


def is_mounted(folder: Path) -> bool:
    """Return whether a folder lies, or would lie, on another disk than the root of the system."""
    nearest = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return nearest.stat().st_dev != Path("/").stat().st_dev


def outlives_restart(has_volume: bool) -> Kept:
    """Return what of the trainings outlives a restart of the host."""
    if has_volume:
        return "volume"
    return "nothing" if on_space() else "disk"
