"""A program that calls the app over HTTP."""

from pathlib import Path

from gradio_client import Client

PATIENCE = 300.0  # seconds; gradio_client gives up after five, too soon on a busy machine


def connect(url: str, downloads: Path) -> Client:
    """Return a client of the app at `url` that keeps answers in the folder `downloads`."""
    return Client(url, download_files=str(downloads), verbose=False, httpx_kwargs={"timeout": PATIENCE})
