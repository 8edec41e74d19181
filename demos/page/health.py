"""What a host asks the app: whether it can serve visitors, as JSON at ``/health``; nothing of a visitor is in it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from typing import Any

import gradio as gr
from starlette.responses import JSONResponse
from starlette.routing import Route

from demos.core import environment
from demos.core.context import Context
from demos.core.paths import ASSETS
from models.checkpoints import CHECKPOINTS

OWN = tuple(name for name, record in CHECKPOINTS.items() if record.is_own)
MIN_FREE = 200 * 2**20  # bytes on a disk, below which results and trainings can no longer be written


def version() -> str:
    """Return the commit of a git checkout, else the newest heading of the changelog."""
    root = ASSETS.parent
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "rev-parse", "--short", "HEAD"]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            pass
    changelog = root / "CHANGELOG.md"
    lines = changelog.read_text("utf-8").splitlines() if changelog.is_file() else []
    return next((line.removeprefix("## ").strip() for line in lines if line.startswith("## ")), "unknown")


def health(ctx: Context, waiting: int, most_waiting: int | None) -> dict[str, Any]:
    """Return what there is of weights, disk, queue and jobs, with a sentence in `problems` for each that is lacking."""
    problems = []
    folders = {name: ctx.library.folder(name) for name in OWN}
    missing = [name for name, folder in folders.items() if folder is None or not (folder / "config.json").is_file()]
    if missing:
        problems.append(f"Weights are not on disk: {', '.join(missing)}.")
    places = [environment.files_folder().parent, *([ctx.jobs.folder] if ctx.jobs else [])]
    free = min(shutil.disk_usage(place).free for place in places)
    if free < MIN_FREE:
        problems.append(f"Only {free // 2**20} MiB are free on the disk; {MIN_FREE // 2**20} are needed.")
    if most_waiting is not None and waiting >= most_waiting:
        problems.append(f"The queue is full: {waiting} events wait.")
    jobs = None
    try:
        jobs = ctx.jobs.counts() if ctx.jobs else None
    except sqlite3.Error as error:
        problems.append(f"The database of jobs cannot be read ({type(error).__name__}).")
    return {
        "status": "failing" if problems else "ok",
        "problems": problems,
        "profile": ctx.profile,
        "weights": {"present": len(OWN) - len(missing), "missing": missing},
        "disk_free_bytes": free,
        "queue": {"waiting": waiting, "limit": most_waiting},
        "jobs": jobs,
        "training": "on" if ctx.jobs and ctx.jobs.off is None else "off",
    }


def health_route(ctx: Context, app: gr.Blocks) -> Route:
    """Return the route ``/health``: status 200, or 503 with the reasons in `problems`."""
    running = version()

    def answer(_: Any) -> JSONResponse:
        found = health(ctx, len(app._queue), app._queue.max_size)
        status = 503 if found["problems"] else 200
        return JSONResponse({"version": running, **found}, status, {"Cache-Control": "no-store"})

    return Route("/health", answer)
