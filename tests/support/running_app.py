"""The real app in a process of its own, on a free port, with its own folder for files."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 180.0  # seconds; a cold start on a busy machine takes a tenth of it


@dataclass(frozen=True)
class RunningApp:
    """Where the app is, and the process that serves it."""

    url: str
    pid: int
    seconds_to_first_byte: float


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_app(
    folder: Path,
    *arguments: str,
    port: int | None = None,
    root: Path = ROOT,
    python: str = sys.executable,
    program: str = "app.py",
    **environment: str,
) -> Iterator[RunningApp]:
    """Start the app, wait until it answers, and stop it at the end.

    Args:
        folder: for the app's files and its log.
        arguments: of its command line.
        port: on which it listens, a free one by default.
        root: of the app's own files.
        python: the interpreter.
        program: that starts it, relative to `root`.
        environment: variables of the app beside those of this process.

    Raises:
        RuntimeError: the app ended, or did not answer in `START_LIMIT` seconds; with what it printed last.
    """
    port = port or free_port()
    log = folder / "app.log"
    start = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, program, "--port", str(port), *arguments],
            cwd=root,
            env={
                **os.environ,
                "GRADIO_TEMP_DIR": str(folder),
                "UNLABELED_DATA": str(folder / "data"),
                "PYTHONUNBUFFERED": "1",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_it_answers(url, process, log)
        yield RunningApp(url, process.pid, time.perf_counter() - start)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for a server; a RuntimeError with the end of its log if it ended, or was too slow."""
    start = time.perf_counter()
    while not _answers(url):
        if process.poll() is not None or time.perf_counter() - start > START_LIMIT:
            raise RuntimeError(f"The app did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.02)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return bool(response.read(1))
    except urllib.error.HTTPError:
        raise
    except OSError:
        return False
