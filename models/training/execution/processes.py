"""Start time, memory and groups of processes, from /proc on Linux, else from `ps`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

PROC = Path("/proc")


def start_time(pid: int) -> str | None:
    """Return an id of this process that survives reuse of its number; None if it has ended."""
    if sys.platform == "linux":
        fields = _stat(pid)
        if fields is None or fields[0] == "Z":
            return None
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{fields[19]}"  # field 22 of proc(5), counted from the state
    line = _ps("-o", "stat=,lstart=", "-p", str(pid)).strip()
    return None if not line or line.startswith("Z") else line.split(maxsplit=1)[1]


def group_memory(group: int) -> int:
    """Return the resident bytes of all processes of a group; torch maps several times as much address space."""
    if sys.platform == "linux":
        page = os.sysconf("SC_PAGE_SIZE")
        pids = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()]
        members = [fields for pid in pids if (fields := _stat(pid)) is not None and int(fields[2]) == group]
        return sum(int(fields[21]) * page for fields in members)  # field 24, resident pages
    rows = [line.split() for line in _ps("-A", "-o", "pgid=,rss=").splitlines()]
    return sum(int(kilobytes) * 1024 for pgid, kilobytes in rows if int(pgid) == group)


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to every process of a group; one that has ended is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: the latter for a group of zombies
        os.killpg(group, number)


def _stat(pid: int) -> list[str] | None:
    """Return the fields of proc(5)'s stat from the state on; a name in parentheses may hold anything."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout
