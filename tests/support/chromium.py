"""Find the Chromium that the browser tests drive; run as a script, install one where there is none.

A name in the variable UNLABELED_CHROMIUM is taken as it stands. Otherwise an installed browser is used, then
one that Playwright has downloaded; the script goes on to Debian's package and to Playwright's download.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HELP = (
    "No Chromium for the browser tests. Install Chromium or Google Chrome, or name one: "
    "UNLABELED_CHROMIUM=/path/to/chromium make test"
)


def runs(path: str) -> bool:
    """Whether the program at `path` is a browser that starts (a distribution's placeholder does not)."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def downloaded() -> str | None:
    """Return the path of the browser that Playwright has downloaded, or None."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def find_chromium() -> str | None:
    """Return the path of a browser that starts, or None.

    Raises:
        FileNotFoundError: UNLABELED_CHROMIUM names something that does not start.
    """
    named = os.environ.get("UNLABELED_CHROMIUM")
    if named:
        if not runs(named):
            raise FileNotFoundError(f"UNLABELED_CHROMIUM is {named!r}, which does not start.")
        return named
    installed = [path for name in NAMES if (path := shutil.which(name))] + [*MAC_APPS]
    return next(filter(runs, installed), None) or downloaded()


def install_package() -> None:
    """Install Debian's package, where that can be done without asking anybody."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", "-qq", *command], env=quiet, stdout=subprocess.DEVNULL, check=False)


def install_download() -> None:
    """Have Playwright download its own Chromium."""
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> None:
    """Print the path of a browser, after installing one if need be."""
    ways: tuple[tuple[str, Callable[[], None]], ...] = (
        ("Debian's package chromium", install_package),
        ("Playwright's download", install_download),
    )
    try:
        path = find_chromium()
    except FileNotFoundError as error:
        sys.exit(str(error))
    for title, install in ways:
        if not path:
            print(f"No Chromium is installed: trying {title}", flush=True)
            install()
            path = find_chromium()
    if not path:
        sys.exit(HELP)
    print(f"Browser tests use {path}")


if __name__ == "__main__":
    main()
